"""Which changes of an OpenAPI description break programs that were written against the earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def breaking(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Every breaking change, in words: what is gone, what is asked for anew, and what became of another type."""
    return list(_operations(old, new))


def _operations(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            after = new["paths"].get(path, {}).get(method)
            name = f"{method.upper()} {path}"
            if after is None:
                yield f"{name} is gone"
                continue
            yield from _parameters(name, before, after)
            yield from _body(name, before, after, old, new)
            yield from _answers(name, before, after, old, new)
            if before.get("x-token-scope") != after.get("x-token-scope"):
                yield f"{name} asks for another scope"


def _parameters(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old = {(p["in"], p["name"]): p for p in before.get("parameters", ())}
    new = {(p["in"], p["name"]): p for p in after.get("parameters", ())}
    for key, parameter in old.items():
        if key not in new:
            yield f"{name} takes no {key[1]} any more"
        elif _type(parameter["schema"]) != _type(new[key]["schema"]):
            yield f"{name} takes {key[1]} as another type"
    for key, parameter in new.items():
        if parameter.get("required") and not old.get(key, {}).get("required"):
            yield f"{name} now needs {key[1]}"


def _content(holder: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        kind: _resolved(media.get("schema", {}), document)
        for kind, media in holder.get("content", {}).items()
    }


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _body(
    name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
) -> Iterator[str]:
    was, now = _content(before.get("requestBody", {}), old), _content(after.get("requestBody", {}), new)
    if not was and after.get("requestBody", {}).get("required"):
        yield f"{name} now needs a body"
    for kind, schema in was.items():
        if kind not in now:
            yield f"{name} takes no {kind} any more"
            continue
        for field in schema.get("properties", {}):
            if field not in now[kind].get("properties", {}):
                yield f"{name} takes no {field} in its body any more"
        for field in set(now[kind].get("required", ())) - set(schema.get("required", ())):
            yield f"{name} now needs {field} in its body"


def _answers(
    name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
) -> Iterator[str]:
    good = {status: r for status, r in before["responses"].items() if str(status).startswith("2")}
    for status, answer in good.items():
        if status not in after["responses"]:
            yield f"{name} no longer answers {status}"
            continue
        now = _content(after["responses"][status], new)
        for kind, schema in _content(answer, old).items():
            yield from _shape(f"{name} {status}", schema, now.get(kind), old, new, ())


def _shape(
    where: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any] | None,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    seen: tuple[str, ...],
) -> Iterator[str]:
    if after is None:
        yield f"{where} is gone"
        return
    if before.get("$ref", "") in seen:
        return
    seen = (*seen, before["$ref"]) if "$ref" in before else seen
    before, after = _resolved(before, old), _resolved(after, new)
    if _type(before) != _type(after):
        yield f"{where} is of another type"
        return
    for field, schema in before.get("properties", {}).items():
        yield from _shape(f"{where}.{field}", schema, after.get("properties", {}).get(field), old, new, seen)
    for field in set(before.get("required", ())) - set(after.get("required", ())):
        yield f"{where}.{field} may be missing now"
    if "items" in before:
        yield from _shape(f"{where}[]", before["items"], after.get("items"), old, new, seen)


def _type(schema: Mapping[str, Any]) -> str:
    return str(
        schema.get("type") or sorted(str(s.get("type", s.get("$ref"))) for s in schema.get("anyOf", ()))
    )

"""Runs: results that somebody relied on, with everything they rest on, so that they can be asked again.

A run pins a facts version (retention keeps its files) and the instant until which decisions count.
Replaying asks the same question of both and compares the answer with what was kept, value by value.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

import salesops
from salesops.facts.errors import FactsError
from salesops.platform import audit, decisions
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor, actor_of
from salesops.platform.documents import to_json
from salesops.platform.models import Run, User
from salesops.platform.registries import Registry
from salesops.platform.roles import Role

ENGINE = "duckdb"
SEES_ALL_RUNS = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
"""Roles that see and replay everybody's runs; everyone else sees his own."""
MOST_DIFFERENCES = 200
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

Replay = Callable[[Actor, Run], Any]
"""``(actor, run) -> result``: the same question, asked of the run's facts version and decisions."""


@dataclass(frozen=True)
class RunKind:
    """One kind of run: what it is called, how it is asked again, and where it can be looked at."""

    title: str
    replay: Replay
    opens: Callable[[Run], str] | None = None


run_kinds: Registry[RunKind] = Registry("run kind")


def new_reference() -> str:
    """A name for a run that is about to be recorded, short enough to be read out: ``R-`` and eight characters."""
    return "R-" + "".join(secrets.choice(_ALPHABET) for _ in range(8))


def run_record(
    kind: str,
    params: Mapping[str, Any],
    *,
    actor: Actor,
    manifest_id: str | int | None,
    known_at: datetime,
    as_of: date | None,
    result: Any,
    reference: str = "",
    digest: str = "",
) -> Run:
    """Record a run. It is never changed afterwards.

    Args:
        kind: key of :data:`run_kinds`.
        params: what was asked, enough to ask it again.
        actor: who asked; a replay counts his rows.
        manifest_id: facts version that was read.
        known_at: decisions recorded by then counted.
        as_of: the day the state was read at.
        result: plain values; those that a replay is compared with.
        reference: as :func:`new_reference`, where the result already names it.
        digest: of the result, where ``result`` holds only a part of it.
    """
    run_kinds.get(kind)
    kept = plain(result)
    with transaction.atomic():
        row = Run.objects.create(
            ref=reference or new_reference(),
            kind=kind,
            params=plain(dict(params)),
            manifest_id=int(manifest_id) if manifest_id else None,
            known_at=known_at,
            decisions_through=decisions.high_water_mark()[:120],
            as_of=as_of,
            code_version=salesops.__version__,
            engine=ENGINE,
            result=kept,
            digest=digest or digest_of(kept),
            actor_name=actor.name,
            created_by_id=actor.user_id,
            created_at=timezone.now(),
        )
        audit.record(
            actor=actor,
            action="run.record",
            subject=f"run:{row.ref}",
            after={"kind": kind, "facts_version": row.manifest_id, "digest": row.digest},
        )
    return row


def plain(value: Any) -> Any:
    """A result as JSON keeps it: decimals as text, so that no cent is lost on the way."""
    return json.loads(to_json(value), parse_float=str)


def digest_of(value: Any) -> str:
    """SHA-256 over plain values, whatever the order of their keys."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def runs_of(actor: Actor) -> QuerySet[Run]:
    """The runs an actor may see, newest first: his own; auditors and administrators see all."""
    rows = Run.objects.order_by("-id")
    if actor.role in SEES_ALL_RUNS:
        return rows
    return rows.filter(created_by_id=actor.user_id) if actor.user_id is not None else rows.none()


def run_named(actor: Actor, reference: str) -> Run:
    """One run that an actor may see.

    Raises:
        LookupError: there is none of that name for him.
    """
    row = runs_of(actor).filter(ref=reference.strip().upper()).first()
    if row is None:
        raise LookupError(f"There is no run {reference!r:.40} that you may see.")
    return row


def owner(run: Run) -> Actor:
    """Whose rows a run counted, with the rights he has now.

    Raises:
        ValidationError: the account is gone or switched off.
    """
    if run.created_by_id is None:
        return LOCAL_ADMINISTRATOR
    user = User.objects.filter(pk=run.created_by_id, is_active=True).first()
    if user is None:
        raise ValidationError(
            f"The account {run.actor_name} is switched off: whose rows counted is not known."
        )
    return actor_of(user)


@dataclass(frozen=True)
class Difference:
    """One value that a replay gives differently: where it stands, what was kept, what came now."""

    at: str
    kept: Any
    found: Any


@dataclass(frozen=True)
class Replayed:
    """What came of asking a run again.

    Attributes:
        run: the run.
        same: whether the answer is the same to the last digit.
        differences: where it is not; at most :data:`MOST_DIFFERENCES`.
        code_changed: whether another version of the code answered.
        code_version: the version that answered.
    """

    run: Run
    same: bool
    differences: Sequence[Difference]
    code_changed: bool
    code_version: str

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        by = f" Version {self.code_version} answered, version {self.run.code_version} did then."
        if self.same:
            return "The same to the cent." + (by if self.code_changed else "")
        count = len(self.differences)
        said = f"{count} value{'' if count == 1 else 's'} differ{'s' if count == 1 else ''}."
        return said + (by if self.code_changed else "")


def run_replay(*, actor: Actor, run: Run) -> Replayed:
    """Ask a run's question again and compare.

    Raises:
        ValidationError: its account is switched off.
        LookupError: what it asked about is not there any more.
    """
    run_named(actor, run.ref)  # who may not see it may not replay it
    found = run_kinds.get(run.kind).replay(owner(run), run)
    digest, result = found if isinstance(found, Digested) else (digest_of(found), found)
    differences = list(_differences("", run.result, plain(result)))[:MOST_DIFFERENCES]
    same = digest == run.digest
    if not same and not differences:
        differences = [Difference("rows", run.digest[:12], digest[:12])]
    return Replayed(
        run=run,
        same=same,
        differences=[] if same else differences,
        code_changed=run.code_version != salesops.__version__,
        code_version=salesops.__version__,
    )


class Digested(tuple):  # type: ignore[type-arg]
    """(digest, result) of a replay whose result is only a part of what the digest covers."""

    __slots__ = ()


def digested(digest: str, result: Any) -> Digested:
    """A replay's answer with a digest of its own."""
    return Digested((digest, result))


def _differences(at: str, kept: Any, found: Any) -> Any:
    if isinstance(kept, dict) and isinstance(found, dict):
        for key in [*kept, *(k for k in found if k not in kept)]:
            yield from _differences(f"{at}.{key}".lstrip("."), kept.get(key), found.get(key))
    elif isinstance(kept, list) and isinstance(found, list):
        for place in range(max(len(kept), len(found))):
            one = kept[place] if place < len(kept) else None
            two = found[place] if place < len(found) else None
            yield from _differences(f"{at}[{place}]", one, two)
    elif kept != found:
        yield Difference(at, kept, found)


REFUSALS: tuple[type[Exception], ...] = (LookupError, ValueError, PermissionError, FactsError)
"""Why a replay may not be possible: what it asked about is gone, or the right to it is."""


def kind_title(run: Run) -> str:
    """A run's kind for people."""
    return run_kinds.get(run.kind).title if run.kind in run_kinds else run.kind.capitalize()


def about(run: Run) -> str:
    """What a run is about, in a few words."""
    named = run.params.get("name") or run.params.get("path") or ""
    more = run.params.get("period") or run.params.get("form") or ""
    return " ".join(filter(None, (str(named), str(more))))


def figures(run: Run) -> list[tuple[str, str]]:
    """A run's result as pairs of what and how much; cells of a file's sheets are left out."""

    def walk(at: str, value: Any) -> Any:
        if isinstance(value, dict):
            for key, one in value.items():
                if key != "cells":
                    yield from walk(f"{at} {key}".strip(), one)
        elif isinstance(value, list):
            if value and all(isinstance(one, str) for one in value):
                yield at, ", ".join(value)
            else:
                for place, one in enumerate(value, start=1):
                    yield from walk(f"{at} {place}", one)
        elif value not in (None, ""):
            yield at, str(value)

    return list(walk("", run.result))

"""Commands on numbers: kpis, kpi, cases."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from salesops.analytics import selectors
from salesops.analytics.documents import definition
from salesops.analytics.engine.filters import Filter
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.org import known as known_at
from salesops.platform.cli import actor_from, day, read_yaml
from salesops.platform.documents import to_json
from salesops.platform.registries import kpi_definitions


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verbs."""
    listing = verbs.add_parser("kpis", help="list every KPI with its definition")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=_kpis)

    one = verbs.add_parser("kpi", help="one number, split and filtered as asked, with its rows")
    one.add_argument("name", help="name of the KPI, as `kpis` lists it")
    one.add_argument(
        "--by", action="append", default=[], metavar="DIM", help="split by this dimension; may be repeated"
    )
    one.add_argument("--period", default="", help="2017-Q3, 2017, 2017-08, quarter, all (the default)")
    one.add_argument("--from", dest="first", type=day, metavar="DAY", help="first day, instead of a period")
    one.add_argument("--to", dest="last", type=day, metavar="DAY", help="last day, included")
    one.add_argument("--as-of", type=day, metavar="DAY", help="state as of the end of that day")
    one.add_argument(
        "--known-at",
        default="",
        metavar="WHEN",
        help="as known at the end of a day (2026-03-31), at an instant (2026-03-31T18:00) or at a facts version (v12)",
    )
    one.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="only rows with this value; may be repeated",
    )
    one.add_argument("--rows", metavar="SIDE", help="print the rows behind one side of the number")
    one.add_argument("--json", action="store_true", help="print JSON")
    one.set_defaults(run=_kpi)

    cases = verbs.add_parser("cases", help="run worked examples through the real engines")
    cases.add_argument("kind", choices=("kpi", "ops"), help="which engine they are for")
    cases.add_argument("file", help="YAML file of worked examples")
    cases.add_argument("--json", action="store_true", help="print JSON")
    cases.set_defaults(run=_cases)


def _kpis(args: argparse.Namespace) -> int:
    declared = [definition(kpi) for kpi in selectors.catalogue()]
    if args.json:
        print(to_json(declared))
        return 0
    width = max(len(d["name"]) for d in declared)
    for item in declared:
        print(f"{item['name']:<{width}}  {item['definition']}")
    return 0


def filter_of(text: str) -> Filter:
    """``column=value`` of the command line as a filter; an empty value asks for rows without one."""
    column, equals, value = text.partition("=")
    if not equals:
        message = f"Write a filter as column=value, not {text!r}."
        raise ValueError(message)
    return (
        Filter(column.strip(), "eq", (value.strip(),)) if value.strip() else Filter(column.strip(), "is_null")
    )


def _kpi(args: argparse.Namespace) -> int:
    actor = actor_from(args)  # makes the home ready, which the firm's zone is read from
    known = known_at.read(args.known_at)
    question = selectors.Question(
        period=args.period,
        first=args.first,
        last=args.last,
        by=tuple(args.by),
        filters=tuple(filter_of(f) for f in args.filter),
        as_of=args.as_of,
        manifest_id=known.manifest_id,
        known_at=known.known_at,
    )
    kpi = selectors.kpis([args.name])[0]
    with selectors.ask(actor, question) as asked:
        answer = asked.answer([args.name])
        total = answer.values[0] if not args.by else _total(asked, args.name)
        drilled = asked.execute(asked.rows(args.name, args.rows)).to_pylist() if args.rows else None
    document = {
        "name": kpi.name,
        "title": kpi.title,
        "value": total.value,
        "reason": total.reason,
        "unit": kpi.unit,
        "currency": answer.currency if kpi.unit.startswith("money") else None,
        "period": answer.period.label if answer.period else "all",
        "from": answer.period.first if answer.period else None,
        "to": answer.period.last if answer.period else None,
        "as_of": answer.as_of,
        "data_date": answer.today,
        "facts_version": answer.manifest_id,
        "known_at": known.known_at,
        "n": total.n,
        "sides": total.sides,
        "estimate": total.estimate,
        "interval": total.interval,
        "notes": [*total.notes, *answer.notes],
        "definition": kpi.sentence,
        "formula": kpi.formula,
        "convention": kpi.convention,
        "rows": [_row(value) for value in answer.values] if args.by else [_row(total)],
    }
    if drilled is not None:
        document["rows_of"] = args.rows
        document["rows"] = drilled
    if args.json:
        print(to_json(document))
        return 0
    if known.known_at:
        print(f"As known at {known.known_at:%Y-%m-%d %H:%M:%S %Z}, facts version {answer.manifest_id}")
    _print(kpi, total, answer, args.by, drilled)
    return 0


def _total(asked: selectors.OpenQuestion, name: str) -> KpiValue:
    """The value over all groups, computed on its own: a ratio of totals, not a mean of ratios."""
    from dataclasses import replace

    return replace(asked, splits=()).values([name])[0]


def _row(value: KpiValue) -> dict[str, Any]:
    return {
        **value.group,
        "value": value.value,
        "reason": value.reason,
        "n": value.n,
        "sides": value.sides,
        "notes": value.notes,
    }


def shown(value: int | Decimal | None, kpi: Kpi, currency: str, reason: str = "") -> str:
    """A value as a terminal prints it."""
    if value is None:
        return f"not available: {reason}"
    if kpi.unit == "ratio":
        return f"{Decimal(value) * 100:,.2f} %"
    if kpi.unit == "count":
        return f"{value:,}"
    text = f"{Decimal(value):,.2f}"
    if kpi.unit in ("days", "minutes", "months"):
        return f"{text} {kpi.unit}"
    if kpi.unit == "number":
        return text
    return f"{text} {currency}".strip() + (" a day" if kpi.unit == "money_per_day" else "")


def _print(
    kpi: Kpi,
    total: KpiValue,
    answer: selectors.Answer,
    by: Sequence[str],
    drilled: list[dict[str, Any]] | None,
) -> None:
    print(f"{kpi.title}: {shown(total.value, kpi, answer.currency, total.reason)}")
    period = (
        f"{answer.period.title} ({answer.period.first} to {answer.period.last})"
        if answer.period
        else "all the data"
    )
    print(f"{period}, data of {answer.today}, n = {total.n:,}")
    if by:
        for value in answer.values:
            name = ", ".join("(none)" if v is None else str(v) for v in value.group.values())
            print(
                f"  {name:<32} {shown(value.value, kpi, answer.currency, value.reason):>20}  n = {value.n:,}"
            )
    for row in drilled or []:
        key = row.get("id") or row.get("person_id") or ""
        print(f"  {key:<20} {row.get('name') or row.get('account_name') or '':<32} {row['contribution']}")
    for note in [*total.notes, *answer.notes]:
        print(f"  note: {note}")
    print(f"{kpi.formula}. {kpi.convention}")


def _cases(args: argparse.Namespace) -> int:
    import ibis  # with the case runner: no other command here needs either

    from salesops.analytics.engine.cases import run_cases

    document = read_yaml(args.file)
    cases = document.get("cases") if isinstance(document, dict) else document
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        message = f"{args.file} holds no list of cases."
        raise ValueError(message)
    declared = dict(kpi_definitions.items())  # higher domains' KPIs too: quotas; a firm's own need a home
    results = run_cases(cases, ibis.duckdb.connect(), declared)
    wrong = [r for r in results if not r.ok]
    failed = {r.case_id for r in wrong}
    total = {r.case_id for r in results}
    not_here = sorted({r.case_id for r in wrong if not r.here})
    if args.json:
        counts = {"passed": len(total - failed), "failed": len(failed), "not_here": not_here}
        print(to_json({**counts, "results": results}))
        return 1 if failed else 0
    for result in (r for r in wrong if r.here):
        print(f"{result.case_id} {result.key}: expected {result.expected}, got {result.got}")
    functions = {str(case.get("id", "")): case.get("function") or case.get("kpi") for case in cases}
    for case_id in not_here:
        print(f"{case_id}: {functions.get(case_id)} is not here yet")
    print(f"{len(total - failed)} passed, {len(failed)} failed")
    return 1 if failed else 0

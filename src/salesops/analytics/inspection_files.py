"""An inspection as sheets of a file, and as a document for programs: amounts exact."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from salesops.analytics.inspection_parts import TITLES, money_of, notes, pace_rows
from salesops.analytics.inspections import Group, Grouping, Line, OpenInspection, Sum
from salesops.ui import exports
from salesops.ui.tables import Table


def line_sheet(lines: Sequence[Line], whole: Group, currency: str) -> exports.Sheet:
    """The lines, exact; those that can't be made with the reason."""
    rows = [
        {
            "title": line.check.title,
            "code": line.check.rule.code,
            "judged": line.judged,
            "reason": line.reason,
            "sentence": line.check.sentence,
            **(money_of(line.found) if not line.reason else {}),
        }
        for line in lines
    ]
    rows += [
        {"title": title, "code": "", "judged": whole.sums["all"].deals, "reason": "", "sentence": sentence}
        | money_of(whole.sums[name])
        for name, (title, sentence) in TITLES.items()
    ]
    return exports.Sheet(
        "Inspection",
        [
            exports.Column("title", "Check", width=28),
            exports.Column("deals", "Deals", "integer"),
            exports.Column("amount", "Value", "money", currency),
            exports.Column("unknown", "Without an amount", "integer"),
            exports.Column("estimate", "At list price, estimate", "money", currency),
            exports.Column("judged", "Of deals it can judge", "integer"),
            exports.Column("reason", "Why it can't be told", width=60),
            exports.Column("sentence", "Which deals", width=80),
            exports.Column("code", "Rule"),
        ],
        rows,
    )


def table_sheet(name: str, table: Table, currency: str) -> exports.Sheet:
    """A table of a page as a sheet."""
    kinds: dict[str, exports.Kind] = {
        "money": "money", "number": "number", "days": "integer", "ratio": "ratio", "day": "day",
    }  # fmt: skip
    return exports.Sheet(
        name,
        [
            exports.Column(c.key, c.title, kinds.get(c.kind, "text"), currency if c.kind == "money" else "")
            for c in table.columns
        ],
        table.rows,
    )


def document(opened: OpenInspection) -> dict[str, Any]:
    """The inspection with everything it rests on, for programs: amounts exact."""
    frames, whole = opened.frames, opened.together()
    manifest = frames.facts.manifest

    def told(one: Sum) -> dict[str, Any]:
        return {
            "deals": one.deals,
            "amount": one.amount,
            "without_amount": one.unknown,
            "estimate": one.estimate,
            "estimated": one.estimated,
        }

    def grouped(split: Grouping) -> list[dict[str, Any]]:
        return [
            {
                **({"pipeline": g.pipeline, "stage": g.stage} if split == "stage" else {"owner": g.owner}),
                "lines": {name: told(one) for name, one in g.sums.items()},
            }
            for g in opened.by(split)
        ]

    return {
        "data_date": frames.today,
        "as_of": frames.as_of,
        "facts_version": str(manifest.id) if manifest else "",
        "known_at": frames.known_at,
        "period": opened.period.label if opened.period else "all",
        "currency": frames.currency or None,
        "lines": [
            {
                "name": line.check.name,
                "title": line.check.title,
                "rule": line.check.rule.code,
                "sentence": line.check.sentence,
                "judged": line.judged,
                "reason": line.reason,
                **(told(line.found) if not line.reason else dict.fromkeys(told(Sum()))),
            }
            for line in opened.lines()
        ],
        **{name: told(whole.sums[name]) for name in TITLES},
        "by_stage": grouped("stage"),
        "by_owner": grouped("owner"),
        "stages": [
            {key: row[key] for key in ("pipeline", "stage", "days", "stays", "reason", "open", "stalled")}
            for row in pace_rows(opened)
        ],
        "time_in_stage": [
            {
                "pipeline": place[0],
                "stage": place[1],
                "bands": [
                    {
                        "first": b.first,
                        "last": b.last,
                        "won": b.won,
                        "lost": b.lost,
                        "low": Decimal(str(b.interval.low)) if b.interval else None,
                        "high": Decimal(str(b.interval.high)) if b.interval else None,
                        "small_sample": b.small,
                    }
                    for b in opened.bands(place)
                ],
            }
            for place, _ in opened.places()
        ],
        "notes": notes(opened),
    }

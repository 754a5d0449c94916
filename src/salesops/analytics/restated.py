"""A number as first reported and as known now, and the rows that make the difference, to the cent.

The way from one to the other is gone in two steps: first the facts come up to date under the decisions
of then, which adds, removes and changes records; then the decisions do. Each row's share of each step is
told, and the shares add up to the whole difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from salesops.analytics.engine.kpi import Kpi, Side
from salesops.analytics.selectors import OpenQuestion, Question, ask
from salesops.core.calendars import Period
from salesops.org import known as known_at
from salesops.org.known import NOW, Known
from salesops.org.selectors import Firm
from salesops.platform import manifest_history
from salesops.platform.actors import Actor

ADDITIVE = frozenset({"count", "sum", "days"})
"""Measures whose value is the sum of its rows: only there do rows explain a difference exactly."""

CAUSES = {
    "added": "Records added",
    "removed": "Records removed",
    "changed": "Values changed",
    "decided": "Decisions changed",
}
"""Causes in the order they are told."""


@dataclass(frozen=True)
class FirstReport:
    """When a period's number was first reported.

    Attributes:
        known: what was known then; None where it was not reported yet.
        why: why it was not, in words.
        version: the facts version that first covered the period.
        same: nothing came since then, so both are the same.
    """

    known: Known | None
    why: str = ""
    version: str = ""
    same: bool = False


def first_report(period: Period | None, firm: Firm) -> FirstReport:
    """The day on which data of a whole period first came, at its end: what the screen said that evening.

    Where a newer version came on the same day, it is the last instant before that.
    """
    if period is None:
        return FirstReport(None, "All data has no end at which it could have been reported first")
    manifest = manifest_history.first_covering(period.last)
    if manifest is None:
        return FirstReport(None, f"The data does not reach the end of {period.title} yet")
    came = manifest.recorded_at.astimezone(ZoneInfo(firm.zone)).date()
    evening = firm.day_end(came).astimezone(UTC)
    last = manifest_history.said_last(manifest)
    instant = evening if last is None else min(evening, last)
    if last is None and known_at.at(instant).now:
        return FirstReport(NOW, version=manifest.id, same=True)
    return FirstReport(known_at.pinned(manifest.id, instant), version=manifest.id)


@dataclass(frozen=True)
class Row:
    """One row's part of a difference.

    Attributes:
        key: id of the record or person.
        label: its name.
        cause: key of :data:`CAUSES`.
        before, after: what it added to the side before and after the step; None where it had no value.
        change: ``after - before``, nothing counting as 0.
    """

    key: str
    label: str
    cause: str
    before: Decimal | None
    after: Decimal | None
    change: Decimal


@dataclass(frozen=True)
class Explained:
    """A side's difference, explained.

    Attributes:
        side: the side.
        before, after: its value first reported and as known later; None where it had none.
        rows: every row that changed its part, largest first.
        people: whether the rows are people, not deals.
    """

    side: Side
    before: Decimal
    after: Decimal
    rows: Sequence[Row]
    people: bool

    @property
    def change(self) -> Decimal:
        """The whole difference; the rows' changes add up to it."""
        return self.after - self.before

    def by_cause(self) -> dict[str, tuple[int, Decimal]]:
        """Cause -> rows and the sum of their changes, those that occur."""
        found: dict[str, tuple[int, Decimal]] = {}
        for cause in CAUSES:
            rows = [row for row in self.rows if row.cause == cause]
            if rows:
                found[cause] = (len(rows), sum((row.change for row in rows), Decimal(0)))
        return found


@dataclass(frozen=True)
class _State:
    """One side's rows in one state of facts and decisions."""

    rows: pa.Table
    ids: pa.Array

    @classmethod
    def read(cls, asked: OpenQuestion, kpi: Kpi, side: Side) -> _State:
        if side.frame not in asked.named:
            return cls(_EMPTY, pa.array([], pa.string()))
        rows = asked.rows(kpi.name, side.name)
        key = _key(rows.columns)
        name = next((c for c in ("name", "owner_name") if c in rows.columns), key)
        added = rows.group_by(key=rows[key]).agg(
            value=rows.contribution.cast("decimal(38,4)").sum(), label=rows[name].max()
        )
        frame = asked.named[side.frame]
        ids = asked.execute(frame.select(key=frame[_key(frame.columns)]))
        return cls(_typed(asked.execute(added)), ids.column("key").combine_chunks().cast(pa.string()))


_SCHEMA = pa.schema([("key", pa.string()), ("value", pa.decimal128(38, 4)), ("label", pa.string())])
_EMPTY = _SCHEMA.empty_table()


def _typed(table: pa.Table) -> pa.Table:
    return pa.table([table.column(f.name).cast(f.type) for f in _SCHEMA], schema=_SCHEMA)


def _key(columns: Sequence[str]) -> str:
    return "id" if "id" in columns else "owner_id"


def explain(actor: Actor, kpi: Kpi, side: Side, before: Question, after: Question) -> Explained:
    """The difference of one side between two states of knowledge, row by row.

    Args:
        actor: whose rows, under the rights of now.
        kpi: the number.
        side: one whose measure is in :data:`ADDITIVE` and whose rows can be listed.
        before: the question as first reported.
        after: the same as known later.
    """
    with ask(actor, after) as asked:
        manifest = asked.frames.facts.manifest
        last = _State.read(asked, kpi, side)
    with ask(actor, before) as asked:
        first = _State.read(asked, kpi, side)
    between = replace(before, manifest_id=manifest.id if manifest else None)
    with ask(actor, between) as asked:
        middle = _State.read(asked, kpi, side)
    rows = [*_facts_step(first, middle), *_decisions_step(middle, last)]
    rows.sort(key=lambda row: (-abs(row.change), row.key, row.cause))
    return Explained(side, _sum(first), _sum(last), rows, people=side.frame != "deals")


def _sum(state: _State) -> Decimal:
    return pc.sum(state.rows.column("value")).as_py() or Decimal(0)


def _facts_step(before: _State, after: _State) -> list[Row]:
    found = _differing(before, after)
    keys = pa.array([row["key"] for row in found], pa.string())
    was = pc.is_in(keys, value_set=before.ids).to_pylist()
    still = pc.is_in(keys, value_set=after.ids).to_pylist()
    causes = [
        "added" if not had else "removed" if not has else "changed"
        for had, has in zip(was, still, strict=True)
    ]
    return [_row(row, cause) for row, cause in zip(found, causes, strict=True)]


def _decisions_step(before: _State, after: _State) -> list[Row]:
    return [_row(row, "decided") for row in _differing(before, after)]


def _row(found: dict[str, Any], cause: str) -> Row:
    before, after = found["value"], found["value_after"]
    return Row(
        key=found["key"],
        label=found["label_after"] or found["label"] or found["key"],
        cause=cause,
        before=before,
        after=after,
        change=(after or Decimal(0)) - (before or Decimal(0)),
    )


def _differing(before: _State, after: _State) -> list[dict[str, Any]]:
    """Rows whose part is not the same in both, also those that are in one only and add something."""
    joined = before.rows.join(after.rows, keys="key", join_type="full outer", right_suffix="_after")
    nothing = pa.scalar(Decimal(0), pa.decimal128(38, 4))
    left = pc.fill_null(joined.column("value"), nothing)
    right = pc.fill_null(joined.column("value_after"), nothing)
    found: list[dict[str, Any]] = joined.filter(pc.not_equal(left, right)).to_pylist()
    return found

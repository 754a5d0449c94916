"""Open deals with what an inspection looks at, and what became of decided ones by their time in a stage: set
expressions, and what is made of their counts. How long stays usually take, ``paces`` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.kpi import LocalDate
from salesops.analytics.engine.paces import FLOOR, Place, Usual, with_limits
from salesops.analytics.engine.statistics import Interval, wilson
from salesops.analytics.engine.work import called_off, is_human, took_place

BANDS: tuple[tuple[int, int | None], ...] = (
    (0, 2), (3, 7), (8, 14), (15, 30), (31, 60), (61, 90), (91, 180), (181, None),
)  # fmt: skip
"""Days in a stage, first and last of each band, both inclusive; the last has no end."""

ADDED: Mapping[str, str] = {
    "stage_entered_on": "date",
    "stage_days": "int64",
    "stage_limit": "int64",
    "stage_stays": "int64",
    "pushed": "int64",
    "pushed_from": "date",
    "contact_count": "int64",
    "touched_on": "date",
    "planned_on": "date",
}
"""Columns that :func:`inspected` adds to a deal, and their types."""


# --- How long stays take -------------------------------------------------------------------------


def decided_stays(visits: ir.Table) -> ir.Table:
    """One row per won or lost deal and stage it stood in: ``deal_id``, ``pipeline``, ``stage``, ``outcome``, ``days``.

    ``days`` are those of all its stays in the stage together; a deal of which one stay has no known length
    is left out there.
    """
    done = visits.filter(visits.stage_class.isin(["won", "lost"]))
    laid = done.group_by(
        deal_id=done.id, pipeline=done.pipeline.fill_null(""), stage=done.stage, outcome=done.stage_class
    ).agg(days=done.days.sum().cast("int64"), known=done.days.count(), stays=done.count())
    return laid.filter(laid.known == laid.stays).drop("known", "stays")


def counted_stays(stays: ir.Table) -> ir.Table:
    """How many deals stood how long in a stage, by outcome."""
    return stays.group_by("pipeline", "stage", "outcome", "days").agg(n=stays.count())


@dataclass(frozen=True)
class Band:
    """Deals that stood so long in a stage, and what became of them.

    Attributes:
        first, last: days of the band, both inclusive; None for no end.
        won, lost: deals.
    """

    first: int
    last: int | None
    won: int = 0
    lost: int = 0

    @property
    def n(self) -> int:
        """Decided deals."""
        return self.won + self.lost

    @property
    def interval(self) -> Interval | None:
        """Range that the share won plausibly lies in; None without a deal."""
        return wilson(self.won, self.n)

    @property
    def small(self) -> bool:
        """Whether the deals are too few to lean on."""
        return self.n < FLOOR


def bands(rows: Iterable[Mapping[str, Any]], place: Place) -> list[Band]:
    """What became of deals by how long they stood in one stage, from the counts of :func:`counted_stays`."""
    counts = {edges: {"won": 0, "lost": 0} for edges in BANDS}
    for row in rows:
        if (row["pipeline"], row["stage"]) != place:
            continue
        for first, last in BANDS:
            if row["days"] >= first and (last is None or row["days"] <= last):
                counts[first, last][row["outcome"]] += row["n"]
    return [Band(first, last, **counts[first, last]) for first, last in BANDS]


# --- The open deals ------------------------------------------------------------------------------


def worked(rows: ir.Table, local_date: LocalDate, as_of: date) -> ir.Table:
    """Deal -> last day somebody worked on it and next day something is planned: ``w_id``, ``worked_on``, ``next_on``.

    What a machine sent is no work. A past activity whose status says that it did not take place is none,
    nor is a coming one that was called off planned.

    Args:
        rows: activities.
        local_date: instant -> day of the firm's zone.
        as_of: today.
    """
    today = ibis.literal(as_of, type="date")
    day = ibis.coalesce(rows.happened_on, local_date(rows.starts_at))
    own = rows.select(
        w_id=rows.opportunity_id,
        day=day,
        human=is_human(rows),
        done=took_place(day, rows.status, as_of),
        stands=~called_off(rows.status),
    )
    own = own.filter(own.w_id.notnull() & own.human & own.day.notnull())
    return own.group_by("w_id").agg(
        worked_on=own.day.max(where=own.done),
        next_on=own.day.min(where=(own.day > today) & own.stands),
    )


def contacts(rows: ir.Table) -> ir.Table:
    """Deal -> contacts that have a role on it: ``c_id``, ``contact_count``."""
    known = rows.filter(rows.opportunity_id.notnull())
    return known.group_by(c_id="opportunity_id").agg(contact_count=known.contact_id.nunique())


def pushes(moves: ir.Table) -> ir.Table:
    """Deal -> moves of its close date to a later fiscal quarter: ``m_id``, ``pushed``, ``pushed_from``.

    Args:
        moves: what ``Journeys.close_moves`` gives.
    """
    later = moves.filter(moves.move == "push")
    # The earliest date it was ever pushed from tells how far the deal has come from its first promise.
    return later.group_by(m_id="id").agg(pushed=later.count(), pushed_from=later.old_close_on.min())


def since(visits: ir.Table) -> ir.Table:
    """Deal -> since when it stands in its stage: ``s_id``, ``stage_entered_on`` (empty where nothing tells)."""
    now = visits.filter(visits.is_current)
    return now.select(s_id=now.id, stage_entered_on=now.entered_on)


def inspected(
    deals: ir.Table,
    as_of: date,
    *,
    stands: ir.Table | None = None,
    usually: Mapping[Place, Usual] | None = None,
    moved: ir.Table | None = None,
    roles: ir.Table | None = None,
    work: ir.Table | None = None,
) -> ir.Table:
    """Open deals with the columns of :data:`ADDED`; those of what the data does not hold are empty.

    Args:
        deals: open deals, with ``pipeline``, ``stage`` and ``last_activity_on``.
        as_of: today.
        stands: what :func:`since` gives.
        usually: what :func:`salesops.analytics.engine.paces.usual` gives.
        moved: what :func:`pushes` gives.
        roles: what :func:`contacts` gives.
        work: what :func:`worked` gives.
    """
    today = ibis.literal(as_of, type="date")
    rows = deals
    if stands is not None:
        rows = rows.left_join(stands, rows.id == stands.s_id).drop("s_id")
        rows = rows.mutate(stage_days=today.delta(rows.stage_entered_on, unit="day").cast("int64"))
    if usually is not None:
        rows = with_limits(rows, usually)
    if moved is not None:
        rows = rows.left_join(moved, rows.id == moved.m_id).drop("m_id")
        rows = rows.mutate(pushed=rows.pushed.fill_null(0).cast("int64"))
    if roles is not None:
        rows = rows.left_join(roles, rows.id == roles.c_id).drop("c_id")
        rows = rows.mutate(contact_count=rows.contact_count.fill_null(0).cast("int64"))
    if work is not None:
        rows = rows.left_join(work, rows.id == work.w_id).drop("w_id")
    # A CRM's own "last activity" may lie ahead: then it is planned.
    own = rows.last_activity_on
    past, ahead = (own <= today).ifelse(own, ibis.null("date")), (own > today).ifelse(own, ibis.null("date"))
    if work is not None:
        past, ahead = _later(past, rows.worked_on), _earlier(ahead, rows.next_on)
    rows = rows.mutate(touched_on=past, planned_on=ahead)
    rows = rows.drop(*(name for name in ("worked_on", "next_on") if name in rows.columns))
    empty = {name: ibis.null(kind) for name, kind in ADDED.items() if name not in rows.columns}
    return rows.mutate(**empty)


def _later(a: ir.DateValue, b: ir.DateValue) -> ir.DateValue:
    return ibis.greatest(ibis.coalesce(a, b), ibis.coalesce(b, a))


def _earlier(a: ir.DateValue, b: ir.DateValue) -> ir.DateValue:
    return ibis.least(ibis.coalesce(a, b), ibis.coalesce(b, a))


# --- Counts --------------------------------------------------------------------------------------


def grouped(
    rows: ir.Table,
    flags: Mapping[str, tuple[ir.BooleanValue, ir.BooleanValue]],
    by: Sequence[str],
) -> ir.Table:
    """Deals and money per group, over all rows, per flag, and of those with and without one.

    Columns ``<flag>_n`` (deals), ``_amount`` (known amounts summed, empty where none is known), ``_known``,
    ``_estimate`` (estimates of those without an amount), ``_estimated``, and ``<flag>_judged``.

    Args:
        rows: open deals.
        flags: name -> (rows it can judge, rows it is raised on); never null.
        by: columns to group by.
    """
    kept = ("amount", "amount_estimate", *by)
    raised: ir.BooleanValue = ibis.literal(False)
    columns: dict[str, ir.Value] = {}
    for name, (judged, found) in flags.items():
        columns |= {f"judged_{name}": judged, f"is_{name}": found}
        raised = raised | found
    # Each condition is made once, then counted.
    laid = rows.select(*kept, **columns, is_all=ibis.literal(True), is_any=raised, is_healthy=~raised)
    measures: dict[str, ir.Scalar] = {
        f"{name}_judged": laid.count(where=laid[f"judged_{name}"]) for name in flags
    }
    guessed = laid.amount.isnull() & laid.amount_estimate.notnull()
    for name in (*flags, "all", "any", "healthy"):
        hit = laid[f"is_{name}"]
        measures |= {
            f"{name}_n": laid.count(where=hit),
            f"{name}_amount": laid.amount.sum(where=hit),
            f"{name}_known": laid.amount.count(where=hit),
            f"{name}_estimate": laid.amount_estimate.sum(where=hit & guessed),
            f"{name}_estimated": laid.count(where=hit & guessed),
        }
    return laid.group_by(list(by)).agg(**measures)

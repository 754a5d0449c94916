"""What a fair comparison rests on, read for one reader: everybody's closed deals, stays and places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.filters import apply_filters
from salesops.analytics.engine.work import with_owner
from salesops.analytics.kept import of_everybody, remembered, state_key
from salesops.analytics.selectors import OpenQuestion
from salesops.core.calendars import Period
from salesops.facts.scope import Scope
from salesops.performance.engine.standardise import FEWEST_PEOPLE, Compared, compare
from salesops.performance.engine.work_done import UNKNOWN, Closed, Measure, Stay, deals, months
from salesops.process.engine.deals import people_table
from salesops.process.inputs import Frames, deals_of, masked_columns

TERRITORY = ("segment", "region")
"""Traits of a deal's territory, coarsest first, as far as the data has them."""


@dataclass(frozen=True)
class Person:
    """One person beside others.

    Attributes:
        id, name, team: who.
        found: raw and adjusted result.
        stands_in: whether the time in the firm is counted from the first deal, for want of a date of hire.
    """

    id: str
    name: str
    team: str
    found: Compared
    stands_in: bool


@dataclass(frozen=True)
class Comparison:
    """A fair comparison as one reader sees it.

    Attributes:
        period: days whose closings count.
        people: those whose records the reader may see, best adjusted result first, who is not judged last.
        everybody: how many people the comparison rests on.
        territory: traits of the territory that were used.
        reason: why nothing can be compared; "" where it can.
        notes: what is to be said beside it.
    """

    period: Period
    people: tuple[Person, ...]
    everybody: int
    territory: tuple[str, ...]
    reason: str = ""
    notes: tuple[str, ...] = ()


def comparison(asked: OpenQuestion, measure: Measure) -> Comparison:
    """Everybody that the reader may see, beside what others made of the same work.

    What others made is read from the whole firm's deals, in groups of at least three others; people's own
    figures are shown where the reader sees all their deals.
    """
    frames = asked.frames
    period = _period(asked)
    hidden = _hidden(frames, measure)
    if hidden:
        return Comparison(period, (), 0, (), f"{hidden} hidden from your role")
    dates = frames.scope.masks("users", "hired_on") or frames.scope.masks("users", "left_on")
    if dates and measure == "value_per_month":
        return Comparison(
            period, (), 0, (), "dates of hire are hidden from your role, and months would tell them"
        )
    by_tenure = not dates
    # The same for every reader, whoever asks first.
    firm = remembered(
        ("fair", measure, period, by_tenure, *state_key(of_everybody(frames))),
        lambda: _firm(frames, period, measure, by_tenure),
    )
    own = _own_units(asked, period)
    chosen = _chosen(asked, [found.person for found in firm.found])
    people = []
    for found in firm.found:
        person = frames.people.get(found.person)
        name, team = (person.name, person.team) if person else (found.person, "")
        if not frames.scope.sees_owner(found.person) or found.person not in chosen:
            continue
        if own.get(found.person, 0) != firm.closed[found.person]:
            found = replace(
                Compared(found.person, 0, found.total * 0, None),
                reason="you see only some of their deals",
            )
        elif _tells_of_few(found, frames.scope):
            found = replace(
                Compared(found.person, found.units, found.total, found.raw),
                reason="what others make would tell of one or two people whose records you may not see",
            )
        people.append(Person(found.person, name, team, found, found.person in firm.stands_in))
    people.sort(key=lambda p: (p.found.verdict == "unknown", -(p.found.adjusted or 0), p.name, p.id))
    notes = []
    if not by_tenure:
        notes.append("Not adjusted for tenure: dates of hire are hidden from your role.")
    elif any(p.stands_in for p in people):
        notes.append("Where no date of hire is known, time in the firm counts from the first deal.")
    return Comparison(period, tuple(people), len(firm.found), firm.territory, "", tuple(notes))


@dataclass(frozen=True)
class _Firm:
    """What is the same for every reader."""

    found: tuple[Compared, ...]
    closed: Mapping[str, int]
    stands_in: frozenset[str]
    territory: tuple[str, ...]


def _tells_of_few(found: Compared, scope: Scope) -> bool:
    """Whether a group rests on one or two people that are hidden from the reader, who knows all its others."""
    hidden = (sum(not scope.sees_owner(person) for person in group) for group in found.groups)
    return any(0 < number < FEWEST_PEOPLE for number in hidden)


def _firm(frames: Frames, period: Period, measure: Measure, by_tenure: bool) -> _Firm:
    whole = deals_of(frames, Scope.all())
    rows, territory = _closed(frames, whole, period)
    stays = _stays(frames, whole)
    people = frames.people.values()
    roles = {p.id: p.role for p in people}
    if measure == "value_per_month":
        # Who sold nothing counts too: colleagues of the sellers' roles who own deals.
        selling = {roles.get(row.person, "") for row in rows}
        mine = {person: stay for person, stay in stays.items() if roles.get(person, "") in selling}
        last = min(period.last, frames.as_of)
        cells = months(rows, mine, roles, {p.id: p.region for p in people}, period.first, last)
        territory = ("region",)
    else:
        known = stays if by_tenure else {person: replace(s, since=None) for person, s in stays.items()}
        cells = deals(rows, known, roles, measure)
    closed: dict[str, int] = {}
    for row in rows:
        closed[row.person] = closed.get(row.person, 0) + row.closed
    found = compare(cells, Fraction(1) if measure == "win_rate" else None)
    stands_in = frozenset(person for person, stay in stays.items() if stay.stands_in)
    return _Firm(tuple(found), {one.person: closed.get(one.person, 0) for one in found}, stands_in, territory)


def _closed_deals(table: ir.Table, period: Period) -> ir.Table:
    return table.filter(
        table.stage_class.isin(["won", "lost"]),
        table.owner_id.notnull(),
        table.closed_on.between(ibis.literal(period.first), ibis.literal(period.last)),
    )


def _closed(frames: Frames, whole: ir.Table, period: Period) -> tuple[list[Closed], tuple[str, ...]]:
    """Closed deals added up by owner, month and territory, and the traits of the territory."""
    facts, table = frames.facts, _closed_deals(whole, period)
    present = facts.execute(table.agg(**{name: table[name].count() for name in TERRITORY})).to_pylist()[0]
    traits = tuple(name for name in TERRITORY if present[name])
    won = table.stage_class == "won"
    grouped = table.group_by(
        person=table.owner_id,
        year=table.closed_on.year().cast("int64"),
        month=table.closed_on.month().cast("int64"),
        **{name: table[name].fill_null(UNKNOWN) for name in traits},
    )
    # Squares only tell how far amounts scatter: they are no money.
    size = table.amount.cast("float64")
    rows = facts.execute(
        grouped.agg(
            closed=table.count(),
            won=won.sum(),
            unknown=(won & table.amount.isnull()).sum(),
            value=table.amount.sum(where=won),
            squares=(size * size).sum(where=won),
            cubes=(size * size * size).sum(where=won),
        )
    ).to_pylist()
    return [
        Closed(
            person=row["person"],
            month=date(row["year"], row["month"], 1),
            territory=tuple(row[name] for name in traits),
            closed=row["closed"],
            won=int(row["won"]),
            unknown=int(row["unknown"]),
            value=row["value"] or Decimal(0),
            squares=row["squares"] or 0.0,
            cubes=row["cubes"] or 0.0,
        )
        for row in rows
    ], traits


def _stays(frames: Frames, whole: ir.Table) -> dict[str, Stay]:
    """When people came and left; the day of the first deal stands in for an unknown date of hire."""
    facts = frames.facts
    first = facts.execute(
        whole.filter(whole.owner_id.notnull())
        .group_by("owner_id")
        .agg(first=whole.created_on.min(), last=whole.closed_on.max())
    ).to_pylist()
    users = facts.read("users", Scope.all())
    dates = {
        row["id"]: (row["hired_on"], row["left_on"])
        for row in facts.execute(users.select("id", "hired_on", "left_on")).to_pylist()
    }
    found = {}
    for row in first:
        hired, left = dates.get(row["owner_id"], (None, None))
        person = frames.people.get(row["owner_id"])
        if left is None and person is not None and not person.is_active:
            left = row["last"]  # gone, nobody says since when: no month after the last closing is theirs
        found[row["owner_id"]] = Stay(hired or row["first"], left, hired is None)
    return found


def _own_units(asked: OpenQuestion, period: Period) -> Mapping[str, int]:
    """How many closed deals of each person the reader sees."""

    def read() -> dict[str, int]:
        table = _closed_deals(asked.frames.deals, period)
        rows = asked.execute(table.group_by("owner_id").agg(n=table.count())).to_pylist()
        return {row["owner_id"]: row["n"] for row in rows}

    return remembered(("fair own", period, *state_key(asked.frames)), read)


def _period(asked: OpenQuestion) -> Period:
    if asked.period is not None:
        return asked.period
    return asked.frames.firm.calendar.period("year", asked.frames.as_of)


def _hidden(frames: Frames, measure: Measure) -> str:
    """What is hidden from the reader without which the comparison can't be told."""
    needs = {"stage", "stage_class", "closed_on", *TERRITORY} | (
        set() if measure == "win_rate" else {"amount"}
    )
    gone = sorted(needs & masked_columns(frames))
    return (
        f"{', '.join(name.replace('_', ' ') for name in gone)} {'is' if len(gone) == 1 else 'are'}"
        if gone
        else ""
    )


def _chosen(asked: OpenQuestion, people: Sequence[str]) -> frozenset[str]:
    """Those of some people whom the question's filters ask for: the page's team select."""
    if not asked.filters:
        return frozenset(people)
    owners = ibis.memtable({"owner_id": list(people)}, schema={"owner_id": "string"})
    known = with_owner(owners, ibis.memtable(people_table(asked.frames.people.values())))
    rows = asked.execute(apply_filters(known, asked.filters).select("owner_id"))
    return frozenset(rows["owner_id"].to_pylist())

"""Win and loss: what became of the deals closed in a period, by competitor, reason and other parts, and before.

Set engine: deals in, counts by part, value, span and ending out. A deal that was lost because the buyer decided for
nobody stands apart: it is neither won nor lost to somebody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.catalogue.rates import NO_DECISION
from salesops.analytics.engine.figure import Figure, exact, quotient, to_decimal, undefined
from salesops.analytics.engine.journeys import LOST_ORDER, UNKNOWN_DAY
from salesops.analytics.engine.noise import Movement, judge_shares
from salesops.analytics.engine.statistics import Interval, wilson
from salesops.core.calendars import Period

FEWEST = 10
"""Decided deals below which a win rate is said to rest on too few."""
MOST = 25
"""Values of one part that are told one by one, those of most deals first; the others stand together."""
STAGE = "lost_from"
"""The part that is no column of the deals: the open stage that a lost deal was last in."""

NOW, THEN, REST = "now", "then", "rest"
"""Spans: the period, as much of the one before it, and what is left of that one."""

_WIDE_MONEY = "decimal(38,4)"
_STEPS = 20_000
_NOTHING_DECIDED = "no deal was won or lost to somebody"

Ending = Literal["won", "lost", "no_decision"]
Of = Literal["decided", "losses"]


@dataclass(frozen=True)
class Spans:
    """The days that are counted.

    Attributes:
        period: the period asked for; None for all the data, which has nothing before it.
        before: the period before it; None where the data does not hold it.
        cut: the day of ``before`` that stands where the data's day stands in ``period``.
        earlier: whole periods before ``before``, oldest first.
        over: whether ``period`` is over.
    """

    period: Period | None = None
    before: Period | None = None
    cut: date | None = None
    earlier: tuple[Period, ...] = ()
    over: bool = True

    @property
    def first(self) -> date | None:
        """The earliest day that is counted; None for every day."""
        if self.period is None:
            return None
        return min(p.first for p in (*self.earlier, *((self.before,) if self.before else ()), self.period))


@dataclass(frozen=True)
class Deals:
    """Deals and their money.

    Attributes:
        n: how many.
        amount: known amounts summed; None where none is known.
        known: deals with an amount.
    """

    n: int = 0
    amount: Decimal | None = None
    known: int = 0

    def __add__(self, other: Deals) -> Deals:
        if self.amount is None or other.amount is None:
            amount = other.amount if self.amount is None else self.amount
        else:
            amount = self.amount + other.amount
        return Deals(self.n + other.n, amount, self.known + other.known)


@dataclass(frozen=True)
class Tally:
    """What became of some deals."""

    won: Deals = field(default_factory=Deals)
    lost: Deals = field(default_factory=Deals)
    no_decision: Deals = field(default_factory=Deals)

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.won + other.won, self.lost + other.lost, self.no_decision + other.no_decision)

    @property
    def losses(self) -> Deals:
        """Deals not won, whether lost to somebody or to nobody."""
        return self.lost + self.no_decision

    @property
    def closed(self) -> Deals:
        """All of them."""
        return self.won + self.losses

    @property
    def decided(self) -> int:
        """Deals won, or lost to somebody."""
        return self.won.n + self.lost.n

    @property
    def rate(self) -> Figure:
        """Share of the decided that was won."""
        return quotient(self.won.n, self.decided, unknown=_NOTHING_DECIDED, zero=_NOTHING_DECIDED)

    @property
    def interval(self) -> Interval | None:
        """Wilson 95 % interval of the rate; None without a decided deal."""
        return wilson(self.won.n, self.decided)

    @property
    def few(self) -> bool:
        """Whether the decided deals are too few to lean on."""
        return self.decided < FEWEST


@dataclass(frozen=True)
class Line:
    """One value of a part, or all of them.

    Attributes:
        part: column, or :data:`STAGE`; "" for all deals.
        value: the value; None for deals without one, and for ``others``.
        now: deals of the period.
        then: deals of as much of the period before; None without one.
        movement: the period against whole ones before it: of the win rate, or of the share of the losses where
            the part says why or where deals were lost; None where the period is not over or has none before it.
        others: how many values stand together in this line; 0 for one value.
    """

    part: str
    value: str | None
    now: Tally
    then: Tally | None = None
    movement: Movement | None = None
    others: int = 0


# --- Counting ------------------------------------------------------------------------------------


def closed(deals: ir.Table, spans: Spans, parts: Sequence[str]) -> ir.Table:
    """Deals won or lost in the spans: ``id``, ``ended``, ``span``, ``amount`` and the columns of ``parts``."""
    rows = deals.filter(deals.stage_class.isin(["won", "lost"]))
    if spans.period is not None and spans.first is not None:
        rows = rows.filter(rows.closed_on.between(_day(spans.first), _day(spans.period.last)))
    nobody = rows.loss_reason.lower().re_search(NO_DECISION).fill_null(False)
    ended = ibis.cases(
        (rows.stage_class == "won", "won"), (nobody, "no_decision"), else_=ibis.literal("lost")
    )
    kept = {name: rows[name] for name in parts if name != STAGE}
    return rows.select("id", ended=ended, span=_span(rows.closed_on, spans), amount=rows.amount, **kept)


def _day(value: date) -> ir.DateScalar:
    return ibis.literal(value, type="date")


def _span(day: ir.DateValue, spans: Spans) -> ir.StringValue:
    if spans.period is None:
        return ibis.literal(NOW)
    branches: list[tuple[ir.BooleanValue, str]] = [(day >= _day(spans.period.first), NOW)]
    if spans.before is not None and spans.cut is not None:
        branches.append((day.between(_day(spans.before.first), _day(spans.cut)), THEN))
        branches.append((day >= _day(spans.before.first), REST))
    branches += [(day >= _day(period.first), period.label) for period in reversed(spans.earlier)]
    return ibis.cases(*branches, else_=ibis.null("string"))


def last_stages(visits: ir.Table) -> ir.Table:
    """Deal -> the open stage it was lost from: ``s_id``, ``lost_from``.

    Args:
        visits: stays of deals in open stages, as ``Journeys.visits`` gives them.
    """
    ended = visits.filter((visits.stage_class == "lost") & (visits.next_order == LOST_ORDER))
    # Lost, reopened and lost again: the latest loss counts, on one day that of the later stage.
    days = ended.left_on.fill_null(_day(UNKNOWN_DAY)).delta(_day(UNKNOWN_DAY), unit="day")
    key = days * _STEPS + ended.stage_order
    return ended.group_by("id").agg(lost_from=ended.stage.argmax(key)).rename(s_id="id")


def with_last_stage(rows: ir.Table, stages: ir.Table) -> ir.Table:
    """What :func:`closed` gives, with ``lost_from`` of the deals that were not won."""
    joined = rows.left_join(stages, rows.id == stages.s_id)
    return joined.drop("s_id")


def counts(rows: ir.Table, parts: Sequence[str]) -> ir.Table:
    """One row a part, value, span and ending: deals, known amounts and their sum; in one query.

    Args:
        rows: what :func:`closed` gives.
        parts: columns of them; "" for all deals together. Where deals were lost from is counted of losses alone.
    """
    made = []
    for part in parts:
        here = rows.filter(rows.ended != "won") if part in (STAGE, "loss_reason") else rows
        value = here[part].cast("string") if part else ibis.null("string")
        one = here.select("span", "ended", "amount", part=ibis.literal(part), value=value)
        made.append(
            one.group_by("part", "value", "span", "ended").agg(
                n=one.count(), known=one.amount.count(), amount=one.amount.cast(_WIDE_MONEY).sum()
            )
        )
    return ibis.union(*made) if len(made) > 1 else made[0]


# --- From counts to lines ------------------------------------------------------------------------


def lines(rows: Iterable[Mapping[str, Any]], spans: Spans) -> dict[str, list[Line]]:
    """Part -> its lines, from what :func:`counts` gave: values of most deals first, those without one last."""
    found: dict[str, dict[str | None, dict[str, Tally]]] = {}
    for row in rows:
        here = found.setdefault(row["part"], {}).setdefault(row["value"], {})
        tally = Tally(**{row["ended"]: Deals(int(row["n"]), row["amount"], int(row["known"]))})
        here[row["span"]] = here.get(row["span"], Tally()) + tally
    whole = found.get("", {}).get(None, {})
    return {part: _of_part(part, values, whole, spans) for part, values in found.items()}


def _of_part(
    part: str, values: Mapping[str | None, Mapping[str, Tally]], whole: Mapping[str, Tally], spans: Spans
) -> list[Line]:
    def size(value: str | None) -> tuple[bool, int, int, str]:
        now, then = (values[value].get(span, Tally()).closed.n for span in (NOW, THEN))
        return value is None, -now, -then, value or ""

    seen = [v for v in values if {NOW, THEN} & values[v].keys()]
    ordered = sorted(seen, key=size)
    named = [v for v in ordered if v is not None]
    made = [_line(part, v, values[v], whole, spans) for v in named[:MOST]]
    if rest := named[MOST:]:
        together: dict[str, Tally] = {}
        for value in rest:
            for span, tally in values[value].items():
                together[span] = together.get(span, Tally()) + tally
        made.append(_line(part, None, together, whole, spans, len(rest)))
    return [*made, *(_line(part, v, values[v], whole, spans) for v in ordered if v is None)]


def _line(
    part: str,
    value: str | None,
    spanned: Mapping[str, Tally],
    whole: Mapping[str, Tally],
    spans: Spans,
    others: int = 0,
) -> Line:
    then = spanned.get(THEN, Tally()) if spans.before is not None else None
    movement = None
    if spans.over and spans.before is not None:
        movement = judge_shares([_pair(part, one, of) for one, of in _series(spanned, whole, spans)])
    return Line(part, value, spanned.get(NOW, Tally()), then, movement, others)


def measured(part: str) -> Of:
    """What a part's share is of: of the decided deals the won ones, or of the losses those of the value."""
    return "losses" if part in (STAGE, "loss_reason") else "decided"


def _pair(part: str, one: Tally, whole: Tally) -> tuple[int, int]:
    return (one.losses.n, whole.losses.n) if measured(part) == "losses" else (one.won.n, one.decided)


def _series(
    spanned: Mapping[str, Tally], whole: Mapping[str, Tally], spans: Spans
) -> list[tuple[Tally, Tally]]:
    """The whole periods, oldest first, the one asked for last; each beside all deals of it."""
    labels: list[tuple[str, ...]] = [(period.label,) for period in spans.earlier]
    labels += [(THEN, REST), (NOW,)]

    def of(tallies: Mapping[str, Tally], names: tuple[str, ...]) -> Tally:
        return sum((tallies.get(name, Tally()) for name in names), Tally())

    return [(of(spanned, names), of(whole, names)) for names in labels]


def share(part: str, one: Tally, whole: Tally) -> Figure:
    """What a part's line is measured by: its win rate, or its share of the losses."""
    if measured(part) == "decided":
        return one.rate
    nothing = "nothing was lost"
    return quotient(one.losses.n, whole.losses.n, unknown=nothing, zero=nothing)


def difference(now: Figure, then: Figure) -> Figure:
    """``now - then``; undefined where either is."""
    if now.value is None or then.value is None:
        return undefined(now.reason or then.reason)
    gap: Fraction = exact(now.value) - exact(then.value)
    return Figure(to_decimal(gap))


# --- The buyer's own reason ----------------------------------------------------------------------


def given_twice(rows: ir.Table, buyer: str) -> ir.Table:
    """Losses of the period with the rep's reason and the buyer's own: ``stated``, ``own``, ``n``.

    Args:
        rows: what :func:`closed` gives, with ``loss_reason`` and the column ``buyer``.
        buyer: column of the buyer's own reason.
    """
    both = rows.filter(
        (rows.span == NOW) & (rows.ended != "won") & rows.loss_reason.notnull() & rows[buyer].notnull()
    )
    both = both.select(stated=both.loss_reason, own=both[buyer].cast("string"))
    return both.group_by("stated", "own").agg(n=both.count())


def matrix(rows: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """Reasons, and how often the rep (rows) and the buyer (columns) gave them.

    Capitals and blanks do not matter; a reason is written as it is met most often. The most frequent come first.
    """
    spelt: dict[str, dict[str, int]] = {}
    pairs: dict[tuple[str, str], int] = {}
    for row in rows:
        keys = []
        for text in (row["stated"], row["own"]):
            key = " ".join(text.split()).casefold()
            spelling = spelt.setdefault(key, {})
            spelling[" ".join(text.split())] = spelling.get(" ".join(text.split()), 0) + int(row["n"])
            keys.append(key)
        pairs[keys[0], keys[1]] = pairs.get((keys[0], keys[1]), 0) + int(row["n"])
    order = sorted(spelt, key=lambda key: (-sum(spelt[key].values()), key))
    names = tuple(min(spelt[key], key=lambda s: (-spelt[key][s], s)) for key in order)
    return names, tuple(tuple(pairs.get((a, b), 0) for b in order) for a in order)

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
"""Deals below which a share is said to rest on too few, and a competitor is not ranked."""
MOST = 25
"""Values of one part that are told one by one, those of most deals first; the others stand together."""
STAGE = "lost_from"
"""The part that is no column of the deals: the open stage that a lost deal was last in."""

NOW, THEN, REST = "now", "then", "rest"
"""Spans: the period, as much of the one before it, and what is left of that one."""

_WIDE_MONEY = "decimal(38,4)"
_STEPS = 20_000
_NOTHING_DECIDED = "no deal was won or lost to somebody"
_NOTHING_CLOSED = "no deal was won or lost"
UNREASONED = "no lost deal has a reason"
"""Why no decision can't be told apart where nobody said why."""

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
        log_start: day the change log begins; what it alone knows is not compared with periods from before it.
    """

    period: Period | None = None
    before: Period | None = None
    cut: date | None = None
    earlier: tuple[Period, ...] = ()
    over: bool = True
    log_start: date | None = None

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
    """What became of some deals; ``reasons`` is how many of the losses say why."""

    won: Deals = field(default_factory=Deals)
    lost: Deals = field(default_factory=Deals)
    no_decision: Deals = field(default_factory=Deals)
    reasons: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.won + other.won,
            self.lost + other.lost,
            self.no_decision + other.no_decision,
            self.reasons + other.reasons,
        )

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
    def win_rate(self) -> Figure:
        """Share of all of them that was won, no decision as lost: whether reasons are given does not move it."""
        return quotient(self.won.n, self.closed.n, unknown=_NOTHING_CLOSED, zero=_NOTHING_CLOSED)

    @property
    def unsplit(self) -> str:
        """Why losses to somebody and no decision can't be told apart; "" where they can."""
        return UNREASONED if self.losses.n and not self.reasons else ""

    @property
    def rate(self) -> Figure:
        """Share of the decided that was won, no decision apart."""
        return quotient(self.won.n, self.decided, unknown=_NOTHING_DECIDED, zero=_NOTHING_DECIDED)

    @property
    def interval(self) -> Interval | None:
        """Wilson 95 % interval of the rate; None without a decided deal."""
        return wilson(self.won.n, self.decided)

    @property
    def few(self) -> bool:
        """Whether the decided deals are too few to rank."""
        return self.decided < FEWEST


@dataclass(frozen=True)
class Line:
    """One value of a part, or all of them.

    Attributes:
        part: column, or :data:`STAGE`; "" for all deals.
        value: the value as it is written most often; None for deals without one, and for ``others``.
        now: deals of the period.
        then: deals of as much of the period before; None without one.
        of: deals that the share is of: all closed ones, or the losses of which the part is known.
        of_then: the same of ``then``.
        movement: the period against whole ones before it: of the win rate, or of the share of the losses where
            the part says why or where deals were lost; None where the period is not over, has none before it, or
            the line is not compared.
        others: how many values stand together in this line; 0 for one value.
        apart: why the line is never compared with another period; "" where it is.
        spellings: the value as the deals write it.
    """

    part: str
    value: str | None
    now: Tally
    then: Tally | None = None
    of: int = 0
    of_then: int = 0
    movement: Movement | None = None
    others: int = 0
    apart: str = ""
    spellings: tuple[str, ...] = ()


# --- Counting ------------------------------------------------------------------------------------


def closed(deals: ir.Table, spans: Spans, parts: Sequence[str]) -> ir.Table:
    """Deals won or lost in the spans: ``id``, ``ended``, ``said`` (why), ``span``, ``amount``, ``parts``."""
    rows = deals.filter(deals.stage_class.isin(["won", "lost"]))
    if spans.period is not None and spans.first is not None:
        rows = rows.filter(rows.closed_on.between(_day(spans.first), _day(spans.period.last)))
    nobody = rows.loss_reason.lower().re_search(NO_DECISION).fill_null(False)
    ended = ibis.cases(
        (rows.stage_class == "won", "won"), (nobody, "no_decision"), else_=ibis.literal("lost")
    )
    kept = {name: rows[name] for name in parts if name != STAGE}
    said = (rows.loss_reason.cast("string").strip() != "").fill_null(False)
    return rows.select(
        "id", ended=ended, said=said, span=_span(rows.closed_on, spans), amount=rows.amount, **kept
    )


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
    """One row a part, value, span and ending: deals, those that say why, known amounts and their sum; in one query.

    Args:
        rows: what :func:`closed` gives.
        parts: columns of them; "" for all deals together. Where deals were lost from is counted of losses alone.
    """
    made = []
    for part in parts:
        here = rows.filter(rows.ended != "won") if part in (STAGE, "loss_reason") else rows
        value = here[part].cast("string") if part else ibis.null("string")
        one = here.select("span", "ended", "said", "amount", part=ibis.literal(part), value=value)
        made.append(
            one.group_by("part", "value", "span", "ended").agg(
                n=one.count(),
                said=one.said.sum(),
                known=one.amount.count(),
                amount=one.amount.cast(_WIDE_MONEY).sum(),
            )
        )
    return ibis.union(*made) if len(made) > 1 else made[0]


# --- From counts to lines ------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """One value of a part, however it is spelt: span -> its deals."""

    name: str | None
    spellings: tuple[str, ...]
    spans: Mapping[str, Tally]


def values(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Value]]:
    """Part -> its values, from what :func:`counts` gave.

    Capitals and blanks do not matter; a value is written as it is met most often. One of blanks alone is none.
    """
    spelt: dict[tuple[str, str | None], dict[str, int]] = {}
    found: dict[str, dict[str | None, dict[str, Tally]]] = {}
    for row in rows:
        part, text, n = row["part"], row["value"], int(row["n"])
        key = text if text is None or part == STAGE else _fold(text) or None
        if text is not None:
            spelling = spelt.setdefault((part, key), {})
            spelling[text] = spelling.get(text, 0) + n
        here = found.setdefault(part, {}).setdefault(key, {})
        deals, said = Deals(n, row["amount"], int(row["known"])), int(row["said"])
        tally = {
            "won": Tally(won=deals),
            "lost": Tally(lost=deals, reasons=said),
            "no_decision": Tally(no_decision=deals, reasons=said),
        }[row["ended"]]
        here[row["span"]] = here.get(row["span"], Tally()) + tally
    made: dict[str, list[Value]] = {}
    for part, keyed in found.items():
        for key, spanned in keyed.items():
            written = spelt.get((part, key), {})
            name = None if key is None else key if part == STAGE else _written(written)
            made.setdefault(part, []).append(Value(name, tuple(sorted(written)), spanned))
    return made


def _clean(text: str) -> str:
    return " ".join(text.split())


def _fold(text: str) -> str:
    return _clean(text).casefold()


def _written(spellings: Mapping[str, int]) -> str:
    clean: dict[str, int] = {}
    for text, n in spellings.items():
        clean[_clean(text)] = clean.get(_clean(text), 0) + n
    return min(clean, key=lambda text: (-clean[text], text))


def lines(rows: Iterable[Mapping[str, Any]], spans: Spans) -> dict[str, list[Line]]:
    """Part -> its lines, from what :func:`counts` gave: values of most deals first, those without one last."""
    return {part: _of_part(part, found, spans) for part, found in values(rows).items()}


def _together(found: Iterable[Value]) -> dict[str, Tally]:
    made: dict[str, Tally] = {}
    for value in found:
        for span, tally in value.spans.items():
            made[span] = made.get(span, Tally()) + tally
    return made


def _of_part(part: str, found: Sequence[Value], spans: Spans) -> list[Line]:
    def size(value: Value) -> tuple[int, int, str]:
        now, then = (value.spans.get(span, Tally()).closed.n for span in (NOW, THEN))
        return -now, -then, value.name or ""

    # Losses of which nobody knows the part are in no share: else a share moves with how much is recorded.
    known = _together(value for value in found if value.name is not None)
    ordered = sorted((v for v in found if {NOW, THEN} & v.spans.keys()), key=size)
    named = [v for v in ordered if v.name is not None]
    made = [_line(part, v, known, spans) for v in named[:MOST]]
    if rest := named[MOST:]:
        made.append(_line(part, Value(None, (), _together(rest)), known, spans, len(rest)))
    return [*made, *(_line(part, v, known, spans) for v in ordered if v.name is None)]


def _line(part: str, value: Value, known: Mapping[str, Tally], spans: Spans, others: int = 0) -> Line:
    unknown = bool(part) and value.name is None and not others

    def of(tally: Tally, whole: Tally) -> tuple[int, int]:
        if measured(part) == "decided":
            return tally.won.n, tally.closed.n
        return tally.losses.n, 0 if unknown else whole.losses.n

    now = value.spans.get(NOW, Tally())
    then = value.spans.get(THEN, Tally()) if spans.before is not None else None
    apart = _apart(part, unknown, others, spans)
    movement = None
    if spans.over and spans.before is not None and not apart:
        movement = judge_shares([of(*pair) for pair in _series(part, value.spans, known, spans)])
    return Line(
        part,
        value.name,
        now,
        then,
        of(now, known.get(NOW, Tally()))[1],
        of(then, known.get(THEN, Tally()))[1] if then is not None else 0,
        movement,
        others,
        apart,
        value.spellings,
    )


def _apart(part: str, unknown: bool, others: int, spans: Spans) -> str:
    """Why a line is not compared: it would tell of what is recorded, or of which values stand together."""
    if unknown:
        return "how much is recorded is not compared"
    if others:
        return "values that stand together are not compared"
    before = spans.before
    if part == STAGE and before is not None and not _logged(before, spans):
        since = f"on {spans.log_start}" if spans.log_start else "on no known day"
        return f"the change log begins {since}: {before.title} is not whole in it"
    return ""


def _logged(period: Period, spans: Spans) -> bool:
    return spans.log_start is not None and period.first >= spans.log_start


def measured(part: str) -> Of:
    """What a part's share is of: of the closed deals the won ones, or of the losses those of the value."""
    return "losses" if part in (STAGE, "loss_reason") else "decided"


def _series(
    part: str, spanned: Mapping[str, Tally], whole: Mapping[str, Tally], spans: Spans
) -> list[tuple[Tally, Tally]]:
    """The whole periods, oldest first, the one asked for last; each beside all deals of which the part is known."""
    earlier = [period for period in spans.earlier if part != STAGE or _logged(period, spans)]
    labels: list[tuple[str, ...]] = [(period.label,) for period in earlier]
    labels += [(THEN, REST), (NOW,)]

    def of(tallies: Mapping[str, Tally], names: tuple[str, ...]) -> Tally:
        return sum((tallies.get(name, Tally()) for name in names), Tally())

    return [(of(spanned, names), of(whole, names)) for names in labels]


def share(line: Line) -> Figure:
    """What a line is measured by: its win rate with no decision as lost, or its share of the known losses."""
    return _share(line, line.now, line.of)


def share_then(line: Line) -> Figure:
    """The same in as much of the period before."""
    if line.then is None:
        return undefined("there is nothing before it")
    return _share(line, line.then, line.of_then)


def _share(line: Line, tally: Tally, of: int) -> Figure:
    if measured(line.part) == "decided":
        return tally.win_rate
    nothing = "of no loss this is known"
    if line.value is None and not line.others:
        nothing = "the shares are of the losses of which it is known"
    return quotient(tally.losses.n, of, unknown=nothing, zero=nothing)


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
            key = _fold(text)
            spelling = spelt.setdefault(key, {})
            spelling[text] = spelling.get(text, 0) + int(row["n"])
            keys.append(key)
        pairs[keys[0], keys[1]] = pairs.get((keys[0], keys[1]), 0) + int(row["n"])
    order = sorted(spelt, key=lambda key: (-sum(spelt[key].values()), key))
    names = tuple(_written(spelt[key]) for key in order)
    return names, tuple(tuple(pairs.get((a, b), 0) for b in order) for a in order)

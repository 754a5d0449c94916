"""The bars of the pipeline waterfall: what each holds, its sign, and the figures as a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from salesops.core.money import Rounding, round_decimal

Role = Literal["start", "in", "out", "change", "end"]


@dataclass(frozen=True)
class BarKind:
    """One bar: its name, sign in the identity, and what it holds."""

    name: str
    title: str
    sign: int
    role: Role
    sentence: str


BARS: tuple[BarKind, ...] = (
    BarKind(
        "opening",
        "Opening",
        1,
        "start",
        "Open deals of the pipeline at the opening, at their amount and the rates of then.",
    ),
    BarKind(
        "new",
        "New",
        1,
        "in",
        "Deals that were not there at the opening (not created yet, deleted, or in a stage that does "
        "not count), at their amount at the closing or when they left.",
    ),
    BarKind(
        "reopened",
        "Reopened",
        1,
        "in",
        "Deals that stood won or lost at the opening and are open again, or closed again since, at "
        "their amount at the opening.",
    ),
    BarKind(
        "pulled_in",
        "Pulled in",
        1,
        "in",
        "Open deals of the scope whose close date came into the period, from a later or an earlier "
        "one, at their amount at the opening.",
    ),
    BarKind(
        "transferred_in",
        "Transfers in",
        1,
        "in",
        "Deals that were open under an owner, team or filter outside the scope, at their amount at "
        "the opening.",
    ),
    BarKind(
        "transferred_out",
        "Transfers out",
        -1,
        "out",
        "Deals that left the scope by owner, team or filter, whatever became of them there, at their "
        "amount at the opening.",
    ),
    BarKind(
        "pushed_out",
        "Pushed out",
        -1,
        "out",
        "Deals whose close date left the period (won ones by the day they were won), at their amount "
        "at the opening.",
    ),
    BarKind(
        "increased",
        "Increased",
        1,
        "change",
        "Higher amounts of deals that are still there or were won, at the rates of the opening; an "
        "amount that was unknown counts in full.",
    ),
    BarKind(
        "decreased",
        "Decreased",
        -1,
        "change",
        "Lower amounts of deals that are still there or were won, at the rates of the opening; an "
        "amount that is no longer known counts in full.",
    ),
    BarKind(
        "currency",
        "Currency",
        1,
        "change",
        "What exchange rates alone did to deals that are still there or were won: their last amount "
        "at its own rates less the same at those of the opening.",
    ),
    BarKind(
        "won",
        "Won",
        -1,
        "out",
        "Deals won since the opening, at the amount they were won at.",
    ),
    BarKind(
        "lost",
        "Lost",
        -1,
        "out",
        "Deals lost since the opening, at the amount they came in with.",
    ),
    BarKind(
        "removed",
        "Deleted or merged",
        -1,
        "out",
        "Deals that a complete file no longer holds (deleted, or merged into another), or whose stage "
        "no longer counts, at the amount they came in with.",
    ),
    BarKind(
        "closing",
        "Closing",
        -1,
        "end",
        "Open deals of the pipeline at the closing, at their amount and the rates of then.",
    ),
)
"""Bars in the order they are drawn. The signed sum of all of them, the closing with a minus, is the residual: 0."""

BY_NAME: Mapping[str, BarKind] = {kind.name: kind for kind in BARS}
WAYS_IN = ("opening", "new", "reopened", "pulled_in", "transferred_in")
WAYS_OUT = ("closing", "transferred_out", "pushed_out", "won", "lost", "removed")
CHANGES = ("increased", "decreased", "currency")


@dataclass(frozen=True)
class Bar:
    """One bar's value.

    Attributes:
        kind: which bar.
        value: amount in the reporting currency, in the bar's own direction (won is positive); None where it
            has deals but none whose amount is known.
        deals: how many stand behind it.
        unknown: how many of them have no known amount and add nothing; for an increase, deals without an
            amount at the opening, for a decrease without one at the closing: there all of the other counts.
    """

    kind: BarKind
    value: Decimal | None
    deals: int
    unknown: int

    @property
    def signed(self) -> Decimal:
        """The part in the identity, 0 where nothing is known."""
        return self.kind.sign * (self.value or Decimal(0))


@dataclass(frozen=True)
class WayPart:
    """Deals that took one way: came in by one bar and went out by another."""

    way_in: str
    way_out: str
    deals: int
    entered: Decimal
    left: Decimal


@dataclass(frozen=True)
class Waterfall:
    """The bars of one pipeline between two instants.

    Attributes:
        bars: by name, in the order of :data:`BARS`.
        ways: how many deals took which way, the biggest first.
        residual: opening and all bars less closing: 0.
        notes: sentences on what is unknown.
    """

    bars: Mapping[str, Bar]
    ways: tuple[WayPart, ...]
    residual: Decimal
    notes: tuple[str, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether no deal takes part."""
        return not self.ways


def result(rows: Iterable[Mapping[str, Any]]) -> Waterfall:
    """Rows of :func:`summed` as bars."""
    found = list(rows)
    values = dict.fromkeys(BY_NAME, Decimal(0))
    counts, unknowns = dict.fromkeys(BY_NAME, 0), dict.fromkeys(BY_NAME, 0)

    def add(name: str, amount: Decimal | None, deals: int, unknown: int) -> None:
        values[name] += amount or Decimal(0)
        counts[name] += deals
        unknowns[name] += unknown

    ways = []
    for row in found:
        n, way_in, way_out = row["deals"], row["way_in"], row["way_out"]
        entered, left = row["entered"] or Decimal(0), row["left"] or Decimal(0)
        ways.append(WayPart(way_in, way_out, n, entered, left))
        # The two ends come from the states themselves, their deals from the ways.
        add("opening", row["opening"], 0, 0)
        add("closing", row["closing"], 0, 0)
        add(way_in, None if way_in == "opening" else entered, n, n - row["entered_known"])
        add(way_out, None if way_out == "closing" else left, n, n - row["left_known"])
        add("increased", row["increased"], *_counts(row, "increased"))
        add("decreased", -(row["decreased"] or Decimal(0)), *_counts(row, "decreased"))
        add("currency", row["currency"], int(row["currency_deals"] or 0), 0)
    bars = {}
    for name, kind in BY_NAME.items():
        deals, unknown = counts[name], unknowns[name]
        nothing_known = deals > 0 and unknown == deals and name not in CHANGES
        bars[name] = Bar(kind, None if nothing_known else values[name], deals, unknown)
    residual = sum((bar.signed for bar in bars.values()), Decimal(0))
    ways.sort(key=lambda way: (-way.deals, way.way_in, way.way_out))
    return Waterfall(bars, tuple(ways), residual, _notes(bars))


def _counts(row: Mapping[str, Any], name: str) -> tuple[int, int]:
    """Deals of a change and how many of them had no amount: sums of flags come as wide numbers."""
    return int(row[f"{name}_deals"] or 0), int(row[f"{name}_unknown"] or 0)


def _notes(bars: Mapping[str, Bar]) -> tuple[str, ...]:
    """What has to be said about amounts that are not known."""
    said = []
    for name in ("opening", "closing"):
        if bars[name].unknown:
            n = bars[name].unknown
            said.append(
                f"{n:,} deal{'s have' if n > 1 else ' has'} no known amount at the {name}: "
                f"counted, adding nothing."
            )
    became, ceased = bars["increased"].unknown, bars["decreased"].unknown
    if became:
        said.append(
            f"{became:,} of the increases {'are amounts that were' if became > 1 else 'is an amount that was'} "
            "unknown at the opening."
        )
    if ceased:
        said.append(
            f"{ceased:,} of the decreases {'are amounts that are' if ceased > 1 else 'is an amount that is'} "
            "no longer known at the closing."
        )
    return tuple(said)


def rounded(waterfall: Waterfall, places: int) -> dict[str, Decimal | None]:
    """Every bar to a number of places, so that the rounded ones add up too.

    Amounts have more places than their currency only where rates made them, so what rounding leaves over
    goes into the currency bar; where no rate was used, into the largest bar that is no total.
    """
    values = {
        name: None if bar.value is None else round_decimal(bar.value, places, Rounding.HALF_UP)
        for name, bar in waterfall.bars.items()
    }
    left_over = sum((kind.sign * (values[kind.name] or Decimal(0)) for kind in BARS), Decimal(0))
    if left_over:
        parts = [k for k in BARS if k.role not in ("start", "end") and waterfall.bars[k.name].deals]
        taker = next((k for k in parts if k.name == "currency"), None) or max(
            parts, key=lambda k: abs(values[k.name] or Decimal(0)), default=BY_NAME["currency"]
        )
        values[taker.name] = (values[taker.name] or Decimal(0)) - taker.sign * left_over
    return values

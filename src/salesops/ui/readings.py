"""One sentence that says what a chart shows, made from the chart's own values and formats.

Used under the chart, as the SVG's description and in frozen pages. Comparisons are exact; a tie is said to be
one; nothing is claimed about causes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from salesops.ui.formats import Exact, Unit, ratio
from salesops.ui.formats import points as in_points

NOTHING = "There is nothing to show for this period and these filters."


@dataclass(frozen=True)
class BarRow:
    """One bar: stacked `values` in the order of the series, and its target where there is one."""

    label: str
    values: Sequence[Exact | None]
    target: Exact | None = None
    href: str = ""


@dataclass(frozen=True)
class Point:
    """One period of a column chart, oldest first. `partial` marks a period that is still running."""

    label: str
    value: Exact | None
    partial: bool = False


@dataclass(frozen=True)
class Series:
    """One line."""

    name: str
    values: Sequence[Exact | None]


@dataclass(frozen=True)
class FunnelRow:
    """One stage. `conversion` is the measured share that came from the stage before, None if unmeasured."""

    label: str
    value: Exact | None
    conversion: Exact | None = None
    href: str = ""


def _fraction(value: Exact) -> Fraction:
    return Fraction(value)


def _names(labels: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`; from the fourth on only how many more."""
    if len(labels) > 3:
        return f"{', '.join(labels[:2])} and {len(labels) - 2} more"
    return " and ".join([", ".join(labels[:-1]), labels[-1]]) if len(labels) > 1 else labels[0]


def _share(part: Fraction, whole: Fraction) -> str:
    return ratio(part / whole)


def bars(rows: Sequence[BarRow], series: Sequence[str], unit: Unit, target: str = "") -> str:
    """Reading of bars: the first series against its targets where there are any, else the largest."""
    known = [row for row in rows if row.values and row.values[0] is not None]
    if not known:
        return NOTHING
    first = series[0]
    aimed = [row for row in known if row.target is not None and row.target > 0]
    if target and aimed:
        done = sum((_fraction(row.values[0] or 0) for row in aimed), Fraction(0))
        goal = sum((_fraction(row.target or 0) for row in aimed), Fraction(0))
        reached = [row.label for row in aimed if _fraction(row.values[0] or 0) >= _fraction(row.target or 1)]
        text = (
            f"{first} is {unit.spoken(_exact(done))} of {unit.spoken(_exact(goal))} {target.lower()} "
            f"({_share(done, goal)}); {len(reached)} of {len(aimed)} reached it"
        )
        shares = {row.label: _fraction(row.values[0] or 0) / _fraction(row.target or 1) for row in aimed}
        low = min(shares.values())
        behind = [label for label, share in shares.items() if share == low]
        if len(aimed) > 1 and low < 1 and len(behind) < len(aimed):
            verb = "is" if len(behind) == 1 else "are"
            text += f", and {_names(behind)} {verb} furthest from it at {ratio(low)}"
        return text + "."
    totals = {
        row.label: sum((_fraction(v) for v in row.values if v is not None), Fraction(0)) for row in known
    }
    whole, high = sum(totals.values(), Fraction(0)), max(totals.values())
    largest = [label for label, total in totals.items() if total == high]
    if len(largest) == len(totals) and len(totals) > 1:
        return f"All {len(totals)} are equal at {unit.spoken(_exact(high))}."
    verb = "is" if len(largest) == 1 else "are"
    text = f"{_names(largest)} {verb} largest at {unit.spoken(_exact(high))}"
    if unit.adds and unit.kind in ("money", "number") and whole > 0 and len(totals) > 1:
        text += (
            f", {_share(high, whole)} of {unit.spoken(_exact(whole))} in all"
            if len(largest) == 1
            else " each"
        )
    return text + "."


def periods(points: Sequence[Point], unit: Unit) -> str:
    """Reading of columns by period: highest, lowest, latest complete period against the one before."""
    known = [point for point in points if point.value is not None and not point.partial]
    running = [point for point in points if point.value is not None and point.partial]
    tail = f" {running[-1].label} stands at {unit.spoken(running[-1].value or 0)} to date." if running else ""
    if not known:
        return tail.strip() or NOTHING
    if len(known) == 1:
        return f"{known[0].label} is {unit.spoken(known[0].value or 0)}.{tail}"
    values = [_fraction(point.value or 0) for point in known]
    high, low = max(values), min(values)
    if high == low:
        return f"All {len(known)} periods are equal at {unit.spoken(_exact(high))}.{tail}"
    best = [point.label for point, value in zip(known, values, strict=True) if value == high]
    worst = [point.label for point, value in zip(known, values, strict=True) if value == low]
    text = (
        f"Highest in {_names(best)} at {unit.spoken(_exact(high))}, "
        f"lowest in {_names(worst)} at {unit.spoken(_exact(low))}"
    )
    return f"{text}; {_change(known[-1].label, known[-2].label, values[-1], values[-2], unit)}.{tail}"


def _change(now: str, before: str, new: Fraction, old: Fraction, unit: Unit) -> str:
    if new == old:
        return f"{now} equals {before}"
    word = "above" if new > old else "below"
    if unit.kind == "ratio":
        return f"{now} is {in_points(abs(new - old))} {word} {before}"
    if old > 0 and new >= 0:
        return f"{now} is {ratio(abs(new - old) / old)} {word} {before}"
    return f"{now} is {unit.short(_exact(abs(new - old)))} {word} {before}"


def series(labels: Sequence[str], lines: Sequence[Series], unit: Unit, at_label: str = "in") -> str:
    """Reading of lines: where the first one ends, against the others at the same place.

    ``at_label`` stands before a label: a value stands *in* a period, or *on* a day.
    """
    if not lines:
        return NOTHING
    first = lines[0]
    known = [at for at, value in enumerate(first.values) if value is not None]
    if not known:
        return NOTHING
    at = known[-1]
    now = first.values[at] or 0
    text = f"{first.name} stands at {unit.spoken(now)} {at_label} {labels[at]}"
    others = [(one.name, one.values[at]) for one in lines[1:] if at < len(one.values)]
    compared = [
        f"{unit.short(_exact(abs(_fraction(now) - _fraction(value))))} "
        f"{'above' if _fraction(now) > _fraction(value) else 'below'} {name}"
        if _fraction(now) != _fraction(value)
        else f"level with {name}"
        for name, value in others
        if value is not None
    ]
    if compared:
        return f"{text}, {_names(compared)}."
    if len(known) > 1:
        before = known[-2]
        old = _fraction(first.values[before] or 0)
        text += f"; {_change(labels[at], labels[before], _fraction(now), old, unit)}"
    return text + "."


def funnel(rows: Sequence[FunnelRow], unit: Unit) -> str:
    """Reading of stage bars: the weakest measured conversion, else the fullest stage and its share."""
    known = [row for row in rows if row.value is not None]
    if not known:
        return NOTHING
    converted = [(at, row) for at, row in enumerate(rows) if row.conversion is not None and at > 0]
    if converted:
        low = min(_fraction(row.conversion or 0) for _, row in converted)
        steps = [
            f"{rows[at - 1].label} to {row.label}"
            for at, row in converted
            if _fraction(row.conversion or 0) == low
        ]
        verb = "passes" if len(steps) == 1 else "pass"
        entry = f"{known[0].label} holds {unit.spoken(known[0].value or 0)}"
        return f"{_names(steps)} {verb} the smallest share, {ratio(low)}; {entry}."
    total = sum((_fraction(row.value or 0) for row in known), Fraction(0))
    high = max(_fraction(row.value or 0) for row in known)
    fullest = [row.label for row in known if _fraction(row.value or 0) == high]
    if total == 0:
        return "Every stage is empty."
    verb = "holds" if len(fullest) == 1 else "hold"
    each = "" if len(fullest) == 1 else " each"
    return (
        f"{_names(fullest)} {verb} the most, {unit.spoken(_exact(high))}{each} "
        f"of {unit.spoken(_exact(total))} ({_share(high, total)}{each})."
    )


def _exact(value: Fraction) -> Exact:
    """A Fraction back as Decimal when it ends, so that formats need no rounding."""
    if value.denominator == 1:
        return int(value)
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return Decimal(value.numerator) / Decimal(value.denominator) if rest == 1 else value

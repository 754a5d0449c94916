"""The meeting's first sentence: will we make the number? Made from the page's own figures, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from salesops.meetings.engine.pace import Pace

Money = Callable[[Decimal], str]


@dataclass(frozen=True)
class Figures:
    """What the sentence is made from; None where a figure is undefined.

    Attributes:
        won: won in the period so far; None where the reader may not know it.
        quota: quota of the period.
        commit: open deals due in the period that are committed.
        due: value of all open deals due in the period.
        days_left: days after today in the period; 0 on its last day and after it.
        pace: where it would end at the firm's own pace.
        hidden: why what is won is not the reader's to know, "" where it is.
    """

    won: Decimal | None
    quota: Decimal | None
    commit: Decimal | None
    due: Decimal | None
    days_left: int
    pace: Pace
    hidden: str = ""

    @property
    def gap(self) -> Decimal | None:
        """Quota less won; below zero once it is made. None without a quota, or where what is won is hidden."""
        return None if self.quota is None or self.hidden else self.quota - (self.won or Decimal(0))


def answer(figures: Figures, money: Money) -> str:
    """One or two sentences: where it stands against the quota, and where it would end."""
    if figures.hidden:
        return f"What is won can't be told: {figures.hidden}."
    won = figures.won or Decimal(0)
    if figures.gap is None:
        parts = [f"{money(won)} is won; no quota is decided for this period, so there is no gap to close."]
    elif figures.gap <= 0:
        over = f", {money(-figures.gap)} over" if figures.gap < 0 else ""
        parts = [f"Made: {money(won)} is won of a quota of {money(figures.quota or Decimal(0))}{over}."]
    else:
        parts = [_to_go(figures, figures.gap, won, money)]
    parts.append(_ending(figures, money))
    return " ".join(part for part in parts if part)


def _to_go(figures: Figures, gap: Decimal, won: Decimal, money: Money) -> str:
    quota = money(figures.quota or Decimal(0))
    if not figures.days_left:
        return f"Missed by {money(gap)}: {money(won)} was won of a quota of {quota}."
    left = f"{figures.days_left} day{'' if figures.days_left == 1 else 's'} left"
    said = f"{money(gap)} to go with {left}: {money(won)} is won of a quota of {quota}"
    if figures.commit is not None and figures.commit > 0:
        still = gap - figures.commit
        covered = "which would close it" if still <= 0 else f"which would leave {money(still)}"
        return f"{said}, and {money(figures.commit)} is committed, {covered}."
    if figures.due is not None and figures.due < gap:
        return f"{said}. All open deals due in the period, {money(figures.due)}, would not be enough."
    return f"{said}."


def _ending(figures: Figures, money: Money) -> str:
    pace = figures.pace
    if pace.expected is None or not figures.days_left:
        return ""
    expected = _whole(pace.expected)
    said = f"At our own pace of past periods it would end at {money(expected)}"
    if pace.least is not None and pace.most is not None:
        said += f" (between {money(_whole(pace.least))} and {money(_whole(pace.most))})"
    if figures.quota is None:
        return f"{said}."
    short = figures.quota - expected
    return f"{said}, {money(short)} short." if short > 0 else f"{said}, enough for the quota."


def _whole(value: Fraction) -> Decimal:
    """To the whole unit: a pace is not known to the cent."""
    return Decimal(round(value))

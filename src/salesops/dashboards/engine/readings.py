"""The sentence under a tile: what its values say, made from these values and nothing else.

Every name, count and figure in a sentence is one of the data handed in; comparisons are exact, ties are said to be
ties, what is unknown is counted and never taken for nothing. No sentence says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

Exact = int | Decimal | Fraction
Say = Callable[[Exact], str]
"""A value as people read it."""
Differ = Callable[[Exact, Exact], str]
"""How far the first value is from the second, without its direction; "" where that can't be said."""

NOTHING = "There is nothing to show for this period and these filters."
MOST_NAMES = 3


@dataclass(frozen=True)
class Group:
    """One member of a dimension and its value; None where it is undefined."""

    label: str
    value: Exact | None


@dataclass(frozen=True)
class Point:
    """One period and its value, the oldest first; ``running`` where the period is not over."""

    label: str
    value: Exact | None
    running: bool = False


def of_number(
    title: str,
    value: Exact | None,
    say: Say,
    *,
    reason: str = "",
    before: Exact | None = None,
    before_words: str = "",
    differ: Differ | None = None,
    target: Exact | None = None,
    more_is_better: bool | None = None,
) -> str:
    """What one number says, against an earlier value and a target where there are any.

    Args:
        title: the number's name.
        value: the value; None where it is undefined.
        say: a value in words.
        reason: why there is none.
        before: the same number earlier; None where there is none to compare with.
        before_words: what the earlier value is: ``the first 52 days of Q3 2026``.
        differ: the distance of two values in words.
        target: what was decided for it.
        more_is_better: whether it reaches its target from below; None where neither way is better.
    """
    if value is None:
        return f"{title} can't be told: {reason or 'it is undefined'}."
    text = f"{title} is {say(value)}"
    if before is not None and before_words:
        text += f", {_against(value, before, before_words, differ, say)}"
    if target is not None and more_is_better is not None:
        reached = value == target or (Fraction(value) > Fraction(target)) == more_is_better
        text += f"; the target of {say(target)} is {'reached' if reached else 'missed'}"
    return f"{text}."


def _against(value: Exact, before: Exact, words: str, differ: Differ | None, say: Say) -> str:
    new, old = Fraction(value), Fraction(before)
    if new == old:
        return f"level with {words}"
    far = differ(value, before) if differ else ""
    way = "above" if new > old else "below"
    return f"{far} {way} {words}" if far else f"{way} {words} ({say(before)})"


def of_groups(title: str, groups: Sequence[Group], one: str, many: str, say: Say) -> str:
    """Which member of a dimension is highest and which lowest.

    Args:
        title: the number's name.
        groups: every member, also those without a value.
        one, many: what a member is: ``region``, ``regions``.
        say: a value in words.
    """
    known = [group for group in groups if group.value is not None]
    if not groups:
        return NOTHING
    if not known:
        return f"{title}: none of {_count(len(groups), one, many)} has a value."
    without = len(groups) - len(known)
    tail = f"; {without} {'has' if without == 1 else 'have'} no value" if without else ""
    values = [Fraction(group.value or 0) for group in known]
    high, low = max(values), min(values)
    best = [group for group, value in zip(known, values, strict=True) if value == high]
    worst = [group for group, value in zip(known, values, strict=True) if value == low]
    if len(known) == 1:
        return f"{title}: {best[0].label} is the only {one} with a value, {say(best[0].value or 0)}{tail}."
    if high == low:
        return f"{title}: all {len(known)} {many} with a value are equal at {say(best[0].value or 0)}{tail}."
    return (
        f"{title}: {names([g.label for g in best])} {_is(best)} highest at {say(best[0].value or 0)}, "
        f"of {len(known)} {many}; {names([g.label for g in worst])} {_is(worst)} lowest at "
        f"{say(worst[0].value or 0)}{tail}."
    )


def of_periods(
    title: str,
    points: Sequence[Point],
    many: str,
    say: Say,
    differ: Differ,
    same_day: Exact | None = None,
) -> str:
    """In how many periods a number rose, and how the latest stands.

    Args:
        title: the number's name.
        points: the oldest first; only the last may be running.
        many: what the periods are: ``quarters``.
        say: a value in words.
        differ: the distance of two values in words.
        same_day: the period before the running one, as it stood on the same day; None where that is unknown.
    """
    whole = [point for point in points if not point.running]
    running = points[-1] if points and points[-1].running else None
    if all(point.value is None for point in points):
        return NOTHING if not points else f"{title}: none of the {len(points)} {many} has a value."
    pairs = [
        (Fraction(before.value), Fraction(after.value))
        for before, after in pairwise(whole)
        if before.value is not None and after.value is not None
    ]
    parts = []
    if pairs:
        rose, fell = sum(new > old for old, new in pairs), sum(new < old for old, new in pairs)
        parts.append(f"{title} {_moves(rose, fell, len(pairs), many, gaps=len(pairs) < len(whole) - 1)}")
    known = [point for point in whole if point.value is not None]
    if running is not None and running.value is not None:
        parts.append(_running(title if not parts else "", running, whole, say, differ, same_day))
    elif known:
        last = known[-1]
        text = f"{last.label} is {say(last.value or 0)}"
        at = whole.index(last)
        before = whole[at - 1] if at else None
        if before is not None and before.value is not None:
            text += f", {_against(last.value or 0, before.value, before.label, differ, say)}"
        parts.append(text if parts else f"{title}: {text}")
    return "; ".join(parts) + "."


def _moves(rose: int, fell: int, pairs: int, many: str, *, gaps: bool) -> str:
    """How often it rose, fell and stayed level against the period before."""
    one = many.removesuffix("s")
    if gaps:
        of = (
            f"the {pairs} {many} that can be compared"
            if pairs > 1
            else f"the only {one} that can be compared"
        )
    else:
        of = f"the last {pairs} {many}" if pairs > 1 else f"the last {one}"
    level = pairs - rose - fell
    for count, verb in ((rose, "rose"), (fell, "fell"), (level, "stayed level")):
        if count == pairs:
            return f"{verb} in {'all of ' if pairs > 1 else ''}{of}"
    counts = [f"{verb} in {n}" for n, verb in ((rose, "rose"), (fell, "fell"), (level, "stayed level")) if n]
    return f"{_joined(counts)} of {of}"


def _running(
    title: str, running: Point, whole: Sequence[Point], say: Say, differ: Differ, same_day: Exact | None
) -> str:
    said = say(running.value or 0)
    text = (
        f"{title}: {running.label} so far is {said}"
        if title
        else f"the last, {running.label} so far, is {said}"
    )
    if same_day is not None and whole:
        text += f", {_against(running.value or 0, same_day, whole[-1].label, differ, say)} at the same day"
    return text


def of_rows(shown: int, total: int, one: str = "row", many: str = "rows") -> str:
    """How much of a list is shown."""
    if not total:
        return f"No {one} is in this list."
    if shown >= total:
        return f"The only {one} of the list." if total == 1 else f"All {total:,} {many} of the list."
    return f"The first {shown:,} of {_count(total, one, many)}."


def names(labels: Sequence[str]) -> str:
    """``A``, ``A and B``, ``A, B and C``; from the fourth on only how many more."""
    if len(labels) > MOST_NAMES:
        return f"{', '.join(labels[: MOST_NAMES - 1])} and {len(labels) - MOST_NAMES + 1} more"
    return _joined(labels)


def _joined(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def _is(groups: Sequence[Group]) -> str:
    return "is" if len(groups) == 1 else "are"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def plural(word: str) -> str:
    """The plural of a column's title as English usually forms it."""
    lower = word.lower()
    if lower.endswith("y") and lower[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    if lower.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    return f"{word}s"

"""What page, file and REST say of a calibration: its sentence, rows and sheet."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from salesops.analytics.calibrations import BY, Calibration
from salesops.analytics.engine.calibration import BAND, Stated
from salesops.analytics.engine.statistics import Interval
from salesops.ui import exports, formats

VERDICTS = {
    "fits": ("fits", "ok"),
    "too high": ("stated too high", "warn"),
    "too low": ("stated too low", "info"),
    "unknown": ("too few", "neutral"),
}


def group_words(group: str | None, by: str) -> str:
    """A group in words; bands of probability as ``20 to 29 %``."""
    if group is None:
        return "No stated probability" if by == "probability" else "None"
    if by != "probability":
        return group.replace("_", " ") if by in ("forecast_category", "deal_kind") else group
    low = int(group)
    high = 100 if low + BAND >= 100 else low + BAND - 1
    return f"{low} to {high} %"


def reading(found: Calibration) -> str:
    """The page in one sentence."""
    total = found.total
    day = formats.day(found.on)
    if total is None or total.actual is None:
        return f"Of the deals open on {day} nothing can be told: {found.reason}."
    told = f"Of {total.open_then:,} deals open on {day}, {total.decided:,} have been decided since; "
    told += f"{formats.ratio(total.actual, places=0)} of those were won"
    if total.said is None:
        return f"{told}. None of them had a stated probability."
    words = {
        "fits": "and so it was stated",
        "too high": "more was stated",
        "too low": "less was stated",
        "unknown": "too few to judge what was stated",
    }[total.verdict]
    return f"{told}, {words}: {formats.ratio(total.said, places=0)} on average."


def rows(found: Calibration, by: str) -> list[dict[str, Any]]:
    """One row a group, and their total last."""
    lines = [_row(one, group_words(one.group, by)) for one in found.groups]
    return [*lines, _row(found.total, "All together")] if found.total and len(lines) > 1 else lines


def _row(one: Stated, name: str) -> dict[str, Any]:
    interval = one.interval
    return {
        "group": one.group,
        "name": name,
        "open_then": one.open_then,
        "decided": one.decided,
        "won": one.won,
        "said": one.said,
        "actual": one.actual,
        "low": Fraction(interval.low) if interval else None,
        "high": Fraction(interval.high) if interval else None,
        "range": _range(interval) if interval else "",
        "verdict": one.verdict,
        "word": VERDICTS[one.verdict],
    }


def _range(interval: Interval) -> str:
    low, high = (formats.ratio(Fraction(end), places=0) for end in (interval.low, interval.high))
    return f"{low} to {high}"


def sheet(lines: list[dict[str, Any]], by: str) -> exports.Sheet:
    """The rows as a sheet."""
    return exports.Sheet(
        "Stated and actual",
        [
            exports.Column("name", BY[by]),
            exports.Column("open_then", "Open then", "integer"),
            exports.Column("decided", "Decided since", "integer"),
            exports.Column("won", "Won", "integer"),
            exports.Column("said", "Stated on average", "ratio"),
            exports.Column("actual", "Won of the decided", "ratio"),
            exports.Column("low", "95 % range from", "ratio"),
            exports.Column("high", "95 % range to", "ratio"),
            exports.Column("verdict", "Verdict"),
        ],
        lines,
    )

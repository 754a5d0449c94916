"""What page, file and REST say of a fair comparison: measures in words, rows, sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from salesops.performance.engine.standardise import ranks
from salesops.performance.engine.work_done import Measure
from salesops.performance.inputs import Comparison, Person
from salesops.ui import exports, formats
from salesops.ui.formats import Unit


@dataclass(frozen=True)
class Words:
    """A measure in words.

    Attributes:
        title: name.
        units: what is counted.
        sentence: what is compared with what.
        kind: ratio or money.
    """

    title: str
    units: str
    sentence: str
    kind: str


MEASURES: Mapping[Measure, Words] = {
    "win_rate": Words("Win rate", "closed deals", "Deals won by deals won or lost.", "ratio"),
    "value_per_deal": Words(
        "Won value per closed deal",
        "closed deals",
        "Won value by deals won or lost; won deals without an amount are left out.",
        "money",
    ),
    "value_per_month": Words(
        "Won value per month",
        "months",
        "Won value by whole months in the firm; the territory is the person's region.",
        "money",
    ),
}

VERDICTS = {
    "above": ("above", "ok"),
    "below": ("below", "warn"),
    "noise": ("within noise", "neutral"),
    "unknown": ("not judged", "neutral"),
}


def unit_of(measure: Measure, currency: str) -> Unit:
    """How its values read."""
    if MEASURES[measure].kind == "ratio":
        return Unit("ratio")
    return Unit("money", currency) if currency else Unit("number", places=0)


def lines(found: Comparison, measure: Measure, currency: str) -> list[dict[str, Any]]:
    """One row a person: values, what adjusting did, places of those who are judged, a sentence."""
    judged = [p for p in found.people if p.found.verdict != "unknown"]
    raw = ranks({p.id: p.found.raw for p in judged})
    fair = ranks({p.id: p.found.adjusted for p in judged})
    unit = unit_of(measure, currency)
    return [_line(p, unit, raw.get(p.id), fair.get(p.id), MEASURES[measure]) for p in found.people]


def _line(person: Person, unit: Unit, raw: int | None, fair: int | None, words: Words) -> dict[str, Any]:
    one = person.found
    word, tone = VERDICTS[one.verdict]
    return {
        "id": person.id,
        "name": person.name,
        "team": person.team,
        "units": one.units,
        "raw": one.raw,
        "territory": one.effect_of_territory,
        "tenure": one.effect_of_tenure,
        "theirs": None if one.expected is None else one.expected / one.units,
        "adjusted": one.adjusted,
        "low": one.low,
        "high": one.high,
        "rank_raw": raw,
        "rank": fair,
        "verdict": one.verdict,
        "word": (word, tone),
        "reason": one.reason,
        "range": _range(one.low, one.high, unit),
        "territory_words": _effect(one.effect_of_territory, unit),
        "tenure_words": _effect(one.effect_of_tenure, unit),
        "places": "" if raw is None or fair is None else f"{raw} → {fair}",
        "said": sentence(person, unit, words),
        "coarse": one.coarse,
    }


def _range(low: Fraction | None, high: Fraction | None, unit: Unit) -> str:
    return "" if low is None or high is None else f"{unit.short(low)} to {unit.short(high)}"


def _effect(value: Fraction | None, unit: Unit) -> str:
    if value is None:
        return ""
    size = formats.points(value) if unit.kind == "ratio" else unit.short(value)
    return f"+{size}" if value > 0 else size


def sentence(person: Person, unit: Unit, words: Words) -> str:
    """What stands behind one row."""
    one = person.found
    if one.raw is None:
        return one.reason[:1].upper() + one.reason[1:] + "."
    own = f"{unit.short(one.raw)} over {one.units:,} {words.units}"
    if one.adjusted is None or one.expected is None:
        return f"{own}; {one.reason}."
    theirs = one.expected / one.units
    told = f"{own}; others make {unit.short(theirs)} of such work"
    told += f", by chance {_range(one.low, one.high, unit)}." if one.low is not None else "."
    if one.reason:
        return f"{told} Not judged: {one.reason}."
    if one.coarse:
        told += f" For {formats.ratio(one.coarse, places=0)} of it the group was too small, and a wider one spoke."
    return told


def reading(found: Comparison, measure: Measure) -> str:
    """The page in one sentence."""
    if found.reason:
        return f"Nothing can be compared: {found.reason}."
    if not found.people:
        return "Nobody whose deals you see closed any in this period."
    judged = [p for p in found.people if p.found.verdict != "unknown"]
    above, below = ([p.name for p in judged if p.found.verdict == verdict] for verdict in ("above", "below"))
    many = "person" if len(judged) == 1 else "people"
    if not judged:
        return "Nobody has closed enough to be told from noise."
    if not above and not below:
        return f"None of the {len(judged)} {many} judged differs from the others beyond noise."
    parts = [
        f"{_names(names)} {'is' if len(names) == 1 else 'are'} {word} what others make of the same work"
        for names, word in ((above, "above"), (below, "below"))
        if names
    ]
    return f"Of {len(judged)} {many} judged, {'; '.join(parts)}."


def _names(names: Sequence[str]) -> str:
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def sheet(rows: Sequence[Mapping[str, Any]], measure: Measure, currency: str) -> exports.Sheet:
    """The rows as a sheet."""
    words = MEASURES[measure]
    kind: Any = "ratio" if words.kind == "ratio" else "money" if currency else "number"
    made = {"currency": currency} if kind == "money" else {}
    return exports.Sheet(
        f"{words.title}, compared",
        [
            exports.Column("name", "Rep"),
            exports.Column("team", "Team"),
            exports.Column("units", words.units.capitalize(), "integer"),
            exports.Column("raw", "As it stands", kind, **made),
            exports.Column("territory", "Adjusting for territory", kind, **made),
            exports.Column("tenure", "Adjusting for tenure", kind, **made),
            exports.Column("adjusted", "Adjusted", kind, **made),
            exports.Column("theirs", "Others on such work", kind, **made),
            exports.Column("low", "By chance from", kind, **made),
            exports.Column("high", "By chance to", kind, **made),
            exports.Column("rank_raw", "Place as it stands", "integer"),
            exports.Column("rank", "Place adjusted", "integer"),
            exports.Column("verdict", "Against others"),
            exports.Column("said", "Why", width=60),
        ],
        list(rows),
    )

"""A query as a question in words, which must read back as the same query."""

from __future__ import annotations

from salesops.analytics.engine.filters import Filter
from salesops.ask.engine import words
from salesops.ask.engine.dates import BEGIN
from salesops.ask.engine.parse import ALL
from salesops.ask.engine.query import Query, Vocabulary
from salesops.core.calendars import Period

_SIGNS = {"gt": "over", "ge": "at least", "lt": "under", "le": "at most"}
_SIDES = {"le": "until", "ge": "on or after"}
_EACH = ("created", "closed", "expected_close")


class UnsayableError(ValueError):
    """A query that no question in words stands for."""


def sentence(query: Query, vocabulary: Vocabulary) -> str:
    """A question that :func:`salesops.ask.engine.parse.understand` reads as this query.

    Raises:
        UnsayableError: there is none, such as for a filter that the words have no form for.
    """
    if query.kind == "record":
        return " ".join(query.words)
    said = _number(query, vocabulary) if query.kind == "number" else _list(query, vocabulary)
    said.extend(_filter(item, vocabulary) for item in query.filters)
    if query.as_of:
        said.append(f"as of {query.as_of}")
    if query.known:
        said.append(f"as known on {query.known}")
    return " ".join(said)


def _number(query: Query, vocabulary: Vocabulary) -> list[str]:
    said = [vocabulary.named[query.kpi].phrases[0]]
    if query.rank:
        word = "top" if query.rank.order == "most" else "bottom"
        column = vocabulary.dimensions[query.by[0]][0]
        said = [f"{word} {query.rank.count} {column} by", *said]
    elif query.by:
        said.append(" and ".join(_split(column, place, vocabulary) for place, column in enumerate(query.by)))
    if query.period:
        lead = "" if query.period.first == BEGIN else "in "
        said.append("all time" if query.period == ALL else f"{lead}{_days(query.period)}")
    if query.against:
        said.append(f"compared with {_days(query.against)}")
    return said


def _split(column: str, place: int, vocabulary: Vocabulary) -> str:
    lead = "by " if not place else ""
    for date in _EACH:
        if column.startswith(f"{date}_") and column not in vocabulary.dimensions:
            return f"{lead}{column.removeprefix(f'{date}_')}"
    return f"{lead}{vocabulary.dimensions[column][0]}"


def _list(query: Query, vocabulary: Vocabulary) -> list[str]:
    said = ["show"]
    if query.rank:
        said.append(f"top {query.rank.count}" if query.rank.order == "most" else f"bottom {query.rank.count}")
    said.append(f"{query.status} deals")
    if query.line:
        said.append(words.LINES[query.line][-1] if query.line == "owner_left" else words.LINES[query.line][0])
    for code in query.flags:
        said.append("without next step" if code == "DQ07" else words.FLAGS[code][0])
    if query.created:
        said.append(f"created {_days(query.created)}")
    if query.period:
        said.append(f"closing {_days(query.period)}")
    return said


def _days(period: Period) -> str:
    if period.first == BEGIN:
        return f"until {period.last}"
    if period.kind == "custom" and ".." in period.label:
        first, _, last = period.label.partition("..")
        return first if first == last else f"{first} to {last}"
    return f"fiscal {period.label}" if period.kind == "year" else period.label


def _filter(item: Filter, vocabulary: Vocabulary) -> str:
    if item.column == "amount" and item.op in _SIGNS:
        return f"worth {_SIGNS[item.op]} {item.values[0]}"
    if item.column == "amount" and item.op == "between":
        return f"worth between {item.values[0]} and {item.values[1]}"
    if item.op in _SIDES and item.column in ("created_on", "expected_close_on"):
        verb = "created" if item.column == "created_on" else "closing"
        return f"{verb} {_SIDES[item.op]} {item.values[0]}"
    if item.op == "between" and item.column in ("created_on", "expected_close_on"):
        verb = "created" if item.column == "created_on" else "closing"
        return f"{verb} {item.values[0]} to {item.values[1]}"
    lead = {"eq": "", "in": "", "ne": "not ", "not_in": "not "}.get(item.op)
    if lead is None or item.column not in vocabulary.dimensions:
        raise UnsayableError(f"{item.column} {item.op} has no words.")
    values = " or ".join('"' + str(value).replace('"', " ") + '"' for value in item.values)
    return f"{lead}{vocabulary.dimensions[item.column][0]} {values}"

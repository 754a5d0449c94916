"""Which files held which record: the memory behind first seen, last seen and late files.

A *sighting* is one file's evidence: a data date and the columns it carried. Every record row
holds the number of a *set* of sightings (hidden column ``_seen``); the sets are few, since
most records are seen by the same files, and live in the small internal table ``_sightings``.
So a re-import of an unchanged file moves ``last_seen_on`` of a million records by changing
one set, without touching a row; and a file that arrives late can be placed exactly between
the files before and after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

SIGHTINGS_TABLE = "_sightings"
SEEN = "_seen"

SCHEMA = pa.schema(
    [("object", pa.string()), ("kind", pa.string()), ("number", pa.int64()), ("body", pa.string())]
)


@dataclass(frozen=True)
class Sighting:
    """One file's evidence about one table."""

    data_on: date
    columns: frozenset[str]


@dataclass
class Seen:
    """Sightings and sets of one table.

    ``sets`` maps a set's number (dense from 1, as stored in rows) to its sightings' numbers.
    """

    sightings: dict[int, Sighting] = field(default_factory=dict)
    sets: dict[int, frozenset[int]] = field(default_factory=dict)

    def copy(self) -> Seen:
        """An independent copy."""
        return Seen(dict(self.sightings), dict(self.sets))

    def sighting(self, data_on: date, columns: Iterable[str]) -> int:
        """The number of this sighting, added when new. Same day and columns: same sighting."""
        wanted = Sighting(data_on, frozenset(columns))
        for number, known in self.sightings.items():
            if known == wanted:
                return number
        number = max(self.sightings, default=0) + 1
        self.sightings[number] = wanted
        return number

    def set_of(self, members: frozenset[int], *, taken: Iterable[int] = ()) -> int:
        """The number of the set with these members, added when new (unused numbers are used again)."""
        for number, known in self.sets.items():
            if known == members:
                return number
        number = 1
        busy = set(self.sets) | set(taken)
        while number in busy:
            number += 1
        self.sets[number] = members
        return number

    def dates(self, number: int, column: str | None = None) -> list[date]:
        """Sorted data dates of a set, of those files only that carried a column."""
        members = (self.sightings[s] for s in self.sets.get(number, ()))
        return sorted({s.data_on for s in members if column is None or column in s.columns})

    def first_on(self, number: int) -> date | None:
        """Data date of the first file that held the records of a set."""
        return next(iter(self.dates(number)), None)

    def last_on(self, number: int) -> date | None:
        """Data date of the latest file that held the records of a set."""
        dates = self.dates(number)
        return dates[-1] if dates else None

    def neighbours(self, number: int, column: str, day: date) -> Neighbours:
        """Where a file of that day stands among the files of a set that carried the column."""
        dates = self.dates(number, column)
        return Neighbours(
            before=max((d for d in dates if d < day), default=None),
            same=day in dates,
            after=min((d for d in dates if d > day), default=None),
        )

    def forget_unused(self, used: Iterable[int]) -> None:
        """Drop sets that no row holds, and sightings that no set holds."""
        kept = set(used)
        self.sets = {n: m for n, m in self.sets.items() if n in kept}
        alive = set().union(*self.sets.values()) if self.sets else set()
        self.sightings = {n: s for n, s in self.sightings.items() if n in alive}


@dataclass(frozen=True)
class Neighbours:
    """Data dates around a day: the file before, whether one is of the same day, the file after."""

    before: date | None
    same: bool
    after: date | None


def day_list_sql(seen: Seen, *, last: bool) -> str:
    """SQL for first or last seen day of a row: a constant list indexed by the set's number."""
    size = max(seen.sets, default=0)
    days = []
    for number in range(1, size + 1):
        day = seen.last_on(number) if last else seen.first_on(number)
        days.append(f"DATE '{day.isoformat()}'" if day else "NULL")
    return f'CAST([{", ".join(days)}] AS DATE[])["{SEEN}"]'


def load(rows: pa.Table) -> dict[str, Seen]:
    """Sightings of every table, from the internal table's rows."""
    result: dict[str, Seen] = {}
    for row in rows.to_pylist():
        seen = result.setdefault(row["object"], Seen())
        body = json.loads(row["body"])
        if row["kind"] == "sighting":
            seen.sightings[row["number"]] = Sighting(
                date.fromisoformat(body["data_on"]), frozenset(body["columns"])
            )
        else:
            seen.sets[row["number"]] = frozenset(body)
    return result


def dump(seen_by_table: Mapping[str, Seen]) -> pa.Table:
    """The internal table's rows."""
    rows = []
    for name in sorted(seen_by_table):
        seen = seen_by_table[name]
        for number, sighting in sorted(seen.sightings.items()):
            body = json.dumps({"data_on": sighting.data_on.isoformat(), "columns": sorted(sighting.columns)})
            rows.append({"object": name, "kind": "sighting", "number": number, "body": body})
        for number, members in sorted(seen.sets.items()):
            rows.append(
                {"object": name, "kind": "set", "number": number, "body": json.dumps(sorted(members))}
            )
    return pa.Table.from_pylist(rows, schema=SCHEMA)

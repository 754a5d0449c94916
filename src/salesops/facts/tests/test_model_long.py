"""The store against a brute-force model: any files, in any order of arrival."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from salesops.facts.tests.builders import Shop, day, end_of, midnight

FIELDS = ("stage", "amount", "is_won", "close_on", "x_score")
VALUES = {
    "stage": st.sampled_from(["New", "Engaging", "Won", None]),
    "amount": st.sampled_from([Decimal("10.0000"), Decimal("0.0001"), None]),
    "is_won": st.sampled_from([True, False, None]),
    "close_on": st.sampled_from([day(40), day(70), None]),
    "x_score": st.sampled_from([1, 2]),
}
DAYS = 45
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""No shrinking: each example opens a store and merges files, so it would take minutes."""


@dataclass(frozen=True)
class Export:
    """A file: its day, the columns it carries, its rows by record."""

    on: int
    columns: tuple[str, ...]
    rows: dict[str, dict[str, Any]]


@st.composite
def exports(draw: st.DrawFn, *, edited: bool) -> list[Export]:
    """Up to five files in order of arrival; days may repeat and go back."""
    found = []
    for _ in range(draw(st.integers(2, 5))):
        on = draw(st.integers(1, DAYS))
        columns = tuple(c for c in FIELDS if c == "stage" or draw(st.integers(0, 3)))
        ids = draw(st.sets(st.sampled_from("abc"), min_size=1))
        rows = {i: {c: draw(VALUES[c]) for c in columns} for i in sorted(ids)}
        if edited:
            columns = (*columns, "last_modified_at")
            for row in rows.values():
                hours = draw(st.integers(-48, 23))
                row["last_modified_at"] = midnight(on) + timedelta(hours=hours)
        found.append(Export(on, columns, rows))
    return found


class Model:
    """Every sighting, kept as it came."""

    def __init__(self) -> None:
        self.sightings: list[tuple[int, int, str, dict[str, Any]]] = []

    def take(self, arrival: int, export: Export) -> None:
        self.sightings += [(export.on, arrival, key, row) for key, row in export.rows.items()]

    def keys(self) -> set[str]:
        return {key for _, _, key, _ in self.sightings}

    def first_seen(self, key: str) -> int:
        return min(on for on, _, k, _ in self.sightings if k == key)

    def last_seen(self, key: str) -> int:
        return max(on for on, _, k, _ in self.sightings if k == key)

    def was_seen(self, key: str, column: str, on: int) -> bool:
        return any(d == on and k == key and column in row for d, _, k, row in self.sightings)

    def value(self, key: str, column: str, on: int) -> Any:
        """The latest evidence by that day, else the earliest there is (last arrival of a day wins)."""
        mine = [(d, a, row[column]) for d, a, k, row in self.sightings if k == key and column in row]
        if not mine:
            return None
        past = [m for m in mine if m[0] <= on]
        if past:
            return max(past, key=lambda m: m[:2])[2]
        earliest = min(m[0] for m in mine)
        return max((m for m in mine if m[0] == earliest), key=lambda m: m[1])[2]


def state(shop: Shop, as_of: datetime | None) -> dict[str, dict[str, Any]]:
    with shop.store.at(as_of=as_of) as facts:
        rows = facts.read("opportunities", shop_scope())
        names = ["id", "first_seen_on", "last_seen_on", *(f for f in FIELDS if f in rows.columns)]
        found = facts.execute(rows.select(*names)).to_pylist()
    return {row.pop("id"): row for row in found}


def shop_scope() -> Any:
    from salesops.facts import Scope

    return Scope.all()


def run(files: list[Export], folder: Path, days: set[int] | None) -> None:
    shop, model = Shop(folder), Model()
    try:
        for arrival, export in enumerate(files):
            before = model.keys()
            current = {(k, c): model.value(k, c, DAYS) for k in before for c in FIELDS}
            rows = [{"id": key, **row} for key, row in export.rows.items()]
            outcome = shop.take(export.on, rows, extras={"x_score": "integer"}).outcomes[0]
            model.take(arrival, export)
            assert outcome.read == len(export.rows)
            assert outcome.added == len(set(export.rows) - before)
            assert outcome.not_in_file == len(before - set(export.rows))
            differing = {
                c: n
                for c in FIELDS
                if (n := sum(model.value(k, c, DAYS) != current[k, c] for k in before & set(export.rows)))
            }
            counted = {c: n for c, n in outcome.changed_by_field.items() if c in FIELDS}
            assert counted == differing
            assert not shop.take(export.on, rows, extras={"x_score": "integer"}).changed_anything
        compare(shop, model, days)
    finally:
        shop.store.close()


def compare(shop: Shop, model: Model, days: set[int] | None) -> None:
    for on in [*(days or range(1, DAYS + 1, 3)), None]:
        found = state(shop, None if on is None else end_of(on))
        when = DAYS if on is None else on
        assert set(found) == {k for k in sorted(model.keys()) if model.first_seen(k) <= when}
        for key, row in found.items():
            assert row["first_seen_on"] == day(model.first_seen(key))
            assert row["last_seen_on"] == day(model.last_seen(key))
            for column in FIELDS:
                if days is not None and not model.was_seen(key, column, when):
                    continue  # between two files an edit's own instant decides, not the file's day
                assert row.get(column) == model.value(key, column, when), (key, column, when)


@settings(max_examples=60, phases=PHASES)
@given(exports(edited=False))
def test_any_files_in_any_order_give_the_state_their_days_say(files: list[Export]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run(files, Path(folder), None)


@settings(max_examples=60, phases=PHASES)
@given(exports(edited=True))
def test_instants_of_edits_never_spoil_the_state_on_a_file_s_own_day(files: list[Export]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run(files, Path(folder), {e.on for e in files})

"""Canonical text: text -> value -> text and value -> text -> value, in Python and in the engine."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.facts.backends import Workbench
from salesops.facts.columntypes import ARROW, from_text, of_arrow, text_sql, to_text, value_sql
from salesops.facts.errors import InvalidIncoming
from salesops.facts.tables import ColumnType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VALUES: dict[ColumnType, st.SearchStrategy[Any]] = {
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    "date": st.dates(),
    "instant": st.integers(-(2**53), 2**52).map(lambda us: EPOCH + timedelta(microseconds=us)),
    "integer": st.integers(-(2**62), 2**62),
    "money": st.decimals(-(10**14), 10**14, places=4),
    "rate": st.decimals(-(10**12), 10**12, places=6),
    "boolean": st.booleans(),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Workbench(Path(tmp_path_factory.mktemp("bench")), memory_limit="200MB") as bench:
        yield bench


@pytest.mark.parametrize("kind", list(VALUES))
def test_text_and_value_are_each_other_s_inverse_in_both_languages(
    bench: Workbench, kind: ColumnType
) -> None:
    @settings(max_examples=30)
    @given(st.lists(st.none() | VALUES[kind], min_size=1, max_size=20))
    def round_trip(values: list[Any]) -> None:
        texts = [to_text(v, kind) for v in values]
        assert [from_text(t, kind) for t in texts] == values
        bench.register(
            "values_in", pa.table({"v": pa.array(values, ARROW[kind]), "t": pa.array(texts, pa.string())})
        )
        same = (
            f"{text_sql('v', kind)} IS NOT DISTINCT FROM t AND {value_sql('t', kind)} IS NOT DISTINCT FROM v"
        )
        wrong = bench.rows(f"SELECT v, t, {text_sql('v', kind)} FROM values_in WHERE NOT ({same})")
        assert wrong == []

    round_trip()


def test_canonical_forms() -> None:
    plus2 = timezone(timedelta(hours=2))
    assert to_text(datetime(2017, 3, 1, 11, 30, tzinfo=plus2), "instant") == "2017-03-01T09:30:00Z"
    assert to_text(datetime(2017, 3, 1, 9, 30, 0, 5, tzinfo=UTC), "instant") == "2017-03-01T09:30:00.000005Z"
    assert to_text(date(2017, 3, 1), "date") == "2017-03-01"
    assert to_text(Decimal("-0"), "money") == "0.0000"
    assert to_text(Decimal("1E+3"), "money") == "1000.0000"
    assert to_text(Decimal("0.25"), "rate") == "0.250000"
    assert to_text(True, "boolean") == "true"


@pytest.mark.parametrize(
    "value,kind",
    [
        (1.5, "money"),
        (Decimal("0.00001"), "money"),
        (datetime(2017, 1, 1), "instant"),  # noqa: DTZ001
        (datetime(2017, 1, 1, tzinfo=UTC), "date"),
    ],
)
def test_values_that_do_not_fit_are_refused(value: Any, kind: ColumnType) -> None:
    with pytest.raises(ValueError, match=r"."):
        to_text(value, kind)


@pytest.mark.parametrize(
    "kind", [pa.float64(), pa.timestamp("us"), pa.decimal128(38, 9), pa.list_(pa.int64())]
)
def test_arrow_types_without_an_exact_meaning_are_refused(kind: pa.DataType) -> None:
    with pytest.raises(InvalidIncoming):
        of_arrow("x_a", kind)

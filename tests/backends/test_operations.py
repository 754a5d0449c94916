"""Operations that engines get otherwise unless their compiler is told: against values worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest

from salesops.facts.backends import local_date
from salesops.facts.backends.loading import Copy, target
from salesops.facts.columntypes import ibis_schema
from salesops.facts.errors import QueryFailed
from tests import postgres

COLUMNS: dict[str, Any] = {
    "id": "text",
    "amount": "money",
    "rank": "integer",
    "at": "instant",
    "due_on": "date",
    "is_won": "boolean",
}
ROWS = [
    ("a", Decimal("0.0001"), 3, datetime(2025, 3, 29, 23, 30, tzinfo=UTC), date(1, 1, 1), True),
    ("b", Decimal("1.0850"), 1, datetime(2025, 3, 30, 22, 30, tzinfo=UTC), date(2024, 2, 29), False),
    (None, Decimal("1.0851"), 0, None, None, None),
    (
        "",
        Decimal("-999999999999.9999"),
        2,
        datetime(2025, 10, 26, 22, 59, tzinfo=UTC),
        date(2025, 12, 31),
        None,
    ),
    ('"d",\\ é 数', None, None, datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), None, False),
]


@pytest.fixture(scope="module", params=["PostgreSQL", "Spark"])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A session over the rows, loaded as facts are."""
    if request.param == "PostgreSQL":
        address = postgres.database_make(request.getfixturevalue("postgres_cluster").address, "operations")
    else:
        settings = request.getfixturevalue("spark_address").partition("?")[2]
        address = f"spark://{tmp_path_factory.mktemp('operations')}?{settings}"
    engine = target(address)
    assert engine.engine == request.param
    assert engine.loaded("home") is None
    copy = Copy("home", "one", "2025-01-01T00:00:00+00:00", {"opportunities": COLUMNS})
    schema = ibis_schema(COLUMNS).to_pyarrow()
    arrays = [
        pa.array(values, field.type) for values, field in zip(zip(*ROWS, strict=True), schema, strict=True)
    ]
    engine.load(copy, {"opportunities": pa.Table.from_arrays(arrays, schema=schema).to_batches()})
    assert engine.loaded("home") == copy
    assert engine.loaded("another") is None
    opened = engine.session(copy)
    yield opened
    opened.close()


@pytest.fixture
def rows(session: Any) -> Any:
    """The rows as an expression."""
    return session.view("opportunities", COLUMNS)


def test_rows_come_back_as_they_went(session: Any, rows: Any) -> None:
    found = [tuple(row.values()) for row in session.execute(rows).to_pylist()]
    assert len(found) == len(ROWS)
    assert set(found) == set(ROWS)  # aware instants are equal whatever zone names them


def test_aggregates(session: Any, rows: Any) -> None:
    none = rows.id == "not there"
    (found,) = session.execute(
        rows.aggregate(
            median=rows.amount.cast("decimal(38,5)").median(),
            of_two=rows.amount.cast("decimal(38,5)").median(
                where=rows.amount > ibis.literal(1, "decimal(19,4)")
            ),
            of_ranks=rows["rank"].median(),
            quantile=rows["rank"].quantile(0.9),
            total=rows.amount.sum(),
            none=rows.count(where=none),
            sum_of_none=rows["rank"].sum(where=none),
            # The row of the least rank has no id: it does not count.
            least=rows.id.argmin(rows["rank"]),
            greatest=rows.id.argmax(rows["rank"], where=rows["rank"] < 3),
            truths=rows.is_won.cast("int64").sum(),
        )
    ).to_pylist()
    assert found == {
        "median": Decimal("0.54255"),  # of 0.0001 and 1.0850
        "of_two": Decimal("1.08505"),
        "of_ranks": 1.5,
        "quantile": pytest.approx(2.7, rel=1e-12),
        "total": Decimal("-999999999997.8297"),
        "none": 0,
        "sum_of_none": None,
        "least": "b",
        "greatest": "",
        "truths": 1,
    }


def test_days_of_a_zone_and_quarters(session: Any, rows: Any) -> None:
    expr = rows.filter(rows.amount.notnull(), rows["at"].notnull()).order_by("rank")
    expr = expr.select(day=local_date(expr["at"], "Europe/Berlin"), quarter=expr.due_on.truncate("Q"))
    assert session.execute(expr).to_pylist() == [
        {"day": date(2025, 3, 31), "quarter": date(2024, 1, 1)},  # summer time since that morning
        {"day": date(2025, 10, 26), "quarter": date(2025, 10, 1)},  # winter time again
        {"day": date(2025, 3, 30), "quarter": date(1, 1, 1)},
    ]


def test_lists_are_opened_side_by_side(session: Any, rows: Any) -> None:
    one = rows.filter(rows.id == "b")
    laid = one.select(
        place=ibis.array([ibis.literal(k, "int64") for k in (1, 2, 3)]).unnest(),
        day=ibis.array([one.due_on, ibis.null("date"), one.due_on]).unnest(),
    )
    assert session.execute(laid.order_by("place")).to_pylist() == [
        {"place": 1, "day": date(2024, 2, 29)},
        {"place": 2, "day": None},
        {"place": 3, "day": date(2024, 2, 29)},
    ]


def test_a_page_of_ordered_rows(session: Any, rows: Any) -> None:
    ordered = rows.order_by(rows["rank"].desc(nulls_first=False)).select("rank")
    assert session.execute(ordered.limit(2, offset=1))["rank"].to_pylist() == [2, 1]
    assert session.execute(ordered.limit(2, offset=3))["rank"].to_pylist() == [0, None]


def test_a_text_that_is_no_day_is_none(session: Any, rows: Any) -> None:
    texts = session.constant("texts", pa.table({"text": ["2024-02-29", "2024-02-30", "Pipeline", None]}))
    found = session.execute(texts.select(day=texts.text.try_cast("date")))["day"].to_pylist()
    assert sorted(found, key=str) == [date(2024, 2, 29), None, None, None]


def test_what_overflows_is_an_error_not_a_number(session: Any, rows: Any) -> None:
    wide = rows.amount.cast("decimal(38,4)") * ibis.literal(Decimal("1" + "0" * 30), "decimal(38,4)")
    with pytest.raises(QueryFailed):
        session.execute(rows.select(x=wide.cast("decimal(19,4)")))

"""Texts to types: exact money, dates in any order, missing markers, spoilt ids."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.crm.engine.formats import ColumnFormat, format_for, profile_column, profile_columns
from salesops.crm.engine.ids import checks, repair_case, to_18
from salesops.crm.engine.typing import ARROW_TYPES, FAULTS, Typed, type_batch


def typed(values: list[str], target: str, **kwargs: object) -> Typed:
    """Profile, format and type a column of texts."""
    fmt = format_for(profile_column("h", values), target, **kwargs)  # type: ignore[arg-type]
    return type_batch(pa.array(values, pa.string()), fmt, target)


def values(texts: list[str], target: str, **kwargs: object) -> list[object]:
    """The typed values alone; no cell may be faulty."""
    result = typed(texts, target, **kwargs)
    assert not result.any_fault, result.codes.to_pylist()
    assert result.values.type == ARROW_TYPES[target]
    return result.values.to_pylist()


@pytest.mark.parametrize(
    "texts, expected",
    [
        (["$1,234.50", "$2.00"], ["1234.50", "2"]),
        (["1.234,50 €", "2,00 €"], ["1234.50", "2"]),
        (["(1,234.50)", "10"], ["-1234.50", "10"]),
        (["1'234.50", "2'000'000.05"], ["1234.50", "2000000.05"]),
        (["1’234.50", "7.10"], ["1234.50", "7.10"]),
        (["1 234,50", "2\u202f345\u00a0678,00"], ["1234.50", "2345678"]),
        (["USD 1,234.00", "USD 5.00"], ["1234", "5"]),
        (["1,234.00 EUR", "-5.00 EUR"], ["1234", "-5"]),
        (["-$1,234.50", "$-7.00", "$ (8.00)", "9-"], ["-1234.50", "-7", "-8", "-9"]),
        (["12,34,567.00", "1,00,000"], ["1234567", "100000"]),
        (["R$ 1.234,56", "R$ 0,99"], ["1234.56", "0.99"]),
        (["1,234", "22,345,678"], ["1234", "22345678"]),
        (["1.5E+06", "2.25"], ["1500000", "2.25"]),
        (["123456789012345.6789", ".5"], ["123456789012345.6789", "0.5"]),
        (["1,234 kr", "5 kr"], ["1234", "5"]),
        (["−12.50", "+3.25"], ["-12.50", "3.25"]),
    ],
)
def test_money_spellings(texts: list[str], expected: list[str]) -> None:
    assert values(texts, "money") == [Decimal(e) for e in expected]


def test_money_is_rounded_half_away_from_zero_and_counted() -> None:
    result = typed(["0.00005", "-0.00005", "1.23454999999999999999", "2.5"], "money")
    assert result.values.to_pylist() == [
        Decimal("0.0001"),
        Decimal("-0.0001"),
        Decimal("1.2345"),
        Decimal("2.5"),
    ]
    assert result.rounded == 3


@pytest.mark.parametrize("text", ["abc", "12.3.4", "1,2,3", "--5", "12 apples", "5%5"])
def test_what_is_no_number_is_a_fault(text: str) -> None:
    result = typed(["1,234.50", "2.00", "3.00", text], "money")
    assert result.faults.to_pylist() == [False, False, False, True]
    assert result.values[3].as_py() is None
    reason, fix = FAULTS[result.codes[3].as_py()]
    assert reason
    assert fix


def test_wrong_grouping_is_a_fault_not_another_amount() -> None:
    result = type_batch(pa.array(["1,5", "1,500.00", "15,00"]), ColumnFormat(), "money")
    assert result.codes.to_pylist() == ["not_a_number", None, "not_a_number"]


def test_too_large_is_told() -> None:
    result = typed(["1234567890123456", "1"], "money")
    assert result.codes.to_pylist() == ["too_large", None]
    assert typed(["12345678901234567890"], "integer").codes.to_pylist() == ["too_large"]


def test_rates() -> None:
    assert values(["75%", "12.5 %", "100%"], "rate") == [Decimal("0.75"), Decimal("0.125"), Decimal(1)]
    assert values(["75", "10", "0"], "rate") == [Decimal("0.75"), Decimal("0.1"), Decimal(0)]
    assert values(["0.75", "0.1", "1"], "rate") == [Decimal("0.75"), Decimal("0.1"), Decimal(1)]
    assert values(["1", "0"], "rate", percent_points=True) == [Decimal("0.01"), Decimal(0)]
    assert values(["33,3 %"], "rate") == [Decimal("0.333")]


def test_integers() -> None:
    assert values(["1,234", "-5", "7.0", ""], "integer") == [1234, -5, 7, None]
    assert typed(["1.5", "2.25"], "integer").codes.to_pylist() == ["not_whole", "not_whole"]


def test_booleans_in_several_spellings() -> None:
    texts = ["1", "0", "TRUE", "False", "Yes", "no", "Ja", "nein", "Oui", "non", "x", "", "N/A", "wahr"]
    expected = [True, False, True, False, True, False, True, False, True, False, True, None, None, True]
    assert typed(texts, "boolean").values.to_pylist() == expected
    assert typed(["yes", "maybe"], "boolean").codes.to_pylist() == [None, "not_yes_no"]


MISSING = ["", "-", "N/A", "NULL", "#N/A", "Select", "000000000000000AAA", "  ", "--None--", "(blank)"]


@pytest.mark.parametrize("target", ["text", "money", "date", "integer", "instant", "rate", "boolean"])
def test_missing_markers_are_null_and_no_fault(target: str) -> None:
    result = typed(MISSING, target)
    assert result.values.null_count == len(MISSING)
    assert not result.any_fault


def test_na_is_a_value_in_text_and_missing_in_figures() -> None:
    assert values(["NA", "EMEA"], "text") == ["NA", "EMEA"]
    assert values(["NA", "5"], "money") == [None, Decimal(5)]


@pytest.mark.parametrize(
    "texts, order, expected",
    [
        (["31/12/2024", "01/02/2024"], "DMY", [date(2024, 12, 31), date(2024, 2, 1)]),
        (["12/31/2024", "01/02/2024"], "MDY", [date(2024, 12, 31), date(2024, 1, 2)]),
        (["2024-12-31", "2024/1/2"], "YMD", [date(2024, 12, 31), date(2024, 1, 2)]),
        (["31.12.24", "1.2.69"], "DMY", [date(2024, 12, 31), date(1969, 2, 1)]),
        (["12/31/24", "1/2/24"], "MDY", [date(2024, 12, 31), date(2024, 1, 2)]),
        (["01.02.2024"], "DMY", [date(2024, 2, 1)]),
        (
            ["1-Mar-2024", "Mar 3, 2024", "15 März 2024"],
            "named",
            [date(2024, 3, 1), date(2024, 3, 3), date(2024, 3, 15)],
        ),
        (
            ["3. Dezember 2023", "1er janvier 2024", "5 de enero de 2024"],
            "named",
            [date(2023, 12, 3), date(2024, 1, 1), date(2024, 1, 5)],
        ),
        (["2018-12-19 00:00:00", "2018-12-20 23:59:59"], "YMD", [date(2018, 12, 19), date(2018, 12, 20)]),
        (["2024-02-29T23:30:00-08:00"], "YMD", [date(2024, 2, 29)]),
    ],
)
def test_dates_in_three_orders(texts: list[str], order: str, expected: list[date | None]) -> None:
    profile = profile_column("Close Date", texts)
    assert profile.date_order == order
    result = typed(texts, "date")
    assert result.values.to_pylist() == expected
    assert result.faults.to_pylist() == [e is None for e in expected]


def test_the_order_is_read_from_the_whole_column_and_ambiguity_is_said() -> None:
    assert profile_column("d", ["01/02/2024", "03/04/2024"]).date_ambiguous
    assert not profile_column("d", ["01/02/2024"] * 999 + ["25/02/2024"]).date_ambiguous
    assert profile_column("d", ["25/02/2024", "02/25/2024"]).date_mixed
    batch = pa.RecordBatch.from_pydict({"a": ["01/02/2024", "03/04/2024"], "b": ["25/02/2024", "01/03/2024"]})
    profiles = profile_columns(["a", "b"], [batch])
    assert profiles["a"].date_order == "DMY"  # settled by the file's other column
    assert not profiles["a"].date_ambiguous
    assert profiles["a"].last_day == date(2024, 4, 3)


def test_ambiguous_marks_are_settled_by_the_file() -> None:
    batch = pa.RecordBatch.from_pydict({"a": ["1.234", "2.345"], "b": ["1.234,50", "7,00"]})
    profiles = profile_columns(["a", "b"], [batch])
    assert type_batch(batch.column("a"), format_for(profiles["a"], "money"), "money").values.to_pylist() == [
        1234,
        2345,
    ]
    assert profile_column("a", ["1.234", "2.345"]).marks_ambiguous


def test_days_that_do_not_exist_and_open_ends() -> None:
    result = typed(["2024-02-30", "2023-02-29", "2024-02-29", "9999-12-31", "2024-13-01", "nonsense"], "date")
    assert result.values.to_pylist() == [None, None, date(2024, 2, 29), None, None, None]
    assert result.codes.to_pylist() == ["no_such_day", "no_such_day", None, None, "no_such_day", "not_a_date"]


def test_excel_serials_compact_days_epochs_and_months() -> None:
    assert values(["45631", "45632.5", "25569"], "date") == [
        date(2024, 12, 5),
        date(2024, 12, 6),
        date(1970, 1, 1),
    ]
    assert values(["45631.75"], "instant") == [datetime(2024, 12, 5, 18, tzinfo=UTC)]
    assert values(["20240131", "20241231"], "date") == [date(2024, 1, 31), date(2024, 12, 31)]
    assert values(["1609459200000"], "instant") == [datetime(2021, 1, 1, tzinfo=UTC)]
    assert values(["2024-03", "2024-11"], "date") == [date(2024, 3, 1), date(2024, 11, 1)]


def test_instants_with_and_without_zone() -> None:
    texts = [
        "2024-01-31T10:00:00Z",
        "2024-01-31 10:00:00.123456",
        "2024-01-31T10:00:00.000+0200",
        "1/31/2024 1:05 PM",
        "1/31/2024 12:00 AM",
        "2024-07-01 00:00",
    ]
    assert values(texts, "instant", zone="America/New_York") == [
        datetime(2024, 1, 31, 10, tzinfo=UTC),
        datetime(2024, 1, 31, 15, 0, 0, 123456, tzinfo=UTC),
        datetime(2024, 1, 31, 8, tzinfo=UTC),
        datetime(2024, 1, 31, 18, 5, tzinfo=UTC),
        datetime(2024, 1, 31, 5, tzinfo=UTC),
        datetime(2024, 7, 1, 4, tzinfo=UTC),
    ]
    assert values(["2024-01-31 10:00:00"], "instant") == [datetime(2024, 1, 31, 10, tzinfo=UTC)]
    assert typed(["2024-01-31 25:00:00", "2024-01-31 10:00:00"], "instant").faults.to_pylist() == [
        True,
        False,
    ]


def test_salesforce_ids_come_to_18_characters() -> None:
    assert to_18("0061G00000Ja7B6") == "0061G00000Ja7B6QAJ"
    assert checks("0051G00000600MlQAI")
    assert not checks("0051G00000600MlQAJ")
    assert repair_case("0061g00000ja7b6qaj") == "0061G00000Ja7B6QAJ"
    texts = ["0061G00000Ja7B6", "0061G00000HhviAQAR", "0061G00000N38JZQAZ", ""]
    assert values(texts, "text", identifier=True) == [
        "0061G00000Ja7B6QAJ",
        "0061G00000HhviAQAR",
        "0061G00000N38JZQAZ",
        None,
    ]


def test_ids_spoilt_by_a_spreadsheet_are_faults_with_a_fix() -> None:
    texts = ["00123", "00456", "01234", "04567", "00789", "123", "1.23E+11", "12.0"]
    result = typed(texts, "text", identifier=True)
    assert result.codes.to_pylist() == [None] * 5 + ["id_zeros", "id_exponent", "id_decimal"]
    assert result.values.to_pylist()[:5] == texts[:5]
    assert all("Export again" in FAULTS[c][1] for c in ("id_zeros", "id_exponent", "id_decimal"))


def test_numbers_counted_up_are_no_spoilt_ids() -> None:
    assert not typed([str(i) for i in range(1, 1200)], "text", identifier=True).any_fault


def test_format_goes_through_a_mapping_file() -> None:
    fmt = ColumnFormat(
        decimal=",", thousands=".", zone="Europe/Berlin", missing=("offen",), percent_points=True
    )
    assert ColumnFormat.from_dict(fmt.to_dict()) == fmt
    assert ColumnFormat().to_dict() == {}
    with pytest.raises(ValueError, match="decimals"):
        ColumnFormat.from_dict({"decimals": ","})
    assert type_batch(pa.array(["offen", "1.000,5"]), fmt, "money").values.to_pylist() == [
        None,
        Decimal("1000.5"),
    ]


LOCALES = [(".", ","), (",", "."), (".", "'"), (",", " "), (",", "\u202f"), (".", ""), (",", "")]
amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False, allow_infinity=False)


def printed(amount: Decimal, decimal: str, thousands: str, style: int) -> str:
    """An amount as some program prints it."""
    text = f"{abs(amount):,.2f}".replace(",", "\x00").replace(".", decimal).replace("\x00", thousands)
    text = [text, f"${text}", f"{text} €", f"CHF {text}"][style]
    negative = amount < 0
    return [f"-{text}", f"({text})", f"{text}-"][style % 3] if negative else text


@settings(max_examples=60, deadline=None)
@given(
    column=st.lists(amounts, min_size=1, max_size=20),
    locale=st.sampled_from(LOCALES),
    style=st.integers(0, 3),
)
def test_money_round_trip(column: list[Decimal], locale: tuple[str, str], style: int) -> None:
    texts = [printed(a, *locale, style) for a in column]
    assert values(texts, "money") == column


days = st.dates(min_value=date(1970, 1, 1), max_value=date(2068, 12, 31))
PATTERNS = {
    "%d.%m.%Y": "DMY",
    "%d/%m/%Y": "DMY",
    "%m/%d/%Y": "MDY",
    "%Y-%m-%d": "YMD",
    "%d.%m.%y": "DMY",
    "%m/%d/%y": "MDY",
    "%d %b %Y": "named",
    "%B %d, %Y": "named",
    "%Y/%m/%d": "YMD",
}


@settings(max_examples=60, deadline=None)
@given(column=st.lists(days, min_size=1, max_size=20), pattern=st.sampled_from(sorted(PATTERNS)))
def test_date_round_trip(column: list[date], pattern: str) -> None:
    texts = [d.strftime(pattern) for d in column]
    fmt = ColumnFormat(date_order=PATTERNS[pattern])
    assert type_batch(pa.array(texts), fmt, "date").values.to_pylist() == column
    if any(d.day > 12 for d in column):  # then the column proves its own order
        assert values(texts, "date") == column


zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
moments = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2060, 1, 1))  # noqa: DTZ001 - drawn naive on purpose


@settings(max_examples=60, deadline=None)
@given(column=st.lists(moments, min_size=1, max_size=10), zone=zones)
def test_instant_round_trip(column: list[datetime], zone: str) -> None:
    instants = [m.replace(tzinfo=UTC) for m in column]
    with_zone = [i.astimezone(ZoneInfo(zone)).isoformat() for i in instants]
    assert values(with_zone, "instant") == instants
    naive = [m.replace(tzinfo=ZoneInfo(zone)) for m in column]
    real = [
        m for m in naive if m.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(fold=0) == m
    ]  # not in a clock change's gap
    texts = [m.replace(tzinfo=None).isoformat(" ") for m in real]
    assert type_batch(
        pa.array(texts, pa.string()), ColumnFormat(zone=zone), "instant"
    ).values.to_pylist() == [m.astimezone(UTC) for m in real]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=20), st.sampled_from(sorted(ARROW_TYPES)))
def test_no_text_makes_typing_fail(texts: list[str], target: str) -> None:
    result = typed(texts, target)
    assert len(result.values) == len(texts)
    assert result.values.type == ARROW_TYPES[target]
    for value, fault in zip(result.values.to_pylist(), result.faults.to_pylist(), strict=True):
        assert not (fault and value is not None)


@settings(max_examples=30, deadline=None)
@given(st.from_regex(r"006[a-zA-Z0-9]{12}", fullmatch=True))
def test_18_characters_survive_a_program_that_ignores_case(identifier: str) -> None:
    whole = to_18(identifier)
    assert checks(whole)
    assert repair_case(whole.lower()) == whole
    assert repair_case(whole.upper()) == whole

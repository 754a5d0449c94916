"""The quick ways of reading, profiling and typing give what the careful ones give, cell by cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from salesops.crm.engine import profiles, typing
from salesops.crm.engine.formats import ColumnFormat
from salesops.crm.engine.ids import completed, ids_shaped, repair_case, suffix_of, to_18
from salesops.crm.engine.profiles import profile_column
from salesops.crm.engine.typing import type_batch
from salesops.crm.files import Limits
from salesops.crm.files.delimited import open_delimited
from salesops.crm.files.sources import Source

COUNTRY = ["DE", "FR", "Total", "Count", "", "5", "sum of", "Grand Total", " DE ", "N/A"]
NOTE = ["", "plain", "a,b", 'say "hi"', "two\nlines", "12.5", "total", "36 records", "x" * 40]


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(COUNTRY), st.sampled_from(NOTE), st.sampled_from(NOTE), st.booleans()),
        min_size=8,
        max_size=60,
    ),
    broken=st.lists(
        st.sampled_from(["", ",,,,", "only one", "a,b,c,d,e,f,g", "Grand Total,,,,9", "Id,Land,A,B,C"]),
        max_size=4,
    ),
)
def test_columns_read_encoded_are_what_the_careful_path_reads(
    rows: Sequence[tuple[str, str, str, bool]], broken: list[str]
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["Id", "Land", "A", "B", "C"])
    for n, (land, first, second, sparse) in enumerate(rows):
        writer.writerow([land, "", "", "", "7"] if sparse else [f"id{n}", land, first, second, str(n % 3)])
        if n < len(broken):
            out.write(broken[n] + "\n")
    source = Source.of("rows.csv", out.getvalue().encode())
    fast = open_delimited(source, Limits(), path="fast")
    careful = open_delimited(source, Limits(grid_bytes=0), path="careful")
    assert fast.layout is not None
    assume(fast.layout.plain)  # reports with groups are never read the fast way
    assert fast.columns == careful.columns
    assert fast.read().to_pylist() == careful.read().to_pylist()
    assert fast.problems == careful.problems
    assert fast.dropped == careful.dropped


def test_repeating_columns_are_read_encoded() -> None:
    text = "Id,Stage\n" + "".join(f"{n},{'Won' if n % 2 else 'Lost'}\n" for n in range(3_000))
    table = open_delimited(Source.of("a.csv", text.encode()), Limits(grid_bytes=10))
    kinds = {f.name: pa.types.is_dictionary(f.type) for b in table.encoded() for f in b.schema}
    assert kinds == {"Id": False, "Stage": True, "source_row": False}
    assert table.read().schema == table.schema


FIGURES = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
    st.from_regex(r"\A-?\d{1,17}(?:\.\d{0,7})?\Z"),
    st.sampled_from(
        ["", "-", "n/a", "NaN", "1,234.5", "(5)", "50%", "1e3", "€ 7", "000000000000000", "-0", "1.", ".5"]
    ),
)
DAYS = st.one_of(
    st.dates().map(str),
    st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z"),
    st.sampled_from(["", "31.12.2024", "9999-12-31", "2024-02-30", "1 Jan 2024", "?", "0999-01-01"]),
)
INSTANTS = st.one_of(
    st.datetimes().map(lambda d: d.isoformat() + "Z"),
    st.from_regex(
        r"\A[12][0-9]{3}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](?:Z|[+-]1?[0-9]:?[0-6]0)\Z"
    ),
    st.sampled_from(["", "2024-01-01", "2024-02-30T10:00:00Z", "2024-01-01T10:00:60Z", "2024-01-01 10:00"]),
)
KINDS = {
    "money": (FIGURES, lambda t, f: typing._marked_decimals(t, f, 4, rate=False)),
    "rate": (FIGURES, lambda t, f: typing._marked_decimals(t, f, 6, rate=True)),
    "integer": (FIGURES, typing._marked_integer),
    "date": (DAYS, typing._written_date),
    "instant": (INSTANTS, typing._written_instant),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_plain_forms_are_typed_as_any_form_is(kind: str, data: st.DataObject) -> None:
    cells, slow = KINDS[kind]
    texts = data.draw(st.lists(cells, min_size=1, max_size=20))
    fmt = ColumnFormat()
    quick = type_batch(pa.array(texts, pa.string()), fmt, kind)
    careful = typing._finish(slow(typing.trimmed(pa.array(texts, pa.string())), fmt))
    encoded = type_batch(pa.array(texts, pa.string()).dictionary_encode(), fmt, kind)
    for found in (quick, encoded):
        assert found.values.to_pylist() == careful.values.to_pylist()
        assert found.codes.to_pylist() == careful.codes.to_pylist()
        assert found.faults.to_pylist() == careful.faults.to_pylist()
        assert found.rounded == careful.rounded


@settings(max_examples=30, deadline=None)
@given(
    bodies=st.lists(st.from_regex(r"\A006[A-Za-z0-9]{12}\Z"), min_size=1, max_size=10),
    shapes=st.lists(st.sampled_from(["15", "18", "upper", "lower", "odd", "none"]), min_size=10, max_size=10),
)
def test_whole_columns_of_ids_are_completed_as_single_ids_are(bodies: list[str], shapes: list[str]) -> None:
    made = {
        "15": lambda b: b,
        "18": lambda b: b + suffix_of(b),
        "upper": lambda b: (b + suffix_of(b)).upper(),
        "lower": lambda b: (b + suffix_of(b)).lower(),
        "odd": lambda b: b[:7] + "-" + b[8:],
        "none": lambda b: None,
    }
    texts = [made[shape](body) for body, shape in zip(bodies, shapes, strict=False)]
    wanted = []
    for text in texts:
        if text and len(text) == 18 and text in (text.upper(), text.lower()):
            text = repair_case(text)
        wanted.append(to_18(text) if text else text)
    assert completed(pa.array(texts, pa.string())).to_pylist() == wanted
    whole = pa.array([t or "" for t in texts], pa.string())
    assert completed(whole.slice(1)).to_pylist() == [w or "" for w in wanted][1:]
    shaped, prefixes = ids_shaped(whole)
    assert prefixes <= {"006"}
    assert shaped >= sum(1 for s in shapes[: len(texts)] if s in ("15", "18"))


@pytest.mark.parametrize(
    "texts",
    [
        [f"{n}.{n % 100:02d}" for n in range(10, 900)] + ["1.234,5", "oops", "", "12 %"],
        [f"2024-01-{n % 28 + 1:02d}T10:{n // 60 % 60:02d}:{n % 60:02d}Z" for n in range(900)]
        + ["1999-05-05", "x"],
        [str(n) for n in range(1, 900)] + ["20240131", "007"],
        [f"Deal {n}" for n in range(900)] + ["", "N/A"],
        [f"{n % 12 + 1}/{n % 28 + 1}/2024 {n}:00" for n in range(23)] * 40,
    ],
)
def test_a_profile_does_not_depend_on_how_the_column_comes(
    texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "DISTINCT_CAP", 50)

    def profile_of(size: int, *, encoded: bool) -> profiles.ColumnProfile:
        profiler = profiles._Profiler("c")
        for start in range(0, len(texts), size):
            part = pa.array(texts[start : start + size], pa.string())
            profiler.add(part.dictionary_encode() if encoded else part)
        return profiler.result()

    whole = profile_column("c", texts)
    for size in (7, 100, 450):
        for encoded in (False, True):
            found = profile_of(size, encoded=encoded)
            for name in (
                "kind", "purity", "rows", "missing", "missing_markers", "decimal", "thousands", "date_order",
                "date_ambiguous", "has_time", "has_zone", "day_spans", "digit_widths", "leading_zeros",
                "max_length", "capped", "currencies", "percent", "spoilt_ids",
            ):  # fmt: skip
                assert getattr(found, name) == getattr(whole, name), (name, size, encoded)

"""What each column of text holds, read over the whole column batch by batch.

A date order is never guessed from the first rows, and what the values alone do not settle is
said, not hidden.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.crm.engine.column_profile import ColumnProfile, Kind
from salesops.crm.engine.figure_forms import (
    ISO_INSTANT,
    MARK_PATTERNS,
    PLAIN_FRACTION,
    PLAIN_WHOLE,
    rough,
)
from salesops.crm.engine.ids import SPOILT_ID, ids_shaped, salesforce_prefix
from salesops.crm.engine.patterns import (
    DATE_COMPACT,
    DATE_TRIPLE,
    FALSE_WORDS,
    MISSING_ALWAYS,
    MISSING_IN_FIGURES,
    MONTH_HINT,
    NUMBER,
    TRUE_WORDS,
    currency_in,
    find_days,
    looks_dated,
)
from salesops.crm.engine.quickly import is_any, trimmed

DISTINCT_CAP = 5_000


def profile_columns(columns: Sequence[str], batches: Iterable[pa.RecordBatch]) -> dict[str, ColumnProfile]:
    """Profiles of text columns over all batches, settled together.

    What one column leaves open (1.234; 03/04/2024) is settled by the others where they prove a
    mark or an order, since one program wrote the whole file; it stays marked as ambiguous where
    they do not.
    """
    profilers = {c: _Profiler(c) for c in columns}
    for batch in batches:
        for column in columns:
            profilers[column].add(batch.column(column))
    return _settle({c: p.result() for c, p in profilers.items()})


def profile_column(header: str, values: Sequence[str]) -> ColumnProfile:
    """Profile of one column given as texts."""
    return profile_parts([(header, pa.array(values, pa.string()))])[header]


def profile_parts(parts: Iterable[tuple[str, pa.Array | pa.ChunkedArray]]) -> dict[str, ColumnProfile]:
    """Profiles of columns by header, of which texts come part by part."""
    profilers: dict[str, _Profiler] = {}
    for header, texts in parts:
        profilers.setdefault(header, _Profiler(header)).add(texts)
    return {header: profiler.result() for header, profiler in profilers.items()}


def _settle(profiles: dict[str, ColumnProfile]) -> dict[str, ColumnProfile]:
    figures = [p for p in profiles.values() if p.kind in ("integer", "number")]
    marks = Counter(p.decimal for p in figures if p.decimal and not p.marks_ambiguous)
    dated = [p for p in profiles.values() if p.kind in ("date", "instant")]
    orders = Counter(p.date_order for p in dated if p.date_order in ("DMY", "MDY") and not p.date_ambiguous)
    settled = {}
    for header, p in profiles.items():
        if p.marks_ambiguous and len(marks) == 1:
            mark = next(iter(marks))
            p = replace(p, decimal=mark, thousands="," if mark == "." else ".", marks_ambiguous=False)
        elif p.marks_ambiguous and not p.decimal:
            p = replace(p, decimal="." if p.thousands == "," else p.decimal)
        if p.date_ambiguous and len(orders) == 1:
            order = next(iter(orders))
            first, last = _day_range(p.day_spans, order)
            p = replace(p, date_order=order, date_ambiguous=False, first_day=first, last_day=last)
        settled[header] = p
    return settled


@dataclass
class _Profiler:
    header: str
    rows: int = 0
    missing: int = 0
    markers: set[str] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)
    capped: bool = False
    classes: Counter[str] = field(default_factory=Counter)
    marks: set[str] = field(default_factory=set)
    currencies: set[str] = field(default_factory=set)
    widths: Counter[int] = field(default_factory=Counter)
    facts: set[str] = field(default_factory=set)
    over12: list[int] = field(default_factory=lambda: [0, 0])
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    prefixes: set[str] = field(default_factory=set)
    decimals: int = 0
    longest: int = 0
    plain_text: bool = False

    def add(self, column: pa.Array | pa.ChunkedArray) -> None:
        """Take one batch of the column; it may be dictionary-encoded.

        While a column holds few different texts they are counted, and looked at once at the end. From
        then on every batch is looked at as it comes.
        """
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        self.rows += len(column)
        if not self.capped:
            values, counts = _counted(column)
            if len(values) + len(self.seen) <= DISTINCT_CAP or not self._overflows(values):
                values, weights = self._filled(values, counts)
                for value, count in zip(values.to_pylist(), weights.to_pylist(), strict=True):
                    self.seen[value] += count
                return
            self._look_at_seen()
            self.capped = True
            self._fill_up(values, counts)
        self._each(column.dictionary_decode() if pa.types.is_dictionary(column.type) else column)

    def _overflows(self, values: pa.Array) -> bool:
        """Whether a batch's different texts bring the column over the limit."""
        return len(self.seen.keys() | set(trimmed(values).to_pylist())) > DISTINCT_CAP

    def _fill_up(self, values: pa.Array, counts: pa.Array) -> None:
        """Take texts of the batch that goes over the limit, as many as are kept: they stand for the rest."""
        held = trimmed(values.slice(0, 2 * DISTINCT_CAP))
        gone = is_any(held, MISSING_ALWAYS).to_pylist()
        for value, count, missing in zip(held.to_pylist(), counts.to_pylist(), gone, strict=False):
            if not missing:
                self.seen[value] += count
            if len(self.seen) > DISTINCT_CAP:
                break

    def _filled(self, values: pa.Array, counts: pa.Array | None) -> tuple[pa.Array, pa.Array]:
        """Trimmed texts that mean something, with their counts: one each where none are given."""
        values = trimmed(values)
        gone = is_any(values, MISSING_ALWAYS)
        if pc.any(gone).as_py():
            self.missing += _weight(gone, counts)
            self.markers.update(v for v in pc.unique(pc.filter(values, gone)).to_pylist() if v)
            keep = pc.invert(gone)
            values = pc.filter(values, keep)
            counts = pc.filter(counts, keep) if counts is not None else None
        # Bytes are counted in no time, and are never fewer than letters.
        if len(values) and pc.max(pc.binary_length(values)).as_py() > self.longest:
            self.longest = max(self.longest, int(pc.max(pc.utf8_length(values)).as_py()))
        return values, counts if counts is not None else _ones(len(values))

    def _each(self, column: pa.Array) -> None:
        """A batch of a column of many different texts."""
        values, _ = self._filled(column, None)
        if not len(values):
            return
        if self.plain_text:
            self.classes["text"] += len(values)
            self._ids(values)
            return
        known = self._known(values)
        if known is not None:
            values = pc.filter(values, pc.invert(known))
        if len(values):
            self._classify(values, _ones(len(values)))
        self._settle_text()

    def _look_at_seen(self) -> None:
        """Look at the different texts counted so far."""
        if not self.seen:
            return
        self._classify(pa.array(list(self.seen), pa.string()), pa.array(list(self.seen.values()), pa.int64()))
        self._settle_text()

    def _settle_text(self) -> None:
        typed = sum(self.classes[c] for c in ("number", "date", "named", "boolean"))
        if self.capped and typed < 0.5 * (self.rows - self.missing):
            self.plain_text = True

    def _known(self, values: pa.Array) -> pa.Array | None:
        """Cells of a form that can show nothing new, counted here; None where the column has no such form."""
        if self.classes["date"] and {"time", "clock", "zone"} <= self.facts:
            found = pc.match_substring_regex(values, ISO_INSTANT)
            ends = pc.min_max(pc.filter(values, found)).as_py()
            if ends["min"] is None:
                return None
            count = int(pc.sum(found).as_py())
            self.classes["date"] += count
            self.classes["ymd"] += count
            low, high = (int(ends[end][:10].replace("-", "")) for end in ("min", "max"))
            self._span("YMD", low, high)
            return found
        if self.classes["number"] and "dot_decimal" in self.marks:
            found = pc.match_substring_regex(values, PLAIN_FRACTION)
            self.classes["number"] += int(pc.sum(found).as_py() or 0)
            return found
        if self.classes["digits"]:
            found = pc.match_substring_regex(values, PLAIN_WHOLE)
            count = int(pc.sum(found).as_py() or 0)
            self.classes["number"] += count
            self.classes["digits"] += count
            for item in pc.value_counts(pc.binary_length(pc.filter(values, found))).to_pylist():
                self.widths[item["values"]] += item["counts"]
            return found
        return None

    def _classify(self, values: pa.Array, counts: pa.Array) -> None:
        left = is_any(values, MISSING_IN_FIGURES)
        self._count("gone", left, counts)
        dated = pc.match_substring_regex(values, DATE_TRIPLE)
        self._count("date", dated, counts)
        numeric = pc.and_(pc.match_substring_regex(values, NUMBER), pc.match_substring_regex(values, r"\d"))
        numeric = pc.and_(numeric, pc.invert(dated))
        self._count("number", numeric, counts)
        boolean = is_any(values, _BOOLEAN_WORDS)
        self._count("boolean_any", boolean, counts)
        words = pc.and_(boolean, pc.invert(numeric))
        self._count("boolean", words, counts)
        taken = pc.or_(pc.or_(dated, numeric), pc.or_(boolean, left))
        rest = pc.filter(values, pc.invert(taken))
        if len(rest):
            self._named(rest, pc.filter(counts, pc.invert(taken)))
        if pc.any(numeric).as_py():
            self._numbers(pc.filter(values, numeric), pc.filter(counts, numeric))
        if pc.any(dated).as_py():
            self._dates(pc.filter(values, dated), pc.filter(counts, dated))
        self._ids(values)

    def _count(self, name: str, mask: pa.Array, counts: pa.Array) -> None:
        self.classes[name] += _weight(mask, counts)

    def _named(self, values: pa.Array, counts: pa.Array) -> None:
        month = pc.match_substring_regex(values, r"^(?:19|20)\d{2}-(?:0[1-9]|1[0-2])$")
        self._count("month", month, counts)
        # An exact pattern costs more to compile than most columns to read: only cells that hold a
        # month's name are looked at, one by one.
        hint = pc.and_(pc.match_substring_regex(values, MONTH_HINT), pc.less(pc.utf8_length(values), 48))
        if pc.any(hint).as_py():
            named, times = pc.filter(values, hint).to_pylist(), pc.filter(counts, hint).to_pylist()
            for value, count in zip(named, times, strict=True):
                self._named_date(value, count)

    def _named_date(self, value: str, count: int) -> None:
        if not looks_dated(value):
            return
        self.classes["named"] += count
        days = find_days(value)
        if days:
            key = days[0].year * 10000 + days[0].month * 100 + days[0].day
            self._span("named", key, key)
        else:
            self.facts.add("two_digit_year")
        if ":" in value:
            self.facts.update(("time", "clock"))

    def _numbers(self, values: pa.Array, counts: pa.Array) -> None:
        for name, pattern in MARK_PATTERNS.items():
            if name not in self.marks and pc.any(pc.match_substring_regex(values, pattern)).as_py():
                self.marks.add(name)
        self._count(
            "signed_money", pc.match_substring_regex(values, r"[^\d.,'’\s\x{a0}\x{202f}()%+\-−eE]"), counts
        )
        odd = pc.filter(values, pc.match_substring_regex(values, r"[^\d.,'’\s()%+\-−eE]"))
        if len(odd):
            shapes = pc.unique(pc.replace_substring_regex(odd, r"[\d.,'’\s\x{a0}\x{202f}]+", "9"))
            self.currencies.update(c for c in map(currency_in, shapes.to_pylist()) if c)
        self._count("compact", pc.match_substring_regex(values, DATE_COMPACT), counts)
        digits = pc.match_substring_regex(values, r"^\d+$")
        self._count("digits", digits, counts)
        plain = pc.filter(values, digits)
        if len(plain):
            for item in pc.value_counts(pc.utf8_length(plain)).to_pylist():
                self.widths[item["values"]] += item["counts"]
            if pc.any(pc.match_substring_regex(plain, r"^0\d")).as_py():
                self.facts.add("leading_zeros")
        self._count("spoilt", pc.match_substring_regex(values, SPOILT_ID), counts)

    def _dates(self, values: pa.Array, counts: pa.Array) -> None:
        parts = pc.extract_regex(
            values, r"^(?P<a>\d{1,4})[./\-]\s?(?P<b>\d{1,2})[./\-]\s?(?P<c>\d{1,4})(?P<rest>.*)$"
        )
        a_text, c_text, rest = parts.field("a"), parts.field("c"), parts.field("rest")
        a, b, c = (np.asarray(parts.field(k).cast(pa.int32())) for k in "abc")
        long_a = np.asarray(pc.utf8_length(a_text)) >= 3
        weights = np.asarray(counts)
        self.classes["ymd"] += int(weights[long_a].sum())
        other = ~long_a
        if other.any():
            short = np.asarray(pc.utf8_length(c_text)) <= 2
            if (short & other).any():
                self.facts.add("two_digit_year")
            if pc.any(pc.match_substring_regex(values, r"^\d{1,2}\.")).as_py():
                self.facts.add("dots")
            year = np.where(short, np.where(c < 69, c + 2000, c + 1900), c)
            self.over12[0] += int(weights[other & (a > 12)].sum())
            self.over12[1] += int(weights[other & (b > 12)].sum())
            for order, month, day in (("DMY", b, a), ("MDY", a, b)):
                ok = other & (month <= 12) & (day <= 31) & (month > 0) & (day > 0) & (year < 2200)
                if ok.any():
                    keys = (year * 10000 + month * 100 + day)[ok]
                    self._span(order, int(keys.min()), int(keys.max()))
        ok = long_a & (b <= 12) & (c <= 31) & (b > 0) & (c > 0) & (a < 2200)
        if ok.any():
            keys = (a * 10000 + b * 100 + c)[ok]
            self._span("YMD", int(keys.min()), int(keys.max()))
        timed = pc.match_substring_regex(rest, r"\d[:.]\d")
        if pc.any(timed).as_py():
            self.facts.add("time")
            clock = pc.and_(
                timed,
                pc.invert(
                    pc.match_substring_regex(
                        rest, r"^[,T\s]*0?0[:.]00(?:[:.]00(?:[.,]0+)?)?\D*$|^\s*12:00(?::00)?\s*[aA]"
                    )
                ),
            )
            if pc.any(clock).as_py():
                self.facts.add("clock")
            if pc.any(pc.match_substring_regex(rest, r"(?:Z|UTC|GMT|[-+]\d{2}:?(?:\d{2})?)\s*$")).as_py():
                self.facts.add("zone")
            if pc.any(pc.match_substring_regex(rest, r"[aApP]\.?[mM]")).as_py():
                self.facts.add("ampm")

    def _span(self, order: str, low: int, high: int) -> None:
        old = self.spans.get(order, (low, high))
        self.spans[order] = (min(low, old[0]), max(high, old[1]))

    def _ids(self, values: pa.Array) -> None:
        if len(self.prefixes) > 6:
            return
        shaped, prefixes = ids_shaped(values)
        self.classes["id_shaped"] += shaped
        self.classes["id_tested"] += len(values)
        self.prefixes.update(prefixes)

    def result(self) -> ColumnProfile:
        """The profile of everything added; nothing can be added after."""
        if not self.capped:
            self._look_at_seen()
        filled = self.rows - self.missing
        if not filled:
            return ColumnProfile(
                self.header, rows=self.rows, missing=self.missing, missing_markers=tuple(sorted(self.markers))
            )
        figures_gone = self.classes["gone"]
        base = max(filled - figures_gone, 1)
        dates = self.classes["date"] + self.classes["named"] + self.classes["month"]
        shares = {
            "date": dates / base,
            "number": self.classes["number"] / base,
            "boolean": self.classes["boolean_any"] / filled,
        }
        kind: Kind = "text"
        purity = 1.0
        if shares["boolean"] == 1.0 and self.classes["boolean"] and len(self.seen) <= 6:
            kind = "boolean"
        elif dates and shares["date"] >= 0.6:
            kind, purity = ("instant" if "clock" in self.facts else "date"), dates / base
        elif self.classes["number"] and shares["number"] >= 0.6:
            whole = self.classes["digits"] + self.classes["spoilt"] == self.classes["number"] or not (
                self.marks - {"long_decimals"} or self.currencies or self.classes["signed_money"]
            )
            kind, purity = ("integer" if whole else "number"), self.classes["number"] / base
        if kind in ("date", "instant", "integer", "number"):
            self.missing += figures_gone
        else:
            figures_gone = 0
        decimal, thousands, unclear = self._marks() if self.classes["number"] else ("", "", False)
        order, unsettled, mixed = self._order() if dates else ("", False, False)
        spans = tuple((o, low, high) for o, (low, high) in sorted(self.spans.items()))
        first, last = _day_range(spans, order)
        numbers = (
            [n for n in (rough(v, decimal) for v in self.seen) if n is not None]
            if kind in ("integer", "number")
            else []
        )
        form = "text"
        if kind == "integer" and self.classes["compact"] == self.classes["number"]:
            form = "compact"
        elif kind == "date" and self.classes["month"] == dates:
            form, order = "month", "YMD"
        keys = [v for v, _ in self.seen.most_common(300)]
        examples = [(v, n) for v, n in self.seen.most_common(12)]
        prefix = ""
        if len(self.prefixes) == 1 and self.classes["id_shaped"] >= 0.9 * self.classes["id_tested"]:
            prefix = salesforce_prefix(keys)
        return ColumnProfile(
            self.header,
            kind=kind,
            purity=purity,
            rows=self.rows,
            missing=self.missing,
            missing_markers=tuple(sorted(self.markers)),
            decimal=decimal,
            thousands=thousands,
            marks_ambiguous=unclear,
            percent="percent" in self.marks,
            currencies=tuple(sorted(self.currencies)) if kind in ("integer", "number") else (),
            date_order=order,
            date_form=form,
            date_ambiguous=unsettled,
            date_mixed=mixed,
            two_digit_year="two_digit_year" in self.facts and kind in ("date", "instant"),
            has_time="time" in self.facts,
            has_zone="zone" in self.facts,
            midnight_only="time" in self.facts and "clock" not in self.facts,
            day_spans=spans,
            first_day=first,
            last_day=last,
            number_min=min(numbers, default=None),
            number_max=max(numbers, default=None),
            long_decimals="long_decimals" in self.marks,
            boolean_like=shares["boolean"] == 1.0 and len({v.lower() for v in self.seen}) <= 4,
            distinct=min(len(self.seen), DISTINCT_CAP),
            capped=self.capped,
            examples=tuple(examples),
            salesforce_prefix=prefix,
            spoilt_ids=self.classes["spoilt"],
            leading_zeros="leading_zeros" in self.facts,
            digit_widths=tuple(self.widths.most_common(6)),
            max_length=self.longest,
            email_share=sum(1 for v in keys if "@" in v and "." in v) / len(keys),
            person_share=sum(1 for v in keys if _PERSON.match(v)) / len(keys),
        )

    def _marks(self) -> tuple[str, str, bool]:
        has = self.marks.__contains__
        comma = has("comma_last") or has("comma_decimal")
        dot = has("dot_last") or has("dot_decimal")
        grouping = "'" if has("apostrophe") else " " if has("space") else ""
        if comma and not dot:
            return (
                ",",
                grouping or ("." if has("comma_last") or has("dot_groups") or has("dot_three") else ""),
                False,
            )
        if dot and not comma:
            return (
                ".",
                grouping or ("," if has("dot_last") or has("comma_groups") or has("comma_three") else ""),
                False,
            )
        if dot and comma:  # both proofs in one column: the unmistakable kind decides, the rest become faults
            return (",", ".", True) if has("comma_last") and not has("dot_last") else (".", ",", True)
        if has("comma_groups"):
            return ".", ",", False
        if has("dot_groups"):
            return ",", ".", False
        if has("comma_three"):
            return ("," if grouping else ""), (grouping or ","), not grouping
        if has("dot_three"):
            return ".", grouping, not grouping
        return "", grouping, False

    def _order(self) -> tuple[str, bool, bool]:
        triples = self.classes["date"] - self.classes["ymd"]
        if not triples:
            return ("YMD" if self.classes["ymd"] else "named"), False, False
        day_first, month_first = self.over12
        if day_first and month_first:
            return ("DMY" if day_first >= month_first else "MDY"), False, True
        if day_first:
            return "DMY", False, False
        if month_first:
            return "MDY", False, False
        if "dots" in self.facts:
            return "DMY", False, False
        return "MDY", "ampm" not in self.facts, False


def _day_range(spans: Sequence[tuple[str, int, int]], order: str) -> tuple[date | None, date | None]:
    known = [s for s in spans if s[0] in (order, "YMD", "named")]
    if not known:
        return None, None
    return _day(min(s[1] for s in known)), _day(max(s[2] for s in known))


def _counted(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Each different text of a column and how often it stands there."""
    if pa.types.is_dictionary(column.type):
        if column.null_count:
            column = column.dictionary_decode()
        else:
            times = np.bincount(np.asarray(column.indices), minlength=len(column.dictionary))
            met = pa.array(times > 0)
            return pc.filter(column.dictionary, met), pc.filter(pa.array(times.astype(np.int64)), met)
    counted = pc.value_counts(column)
    return counted.field("values").cast(pa.string()), counted.field("counts")


def _ones(count: int) -> pa.Array:
    return pa.array(np.ones(count, np.int64))


def _weight(mask: pa.Array, counts: pa.Array | None) -> int:
    """How many cells a test holds for."""
    return int(pc.sum(mask if counts is None else pc.filter(counts, mask)).as_py() or 0)


_BOOLEAN_WORDS = TRUE_WORDS | FALSE_WORDS
_PERSON = re.compile(r"^[^\W\d_][^\W\d_'’.-]*(?:[ '’.-]+[^\W\d_]+){1,3}\.?$")


def _day(key: int) -> date | None:
    try:
        return date(key // 10000, key // 100 % 100, key % 100)
    except ValueError:
        return date(key // 10000, key // 100 % 100, 28)  # only a bound: the cell itself will be a fault

"""What is known of one column of text after all of it was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Kind = Literal["empty", "text", "boolean", "integer", "number", "date", "instant"]


@dataclass(frozen=True)
class ColumnProfile:
    """What one column holds.

    Attributes:
        kind: the type nearly all filled cells have.
        purity: share of filled cells that have it.
        rows, missing: cells, and those that mean "nothing".
        missing_markers: markers met beside the empty cell.
        decimal, thousands: marks the cells prove; "" where nothing proves one.
        marks_ambiguous: figures such as 1.234 that may mean two things.
        percent, currencies: percent signs met; codes and symbols met.
        date_order, date_form, date_ambiguous, two_digit_year: see :class:`ColumnFormat`.
        date_mixed: both day-first and month-first cells occur.
        has_time, has_zone, midnight_only: about date cells.
        day_spans: earliest and latest date as YYYYMMDD under each order that was met.
        first_day, last_day: earliest and latest date, open ends left out.
        number_min, number_max: figures met in the kept distinct values.
        long_decimals: figures with more than four decimal places occur.
        boolean_like: all filled cells are spellings of yes or no.
        distinct: distinct filled values, at most DISTINCT_CAP; capped says there are more.
        examples: most frequent values, with counts.
        salesforce_prefix: the 3-character key prefix all ids share, "" for none.
        spoilt_ids: cells such as 1.23E+11.
        leading_zeros, digit_widths: about cells of digits only.
        max_length: longest cell.
        email_share, person_share: shares of the kept distinct values.
    """

    header: str
    kind: Kind = "empty"
    purity: float = 1.0
    rows: int = 0
    missing: int = 0
    missing_markers: tuple[str, ...] = ()
    decimal: str = ""
    thousands: str = ""
    marks_ambiguous: bool = False
    percent: bool = False
    currencies: tuple[str, ...] = ()
    date_order: str = ""
    date_form: str = "text"
    date_ambiguous: bool = False
    date_mixed: bool = False
    two_digit_year: bool = False
    has_time: bool = False
    has_zone: bool = False
    midnight_only: bool = False
    day_spans: tuple[tuple[str, int, int], ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    number_min: float | None = None
    number_max: float | None = None
    long_decimals: bool = False
    boolean_like: bool = False
    distinct: int = 0
    capped: bool = False
    examples: tuple[tuple[str, int], ...] = ()
    salesforce_prefix: str = ""
    spoilt_ids: int = 0
    leading_zeros: bool = False
    digit_widths: tuple[tuple[int, int], ...] = ()
    max_length: int = 0
    email_share: float = 0.0
    person_share: float = 0.0

    @property
    def filled(self) -> int:
        """Cells that hold a value."""
        return self.rows - self.missing

    @property
    def unique(self) -> bool:
        """Whether every filled value occurs once, as far as the kept values tell."""
        return self.filled > 0 and (self.capped or self.distinct == self.filled)

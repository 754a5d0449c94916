"""How a column of text is read: marks, date order, zone, missing markers. Goes into a mapping file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from salesops.crm.engine.column_profile import ColumnProfile
from salesops.crm.engine.profiles import profile_column, profile_columns

__all__ = ["ColumnFormat", "ColumnProfile", "format_for", "profile_column", "profile_columns"]


@dataclass(frozen=True)
class ColumnFormat:
    """How to read one column's text. Plain values only, so it goes into a mapping file.

    Attributes:
        decimal: decimal mark.
        thousands: grouping mark, "" for none; " " stands for any space.
        percent_points: figures are percent points (75 means 0.75). A cell with its own percent
            sign is divided by 100 whatever this says.
        date_order: DMY, MDY, YMD, or "named" where months are words.
        date_form: "text", "compact" (20240131), "serial" (Excel day number), "epoch_ms", "epoch_s"
            or "month" (2024-01, read as its first day).
        zone: IANA zone of instants written without one.
        currency: ISO code the column's cells carry or its header names, "" unknown.
        missing: further cells that mean "nothing".
        open_end_year: dates from this year on mean "current" and are read as missing.
        identifier: values are record ids: ids spoilt by a spreadsheet are faults.
        salesforce_id: 15-character ids are brought to 18.
        id_width: digits of every id where the column shows a fixed width with leading zeros, else 0.
        true_words, false_words: further spellings, lower case.
    """

    decimal: str = "."
    thousands: str = ","
    percent_points: bool = False
    date_order: str = "YMD"
    date_form: str = "text"
    zone: str = ""
    currency: str = ""
    missing: tuple[str, ...] = ()
    open_end_year: int = 9999
    identifier: bool = False
    salesforce_id: bool = False
    id_width: int = 0
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Only what differs from the default, lists for tuples."""
        plain = ColumnFormat()
        return {
            k: list(v) if isinstance(v, tuple) else v
            for k, v in asdict(self).items()
            if v != getattr(plain, k)
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ColumnFormat:
        """The reverse of :meth:`to_dict`. Raises ValueError on an unknown key."""
        known = {f.name for f in fields(cls)}
        unknown = set(given) - known
        if unknown:
            raise ValueError(f"unknown format settings: {', '.join(sorted(unknown))}")
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        return cls(**plain)


NO_SHARES = frozenset({"quantity", "rate"})
"""Columns of type rate that are no shares of one: 12 units are 12, and 150 yen for a dollar are 150."""


def format_for(
    profile: ColumnProfile,
    target_type: str,
    *,
    identifier: bool = False,
    zone: str = "",
    percent_points: bool | None = None,
) -> ColumnFormat:
    """The format that reads a profiled column as a target type.

    Args:
        profile: the column.
        target_type: a canonical column type.
        identifier: whether the target holds record ids.
        zone: IANA zone of instants written without one.
        percent_points: whether rates are written as 75 for 0.75; None decides by the values.
    """
    fmt = ColumnFormat(
        decimal=profile.decimal or "." if profile.thousands != "." else ",",
        thousands=profile.thousands if profile.decimal or profile.thousands else ",",
        date_order=profile.date_order or "YMD",
        zone=zone,
        currency=profile.currencies[0]
        if len(profile.currencies) == 1 and len(profile.currencies[0]) == 3
        else "",
    )
    if target_type == "rate":
        points = percent_points
        if points is None:
            points = not profile.percent and (profile.number_max or 0) > 1
        fmt = replace(fmt, percent_points=points)
    if target_type in ("date", "instant"):
        fmt = replace(fmt, date_form=_date_form(profile))
    if target_type == "text" and identifier:
        widths = dict(profile.digit_widths)
        common = max(widths, key=lambda w: widths[w]) if widths else 0
        fixed = profile.leading_zeros and common >= 4 and sum(widths.values()) >= 0.6 * profile.filled
        fmt = replace(
            fmt,
            identifier=True,
            salesforce_id=bool(profile.salesforce_prefix),
            id_width=common if fixed and widths[common] >= 0.6 * sum(widths.values()) else 0,
        )
    return fmt


def _date_form(profile: ColumnProfile) -> str:
    if profile.date_form != "text":
        return profile.date_form
    if profile.kind in ("integer", "number") and profile.number_max is not None:
        low, high = profile.number_min or 0, profile.number_max
        if low >= 10_000 and high <= 80_000:
            return "serial"
        if low >= 10**11 and high < 10**13 * 5:
            return "epoch_ms"
        if low >= 10**8 and high < 10**10:
            return "epoch_s"
    return "text"

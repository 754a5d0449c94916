"""What the selects of the number pages offer: periods, teams, dimensions. Read once per facts version and reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis.expr.types as ir

from salesops.analytics.addresses import TEAM_COLUMNS, Address
from salesops.analytics.kept import records_key, remembered
from salesops.analytics.shown import column_title
from salesops.core.calendars import FiscalCalendar
from salesops.process.inputs import Frames

_MOST_MEMBERS = 200


@dataclass(frozen=True)
class Extent:
    """What the reader's deals hold.

    Attributes:
        first, last: earliest and latest day a deal was created, or closed; None where none is dated.
        members: team column -> its values in alphabetical order.
        filled: columns that hold anything at all, of those that flags look at.
    """

    first: date | None
    last: date | None
    members: dict[str, list[str]]
    filled: frozenset[str]


_FLAGGED = ("next_step", "last_activity_on", "expected_close_on", "account_id", "amount")


def extent(frames: Frames) -> Extent:
    """The extent of a reader's deals."""
    return remembered(("extent", *records_key(frames)), lambda: _extent(frames))


def _extent(frames: Frames) -> Extent:
    deals = frames.deals

    def build() -> ir.Table:
        return deals.agg(
            created=deals.created_on.min(),
            closed=deals.closed_on.min(),
            last_created=deals.created_on.max(),
            last_closed=deals.closed_on.max(),
            **{f"in_{name}": deals[name].collect(distinct=True) for name in TEAM_COLUMNS},
            **{f"n_{name}": deals[name].count() for name in _FLAGGED},
        )

    row = frames.facts.execute_known(("extent",), build, over=deals).to_pylist()[0]
    days = [day for day in (row["created"], row["closed"]) if day]
    ends = [day for day in (row["last_created"], row["last_closed"]) if day]
    members = {
        name: sorted({value for value in row[f"in_{name}"] or () if value}, key=str.casefold)[:_MOST_MEMBERS]
        for name in TEAM_COLUMNS
    }
    filled = frozenset(name for name in _FLAGGED if row[f"n_{name}"])
    return Extent(min(days, default=None), max(ends, default=None), members, filled)


@dataclass(frozen=True)
class Option:
    """One entry of a select."""

    value: str
    title: str
    chosen: bool


@dataclass(frozen=True)
class OptionGroup:
    """Entries under a heading ("" for none)."""

    title: str
    options: tuple[Option, ...]


def period_groups(
    calendar: FiscalCalendar, found: Extent, today: date, address: Address
) -> list[OptionGroup]:
    """Periods to choose: fiscal quarters, months and years that the data reaches into, and all of it.

    The first entry is the page's default; a period typed into the address joins the list.
    """
    first = min(found.first or today, today)
    kinds = (("Quarters", "quarter", 8), ("Months", "month", 6), ("Years", "year", 5))
    asked = (address.period or address.default).strip()
    if asked.lower() in ("quarter", "month", "year", "half", "week"):
        asked = calendar.period(asked.lower(), today).label  # type: ignore[arg-type]
    groups = [OptionGroup("", (Option("all", "All data", asked.lower() == "all"),))]
    offered = {"all"}
    for title, kind, most in kinds:
        periods = list(reversed(calendar.periods(kind, first, today)))[:most]  # type: ignore[arg-type]
        options = tuple(Option(p.label, p.title, p.label == asked.upper()) for p in periods)
        offered |= {option.value for option in options}
        groups.append(OptionGroup(title, options))
    if asked.lower() != "all" and asked.upper() not in offered:
        title = calendar.parse(asked).title
        groups.insert(0, OptionGroup("", (Option(asked, title, True),)))
    return groups


def team_groups(found: Extent, address: Address) -> list[OptionGroup]:
    """Regions, teams, managers and reps among the reader's rows; a column with one value offers nothing."""
    groups = []
    for column, title in TEAM_COLUMNS.items():
        members = found.members[column]
        if len(members) > 1:
            values = [(f"{column}:{name}", name) for name in members]
            groups.append(OptionGroup(f"{title}s", tuple(Option(v, n, v == address.team) for v, n in values)))
    if address.team and not any(option.chosen for group in groups for option in group.options):
        name = address.team.partition(":")[2]
        groups.insert(0, OptionGroup("", (Option(address.team, name, True),)))
    return groups


def columns_to_filter(frames: Frames) -> list[Option]:
    """Columns a number may be filtered by, the company's own last."""
    hidden = {
        "owner_active",
        "product_implied",
        "catalogue_price",
        "implied",
        "deleted_on",
        "is_closed",
        "is_won",
    }
    names = [name for name in frames.deals.columns if name not in hidden and not name.endswith("_id")]
    ordered = sorted(names, key=lambda name: (name.startswith("x_"), column_title(name).casefold()))
    return [Option(name, column_title(name), False) for name in ordered]


def dimensions_to_split(names: list[str], chosen: str) -> list[OptionGroup]:
    """Dimensions as groups of a select: the deals' columns, the company's own, fiscal periods."""
    kinds: dict[str, list[Option]] = {"Deals": [], "Your own columns": [], "Fiscal periods": []}
    for name in names:
        dated = name.endswith(("_month", "_quarter", "_year"))
        kind = "Fiscal periods" if dated else "Your own columns" if name.startswith("x_") else "Deals"
        kinds[kind].append(Option(name, column_title(name), name == chosen))
    return [
        OptionGroup(
            kind,
            tuple(sorted(options, key=lambda o: o.title.casefold()) if kind != "Fiscal periods" else options),
        )
        for kind, options in kinds.items()
        if options
    ]

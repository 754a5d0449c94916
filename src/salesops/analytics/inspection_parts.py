"""What the inspection's pages are made of: address, choices, tables, chart, sheets, the same for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from salesops.analytics.addresses import Address, AddressError
from salesops.analytics.addresses import read as read_address
from salesops.analytics.choices import Option, OptionGroup
from salesops.analytics.engine.filters import Filter
from salesops.analytics.engine.inspected import Band
from salesops.analytics.engine.paces import FLOOR, Place
from salesops.analytics.inspections import Group, Grouping, Line, OpenInspection, Sum
from salesops.quality.engine.inspection import Check
from salesops.ui import exports, formats
from salesops.ui.charts import Figure, bars_figure
from salesops.ui.components import Definition, Tile
from salesops.ui.formats import Unit
from salesops.ui.readings import BarRow
from salesops.ui.tables import Column, Table

TITLES: Mapping[str, tuple[str, str]] = {
    "all": ("Every open deal", "Every open deal of this page."),
    "any": ("With a flag", "Open deals that at least one check that can be made speaks against."),
    "healthy": ("Healthy", "Open deals that no check that can be made speaks against."),
}
"""Line beside the checks -> title and sentence."""

NO_AMOUNT = "none of its deals has a known amount"


@dataclass(frozen=True)
class InspectionAddress:
    """What a query string asks of an inspection.

    Attributes:
        shared: period of close dates ("all" by default), team, filters, day, what was known when.
        split: whether the deals are split by stage or by owner.
        place: pipeline and stage of the chart; None for the first.
    """

    shared: Address
    split: Grouping = "stage"
    place: Place | None = None

    def _pairs(self, **changes: Any) -> list[tuple[str, str]]:
        it = {"split": self.split, "place": self.place} | changes
        pairs = [("split", "owner")] if it["split"] == "owner" else []
        if it["place"] is not None:
            pairs.append(("place", place_text(it["place"])))
        return pairs

    def query(self, *, filters: Sequence[Filter] = (), **changes: Any) -> str:
        """A query string with changes and further filters."""
        address = self.shared
        kept = address.query(filters=(*address.filters, *filters)).removeprefix("?")
        text = "&".join(filter(None, (kept, urlencode(self._pairs(**changes)))))
        return "?" + text if text else ""

    def to(self, line: str, *filters: Filter) -> str:
        """The page of a line's deals."""
        return reverse("inspection_deals", args=[line]) + self.shared.query(
            filters=(*self.shared.filters, *filters)
        )

    def stays(self, place: Place, band: Band) -> str:
        """The page of the deals of a band."""
        kept = self.shared.query().removeprefix("?")
        own = urlencode([("place", place_text(place)), ("from", band.first)])
        return f"{reverse('inspection_stays')}?{'&'.join(filter(None, (kept, own)))}"


def place_text(place: Place) -> str:
    """A pipeline and stage as it stands in an address; the slash is the pipeline's end."""
    return f"{place[0]}/{place[1]}"


def read(query: QueryDict) -> InspectionAddress:
    """The address of a request.

    Raises:
        AddressError: a part of it can't be read.
    """
    split = query.get("split", "stage")
    if split not in ("stage", "owner"):
        raise AddressError(f"Split by stage or owner, not {split!r:.40}.")
    text = query.get("place", "")
    return InspectionAddress(
        read_address(query, default="all"),
        split,  # type: ignore[arg-type]
        None if not text else (text.partition("/")[0], text.partition("/")[2]),
    )


# --- Words and choices ---------------------------------------------------------------------------


def pipeline_words(opened: OpenInspection) -> str:
    """Which deals are looked at."""
    return f"open deals closing in {opened.period.title}" if opened.period else "every open deal"


def periods(opened: OpenInspection, address: Address) -> list[OptionGroup]:
    """Close dates to choose: all, fiscal quarters and years around today."""
    calendar, today = opened.frames.firm.calendar, opened.frames.as_of
    asked = address.period.upper()
    groups = [OptionGroup("", (Option("all", "Every open deal", opened.period is None),))]
    offered = set()
    for title, kind, ahead, back in (
        ("Closing in quarter", "quarter", 3, 4),
        ("Closing in month", "month", 2, 2),
        ("Closing in year", "year", 1, 2),
    ):
        now = calendar.period(kind, today)  # type: ignore[arg-type]
        found = [calendar.shift(now, step) for step in range(ahead, -back - 1, -1)]
        offered |= {p.label for p in found}
        groups.append(OptionGroup(title, tuple(Option(p.label, p.title, p.label == asked) for p in found)))
    if opened.period is not None and asked not in offered:
        groups.insert(0, OptionGroup("", (Option(address.period, opened.period.title, True),)))
    return groups


def titled(name: str, opened: OpenInspection) -> tuple[str, str]:
    """Title and sentence of a line."""
    if name in TITLES:
        return TITLES[name]
    check = next(check for check in opened.made if check.name == name)
    return check.title, check.sentence


def unit_of(opened: OpenInspection) -> Unit:
    """How amounts read."""
    return Unit("money", opened.frames.currency) if opened.frames.currency else Unit("number", places=2)


def band_words(band: Band) -> str:
    """The days of a band."""
    if band.last is None:
        return f"{band.first} days and more"
    return f"{band.first} to {band.last} days"


def place_words(place: Place) -> str:
    """A stage, with its pipeline where there are several."""
    return f"{place[0]}: {place[1]}" if place[0] else place[1]


def definitions(opened: OpenInspection) -> list[Definition]:
    """What each line counts."""
    return [
        *(Definition(c.title, c.sentence, convention=c.rule.fix) for c in opened.made),
        *(Definition(title, sentence) for title, sentence in TITLES.values()),
    ]


def notes(opened: OpenInspection) -> list[str]:
    """What a reader must know beside the lines."""
    found = list(opened.frames.notes)
    made = {check.name for check in opened.made}
    if "slipped" in made and "close history" not in opened.ground.there:
        found.append(
            "No change of a close date is known: only deals whose close date is past count as slipped."
        )
    return found


def unanswered(opened: OpenInspection) -> list[tuple[Check, str]]:
    """Checks that can't be made, each with why."""
    return [(check, reason) for check, reason in opened.checks if reason]


# --- Tables --------------------------------------------------------------------------------------


def tiles(opened: OpenInspection, address: InspectionAddress) -> list[Tile]:
    """All, flagged and healthy deals."""
    whole, unit = opened.together(), unit_of(opened)
    made = []
    for name in ("all", "any", "healthy"):
        one = whole.sums[name]
        made.append(
            Tile(
                TITLES[name][0],
                one.deals,
                Unit("number", noun="deals"),
                note=money_words(one, unit),
                href=address.to(name) if one.deals else "",
                definition=Definition(*TITLES[name]),
            )
        )
    return made


def money_words(one: Sum, unit: Unit) -> str:
    """The money of some deals in words: known amounts, and how many have none."""
    if not one.deals:
        return ""
    said = [unit.full(one.amount)] if one.amount is not None else []
    if one.unknown:
        said.append(f"{one.unknown:,} without an amount")
    if one.estimate is not None:
        said.append(f"at list price {unit.full(one.estimate)}, an estimate")
    return "; ".join(said)


def _money_columns(currency: str, estimates: bool) -> list[Column]:
    money: Any = "money" if currency else "number"
    columns = [Column("amount", "Value", money, currency=currency, reason=NO_AMOUNT)]
    columns.append(Column("unknown", "No amount", "number", phone=False))
    if estimates:
        why = "all of its deals have an amount, or no list price"
        columns.append(Column("estimate", "At list price, estimate", money, currency=currency, reason=why))
    return columns


def money_of(one: Sum) -> dict[str, Any]:
    """Deals and money as cells of a row."""
    return {"deals": one.deals, "amount": one.amount, "unknown": one.unknown, "estimate": one.estimate}


def line_table(opened: OpenInspection, lines: Sequence[Line], address: InspectionAddress) -> Table:
    """The lines that can be told."""
    rows = [
        {
            "title": line.check.title,
            "judged": line.judged,
            "sentence": line.check.sentence,
            "href": address.to(line.check.name) if line.found.deals else "",
            **money_of(line.found),
        }
        for line in lines
        if not line.reason
    ]
    estimates = any(row["estimate"] is not None for row in rows)
    return Table(
        "What the inspection found",
        [
            Column("title", "Check", "lead"),
            Column("deals", "Deals", "number"),
            *_money_columns(opened.frames.currency, estimates),
            Column("judged", "Of deals it can judge", "number"),
            Column("sentence", "Which deals", phone=False),
        ],
        rows,
        id="lines",
        row_href=lambda row: row["href"] or None,
        noun="checks",
        live=False,
    )


def group_filters(group: Group, split: Grouping, by_pipeline: bool) -> list[Filter]:
    """The filters that leave a group's deals."""
    if split == "owner":
        return [_is("owner_name", group.owner)]
    made = [_is("stage", group.stage)]
    return [_is("pipeline", group.pipeline), *made] if by_pipeline else made


def _is(column: str, value: str | None) -> Filter:
    return Filter(column, "is_null") if value is None else Filter(column, "eq", (value,))


SPLIT_PAGE = 25
"""Groups a page."""


def split_table(opened: OpenInspection, address: InspectionAddress, number: str | None = None) -> Table:
    """Every line by stage or by owner; one page of the groups, or with ``number`` None all of them."""
    groups = opened.by(address.split)
    by_pipeline = len({group.pipeline for group in groups}) > 1
    rows = []
    for group in groups:
        filters = group_filters(group, address.split, by_pipeline)
        name = group.owner if address.split == "owner" else group.stage
        label = name or ("No owner" if address.split == "owner" else "No stage")
        if address.split == "stage" and by_pipeline and group.pipeline:
            label = f"{group.pipeline}: {label}"
        rows.append(
            {
                "label": label,
                "href": address.to("all", *filters),
                "filters": filters,
                "value": group.sums["all"].amount,
                "flagged_value": group.sums["any"].amount,
                **{name: one.deals for name, one in group.sums.items()},
            }
        )
    money: Any = "money" if opened.frames.currency else "number"
    currency = opened.frames.currency

    paging = Paginator(rows, SPLIT_PAGE).get_page(number) if number is not None else None

    def opens(line: str) -> Any:
        return lambda row: address.to(line, *row["filters"]) if row[line] else None

    columns = [
        Column("label", "Owner" if address.split == "owner" else "Stage", "lead"),
        Column("all", "Open", "number", href=opens("all")),
        Column("value", "Value", money, currency=currency, reason=NO_AMOUNT),
        Column("any", "With a flag", "number", href=opens("any")),
        Column("flagged_value", "Value with a flag", money, currency=currency, reason=NO_AMOUNT),
        Column("healthy", "Healthy", "number", href=opens("healthy")),
        *(Column(c.name, c.title, "number", href=opens(c.name)) for c in opened.made),
    ]
    return Table(
        f"By {address.split}",
        columns,
        rows if paging is None else list(paging),
        id="split",
        page=paging,
        row_href=lambda row: row["href"],
        noun="owners" if address.split == "owner" else "stages",
        phone="scroll",
        wide=True,
    )


def pace_rows(opened: OpenInspection) -> list[dict[str, Any]]:
    """How long won deals usually stay in each stage, and how many open deals stand there for longer."""
    open_now = {(g.pipeline or "", g.stage or ""): g for g in opened.by("stage")}
    rows = []
    for place in sorted({*opened.usual(), *open_now}, key=opened.position):
        pace, group = opened.usual().get(place), open_now.get(place)
        if group is None and (pace is None or not pace.stays):
            continue
        stays = pace.stays if pace else 0
        judged = (
            group is not None and "stalled" in group.judged and pace is not None and pace.days is not None
        )
        rows.append(
            {
                "pipeline": place[0],
                "stage": place[1],
                "label": place_words(place) or "No stage",
                "days": pace.days if pace else None,
                "stays": stays,
                "reason": ""
                if pace and pace.days is not None
                else f"not enough data: {stays} stays of won deals, {FLOOR} are needed",
                "open": group.sums["all"].deals if group else 0,
                "stalled": group.sums["stalled"].deals if group and judged else None,
            }
        )
    return rows


def pace_table(opened: OpenInspection) -> Table:
    """:func:`pace_rows` as a table."""
    return Table(
        "Usual pace of each stage",
        [
            Column("label", "Stage", "lead"),
            Column(
                "days",
                "Days within which nine of ten won deals left it",
                "days",
                reason=lambda row: str(row["reason"]),
            ),
            Column("stays", "Stays behind it (n)", "number"),
            Column("open", "Open there now", "number"),
            Column("stalled", "Stalled", "number", reason="not enough data to tell"),
        ],
        pace_rows(opened),
        id="pace",
        noun="stages",
        live=False,
    )


# --- Time in stage -------------------------------------------------------------------------------


def place_of(opened: OpenInspection, address: InspectionAddress) -> Place | None:
    """The stage of the chart: the one asked for, else the first that decided deals stood in.

    Raises:
        AddressError: no decided deal stood in the stage asked for.
    """
    places = [place for place, _ in opened.places()]
    if address.place is None:
        return places[0] if places else None
    if address.place not in places:
        raise AddressError(f"No decided deal is known to have stood in {place_words(address.place)!r:.60}.")
    return address.place


def share(band: Band) -> Fraction | None:
    """Share won; None without a deal."""
    return Fraction(band.won, band.n) if band.n else None


def interval_words(band: Band) -> str:
    """The interval, or that the deals are too few to lean on."""
    if band.interval is None:
        return ""
    low, high = (Decimal(str(edge)) for edge in (band.interval.low, band.interval.high))
    few = "; small sample" if band.small else ""
    return f"{formats.ratio(low)} to {formats.ratio(high)}{few}"


def stay_figure(bands: Sequence[Band], place: Place) -> Figure:
    """Share won by how long a deal stood in a stage. Bands with too few deals are told, not drawn."""
    rows = [
        BarRow(
            f"{band_words(band)}{' (few)' if band.n and band.small else ''}",
            (None if band.small else share(band),),
        )
        for band in bands
    ]
    return bars_figure(
        "time-in-stage",
        f"Share won by days in {place_words(place)}",
        rows,
        ("Share won",),
        Unit("ratio"),
        subtitle=f"Won of all decided deals, by the days they stood in the stage; fewer than {FLOOR} are not drawn",
        head="Days in the stage",
        row_height=32,
    )


def stay_table(bands: Sequence[Band], place: Place, address: InspectionAddress) -> Table:
    """The bands with their deals."""
    rows = [
        {
            "label": band_words(band),
            "won": band.won,
            "lost": band.lost,
            "n": band.n,
            "share": share(band),
            "interval": interval_words(band),
            "href": address.stays(place, band) if band.n else "",
        }
        for band in bands
    ]
    return Table(
        "Time in stage and outcome",
        [
            Column("label", "Days in the stage", "lead"),
            Column("won", "Won", "number"),
            Column("lost", "Lost", "number"),
            Column("n", "Decided (n)", "number"),
            Column("share", "Share won", "ratio", reason="no decided deal stood there so long"),
            Column("interval", "95% interval", reason="no decided deal stood there so long"),
        ],
        rows,
        id="stays",
        row_href=lambda row: row["href"] or None,
        noun="bands",
        live=False,
    )


# --- A line's deals ------------------------------------------------------------------------------


def why_cell(row: Mapping[str, Any]) -> str:
    """Why a deal is here: the evidence of the line, then what else speaks against it."""
    if not row["why"]:
        return "Nothing speaks against it"
    first, *others = row["why"]
    more = format_html_join("; ", "{}", ((title,) for title, _ in others))
    if not others:
        return format_html('<span title="{}">{}</span>', first[0], first[1])
    # One element: on a phone a cell lays its children side by side.
    return format_html('<span>{} <span class="small muted">Also: {}</span></span>', first[1], more)


def deal_columns(currency: str) -> list[Column]:
    """Columns of a line's deals on a page."""
    money: Any = "money" if currency else "number"
    return [
        Column("label", "Deal", "lead", sort="name"),
        Column("why", "Why", "html", render=why_cell),
        Column("account_name", "Account", sort="account_name", phone=False),
        Column("owner_name", "Owner", sort="owner_name"),
        Column("stage", "Stage", sort="stage"),
        Column("amount", "Amount", money, sort="amount", currency=currency, reason="the deal has no amount"),
        Column("expected_close_on", "Close date", "day", sort="expected_close_on", phone=False),
    ]


def deal_sheet(title: str, rows: Any, currency: str) -> exports.Sheet:
    """A line's deals as a sheet, with every value that a check looks at."""
    text = {
        "name": "Deal",
        "account_name": "Account",
        "owner_name": "Owner",
        "pipeline": "Pipeline",
        "stage": "Stage",
    }
    days = {
        "created_on": "Created",
        "expected_close_on": "Close date",
        "stage_entered_on": "In the stage since",
    }
    counts = {
        "stage_days": "Days in the stage",
        "stage_limit": "Nine of ten won deals left it within",
        "stage_stays": "Stays behind it",
        "pushed": "Moved to a later quarter",
        "contact_count": "Contacts",
    }
    return exports.Sheet(
        title[:31],
        [
            exports.Column("id", "Id"),
            *(exports.Column(key, name) for key, name in text.items()),
            exports.Column("amount", "Amount", "money", currency),
            exports.Column("amount_estimate", "At list price, estimate", "money", currency),
            *(exports.Column(key, name, "day") for key, name in days.items()),
            *(exports.Column(key, name, "integer") for key, name in counts.items()),
            exports.Column("touched_on", "Last activity", "day"),
            exports.Column("planned_on", "Next planned", "day"),
            exports.Column(lambda row: "; ".join(title for title, _ in row["why"]), "Flags", width=40),
            exports.Column(lambda row: " ".join(said for _, said in row["why"]), "Evidence", width=80),
        ],
        rows,
    )

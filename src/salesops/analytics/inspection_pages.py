"""Inspection of the open pipeline: what stalls, slips or sleeps, in deals and money, and the deals behind each line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from salesops.analytics import inspection_parts as parts
from salesops.analytics.addresses import AddressError, NotThereError, deal_href, reads_address
from salesops.analytics.choices import extent, team_groups
from salesops.analytics.engine.inspected import Band
from salesops.analytics.engine.paces import Place
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.inspection_files import line_sheet, table_sheet
from salesops.analytics.inspection_parts import InspectionAddress
from salesops.analytics.inspections import (
    NAMES,
    SORTS,
    TOGETHER,
    OpenInspection,
    Sum,
    in_order,
    open_inspection,
)
from salesops.analytics.page_parts import chips, filter_words, known_words, whose
from salesops.analytics.shown import unique
from salesops.platform.actors import Actor
from salesops.ui import exports, formats
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table

PAGE = 50
STAY_SORTS = ("name", "owner_name", "outcome", "days", "closed_on", "amount")


def _head(actor: Actor, opened: OpenInspection, address: InspectionAddress) -> dict[str, Any]:
    """What every page says of what it shows, and offers to change."""
    shared, asked = address.shared, opened.asked
    said = [
        parts.pipeline_words(opened),
        whose(actor, asked),
        shared.team.partition(":")[2],
        f"on {formats.day(opened.frames.as_of)}",
        "" if shared.known.now else known_words(asked, shared),
    ]
    words = [pair for pair in filter_words(actor, asked, shared) if pair[0] != "Period"]
    return {
        "scope": " · ".join(filter(None, (said[0][:1].upper() + said[0][1:], *said[1:]))),
        "address": shared,
        "period_groups": parts.periods(opened, shared),
        "team_groups": team_groups(extent(opened.frames), shared),
        "chips": chips(shared),
        "notes": unique(parts.notes(opened)),
        "words": [("Deals", parts.pipeline_words(opened)), *words],
    }


@require_safe
@freezable
@reads_address
def inspection(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The lines of the inspection, by stage or owner, the pace of the stages, and time in stage against outcome."""
    address = parts.read(request.GET)
    with open_inspection(actor, address.shared.question()) as opened:
        head = _head(actor, opened, address)
        lines, whole = opened.lines(), opened.together()
        tables = {
            "lines": parts.line_table(opened, lines, address),
            "split": parts.split_table(opened, address, request.GET.get("page", "1")),
            "pace": parts.pace_table(opened),
        }
        place = parts.place_of(opened, address)
        places = [(parts.place_text(p), parts.place_words(p), p == place) for p, _ in opened.places()]
        bands = opened.bands(place) if place else []
        figure = parts.stay_figure(bands, place) if place else None
        stays = parts.stay_table(bands, place, address) if place else None
        context = {
            "title": "Inspection",
            "tiles": parts.tiles(opened, address),
            "unanswered": [(c.title, reason) for c, reason in parts.unanswered(opened)],
            "splits": [
                {
                    "title": f"By {name}",
                    "href": address.query(split=name) or "?",
                    "current": name == address.split,
                }
                for name in ("stage", "owner")
            ],
            "figure": figure,
            "stays": stays,
            "places": places,
            "stays_reason": opened.stays_reason,
            **tables,
            **head,
        }
        definitions, groups = parts.definitions(opened), parts.split_table(opened, address)
        currency, today, zone = opened.frames.currency, opened.frames.today, opened.frames.firm.zone
    sheets = [
        line_sheet(lines, whole, currency),
        table_sheet(groups.caption, groups, currency),
        table_sheet("Pace", tables["pace"], ""),
        *([table_sheet("Time in stage", stays, "")] if stays else []),
    ]
    frozen = Frozen(
        title=f"Pipeline inspection, {head['scope']}",
        name="pipeline inspection",
        data_on=today,
        filters=head["words"],
        definitions=definitions,
        notes=head["notes"],
        sheets=lambda: sheets,
        zone=zone,
    )
    return page(request, "analytics/inspection.html", context, frozen)


@require_safe
@freezable
@reads_address
def inspection_deals(request: HttpRequest, actor: Actor, line: str) -> HttpResponseBase:
    """The deals of one line, each with the values that speak."""
    if line not in NAMES:
        raise NotThereError(f"There is no line {line!r:.40} in the inspection.")
    address = parts.read(request.GET)
    sort = request.GET.get("sort", "")
    if sort.removeprefix("-") not in SORTS:
        sort = "-amount"
    with open_inspection(actor, address.shared.question()) as opened:
        head = _head(actor, opened, address)
        reason = next((why for check, why in opened.checks if check.name == line), "")
        title, sentence = _titled(line, opened)
        whole = opened.together()
        found = whole.sums.get(line) or Sum()
        paging = Paginator(range(found.deals), PAGE).get_page(request.GET.get("page"))
        rows = opened.page(line, paging.number, PAGE, sort) if found.deals else []
        unit = parts.unit_of(opened)
        currency, today, zone = opened.frames.currency, opened.frames.today, opened.frames.firm.zone
        fix = next((check.rule.fix for check in opened.made if check.name == line), "")
        others = [
            {"title": parts.titled(n, opened)[0], "href": address.to(n), "current": n == line}
            for n in (*(check.name for check in opened.made), *TOGETHER)
            if whole.sums[n].deals or n == line
        ]
    table = Table(
        f"{title}: deals",
        parts.deal_columns(currency),
        [{**row, "label": row["name"] or row["id"]} for row in rows],
        id="rows",
        page=paging,
        sort=sort,
        row_href=lambda row: _deal(row["id"], address),
        noun="deals",
        empty=Empty("No deal", "No open deal is in this line.", "table"),
    )
    frozen = Frozen(
        title=f"Inspection: {title.lower()}, {head['scope']}",
        name=f"inspection {line}",
        data_on=today,
        filters=[*head["words"], ("Line", title), ("Rows in all", f"{found.deals:,}")],
        notes=[*head["notes"], *([reason] if reason else [])],
        sheets=lambda: [
            parts.deal_sheet(title, _stream(actor, address, line) if not reason else [], currency)
        ],
        zone=zone,
        rows=found.deals,
    )
    context = {
        **head,
        "title": f"Inspection: {title.lower()}",
        "sentence": sentence,
        "fix": fix,
        "n": found.deals,
        "money": parts.money_words(found, unit),
        "table": table,
        "reason": reason,
        "others": others,
        "back": _back(address),
    }
    return page(request, "analytics/inspection_deals.html", context, frozen)


def _titled(line: str, opened: OpenInspection) -> tuple[str, str]:
    return next(
        ((c.title, c.sentence) for c, _ in opened.checks if c.name == line), parts.TITLES.get(line, ("", ""))
    )


def _deal(deal_id: str, address: InspectionAddress) -> str:
    """A deal's page with the flags that its history tells."""
    found = deal_href(deal_id, address.shared.known, address.shared.as_of)
    return f"{found}{'&' if '?' in found else '?'}inspect=1"


def _back(address: InspectionAddress) -> str:
    return address.shared.to("inspection")


def _stream(actor: Actor, address: InspectionAddress, line: str) -> Iterator[dict[str, Any]]:
    """Every deal of a line, read as it is written, in a session of its own."""
    with open_inspection(actor, address.shared.question()) as opened:
        for batch in opened.frames.facts.batches(in_order(opened.deals(line), "-amount")):
            for row in batch.to_pylist():
                yield opened.told(row, line)


# --- Deals behind a band of time in stage ---------------------------------------------------------


def _stays(opened: OpenInspection, place: Place, band: Band) -> ir.Table:
    """The decided deals of a band."""
    stays = opened.stays()
    hits = (stays.pipeline == place[0]) & (stays.stage == place[1]) & (stays.days >= band.first)
    if band.last is not None:
        hits = hits & (stays.days <= band.last)
    stays = stays.filter(hits).select("deal_id", "days", "outcome")
    deals = opened.frames.deals
    joined = stays.inner_join(deals, stays.deal_id == deals.id)
    return joined.select("id", "name", "account_name", "owner_name", "outcome", "days", "closed_on", "amount")


def _stays_in_order(rows: ir.Table, sort: str) -> ir.Table:
    column = rows[sort.removeprefix("-")]
    by = column.desc(nulls_first=False) if sort.startswith("-") else column.asc(nulls_first=False)
    return rows.order_by([by, ibis.asc("id")])


@require_safe
@freezable
@reads_address
def inspection_stays(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The decided deals that stood in a stage for so many days."""
    address = parts.read(request.GET)
    sort = request.GET.get("sort", "")
    if sort.removeprefix("-") not in STAY_SORTS:
        sort = "-days"
    with open_inspection(actor, address.shared.question()) as opened:
        head = _head(actor, opened, address)
        place = parts.place_of(opened, address)
        if place is None:
            return _no_stays(request, opened, head, address)
        band = _band(opened.bands(place), request.GET.get("from", ""))
        paging = Paginator(range(band.n), PAGE).get_page(request.GET.get("page"))
        ordered = _stays_in_order(_stays(opened, place, band), sort)
        rows = opened.frames.facts.execute(ordered.limit(PAGE, offset=(paging.number - 1) * PAGE)).to_pylist()
        currency, today, zone = opened.frames.currency, opened.frames.today, opened.frames.firm.zone
    title = f"{parts.place_words(place)}: {parts.band_words(band)}"
    money: Any = "money" if currency else "number"
    columns = [
        Column("label", "Deal", "lead", sort="name"),
        Column("account_name", "Account", phone=False),
        Column("owner_name", "Owner", sort="owner_name"),
        Column("outcome", "Outcome", sort="outcome"),
        Column("days", "Days in the stage", "days", sort="days"),
        Column("closed_on", "Closed", "day", sort="closed_on"),
        Column("amount", "Amount", money, sort="amount", currency=currency, reason="the deal has no amount"),
    ]
    table = Table(
        title,
        columns,
        [{**row, "label": row["name"] or row["id"]} for row in rows],
        id="rows",
        page=paging,
        sort=sort,
        row_href=lambda row: deal_href(row["id"], address.shared.known, address.shared.as_of),
        noun="deals",
        empty=Empty("No deal", "No decided deal stood there so long.", "table"),
    )
    kinds: dict[str, exports.Kind] = {"days": "integer", "day": "day", "money": "money", "number": "number"}
    frozen = Frozen(
        title=f"Time in stage, {title}",
        name="time in stage",
        data_on=today,
        filters=[*head["words"][1:], ("Stage and days", title), ("Rows in all", f"{band.n:,}")],
        notes=head["notes"],
        sheets=lambda: [
            exports.Sheet(
                "Time in stage",
                [
                    exports.Column("id", "Id"),
                    exports.Column("name", "Deal"),
                    *(
                        exports.Column(
                            c.key, c.title, kinds.get(c.kind, "text"), currency if c.kind == "money" else ""
                        )
                        for c in columns[1:]
                    ),
                ],
                _stream_stays(actor, address, place, band),
            )
        ],
        zone=zone,
        rows=band.n,
    )
    share = parts.share(band)
    context = {
        **head,
        "title": f"Time in stage: {title}",
        "sentence": "Won and lost deals by the days they stood in the stage, all their stays in it together.",
        "n": band.n,
        "money": ""
        if share is None
        else f"{band.won:,} won, {formats.ratio(share)} (95% interval {parts.interval_words(band)})",
        "table": table,
        "back": _back(address),
    }
    return page(request, "analytics/inspection_deals.html", context, frozen)


def _no_stays(
    request: HttpRequest, opened: OpenInspection, head: dict[str, Any], address: Any
) -> HttpResponseBase:
    """The page where the data knows of no decided deal that stood in a stage: it says why."""
    why = opened.stays_reason or "No decided deal is known to have stood in a stage."
    context = {
        **head,
        "title": "Time in stage",
        "sentence": why,
        "n": 0,
        "money": "",
        "table": Table(
            "Time in stage", [Column("label", "Deal", "lead")], [], empty=Empty("No deal", why, "table")
        ),
        "back": _back(address),
    }
    frozen = Frozen(
        title="Time in stage",
        name="time in stage",
        data_on=opened.frames.today,
        filters=head["words"][1:],
        notes=[*head["notes"], why],
        sheets=lambda: [exports.Sheet("Time in stage", [exports.Column("id", "Id")], [])],
        zone=opened.frames.firm.zone,
    )
    return page(request, "analytics/inspection_deals.html", context, frozen)


def _band(bands: list[Band], first: str) -> Band:
    for band in bands:
        if str(band.first) == first:
            return band
    raise AddressError(
        f"A band of days begins at {', '.join(str(b.first) for b in bands)}, not at {first!r:.20}."
    )


def _stream_stays(
    actor: Actor, address: InspectionAddress, place: Place, band: Band
) -> Iterator[dict[str, Any]]:
    with open_inspection(actor, address.shared.question()) as opened:
        for batch in opened.frames.facts.batches(_stays_in_order(_stays(opened, place, band), "-days")):
            yield from batch.to_pylist()

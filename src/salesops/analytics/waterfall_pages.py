"""The pipeline waterfall: the bars between two days, and the deals of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from salesops.analytics import waterfall_parts as parts
from salesops.analytics.addresses import NotThereError, deal_href, reads_address
from salesops.analytics.choices import extent, team_groups
from salesops.analytics.engine.waterfall_bars import BARS, BY_NAME
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.page_parts import whose
from salesops.analytics.selectors import OpenQuestion
from salesops.analytics.shown import unique
from salesops.analytics.waterfall_parts import WaterfallAddress
from salesops.analytics.waterfalls import OpenWaterfall, in_order, open_waterfall
from salesops.org.known import PARAMETER
from salesops.platform.actors import Actor
from salesops.ui import exports
from salesops.ui.components import Empty
from salesops.ui.formats import Unit
from salesops.ui.tables import Column, Table

PAGE = 50
SORTS = (
    "name", "account_name", "first_owner", "last_owner", "first_stage", "last_stage", "first_close_on",
    "last_close_on", "first_amount", "last_amount", "contribution",
)  # fmt: skip
GONE = frozenset({"transferred_out", "removed"})
"""Bars whose deals the reader may no longer open: their links lead to the deal as of the opening day."""


def _head(actor: Actor, opened: OpenWaterfall, address: WaterfallAddress) -> dict[str, Any]:
    """What both pages say of what they show, and offer to change."""
    rows = whose(actor, cast(OpenQuestion, opened))
    return {
        "scope": " · ".join(
            filter(
                None,
                (
                    parts.span_words(opened),
                    parts.pipeline_words(opened),
                    rows,
                    address.shared.team.partition(":")[2],
                    f"in {opened.currency}" if opened.currency else "",
                ),
            )
        ),
        "address": address,
        "opening": opened.opening,
        "closing": opened.closing,
        "today": opened.last.today,
        "period_groups": parts.periods(opened, address),
        "team_groups": team_groups(extent(opened.last), address.shared),
        "currencies": parts.currencies(opened),
        "starts": parts.starts(opened, address),
        "reason": opened.reason,
        "words": parts.filter_pairs(opened, address, rows),
    }


@require_safe
@freezable
@reads_address
def waterfall(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The bars that lead from the pipeline of one day to that of a later one."""
    address = parts.read(request.GET)
    with open_waterfall(actor, address.asked()) as opened:
        found = opened.waterfall()
        head = _head(actor, opened, address)
        figure = parts.figure(opened, found, address)
        currency, today, zone = opened.currency, opened.last.today, opened.last.firm.zone
        notes = unique([*opened.notes, *found.notes])
    money: Any = "money" if currency else "number"
    table = Table(
        "The bars and what each holds",
        [
            Column("title", "Bar", "lead"),
            Column("value", "Value", money, currency=currency, reason="none of its deals has a known amount"),
            Column("deals", "Deals", "number"),
            Column("unknown", "No known amount", "number", phone=False),
            Column("sentence", "What it holds", phone=False),
        ],
        parts.bar_rows(found, currency, address),
        id="bars",
        row_href=lambda row: row["href"] or None,
        noun="bars",
    )
    frozen = Frozen(
        title=f"Pipeline waterfall, {head['scope']}",
        name="pipeline waterfall",
        data_on=today,
        filters=head["words"],
        definitions=parts.definitions(),
        notes=notes,
        sheets=lambda: [parts.bars_sheet(found, currency), parts.ways_sheet(found, currency)],
        zone=zone,
    )
    context = {"title": "Waterfall", "figure": figure, "table": table, "notes": notes, **head}
    return page(request, "analytics/waterfall.html", context, frozen)


@require_safe
@freezable
@reads_address
def waterfall_deals(request: HttpRequest, actor: Actor, bar: str) -> HttpResponseBase:
    """The deals of one bar, as they were and as they are; together they are the bar."""
    if bar not in BY_NAME:
        raise NotThereError(f"There is no bar {bar!r:.40} in the waterfall.")
    kind, address = BY_NAME[bar], parts.read(request.GET)
    sort = request.GET.get("sort", "")
    if sort.removeprefix("-") not in SORTS:
        sort = "-contribution"
    with open_waterfall(actor, address.asked()) as opened:
        found = opened.waterfall()
        head = _head(actor, opened, address)
        one = found.bars[bar]
        paging = Paginator(range(one.deals), PAGE).get_page(request.GET.get("page"))
        ordered = in_order(opened.deals(bar), sort).limit(PAGE, offset=(paging.number - 1) * PAGE)
        shown = opened.last.facts.execute(ordered).to_pylist()
        currency, today, zone = opened.currency, opened.last.today, opened.last.firm.zone
        notes = unique(opened.notes)
    unit = Unit("money", currency) if currency else Unit("number", places=2)
    shown = [_worded(row, bar) for row in shown]
    known = {PARAMETER: address.shared.known.text} if address.shared.known.text else {}

    def opened_deal(row: dict[str, Any]) -> str:
        if bar not in GONE:
            return deal_href(row["id"], address.shared.known)
        return f"{deal_href(row['id'])}?{urlencode({'as_of': head['opening'].isoformat(), **known})}"

    table = Table(
        f"{kind.title}: deals",
        _columns(bar, currency),
        shown,
        id="rows",
        page=paging,
        sort=sort,
        row_href=opened_deal,
        noun="deals",
        wide=True,
        empty=Empty("No deal", "No deal went this way between the two days.", "table"),
    )
    title = f"Waterfall: {kind.title.lower()}"
    frozen = Frozen(
        title=f"{title}, {head['scope']}",
        name=f"waterfall {bar}",
        data_on=today,
        filters=[*head["words"], ("Bar", kind.title), ("Rows in all", f"{one.deals:,}")],
        definitions=[d for d in parts.definitions() if d.term == kind.title],
        notes=notes,
        sheets=lambda: [_sheet(actor, address, bar, currency)],
        zone=zone,
        rows=one.deals,
    )
    context = {
        "title": title,
        "kind": kind,
        "n": one.deals,
        "adds": unit.exact(one.value) if one.value is not None else "nothing, as none has a known amount",
        "unknown": one.unknown,
        "changes": kind.role == "change",
        "table": table,
        "notes": notes,
        "back": address.to(),
        "others": [
            {"title": k.title, "href": address.to(k.name), "current": k.name == bar}
            for k in BARS
            if found.bars[k.name].deals or k.name == bar
        ],
        **head,
    }
    return page(request, "analytics/waterfall_deals.html", context, frozen)


THEN: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "reopened": (("first_stage",), ("last_close_on",)),
    "pulled_in": (("first_close_on",), ("last_stage",)),
    "pushed_out": (("first_close_on",), ("last_stage",)),
    "transferred_in": (("first_owner",), ("last_stage",)),
    "transferred_out": (
        ("first_owner", "first_stage", "first_close_on"),
        ("last_owner", "last_stage", "last_close_on", "last_amount"),
    ),
}
"""Bar -> what its page shows of the deals as they were, and leaves out of what they are; files hold all of it."""


def _columns(bar: str, currency: str, *, every: bool = False) -> list[Column]:
    """The columns of a bar's deals: those that its page shows, or every one."""
    money: Any = "money" if currency else "number"
    not_then = "it was not there at the opening, or had none"
    not_now = "it is no longer yours to see, or has none"
    way = "way_out" if BY_NAME[bar].role in ("start", "in") else "way_in"
    columns = [
        Column("label", "Deal", "lead", sort="name"),
        Column("account_name", "Account", sort="account_name"),
        Column("first_owner", "Owner then", sort="first_owner", reason=not_then),
        Column("last_owner", "Owner now", sort="last_owner", reason=not_now),
        Column("first_stage", "Stage then", sort="first_stage", reason=not_then, phone=False),
        Column("last_stage", "Stage now", sort="last_stage", reason=not_now),
        Column("first_close_on", "Close date then", "day", sort="first_close_on", reason=not_then),
        Column("last_close_on", "Close date now", "day", sort="last_close_on", reason=not_now, phone=False),
        Column("first_amount", "Amount then", money, sort="first_amount", currency=currency, reason=not_then),
        Column("last_amount", "Amount now", money, sort="last_amount", currency=currency, reason=not_now),
        Column("way", "Went out by" if way == "way_out" else "Came in by"),
        Column(
            "contribution",
            "Adds",
            money,
            sort="contribution",
            currency=currency,
            reason="its amount is not known: it counts as a deal and adds nothing",
        ),
    ]
    if every:
        return columns
    shown, left_out = THEN.get(bar, ((), ()))
    hidden = {"account_name", "first_owner", "first_stage", "first_close_on"} - set(shown) | set(left_out)
    return [c for c in columns if c.key not in hidden]


def _worded(row: dict[str, Any], bar: str) -> dict[str, Any]:
    """A deal with its other way in words."""
    way = "way_out" if BY_NAME[bar].role in ("start", "in") else "way_in"
    return row | {"label": row["name"] or row["id"], "way": BY_NAME[row[way]].title}


def _sheet(actor: Actor, address: WaterfallAddress, bar: str, currency: str) -> exports.Sheet:
    kinds: dict[str, exports.Kind] = {"day": "day", "money": "money", "number": "number"}
    columns = [exports.Column("id", "Id"), exports.Column("name", "Deal")]
    columns += [
        exports.Column(c.key, c.title, kinds.get(c.kind, "text"), currency if c.kind == "money" else "")
        for c in _columns(bar, currency, every=True)[1:]
    ]
    return exports.Sheet(BY_NAME[bar].title[:31], columns, _stream(actor, address, bar))


def _stream(actor: Actor, address: WaterfallAddress, bar: str) -> Iterator[dict[str, Any]]:
    """Every deal of a bar, read as it is written, in a session of its own."""
    with open_waterfall(actor, address.asked()) as opened:
        for batch in opened.last.facts.batches(in_order(opened.deals(bar))):
            for row in batch.to_pylist():
                yield _worded(row, bar)

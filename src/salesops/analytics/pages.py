"""Home, what changed, and the catalogue of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from salesops.analytics import home as seen
from salesops.analytics import home_ahead
from salesops.analytics import home_cards as cards
from salesops.analytics.addresses import (
    TEAM_COLUMNS,
    Address,
    NotThereError,
    deal_href,
    href,
    read,
    reads_address,
)
from salesops.analytics.choices import extent
from salesops.analytics.deal_story import ends
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.page_parts import (
    day_words,
    filter_words,
    known_query,
    numbers_sheet,
    scope_line,
    selects,
)
from salesops.analytics.selectors import OpenQuestion, ask, catalogue, kpis
from salesops.analytics.shown import (
    definition_of,
    family_of,
    file_kind,
    interval_text,
    period_words,
    sample_text,
    unique,
    value_text,
)
from salesops.crm import import_selectors as imports
from salesops.platform.access import SEES_ALL_ROWS, may
from salesops.platform.actors import Actor
from salesops.platform.roles import Role
from salesops.ui import exports
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table


@require_safe
@freezable
@reads_address
def home(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The first screen: will we make it, what changed, which deals decide it, what waits."""
    address = read(request.GET)
    own = actor.role == Role.REP
    question = address.question()
    if question == home_ahead.FIRST_QUESTION:
        home_ahead.reader_came(actor)
    with ask(actor, question) as asked:
        frames, found = asked.frames, extent(asked.frames)
        values = seen.by_name(asked.values(seen.TILES))
        history = seen.past(asked, (*seen.FLOWS, *seen.STOCKS), found)
        column = seen.split_column(
            found,
            request.GET.get("split", ""),
            seen.split_order(actor),
        )
        won = [] if own else asked.over(asked.period, column).values(["won_value", "quota"])
        stages = asked.over(asked.period, "stage").values(["open_deals", "open_pipeline"])
        deals, shared = seen.deals_that_matter(asked, own=own)
        order = seen.ORDER[actor.role]
        context: dict[str, Any] = {
            "title": _title(actor, asked),
            "scope": scope_line(actor, asked, address),
            "sections": order,
            "tiles": cards.tiles(
                address, values, seen.before(asked), history, frames.currency, asked.period, day_words(asked)
            ),
            "won": cards.won_by_period(history, frames.currency, frames.as_of)
            if own
            else cards.won_by(address, asked, column, won, frames.currency),
            "splits": [] if own else _splits(address, found, column),
            "stages": cards.open_by_stage(address, frames, stages, frames.currency),
            "deals": cards.deals_table(deals, frames.currency, own=own, known=address.known),
            "deals_title": "Your open deals, what is due first" if own else "Deals that matter",
            "deals_note": _deals_note(values, shared),
            "deals_href": f"{href('pipeline')}?{known_query(address, 'filter=stage_class:eq:open')}",
            "open_deals": values["open_deals"].value,
            # Asked of a reader who looks at now: what was open then is decided now, not then.
            "questions": cards.questions(actor, frames, values)
            if actor.role in SEES_ALL_ROWS and address.known.now
            else [],
            "notes": unique(frames.notes),
            **selects(asked, address),
        }
        if "changes" in order:
            inside = seen.window(asked)
            counts = seen.change_counts(asked, inside)
            context["changes"] = cards.change_cells(address, counts, inside, seen.KINDS)
            context["changes_words"] = inside.words
        if seen.sees_data(actor):
            context["data"] = _data_card(actor, asked, address)
        frozen = Frozen(
            title=f"{context['title']}, {scope_line(actor, asked, address)}",
            name=f"home {asked.period.label if asked.period else 'all'}",
            data_on=frames.today,
            filters=filter_words(actor, asked, address),
            definitions=[definition_of(kpi) for kpi in kpis(seen.TILES)],
            notes=unique([*frames.notes, *(n for v in values.values() for n in v.notes)]),
            sheets=lambda: _home_sheets(values, won, stages, deals, column, frames.currency),
            zone=frames.firm.zone,
        )
    return page(request, "analytics/home.html", context, frozen)


def _title(actor: Actor, asked: OpenQuestion) -> str:
    period = period_words(asked.period)
    if actor.role == Role.REP:
        return f"Your deals, {period}"
    if actor.role == Role.SALES_MANAGER:
        return f"Your team, {period}"
    return period if asked.period is None else f"{period} performance"


def _splits(address: Address, found: Any, chosen: str) -> list[dict[str, Any]]:
    """Columns the bars may be split by instead."""
    names = [name for name in TEAM_COLUMNS if len(found.members[name]) > 1]
    if len(names) < 2:
        return []
    query = address.query()
    mark = "&" if query else "?"
    return [
        {"title": TEAM_COLUMNS[n], "href": f"{query}{mark}split={n}", "current": n == chosen} for n in names
    ]


def _deals_note(values: dict[str, KpiValue], shared: Sequence[str]) -> str:
    value = values["open_pipeline"]
    said = "Largest open deals, with what speaks for a look."
    if value.value is None and value.estimate is not None:
        said = "Largest by list price, an estimate: open deals have no amount in this data."
    return f"{said} All of these: {', '.join(word.lower() for word in shared)}." if shared else said


def _data_card(actor: Actor, asked: OpenQuestion, address: Address) -> dict[str, Any]:
    """Freshness, faults, what waits: for those who keep the data right."""
    manifest = asked.frames.facts.manifest
    faults = seen.top_faults(asked)
    # What waits is a matter of now: who looks back is shown none of it.
    unconfirmed = imports.unconfirmed() if address.known.now else []
    quarantined = imports.waiting() if address.known.now else 0
    again = known_query(address)

    def fault_link(row: Any) -> str:
        found = href("fault_rows", row["code"]) or href("faults")
        return f"{found}?{again}" if again else found

    rows = [
        {
            "code": f.rule.code,
            "title": f.rule.title,
            "severity": f.rule.severity,
            "faulty": f.faulty,
            "fix": f.rule.fix,
        }
        for f in faults
    ]
    tones = {"critical": "bad", "high": "bad", "medium": "warn", "low": "neutral"}
    table = Table(
        "Faults that weigh most",
        [
            Column("title", "Fault", "lead"),
            Column("severity", "Severity", "status", tones=tones),
            Column("faulty", "Rows", "number"),
            Column("fix", "What to do", phone=False),
        ],
        rows,
        id="faults",
        row_href=fault_link,
        live=False,
        compact=True,
        empty=Empty("No fault found", "Every rule that this data allows was checked.", "shield-check"),
    )
    return {
        "data_on": asked.frames.today,
        "recorded_at": manifest.recorded_at if manifest else None,
        "table": table,
        "unconfirmed": len(unconfirmed),
        "unconfirmed_href": href("import_detail", unconfirmed[0].pk)
        if len(unconfirmed) == 1
        else href("data"),
        "quarantined": quarantined,
        "quarantine_href": href("quarantine"),
        "faults_href": f"{href('faults')}?{again}" if again else href("faults"),
        "data_href": href("data"),
        "import_href": href("import_new") if may(actor, "import.run") else "",
    }


def _home_sheets(
    values: dict[str, KpiValue], won: Sequence[KpiValue], stages: Sequence[KpiValue],
    deals: Sequence[dict[str, Any]], column: str, currency: str,
) -> list[exports.Sheet]:  # fmt: skip
    sheets = [numbers_sheet([(kpis([n])[0], v) for n, v in values.items()], currency)]
    if won:
        split: dict[Any, dict[str, Any]] = {}
        for value in won:
            split.setdefault(value.group[column], {"group": value.group[column]})[value.name] = value.value
        title = TEAM_COLUMNS[column]
        sheets.append(
            exports.Sheet(
                f"Won by {title.lower()}",
                [
                    exports.Column("group", title),
                    exports.Column("won_value", "Won", "money", currency),
                    exports.Column("quota", "Quota", "money", currency),
                ],
                list(split.values()),
            )
        )
    by_stage: dict[Any, dict[str, Any]] = {}
    for value in stages:
        by_stage.setdefault(value.group["stage"], {"stage": value.group["stage"]})[value.name] = value.value
    sheets.append(
        exports.Sheet(
            "Open by stage",
            [
                exports.Column("stage", "Stage"),
                exports.Column("open_deals", "Open deals", "integer"),
                exports.Column("open_pipeline", "Amount", "money", currency),
            ],
            [row for row in by_stage.values() if row.get("open_deals")],
        )
    )
    sheets.append(
        exports.Sheet(
            "Deals that matter",
            [
                exports.Column("id", "Id"),
                exports.Column("name", "Deal"),
                exports.Column("account_name", "Account"),
                exports.Column("owner_name", "Rep"),
                exports.Column("stage", "Stage"),
                exports.Column("amount", "Amount", "money", currency),
                exports.Column("amount_estimate", "List price (estimate)", "money", currency),
                exports.Column("expected_close_on", "Expected close", "day"),
                exports.Column(
                    lambda row: ", ".join(word for word, _, _ in row["flags"]), "Why look", width=40
                ),
            ],
            deals,
        )
    )
    return sheets


@require_safe
@freezable
@reads_address
def changes(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The deals behind a count of Home's change card."""
    kind = request.GET.get("kind", "")
    if kind and kind not in seen.KINDS:
        raise NotThereError(f"There is no kind of change {kind!r}.")
    address = read(request.GET)
    with ask(actor, address.question()) as asked:
        inside = seen.window(asked)
        rows = seen.changes_of(asked, inside, kind)
        deals = asked.frame("deals").select("id", "name", "owner_name", "account_name", "amount", "currency")
        joined = rows.inner_join(deals, "id").order_by(["day", "id"])
        total = asked.execute(joined.agg(n=joined.count())).to_pylist()[0]["n"]
        paging = Paginator(range(total), 50).get_page(request.GET.get("page"))
        start = (paging.number - 1) * 50
        shown = asked.execute(joined.limit(50, offset=start)).to_pylist()
        currency, today = asked.frames.currency, asked.frames.today
        everything = asked.execute(joined).to_pylist() if request.GET.get("freeze") else []
        words = filter_words(actor, asked, address)
        zone = asked.frames.firm.zone
    for row in shown:
        row |= ends(row, currency)
        row["label"], row["what"] = row["name"] or row["id"], seen.KINDS[row["kind"]]
    columns = [
        Column("label", "Deal", "lead"),
        Column("owner_name", "Rep"),
        Column("what", "Change"),
        Column("old", "From", reason="nothing stood there before"),
        Column("new", "To", reason="the change is the record itself"),
        Column("day", "On", "day"),
        Column("amount", "Amount", "money", currency=currency, reason="the deal has no amount"),
    ]
    table = Table(
        "Changes", columns, shown, id="changes", page=paging, noun="changes",
        row_href=lambda row: deal_href(row["id"], address.known, address.as_of),
        empty=Empty("Nothing changed", f"No such change {inside.words}.", "history"),
    )  # fmt: skip
    title = seen.KINDS[kind] if kind else "What changed"
    frozen = Frozen(
        title=f"{title} {inside.words}",
        name=f"changes {kind}",
        data_on=today,
        filters=[("Changes", f"{title} {inside.words}"), *words[1:]],
        sheets=lambda: [
            exports.Sheet(
                "Changes",
                [
                    exports.Column("id", "Id"),
                    exports.Column("name", "Deal"),
                    exports.Column("owner_name", "Rep"),
                    exports.Column(lambda row: seen.KINDS[row["kind"]], "Change"),
                    exports.Column("old", "From"),
                    exports.Column("new", "To"),
                    exports.Column("currency", "Currency of the deal"),
                    exports.Column("day", "On", "day"),
                    exports.Column("amount", "Amount", "money", currency),
                ],
                everything,
            )
        ],
        zone=zone,
    )
    context = {
        "title": title,
        "scope": f"{total:,} deals {inside.words}",
        "table": table,
        "address": address,
        "kinds": [{"key": k, "title": t, "current": k == kind} for k, t in seen.KINDS.items()],
    }
    return page(request, "analytics/changes.html", context, frozen)


UNDEFINED = mark_safe(
    '<span class="undefined" aria-hidden="true">—</span><span class="visually-hidden">Undefined</span>'
)
"""A value that there is not; the reason stands in the next column."""


@require_safe
@freezable
@reads_address
def numbers(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Every number: value for the period, unit, reason where there is none, definition, owner, direction."""
    address = read(request.GET)
    search = request.GET.get("q", "").strip()
    wanted = [kpi for kpi in catalogue() if _matches(kpi, search)]
    with ask(actor, address.question()) as asked:
        values = seen.by_name(asked.values([kpi.name for kpi in wanted])) if wanted else {}
        currency, today = asked.frames.currency, asked.frames.today
        families: dict[str, list[dict[str, Any]]] = {}
        for kpi in wanted:
            families.setdefault(family_of(kpi), []).append(_line(kpi, values[kpi.name], currency, address))
        context = {
            "title": "Numbers",
            "scope": scope_line(actor, asked, address),
            "families": [
                {"title": title, "table": _numbers_table(title, rows, address)}
                for title, rows in families.items()
            ],
            "search": search,
            "count": len(wanted),
            "notes": unique(asked.frames.notes),
            **selects(asked, address),
        }
        frozen = Frozen(
            title=f"Numbers, {scope_line(actor, asked, address)}",
            name=f"numbers {asked.period.label if asked.period else 'all'}",
            data_on=today,
            filters=[*filter_words(actor, asked, address), *([("Search", search)] if search else [])],
            definitions=[definition_of(kpi) for kpi in wanted],
            notes=unique(asked.frames.notes),
            sheets=lambda: [numbers_sheet([(kpi, values[kpi.name]) for kpi in wanted], currency)],
            zone=asked.frames.firm.zone,
        )
    return page(request, "analytics/numbers.html", context, frozen)


def _matches(kpi: Kpi, search: str) -> bool:
    text = f"{kpi.name} {kpi.title} {kpi.sentence} {kpi.formula} {family_of(kpi)}".casefold()
    return all(word in text for word in search.casefold().split())


def _line(kpi: Kpi, value: KpiValue, currency: str, address: Address) -> dict[str, Any]:
    better = {"up": "more is better", "down": "less is better", "none": "neither"}[kpi.direction]
    estimate = (
        value_text(kpi, value.estimate, currency)
        if value.value is None and value.estimate is not None
        else ""
    )
    return {
        "name": kpi.name,
        "title": kpi.title,
        "definition": definition_of(kpi, address),
        "text": value_text(kpi, value.value, currency),
        "estimate": estimate,
        "reason": value.reason,
        "rests": sample_text(kpi, value) if value.n else "",
        "interval": interval_text(value),
        "owner": kpi.owner,
        "better": better,
        "kind": file_kind(kpi),
    }


def _said(row: dict[str, Any]) -> SafeString:
    """The definition's sentence, with formula and convention behind a button."""
    popover = render_to_string("ui/_definition.html", {"definition": row["definition"], "align": "end"})
    return format_html("{} {}", row["definition"].sentence, mark_safe(popover))  # noqa: S308 - escaped by its template


def _numbers_table(title: str, rows: list[dict[str, Any]], address: Address) -> Table:
    def value(row: dict[str, Any]) -> SafeString | str:
        if row["text"]:
            return str(row["text"])
        return UNDEFINED

    def remark(row: dict[str, Any]) -> SafeString | str:
        if row["estimate"]:
            return f"{row['reason']}. With list prices as an estimate: {row['estimate']}"
        return row["reason"] or ", ".join(filter(None, (row["rests"], row["interval"])))

    columns = [
        Column("title", "Number", "lead"),
        Column("text", "Value", "number", render=value),
        Column("rests", "Rests on, or why not", render=remark),
        Column("definition", "What it says", render=_said, phone=False),
        Column("better", "Better", phone=False),
        Column("owner", "Owner", phone=False),
    ]
    ident = title.lower().replace(" ", "-").replace(",", "")
    return Table(
        title,
        columns,
        rows,
        id=ident,
        row_href=lambda row: address.to("number", row["name"]),
        live=False,
        noun="numbers",
    )

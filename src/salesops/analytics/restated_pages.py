"""A number as first reported and as known now: the two side by side, and the rows between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from salesops.analytics import restated as engine
from salesops.analytics.addresses import Address, NotThereError, deal_href, read, reads_address
from salesops.analytics.engine.kpi import Kpi, KpiValue, Side
from salesops.analytics.engine.masking import masked_in, reason_of
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.number_runs import number_keep
from salesops.analytics.page_parts import chips, filter_words, kpi_named, scope_line, selects
from salesops.analytics.selectors import OpenQuestion, Question, ask, hidden_from
from salesops.analytics.shown import (
    definition_of,
    side_title,
    side_unit,
    unit_of,
    value_text,
)
from salesops.org import known as known_at
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.decision_log import Recorded, recorded_between
from salesops.process.inputs import NoDataError
from salesops.ui import exports
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table

PAGE = 50


def first_and_now(
    actor: Actor, asked: OpenQuestion, address: Address, kpi: Kpi, total: KpiValue
) -> dict[str, Any]:
    """What a number's page says of its first report: both values, the difference, where to see its rows."""
    report = engine.first_report(asked.period, asked.frames.firm)
    currency = asked.frames.currency
    shown = value_text(kpi, total.value, currency, to_the_cent=True)
    told: dict[str, Any] = {"why": report.why, "shown": shown, "shown_reason": total.reason, "sides": []}
    if report.known is None:
        return told
    told |= {"version": report.version, "same": report.same, "instant": report.known.known_at}
    told["zone"] = asked.frames.firm.zone
    if report.same:
        return told | {"first": shown, "first_reason": total.reason}
    told["first_href"] = address.query(known=report.known) or "?"
    told["why_href"] = address.to("number_restated", kpi.name, by="", side="")
    try:
        with ask(actor, _question(asked, address, report.known)) as then:
            first = then.values([kpi.name])[0]
            told["first"] = value_text(kpi, first.value, then.frames.currency, to_the_cent=True)
            told["first_reason"] = first.reason
    except (NoDataError, ValueError) as error:
        return told | {"first": "", "first_reason": str(error)}
    told["equal"] = first.value == total.value
    if first.value is not None and total.value is not None and not told["equal"]:
        told["difference"] = unit_of(kpi, currency).exact(total.value - first.value)
    told["sides"] = [
        {
            "title": side_title(kpi, side),
            "first": _text(side, first, currency),
            "now": _text(side, total, currency),
            "href": address.to("number_restated", kpi.name, by="", side=side.name)
            if side.rows and first.sides.get(side.name) != total.sides.get(side.name)
            else "",
        }
        for side in kpi.sides
    ]
    if not address.known.now:
        with ask(actor, _question(asked, address, known_at.NOW)) as now:
            latest = now.values([kpi.name])[0]
            told["now"] = value_text(kpi, latest.value, now.frames.currency, to_the_cent=True)
            told["now_reason"] = latest.reason
            told["now_href"] = address.query(known=known_at.NOW) or "?"
    return told


def _text(side: Side, value: KpiValue, currency: str) -> str:
    found = value.sides.get(side.name)
    return side_unit(side, currency).exact(found) if found is not None else ""


def _question(asked: OpenQuestion, address: Address, known: known_at.Known) -> Question:
    """The page's question under the label of its own period, put to another state of knowledge."""
    label = asked.period.label if asked.period else "all"
    return replace(address, known=known, period=label).question()


@require_safe
@freezable
@reads_address
def number_restated(request: HttpRequest, actor: Actor, name: str) -> HttpResponseBase:
    """Why a number is no longer what was first reported: every row that changed its part, by cause."""
    kpi, address = kpi_named(name), read(request.GET)
    sides = [side for side in kpi.sides if side.rows and side.measure.kind in engine.ADDITIVE]
    if not sides:
        raise NotThereError(f"{kpi.title} is no sum of its rows: its difference can't be told row by row.")
    side = next((one for one in sides if one.name == address.side), sides[0])
    with ask(actor, address.question()) as asked:
        report = engine.first_report(asked.period, asked.frames.firm)
        hidden = masked_in(kpi, asked.named, asked.context, hidden_from(asked.frames))
        if hidden:
            said = reason_of(hidden)
            report = engine.FirstReport(None, said[:1].upper() + said[1:])
        currency, today, zone = asked.frames.currency, asked.frames.today, asked.frames.firm.zone
        scope, words = scope_line(actor, asked, address), filter_words(actor, asked, address)
        after = _question(asked, address, address.known)
        before = _question(asked, address, report.known) if report.known else None
        heads = selects(asked, address)
    found: engine.Explained | None = None
    if before is not None and not report.same:
        found = engine.explain(actor, kpi, side, before, after)
    unit = side_unit(side, currency)
    cause = request.GET.get("cause", "")
    rows = [row for row in found.rows if cause in ("", row.cause)] if found else []
    paging = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    since = report.known.known_at if report.known else None
    decided = recorded_between(since, address.known.known_at) if since else []
    kind: Any = {"money": "money", "days": "days"}.get(unit.kind, "number")
    title = f"{kpi.title}: first reported and known now"
    context = {
        "title": title,
        "scope": scope,
        "kpi": kpi,
        "definition": definition_of(kpi, address),
        "side": side_title(kpi, side),
        "report": report,
        "instant": since,
        "zone": zone,
        "found": found,
        "first": unit.exact(found.before) if found else "",
        "now": unit.exact(found.after) if found else "",
        "difference": unit.exact(found.change) if found else "",
        "causes": [
            {
                "key": key,
                "title": engine.CAUSES[key],
                "rows": n,
                "text": unit.exact(change),
                "current": key == cause,
            }
            for key, (n, change) in found.by_cause().items()
        ]
        if found
        else [],
        "table": _table(paging, kind, currency, found, address),
        "decided": decided[:PAGE] if may(actor, "decision.view") else [],
        "decided_count": len(decided),
        "others": [
            {"title": side_title(kpi, s), "href": address.query(side=s.name), "current": s is side}
            for s in sides
        ],
        "chips": chips(address),
        "back": address.to("number", name, side=""),
        **heads,
    }
    frozen = Frozen(
        title=f"{title}, {scope}",
        name=f"{name} restated",
        data_on=today,
        filters=[*words, ("Part", side_title(kpi, side))],
        definitions=[definition_of(kpi)],
        sheets=lambda: (
            [_sheet(found, unit.kind, currency), _decisions_sheet(decided)]
            if may(actor, "decision.view")
            else [_sheet(found, unit.kind, currency)]
        ),
        zone=zone,
    )
    return page(request, "analytics/number_restated.html", context, frozen)


def _table(paging: Any, kind: Any, currency: str, found: engine.Explained | None, address: Address) -> Table:
    money = currency if kind == "money" else ""
    deals = found is not None and not found.people
    rows = [
        {
            "key": row.key,
            "label": row.label,
            "cause": engine.CAUSES[row.cause],
            "before": row.before,
            "after": row.after,
            "change": row.change,
            "gone": row.cause == "removed",
        }
        for row in paging
    ]

    def opened(row: dict[str, Any]) -> str:
        return deal_href(row["key"], address.known, address.as_of) if deals and not row["gone"] else ""

    nothing = "it added nothing"
    return Table(
        "Rows that make the difference",
        [
            Column("label", "Deal" if deals else "Rep", "lead"),
            Column("cause", "Why"),
            Column("before", "Before", kind, currency=money, reason=nothing),
            Column("after", "After", kind, currency=money, reason=nothing),
            Column("change", "Difference", kind, currency=money),
        ],
        rows,
        id="restated",
        page=paging,
        row_href=opened,
        noun="rows",
        empty=Empty("No row changed its part", "Every row adds what it first did.", "circle-check"),
    )  # fmt: skip


def _sheet(found: engine.Explained | None, kind: str, currency: str) -> exports.Sheet:
    money: exports.Kind = "money" if kind == "money" else "number"
    own = currency if kind == "money" else ""
    return exports.Sheet(
        "Rows that differ",
        [
            exports.Column("key", "Id"),
            exports.Column("label", "Name"),
            exports.Column(lambda row: engine.CAUSES[row.cause], "Why"),
            exports.Column("before", "Before", money, own),
            exports.Column("after", "After", money, own),
            exports.Column("change", "Difference", money, own),
        ],
        found.rows if found else [],
        [f"First reported {found.before}, known now {found.after}."] if found else [],
    )


def _decisions_sheet(decided: Any) -> exports.Sheet:
    def day(row: Recorded) -> Any:
        return row.starts_on

    return exports.Sheet(
        "Decisions since",
        [
            exports.Column("title", "Decision"),
            exports.Column("subject", "About", width=40),
            exports.Column(day, "From", "day"),
            exports.Column("recorded_at", "Recorded", "instant"),
            exports.Column("author_name", "By"),
            exports.Column("reason", "Reason", width=48),
        ],
        decided,
    )


@require_POST
@reads_address
def number_keep_page(request: HttpRequest, actor: Actor, name: str) -> HttpResponseBase:
    """Keep the number that the page shows as a run."""
    kpi, address = kpi_named(name), read(request.GET)
    by = (address.by,) if address.by else ()
    run = number_keep(actor=actor, name=name, question=address.question(*by))
    messages.success(request, f"{kpi.title} is kept as run {run.ref}.")
    return HttpResponseRedirect(address.to("number", name))

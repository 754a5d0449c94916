"""One number with everything it rests on, and the rows behind it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from salesops.analytics import benchmarks
from salesops.analytics import home as seen
from salesops.analytics.addresses import (
    OPERATOR_WORDS,
    Address,
    added_filter,
    read,
    reads_address,
)
from salesops.analytics.choices import columns_to_filter, dimensions_to_split, extent
from salesops.analytics.engine.kpi import Kpi, KpiValue, Side
from salesops.analytics.engine.masking import masked_in
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.page_parts import chips, filter_words, kpi_named, numbers_sheet, scope_line, selects
from salesops.analytics.reconciling import kept_comparisons, sides_to_compare
from salesops.analytics.restated_pages import first_and_now
from salesops.analytics.selectors import OpenQuestion, Question, ask, dimension_names, hidden_from
from salesops.analytics.shown import (
    column_title,
    definition_of,
    file_kind,
    group_text,
    group_words,
    in_order,
    interval_text,
    is_dated,
    lead_side,
    rows_href,
    sample_text,
    side_title,
    side_unit,
    unique,
    unit_of,
    unit_words,
    value_text,
)
from salesops.analytics.steward_pages import card as steward_card
from salesops.facts.manifests import Manifest
from salesops.org.known import Known
from salesops.platform import manifest_history
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.process.inputs import NoDataError
from salesops.ui import charts, exports
from salesops.ui.components import Empty
from salesops.ui.readings import BarRow, Point
from salesops.ui.tables import Column, Table

MOST_BARS = 12
FEW_VERSIONS = 3
"""Up to so many facts versions the page asks all of them at once; beyond it on demand."""
MOST_VERSIONS = 12
PAGE = 50


@require_safe
@freezable
@reads_address
def number(request: HttpRequest, actor: Actor, name: str) -> HttpResponseBase:
    """One number: value, parts, split, past, as reported before, definition, comparisons with the CRM."""
    kpi, address = kpi_named(name), read(request.GET)
    added = added_filter(request.GET)
    if added is not None:
        return redirect(address.to("number", name, filters=(*address.filters, added)))
    with ask(actor, address.question()) as asked:
        kpi = asked.kpis([name])[0]
        frames, found = asked.frames, extent(asked.frames)
        total = asked.values([name])[0]
        by = address.by or seen.split_column(found, "", seen.FIRM_ORDER)
        groups = asked.over(asked.period, asked.split(by)).values([name])
        by = next(iter(groups[0].group), by) if groups else by
        history = seen.past_of(asked, name, found)
        currency, can_split = frames.currency, _dimensions(asked, kpi)
        versions, more = _as_reported(actor, asked, address, kpi, everything="reported" in request.GET)
        notes = unique([*total.notes, *frames.notes])
        context: dict[str, Any] = {
            "title": kpi.title,
            "scope": scope_line(actor, asked, address),
            "kpi": kpi,
            "definition": definition_of(kpi, address),
            "value": unit_of(kpi, currency).short(total.value) if total.value is not None else "",
            "exact": value_text(kpi, total.value, currency, to_the_cent=True),
            "per_day": kpi.unit == "money_per_day",
            "estimate": value_text(kpi, total.estimate, currency) if total.value is None else "",
            "reason": total.reason,
            "rests": sample_text(kpi, total),
            "interval": interval_text(total),
            "number_notes": notes,
            "sides": [_side(address, kpi, side, total, currency) for side in kpi.sides],
            "better": {"up": "More is better.", "down": "Less is better.", "none": ""}[kpi.direction],
            "sql": asked.sql(name),
            "chart": _split_chart(address, kpi, by, groups, currency),
            "trend": _trend(kpi, history, currency, frames.as_of),
            "table": _split_table(address, kpi, by, groups, currency),
            "split_groups": dimensions_to_split(can_split, by),
            "by": by,
            "filter_columns": columns_to_filter(frames),
            "operators": list(OPERATOR_WORDS.items()),
            "chips": chips(address),
            "reported": first_and_now(actor, asked, address, kpi, total),
            "keep_href": address.to("number_keep", name),
            "benchmarks": benchmarks.card(asked, kpi, total, history, found, can_split),
            "steward": steward_card(actor, asked, address, kpi, total),
            "versions": versions,
            "more_versions": more,
            "comparisons": _comparisons(kpi, asked, currency),
            "reconcile_href": address.to("reconcile", name, by="")
            if may(actor, "reconcile") and sides_to_compare(kpi)
            else "",
            **selects(asked, address),
        }
        frozen = Frozen(
            title=f"{kpi.title}, {scope_line(actor, asked, address)}",
            name=f"{name} {asked.period.label if asked.period else 'all'}",
            data_on=frames.today,
            filters=filter_words(actor, asked, address),
            definitions=[definition_of(kpi)],
            notes=notes,
            sheets=lambda: _sheets(kpi, total, groups, by, history, currency),
            zone=frames.firm.zone,
        )
    return page(request, "analytics/number.html", context, frozen)


def _dimensions(asked: OpenQuestion, kpi: Kpi) -> list[str]:
    """Dimensions that this number's own frame has."""
    if kpi.dimensions:
        return list(kpi.dimensions)
    names = dimension_names(asked.frames)
    if kpi.frame == "deals":
        return names
    have = (
        asked.named[kpi.frame].columns
        if kpi.frame in asked.named
        else ("owner_name", "manager_name", "team", "region")
    )
    return [name for name in names if name in have]


def _side(address: Address, kpi: Kpi, side: Side, total: KpiValue, currency: str) -> dict[str, Any]:
    value = total.sides.get(side.name)
    return {
        "title": side_title(kpi, side),
        "text": side_unit(side, currency).exact(value) if value is not None else "",
        "href": rows_href(address, kpi, side, by="")
        if side.rows and not total.reason.startswith("no quota")
        else "",
    }


def _split_chart(
    address: Address, kpi: Kpi, by: str, groups: Sequence[KpiValue], currency: str
) -> charts.Figure:
    unit, title = unit_of(kpi, currency), f"{kpi.title} by {column_title(by).lower()}"
    ordered = in_order(by, groups)
    if is_dated(by) or any(v.value is not None and v.value < 0 for v in groups):
        points = [Point(group_words(v.group[by]), v.value) for v in ordered if v.group[by] is not None][-24:]
        return charts.columns_figure("split", title, points, unit, name=kpi.title, head=column_title(by))
    rows = [
        BarRow(
            group_words(v.group[by]), [v.value], None, rows_href(address, kpi, by=by, group=group_text(v.group[by]))
        )
        for v in ordered[:MOST_BARS]
    ]  # fmt: skip
    subtitle = f"the {MOST_BARS} largest of {len(ordered)}" if len(ordered) > MOST_BARS else ""
    return charts.bars_figure(
        "split", title, rows, [kpi.title], unit, subtitle=subtitle, head=column_title(by),
        row_height=44 if len(rows) <= 6 else 32,
    )  # fmt: skip


def _trend(kpi: Kpi, history: seen.Past, currency: str, today: Any) -> charts.Figure:
    points = [
        Point(p.label, v, p.first <= today < p.last)
        for p, v in zip(history.periods, history.values[kpi.name], strict=True)
    ]
    while len(points) > 2 and points[0].value is None:
        points.pop(0)
    kind = history.periods[-1].kind
    title, unit = f"{kpi.title} by fiscal {kind}", unit_of(kpi, currency)
    return charts.columns_figure("trend", title, points, unit, name=kpi.title, head=kind.capitalize())


def _split_table(address: Address, kpi: Kpi, by: str, groups: Sequence[KpiValue], currency: str) -> Table:
    rows = [
        {
            "group": group_words(v.group[by]),
            "key": group_text(v.group[by]),
            "value": value_text(kpi, v.value, currency),
            "reason": v.reason,
            "n": v.n,
            "notes": " ".join([*filter(None, [interval_text(v)]), *v.notes]),
        }
        for v in in_order(by, groups)
    ]

    def open_rows(row: dict[str, Any]) -> str:
        return rows_href(address, kpi, by=by, group=row["key"])

    columns = [
        Column("group", column_title(by), "lead"),
        Column("value", kpi.title, "number", render=lambda row: row["value"] or "—"),
        Column("n", "Rests on", "number"),
        Column("notes", "Remarks", render=lambda row: row["reason"] or row["notes"], phone=False),
    ]
    return Table(
        f"{kpi.title} by {column_title(by)}", columns, rows[:500], id="groups", row_href=open_rows, live=False,
        compact=True, noun="groups", empty=Empty("No group", "No row falls in this period and these filters.", "table"),
    )  # fmt: skip


def _as_reported(
    actor: Actor, asked: OpenQuestion, address: Address, kpi: Kpi, *, everything: bool
) -> tuple[list[dict[str, Any]], int]:
    """The number as each facts version said it, with the decisions recorded before the next one came.

    Returns:
        Newest first; and how many more there are to ask for.
    """
    shown = asked.frames.facts.manifest
    manifests = manifest_history.versions(MOST_VERSIONS, upto=shown.id if shown else None)
    if len(manifests) > FEW_VERSIONS and not everything:
        return [], len(manifests)
    label = asked.period.label if asked.period else "all"
    found = []
    newer: Manifest | None = None
    for manifest in manifests:
        if newer is None:
            known_at = address.known.known_at
        else:
            known_at = manifest_history.just_before(newer.recorded_at, manifest.recorded_at)
        question = Question(
            period=label,
            filters=address.question().filters,
            as_of=address.as_of,
            manifest_id=manifest.id,
            known_at=known_at,
        )
        try:
            with ask(actor, question) as then:
                value = then.values([kpi.name])[0]
                text = value_text(kpi, value.value, then.frames.currency, to_the_cent=True)
                reason = value.reason
        except (NoDataError, ValueError) as error:
            text, reason = "", str(error)
        found.append(
            {
                "version": manifest.id,
                "href": address.query(known=Known(f"v{manifest.id}")),
                "data_on": manifest.data_on,
                "recorded_at": manifest.recorded_at,
                "text": text,
                "reason": reason,
            }
        )
        newer = manifest
    return found, 0


def _comparisons(kpi: Kpi, asked: OpenQuestion, currency: str) -> list[dict[str, Any]]:
    """Comparisons with the CRM, for readers who see every row: they were made over all of them."""
    if not asked.frames.scope.everything or masked_in(
        kpi, asked.named, asked.context, hidden_from(asked.frames)
    ):
        return []
    found = []
    until = asked.frames.known_at
    for row in kept_comparisons(kpi.name):
        if until is not None and row.created_at > until:
            continue
        side = next((s for s in kpi.sides if s.name == row.result.get("side")), lead_side(kpi))
        unit = side_unit(side, currency)
        ours, theirs = Decimal(row.ours), Decimal(row.theirs)
        unexplained = Decimal(row.result.get("by_cause", {}).get("unexplained", {}).get("amount", "0"))
        found.append(
            {
                "row": row,
                "side": side.title,
                "ours": unit.exact(ours),
                "theirs": unit.exact(theirs),
                "difference": unit.exact(theirs - ours),
                "equal": ours == theirs,
                "explained": unexplained == 0,
                "unexplained": unit.exact(unexplained),
            }
        )
    return found


def _sheets(
    kpi: Kpi, total: KpiValue, groups: Sequence[KpiValue], by: str, history: seen.Past, currency: str
) -> list[exports.Sheet]:
    kind = file_kind(kpi)
    money = currency if kind == "money" else ""
    split = [
        {
            "group": None if v.group[by] is None else group_words(v.group[by]),
            "value": v.value,
            "n": v.n,
            "reason": v.reason,
        }
        for v in in_order(by, groups)
    ]
    past = [
        {"period": p.label, "value": v}
        for p, v in zip(history.periods, history.values[kpi.name], strict=True)
    ]
    return [
        numbers_sheet([(kpi, total)], currency),
        exports.Sheet(
            f"By {column_title(by).lower()}",
            [
                exports.Column("group", column_title(by)),
                exports.Column("value", kpi.title, kind, money),
                exports.Column("n", "Rests on", "integer"),
                exports.Column("reason", "Why there is no value", width=48),
            ],
            split,
            [f"{kpi.title} is in {unit_words(kpi, currency)}."],
        ),
        exports.Sheet(
            "Over time",
            [exports.Column("period", "Period"), exports.Column("value", kpi.title, kind, money)],
            past,
        ),
    ]

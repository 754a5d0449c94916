"""One number with everything it rests on, and the rows behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from salesops.analytics import home as seen
from salesops.analytics.addresses import (
    NOTHING,
    OPERATOR_WORDS,
    Address,
    AddressError,
    NotThereError,
    added_filter,
    deal_href,
    read,
    reads_address,
)
from salesops.analytics.choices import columns_to_filter, dimensions_to_split, extent
from salesops.analytics.engine.dimensions import Dimension
from salesops.analytics.engine.kpi import Kpi, KpiValue, Side
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.models import Reconciliation
from salesops.analytics.pages import FIRM_ORDER, filter_words, numbers_sheet, scope_line, selects
from salesops.analytics.reconciling import sides_to_compare
from salesops.analytics.selectors import OpenQuestion, Question, ask, dimension_names, kpis
from salesops.analytics.shown import (
    column_title,
    definition_of,
    exact,
    file_kind,
    group_text,
    group_words,
    interval_text,
    lead_side,
    rows_href,
    sample_text,
    side_unit,
    unique,
    unit_of,
    unit_words,
    value_text,
)
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.registries import kpi_definitions
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


def kpi_named(name: str) -> Kpi:
    """A declaration by name.

    Raises:
        NotThereError: there is no such number.
    """
    if name not in kpi_definitions:
        raise NotThereError(f"There is no number named {name!r}.")
    return kpis([name])[0]


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
        frames, found = asked.frames, extent(asked.frames)
        total = asked.values([name])[0]
        by = address.by or seen.split_column(found, "", FIRM_ORDER)
        groups = asked.over(asked.period, asked.split(by)).values([name])
        by = next(iter(groups[0].group), by) if groups else by
        history = seen.past_of(asked, name, found)
        currency = frames.currency
        versions, more = _as_reported(actor, asked, address, kpi, everything="reported" in request.GET)
        notes = unique([*total.notes, *frames.notes])
        context: dict[str, Any] = {
            "title": kpi.title,
            "scope": scope_line(actor, asked, address),
            "kpi": kpi,
            "definition": definition_of(kpi),
            "value": unit_of(kpi, currency).short(total.value) if total.value is not None else "",
            "exact": value_text(kpi, total.value, currency),
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
            "split_groups": dimensions_to_split(_dimensions(asked, kpi), by),
            "by": by,
            "filter_columns": columns_to_filter(frames),
            "operators": list(OPERATOR_WORDS.items()),
            "chips": [_chip(address, place) for place in range(len(address.filters))],
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
    have = asked.named[kpi.frame].columns if kpi.frame in asked.named else ("owner_name", "manager_name", "team", "region")
    return [name for name in names if name in have]


def _side(address: Address, kpi: Kpi, side: Side, total: KpiValue, currency: str) -> dict[str, Any]:
    value = total.sides.get(side.name)
    return {
        "title": side.title,
        "text": side_unit(side, currency).full(value) if value is not None else "",
        "href": rows_href(address, kpi, side, by="") if side.rows and not total.reason.startswith("no quota") else "",
    }


def _chip(address: Address, place: int) -> dict[str, str]:
    item = address.filters[place]
    rest = tuple(f for i, f in enumerate(address.filters) if i != place)
    values = ", ".join(str(v) for v in item.values)
    text = f"{column_title(item.column)} {OPERATOR_WORDS[item.op]} {values}".strip()
    return {"text": text, "href": address.query(filters=rest) or "?"}


def _split_chart(address: Address, kpi: Kpi, by: str, groups: Sequence[KpiValue], currency: str) -> charts.Figure:
    unit, title = unit_of(kpi, currency), f"{kpi.title} by {column_title(by).lower()}"
    ordered = _ordered(by, groups)
    if _is_dated(by) or any(v.value is not None and v.value < 0 for v in groups):
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


def _is_dated(by: str) -> bool:
    return by.endswith(("_year", "_half", "_quarter", "_month", "_week"))


def _ordered(by: str, groups: Sequence[KpiValue]) -> list[KpiValue]:
    """Periods in time, everything else from the largest; what is undefined last."""
    if _is_dated(by):
        return list(groups)
    return sorted(groups, key=lambda v: (v.value is None, -(v.value or 0), str(v.group[by])))


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
        for v in _ordered(by, groups)
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
    manifests = DatabaseManifests().recent(MOST_VERSIONS)
    if len(manifests) > FEW_VERSIONS and not everything:
        return [], len(manifests)
    label = asked.period.label if asked.period else "all"
    found = []
    newer = None
    for manifest in manifests:
        known_at = newer.recorded_at - timedelta(microseconds=1) if newer is not None else None
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
                text = value_text(kpi, value.value, then.frames.currency)
                reason = value.reason
        except (NoDataError, ValueError) as error:
            text, reason = "", str(error)
        found.append(
            {
                "version": manifest.id,
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
    if not asked.frames.scope.everything:
        return []
    found = []
    for row in Reconciliation.objects.filter(kpi=kpi.name)[:10]:
        side = next((s for s in kpi.sides if s.name == row.result.get("side")), lead_side(kpi))
        unit = side_unit(side, currency)
        ours, theirs = Decimal(row.ours), Decimal(row.theirs)
        unexplained = Decimal(row.result.get("by_cause", {}).get("unexplained", {}).get("amount", "0"))
        found.append(
            {
                "row": row,
                "side": side.title,
                "ours": unit.full(ours),
                "theirs": unit.full(theirs),
                "difference": unit.full(theirs - ours),
                "equal": ours == theirs,
                "explained": unexplained == 0,
                "unexplained": unit.full(unexplained),
            }
        )
    return found


def _sheets(
    kpi: Kpi, total: KpiValue, groups: Sequence[KpiValue], by: str, history: seen.Past, currency: str
) -> list[exports.Sheet]:
    kind = file_kind(kpi)
    money = currency if kind == "money" else ""
    split = [
        {"group": None if v.group[by] is None else group_words(v.group[by]), "value": v.value, "n": v.n, "reason": v.reason}
        for v in _ordered(by, groups)
    ]
    past = [{"period": p.label, "value": v} for p, v in zip(history.periods, history.values[kpi.name], strict=True)]
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
            "Over time", [exports.Column("period", "Period"), exports.Column("value", kpi.title, kind, money)], past
        ),
    ]


# --- The rows behind a number --------------------------------------------------------------------

DEAL_COLUMNS = ("id", "name", "account_name", "owner_name", "stage", "created_on", "closed_on", "expected_close_on")
OWNER_COLUMNS = ("owner_id", "owner_name", "manager_name", "team", "region", "won", "quota", "fte_months")
KINDS: dict[str, Any] = {
    "created_on": "day",
    "closed_on": "day",
    "expected_close_on": "day",
    "won": "money",
    "quota": "money",
    "fte_months": "number",
    "name": "lead",
    "owner_name": "text",
}


def _rows(asked: OpenQuestion, kpi: Kpi, side: Side, address: Address) -> tuple[ir.Table, str]:
    """The rows of a side or of one of its groups, and the group in words.

    Raises:
        AddressError: the group is not one of its dimension.
    """
    if not address.by or address.group is None:
        return asked.rows(kpi.name, side.name), ""
    split = asked.split(address.by)
    column = split.name if isinstance(split, Dimension) else split
    value: Any = None if address.group == NOTHING else address.group
    if value is not None and not isinstance(split, Dimension) and split in asked.frames.deals.columns:
        kind = asked.frames.deals[split].type()
        if kind.is_boolean():
            if value not in ("true", "false"):
                raise AddressError(f"{column_title(column)} is true or false, not {value!r}.")
            value = value == "true"
    opened = asked.over(asked.period, split)
    return opened.rows(kpi.name, side.name, {column: value}), f"{column_title(column)}: {group_words(value)}"


@require_safe
@freezable
@reads_address
def number_rows(request: HttpRequest, actor: Actor, name: str) -> HttpResponseBase:
    """The rows behind one side of a number, with what each adds; together they are the side."""
    kpi, address = kpi_named(name), read(request.GET)
    side = lead_side(kpi) if not address.side else _side_named(kpi, address.side)
    if not side.rows:
        raise NotThereError(f"{side.title} has no rows of its own to list.")
    with ask(actor, address.question()) as asked:
        if side.frame not in asked.named:
            return _without_rows(request, actor, asked, address, kpi, side)
        rows, group = _rows(asked, kpi, side, address)
        median = side.measure.kind in ("median", "median_days")
        measured = rows.contribution.median() if median else rows.contribution.sum()
        counted = asked.execute(rows.agg(n=rows.count(), known=rows.contribution.count(), all=measured)).to_pylist()[0]
        names = [n for n in (DEAL_COLUMNS if side.frame == "deals" else OWNER_COLUMNS) if n in rows.columns]
        sort, ordered = _sorted(rows, request.GET.get("sort", ""), names)
        paging = Paginator(range(counted["n"]), PAGE).get_page(request.GET.get("page"))
        shown = asked.execute(
            ordered.select(*names, "contribution").limit(PAGE, offset=(paging.number - 1) * PAGE)
        ).to_pylist()
        currency, zone = asked.frames.currency, asked.frames.firm.zone
        scope, words = scope_line(actor, asked, address), filter_words(actor, asked, address)
        today, frame_notes = asked.frames.today, unique(asked.frames.notes)
        heads = selects(asked, address)
    unit = side_unit(side, currency)
    whole = exact(counted["all"])
    adds = unit.full(whole) if whole is not None else "nothing, as none has a value"
    missing = counted["n"] - counted["known"]
    for row in shown:
        row["contribution"] = exact(row["contribution"])
        row["label"] = row.get("name") or row.get("id") or row.get("owner_name")
    table = Table(
        side.title,
        _columns(names, side, currency, unit, zone),
        shown,
        id="rows",
        page=paging,
        sort=sort,
        row_href=(lambda row: deal_href(row["id"])) if side.frame == "deals" else None,
        noun="rows",
        empty=Empty("No row", "No row falls in this period and these filters.", "table"),
    )
    title = f"{kpi.title}: {side.title.lower()}"
    frozen = Frozen(
        title=f"{title}, {scope}",
        name=f"{name} {side.name}",
        data_on=today,
        filters=[*words, ("Side", side.title), *([("Group", group)] if group else []), ("Rows in all", f"{counted['n']:,}")],
        definitions=[definition_of(kpi)],
        notes=frame_notes,
        sheets=lambda: [_row_sheet(actor, address, kpi, side, names, currency)],
        zone=zone,
    )
    context = {
        "title": title,
        "scope": " · ".join(filter(None, (scope, group))),
        "kpi": kpi,
        "definition": definition_of(kpi),
        "table": table,
        "n": counted["n"],
        "adds": adds,
        "median": median,
        "missing": missing,
        "back": address.to("number", name, side="", group=None),
        "others": [
            {"title": s.title, "href": address.query(side=s.name), "current": s.name == side.name}
            for s in kpi.sides
            if s.rows
        ],
        "chips": [_chip(address, place) for place in range(len(address.filters))],
        **heads,
    }
    return page(request, "analytics/number_rows.html", context, frozen)


def _side_named(kpi: Kpi, name: str) -> Side:
    for side in kpi.sides:
        if side.name == name:
            return side
    known = ", ".join(side.name for side in kpi.sides)
    raise NotThereError(f"{kpi.title} has no side {name!r}; it has {known}.")


def _sorted(rows: ir.Table, wanted: str, names: Sequence[str]) -> tuple[str, ir.Table]:
    """The rows in the order asked for, largest part first by default; equal rows always in the same order."""
    key = wanted.removeprefix("-")
    if key not in (*names, "contribution"):
        wanted, key = "-contribution", "contribution"
    column = rows[key]
    order = column.desc(nulls_first=False) if wanted.startswith("-") else column.asc(nulls_first=False)
    return wanted, rows.order_by([order, rows[names[0]].asc()])


def _columns(names: Sequence[str], side: Side, currency: str, unit: Any, zone: str) -> list[Column]:
    first = "name" if "name" in names else "owner_name"
    made = [Column("label", column_title(first), "lead", sort=first)]
    for name in names:
        if name in (first, "id", "owner_id"):
            continue
        phone = name not in ("created_on", "account_name", "expected_close_on")
        money = currency if KINDS.get(name) == "money" else ""
        made.append(Column(name, column_title(name), KINDS.get(name, "text"), sort=name, currency=money, phone=phone))
    kind = {"money": "money", "days": "days"}.get(unit.kind, "number")
    made.append(
        Column(
            "contribution",
            "Adds, days" if kind == "days" else "Adds",
            kind,  # type: ignore[arg-type]
            sort="contribution",
            currency=currency if kind == "money" else "",
            reason="it has no value of its own: it counts as a row and adds nothing",
        )
    )
    return made


def _without_rows(
    request: HttpRequest, actor: Actor, asked: OpenQuestion, address: Address, kpi: Kpi, side: Side
) -> HttpResponseBase:
    """A side whose frame this period does not have: the reason instead of a list."""
    value = asked.values([kpi.name])[0]
    context = {
        "title": f"{kpi.title}: {side.title.lower()}",
        "scope": scope_line(actor, asked, address),
        "kpi": kpi,
        "definition": definition_of(kpi),
        "reason": value.reason,
        "back": address.to("number", kpi.name, side="", group=None),
        **selects(asked, address),
    }
    frozen = Frozen(
        title=context["title"],
        name=kpi.name,
        data_on=asked.frames.today,
        filters=filter_words(actor, asked, address),
        definitions=[definition_of(kpi)],
        notes=[value.reason],
        sheets=lambda: [numbers_sheet([(kpi, value)], "")],
        zone=asked.frames.firm.zone,
    )
    return page(request, "analytics/number_rows.html", context, frozen)


def _row_sheet(
    actor: Actor, address: Address, kpi: Kpi, side: Side, names: Sequence[str], currency: str
) -> exports.Sheet:
    kinds: dict[str, exports.Kind] = {"day": "day", "money": "money", "number": "number"}
    columns = [
        exports.Column(
            name, column_title(name), kinds.get(KINDS.get(name, ""), "text"),
            currency if KINDS.get(name) == "money" else "",
        )
        for name in names
    ]  # fmt: skip
    unit = side_unit(side, currency)
    kind: exports.Kind = "money" if unit.kind == "money" else "number"
    columns.append(exports.Column("contribution", "Adds", kind, currency if kind == "money" else ""))
    return exports.Sheet(side.title[:31], columns, _stream(actor, address, kpi, side, names))


def _stream(
    actor: Actor, address: Address, kpi: Kpi, side: Side, names: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Every row, read as it is written, in a session of its own."""
    with ask(actor, address.question()) as asked:
        rows, _ = _rows(asked, kpi, side, address)
        _, ordered = _sorted(rows, "", names)
        for batch in asked.frames.facts.batches(ordered.select(*names, "contribution")):
            for row in batch.to_pylist():
                row["contribution"] = exact(row["contribution"])
                yield row

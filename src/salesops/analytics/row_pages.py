"""The rows behind one side of a number, with what each adds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import ibis.expr.types as ir
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from salesops.analytics.addresses import (
    NOTHING,
    Address,
    AddressError,
    NotThereError,
    deal_href,
    read,
    reads_address,
)
from salesops.analytics.engine.aggregates import lower_middle, survival_code, survival_median, upper_middle
from salesops.analytics.engine.dimensions import Dimension
from salesops.analytics.engine.figure import to_decimal
from salesops.analytics.engine.frames import ROWS_OF_DEALS, SHOWN
from salesops.analytics.engine.kpi import MIDDLES, Kpi, Side
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.page_parts import chips, filter_words, kpi_named, numbers_sheet, scope_line, selects
from salesops.analytics.selectors import OpenQuestion, ask
from salesops.analytics.shown import (
    column_title,
    definition_of,
    exact,
    group_words,
    lead_side,
    side_title,
    side_unit,
    unique,
)
from salesops.platform.actors import Actor
from salesops.ui import exports
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table

PAGE = 50
OWNER_COLUMNS = ("owner_id", "owner_name", "manager_name", "team", "region", "won", "quota", "fte_months")
KINDS: dict[str, Any] = {
    **{name: "day" for names in SHOWN.values() for name in names if name.endswith("_on")},
    "revenue_before": "money",
    "revenue_now": "money",
    "won": "money",
    "amount": "money",
    "quota": "money",
    "full_quota": "money",
    "fte_months": "number",
    "name": "lead",
    "owner_name": "text",
}


def _lead(names: Sequence[str]) -> str:
    """The column a row is called by."""
    return next(
        (n for n in ("name", "subject", "account_name", "owner_name", "category") if n in names), names[0]
    )


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
        kpi = asked.kpis([name])[0]
        side = _side_named(kpi, side.name)
        if not side.rows:
            raise NotThereError(f"{kpi.title} has no rows to list. {asked.values([name])[0].reason}.")
        if side.frame not in asked.named or asked.hidden_rows(kpi, side):
            return _without_rows(request, actor, asked, address, kpi, side)
        rows, group = _rows(asked, kpi, side, address)
        median = side.measure.kind in MIDDLES
        adding = rows.contribution
        if side.measure.kind == "survival":
            measured = {"all": survival_code(rows, side.measure).collect()}
        elif side.measure.kind == "upper_days":
            measured = {"all": adding.cast("float64").quantile(0.75)}
        elif median:
            measured = {"all": lower_middle(adding), "above": upper_middle(adding)}
        else:
            measured = {"all": adding.sum()}
        names = [n for n in SHOWN.get(side.frame, OWNER_COLUMNS) if n in rows.columns]
        filled = {f"in_{n}": rows[n].count() for n in names[1:]}
        counted = asked.execute(
            rows.agg(n=rows.count(), known=adding.count(), **measured, **filled)
        ).to_pylist()[0]
        if side.measure.kind == "survival":
            half = survival_median(counted["all"] or ())
            counted["all"] = None if half is None else to_decimal(half)
        # A column that no row fills says nothing; an amount that is what each row adds stands once.
        names = [names[0], *(n for n in names[1:] if counted[f"in_{n}"] and n != side.measure.column)]
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
    if whole is not None and "above" in counted:
        whole = to_decimal((Fraction(whole) + Fraction(counted["above"])) / 2)
    none = (
        "no month: fewer than half are" if side.measure.kind == "survival" else "nothing, as none has a value"
    )
    adds = unit.exact(whole) if whole is not None else none
    missing = counted["n"] - counted["known"]
    for row in shown:
        row["contribution"] = exact(row["contribution"])
        row |= {name: group_words(value) for name, value in row.items() if isinstance(value, bool)}
        row["label"] = row.get(_lead(names)) or row.get("id") or row.get("owner_name")
    table = Table(
        side.title,
        _columns(names, side, currency, unit, zone),
        shown,
        id="rows",
        page=paging,
        sort=sort,
        row_href=(lambda row: deal_href(row["id"], address.known, address.as_of))
        if side.frame in ROWS_OF_DEALS
        else None,
        noun="rows",
        empty=Empty("No row", "No row falls in this period and these filters.", "table"),
    )
    title = f"{kpi.title}: {side.title.lower()}"
    frozen = Frozen(
        title=f"{title}, {scope}",
        name=f"{name} {side.name}",
        data_on=today,
        filters=[
            *words,
            ("Side", side.title),
            *([("Group", group)] if group else []),
            ("Rows in all", f"{counted['n']:,}"),
        ],
        definitions=[definition_of(kpi)],
        notes=frame_notes,
        sheets=lambda: [_row_sheet(actor, address, kpi, side, names, currency)],
        zone=zone,
        rows=counted["n"],
    )
    context = {
        "title": title,
        "scope": " · ".join(filter(None, (scope, group))),
        "kpi": kpi,
        "definition": definition_of(kpi, address),
        "table": table,
        "n": counted["n"],
        "counts": side.measure.kind == "count",
        "adds": adds,
        "together": "half of them there after"
        if side.measure.kind == "survival"
        else "the middle one at"
        if median
        else "together",
        "missing": missing,
        "back": address.to("number", name, side="", group=None),
        "others": [
            {"title": side_title(kpi, s), "href": address.query(side=s.name), "current": s.name == side.name}
            for s in kpi.sides
            if s.rows
        ],
        "chips": chips(address),
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
    first = _lead(names)
    made = [Column("label", column_title(first), "lead", sort=first)]
    for name in names:
        if name in (first, "id", "owner_id", "account_id"):
            continue
        phone = name not in ("created_on", "account_name", "expected_close_on")
        money = currency if KINDS.get(name) == "money" else ""
        made.append(
            Column(name, column_title(name), KINDS.get(name, "text"), sort=name, currency=money, phone=phone)
        )
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
    """A side whose frame this period does not have, or that is hidden: the reason instead of a list."""
    value = asked.values([kpi.name])[0]
    context = {
        "title": f"{kpi.title}: {side.title.lower()}",
        "scope": scope_line(actor, asked, address),
        "kpi": kpi,
        "definition": definition_of(kpi, address),
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

"""Compare with the CRM: our deals and the report's rows in the shape that the engine explains.

Reads the report as any file that people bring, and our side as the number's own rows plus those of our
deals that the report names. Nothing is stored here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine import reconcile as engine
from salesops.analytics.engine.filters import Filter, apply_filters
from salesops.analytics.engine.kpi import Context, Kpi, Side
from salesops.analytics.models import Reconciliation
from salesops.analytics.selectors import OpenQuestion
from salesops.crm.engine.formats import format_for
from salesops.crm.engine.mapping import propose_for_object
from salesops.crm.engine.typing import type_batch
from salesops.crm.files import RawTable
from salesops.crm.files.opening import open_source
from salesops.crm.files.tables import SOURCE_ROW
from salesops.process.selectors import StageMeaning

MOST_ROWS = 500_000
"""Rows of a report, and deals of ours, that one comparison takes."""

FIELDS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "id": ("Opportunity id", "text", ("id",)),
    "name": ("Name", "text", ("name",)),
    "account": ("Account", "text", ("account_name", "account_id")),
    "owner": ("Owner", "text", ("owner_name", "owner_id")),
    "amount": ("Amount", "money", ("amount",)),
    "day": ("Date", "date", ()),
    "stage": ("Stage", "text", ("stage",)),
    "type": ("Type", "text", ("type",)),
    "currency": ("Currency", "text", ("currency",)),
}
"""What a report's column may be here: (heading, type it is read as, proposed where the column maps to)."""

_PEOPLE = frozenset({"owner_name", "owner_id", "manager_name", "manager_id", "team", "region", "role"})

_DATED = {
    "closed_on": ("close_on", "closed_on", "expected_close_on"),
    "created_on": ("created_on", "created_at"),
    "expected_close_on": ("expected_close_on", "close_on"),
}


class ReportError(ValueError):
    """A report that can't be compared; the message says what to change."""


def sides_to_compare(kpi: Kpi) -> list[Side]:
    """Sides of a number that a CRM's report can show: deals counted, or their amounts added up."""
    return [
        side
        for side in kpi.sides
        if side.frame == "deals"
        and (side.measure.kind == "count" or (side.measure.kind == "sum" and side.measure.column == "amount"))
    ]


# --- Their side: the report ----------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """An opened report and where its columns go.

    Attributes:
        table: its rows as text.
        columns: field of :data:`FIELDS` -> header, "" where the report has none.
        headers: headers in file order.
        problems: what was wrong in the file, in words.
    """

    table: RawTable
    columns: dict[str, str]
    headers: tuple[str, ...]
    problems: tuple[str, ...]


def open_report(source: Path | bytes, name: str, dated_by: str) -> Report:
    """Open a report and propose its columns.

    Raises:
        ReportError: there is no table in it.
    """
    tables = open_source(source, name)
    good = [table for table in tables if table.ok and table.row_count]
    if not good:
        why = next((f"{p.reason}. {p.fix}" for table in tables for p in table.problems), "It holds no rows.")
        raise ReportError(f"{name}: {why}")
    table = max(good, key=lambda t: t.row_count)
    if table.row_count > MOST_ROWS:
        raise ReportError(f"{name} holds {table.row_count:,} rows; one comparison takes {MOST_ROWS:,}.")
    found = propose_for_object(
        table.name,
        table.columns,
        table.profiles,
        "opportunities",
        data=table.sample(10_000).drop_columns([SOURCE_ROW]),
    )
    by_target = {c.target: c.header for c in found.columns if c.target}
    columns = {}
    for field, (_, _, targets) in FIELDS.items():
        wanted = _DATED.get(dated_by, ("close_on",)) if field == "day" else targets
        columns[field] = next((by_target[t] for t in wanted if t in by_target), "")
    if not columns["amount"] and len(found.amount_candidates) == 1:
        columns["amount"] = found.amount_candidates[0].header
    problems = tuple(f"Row {p.row}: {p.reason}. {p.fix}" for p in table.problems if p.severity == "error")
    return Report(table, columns, tuple(table.columns), problems)


def their_rows(
    report: Report, columns: Mapping[str, str], stages: Sequence[StageMeaning]
) -> list[engine.TheirRow]:
    """The report's rows as the engine reads them.

    Raises:
        ReportError: neither an id nor a name is mapped, a header does not exist, or a cell can't be read.
    """
    used = {field: header for field, header in columns.items() if header}
    unknown = [header for header in used.values() if header not in report.headers]
    if unknown:
        raise ReportError(f"The report has no column {unknown[0]!r}.")
    if "id" not in used and "name" not in used:
        raise ReportError("Say which column holds the opportunity's id or its name: deals are found by it.")
    data = report.table.read()
    values: dict[str, list[Any]] = {}
    for field, header in used.items():
        kind = FIELDS[field][1]
        fmt = format_for(report.table.profiles[header], kind, identifier=field == "id")
        typed = type_batch(data.column(header), fmt, kind)
        if typed.any_fault:
            at = typed.faults.to_pylist().index(True)
            cell, row = data.column(header)[at].as_py(), data.column(SOURCE_ROW)[at].as_py()
            raise ReportError(f"Row {row}, column {header}: {cell!r} can't be read as {_word(kind)}.")
        values[field] = typed.values.to_pylist()
    classes = {m.stage.casefold(): m.stage_class for m in stages}

    def at(field: str, place: int) -> Any:
        return values[field][place] if field in values else None

    return [
        engine.TheirRow(
            id=at("id", i) or "",
            name=at("name", i) or "",
            amount=_amount(at("amount", i)),
            day=at("day", i),
            account=at("account", i) or "",
            owner=at("owner", i) or "",
            stage_class=classes.get((at("stage", i) or "").casefold(), ""),
            currency=at("currency", i) or "",
            type=at("type", i) or "",
        )
        for i in range(data.num_rows)
    ]


def _word(kind: str) -> str:
    return {"money": "an amount", "date": "a date"}.get(kind, kind)


def _amount(value: Any) -> Decimal | None:
    """An amount without idle zeros, so that a sentence says 1200 and not 1200.0000."""
    if value is None:
        return None
    amount = Decimal(value)
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount.normalize()


def read_figure(text: str) -> Decimal:
    """A typed figure: ``2,982,255``, ``2 982 255.50``, ``$2.5`` or ``1.234,50``.

    Raises:
        ReportError: it is no figure, or its marks can be read in two ways.
    """
    plain = re.sub(r"[^\d.,\-]", "", text)
    if not re.search(r"\d", plain) or not re.fullmatch(r"-?[\d.,]+", plain):
        raise ReportError(f"{text!r} is no figure. Write it like 2982255.50.")
    marks = [mark for mark in plain if mark in ".,"]
    if len(set(marks)) == 2:
        decimal = plain[max(plain.rfind("."), plain.rfind(","))]
        plain = plain.replace("," if decimal == "." else ".", "").replace(decimal, ".")
    elif len(marks) > 1 or (marks and len(plain.rsplit(marks[0], 1)[1]) == 3 and marks[0] == ","):
        plain = plain.replace(marks[0], "")
    elif marks and marks[0] == "." and len(plain.rsplit(".", 1)[1]) == 3:
        raise ReportError(f"{text!r} can be read in two ways. Write {plain.replace('.', '')} or {plain}0.")
    else:
        plain = plain.replace(",", ".")
    return Decimal(plain)


# --- Our side ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OurSide:
    """Our deals, and what our figure counts."""

    deals: list[engine.OurDeal]
    selection: engine.Selection


def our_side(asked: OpenQuestion, kpi: Kpi, side: Side, theirs: Sequence[engine.TheirRow] | None) -> OurSide:
    """Our deals for one side of a number.

    With a report: the deals our figure counts and those the report names. Without one: every deal
    that stands in a counted stage, for what might explain a typed figure.

    Raises:
        ReportError: there are more deals than one comparison takes.
    """
    deals, context = asked.named["deals"], asked.context
    inside = _meets(deals, asked.filters)
    counted = side.where(deals, context).fill_null(ibis.literal(False)) & inside
    day_column = kpi.dated_by if kpi.dated_by in deals.columns else ""
    classes = _classes(asked, side)
    rows = deals.mutate(counted=counted)
    if theirs is None:
        rows = rows.filter(rows.counted | rows.stage_class.isin(sorted(classes)))
    else:
        rows = rows.filter(rows.counted | _named_by(rows, theirs))
    names = [
        "id", "name", "owner_name", "stage_class", "amount", "source_amount", "currency", "type", "account_name",
        "counted",
    ]  # fmt: skip
    instant = "created_at" if day_column == "created_on" and "created_at" in rows.columns else ""
    picked = rows.select(
        *names,
        **({"day": rows[day_column]} if day_column else {}),
        **({"moment": rows[instant]} if instant else {}),
    )
    table = asked.execute(picked.limit(MOST_ROWS + 1))
    if table.num_rows > MOST_ROWS:
        raise ReportError(
            f"More than {MOST_ROWS:,} deals would have to be compared. Choose a shorter period."
        )
    zone = ZoneInfo(asked.frames.firm.zone)
    ours = [_our_deal(row, zone) for row in table.to_pylist()]
    period = context.period if day_column else None
    return OurSide(
        ours,
        engine.Selection(
            first=period.first if period else None,
            last=period.last if period else None,
            stage_classes=frozenset(classes),
            owners=_owners(asked),
            types=frozenset(
                str(v) for f in asked.filters if f.column == "type" and f.op in ("eq", "in") for v in f.values
            ),
            measure="count" if side.measure.kind == "count" else "amount",
        ),
    )


def _our_deal(row: Mapping[str, Any], zone: ZoneInfo) -> engine.OurDeal:
    moment = row.get("moment")
    return engine.OurDeal(
        id=row["id"],
        name=row["name"] or "",
        owner=row["owner_name"] or "",
        stage_class=row["stage_class"],
        amount=_amount(row["amount"]),
        day=_day(row.get("day")),
        counted=bool(row["counted"]),
        account=row["account_name"] or "",
        source_amount=_amount(row["source_amount"]),
        currency=row["currency"] or "",
        type=row["type"] or "",
        moment=moment.astimezone(zone) if isinstance(moment, datetime) else None,
    )


def _day(value: Any) -> date | None:
    return value if isinstance(value, date) else None


def _meets(deals: ir.Table, filters: Sequence[Filter]) -> ir.BooleanValue:
    """Whether a deal meets the filters, as a column: the others stay, to say why they are not counted."""
    if not filters:
        return ibis.literal(True)
    inside = apply_filters(deals, filters).select("id")
    return deals.id.isin(inside.id)


def _classes(asked: OpenQuestion, side: Side) -> set[str]:
    """Stage classes that the side counts, whatever the period."""
    deals = asked.named["deals"]
    context = Context(None, asked.context.as_of, asked.context.today, asked.context.options)
    rows = deals.filter(side.where(deals, context))
    found = asked.execute(rows.agg(classes=rows.stage_class.collect(distinct=True))).to_pylist()[0]["classes"]
    return {name for name in found or () if name}


def _owners(asked: OpenQuestion) -> frozenset[str]:
    """Owners that the filters on people let through; empty where no filter speaks of people."""
    about = [f for f in asked.filters if f.column in _PEOPLE]
    if not about:
        return frozenset()
    rows = apply_filters(asked.named["deals"], about)
    found = asked.execute(rows.agg(owners=rows.owner_name.collect(distinct=True))).to_pylist()[0]["owners"]
    return frozenset(name or "" for name in found or ())


def _named_by(rows: ir.Table, theirs: Sequence[engine.TheirRow]) -> ir.BooleanValue:
    """Deals that a report may mean: by id in either length, or by name."""
    ids = sorted({engine.record_key(row.id) for row in theirs if row.id})
    names = sorted({" ".join(row.name.split()).casefold() for row in theirs if row.name and not row.id})
    hit: ir.BooleanValue = ibis.literal(False)
    if ids:
        short = rows.id.substr(0, 15)
        hit = hit | rows.id.isin(ids) | ((rows.id.length() == 18) & short.isin(ids))
    if names:
        plain = rows.name.strip().re_replace(r"\s+", " ").lower()
        hit = hit | plain.isin(names)
    return hit.fill_null(ibis.literal(False))


def compare(
    asked: OpenQuestion,
    kpi: Kpi,
    side: Side,
    theirs: Sequence[engine.TheirRow] | None,
    stated: Decimal | None,
) -> engine.Reconciliation:
    """The difference explained, deal by deal where the report's rows are known.

    Raises:
        ReportError: neither rows nor a figure were given, or it is too large.
    """
    ours = our_side(asked, kpi, side, theirs)
    if theirs is not None:
        return engine.reconcile(ours.deals, theirs, ours.selection, stated)
    if stated is None:
        raise ReportError("Upload the report, paste it, or type its figure.")
    return engine.reconcile_total(ours.deals, stated, ours.selection)


# --- What was kept -------------------------------------------------------------------------------


def kept_comparisons(kpi: str, most: int = 10) -> list[Reconciliation]:
    """The comparisons of a number, newest first. They were made over every row: show them to who sees every row."""
    return list(Reconciliation.objects.filter(kpi=kpi)[:most])


def kept_comparison(kpi: str, pk: int) -> Reconciliation | None:
    """One comparison of a number, or None."""
    return Reconciliation.objects.filter(pk=pk, kpi=kpi).first()

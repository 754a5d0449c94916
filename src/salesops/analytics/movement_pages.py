"""The page that lists what moved beyond noise."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from salesops.analytics.addresses import Address, AddressError, read, reads_address
from salesops.analytics.engine.noise import ALPHA, FEWEST
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.movements import MOST, Moved, movements
from salesops.analytics.page_parts import filter_words, scope_line
from salesops.analytics.selectors import ask, catalogue
from salesops.analytics.shown import definition_of, unique, unit_of, value_text
from salesops.platform.actors import Actor
from salesops.ui import exports
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table

WORDS = {"up": "rose", "down": "fell", "noise": "within noise", "unknown": "can't be told"}


@require_safe
@freezable
@reads_address
def moved(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Numbers whose latest whole period lies outside what the periods before it lead one to expect."""
    address = read(request.GET)
    kind: Any = request.GET.get("every", "month")
    if kind not in MOST:
        raise AddressError(f"Ask for every week, month or quarter, not {kind!r:.40}.")
    with ask(actor, address.question()) as asked:
        found = movements(asked, catalogue(), kind)
        currency = asked.frames.currency
        lines = [_line(one, currency) for one in found.numbers]
        title = f"What moved in {found.period.title}" if found.period else "What moved"
        context = {
            "title": title,
            "scope": scope_line(actor, asked, address),
            "address": address,
            "every": kind,
            "kinds": list(MOST),
            "moved": _table("Moved beyond noise", "moved", _of(lines, "up", "down"), address),
            "noise": _table("Within noise", "noise", _of(lines, "noise"), address),
            "unknown": _table("Can't be told", "unknown", _of(lines, "unknown"), address),
            "alpha": f"{Decimal(str(ALPHA)) * 100:.0f}",
            "fewest": FEWEST,
            "looks": len(found.of("up", "down", "noise")),
            "notes": unique(asked.frames.notes),
        }
        frozen = Frozen(
            title=f"{title}, {scope_line(actor, asked, address)}",
            name=f"moved {found.period.label if found.period else 'nothing'}",
            data_on=asked.frames.today,
            filters=filter_words(actor, asked, address),
            definitions=[definition_of(one.kpi) for one in found.of("up", "down")],
            notes=unique(asked.frames.notes),
            sheets=lambda: [_sheet(lines)],
            zone=asked.frames.firm.zone,
        )
    return page(request, "analytics/moved.html", context, frozen)


def _of(lines: list[dict[str, Any]], *verdicts: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["verdict"] in verdicts]


def _line(one: Moved, currency: str) -> dict[str, Any]:
    kpi, movement = one.kpi, one.movement

    def text(value: Fraction | None) -> str:
        return "" if value is None else unit_of(kpi, currency).full(value)

    if movement.low is not None and movement.high is not None:
        why = f"noise reaches from {text(movement.low)} to {text(movement.high)}"
    elif movement.p_value is not None:
        why = f"so uneven by chance: p = {movement.p_value:.2g}"
    else:
        why = movement.reason
    return {
        "name": kpi.name,
        "title": kpi.title,
        "value": value_text(kpi, one.value, currency),
        "expected": text(movement.expected),
        "why": why,
        "verdict": movement.verdict,
        "words": WORDS[movement.verdict],
        "periods": movement.periods,
        "method": movement.method,
    }


def _table(title: str, ident: str, rows: list[dict[str, Any]], address: Address) -> Table:
    def value(row: dict[str, Any]) -> SafeString | str:
        return str(row["value"] or "—")

    return Table(
        title,
        [
            Column("title", "Number", "lead"),
            Column("words", "What it did"),
            Column("value", "Value", "number", render=value),
            Column("expected", "Expected", "number", render=lambda row: row["expected"] or "—"),
            Column("why", "Why", phone=False),
            Column("periods", "Periods before", "number", phone=False),
        ],
        rows,
        id=ident,
        row_href=lambda row: address.to("number", row["name"]),
        live=False,
        noun="numbers",
        empty=Empty("None", "No number is of this kind.", "circle-check"),
    )


def _sheet(lines: list[dict[str, Any]]) -> exports.Sheet:
    return exports.Sheet(
        "What moved",
        [
            exports.Column("title", "Number"),
            exports.Column("words", "What it did"),
            exports.Column("value", "Value"),
            exports.Column("expected", "Expected"),
            exports.Column("why", "Why", width=48),
            exports.Column("periods", "Periods before", "integer"),
            exports.Column("method", "Method", width=32),
        ],
        lines,
    )

"""What the waterfall's pages are made of: address, chart, sentence, tables, sheets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from salesops.analytics.addresses import TEAM_COLUMNS, Address, AddressError, text_of
from salesops.analytics.addresses import read as read_address
from salesops.analytics.choices import Option, OptionGroup
from salesops.analytics.engine.waterfall_bars import BARS, Bar, BarKind, Waterfall, rounded
from salesops.analytics.shown import filter_pair
from salesops.analytics.waterfalls import Asked, OpenWaterfall
from salesops.core.money import currency_places
from salesops.org.known import PARAMETER
from salesops.platform import manifest_history
from salesops.ui import exports, formats
from salesops.ui.charts import Figure
from salesops.ui.components import Definition
from salesops.ui.formats import Unit
from salesops.ui.readings import NOTHING
from salesops.ui.waterfall_chart import Step, waterfall_figure


@dataclass(frozen=True)
class WaterfallAddress:
    """What a query string asks of the waterfall.

    Attributes:
        shared: team, filters and what was known when, as on every page.
        opening, closing: ``from`` and ``to``; None for the default.
        close: period of close dates, "" for every open deal.
        currency: reporting currency, "" for the firm's.
    """

    shared: Address
    opening: date | None = None
    closing: date | None = None
    close: str = ""
    currency: str = ""

    def asked(self) -> Asked:
        """The question behind the page."""
        team = (self.shared.team_filter(),) if self.shared.team else ()
        return Asked(
            opening=self.opening,
            closing=self.closing,
            close=self.close,
            filters=(*team, *self.shared.filters),
            currency=self.currency,
            manifest_id=self.shared.known.manifest_id,
            known_at=self.shared.known.known_at,
        )

    def query(self, **changes: Any) -> str:
        """A query string with changes: ``?...``, or "" where nothing is left to say."""
        it = replace(self, **changes)
        pairs = [
            ("from", it.opening.isoformat() if it.opening else ""),
            ("to", it.closing.isoformat() if it.closing else ""),
            ("close", it.close),
            ("team", it.shared.team),
            *(("filter", text_of(f)) for f in it.shared.filters),
            ("currency", it.currency),
            (PARAMETER, it.shared.known.text),
        ]
        said = [(name, value) for name, value in pairs if value]
        return "?" + urlencode(said) if said else ""

    def to(self, bar: str = "") -> str:
        """The page of the waterfall or, with a bar, of its deals."""
        path = reverse("waterfall_deals", args=[bar]) if bar else reverse("waterfall")
        return path + self.query()


def read(query: QueryDict) -> WaterfallAddress:
    """The address of a request.

    Raises:
        AddressError: a part of it can't be read.
    """
    return WaterfallAddress(
        shared=read_address(query),
        opening=_day(query, "from"),
        closing=_day(query, "to"),
        close=query.get("close", "").strip(),
        currency=query.get("currency", "").strip().upper(),
    )


def _day(query: QueryDict, name: str) -> date | None:
    text = query.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise AddressError(f"Write the day as 2026-03-31, not {text!r:.40}.") from error


# --- Words ----------------------------------------------------------------------------------------


def pipeline_words(opened: OpenWaterfall) -> str:
    """Which deals make the pipeline."""
    return f"deals closing in {opened.period.title}" if opened.period else "every open deal"


def span_words(opened: OpenWaterfall) -> str:
    """From when to when."""
    return f"end of {formats.day(opened.opening)} to end of {formats.day(opened.closing)}"


def filter_pairs(opened: OpenWaterfall, address: WaterfallAddress, whose: str) -> list[tuple[str, str]]:
    """Days, pipeline, rows and filters as pairs, for a file that says what it holds."""
    pairs = [
        ("From the end of", formats.day(opened.opening)),
        ("To the end of", formats.day(opened.closing)),
        ("Pipeline", pipeline_words(opened)),
        ("Rows", whose),
        ("Currency", opened.currency or "as given"),
    ]
    if address.shared.team:
        column, _, value = address.shared.team.partition(":")
        pairs.append((TEAM_COLUMNS[column], value))
    pairs += map(filter_pair, address.shared.filters)
    if address.shared.known.text:
        pairs.append(("As known", address.shared.known.text))
    return pairs


def reading(waterfall: Waterfall, unit: Unit, opening: str, closing: str) -> str:
    """The waterfall in one sentence, from the bars as they are shown.

    Args:
        waterfall: the bars.
        unit: how amounts read.
        opening, closing: both days in words.
    """
    if waterfall.is_empty:
        return NOTHING
    values = shown_values(waterfall, unit.currency)
    start, end = values["opening"], values["closing"]
    came = _sum(values, [k for k in BARS if k.role == "in"])
    left = _sum(values, [k for k in BARS if k.role == "out"])
    changed = (values["increased"] or Decimal(0)) - (values["decreased"] or Decimal(0))
    difference = (end or Decimal(0)) - (start or Decimal(0))
    way = (
        "as much"
        if not difference
        else f"{unit.exact(abs(difference))} {'more' if difference > 0 else 'less'}"
    )
    text = (
        f"The pipeline went from {_or_unknown(start, unit)} at the end of {opening} "
        f"to {_or_unknown(end, unit)} at the end of {closing}, {way}: "
        f"{unit.exact(came)} came in and {unit.exact(left)} left"
    )
    parts = [
        f"{unit.exact(values[k.name] or 0)} {k.title.lower()}"
        for k in BARS
        if k.role == "out" and values[k.name]
    ]
    if parts:
        text += f" ({', '.join(parts)})"
    if changed:
        text += f"; amounts {'rose' if changed > 0 else 'fell'} by {unit.exact(abs(changed))}"
    if moved := values["currency"]:
        text += f"; exchange rates {'added' if moved > 0 else 'took'} {unit.exact(abs(moved))}"
    return text + "."


def _sum(values: dict[str, Decimal | None], kinds: Sequence[BarKind]) -> Decimal:
    return sum((values[k.name] or Decimal(0) for k in kinds), Decimal(0))


def _or_unknown(value: Decimal | None, unit: Unit) -> str:
    return "no known amount" if value is None else unit.exact(value)


def shown_values(waterfall: Waterfall, currency: str) -> dict[str, Decimal | None]:
    """The bars as people read them, in whole units of the currency's smallest coin: they add up."""
    return rounded(waterfall, currency_places(currency) if len(currency) == 3 else 2)


def document(opened: OpenWaterfall) -> dict[str, Any]:
    """The waterfall with everything it rests on, for programs: amounts exact."""
    found, manifest = opened.waterfall(), opened.last.facts.manifest
    unit = _unit(opened)
    return {
        "opening_on": opened.opening,
        "closing_on": opened.closing,
        "close": opened.period.label if opened.period else "all",
        "pipeline": pipeline_words(opened),
        "currency": opened.currency or None,
        "data_date": opened.last.today,
        "facts_version": str(manifest.id) if manifest else "",
        "known_at": opened.asked.known_at,
        "reason": opened.reason,
        "reading": "" if opened.reason else reading(found, unit, *_days(opened)),
        "bars": []
        if opened.reason
        else [
            {
                "name": kind.name,
                "title": kind.title,
                "sign": kind.sign,
                "value": bar.value,
                "deals": bar.deals,
                "unknown": bar.unknown,
            }
            for kind, bar in _bars(found)
        ],
        "ways": found.ways,
        "residual": found.residual,
        "notes": [*opened.notes, *found.notes],
    }


def _unit(opened: OpenWaterfall) -> Unit:
    return Unit("money", opened.currency) if opened.currency else Unit("number", places=2)


def _days(opened: OpenWaterfall) -> tuple[str, str]:
    return formats.day(opened.opening), formats.day(opened.closing)


# --- Chart and tables -----------------------------------------------------------------------------


def figure(opened: OpenWaterfall, waterfall: Waterfall, address: WaterfallAddress) -> Figure:
    """The chart: bars that hold nothing are left out, the two totals always stand."""
    unit = _unit(opened)
    values = shown_values(waterfall, opened.currency)
    steps = []
    for kind in BARS:
        bar, value = waterfall.bars[kind.name], values[kind.name]
        total = kind.role in ("start", "end")
        if total or bar.deals or value:
            signed = value if value is None or total else kind.sign * value
            href = address.to(kind.name) if bar.deals else ""
            steps.append(Step(kind.title, signed, total, href, bar.deals))
    said = reading(waterfall, unit, *_days(opened))
    drawn = steps if not waterfall.is_empty else []
    return waterfall_figure(
        "waterfall",
        "Pipeline waterfall",
        drawn,
        unit,
        said,
        subtitle=f"{span_words(opened)}, {pipeline_words(opened)}",
    )


def bar_rows(waterfall: Waterfall, currency: str, address: WaterfallAddress) -> list[dict[str, Any]]:
    """The bars as rows of a table, with their sign: the two totals, and those that hold anything."""
    values = shown_values(waterfall, currency)
    rows = []
    for kind, bar in _bars(waterfall):
        total, value = kind.role in ("start", "end"), values[kind.name]
        if total or bar.deals or value:
            rows.append(
                {
                    "title": kind.title,
                    "value": value if value is None or total else kind.sign * value,
                    "deals": bar.deals,
                    "unknown": bar.unknown,
                    "href": address.to(kind.name) if bar.deals else "",
                    "sentence": kind.sentence,
                }
            )
    return rows


def _bars(waterfall: Waterfall) -> list[tuple[BarKind, Bar]]:
    return [(kind, waterfall.bars[kind.name]) for kind in BARS]


def definitions() -> list[Definition]:
    """What each bar holds."""
    return [Definition(term=kind.title, sentence=kind.sentence) for kind in BARS]


def bars_sheet(waterfall: Waterfall, currency: str) -> exports.Sheet:
    """The bars, exact, with their sign in the sum that gives the closing."""
    rows = [
        {
            "bar": kind.title,
            "value": bar.value,
            "signed": bar.signed if kind.role != "end" else None,
            "deals": bar.deals,
            "unknown": bar.unknown,
            "meaning": kind.sentence,
        }
        for kind, bar in _bars(waterfall)
    ]
    return exports.Sheet(
        "Waterfall",
        [
            exports.Column("bar", "Bar", width=20),
            exports.Column("value", "Value", "money", currency),
            exports.Column("signed", "Adds to the closing", "money", currency),
            exports.Column("deals", "Deals", "integer"),
            exports.Column("unknown", "Without a known amount", "integer"),
            exports.Column("meaning", "What it holds", width=80),
        ],
        rows,
    )


def ways_sheet(waterfall: Waterfall, currency: str) -> exports.Sheet:
    """How many deals took which way through the bars."""
    titles = {kind.name: kind.title for kind in BARS}
    return exports.Sheet(
        "Ways",
        [
            exports.Column(lambda way: titles[way.way_in], "Came in by"),
            exports.Column(lambda way: titles[way.way_out], "Went out by"),
            exports.Column("deals", "Deals", "integer"),
            exports.Column("entered", "Amount in", "money", currency),
            exports.Column("left", "Amount out", "money", currency),
        ],
        waterfall.ways,
    )


# --- Choices --------------------------------------------------------------------------------------


def periods(opened: OpenWaterfall, address: WaterfallAddress) -> list[OptionGroup]:
    """Pipelines to choose: every open deal, fiscal quarters around the closing day, years."""
    calendar = opened.last.firm.calendar
    groups = [OptionGroup("", (Option("", "Every open deal", not opened.period),))]
    offered = set()
    for title, kind, ahead, back in (
        ("Closing in quarter", "quarter", 3, 4),
        ("Closing in year", "year", 1, 2),
    ):
        now = calendar.period(kind, opened.closing)  # type: ignore[arg-type]
        found = [calendar.shift(now, step) for step in range(ahead, -back - 1, -1)]
        offered |= {p.label for p in found}
        groups.append(
            OptionGroup(
                title, tuple(Option(p.label, p.title, p.label == address.close.upper()) for p in found)
            )
        )
    if opened.period and address.close.upper() not in offered:
        groups.insert(0, OptionGroup("", (Option(address.close, opened.period.title, True),)))
    return groups


def starts(opened: OpenWaterfall, address: WaterfallAddress) -> list[dict[str, Any]]:
    """Days that a waterfall is usually opened on: ends of periods, and the data before the last import."""
    calendar, closing = opened.last.firm.calendar, opened.closing
    found: dict[date, str] = {}
    manifest = opened.last.facts.manifest
    days = [v.data_on for v in manifest_history.versions(30, upto=manifest.id if manifest else None)]
    before = sorted({day for day in days if day and day < closing})
    if before:
        found[before[-1]] = "Since the data before"
    for title, kind in (("This month", "month"), ("This quarter", "quarter"), ("This year", "year")):
        found.setdefault(calendar.period(kind, closing).first - timedelta(days=1), title)  # type: ignore[arg-type]
    return [
        {
            "title": title,
            "words": f"From the end of {formats.day(day)}",
            "href": address.query(opening=day) or "?",
            "current": day == opened.opening,
        }
        for day, title in found.items()
    ]


def currencies(opened: OpenWaterfall) -> list[Option]:
    """Currencies that amounts can be told in; nothing to choose where there is one."""
    if len(opened.currencies) < 2:
        return []
    return [Option(code, code, code == opened.currency) for code in opened.currencies]

"""Tiles with figures as everybody shows them: titles, sentences, tables of values with the rows behind each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.safestring import SafeString

from salesops.analytics import stewardship
from salesops.analytics.addresses import filter_from
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.list_address import ListAddress
from salesops.analytics.shown import (
    MULTIPLES,
    change,
    column_title,
    definition_of,
    file_kind,
    filter_pair,
    group_text,
    group_words,
    interval_text,
    is_dated,
    lead_side,
    rows_href,
    side_title,
    side_unit,
    unique,
    unit_of,
    value_text,
)
from salesops.core.calendars import Period
from salesops.dashboards.engine import readings
from salesops.dashboards.engine.definition import Kind, Tile
from salesops.dashboards.inputs import Figures
from salesops.process.inputs import Frames
from salesops.ui import charts, exports, formats
from salesops.ui.components import Definition, Delta
from salesops.ui.components import Tile as Figure
from salesops.ui.readings import BarRow, Point, Series

MOST_BARS = 12
STANDINGS = {"reached": ("reached", "ok"), "missed": ("missed", "bad")}
MOST_KEPT = 1_000
"""Groups of a split that a tile's file holds at most."""

Exact = int | Decimal | Fraction


@dataclass(frozen=True)
class Cell:
    """One value of a tile's table.

    Attributes:
        text: as people read it; plain text, which templates escape; "" where there is no value.
        value: exact (int, Decimal, date, str); None where there is none.
        href: the rows behind it, under the same filters; "" where it has none.
        reason: why there is no value.
    """

    text: str
    value: Any = None
    href: str = ""
    reason: str = ""

    @property
    def numeric(self) -> bool:
        """Whether it stands right-aligned under its head."""
        return self.value is None or isinstance(self.value, int | Decimal)


@dataclass(frozen=True)
class Content:
    """One tile with everything that is shown of it.

    Attributes:
        key, kind, title, width: as of its definition; the title is never empty, but of a text.
        sentence: what its values say, in one sentence; "" of a text.
        problem: why this reader gets nothing here; "" where he does.
        subtitle: its own filters, and what limits it, in words.
        columns: heads of its table, ready for a file as well.
        rows: cells of its table, one per column.
        totals: the same over all rows of the data, "" where nothing is in all; empty without such a line.
        more: rows of a split that the tile does not show and a file holds.
        total: rows there are in all; more than ``rows`` where the tile shows only the first.
        text: a text tile's words as safe HTML; None of every other tile.
        figure: a number as the page draws it.
        chart: a chart as the page draws it.
        parts: sides of a number: words and the rows behind each.
        href: where the whole tile is opened: its number's page, or its list.
        definitions: of the numbers it shows.
        notes: sentences that belong beside its values.
        target, target_words, target_tone: what was decided for a number, and how it stands to it, in words.
        spark: a number's last periods as a small line.
        view: the list that a saved view's rows are the first of; None of every other tile.
    """

    key: str
    kind: Kind
    title: str
    width: int
    sentence: str = ""
    problem: str = ""
    subtitle: str = ""
    columns: tuple[exports.Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    totals: tuple[Cell, ...] = ()
    more: tuple[tuple[Cell, ...], ...] = ()
    total: int = 0
    text: SafeString | None = None
    figure: Figure | None = None
    chart: charts.Figure | None = None
    parts: tuple[Cell, ...] = ()
    href: str = ""
    definitions: tuple[Definition, ...] = ()
    notes: tuple[str, ...] = ()
    target: str = ""
    target_words: str = ""
    target_tone: str = ""
    spark: SafeString | str = ""
    view: ListAddress | None = None

    @property
    def cut(self) -> str:
        """``10 of 132 rows`` where the tile shows only a part; "" where it shows all."""
        return f"{len(self.rows):,} of {self.total:,} rows" if self.total > len(self.rows) else ""


def _base(found: Figures, title: str, **more: Any) -> dict[str, Any]:
    """What every tile with numbers has."""
    tile = found.tile
    notes = unique([note for value in found.totals.values() for note in value.notes])
    return {
        "key": tile.key,
        "kind": tile.kind,
        "title": tile.title or title,
        "width": tile.width,
        "subtitle": own_words(found),
        "definitions": tuple(definition_of(kpi, found.address) for kpi in found.kpis),
        "notes": tuple(notes),
        **more,
    }


def own_words(found: Figures) -> str:
    """What a tile asks other than its dashboard does: its own period and filters."""
    period = found.asked.title if found.asked is not None else "All data"
    own = period if found.tile.period else ""
    return ", ".join(filter(None, (own, own_filters(found.tile))))


def own_filters(tile: Tile) -> str:
    """A tile's own filters in words."""
    return ", ".join(" ".join(filter_pair(filter_from(text))) for text in tile.filters)


def _say(kpi: Kpi, currency: str) -> readings.Say:
    unit = unit_of(kpi, currency)
    suffix = " per day" if kpi.unit == "money_per_day" else ""
    return lambda value: f"{unit.spoken(value)}{suffix}"


def _differ(kpi: Kpi) -> readings.Differ:
    """Shares differ by points, everything else by the share of the earlier value, where that is above nothing."""

    def differ(new: Exact, old: Exact) -> str:
        far = abs(Fraction(new) - Fraction(old))
        if kpi.unit == "ratio" and kpi.name not in MULTIPLES:
            return formats.points(far)
        return formats.ratio(far / Fraction(old)) if old > 0 and new >= 0 else ""

    return differ


def _column(kpi: Kpi, place: int, currency: str) -> exports.Column:
    kind = file_kind(kpi)
    return exports.Column(lambda row: row[place].value, kpi.title, kind, currency if kind == "money" else "")


def _value(found: Figures, kpi: Kpi, value: KpiValue | None, currency: str, **where: Any) -> Cell:
    """A value with the rows behind it: of one group, or of one period."""
    if value is None:
        return Cell("", reason="there are no rows")
    side = lead_side(kpi)
    listed = side.rows and not value.reason
    href = rows_href(found.address, kpi, side, **where) if listed else ""
    return Cell(value_text(kpi, value.value, currency), value.value, href, value.reason)


# --- One number -----------------------------------------------------------------------------------


def number(found: Figures, frames: Frames) -> Content:
    """One number: value, what it was on the same day of the period before, target, what it is made of."""
    kpi, currency = found.kpis[0], frames.currency
    value = found.totals[kpi.name]
    before, target = found.before.get(kpi.name), found.targets.get(kpi.name)
    say = _say(kpi, currency)
    cell = _value(found, kpi, value, currency)
    delta = change(kpi, value, before, found.before_words) if before is not None else None
    past = [v for v in found.past if v is not None]
    reason = f"{value.reason[:1].upper()}{value.reason[1:]}." if value.reason else ""
    if value.value is None and value.estimate is not None:
        reason += f" With list prices as an estimate: {value_text(kpi, value.estimate, currency)}."
    target_text = value_text(kpi, target, currency)
    words, tone = STANDINGS.get(stewardship.standing(kpi, value.value, target), ("", ""))
    columns = (
        exports.Column(lambda row: row[0].value, "Number"),
        _column(kpi, 1, currency),
        exports.Column(lambda row: row[2].value, _before_title(found), file_kind(kpi), _money(kpi, currency)),
        exports.Column(lambda row: row[3].value, "Target", file_kind(kpi), _money(kpi, currency)),
    )
    earlier = before.value if before is not None else None
    row = (
        Cell(kpi.title, kpi.title),
        cell,
        Cell(
            value_text(kpi, earlier, currency),
            earlier,
            reason=before.reason if before is not None else "no period before",
        ),
        Cell(target_text, target, reason="no target is decided"),
    )
    return Content(
        **_base(
            found,
            kpi.title,
            href=found.address.to("number", kpi.name),
            sentence=readings.of_number(
                kpi.title,
                value.value,
                say,
                reason=value.reason,
                before=earlier,
                before_words=found.before_words,
                differ=_differ(kpi),
                target=target,
                more_is_better={"up": True, "down": False}.get(kpi.direction),
            ),
            columns=columns,
            rows=(row,),
            total=1,
            parts=tuple(_parts(found, kpi, value, currency)),
            target=target_text,
            target_words=words,
            target_tone=tone,
            spark=charts.sparkline(found.past) if found.tile.spark and len(past) > 1 else "",
            figure=Figure(
                label=found.tile.title or kpi.title,
                value=value.value,
                unit=unit_of(kpi, currency),
                reason=reason,
                delta=delta or _level(value, before, found.before_words),
                note=", ".join(filter(None, (interval_text(value), own_words(found)))),
                href=cell.href,
                definition=definition_of(kpi, found.address),
                caution="small sample" if any(n.startswith("Small sample") for n in value.notes) else "",
            ),
        )
    )


def _money(kpi: Kpi, currency: str) -> str:
    return currency if file_kind(kpi) == "money" else ""


def _before_title(found: Figures) -> str:
    words = found.before_words
    return f"{words[:1].upper()}{words[1:]}" if words else "Before"


def _level(value: KpiValue, before: KpiValue | None, words: str) -> Delta | None:
    """What stands beside a number that can't be compared by a share: the earlier one was nothing, or unknown."""
    if before is None or value.value is None or not words:
        return None
    return Delta("none" if before.value is None else "0", words)


def _parts(found: Figures, kpi: Kpi, value: KpiValue, currency: str) -> Iterable[Cell]:
    """What the number is made of, each with its rows."""
    if value.reason:
        return
    for side in kpi.sides:
        part = value.sides.get(side.name)
        if side.rows and part is not None:
            text = f"{side_title(kpi, side)} {side_unit(side, currency).short(part)}"
            yield Cell(text, part, rows_href(found.address, kpi, side))


# --- Charts and tables ----------------------------------------------------------------------------


def split(found: Figures, frames: Frames) -> Content:
    """Numbers by a dimension, as bars or as a table."""
    tile, currency, by = found.tile, frames.currency, found.by
    first = found.kpis[0]
    dated = is_dated(by)
    ordered = list(found.groups)
    if not dated:
        ordered.sort(key=lambda pair: _largest_first(pair[0], pair[1].get(first.name)))
    title = column_title(by)
    one, many = title.lower(), readings.plural(title.lower())
    limit = tile.rows if tile.kind == "table" else len(ordered)
    rows = tuple(
        (
            Cell(group_words(group), None if group is None else group_words(group)),
            *(_value(found, kpi, values.get(kpi.name), currency, by=by, group=group_text(group)) for kpi in found.kpis),
        )
        for group, values in ordered[:MOST_KEPT]
    )  # fmt: skip
    said = [
        readings.Group(group_words(group), values[first.name].value if first.name in values else None)
        for group, values in ordered
    ]
    name = ", ".join(kpi.title for kpi in found.kpis[:3]) + (" ..." if len(found.kpis) > 3 else "")
    base = _base(
        found,
        f"{name} by {one}",
        href=found.address.to("number", first.name, by=by),
        sentence=readings.of_groups(first.title, said, one, many, _say(first, currency)),
        columns=(
            exports.Column(lambda row: row[0].value, title),
            *(_column(kpi, place, currency) for place, kpi in enumerate(found.kpis, start=1)),
        ),
        rows=rows[:limit],
        more=rows[limit:],
        totals=(
            Cell("In all", "In all"),
            *(_value(found, kpi, found.totals[kpi.name], currency) for kpi in found.kpis),
        ),
        total=len(ordered),
    )
    if tile.kind == "chart":
        base["chart"] = _bars(found, base, ordered, dated=dated, currency=currency)
    return Content(**base)


def _largest_first(group: Any, value: KpiValue | None) -> tuple[bool, Exact, str]:
    figure = None if value is None else value.value
    return (figure is None, -(figure or 0), str(group))


def _bars(
    found: Figures, base: Mapping[str, Any], ordered: Sequence[tuple[Any, Mapping[str, KpiValue]]], *,
    dated: bool, currency: str,
) -> charts.Figure:  # fmt: skip
    kpi, by = found.kpis[0], found.by
    unit, ident = unit_of(kpi, currency), f"tile-{found.tile.key}"
    values = [(group, pair[kpi.name].value if kpi.name in pair else None) for group, pair in ordered]
    if dated or any(value is not None and value < 0 for _, value in values):
        points = [Point(group_words(group), value) for group, value in values if group is not None][-24:]
        drawn = charts.columns_figure(ident, base["title"], points, unit, name=kpi.title)
    else:
        rows = [
            BarRow(group_words(g), [v], None, rows_href(found.address, kpi, by=by, group=group_text(g)))
            for g, v in values[:MOST_BARS]
        ]
        height = 44 if len(rows) <= 6 else 32
        drawn = charts.bars_figure(ident, base["title"], rows, [kpi.title], unit, row_height=height)  # type: ignore[arg-type]
    limits = f"the {MOST_BARS} largest of {len(values)}" if len(values) > MOST_BARS and not dated else ""
    subtitle = ", ".join(filter(None, (base["subtitle"], limits)))
    return replace(drawn, reading=base["sentence"], subtitle=subtitle)


def over_periods(found: Figures, frames: Frames) -> Content:
    """A number over its last periods, as columns or a line."""
    tile, kpi, currency = found.tile, found.kpis[0], frames.currency
    pairs = list(zip(found.periods, found.past, strict=True))
    while len(pairs) > 2 and pairs[0][1] is None:
        pairs.pop(0)
    kind = found.periods[-1].kind if found.periods else "quarter"
    many = {"custom": "periods"}.get(kind, f"{kind}s")

    def running(period: Period) -> bool:
        return period.first <= frames.as_of < period.last

    points = [readings.Point(p.label, v, running(p)) for p, v in pairs]
    # Days that are no period of the calendar were compared with the same days before: not what stands here.
    same = bool(found.periods) and found.asked == found.periods[-1]
    before = found.before.get(kpi.name) if same else None
    sentence = readings.of_periods(
        kpi.title,
        points,
        many,
        _say(kpi, currency),
        _differ(kpi),
        before.value if before is not None and points and points[-1].running else None,
    )
    title = f"{kpi.title} by {kind if kind != 'custom' else 'period'}"
    side, unit, ident = lead_side(kpi), unit_of(kpi, currency), f"tile-{tile.key}"
    rows = tuple(
        (
            Cell(f"{p.label}{' (to date)' if running(p) else ''}", p.label),
            Cell(
                value_text(kpi, v, currency),
                v,
                rows_href(found.address, kpi, side, period=p.label) if side.rows and v is not None else "",
                "no value in this period",
            ),
        )
        for p, v in pairs
    )
    base = _base(
        found,
        title,
        href=found.address.to("number", kpi.name),
        sentence=sentence,
        columns=(exports.Column(lambda row: row[0].value, kind.capitalize()), _column(kpi, 1, currency)),
        rows=rows,
        total=len(rows),
    )
    drawn = [Point(p.label, v, p.running) for p, v in zip(points, (v for _, v in pairs), strict=True)]
    if tile.form == "line":
        line = Series(kpi.title, [v for _, v in pairs])
        chart = charts.lines_figure(ident, base["title"], [p.label for p in points], [line], unit)
    else:
        chart = charts.columns_figure(ident, base["title"], drawn, unit, name=kpi.title)
    return Content(**base, chart=replace(chart, reading=sentence, subtitle=base["subtitle"]))

"""Charts drawn on the server as SVG: bars, stacked bars with a target, columns, lines, funnels, sparklines.

Pure functions of exact values. Positions are percentages, so a chart fits any width while its text keeps its
size; colours are classes that read the theme's tokens; there is no script, no animation, no style attribute.
Each `*_figure` bundles the drawing with its legend, one-sentence reading and the same values as a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from django.utils.safestring import SafeString, mark_safe

from salesops.ui import readings
from salesops.ui.chart_marks import (
    ZERO,
    Scale,
    bar,
    bottom_axis,
    decimal_of,
    dots,
    full_or_none,
    horizontal_grid,
    image,
    join,
    percent,
    period_labels,
    pixels,
    runs,
    target_line,
    target_tick,
    vertical_grid,
    with_axis,
    with_labels,
    zero_line,
)
from salesops.ui.components import Empty
from salesops.ui.formats import Exact, Unit
from salesops.ui.markup import markup
from salesops.ui.readings import BarRow, FunnelRow, Point, Series

NO_DATA = Empty("Nothing to draw", "No rows fall in this period and these filters.", "chart-column")


@dataclass(frozen=True)
class ChartTable:
    """The values of a chart as text: the first column names the row, None is undefined."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A chart with all that belongs to it; drawn by `{% chart figure %}`."""

    id: str
    title: str
    drawing: SafeString
    reading: str
    table: ChartTable
    subtitle: str = ""
    legend: tuple[tuple[str, SafeString], ...] = ()
    empty: Empty | None = None


def axis_ticks(low: Exact, high: Exact, wanted: int = 5) -> list[Decimal]:
    """Round tick values that enclose low..high and zero, in steps of 1, 2, 2.5 or 5 times a power of ten."""
    bottom, top = min(decimal_of(low), ZERO), max(decimal_of(high), ZERO)
    if top == bottom:
        top = bottom + 1
    rough = (top - bottom) / wanted
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(
        power * factor for factor in map(Decimal, ("1", "2", "2.5", "5", "10")) if power * factor >= rough
    )
    first = (bottom / step).to_integral_value(rounding="ROUND_FLOOR")
    last = (top / step).to_integral_value(rounding=ROUND_CEILING)
    return [step * index for index in range(int(first), int(last) + 1)]


def stacked_bars(
    rows: Sequence[BarRow],
    series: Sequence[str],
    unit: Unit,
    *,
    title: str,
    target: str = "",
    row_height: Literal[32, 44, 50] = 50,
) -> SafeString:
    """Horizontal bars, up to three stacked series in three steps of one hue, target as a dark tick.

    Values must not be negative; a None value is not drawn (the table says it is undefined).
    """
    totals = [sum((decimal_of(v) for v in row.values if v is not None), ZERO) for row in rows]
    targets = [decimal_of(row.target) for row in rows if row.target is not None]
    ticks = axis_ticks(ZERO, max([*totals, *targets, ZERO]))
    top = ticks[-1]
    height = row_height * len(rows)
    thick = 12 if row_height == 32 else 22
    parts: list[SafeString] = [vertical_grid(tick, top, height) for tick in ticks]
    for index, row in enumerate(rows):
        middle = index * row_height + row_height / 2
        start = ZERO
        for place, value in enumerate(row.values):
            if value is None:
                continue
            size = decimal_of(value)
            if size < 0:
                raise ValueError(f"bar {row.label!r} has a negative value: use columns")
            words = f"{row.label}: {series[place]} {unit.full(size)}"
            parts.append(bar(start / top, size / top, middle - thick / 2, thick, place + 1, words))
            start += size
        if row.target is not None:
            parts.append(
                target_tick(
                    decimal_of(row.target) / top,
                    middle,
                    thick + 10,
                    f"{row.label}: {target} {unit.full(row.target)}",
                )
            )
    axis = bottom_axis(ticks, top, height, unit)
    return with_labels(
        rows, row_height, image(height + 24, title, readings.bars(rows, series, unit, target), [*parts, axis])
    )


def bars_figure(
    ident: str,
    title: str,
    rows: Sequence[BarRow],
    series: Sequence[str],
    unit: Unit,
    *,
    subtitle: str = "",
    target: str = "",
    head: str = "",
    row_height: Literal[32, 44, 50] = 50,
) -> Figure:
    """A card of stacked horizontal bars with reading and table."""
    heads = [head or "Name", *series, *([target] if target else [])]
    table = ChartTable(
        tuple(heads),
        tuple(
            (
                row.label,
                *map(full_or_none(unit), row.values),
                *([full_or_none(unit)(row.target)] if target else []),
            )
            for row in rows
        ),
    )
    legend = (
        [(name, swatch(index + 1)) for index, name in enumerate(series)] if len(series) > 1 or target else []
    )
    if target:
        legend.append((target, swatch("target")))
    drawing = (
        stacked_bars(rows, series, unit, title=title, target=target, row_height=row_height)
        if rows
        else mark_safe("")
    )
    reading = readings.bars(rows, series, unit, target)
    return Figure(ident, title, drawing, reading, table, subtitle, tuple(legend), None if rows else NO_DATA)


def columns(
    points: Sequence[Point], unit: Unit, *, title: str, target: Exact | None = None, height: int = 220
) -> SafeString:
    """Columns by period, oldest first; negative values hang below the zero line; None leaves a gap."""
    values = [decimal_of(point.value) for point in points if point.value is not None]
    goal = [decimal_of(target)] if target is not None else []
    ticks = axis_ticks(min([*values, *goal, ZERO]), max([*values, *goal, ZERO]), wanted=4)
    scale = Scale(ticks[0], ticks[-1], height)
    slot = Decimal(100) / max(len(points), 1)
    parts = [horizontal_grid(tick, scale) for tick in ticks]
    for index, point in enumerate(points):
        if point.value is None:
            continue
        value = decimal_of(point.value)
        y = scale.y(max(value, ZERO))
        parts.append(
            markup(
                '<rect class="{}" x="{}%" width="{}%" y="{}" height="{}" rx="2"><title>{}: {}</title></rect>',
                "fill-2" if point.partial else "fill-1",
                percent(slot * index + slot * Decimal("0.18")),
                percent(slot * Decimal("0.64")),
                pixels(y),
                pixels(max(scale.y(min(value, ZERO)) - y, Decimal("0.5"))),
                point.label + (" (to date)" if point.partial else ""),
                unit.full(value),
            )
        )
    parts.append(zero_line(scale))
    if target is not None:
        parts.append(target_line(decimal_of(target), scale))
    parts.extend(period_labels([point.label for point in points], height, centred=True))
    return with_axis(ticks, scale, unit, image(height + 24, title, readings.periods(points, unit), parts))


def columns_figure(
    ident: str,
    title: str,
    points: Sequence[Point],
    unit: Unit,
    *,
    subtitle: str = "",
    name: str = "Value",
    target: Exact | None = None,
    target_name: str = "",
    head: str = "Period",
    height: int = 220,
) -> Figure:
    """A card of columns by period with reading and table."""
    drawn = [point for point in points if point.value is not None]
    table = ChartTable(
        (head, name),
        tuple(
            (point.label + (" (to date)" if point.partial else ""), full_or_none(unit)(point.value))
            for point in points
        ),
    )
    legend: list[tuple[str, SafeString]] = []
    if any(point.partial for point in points):
        legend = [(name, swatch(1)), ("Period to date", swatch(2))]
    if target is not None:
        legend.append((target_name or "Target", swatch("dash")))
    drawing = columns(points, unit, title=title, target=target, height=height) if drawn else mark_safe("")
    return Figure(
        ident, title, drawing, readings.periods(points, unit), table, subtitle, tuple(legend),
        None if drawn else NO_DATA,
    )  # fmt: skip


def lines(
    labels: Sequence[str],
    series: Sequence[Series],
    unit: Unit,
    *,
    title: str,
    height: int = 220,
    at: str = "in",
) -> SafeString:
    """Up to three lines over the same periods (solid, dashed, dotted); None breaks a line."""
    values = [decimal_of(v) for one in series for v in one.values if v is not None]
    ticks = axis_ticks(min([*values, ZERO]), max([*values, ZERO]), wanted=4)
    scale = Scale(ticks[0], ticks[-1], height)
    parts = [horizontal_grid(tick, scale) for tick in ticks]
    drawn = [
        markup('<polyline class="line-{}" vector-effect="non-scaling-stroke" points="{}"/>', place + 1, run)
        for place, one in reversed(list(enumerate(series)))
        for run in runs(one.values, scale)
    ]
    parts.append(
        markup(
            '<svg x="0" y="0" width="100%" height="{}" viewBox="0 0 1000 {}" preserveAspectRatio="none" '
            'overflow="visible">{}</svg>',
            height,
            height,
            join(drawn),
        )
    )
    for one in series[:1]:
        parts.extend(dots(labels, one, scale, unit))
    parts.append(zero_line(scale))
    parts.extend(period_labels(labels, height, centred=False))
    return with_axis(
        ticks, scale, unit, image(height + 24, title, readings.series(labels, series, unit, at), parts)
    )


def lines_figure(
    ident: str,
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    unit: Unit,
    *,
    subtitle: str = "",
    head: str = "Period",
    height: int = 220,
    at: str = "in",
) -> Figure:
    """A card of lines with reading and table; ``at`` is the reading's word before a label."""
    known = any(value is not None for one in series for value in one.values)
    table = ChartTable(
        (head, *(one.name for one in series)),
        tuple(
            (label, *(full_or_none(unit)(one.values[at]) for one in series))
            for at, label in enumerate(labels)
        ),
    )
    legend = (
        tuple((one.name, swatch(f"line-{place + 1}")) for place, one in enumerate(series))
        if len(series) > 1
        else ()
    )
    drawing = lines(labels, series, unit, title=title, height=height, at=at) if known else mark_safe("")
    reading = readings.series(labels, series, unit, at)
    return Figure(ident, title, drawing, reading, table, subtitle, legend, None if known else NO_DATA)


def funnel(rows: Sequence[FunnelRow], unit: Unit, *, title: str) -> SafeString:
    """Bars by stage over a faint track; the label carries the value and, where known, the conversion.

    A conversion is drawn only when the caller measured it: two counts of open deals do not make one.
    """
    biggest = max([decimal_of(row.value) for row in rows if row.value is not None] or [ZERO]) or Decimal(1)
    parts: list[SafeString] = []
    for index, row in enumerate(rows):
        top = index * 44 + 7
        parts.append(markup('<rect class="fill-track" x="0" y="{}" width="72%" height="30" rx="4"/>', top))
        if row.value is None:
            parts.append(markup('<text class="label-muted" x="0" dx="8" y="{}">no value</text>', top + 19))
            continue
        share = decimal_of(row.value) / biggest * Decimal("0.72")
        words = f"{row.label}: {unit.full(row.value)}"
        parts.append(bar(ZERO, share, top, 30, 1, words, radius=4))
        beside = markup('<tspan class="label-strong">{}</tspan>', unit.short(row.value))
        if row.conversion is not None:
            share_text = Unit("ratio", places=0).full(row.conversion)
            beside += markup('<tspan class="label-muted" dx="6">{} conv.</tspan>', share_text)
        parts.append(markup('<text x="{}%" dx="7" y="{}">{}</text>', percent(share * 100), top + 19, beside))
    body = image(44 * len(rows), title, readings.funnel(rows, unit), parts)
    return with_labels(rows, 44, body)


def funnel_figure(
    ident: str,
    title: str,
    rows: Sequence[FunnelRow],
    unit: Unit,
    *,
    subtitle: str = "",
    name: str = "Deals",
    head: str = "Stage",
) -> Figure:
    """A card of stage bars with reading and table."""
    with_conversion = any(row.conversion is not None for row in rows)
    share = Unit("ratio")
    table = ChartTable(
        (head, name, *(["Conversion from the stage before"] if with_conversion else [])),
        tuple(
            (
                row.label,
                full_or_none(unit)(row.value),
                *([full_or_none(share)(row.conversion)] if with_conversion else []),
            )
            for row in rows
        ),
    )
    drawing = funnel(rows, unit, title=title) if rows else mark_safe("")
    return Figure(
        ident, title, drawing, readings.funnel(rows, unit), table, subtitle, (), None if rows else NO_DATA
    )


def sparkline(values: Sequence[Exact | None], *, tone: Literal["1", "warn"] = "1") -> SafeString:
    """A small line without axes, oldest first. Decorative: the tile's text says the same."""
    known = [decimal_of(value) for value in values if value is not None]
    if len(known) < 2:
        return mark_safe("")
    scale = Scale(min(known), max(known), 28)
    drawn = [
        markup('<polyline class="line-{}" vector-effect="non-scaling-stroke" points="{}"/>', tone, run)
        for run in runs(values, scale)
    ]
    return markup(
        '<svg class="spark" viewBox="0 0 1000 28" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false">{}</svg>',
        join(drawn),
    )


def swatch(kind: int | str) -> SafeString:
    """The mark of a legend entry: 1-3 a square, `target` a tick, `dash` a dashed line, `line-N` a line."""
    if isinstance(kind, int):
        body = markup('<rect class="fill-{}" width="9" height="9" rx="2"/>', kind)
        return _mark(9, 9, body)
    if kind == "target":
        return _mark(3, 12, mark_safe('<rect class="fill-target" width="2" height="12"/>'))
    css = "line-target" if kind == "dash" else kind
    return _mark(18, 4, markup('<line class="{}" x1="0" x2="18" y1="2" y2="2"/>', css))


def _mark(width: int, height: int, body: SafeString) -> SafeString:
    return markup(
        '<svg width="{}" height="{}" aria-hidden="true" focusable="false">{}</svg>', width, height, body
    )

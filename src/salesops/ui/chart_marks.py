"""The marks that charts are made of: bars, ticks, grid lines, axes, labels. SVG with positions in percent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.safestring import SafeString

from salesops.ui.formats import Exact, Unit, exact
from salesops.ui.markup import joined, markup
from salesops.ui.readings import BarRow, FunnelRow, Series

ZERO = Decimal(0)


@dataclass(frozen=True)
class Scale:
    """Value to vertical pixel."""

    low: Decimal
    high: Decimal
    height: int

    def y(self, value: Decimal) -> Decimal:
        """The pixel row of a value, from the top."""
        span = self.high - self.low
        return Decimal(self.height) / 2 if span == 0 else (self.high - value) / span * self.height


def decimal_of(value: Exact) -> Decimal:
    """A value as Decimal for positions: fractions to 12 places, which is finer than any screen."""
    return exact(value, 12) if not isinstance(value, int | Decimal) else Decimal(value)


def full_or_none(unit: Unit) -> Callable[[Exact | None], str | None]:
    """Formatter of a table cell: None stays None."""
    return lambda value: None if value is None else unit.full(value)


def _trim(value: Decimal, places: str) -> str:
    text = format(value.quantize(Decimal(places)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: Decimal) -> str:
    """A position in percent, as attribute text."""
    return _trim(value, "0.0001")


def pixels(value: Decimal | float) -> str:
    """A position in pixels, as attribute text."""
    return _trim(Decimal(value), "0.01")


def join(parts: Sequence[SafeString]) -> SafeString:
    """Safe pieces one after the other."""
    return joined(parts)


def image(height: int, title: str, description: str, parts: Sequence[SafeString]) -> SafeString:
    """The drawing with its title and description, one image to assistive technology."""
    return markup(
        '<svg class="chart" width="100%" height="{}" role="img" aria-label="{}. {}" focusable="false">'
        "<title>{}</title><desc>{}</desc>{}</svg>",
        height,
        title,
        description,
        title,
        description,
        join(parts),
    )


def bar(
    start: Decimal, size: Decimal, top: float, thick: int, step: int, words: str, radius: int = 2
) -> SafeString:
    """One horizontal bar; start and size are shares of the width."""
    return markup(
        '<rect class="fill-{}" x="{}%" y="{}" width="{}%" height="{}" rx="{}"><title>{}</title></rect>',
        step, percent(start * 100), pixels(top), percent(size * 100), thick, radius, words,
    )  # fmt: skip


def target_tick(at: Decimal, middle: float, size: int, words: str) -> SafeString:
    """The dark tick of a target."""
    return markup(
        '<rect class="fill-target" x="{}%" y="{}" width="2" height="{}"><title>{}</title></rect>',
        percent(at * 100), pixels(middle - size / 2), size, words,
    )  # fmt: skip


def vertical_grid(tick: Decimal, top: Decimal, height: int) -> SafeString:
    """A grid line at a value of a horizontal axis."""
    at = percent(tick / top * 100)
    return markup('<line class="grid-line" x1="{}%" x2="{}%" y1="0" y2="{}"/>', at, at, height)


def horizontal_grid(tick: Decimal, scale: Scale) -> SafeString:
    """A grid line at a value of a vertical axis."""
    at = pixels(scale.y(tick))
    return markup('<line class="grid-line" x1="0" x2="100%" y1="{}" y2="{}"/>', at, at)


def zero_line(scale: Scale) -> SafeString:
    """The base line."""
    at = pixels(scale.y(ZERO))
    return markup('<line class="zero-line" x1="0" x2="100%" y1="{}" y2="{}"/>', at, at)


def target_line(value: Decimal, scale: Scale) -> SafeString:
    """A dashed line across all periods."""
    at = pixels(scale.y(value))
    return markup('<line class="line-target" x1="0" x2="100%" y1="{}" y2="{}"/>', at, at)


def bottom_axis(ticks: Sequence[Decimal], top: Decimal, height: int, unit: Unit) -> SafeString:
    """Value labels below horizontal bars, at most five or every other one."""
    shown = ticks if len(ticks) <= 5 else ticks[::2]
    anchor = {0: "start", len(shown) - 1: "end"}
    last_is_edge = shown[-1] == top
    return join(
        [
            markup(
                '<text class="axis-text" x="{}%" y="{}" text-anchor="{}">{}</text>',
                percent(tick / top * 100),
                height + 18,
                anchor.get(at, "middle") if at == 0 or last_is_edge else "middle",
                unit.short(tick),
            )
            for at, tick in enumerate(shown)
        ]
    )


def period_labels(labels: Sequence[str], height: int, *, centred: bool) -> list[SafeString]:
    """At most eight labels below the plot, the last one always among them."""
    count = len(labels)
    every = max(1, -(-count // 7))
    made = []
    for at, label in enumerate(labels):
        if (count - 1 - at) % every:
            continue
        if centred:
            x, anchor = (Decimal(at) + Decimal("0.5")) / count * 100, "middle"
        else:
            x = Decimal(at) / max(count - 1, 1) * 100
            anchor = "start" if at == 0 else "end" if at == count - 1 else "middle"
        made.append(
            markup(
                '<text class="axis-text" x="{}%" y="{}" text-anchor="{}">{}</text>',
                percent(x),
                height + 18,
                anchor,
                label,
            )
        )
    return made


def runs(values: Sequence[Exact | None], scale: Scale) -> list[str]:
    """Point lists of the unbroken stretches, on a 0-1000 wide grid."""
    runs: list[list[str]] = [[]]
    last = max(len(values) - 1, 1)
    for at, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        x = Decimal(at) / last * 1000
        runs[-1].append(f"{pixels(x)},{pixels(scale.y(decimal_of(value)))}")
    return [" ".join(run if len(run) > 1 else run * 2) for run in runs if run]


def dots(labels: Sequence[str], one: Series, scale: Scale, unit: Unit) -> list[SafeString]:
    """A dot with its exact value on every known point of a line."""
    last = max(len(one.values) - 1, 1)
    return [
        markup(
            '<circle class="fill-1" cx="{}%" cy="{}" r="3"><title>{}: {}</title></circle>',
            percent(Decimal(at) / last * 100),
            pixels(scale.y(decimal_of(value))),
            labels[at],
            unit.full(value),
        )
        for at, value in enumerate(one.values)
        if value is not None
    ]


def with_labels(rows: Sequence[BarRow] | Sequence[FunnelRow], row_height: int, svg: SafeString) -> SafeString:
    """Row names as text left of the plot: they wrap, select and translate like any text."""
    names = join(
        [
            markup('<li><a href="{}" title="{}">{}</a></li>', row.href, row.label, row.label)
            if row.href
            else markup('<li><span title="{}">{}</span></li>', row.label, row.label)
            for row in rows
        ]
    )
    return markup(
        '<div class="chart-with-labels"><ul class="chart-labels chart-rows-{}">{}</ul>{}</div>',
        row_height,
        names,
        svg,
    )


def with_axis(ticks: Sequence[Decimal], scale: Scale, unit: Unit, svg: SafeString) -> SafeString:
    """Value labels left of the plot, wide enough for the longest."""
    texts = [unit.short(tick) for tick in ticks]
    width = 7 * max(len(text) for text in texts) + 4
    marks = join(
        [
            markup(
                '<text class="axis-text" x="{}" y="{}" text-anchor="end">{}</text>',
                width,
                pixels(scale.y(tick) + 4),
                text,
            )
            for tick, text in zip(ticks, texts, strict=True)
        ]
    )
    axis = markup(
        '<svg class="chart-axis chart" width="{}" height="{}" aria-hidden="true" focusable="false">{}</svg>',
        width, scale.height + 24, marks,
    )  # fmt: skip
    return markup('<div class="chart-with-axis">{}{}</div>', axis, svg)

"""A waterfall drawn on the server: totals from zero, steps floating between them, one row each.

Rows run down the page, so that their names are text and links and the chart fits a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from salesops.ui.chart_marks import ZERO, bar, decimal_of, full_or_none, image, percent, pixels, with_labels
from salesops.ui.charts import NO_DATA, ChartTable, Figure, swatch
from salesops.ui.formats import Exact, Unit
from salesops.ui.readings import BarRow

ROW, THICK = 32, 18
_PLOT = Decimal("0.74")
"""Share of the width that bars take; their values stand to the right of them."""


@dataclass(frozen=True)
class Step:
    """One row: a total, or a step up (positive) or down (negative) from where the one before ended.

    ``value`` None is not drawn and moves nothing; the table says that it is not known.
    """

    label: str
    value: Exact | None
    total: bool = False
    href: str = ""
    count: int | None = None


def waterfall(steps: Sequence[Step], unit: Unit, *, title: str, reading: str) -> SafeString:
    """The drawing with its rows' names."""
    spans = _spans(steps)
    known = [edge for span in spans if span for edge in span]
    low, high = min([*known, ZERO]), max([*known, ZERO])
    width = (high - low) or Decimal(1)

    def at(value: Decimal) -> Decimal:
        return (value - low) / width * _PLOT

    parts: list[SafeString] = [_vertical(at(ZERO), 0, ROW * len(steps), "zero-line")]
    before: Decimal | None = None
    for place, (step, span) in enumerate(zip(steps, spans, strict=True)):
        top = place * ROW + (ROW - THICK) / 2
        if span is None:
            parts.append(_words(at(before or ZERO), top, "not known", "label-muted"))
            continue
        start, end = span
        if before is not None:
            # From the foot of the row before to this one's bar: where the running total stands.
            parts.append(
                _vertical(at(start if not step.total else end), top - (ROW - THICK), top, "grid-line")
            )
        left, right = min(start, end), max(start, end)
        fill = 1 if step.total else 2 if end >= start else 3
        value = decimal_of(step.value or 0)
        parts.append(
            bar(at(left), at(right) - at(left), top, THICK, fill, f"{step.label}: {unit.exact(value)}")
        )
        said = unit.short(value) if step.total or value <= 0 else f"+{unit.short(value)}"
        parts.append(_words(at(right), top, said, "label-strong" if step.total else "label-muted"))
        before = end
    rows = [BarRow(step.label, [step.value], href=step.href) for step in steps]
    return with_labels(rows, ROW, image(ROW * len(steps), title, reading, parts))


def _spans(steps: Sequence[Step]) -> list[tuple[Decimal, Decimal] | None]:
    """Where each row's bar begins and ends."""
    spans: list[tuple[Decimal, Decimal] | None] = []
    running = ZERO
    for step in steps:
        if step.value is None:
            spans.append(None)
            continue
        value = decimal_of(step.value)
        start, running = (ZERO, value) if step.total else (running, running + value)
        spans.append((start, running))
    return spans


def _vertical(share: Decimal, top: float, bottom: float, css: str) -> SafeString:
    x = percent(share * 100)
    return format_html(
        '<line class="{}" x1="{}%" x2="{}%" y1="{}" y2="{}"/>', css, x, x, pixels(top), pixels(bottom)
    )


def _words(share: Decimal, top: float, words: str, css: str) -> SafeString:
    return format_html(
        '<text class="{}" x="{}%" dx="6" y="{}">{}</text>', css, percent(share * 100), pixels(top + 13), words
    )


def waterfall_figure(
    ident: str,
    title: str,
    steps: Sequence[Step],
    unit: Unit,
    reading: str,
    *,
    subtitle: str = "",
    head: str = "Bar",
    counted: str = "Deals",
) -> Figure:
    """A card with the waterfall, its reading and the same values as a table."""
    table = ChartTable(
        (head, "Value", counted),
        tuple(
            (
                step.label,
                full_or_none(unit)(step.value) if step.value is None else unit.exact(step.value),
                None if step.count is None else f"{step.count:,}",
            )
            for step in steps
        ),
    )
    anything = any(step.value or step.count for step in steps)
    drawing = waterfall(steps, unit, title=title, reading=reading) if anything else mark_safe("")
    legend = (("Total", swatch(1)), ("Adds", swatch(2)), ("Takes away", swatch(3)))
    return Figure(ident, title, drawing, reading, table, subtitle, legend, None if anything else NO_DATA)

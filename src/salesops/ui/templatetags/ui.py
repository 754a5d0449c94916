"""Template tags of the component set. `{% load ui %}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import template
from django.http import QueryDict
from django.template import Context
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe

from salesops.ui import charts, formats, icons
from salesops.ui.components import TONES, Definition, Empty, Event, Step, Tile
from salesops.ui.markup import escaped, markup
from salesops.ui.navigation import Group
from salesops.ui.tables import Cell, Line, Table

register = template.Library()


def _locale() -> str:
    return translation.to_locale(translation.get_language() or "en-us")


@register.simple_tag
def icon(name: str, size: int = 16, label: str = "") -> SafeString:
    """Inline lucide icon; decorative unless labelled."""
    return icons.draw(name, size, label)


@register.simple_tag
def money(
    value: Any, currency: str = "", style: str = "auto", reason: str = "not given in the data"
) -> SafeString:
    """Money. `value` is exact (Decimal, int) with `currency`, or a core Money.

    style: auto (no cents from a million up or when there are none), full, whole, compact (tiles).
    """
    if value is None:
        return undefined(reason)
    if hasattr(value, "currency") and hasattr(value, "amount"):
        value, currency = value.amount, value.currency
    full = formats.money(value, currency, locale=_locale())
    shown = {
        "full": lambda: full,
        "whole": lambda: formats.money(value, currency, places=0, locale=_locale()),
        "compact": lambda: formats.money_compact(value, currency, locale=_locale()),
    }.get(style, lambda: formats.money_auto(value, currency, locale=_locale()))()
    if shown == full:
        return markup('<span class="nowrap">{}</span>', shown)
    return markup('<span class="nowrap" title="{}">{}</span>', full, shown)


@register.simple_tag
def number(value: Any, places: int | None = None, reason: str = "not given in the data") -> SafeString | str:
    """A grouped number."""
    return undefined(reason) if value is None else formats.number(value, places=places, locale=_locale())


@register.simple_tag
def ratio(value: Any, places: int = 1, reason: str = "nothing to divide by") -> SafeString | str:
    """A share (Decimal or Fraction, 1 = all) as percent."""
    return undefined(reason) if value is None else formats.ratio(value, places=places, locale=_locale())


@register.simple_tag
def times(value: Any, places: int = 1, reason: str = "nothing to divide by") -> SafeString | str:
    """A multiple such as coverage."""
    return undefined(reason) if value is None else formats.times(value, places=places, locale=_locale())


@register.simple_tag
def measure(value: Any, unit: formats.Unit, reason: str = "not given in the data") -> SafeString | str:
    """A value in full by its Unit."""
    return undefined(reason) if value is None else unit.full(value)


@register.simple_tag
def day(value: date | None, style: str = "medium", reason: str = "no date in the data") -> SafeString:
    """A calendar day in a <time> element; an instant is cut to its day in the current time zone."""
    if value is None:
        return undefined(reason)
    if isinstance(value, datetime):
        value = value.astimezone(timezone.get_current_timezone()).date()
    text = formats.day(value, style=style, locale=_locale())  # type: ignore[arg-type]
    return markup('<time class="nowrap" datetime="{}">{}</time>', value.isoformat(), text)


@register.simple_tag
def instant(value: datetime | None, reason: str = "no time in the data") -> SafeString:
    """An instant in the current time zone, the zone named."""
    if value is None:
        return undefined(reason)
    text = formats.instant(value, timezone.get_current_timezone(), locale=_locale())
    return markup('<time datetime="{}">{}</time>', value.astimezone(UTC).isoformat(), text)


@register.simple_tag
def instant_in(value: datetime, zone: tzinfo) -> SafeString:
    """An instant in a zone given, the zone named."""
    text = formats.instant(value, zone, locale=_locale())
    return markup('<time datetime="{}">{}</time>', value.astimezone(UTC).isoformat(), text)


@register.simple_tag
def instant_of(value: datetime, zone: str) -> SafeString:
    """An instant in the zone of that name, the zone named."""
    return instant_in(value, ZoneInfo(zone))


@register.simple_tag
def undefined(reason: str, focusable: bool = False) -> SafeString:
    """An em dash that says why there is no value: title for the mouse, hidden text for screen readers."""
    if focusable:
        return markup(
            '<span class="undefined tip" tabindex="0"><span aria-hidden="true">—</span>'
            '<span class="visually-hidden">Undefined: {0}</span>'
            '<span class="tip-text" aria-hidden="true">{0}</span></span>',
            reason,
        )
    return markup(
        '<span class="undefined" title="{0}"><span aria-hidden="true">—</span>'
        '<span class="visually-hidden">Undefined: {0}</span></span>',
        reason,
    )


@register.simple_tag
def tip(text: str, explanation: str) -> SafeString:
    """A word with a tooltip, by hover and by keyboard."""
    ident = f"tip-{uuid4().hex[:8]}"
    return markup(
        '<span class="tip" tabindex="0" aria-describedby="{0}">{1}'
        '<span class="tip-text" role="tooltip" id="{0}">{2}</span></span>',
        ident,
        text,
        explanation,
    )


@register.simple_tag
def status_pill(word: str, tone: str = "neutral") -> SafeString:
    """A status: a word on a soft background. Unknown tones are neutral."""
    css = f"pill-{tone}" if tone in TONES and tone != "neutral" else "pill-outline"
    return markup('<span class="pill {}">{}</span>', css, word)


@register.inclusion_tag("ui/_definition.html")
def definition(value: Definition | None, align: str = "end") -> dict[str, Any]:
    """The definition of a figure behind a small info button (a <details>: works without scripts)."""
    return {"definition": value, "align": align}


@register.inclusion_tag("ui/_tile.html")
def kpi_tile(tile: Tile) -> dict[str, Any]:
    """One KPI tile."""
    spark = charts.sparkline(tile.spark, tone=tile.spark_tone) if len(tile.spark) > 1 else ""
    return {"tile": tile, "spark": spark}


@register.inclusion_tag("ui/_table.html", takes_context=True)
def data_table(context: Context, table: Table) -> dict[str, Any]:
    """A table with sort links, row links, totals and pages."""
    pages: list[int | str] = []
    if table.page is not None and table.page.paginator.num_pages > 1:
        pages = list(table.page.paginator.get_elided_page_range(table.page.number, on_each_side=1, on_ends=1))
    request = context.get("request")
    return {
        "table": table,
        "heads": table.heads(),
        "lines": table.lines(),
        "total": table.total_line(),
        "pages": pages,
        "request": request,
        "path": request.path if request is not None else "",
        "ellipsis": "…",
    }


@register.simple_tag
def row_cells(line: Line) -> SafeString:
    """The cells of a table's row. Drawn here: a template included for each cell takes most of a page's time."""
    drawn = []
    for cell in line.cells:
        css, title = cell.column.css, escaped(cell.column.title)
        if cell.column.kind == "lead":
            lead = f'<th scope="row" role="rowheader" class="{css}" data-label="{title}">'
            drawn.append(f"{lead}{_inside(cell)}</th>")
        else:
            kind = f' class="{css}"' if css else ""
            drawn.append(f'<td role="cell"{kind} data-label="{title}">{_inside(cell)}</td>')
    return mark_safe("".join(drawn))  # noqa: S308 - every part is escaped or of the component set


def _inside(cell: Cell) -> str:
    """What stands in a cell; as ``ui/_cell.html`` draws it."""
    if cell.reason:
        return undefined(cell.reason)
    if cell.column.kind == "status":
        return status_pill(cell.text, cell.tone)
    text = escaped(cell.text)
    title = f' title="{escaped(cell.title)}"' if cell.title else ""
    if cell.href:
        return f'<a href="{escaped(cell.href)}"{title}>{text}</a>'
    if cell.iso:
        return f'<time datetime="{escaped(cell.iso)}">{text}</time>'
    return f"<span{title}>{text}</span>" if title else text


@register.simple_tag
def sections(groups: tuple[Group, ...]) -> SafeString:
    """The menu's sections. Readers of a role have the same on every request of a page: each is drawn once."""
    return _sections(groups)


@lru_cache(maxsize=256)
def _sections(groups: tuple[Group, ...]) -> SafeString:
    return render_to_string("ui/_sections.html", {"groups": groups})


@register.simple_tag
def select_options(options: Sequence[Any]) -> SafeString:
    """Entries of a select (``value``, ``title``, ``chosen``); there may be hundreds."""
    return mark_safe(  # noqa: S308 - every part is escaped
        "".join(
            f'<option value="{escaped(o.value)}"{" selected" if o.chosen else ""}>{escaped(o.title)}</option>'
            for o in options
        )
    )


@register.inclusion_tag("ui/_chart.html")
def chart(figure: charts.Figure) -> dict[str, Any]:
    """A chart card: title, legend, drawing, one-sentence reading and the same data as a table."""
    return {"figure": figure}


@register.inclusion_tag("ui/_empty.html")
def empty_state(empty: Empty) -> dict[str, Any]:
    """Why there is nothing and what to do next."""
    return {"empty": empty}


@register.inclusion_tag("ui/_stepper.html")
def stepper(steps: list[Step], label: str = "Steps") -> dict[str, Any]:
    """The steps of a longer task."""
    return {"steps": steps, "label": label}


@register.inclusion_tag("ui/_timeline.html")
def timeline(events: list[Event]) -> dict[str, Any]:
    """What happened, in the order given."""
    return {"events": events}


@register.inclusion_tag("ui/_progress.html")
def progress(done: int, total: int | None, label: str, detail: str = "") -> dict[str, Any]:
    """A progress bar; `total` None means the end is not known yet."""
    share = formats.ratio(formats.Fraction(done, total), places=0) if total else ""
    return {"done": done, "total": total, "label": label, "detail": detail, "share": share}


@register.inclusion_tag("ui/_dropzone.html")
def dropzone(
    name: str = "files",
    title: str = "Drop files here or choose them",
    hint: str = "",
    accept: str = "",
    multiple: bool = True,
    submit: bool = False,
) -> dict[str, Any]:
    """A file field as a drop zone; `submit` sends the form as soon as files are chosen."""
    return {
        "name": name, "title": title, "hint": hint, "accept": accept, "multiple": multiple, "submit": submit,
    }  # fmt: skip


@register.inclusion_tag("ui/_field.html")
def field(bound: Any, hint: str = "") -> dict[str, Any]:
    """A form field with label, hint and errors, in the house look."""
    return {"field": bound, "hint": hint or bound.help_text}


@register.filter
def widget(bound: Any) -> SafeString:
    """The field's control with house classes and the right aria attributes."""
    kind = getattr(bound.field.widget, "input_type", "") or type(bound.field.widget).__name__.lower()
    css = {"checkbox": "", "radio": "", "select": "select", "textarea": "textarea", "file": ""}.get(
        kind, "input"
    )
    described = [f"{bound.auto_id}_hint"] if bound.help_text else []
    attrs: dict[str, Any] = {
        "class": " ".join(filter(None, [css, bound.field.widget.attrs.get("class", "")]))
    }
    if bound.errors:
        attrs["aria-invalid"] = "true"
        described.append(f"{bound.auto_id}_errors")
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return bound.as_widget(attrs=attrs)


@register.simple_tag(takes_context=True)
def query_string(context: Context, *drop: str, **changes: Any) -> str:
    """The current query with changes, as in `{% query_string "page" sort="-amount" %}`.

    Positional names are dropped, a value of None or "" drops too; everything else (filters) is kept.
    Answers `?…` ready for href, `?` alone when nothing is left.
    """
    request = context.get("request")
    query = request.GET.copy() if request is not None else None
    if query is None:
        query = QueryDict(mutable=True)
    for name in drop:
        query.pop(name, None)
    for name, value in changes.items():
        if value is None or value == "":
            query.pop(name, None)
        else:
            query[name] = value
    return "?" + query.urlencode()


@register.simple_tag(takes_context=True)
def query_with(context: Context, name: str, value: Any, *drop: str) -> str:
    """`query_string` for a parameter whose name is a variable."""
    return query_string(context, *drop, **{name: value})


@register.inclusion_tag("ui/_hidden_query.html", takes_context=True)
def hidden_query(context: Context, *names: str) -> dict[str, Any]:
    """Hidden inputs that carry the current query through a GET form, without the names given."""
    request = context.get("request")
    pairs = [] if request is None else [(k, v) for k, vs in request.GET.lists() for v in vs if k not in names]
    return {"pairs": pairs}


@register.filter
def initials(user: Any) -> str:
    """Two letters for an avatar: first and last word of the name, else of the user name or address."""
    name = (getattr(user, "get_full_name", lambda: "")() or str(user)).split("@")[0]
    words = [word for word in name.replace(".", " ").replace("_", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else words[0][1:2])).upper()


@register.filter
def item(mapping: Mapping[str, Any], key: str) -> Any:
    """`mapping[key]`, or None."""
    return mapping.get(key) if mapping else None


@register.filter
def is_day(value: Any) -> bool:
    """True for a date without a time."""
    return isinstance(value, date) and not isinstance(value, datetime)

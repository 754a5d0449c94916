"""A dashboard computed for one reader: what a page, a mail, a file or the REST API shows of it.

Nothing here reads a request. The answer is plain: titles, sentences, tables of exact values and their words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from salesops.analytics import pipeline_tables
from salesops.analytics.addresses import Address, deal_href
from salesops.analytics.deal_columns import FLAGS, labels
from salesops.analytics.kept import keep, recall, state_key
from salesops.analytics.page_parts import filter_words, scope_line
from salesops.analytics.selectors import Question, ask
from salesops.analytics.shown import unique
from salesops.dashboards import inputs, tiles
from salesops.dashboards.engine import marks, readings
from salesops.dashboards.engine.definition import Tile
from salesops.dashboards.inputs import Figures
from salesops.dashboards.selectors import Seen
from salesops.dashboards.tiles import Cell, Content
from salesops.platform.actors import Actor
from salesops.platform.reading import one_state
from salesops.process.inputs import Frames
from salesops.ui import exports
from salesops.ui.cells import text_of
from salesops.ui.components import Definition

MOST_KEPT = 2_000
"""Cells of a dashboard that is kept whole; of a larger one the values are kept, and drawn anew."""


@dataclass(frozen=True)
class Computed:
    """A dashboard with its figures.

    Attributes:
        dashboard: what was computed.
        question: the address that asks for exactly this again, without ``?``.
        scope: period, whose rows, team and filters in one line.
        filters: the same as (label, value).
        data_on: the data's own date.
        as_of: the day the state was read at.
        manifest_id: facts version.
        currency: of money values.
        zone: IANA zone of the firm.
        tiles: in order.
        notes: sentences that belong beside every number.
    """

    dashboard: Seen
    question: str
    scope: str
    filters: tuple[tuple[str, str], ...]
    data_on: date
    as_of: date
    manifest_id: str
    currency: str
    zone: str
    tiles: tuple[Content, ...]
    notes: tuple[str, ...] = ()


def computed(actor: Actor, dashboard: Seen, question_address: str = "") -> Computed:
    """A dashboard's figures for a reader; kept while facts, decisions and the reader's rows stay the same.

    Args:
        actor: whose rows.
        dashboard: as ``selectors.dashboard_of`` gives it.
        question_address: period, team, filters, ``as_of`` and ``known_at`` as an address without ``?``; what it
            does not name is asked as the dashboard says.

    Raises:
        NoDataError: nothing was imported (by then).
        ValueError: the address can't be read, or there is no such period.
    """
    address = inputs.address_of(dashboard.question, question_address)
    with one_state():
        views = inputs.views_asked(actor, dashboard.tiles)
        # The rows of an earlier day are those of whoever stood where on that day: the person is a part of the key.
        asks = (actor.user_id, actor.person_id, actor.role, dashboard, inputs.address_text(address), views)
        plain = Question(
            period=address.period,
            as_of=address.as_of,
            manifest_id=address.known.manifest_id,
            known_at=address.known.known_at,
        )
        with ask(actor, plain) as asked:

            def make() -> Computed:
                return Computed(
                    dashboard=dashboard,
                    question=inputs.address_text(address),
                    scope=scope_line(actor, asked, address),
                    filters=tuple(filter_words(actor, asked, address)),
                    data_on=asked.frames.today,
                    as_of=asked.frames.as_of,
                    manifest_id=str(asked.frames.facts.manifest.id if asked.frames.facts.manifest else ""),
                    currency=asked.frames.currency,
                    zone=asked.frames.firm.zone,
                    tiles=tuple(_contents(actor, dashboard.tiles, address, asked.frames)),
                    notes=tuple(unique(asked.frames.notes)),
                )

            key = ("dashboard", *asks, *state_key(asked.frames))
            found: Computed = recall(key) or make()
            return keep(key, found) if _cells(found) <= MOST_KEPT else found


def _cells(shown: Computed) -> int:
    return sum(len(row) for tile in shown.tiles for row in (*tile.rows, *tile.more))


def definitions_of(shown: Sequence[Content]) -> list[Definition]:
    """The definitions of every number shown, each once."""
    return list({one.term: one for tile in shown for one in tile.definitions}.values())


def _contents(actor: Actor, asked_for: Sequence[Tile], address: Address, frames: Frames) -> Iterable[Content]:
    found = inputs.figures(actor, asked_for, address)
    for tile in asked_for:
        yield _content(found[tile.key], frames)


def _content(found: Figures, frames: Frames) -> Content:
    tile = found.tile
    if tile.kind == "text":
        return Content(tile.key, tile.kind, tile.title, tile.width, text=marked(tile.text))
    if found.problem:
        title = tile.title or found.view_name or ", ".join(_titles(tile))
        return Content(tile.key, tile.kind, title, tile.width, problem=found.problem)
    if found.page is not None:
        return _list(found, frames)
    if tile.kind == "kpi":
        return tiles.number(found, frames)
    if tile.over:
        return tiles.over_periods(found, frames)
    return tiles.split(found, frames)


def _titles(tile: Tile) -> list[str]:
    return [name.replace("_", " ").capitalize() for name in tile.kpis] or ["Saved view"]


# --- Lists and texts ------------------------------------------------------------------------------


def _list(found: Figures, frames: Frames) -> Content:
    """The first rows of a saved view and how many there are."""
    page, view, tile = found.page, found.view, found.tile
    if page is None or view is None:
        raise ValueError(tile.key)
    names, zone = labels([*page.kinds, FLAGS]), frames.firm.zone
    columns = pipeline_tables.export_columns(
        page.columns, page.kinds, names, page.currency, zone, found.judge, estimates=False
    )
    rows = []
    for row in page.rows:
        cells = [_list_cell(column, column.value(row)) for column in columns]
        cells[0] = replace(cells[0], href=deal_href(row["id"], found.address.known))
        rows.append(tuple(cells))
    subtitle = ", ".join(filter(None, (f"Saved view {found.view_name}", tiles.own_filters(tile))))
    return Content(
        key=tile.key,
        kind=tile.kind,
        title=tile.title or found.view_name,
        width=tile.width,
        subtitle=subtitle,
        sentence=readings.of_rows(len(rows), page.total, "deal", "deals"),
        columns=tuple(replace(c, key=_at(place)) for place, c in enumerate(columns)),
        rows=tuple(rows),
        total=page.total,
        href=f"{reverse('pipeline')}?{view.query(size=50)}",
        notes=tuple(unique(page.notes)),
        view=view,
    )


def _at(place: int) -> Any:
    return lambda row: row[place].value


def _list_cell(column: exports.Column, value: Any) -> Cell:
    if value is None or value == "":
        return Cell("", reason="not given in the data")
    return Cell(text_of(column, value), value)


def marked(text: str) -> SafeString:
    """A text tile's words as HTML: every piece escaped, links to http(s) alone."""
    return format_html_join("", "{}", ((_block(block),) for block in marks.blocks(text)))


def _block(block: marks.Block) -> SafeString:
    lines = [(_line(spans),) for spans in block.lines]
    if block.kind == "list":
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", lines))
    if block.kind == "heading":
        return format_html("<h3>{}</h3>", *lines[0])
    return format_html("<p>{}</p>", format_html_join(mark_safe("<br>"), "{}", lines))


_SPANS = {"": "{}", "bold": "<strong>{}</strong>", "italic": "<em>{}</em>"}


def _line(spans: Sequence[marks.Span]) -> SafeString:
    return format_html_join(
        "",
        "{}",
        (
            (
                format_html('<a href="{}" rel="noreferrer">{}</a>', span.href, span.text)
                if span.mark == "link"
                else format_html(_SPANS[span.mark], span.text),
            )
            for span in spans
        ),
    )


__all__ = ["Cell", "Computed", "Content", "computed", "definitions_of", "marked"]

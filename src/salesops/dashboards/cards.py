"""What the page of a dashboard draws around its tiles, and the sheets of its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from salesops.analytics import pipeline_tables, records
from salesops.analytics.deal_columns import FLAGS, labels
from salesops.analytics.selectors import kpis
from salesops.analytics.shown import column_title
from salesops.dashboards.contents import Computed, Content
from salesops.dashboards.engine.definition import Tile
from salesops.dashboards.selectors import Seen
from salesops.platform.actors import Actor
from salesops.platform.roles import Role
from salesops.ui import exports


def role_words(roles: Iterable[str]) -> str:
    """Whom a dashboard is shared with."""
    found = [Role(role).label for role in Role.values if role in frozenset(roles)]
    if len(found) == len(Role.values):
        return "every role"
    return ", ".join(found)


def lines(found: Sequence[Seen]) -> list[dict[str, Any]]:
    """Dashboards as the list shows them."""
    return [{"seen": one, "shared": role_words(one.roles), "count": len(one.tiles)} for one in found]


def tile_title(tile: Tile, names: Mapping[int, str]) -> str:
    """What a tile is called where its figures are not read; ``names`` are those of the saved views to pick."""
    if tile.title:
        return tile.title
    if tile.kind == "text":
        return tile.text.strip().splitlines()[0][:60]
    if tile.view:
        return names.get(tile.view, "A saved view that is no more")
    titles = ", ".join(_kpi_title(name) for name in tile.kpis)
    if tile.over:
        return f"{titles} over {tile.over} periods"
    return f"{titles} by {column_title(tile.by).lower()}" if tile.by else titles


def _kpi_title(name: str) -> str:
    try:
        return kpis([name])[0].title
    except KeyError:
        return name


# --- Files ----------------------------------------------------------------------------------------


def sheets(actor: Actor, shown: Computed, tiles: Sequence[Content]) -> list[exports.Sheet]:
    """One sheet a tile, exact values; a saved view's list with all its rows, read as they are written."""
    found = [_sheet(actor, shown, tile) for tile in tiles if tile.kind != "text"]
    texts = [tile for tile in tiles if tile.kind == "text"]
    return [*found, *([_texts(texts)] if texts and not found else [])]


def rows_of(tiles: Sequence[Content]) -> int:
    """How many rows these sheets hold."""
    return sum(tile.total for tile in tiles)


def _sheet(actor: Actor, shown: Computed, tile: Content) -> exports.Sheet:
    name = tile.title[:31] or tile.key
    if tile.problem:
        column = exports.Column(lambda row: row, "Not shown", width=80)
        return exports.Sheet(name, [column], [tile.problem])
    if tile.view is not None:
        return _list_sheet(actor, name, tile)
    notes = [f"{tile.title}: {note}" for note in (tile.sentence, tile.subtitle, *tile.notes) if note]
    held = len(tile.rows) + len(tile.more)
    if held < tile.total:
        notes.insert(0, f"{tile.title}: {held:,} of {tile.total:,} rows.")
    rows = [*tile.rows, *tile.more, *([tile.totals] if tile.totals else [])]
    return exports.Sheet(name, tile.columns, rows, notes)


def _list_sheet(actor: Actor, name: str, tile: Content) -> exports.Sheet:
    if tile.view is None:
        raise ValueError(tile.key)
    query = tile.view.list_query()
    with records.open_list(actor, query) as opened:
        page = opened.page()
        columns = pipeline_tables.export_columns(
            page.columns,
            page.kinds,
            labels([*page.kinds, FLAGS]),
            page.currency,
            opened.frames.firm.zone,
            opened.judge,
            estimates=bool(page.totals and page.totals.estimated),
        )
    return exports.Sheet(name, columns, records.deal_rows(actor, query), [f"{name}: {tile.subtitle}."])


def _texts(tiles: Sequence[Content]) -> exports.Sheet:
    return exports.Sheet("Text", [exports.Column("title", "Text")], [{"title": one.title} for one in tiles])

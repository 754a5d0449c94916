"""What a dashboard is made of: tiles, read from plain values and checked one by one.

A definition holds questions, never figures. What a tile names (a number, a column, a saved view) is looked up
when it is read, by the rights of whoever reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

Kind = Literal["kpi", "chart", "table", "text"]
Form = Literal["bars", "columns", "line"]

KINDS: Mapping[str, str] = {"kpi": "Number", "chart": "Chart", "table": "Table", "text": "Text"}
FORMS: Mapping[str, str] = {"bars": "Bars", "columns": "Columns", "line": "Line"}
WIDTHS = (3, 4, 6, 12)
"""Columns of 12 that a tile may take."""

USUAL_WIDTH: Mapping[str, int] = {"kpi": 3, "chart": 6, "table": 12, "text": 12}
MOST_TILES = 24
MOST_KPIS = 8
MOST_FILTERS = 10
MOST_PERIODS = 24
MOST_ROWS = 100
MOST_TEXT = 4_000
MOST_TITLE = 120
MOST_NAME = 300
MOST_PERIOD = 60


class DefinitionError(ValueError):
    """A definition that can't be; ``field`` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Tile:
    """One tile.

    Attributes:
        key: names the tile within its dashboard.
        kind: ``kpi``, ``chart``, ``table`` or ``text``.
        title: shown above it; "" for the usual one.
        width: columns of 12: 3, 4, 6 or 12.
        kpis: names of numbers: one of a number or chart, up to eight of a table.
        by: dimension that a chart or table splits by.
        over: periods that a chart goes back, the asked one included; 0 where it splits by a dimension.
        form: how a chart is drawn: ``bars`` of a dimension, ``columns`` or a ``line`` over periods.
        view: id of the saved list view that a table shows the first rows of; 0 for none.
        rows: rows of a table at most.
        text: of a text tile.
        filters: conditions on the rows, added to the page's: ``column:operator:value``.
        spark: whether a number shows its last periods as a small line.
        period: the tile's own period (``quarter``, ``2026-Q3``, ``all``); "" for the dashboard's.
    """

    key: str
    kind: Kind
    title: str = ""
    width: int = 3
    kpis: tuple[str, ...] = ()
    by: str = ""
    over: int = 0
    form: Form = "bars"
    view: int = 0
    rows: int = 10
    text: str = ""
    filters: tuple[str, ...] = ()
    spark: bool = False
    period: str = ""

    def plain(self) -> dict[str, Any]:
        """The tile as plain values, without what is usual."""
        usual = Tile(self.key, self.kind)
        found: dict[str, Any] = {"key": self.key, "kind": self.kind, "width": self.width}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name not in found and value != getattr(usual, item.name):
                found[item.name] = list(value) if isinstance(value, tuple) else value
        return found


_NAMES = frozenset(item.name for item in fields(Tile))


def tile_of(values: Mapping[str, Any], key: str = "") -> Tile:
    """A tile of plain values, in canonical form: what its kind does not use is left out.

    Args:
        values: names and values as :meth:`Tile.plain` gives them.
        key: the tile's key where the values have none.

    Raises:
        DefinitionError: it is no tile; the message says what to change.
    """
    if not isinstance(values, Mapping):
        raise DefinitionError("tiles", "A tile is a mapping of names to values.")
    if unknown := sorted(str(name) for name in values if name not in _NAMES):
        raise DefinitionError(
            "tiles", f"A tile has no {unknown[0]!r:.60}; it has {', '.join(sorted(_NAMES))}."
        )
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise DefinitionError("kind", f"A tile is one of {', '.join(KINDS)}, not {kind!r:.60}.")
    own = _text(values, "key", 40) or key
    if not own:
        raise DefinitionError("key", "The tile has no key.")
    tile = Tile(
        key=own,
        kind=kind,  # type: ignore[arg-type]
        title=_text(values, "title", MOST_TITLE),
        width=_whole(values, "width", USUAL_WIDTH[kind]),
    )
    if tile.width not in WIDTHS:
        raise DefinitionError(
            "width", f"A tile is {', '.join(map(str, WIDTHS[:-1]))} or {WIDTHS[-1]} columns wide."
        )
    if kind != "text":
        tile = replace(tile, filters=_texts(values, "filters", MOST_FILTERS))
        period = _text(values, "period", MOST_PERIOD)
        # Which of a deal's dates a saved view is about, only the view knows: its period stays its own.
        tile = replace(tile, period="" if values.get("view") else period)
    made: Tile = {"kpi": _kpi, "chart": _chart, "table": _table, "text": _words}[kind](tile, values)
    return made


def _kpi(tile: Tile, values: Mapping[str, Any]) -> Tile:
    return replace(tile, kpis=_kpis(values, 1), spark=_flag(values, "spark"))


def _chart(tile: Tile, values: Mapping[str, Any]) -> Tile:
    by, over = _text(values, "by", MOST_NAME), _whole(values, "over", 0)
    form = values.get("form") or ("columns" if over else "bars")
    if not isinstance(form, str) or form not in FORMS:
        raise DefinitionError("form", f"A chart is drawn as {', '.join(FORMS)}, not as {form!r:.60}.")
    if bool(by) == bool(over):
        raise DefinitionError("by", "A chart is split by a dimension, or goes over periods: choose one.")
    if over and not 2 <= over <= MOST_PERIODS:
        raise DefinitionError("over", f"A chart goes over 2 to {MOST_PERIODS} periods.")
    if (form == "bars") == bool(over):
        raise DefinitionError("form", "Bars belong to a dimension; columns and lines to periods.")
    return replace(tile, kpis=_kpis(values, 1), by=by, over=over, form=form)  # type: ignore[arg-type]


def _table(tile: Tile, values: Mapping[str, Any]) -> Tile:
    rows, view = _whole(values, "rows", 10), _whole(values, "view", 0)
    if not 1 <= rows <= MOST_ROWS:
        raise DefinitionError("rows", f"A table shows 1 to {MOST_ROWS} rows.")
    if view:
        if view < 0 or view >= 2**63:
            raise DefinitionError("view", "There is no such saved view.")
        return replace(tile, view=view, rows=rows)
    by = _text(values, "by", MOST_NAME)
    if not by:
        raise DefinitionError(
            "by", "A table splits numbers by a dimension, or shows a saved view: choose one."
        )
    return replace(tile, kpis=_kpis(values, MOST_KPIS), by=by, rows=rows)


def _words(tile: Tile, values: Mapping[str, Any]) -> Tile:
    text = _text(values, "text", MOST_TEXT, lines=True)
    if not text.strip():
        raise DefinitionError("text", "Write a text.")
    return replace(tile, text=text)


def _kpis(values: Mapping[str, Any], most: int) -> tuple[str, ...]:
    found = _texts(values, "kpis", most)
    if not found:
        raise DefinitionError("kpis", "Choose a number.")
    return found


def _text(values: Mapping[str, Any], name: str, most: int, *, lines: bool = False) -> str:
    value = values.get(name, "")
    if not isinstance(value, str):
        raise DefinitionError(name, f"{name} is a text, not {value!r:.60}.")
    if len(value) > most:
        raise DefinitionError(name, f"{name} has more than {most:,} characters.")
    kept = "\n\t" if lines else ""
    value = value.replace("\r\n", "\n")
    if any(ord(sign) < 32 and sign not in kept for sign in value) or "\x7f" in value:
        raise DefinitionError(name, f"{name} holds a character that no text may hold.")
    return value if lines else value.strip()


def _texts(values: Mapping[str, Any], name: str, most: int) -> tuple[str, ...]:
    found = values.get(name, ())
    if isinstance(found, str) or not isinstance(found, Sequence):
        raise DefinitionError(name, f"{name} is a list of texts.")
    texts = tuple(dict.fromkeys(_text({name: one}, name, MOST_NAME) for one in found))
    texts = tuple(one for one in texts if one)
    if len(texts) > most:
        raise DefinitionError(name, f"{name} holds more than {most}.")
    return texts


def _whole(values: Mapping[str, Any], name: str, usual: int) -> int:
    value = values.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DefinitionError(name, f"{name} is a whole number, not {value!r:.60}.")
    return value


def _flag(values: Mapping[str, Any], name: str) -> bool:
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise DefinitionError(name, f"{name} is true or false, not {value!r:.60}.")
    return value


def tiles_of(values: Any) -> tuple[Tile, ...]:
    """The tiles of a dashboard, each with a key of its own.

    Raises:
        DefinitionError: one of them is none, two share a key, or there are more than 24.
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise DefinitionError("tiles", "Tiles are a list.")
    if len(values) > MOST_TILES:
        raise DefinitionError("tiles", f"A dashboard has at most {MOST_TILES} tiles.")
    taken = {one["key"] for one in values if isinstance(one, Mapping) and isinstance(one.get("key"), str)}
    found: list[Tile] = []
    for place, one in enumerate(values, start=1):
        try:
            tile = tile_of(one, new_key(taken))
        except DefinitionError as error:
            raise DefinitionError(error.field, f"Tile {place}: {error}") from error
        if any(tile.key == other.key for other in found):
            raise DefinitionError("key", f"Tile {place}: another tile has the key {tile.key} already.")
        taken.add(tile.key)
        found.append(tile)
    return tuple(found)


def new_key(taken: set[str]) -> str:
    """The first key of the form ``t1``, ``t2`` ... that nobody has."""
    number = 1
    while f"t{number}" in taken:
        number += 1
    return f"t{number}"


def with_tile(tiles: Sequence[Tile], tile: Tile) -> tuple[Tile, ...]:
    """The tiles with one put in the place of the one with its key, else at the end.

    Raises:
        DefinitionError: there are 24 already.
    """
    if any(one.key == tile.key for one in tiles):
        return tuple(tile if one.key == tile.key else one for one in tiles)
    if len(tiles) >= MOST_TILES:
        raise DefinitionError("tiles", f"A dashboard has at most {MOST_TILES} tiles.")
    return (*tiles, tile)


def moved(tiles: Sequence[Tile], key: str, step: int) -> tuple[Tile, ...]:
    """The tiles with one moved by so many places; at an end it stays."""
    found = list(tiles)
    at = next((place for place, one in enumerate(found) if one.key == key), None)
    if at is None:
        return tuple(found)
    tile = found.pop(at)
    found.insert(min(max(at + step, 0), len(found)), tile)
    return tuple(found)


def resized(tiles: Sequence[Tile], key: str, step: int) -> tuple[Tile, ...]:
    """The tiles with one made wider or narrower by so many steps of 3, 4, 6, 12."""

    def width(tile: Tile) -> int:
        place = min(max(WIDTHS.index(tile.width) + step, 0), len(WIDTHS) - 1)
        return WIDTHS[place]

    return tuple(replace(one, width=width(one)) if one.key == key else one for one in tiles)


def without(tiles: Sequence[Tile], key: str) -> tuple[Tile, ...]:
    """The tiles without one."""
    return tuple(one for one in tiles if one.key != key)

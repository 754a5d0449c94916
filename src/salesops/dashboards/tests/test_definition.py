"""What a tile may be, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest

from salesops.dashboards.contents import marked
from salesops.dashboards.engine import ready
from salesops.dashboards.engine.definition import (
    MOST_TILES,
    DefinitionError,
    Tile,
    moved,
    resized,
    tile_of,
    tiles_of,
    with_tile,
)

KPI = {"kind": "kpi", "kpis": ["won_value"]}


def test_a_tile_reads_back_as_it_was_written() -> None:
    for values in (
        KPI | {"key": "a", "spark": True, "filters": ["region:eq:West"], "width": 4, "title": "Ours"},
        {"key": "b", "kind": "chart", "kpis": ["won_value"], "by": "region"},
        {"key": "c", "kind": "chart", "kpis": ["won_value"], "over": 8, "form": "line"},
        {"key": "d", "kind": "table", "kpis": ["won_value", "won_deals"], "by": "region", "rows": 5},
        {"key": "e", "kind": "table", "view": 7},
        {"key": "f", "kind": "text", "text": "# Head\n\n- one"},
    ):
        tile = tile_of(values)
        assert tile_of(tile.plain()) == tile
    for one in ready.READY:
        assert tiles_of([tile.plain() for tile in one.tiles]) == one.tiles


@pytest.mark.parametrize(
    "values,field",
    [
        ("no mapping", "tiles"),
        ({"kind": "gauge"}, "kind"),
        ({}, "kind"),
        ({"kind": ["kpi"]}, "kind"),
        (KPI | {"colour": "red"}, "tiles"),
        (KPI | {"width": 5}, "width"),
        (KPI | {"width": "3"}, "width"),
        (KPI | {"width": True}, "width"),
        ({"kind": "kpi"}, "kpis"),
        ({"kind": "kpi", "kpis": "won_value"}, "kpis"),
        ({"kind": "kpi", "kpis": ["a", "b"]}, "kpis"),
        ({"kind": "kpi", "kpis": [7]}, "kpis"),
        (KPI | {"title": "x" * 121}, "title"),
        (KPI | {"title": "nul\x00"}, "title"),
        (KPI | {"filters": ["a:eq:b"] * 1 + [f"c{n}:eq:d" for n in range(10)]}, "filters"),
        (KPI | {"spark": "yes"}, "spark"),
        ({"kind": "chart", "kpis": ["a"]}, "by"),
        ({"kind": "chart", "kpis": ["a"], "by": "region", "over": 4}, "by"),
        ({"kind": "chart", "kpis": ["a"], "over": 1}, "over"),
        ({"kind": "chart", "kpis": ["a"], "over": 99}, "over"),
        ({"kind": "chart", "kpis": ["a"], "over": 4, "form": "bars"}, "form"),
        ({"kind": "chart", "kpis": ["a"], "by": "region", "form": "line"}, "form"),
        ({"kind": "chart", "kpis": ["a"], "by": "region", "form": "pie"}, "form"),
        ({"kind": "table", "kpis": ["a"]}, "by"),
        ({"kind": "table", "kpis": list("abcdefghi"), "by": "region"}, "kpis"),
        ({"kind": "table", "view": -1}, "view"),
        ({"kind": "table", "view": 2**63}, "view"),
        ({"kind": "table", "view": 1, "rows": 0}, "rows"),
        ({"kind": "table", "view": 1, "rows": 101}, "rows"),
        ({"kind": "text", "text": " \n "}, "text"),
        ({"kind": "text", "text": "x" * 4001}, "text"),
    ],
)
def test_what_is_no_tile_is_refused_at_its_field(values: Any, field: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        tile_of(values, "t1")
    assert refused.value.field == field
    assert len(str(refused.value)) < 400


def test_tiles_have_keys_of_their_own_and_an_end() -> None:
    tiles = tiles_of([KPI, KPI | {"key": "t1"}, KPI])
    assert [tile.key for tile in tiles] == ["t2", "t1", "t3"]
    with pytest.raises(DefinitionError, match="has the key"):
        tiles_of([KPI | {"key": "a"}, KPI | {"key": "a"}])
    with pytest.raises(DefinitionError, match="at most 24"):
        tiles_of([KPI] * (MOST_TILES + 1))
    full = tiles_of([KPI] * MOST_TILES)
    with pytest.raises(DefinitionError, match="at most 24"):
        with_tile(full, Tile("new", "kpi"))
    assert with_tile(full, full[3]) == full
    with pytest.raises(DefinitionError, match="Tile 2: "):
        tiles_of([KPI, {"kind": "kpi"}])


def test_tiles_move_and_grow_step_by_step_and_stop_at_the_ends() -> None:
    tiles = tiles_of([KPI | {"key": key} for key in "abc"])
    keys = lambda made: "".join(tile.key for tile in made)  # noqa: E731
    assert keys(moved(tiles, "b", -1)) == "bac"
    assert keys(moved(tiles, "a", -1)) == "abc"
    assert keys(moved(tiles, "a", 1)) == "bac"
    assert keys(moved(tiles, "c", 1)) == "abc"
    assert keys(moved(tiles, "z", 1)) == "abc"
    widths = [resized(tiles, "a", step)[0].width for step in (-1, 1, 2, 3, 9)]
    assert widths == [3, 4, 6, 12, 12]


def test_a_text_is_drawn_without_any_markup_of_its_own() -> None:
    drawn = marked(
        "# Head <b>\n\nOne *two* **three**\nfour [link](https://example.org/a?b=1&c=2)\n\n"
        '- first\n- <script>alert(1)</script>\n\n[no](javascript:alert(1)) [q](https://x"onclick=1)'
    )
    assert drawn == (
        "<h3>Head &lt;b&gt;</h3><p>One <em>two</em> <strong>three</strong><br>four "
        '<a href="https://example.org/a?b=1&amp;c=2" rel="noreferrer">link</a></p>'
        "<ul><li>first</li><li>&lt;script&gt;alert(1)&lt;/script&gt;</li></ul>"
        "<p>[no](javascript:alert(1)) [q](https://x&quot;onclick=1)</p>"
    )

# ruff: noqa: E501 - one line of the hostile page is one element
"""Frozen pages: nothing is loaded from anywhere, nothing runs, nothing is lost that the page said."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest

from salesops.ui.about import About
from salesops.ui.components import Definition
from salesops.ui.freeze import FreezeAssets, freeze_html, inline_styles
from salesops.ui.page_assets import shell_assets

ABOUT = About(
    title="Home <Q3>",
    made_by="Ana",
    made_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    data_on=date(2017, 12, 31),
    filters=[("Team", "A & B")],
    definitions=[Definition("Win rate", "Won of closed.", "won / (won + lost)", owner="Ops")],
)
PAGE = """<!doctype html><html><head><link rel=stylesheet href=/static/a.css><script src=/x.js></script></head>
<body hx-headers='{"x-csrftoken": "secret"}'><nav><a href="/settings/">Settings</a></nav>
<main class="main"><h1 onclick="alert(1)">Numbers &amp; more</h1>
<p>Win rate is <a href="https://crm.example.com/r/1" class="num" onmouseover="x()">63.15%</a><img src="/logo.png" alt="Logo"></p>
<form action="/save" method="post"><input type="hidden" name="csrfmiddlewaretoken" value="secret"><label>Stage
<select name="s"><option>All</option></select></label><button>Save</button></form>
<svg viewBox="0 0 10 10"><title>Drawn</title><script>evil()</script><rect width="5" height="5"/><use href="/sprite.svg#x"/><image href="http://example.com/p.png"/></svg>
<div class="chart-table" hidden><table><tr><td>42</td></tr></table></div><iframe src="http://example.com"></iframe>
<object data="/x.swf"></object><p style="background:url(http://example.com/p.png)">Styled</p><p>1 &lt; 2</p>
<template><script>later()</script></template><svg><a xlink:href="javascript:alert(1)"><text>linked</text></a></svg>
</main><script>alert(2)</script></body></html>"""


class References(HTMLParser):
    """Every attribute that could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in {
                "src",
                "href",
                "xlink:href",
                "action",
                "data",
                "srcset",
                "poster",
                "formaction",
                "style",
            }:
                self.found.append(f"{tag} {name}={value}")
            if name.startswith(("on", "hx-", "x-")):
                self.found.append(f"{tag} {name}")


def check_self_contained(frozen: str) -> None:
    seen = References()
    seen.feed(frozen)
    assert seen.found == []
    banned = {
        "script",
        "link",
        "iframe",
        "object",
        "form",
        "input",
        "select",
        "button",
        "a",
        "base",
        "use",
        "image",
    }
    assert seen.tags & banned == set()
    outside = [
        found
        for found in re.findall(r"url\(\s*([^)]*)", frozen)
        if not found.strip("\"' ").startswith("data:")
    ]
    assert outside == []
    assert "@import" not in frozen
    assert "secret" not in frozen


def test_a_hostile_page_becomes_self_contained() -> None:
    frozen = freeze_html(PAGE, FreezeAssets(["p { color: red }"]), ABOUT).decode()
    check_self_contained(frozen)
    for kept in ("Numbers &amp; more", "63.15%", "Logo", "Drawn", ">42<", "Styled", "1 &lt; 2", "linked"):
        assert kept in frozen
    assert "Settings" not in frozen
    assert 'viewBox="0 0 10 10"' in frozen
    assert " hidden" not in frozen.split("<style>")[0] + frozen.split("</style>")[1]


def test_about_filters_definitions_and_date_are_appended() -> None:
    frozen = freeze_html(PAGE, FreezeAssets([]), ABOUT).decode()
    for text in (
        "Home &lt;Q3&gt;",
        "Dec 31, 2017",
        "A &amp; B",
        "Won of closed.",
        "won / (won + lost)",
        "Made by",
    ):
        assert text in frozen
    assert "default-src 'none'" in frozen


def test_fonts_go_inside_below_the_limit_and_out_above_it() -> None:
    sheet = '@font-face { font-family: "Inter"; src: url("../vendor/inter.woff2") format("woff2"); }'
    sheet += "p { color: red }"
    inside = inline_styles(FreezeAssets([sheet], {"inter.woff2": b"abc"}))
    assert 'url("data:font/woff2;base64,YWJj")' in inside
    outside = inline_styles(FreezeAssets([sheet], {"inter.woff2": b"abc"}, font_limit=2))
    assert "@font-face" not in outside
    assert "color: red" in outside


def test_style_text_cannot_close_its_element() -> None:
    frozen = freeze_html(
        "<main>x</main>", FreezeAssets(["p::before { content: '</style><script>x</script>' }"]), ABOUT
    )
    assert b"<script" not in frozen.split(b"</style>")[1]
    assert frozen.count(b"</style>") == 1


@pytest.mark.django_db
@pytest.mark.urls("salesops.ui.tests.urls")
def test_the_gallery_freezes(client) -> None:  # type: ignore[no-untyped-def]
    page = client.get("/gallery/").content.decode()
    frozen = freeze_html(page, shell_assets(), ABOUT).decode()
    check_self_contained(frozen)
    for text in ("$8.42M", "Enterprise", "Nothing to draw", "0 of 4 reached it", "Example account 1 "):
        assert text in frozen
    assert len(frozen) < 400_000

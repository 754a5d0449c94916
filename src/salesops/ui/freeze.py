"""Freeze a rendered page into one HTML file that needs no server, no account and no network.

Styles and fonts go inside, scripts and controls go away, links become text, hidden tables are shown, and the
definitions, filters and data date are appended. The file forbids itself every load by its own policy.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

from salesops.ui.about import About

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
FONT_LIMIT = 120_000
"""Fonts go inside while their sum stays below this many bytes; beyond it the reader's own fonts serve."""

_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
_DROP = frozenset(
    [
        "script",
        "noscript",
        "style",
        "template",
        "iframe",
        "object",
        "embed",
        "link",
        "base",
        "meta",
        "head",
        "input",
        "select",
        "textarea",
        "button",
        "datalist",
        "dialog",
        "audio",
        "video",
        "source",
        "track",
        "canvas",
        "map",
        "area",
        "param",
        "applet",
        "frame",
        "frameset",
        "use",
        "image",
        "foreignobject",
        "animate",
        "animatemotion",
        "animatetransform",
        "set",
    ]
)
_DROP_CLASSES = frozenset(
    [
        "sidebar",
        "topbar",
        "skip-link",
        "toasts",
        "nav-scrim",
        "filters",
        "page-actions",
        "pagination-pages",
        "main-tabs",
        "dropzone",
        "menu",
        "card-tools-live",
        "no-freeze",
        "form-actions",
    ]
)
_UNWRAP = frozenset({"a", "form", "label", "html", "body"})
_KEEP_UNWRAPPED = frozenset({"class", "id", "title", "aria-current"})
_KEEP_ATTRIBUTES = frozenset(
    [
        "class",
        "id",
        "role",
        "title",
        "lang",
        "dir",
        "scope",
        "colspan",
        "rowspan",
        "headers",
        "datetime",
        "alt",
        "open",
        "value",
        "max",
        "min",
        "start",
        "reversed",
        "aria-label",
        "aria-labelledby",
        "aria-describedby",
        "aria-hidden",
        "aria-sort",
        "aria-current",
        "data-label",
        "data-tone",
        "data-state",
        "width",
        "height",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "cx",
        "cy",
        "r",
        "rx",
        "ry",
        "d",
        "points",
        "viewbox",
        "preserveaspectratio",
        "fill",
        "stroke",
        "stroke-width",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-dasharray",
        "transform",
        "text-anchor",
        "dx",
        "dy",
        "overflow",
        "vector-effect",
        "focusable",
        "tabindex",
    ]
)
_CASED = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}


@dataclass(frozen=True)
class FreezeAssets:
    """What goes inside: style sheets in order, and fonts by the name their url() ends with."""

    styles: Sequence[str]
    fonts: Mapping[str, bytes] = field(default_factory=dict)
    font_limit: int = FONT_LIMIT


def freeze_html(page: str, assets: FreezeAssets, about: About) -> bytes:
    """One self-contained UTF-8 HTML file of a rendered page.

    Marking an element `class="no-freeze"` leaves it out. Charts keep their drawing and show their table too.
    """
    cleaner = _Cleaner()
    cleaner.feed(_main_part(page))
    cleaner.close()
    style = inline_styles(assets)
    return (
        "<!doctype html>\n"
        '<html lang="en" data-theme="light">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(about.title)}</title>\n<style>\n{style}\n</style>\n</head>\n"
        f'<body class="frozen">\n<main class="main">{cleaner.text()}</main>\n'
        f"{_appendix(about)}\n</body>\n</html>\n"
    ).encode()


def inline_styles(assets: FreezeAssets) -> str:
    """The style sheets as one text without any reference outside: fonts become data, other url() go."""
    allowed = dict(assets.fonts) if sum(map(len, assets.fonts.values())) <= assets.font_limit else {}

    def replace(match: re.Match[str]) -> str:
        reference = match.group(1).strip().strip("\"'")
        if reference.startswith("data:"):
            return f'url("{reference}")'
        for name, content in allowed.items():
            if reference.split("?")[0].split("#")[0].endswith(name):
                return f'url("data:font/woff2;base64,{base64.b64encode(content).decode()}")'
        return 'url("data:,")'

    text = re.sub(r"@import[^;]*;", "", "\n".join(assets.styles))
    text = re.sub(r"url\(\s*((?:\"[^\"]*\"|'[^']*'|[^)]*))\s*\)", replace, text)
    text = re.sub(r"@font-face\s*\{[^}]*url\(\"data:,\"\)[^}]*\}", "", text)
    return text.replace("</", "<\\/")


def _main_part(page: str) -> str:
    """The inside of <main>, or the whole page when it has none."""
    found = re.search(r"<main\b[^>]*>(.*)</main>", page, re.DOTALL | re.IGNORECASE)
    return found.group(1) if found else page


def _appendix(about: About) -> str:
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in about.lines())
    terms = "".join(
        f"<section><h3>{escape(one.term)}</h3><p>{escape(one.sentence)}</p>"
        + (f'<p class="formula">{escape(one.formula)}</p>' if one.formula else "")
        + (f'<p class="small">{escape(one.convention)}</p>' if one.convention else "")
        + (f'<p class="small muted">Owner: {escape(one.owner)}</p>' if one.owner else "")
        + "</section>"
        for one in about.definitions
    )
    defined = f'<h2>Definitions</h2><div class="stack">{terms}</div>' if terms else ""
    return (
        '<footer class="main frozen-about"><section class="card"><div class="card-body stack">'
        f'<h2>About this file</h2><dl class="facts">{facts}</dl>{defined}'
        f'<p class="small muted">A frozen copy made by {escape(about.product)}. '
        "It does not change when the data does.</p>"
        "</div></section></footer>"
    )


class _Cleaner(HTMLParser):
    """Copies what may stay. Everything not known to be harmless is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.skipping: list[str] = []
        self.open: list[tuple[str, str]] = []

    def text(self) -> str:
        """The copy so far, with elements left open closed."""
        return "".join(self.out) + "".join(f"</{written}>" for _, written in reversed(self.open) if written)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.skipping:
            if tag not in _VOID:
                self.skipping.append(tag)
            return
        given = {name: value or "" for name, value in attrs}
        classes = set(given.get("class", "").split())
        live = any(name.startswith("data-view-toggle") for name in given)
        if tag in _DROP or classes & _DROP_CLASSES or live:
            if tag not in _VOID:
                self.skipping.append(tag)
            return
        if tag == "img" and not given.get("src", "").startswith("data:image/"):
            self.out.append(escape(given.get("alt", "")))
            return
        written = {"a": "span", "form": "div", "label": "span", "html": "div", "body": "div"}.get(tag, tag)
        if tag == "a" and any(name == "svg" for name, _ in self.open):
            written = "g"  # a <span> would end the drawing
        kept = [
            (name, value)
            for name, value in given.items()
            if name in _KEEP_ATTRIBUTES and (tag not in _UNWRAP or name in _KEEP_UNWRAPPED)
        ]
        if tag == "img":
            kept.append(("src", given["src"]))
        shown = "".join(f' {_CASED.get(name, name)}="{escape(value)}"' for name, value in kept)
        self.out.append(f"<{written}{shown}>")
        if tag not in _VOID:
            self.open.append((tag, written))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.skipping:
            return
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.skipping:
            if tag in self.skipping:
                while self.skipping.pop() != tag:
                    pass
            return
        if any(name == tag for name, _ in self.open):
            while True:
                name, written = self.open.pop()
                self.out.append(f"</{written}>")
                if name == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            self.out.append(escape(data, quote=False))

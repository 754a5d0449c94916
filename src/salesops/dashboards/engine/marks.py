"""A text tile's words: paragraphs, lists, headings, bold, italic and links, read from plain text.

The answer is a structure, not markup: whoever draws it escapes every piece. What is no mark is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_SPANS = re.compile(
    r"\*\*(?P<bold>[^*\n]+)\*\*|\*(?P<italic>[^*\n]+)\*|"
    r"\[(?P<words>[^\]\n]+)\]\((?P<href>https?://[^\s()<>\"']+)\)"
)


@dataclass(frozen=True)
class Span:
    """A piece of a line; a link has its address."""

    text: str
    mark: Literal["", "bold", "italic", "link"] = ""
    href: str = ""


@dataclass(frozen=True)
class Block:
    """A paragraph (its lines), a heading (one line) or a list (one line an entry)."""

    kind: Literal["paragraph", "heading", "list"]
    lines: tuple[tuple[Span, ...], ...]


def blocks(text: str) -> list[Block]:
    """Text as blocks: ``# `` begins a heading, ``- `` an entry of a list, an empty line a paragraph."""
    found: list[Block] = []
    joined = False
    for raw in text.splitlines():
        line = raw.strip()
        if not line:
            joined = False
            continue
        kind, words = _kind(line)
        if joined and found[-1].kind == kind != "heading":
            found[-1] = Block(kind, (*found[-1].lines, spans(words)))
        else:
            found.append(Block(kind, (spans(words),)))
        joined = True
    return found


def _kind(line: str) -> tuple[Literal["paragraph", "heading", "list"], str]:
    if line.startswith("# ") and line[2:].strip():
        return "heading", line[2:].strip()
    if line.startswith(("- ", "* ")) and line[2:].strip():
        return "list", line[2:].strip()
    return "paragraph", line


def spans(line: str) -> tuple[Span, ...]:
    """One line in pieces."""
    made: list[Span] = []
    at = 0
    for match in _SPANS.finditer(line):
        if match.start() > at:
            made.append(Span(line[at : match.start()]))
        if match["bold"] is not None:
            made.append(Span(match["bold"], "bold"))
        elif match["italic"] is not None:
            made.append(Span(match["italic"], "italic"))
        else:
            made.append(Span(match["words"], "link", match["href"]))
        at = match.end()
    if at < len(line):
        made.append(Span(line[at:]))
    return tuple(made)

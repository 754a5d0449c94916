"""Icons: lucide SVG files drawn inline, so that they take the colour of the text around them."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

ROOM = Path(__file__).parent
VENDOR = ROOM / "static" / "vendor" / "icons"
LISTED = ROOM / "icons.txt"
_BODY = re.compile(r"<svg[^>]*>(.*?)</svg>", re.DOTALL)


class UnknownIcon(ValueError):
    """The name is not in icons.txt."""


@lru_cache(maxsize=1)
def listed() -> frozenset[str]:
    """The names in icons.txt, which set-up copies into static/vendor/icons."""
    lines = LISTED.read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@lru_cache(maxsize=512)
def _body(name: str) -> str:
    if name not in listed():
        raise UnknownIcon(f"icon {name!r} is not listed in ui/icons.txt")
    path = VENDOR / f"{name}.svg"
    if not path.exists():
        return ""  # assets not fetched yet: the text beside the icon carries the meaning
    found = _BODY.search(path.read_text(encoding="utf-8"))
    return re.sub(r"\s+", " ", found.group(1)).strip() if found else ""


@lru_cache(maxsize=1024)
def draw(name: str, size: int = 16, label: str = "") -> SafeString:
    """Inline SVG of a lucide icon, `size` px square. Decorative unless `label` is given.

    Raises UnknownIcon for a name that icons.txt does not list.
    """
    naming = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return mark_safe(  # noqa: S308 - the label is escaped, the rest are our own files
        f'<svg class="icon" width="{int(size)}" height="{int(size)}" viewBox="0 0 24 24" fill="none" '
        f'stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" '
        f'focusable="false" {naming}>{_body(name)}</svg>'
    )

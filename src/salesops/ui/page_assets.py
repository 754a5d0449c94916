"""The style sheets and fonts of the shell, read from the package, for `freeze`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from salesops.ui.freeze import FreezeAssets

STATIC = Path(__file__).parent / "static"
STYLES = ("tokens.css", "base.css", "layout.css", "components.css", "charts.css", "print.css", "frozen.css")
FONTS = ("inter-latin-wght-normal.woff2",)


@lru_cache(maxsize=1)
def shell_assets() -> FreezeAssets:
    """The shell's own styles, and its Latin font where set-up has fetched it (else the reader's fonts)."""
    styles = [(STATIC / "ui" / name).read_text(encoding="utf-8") for name in STYLES]
    fonts = {name: STATIC / "vendor" / "inter" / name for name in FONTS}
    return FreezeAssets(styles, {name: path.read_bytes() for name, path in fonts.items() if path.exists()})

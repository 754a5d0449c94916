"""The business review as PDF, set by Typst: data in, pages out, no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from salesops.reports.quarter import Review, Rows
from salesops.ui import formats
from salesops.ui.cells import NUMERIC, cells_of

LAYOUT = Path(__file__).parent / "templates" / "reports" / "review.typ"
FONTS = (
    "Inter", "Liberation Sans", "Noto Sans", "DejaVu Sans", "Arial", "Noto Sans CJK SC", "Libertinus Serif",
)  # fmt: skip
"""The first of these that the machine has; the last comes with Typst."""


def document(found: Review, *, made_by: str, made_at: datetime) -> dict[str, Any]:
    """What is printed: every text as people read it on the page."""
    base = settings.BASE_URL

    def link(address: str) -> str:
        return f"{base}{address}" if base and address else ""

    made = formats.instant(made_at, ZoneInfo(found.zone))
    return {
        "title": found.title,
        "scope": found.scope,
        "made_by": made_by,
        "foot": (
            f"salesops · data of {formats.day(found.today)}, facts version {found.version} · "
            f"made by {made_by} at {made}"
        ),
        "fonts": list(FONTS),
        "notes": list(found.notes),
        "sections": [
            {
                "title": section.title,
                "said": list(section.said),
                "reason": section.reason[:1].upper() + section.reason[1:],
                "href": link(section.href),
                "figures": [
                    {
                        "title": one.kpi.title,
                        "value": one.text or "\N{EM DASH}",
                        "sample": one.sample,
                        "remark": " ".join(filter(None, (one.reason, one.note))),
                        "href": link(one.href),
                    }
                    for one in section.figures
                ],
                "tables": [_table(table, link) for table in section.tables],
            }
            for section in found.sections
        ],
    }


def _table(table: Rows, link: Any) -> dict[str, Any]:
    title, rows = table.shown()
    columns = table.sheet.columns
    return {
        "title": title,
        "head": [column.heading for column in columns],
        "right": [column.kind in NUMERIC for column in columns],
        "rows": [[text for text, _ in line] for line in cells_of(columns, rows)] if columns else [],
        "links": [link(table.link(row)) if table.link else "" for row in rows],
        "empty": table.empty or "Nothing.",
    }


def pdf(found: Review, *, made_by: str, made_at: datetime) -> bytes:
    """The review as PDF."""
    import typst  # loads a compiler: only where something is printed

    printed = document(found, made_by=made_by, made_at=made_at)
    made: bytes = typst.compile(
        str(LAYOUT), format="pdf", sys_inputs=inputs(printed), timestamp=int(made_at.timestamp())
    )
    return made


def inputs(printed: Mapping[str, Any]) -> dict[str, str]:
    """A document as Typst takes it."""
    return {"review": json.dumps(printed)}

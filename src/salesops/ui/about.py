"""What every exported file says about itself: title, filters, definitions, data date, maker, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from salesops.ui import formats
from salesops.ui.components import Definition


@dataclass(frozen=True)
class About:
    """The statement that goes with an export. `made_at` needs a time zone; nothing here reads the clock.

    `filters` are (label, value) pairs exactly as the page showed them; an empty list says "none".
    """

    title: str
    made_by: str
    made_at: datetime
    data_on: date | None = None
    filters: Sequence[tuple[str, str]] = ()
    definitions: Sequence[Definition] = ()
    notes: Sequence[str] = ()
    zone: tzinfo = UTC
    product: str = "salesops"
    run: str = ""

    def lines(self) -> list[tuple[str, str]]:
        """(label, text) pairs in reading order, without the definitions."""
        pairs = [("Title", self.title)]
        pairs.append(("Data of", formats.day(self.data_on) if self.data_on else "no data date is known"))
        pairs.extend([(f"Filter: {label}", value) for label, value in self.filters] or [("Filters", "none")])
        pairs.append(("Made by", self.made_by))
        pairs.append(("Made at", formats.instant(self.made_at, self.zone)))
        if self.run:
            pairs.append(("Run", f"{self.run}: the same figures can be asked again under this name"))
        pairs.extend(("Note", note) for note in self.notes)
        return pairs

"""Plain values that the templates draw: definitions, tiles, deltas, empty states, steps, events.

They hold exact values and let `formats.Unit` make the text, so that a tile, its title and an export agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from salesops.ui.formats import Exact, Unit

Tone = Literal["ok", "bad", "warn", "info", "brand", "neutral"]
TONES: frozenset[str] = frozenset({"ok", "bad", "warn", "info", "brand", "neutral"})


@dataclass(frozen=True)
class Definition:
    """What a figure means: shown beside it, appended to frozen pages and written into exports."""

    term: str
    sentence: str
    formula: str = ""
    convention: str = ""
    owner: str = ""
    href: str = ""


@dataclass(frozen=True)
class Delta:
    """A change or a comparison under a tile's figure: `text` in a pill, `note` after it.

    `direction` picks the arrow (none for a plain remark); `tone` says whether it is good.
    """

    text: str
    note: str = ""
    direction: Literal["up", "down", "flat", ""] = ""
    tone: Tone = "neutral"

    @property
    def icon(self) -> str:
        """Name of the arrow icon, or of a warning for a remark."""
        arrows = {"up": "trending-up", "down": "trending-down", "flat": "minus"}
        return arrows.get(self.direction, "circle-alert" if self.tone in ("warn", "bad") else "")

    @property
    def spoken(self) -> str:
        """The direction in words, for those who do not see the arrow."""
        return {"up": "up ", "down": "down ", "flat": "unchanged "}.get(self.direction, "")


@dataclass(frozen=True)
class Tile:
    """One KPI tile. `value` None needs a `reason`; `spark` is oldest first and may hold gaps (None)."""

    label: str
    value: Exact | None
    unit: Unit = field(default_factory=Unit)
    reason: str = ""
    delta: Delta | None = None
    note: str = ""
    href: str = ""
    definition: Definition | None = None
    spark: Sequence[Exact | None] = ()
    spark_tone: Literal["1", "warn"] = "1"
    caution: str = ""

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError(f"tile {self.label!r}: an undefined value needs a reason")

    @property
    def text(self) -> str:
        """The short form shown large."""
        return "" if self.value is None else self.unit.short(self.value)

    @property
    def exact(self) -> str:
        """The value in full, for the title attribute; empty where the short form says all."""
        if self.value is None:
            return ""
        full = self.unit.full(self.value)
        return "" if full == self.text else full


@dataclass(frozen=True)
class Action:
    """A link or button an empty state or page offers."""

    label: str
    href: str
    icon: str = ""
    primary: bool = False


@dataclass(frozen=True)
class Empty:
    """Why there is nothing here and what to do next."""

    title: str
    text: str = ""
    icon: str = "inbox"
    actions: Sequence[Action] = ()


@dataclass(frozen=True)
class Step:
    """One step of a stepper."""

    title: str
    state: Literal["done", "current", "todo"] = "todo"
    href: str = ""


@dataclass(frozen=True)
class Event:
    """One entry of a timeline, newest first as the caller orders them."""

    title: str
    when: date | datetime | None = None
    detail: str = ""
    who: str = ""
    tone: Tone = "neutral"
    href: str = ""

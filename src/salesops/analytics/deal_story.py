"""A deal's changes as a person reads them: who, when it held, when it became known, old and new in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from salesops.analytics.deal_columns import label
from salesops.analytics.deal_records import Change, Deal
from salesops.facts.columntypes import from_text
from salesops.ui import formats

SOURCES = {"history": "the CRM's own history", "difference": "found by comparing two exports"}
ECHOES = frozenset({"last_modified_at", "x_system_modstamp", "x_last_modified_date"})
"""Fields that change because another one did: left out where another one is there."""

_LABELS = {"close_on": "Close date", "owner_id": "Owner", "account_id": "Account", "product_id": "Product"}
_FIRST = ("stage", "amount", "close_on", "expected_close_on", "owner_id", "owner_name", "forecast_category")
_PEOPLE = frozenset({"owner_id", "owner_name", "x_last_modified_by_id", "x_created_by_id"})
_TONES = {"won": "ok", "lost": "bad"}


@dataclass(frozen=True)
class Line:
    """One field's change: its label, old and new in words ("" where there was nothing)."""

    field: str
    label: str
    old: str
    new: str


@dataclass(frozen=True)
class Moment:
    """Everything that changed at one moment by one hand.

    Attributes:
        when: the instant it held from, or the day where only the day is known.
        said: the instant in words, in the firm's zone; "" for a day.
        learnt: the instant it was recorded here.
        who: name of who changed it, "" where the source does not say.
        source: in words where the change is known from.
        lines: what changed, the most telling first.
        tone: of its mark on the timeline.
    """

    when: date | datetime | None
    learnt: datetime | None
    who: str
    source: str
    lines: tuple[Line, ...]
    tone: str = "neutral"
    said: str = ""


def moments(deal: Deal, stage_classes: Mapping[str, str] | None = None) -> list[Moment]:
    """The timeline, newest first; it begins with the creation of the deal.

    Args:
        deal: the deal.
        stage_classes: stage -> open, won, lost, for the tone of a change of stage.
    """
    told = []
    for (when, who, source), group in groupby(
        deal.changes, key=lambda c: (c.valid_at, c.changed_by, c.source)
    ):
        changes = list(group)
        wanted = [c for c in changes if c.field not in ECHOES]
        if not wanted:
            continue
        wanted.sort(
            key=lambda c: (_FIRST.index(c.field) if c.field in _FIRST else len(_FIRST), label(c.field))
        )
        stage = next((c.new for c in wanted if c.field == "stage"), None)
        tone = _TONES.get((stage_classes or {}).get(stage or "", ""), "info" if stage else "neutral")
        moment = _when(when, source)
        told.append(
            Moment(
                when=moment,
                said=_instant(moment, deal),
                learnt=changes[0].recorded_at,
                who=deal.people.get(who or "", who or ""),
                source=SOURCES.get(source, source),
                lines=tuple(line(change, deal) for change in wanted),
                tone=tone,
            )
        )
    created = deal.values.get("created_at") or deal.values.get("created_on")
    if created is None or deal.more_changes:
        return told
    birth = Line("created_on", "Created", "", "")
    if told and told[-1].when == created:
        told[-1] = replace(told[-1], lines=(birth, *told[-1].lines))
    else:
        told.append(Moment(created, None, "", "", (birth,), said=_instant(created, deal)))
    return told


def _when(when: datetime, source: str) -> date | datetime:
    """A difference between two exports is known to the day, not to the midnight it is stored at."""
    if source == "difference" and when.astimezone(UTC).time() == time.min:
        return when.astimezone(UTC).date()
    return when


def _instant(when: date | datetime, deal: Deal) -> str:
    return formats.instant(when, ZoneInfo(deal.zone)) if isinstance(when, datetime) else ""


def line(change: Change, deal: Deal) -> Line:
    """One change with its values in words."""
    name = _LABELS.get(change.field) or label(change.field)
    return Line(
        change.field, name, said(change.field, change.old, deal), said(change.field, change.new, deal)
    )


def said(column: str, text: str | None, deal: Deal) -> str:
    """A value of the change log in words: money, days, people; the text itself where it does not fit its type."""
    if text is None or text == "":
        return ""
    if column in _PEOPLE:
        return deal.people.get(text, text)
    kind = deal.kinds.get(column) or {"is_closed": "boolean", "is_won": "boolean"}.get(column, "text")
    return logged(text, kind, currency=deal.values.get("currency") or deal.currency, zone=deal.zone)


def logged(text: str | None, kind: str, *, currency: str = "", zone: str = "UTC") -> str:
    """A text of the change log as a value of its kind in words; the text itself where it does not fit."""
    if text is None or text == "":
        return ""
    try:
        value: Any = from_text(text, kind)  # type: ignore[arg-type]
    except (ValueError, ArithmeticError):
        return text
    return shown(value, kind, currency=currency, zone=zone)


_OF_CHANGES = {"slipped": "date", "pulled": "date", "amount": "money"}
"""Kind of change that Home tells -> kind of its values; the others are texts."""


def ends(row: Mapping[str, Any], currency: str) -> dict[str, str | None]:
    """What stood before and after one of the changes that Home tells, in words.

    Args:
        row: ``kind``, ``old``, ``new`` and ``currency``, that of the deal, in which the log holds amounts.
        currency: the firm's, where the deal names none.
    """
    kind = _OF_CHANGES.get(row["kind"], "text")
    own = row.get("currency") or currency
    return {name: logged(row[name], kind, currency=own) or None for name in ("old", "new")}


def shown(value: Any, kind: str, *, currency: str = "", zone: str = "UTC") -> str:
    """A value as a person reads it; "" for none."""
    if value is None or value == "":
        return ""
    if kind == "boolean" or isinstance(value, bool):
        return "yes" if value else "no"
    if kind == "money" and isinstance(value, Decimal):
        return formats.money_auto(value, currency)
    if kind == "rate" and isinstance(value, Decimal):
        return formats.ratio(value, places=0 if (value * 100) == (value * 100).to_integral_value() else 1)
    if isinstance(value, datetime):
        return formats.instant(value, ZoneInfo(zone))
    if isinstance(value, date):
        return formats.day(value)
    return str(value)


def pushes(changes: Sequence[Change]) -> int:
    """How often the close date was moved later."""
    return sum(
        1
        for c in changes
        if c.field in ("close_on", "expected_close_on") and c.old and c.new and c.new > c.old
    )

"""Stated against actual win shares for one reader: the deals open on a day, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from salesops.analytics.addresses import Address, AddressError
from salesops.analytics.engine.calibration import Error, Stated, counts, error, groups, joined
from salesops.analytics.engine.filters import apply_filters
from salesops.analytics.kept import remembered, state_key
from salesops.analytics.selectors import OpenQuestion, ask
from salesops.core.calendars import Period
from salesops.platform.actors import Actor
from salesops.process.inputs import masked_columns

BY: Mapping[str, str] = {
    "probability": "Stated probability",
    "stage": "Stage",
    "forecast_category": "Forecast category",
    "deal_kind": "Kind of deal",
    "team": "Team",
    "owner_name": "Rep",
}
"""What deals may be grouped by, as they stood on the day."""
QUARTERS = 8
"""Quarter ends to choose from, newest first."""
DEFAULT = 3
"""Which of them is asked for where the address names none: by then most deals have been decided."""


@dataclass(frozen=True)
class Calibration:
    """What was stated on a day, and what became of it.

    Attributes:
        on: the day.
        groups: counts by group.
        total: all groups together.
        error: how far stated probabilities are off.
        reason: why nothing can be told; "" where it can.
    """

    on: date
    groups: tuple[Stated, ...] = ()
    total: Stated | None = None
    error: Error = field(default_factory=Error)
    reason: str = ""


def days(asked: OpenQuestion) -> list[Period]:
    """Past fiscal quarters at whose end one may ask, newest first."""
    calendar, today = asked.frames.firm.calendar, asked.frames.as_of
    quarter = calendar.period("quarter", today)
    return [calendar.shift(quarter, -back) for back in range(1, QUARTERS + 1)]


def calibration(actor: Actor, asked: OpenQuestion, address: Address, on: date | None, by: str) -> Calibration:
    """The deals that the reader saw open on a day under the question's filters, and what became of them.

    Args:
        actor: who reads.
        asked: his open question; its filters hold as the deals stood on the day.
        address: the page's address, for what was known when.
        on: the day, at whose end; None for the default quarter's end.
        by: one of :data:`BY`.

    Raises:
        AddressError: there is no such grouping, or the day lies after the data.
    """
    if by not in BY:
        raise AddressError(f"There is no grouping {by!r:.60}. There are: {', '.join(BY)}.")
    day = on or days(asked)[DEFAULT - 1].last
    if day >= asked.frames.as_of:
        raise AddressError(f"Choose a day before the data's own, {asked.frames.as_of}.")
    hidden = masked_columns(asked.frames) & {"probability", "stage_class", by}
    if hidden:
        names = ", ".join(sorted(name.replace("_", " ") for name in hidden))
        return Calibration(day, reason=f"hidden from your role: {names}")
    key = ("calibration", day, by, repr(asked.filters), *state_key(asked.frames))
    return remembered(key, lambda: _read(actor, asked, address, day, by))


def _read(actor: Actor, asked: OpenQuestion, address: Address, day: date, by: str) -> Calibration:
    manifest = asked.frames.facts.manifest
    question = replace(
        address.question(),
        as_of=day,
        manifest_id=str(manifest.id) if manifest else None,
        known_at=asked.frames.known_at,
    )
    with ask(actor, question) as then:
        before = apply_filters(then.frames.deals, then.filters)
        rows = asked.execute(counts(joined(before, asked.frames.deals, by))).to_pylist()
    found = groups(rows)
    if not any(one.open_then for one in found):
        return Calibration(day, reason="no deal that you see was open on that day")
    if not any(one.decided for one in found):
        return Calibration(day, tuple(found), reason="none of them has been decided since")
    total = Stated(
        None,
        *(
            sum(getattr(one, name) for one in found)
            for name in ("open_then", "decided", "won", "known", "known_won")
        ),
        sum((one.stated for one in found), start=found[0].stated * 0),
    )
    return Calibration(day, tuple(found), total, error(rows))

"""What every number page shares: its scope line, its selects, its filters in words, its sheet of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from salesops.analytics.addresses import TEAM_COLUMNS, Address, NotThereError
from salesops.analytics.choices import extent, period_groups, team_groups
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.selectors import OpenQuestion, kpis
from salesops.analytics.shown import filter_pair, interval_text, period_words, unit_words
from salesops.org.known import PARAMETER
from salesops.platform.actors import Actor
from salesops.platform.roles import Role
from salesops.ui import exports, formats


def kpi_named(name: str) -> Kpi:
    """A declaration by name.

    Raises:
        NotThereError: there is no such number.
    """
    try:
        return kpis([name])[0]
    except KeyError:
        raise NotThereError(f"There is no number named {name!r}.") from None


def whose(actor: Actor, asked: OpenQuestion) -> str:
    """Whose rows the page counts, in words."""
    scope = asked.frames.scope
    if scope.everything:
        return asked.frames.firm.name or "everyone's deals"
    bound = ", as far as the CRM shares them with you" if scope.sharing is not None else ""
    if scope.any_owner:
        return f"everyone's deals{bound}"
    if not scope.owner_ids:
        return "no deals: this account stands for no person in the data"
    more = " and those you work on or are assigned to" if scope.matching or scope.account_ids else ""
    if actor.role == Role.SALES_MANAGER:
        return f"your team's deals ({len(scope.owner_ids)} people){more}{bound}"
    return f"your own deals{more}{bound}"


def day_words(asked: OpenQuestion) -> str:
    """How far into the period the data is: ``day 52 of 92``; "" for a finished period or all data."""
    period, today = asked.period, asked.frames.as_of
    if period is None or not period.contains(today):
        return ""
    return f"day {(today - period.first).days + 1} of {period.days}"


def scope_line(actor: Actor, asked: OpenQuestion, address: Address) -> str:
    """The line under a title: days, whose rows, filters."""
    period = asked.period
    days = f"{formats.day(period.first)} to {formats.day(period.last)}" if period else "every day in the data"
    parts = [days, day_words(asked), whose(actor, asked), address.team.partition(":")[2]]
    if address.as_of:
        parts.append(f"as of {formats.day(asked.frames.as_of)}")
    if not address.known.now:
        parts.append(known_words(asked, address))
    return " · ".join(part for part in parts if part)


def known_words(asked: OpenQuestion, address: Address) -> str:
    """Until when facts and decisions were recorded, and the facts version of then."""
    manifest = asked.frames.facts.manifest
    instant = address.known.known_at
    when = f"on {formats.instant(instant, ZoneInfo(asked.frames.firm.zone))}" if instant else "now"
    return f"as known {when}, facts version {manifest.id if manifest else 'none'}"


def known_query(address: Address, *others: str) -> str:
    """A query string that keeps what was known when, after other pairs; "" where there is nothing to say."""
    again = urlencode({PARAMETER: address.known.text}) if address.known.text else ""
    return "&".join(filter(None, (*others, again)))


def filter_words(actor: Actor, asked: OpenQuestion, address: Address) -> list[tuple[str, str]]:
    """Period, rows and filters as pairs, for a file that says what it holds."""
    pairs = [("Period", period_words(asked.period)), ("Rows", whose(actor, asked))]
    if address.team:
        column, _, value = address.team.partition(":")
        pairs.append((TEAM_COLUMNS[column], value))
    if address.as_of:
        pairs.append(("As of", formats.day(asked.frames.as_of)))
    if not address.known.now:
        pairs.append(("As known", known_words(asked, address).removeprefix("as known ")))
    return [*pairs, *map(filter_pair, address.filters)]


def selects(asked: OpenQuestion, address: Address) -> dict[str, Any]:
    """Period and team selects of a page's head."""
    found = extent(asked.frames)
    return {
        "period_groups": period_groups(asked.frames.firm.calendar, found, asked.frames.today, address),
        "team_groups": team_groups(found, address),
        "address": address,
    }


def chips(address: Address, query: Callable[[Address], str] = Address.query) -> list[dict[str, str]]:
    """The filters in force, each with the address that is left without it; ``query`` writes that address."""
    found = []
    for place, item in enumerate(address.filters):
        rest = replace(address, filters=(*address.filters[:place], *address.filters[place + 1 :]))
        found.append({"text": " ".join(filter_pair(item)), "href": query(rest) or "?"})
    return found


def numbers_sheet(pairs: Sequence[tuple[Kpi, KpiValue]], currency: str) -> exports.Sheet:
    """Numbers of several units as one sheet: the value exact, its unit beside it."""
    rows = [
        {
            "number": kpi.title,
            "name": kpi.name,
            "value": value.value,
            "unit": unit_words(kpi, currency),
            "reason": value.reason,
            "n": value.n,
            "notes": " ".join([*filter(None, [interval_text(value)]), *value.notes]),
        }
        for kpi, value in pairs
    ]
    return exports.Sheet(
        "Numbers",
        [
            exports.Column("number", "Number", width=34),
            exports.Column("value", "Value", "number"),
            exports.Column("unit", "Unit"),
            exports.Column("n", "Rests on", "integer"),
            exports.Column("reason", "Why there is no value", width=48),
            exports.Column("notes", "Notes", width=60),
            exports.Column("name", "Name"),
        ],
        rows,
    )

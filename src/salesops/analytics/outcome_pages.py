"""The page of the four outcomes and of the reps at quota."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from salesops.analytics import outcome_parts as parts
from salesops.analytics.addresses import Address, AddressError, read, reads_address
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.outcomes import Against, Line, Outcomes, outcomes
from salesops.analytics.page_parts import chips, filter_words, scope_line, selects
from salesops.analytics.selectors import ask
from salesops.analytics.shown import definition_of, unique
from salesops.platform.actors import Actor
from salesops.ui import formats
from salesops.ui.components import Definition, Empty
from salesops.ui.tables import Column, Table

NO_QUOTA = "carries no quota"


@require_safe
@freezable
@reads_address
def outcomes_page(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Whether forecast, cycle, productivity, data and reps at quota are better than they were."""
    address = read(request.GET, default="quarter")
    with ask(actor, address.question()) as asked:
        against = against_named(request.GET.get("against", ""), asked.period.kind if asked.period else "")
        found = outcomes(actor, address, against)
        lines = parts.rows(found)
        scope = scope_line(actor, asked, address)
        context: dict[str, Any] = {
            "title": f"Outcomes, {found.period.title}",
            "scope": scope,
            "reading": parts.reading(found),
            "against": against,
            "againsts": list(parts.AGAINST.items()),
            "found": found,
            "table": _table(lines, found, address),
            "reps": _reps(found, address),
            "rules": _rules(found),
            "chips": chips(address),
            "notes": unique([*asked.frames.notes, *found.notes]),
            **selects(asked, address),
        }
        frozen = Frozen(
            title=f"{context['title']}, {scope}",
            name=f"outcomes {found.period.label} {against}",
            data_on=asked.frames.today,
            filters=[
                *filter_words(actor, asked, address),
                ("Read on", formats.day(found.day)),
                ("Compared with", f"{found.earlier.title}, read on {formats.day(found.day_then)}"),
            ],
            definitions=[_definition(line) for line in found.lines],
            notes=[context["reading"], *context["notes"]],
            sheets=lambda: parts.sheets(found),
            zone=asked.frames.firm.zone,
        )
    return page(request, "analytics/outcomes.html", context, frozen)


def against_named(name: str, kind: str) -> Against:
    """What an address compares with.

    Raises:
        AddressError: there is nothing of that name.
    """
    if not name:
        return parts.default_against(kind)
    if name not in parts.AGAINST:
        raise AddressError(f"Compare with {' or '.join(parts.AGAINST)}, not {name!r:.40}.")
    return cast("Against", name)


def _definition(line: Line) -> Definition:
    if line.kpi is not None:
        return definition_of(line.kpi)
    return Definition(parts.CLEAN_TITLE, parts.CLEAN_SENTENCE, "deals without a fault / deals", "", "", "")


def _or_dash(key: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: row[key] or "\u2014"


def _table(lines: list[dict[str, Any]], found: Outcomes, address: Address) -> Table:
    def href(row: dict[str, Any]) -> str | None:
        if row["name"] == "clean_records":
            return reverse("faults")
        return address.to("number", row["name"], period=row["period"])

    return Table(
        "Now and then",
        [
            Column("title", "Number", "lead"),
            Column("now_text", "Now", "number", render=_or_dash("now_text")),
            Column("then_text", "Then", "number", render=_or_dash("then_text")),
            Column("change_text", "Change", "number", render=_or_dash("change_text")),
            Column("verdict", "Verdict", "status"),
            Column("outcome", "Outcome", phone=False),
            Column("period", "Of", phone=False),
            Column("period_then", "Against", phone=False),
            Column("why", "Why", phone=False),
        ],
        lines,
        id="outcomes",
        live=False,
        row_href=href,
        noun="numbers",
        empty=Empty("Nothing to show", "No number can be read.", "target"),
    )


def _reps(found: Outcomes, address: Address) -> Table:
    def share(key: str) -> Callable[[dict[str, Any]], str]:
        return lambda row: formats.ratio(row[key], places=0) if row[key] is not None else "\u2014"

    return Table(
        "Reps with a quota",
        [
            Column("name", "Rep", "lead"),
            Column("attained", "Attained", "number", render=share("attained")),
            Column("attained_then", "Then", "number", render=share("attained_then")),
            Column("word", "What changed", "status"),
            Column("won", "Won", "money", currency=found.currency, phone=False, reason=NO_QUOTA),
            Column("quota", "Quota", "money", currency=found.currency, phone=False, reason=NO_QUOTA),
        ],
        [parts.rep_row(rep) for rep in found.reps],
        id="reps",
        live=False,
        row_href=lambda row: address.to("one_to_one", row["owner_id"], team=""),
        noun="reps",
        empty=Empty("Nobody", f"It can't be told: {found.reps_reason}.", "users"),
    )


def _rules(found: Outcomes) -> Table:
    def count(key: str) -> Callable[[dict[str, Any]], str]:
        return lambda row: f"{row[key]:,}" if row[key] is not None else "\u2014"

    def share(key: str) -> Callable[[dict[str, Any]], str]:
        return lambda row: formats.ratio(row[key], places=1) if row[key] is not None else "\u2014"

    none = "No rule finds a fault on either day." if not found.then_reason else "No rule finds a fault now."
    return Table(
        "Faults in the data",
        [
            Column("title", "Fault", "lead"),
            Column("faulty", "Deals at fault", "number", render=count("faulty")),
            Column("share", "Of those judged", "number", render=share("share")),
            Column("faulty_then", "At fault then", "number", render=count("faulty_then"), phone=False),
            Column("share_then", "Of those judged then", "number", render=share("share_then")),
        ],
        [parts.rule_row(line) for line in found.rules],
        id="rules",
        live=False,
        noun="rules",
        empty=Empty("None", none, "circle-check"),
    )

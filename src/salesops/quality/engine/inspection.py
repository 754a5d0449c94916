"""What an inspection of the open pipeline looks for: rules on deals, and on what the change log and the tables
beside the deals tell of them. A rule of the list of deals means the same here.

Rules of this module read, beside the columns of a deal:

- ``stage_days``: days since the deal entered the stage it stands in;
- ``stage_limit``: days within which nine of ten stays of won deals in that stage ended, empty where too few did;
- ``pushed``: how often its close date was moved to a later fiscal quarter;
- ``contact_count``: contacts that have a role on it;
- ``touched_on``: last day that somebody worked on it, ``planned_on``: next day that something is planned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import ibis
import ibis.expr.types as ir

from salesops.quality.engine import catalogue
from salesops.quality.engine.rules import Rule, RuleContext

MOST_PUSHES = 3
FEWEST_CONTACTS = 2


def _open(t: ir.Table, c: RuleContext) -> ir.BooleanValue:
    return t.stage_class == "open"


def _since(t: ir.Table) -> ir.DateValue:
    """The last day somebody worked on the deal; its creation where nobody ever did."""
    return ibis.coalesce(t.touched_on, t.created_on)


def _quiet(code: str, days: int, severity: str, fix: str) -> Rule:
    return Rule(
        code,
        f"Open deal without an activity for {days} days, and none planned",
        "inspected",
        severity,  # type: ignore[arg-type]
        "touched_on",
        lambda t, c: _open(t, c) & _since(t).notnull(),
        lambda t, c: t.planned_on.isnull() & (_since(t) < ibis.literal(c.as_of - timedelta(days=days))),
        fix,
    )


STALLED = Rule(
    "DQ27S",
    "Longer in its stage than nine of ten won deals were",
    "inspected",
    "high",
    "stage",
    lambda t, c: _open(t, c) & t.stage_days.notnull() & t.stage_limit.notnull(),
    lambda t, c: t.stage_days > t.stage_limit,
    "Agree on what moves it on, or close it.",
)
SLIPPED = Rule(
    "DQ04S",
    "Close date past, or moved to a later quarter",
    "inspected",
    "high",
    "expected_close_on",
    lambda t, c: _open(t, c) & t.expected_close_on.notnull(),
    lambda t, c: (t.expected_close_on < ibis.literal(c.as_of)) | (t.pushed > 0).fill_null(False),
    "Ask the buyer for the date, and what depends on it.",
)
PUSHED = Rule(
    "DQ04",
    f"Close date moved to a later quarter more than {MOST_PUSHES} times",
    "inspected",
    "high",
    "expected_close_on",
    lambda t, c: _open(t, c) & t.pushed.notnull(),
    lambda t, c: t.pushed > MOST_PUSHES,
    "Review it with the manager, and leave it out of the commit.",
)
SINGLE = Rule(
    "DQ36",
    f"Open deal with fewer than {FEWEST_CONTACTS} contacts",
    "inspected",
    "medium",
    "contact_count",
    lambda t, c: _open(t, c) & t.contact_count.notnull(),
    lambda t, c: t.contact_count < FEWEST_CONTACTS,
    "Meet a second person at the buyer, and add the contact.",
)
QUIET_14 = _quiet("DQ09", 14, "medium", "Get in touch, or plan when to.")
QUIET_30 = _quiet("DQ10", 30, "high", "Get in touch, or give it back.")

RULES: tuple[Rule, ...] = (STALLED, SLIPPED, PUSHED, SINGLE, QUIET_14, QUIET_30)
"""Rules that need more than a deal's own row."""


@dataclass(frozen=True)
class Check:
    """One line of an inspection.

    Attributes:
        name: in addresses.
        title: in a few words.
        rule: what is at fault.
        sentence: which deals the line counts.
        needs: what the data must hold, names of :data:`MISSING`.
        reads: columns that the check looks at beside those its rule names, of other tables with their table.
    """

    name: str
    title: str
    rule: Rule
    sentence: str
    needs: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()


MISSING: Mapping[str, str] = {
    "stage history": "your data has no change of a stage: export the history of stages (opportunity history), "
    "or import the deals regularly",
    "close dates": "your data has no close date of an open deal: export the close date",
    "close history": "your data has no change of a close date: export the history of the deals, "
    "or import them regularly",
    "contact roles": "your data has no contact roles: export the contacts of opportunities",
    "activities": "your data has no activities on deals: export activities (tasks, calls, events)",
    "next steps": "your data has no next step: export it with the deals",
    "creation dates": "your data has no creation date of an open deal: export it with the deals",
    "closed deals": "your data has no closed deal with both its dates to compare with",
    "leavers": "your data does not say who left: export whether a user is active",
}
"""What the data may lack -> why a check can't be made, and what to do about it."""

HISTORY = frozenset({"stage", "stage_class", "pipeline", "created_on", "closed_on"})
"""Columns of a deal that its way through the stages is made of."""
CLOSE = frozenset({"expected_close_on", "close_on", "closed_on"})
"""Columns of a deal that the days it was to close on are made of."""
_ACTIVITY = frozenset(
    {
        "created_on", "last_activity_on", "activities.happened_on", "activities.starts_at", "activities.status",
        "activities.is_automatic", "activities.opportunity_id",
    }
)  # fmt: skip

CHECKS: tuple[Check, ...] = (
    Check(
        "stalled",
        "Stalled",
        STALLED,
        "Open deals that have stood in their stage for longer than nine of ten stays of won deals in it took.",
        ("stage history",),
        HISTORY,
    ),
    Check(
        "slipped",
        "Slipped",
        SLIPPED,
        "Open deals whose close date is past or was moved to a later fiscal quarter.",
        ("close dates",),
        CLOSE,
    ),
    Check(
        "overdue",
        "Close date past",
        catalogue.RULES["DQ01"],
        "Open deals that were to close before today.",
        ("close dates",),
        CLOSE,
    ),
    Check(
        "pushed",
        f"Pushed more than {MOST_PUSHES} times",
        PUSHED,
        f"Open deals whose close date was moved to a later fiscal quarter more than {MOST_PUSHES} times.",
        ("close history",),
        CLOSE,
    ),
    Check(
        "no_close_date",
        "No close date",
        catalogue.RULES["DQ02"],
        "Open deals that nobody expects on any day.",
        ("close dates",),
        CLOSE,
    ),
    Check(
        "ghost",
        "Ghost pipeline",
        catalogue.RULES["DQ27"],
        "Open deals that are older than any closed deal was when it closed.",
        ("creation dates", "closed deals"),
        frozenset({"created_on", "closed_on"}),
    ),
    Check(
        "quiet_14",
        "No activity for 14 days",
        QUIET_14,
        "Open deals that nobody worked on for more than 14 days and for which nothing is planned.",
        ("activities",),
        _ACTIVITY,
    ),
    Check(
        "quiet_30",
        "No activity for 30 days",
        QUIET_30,
        "Those of them that nobody worked on for more than 30 days.",
        ("activities",),
        _ACTIVITY,
    ),
    Check(
        "no_next_step",
        "No next step",
        catalogue.RULES["DQ07"],
        "Open deals without a next step.",
        ("next steps",),
    ),
    Check(
        "single_threaded",
        "Single-threaded",
        SINGLE,
        f"Open deals on which fewer than {FEWEST_CONTACTS} contacts have a role.",
        ("contact roles",),
        frozenset({"opportunity_contacts.contact_id", "opportunity_contacts.opportunity_id"}),
    ),
    Check(
        "owner_left",
        "Owner left",
        catalogue.RULES["DQ37"],
        "Open deals of somebody who is no longer active.",
        ("leavers",),
        frozenset({"owner_id"}),
    ),
)
"""Every line of an inspection, in its order."""

BY_NAME: Mapping[str, Check] = {check.name: check for check in CHECKS}

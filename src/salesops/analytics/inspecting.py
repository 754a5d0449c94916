"""Open deals as an inspection reads them, for one reader: what the data can answer, the rows, the evidence.

How long stays usually take is told from the won deals of the whole firm, whoever asks: a rep has too few of
his own, and a percentile of a stage over at least :data:`FLOOR` stays tells of no single deal. Everything else
is the reader's own rows; what belongs to a deal he sees (changes, contacts, activities) he sees too.
See docs/explanation/inspection.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine import inspected as engine
from salesops.analytics.engine.inspected import ADDED
from salesops.analytics.engine.journeys import PATH, Journeys
from salesops.analytics.engine.masking import reason_of
from salesops.analytics.engine.paces import FLOOR, Place, Usual
from salesops.analytics.event_inputs import journeys, usual_paces
from salesops.analytics.flags import TONES, Flag, sentence
from salesops.analytics.kept import remembered, state_key
from salesops.analytics.selectors import hidden_from
from salesops.facts.days import local_date
from salesops.facts.scope import Scope
from salesops.process.inputs import Frames, deals_of
from salesops.quality.engine.inspection import (
    CHECKS,
    MISSING,
    PUSHED,
    QUIET_14,
    QUIET_30,
    RULES,
    SINGLE,
    SLIPPED,
    STALLED,
    Check,
)
from salesops.quality.engine.rules import Rule, RuleContext, both, columns_of
from salesops.ui import formats

_CLOSE_FIELDS = ("close_on", "expected_close_on")


@dataclass(frozen=True)
class Ground:
    """What an inspection rests on beside the reader's rows; the same for all readers from whom the same is hidden.

    Attributes:
        usual: pace of each stage, of the firm's won deals.
        there: what the data holds, names of ``MISSING``.
    """

    usual: Mapping[Place, Usual]
    there: frozenset[str]


def ground(frames: Frames) -> Ground:
    """The ground of an inspection; kept while facts and decisions stay the same."""
    whole = Scope(everything=True, masked=frames.scope.masked)
    return remembered(
        ("inspection ground", *state_key(replace(frames, scope=whole))), lambda: _ground(frames, whole)
    )


def _ground(frames: Frames, whole: Scope) -> Ground:
    facts, deals, tables = frames.facts, deals_of(frames, whole), frames.facts.tables()
    is_open = deals.stage_class == "open"
    closed = deals.stage_class.isin(["won", "lost"]) & deals.closed_on.notnull() & deals.created_on.notnull()
    asked = deals.agg(
        **{
            "close dates": deals.expected_close_on.count(where=is_open),
            "creation dates": deals.created_on.count(where=is_open),
            "closed deals": deals.count(where=closed),
            "next steps": deals.next_step.nullif(ibis.literal("")).count(),
            # Somebody of whom nothing is said counts as active.
            "leavers": deals.count(where=is_open & (deals.owner_active == ibis.literal(False))),
            "activities": deals.last_activity_on.count(where=is_open),
        }
    )
    counts: dict[str, Any] = facts.execute(asked).to_pylist()[0]
    for table, name, column in (
        ("opportunity_contacts", "contact roles", "contact_id"),
        ("activities", "activities", "opportunity_id"),
    ):
        if table in tables:
            rows = facts.read(table, whole)
            found = facts.execute(rows.agg(n=rows[column].count())).to_pylist()[0]["n"]
            counts[name] = counts.get(name, 0) + found
    if "users" in tables:
        users = facts.read("users", Scope.all())
        told = users.count(where=users.is_active.notnull() | users.left_on.notnull())
        counts["leavers"] += facts.execute(users.agg(n=told)).to_pylist()[0]["n"]
    pace: Mapping[Place, Usual] = {}
    if "changes" in tables:
        changes = facts.changes(whole, object="opportunities")
        stages = changes.field == "stage"
        found = facts.execute(
            changes.agg(
                stages=changes.count(where=stages),
                closes=changes.count(where=changes.field.isin(_CLOSE_FIELDS) & changes.old.notnull()),
            )
        ).to_pylist()[0]
        counts |= {"stage history": found["stages"], "close history": found["closes"]}
        if found["stages"]:
            pace = usual_paces(frames, frames.as_of)
    return Ground(pace, frozenset(name for name, n in counts.items() if n))


def reason_against(check: Check, frames: Frames, on: Ground, context: RuleContext) -> str:
    """Why a check can't be made for a reader; "" where it can."""
    rule = check.rule
    schema = frames.deals.schema()
    reads = check.reads | (
        columns_of(rule, schema, context) if rule not in RULES else frozenset({rule.column})
    )
    if hidden := hidden_from(frames) & reads:
        return reason_of(hidden)
    for name in check.needs:
        if name not in on.there:
            return MISSING[name]
    if rule is STALLED and not any(pace.days is not None for pace in on.usual.values()):
        most = max((pace.stays for pace in on.usual.values()), default=0)
        return (
            f"not enough data: {FLOOR} stays of won deals in a stage tell how long they usually take, "
            f"and no stage has more than {most}"
        )
    if check.name == "ghost" and context.longest_cycle is None:
        return MISSING["closed deals"]
    return ""


def answered(frames: Frames, on: Ground, context: RuleContext) -> list[tuple[Check, str]]:
    """Every check with why it can't be made, "" where it can."""
    return [(check, reason_against(check, frames, on, context)) for check in CHECKS]


def inspected_deals(frames: Frames, deals: ir.Table, on: Ground, deal_id: str = "") -> ir.Table:
    """A reader's open deals with the columns that checks look at.

    Args:
        frames: the reader's frames.
        deals: his open deals.
        on: what :func:`ground` gives.
        deal_id: the one deal that is asked about; "" for all of them.
    """
    facts, there = frames.facts, on.there
    beside = frames.scope.through_parent()
    parts: dict[str, Any] = {}
    if {"stage history", "close history"} & there:
        over = _paths(frames, deals.select(*PATH), beside, deal_id)
        if "stage history" in there:
            parts |= {"stands": engine.since(over.visits()), "usually": on.usual}
        if "close history" in there:
            parts["moved"] = engine.pushes(over.close_moves(frames.firm.calendar))
    if "contact roles" in there:
        parts["roles"] = engine.contacts(_of(facts.read("opportunity_contacts", beside), deals, deal_id))
    if "activities" in there and "activities" in facts.tables():
        acts = _of(facts.read("activities", beside), deals, deal_id)
        parts["work"] = engine.worked(acts, lambda at: local_date(at, frames.firm.zone), frames.as_of)
    return engine.inspected(deals, frames.as_of, **parts)


def _paths(frames: Frames, deals: ir.Table, beside: Scope, deal_id: str) -> Journeys:
    """The ways of some deals: of the log only their changes, which is far less than all of it."""
    changes = frames.facts.changes(beside, object="opportunities")
    changes = changes.filter(changes.field.isin(["stage", *_CLOSE_FIELDS]))
    mine = changes.object_id == deal_id if deal_id else changes.object_id.isin(deals.id)
    return replace(journeys(frames), deals=deals, changes=changes.filter(mine))


def _of(rows: ir.Table, deals: ir.Table, deal_id: str) -> ir.Table:
    """The rows that belong to some deals, or to one."""
    return rows.filter(rows.opportunity_id == deal_id if deal_id else rows.opportunity_id.isin(deals.id))


# --- Words ---------------------------------------------------------------------------------------

WORDS: Mapping[str, str] = {
    STALLED.code: "Stalled",
    SLIPPED.code: "Slipped",
    PUSHED.code: "Pushed often",
    SINGLE.code: "Single-threaded",
    QUIET_14.code: "Quiet 14 days",
    QUIET_30.code: "Quiet 30 days",
}
"""Rule -> the words of its pill."""


def evidence(rule: Rule, row: Mapping[str, Any], context: RuleContext) -> str:
    """The values that a rule of this room rests on, in a sentence; those of other rules by their own words."""
    today = context.as_of
    if rule is STALLED:
        return (
            f"In {row['stage']} for {formats.days(row['stage_days'])}; 90% of won deals left it within "
            f"{row['stage_limit']:,} (n = {row['stage_stays']:,})."
        )
    if rule in (SLIPPED, PUSHED):
        return _slipped(row, today)
    if rule is SINGLE:
        n = row["contact_count"]
        return f"{n or 'No'} contact{'' if n == 1 else 's'} {'has' if n == 1 else 'have'} a role on it."
    if rule in (QUIET_14, QUIET_30):
        last = row["touched_on"]
        if last is None:
            since = formats.days((today - row["created_on"]).days)
            return f"No activity since it was created on {formats.day(row['created_on'])}, {since} ago; none planned."
        return f"Last activity on {formats.day(last)}, {formats.days((today - last).days)} ago; none planned."
    return sentence(rule, row, context)


def _slipped(row: Mapping[str, Any], today: date) -> str:
    parts = []
    if n := row["pushed"] or 0:
        times = "once" if n == 1 else f"{n:,} times"
        parts.append(f"Moved to a later quarter {times}, from {formats.day(row['pushed_from'])}")
    close = row["expected_close_on"]
    if close is not None and close < today:
        gap = formats.days((today - close).days)
        parts.append(f"{'expected' if parts else 'Expected'} to close on {formats.day(close)}, {gap} ago")
    elif close is not None:
        parts.append(f"now expected on {formats.day(close)}")
    return "; ".join(parts) + "."


def deal_flags(frames: Frames, deal: Mapping[str, Any], context: RuleContext) -> list[Flag]:
    """Flags of one open deal that its own row does not tell: for its page.

    A slip that is but a past date, and the shorter silence beside the longer one, are left to the other flag.
    """
    if deal["stage_class"] != "open":
        return []
    key = ("inspected deal", deal["id"], *state_key(frames))
    return remembered(key, lambda: _deal_flags(frames, deal, context))


def _deal_flags(frames: Frames, deal: Mapping[str, Any], context: RuleContext) -> list[Flag]:
    on = ground(frames)
    checks = [c for c, reason in answered(frames, on, context) if not reason and c.rule in RULES]
    if not checks:
        return []
    mine = frames.deals.filter(frames.deals.id == deal["id"])
    rows = inspected_deals(frames, mine.select(*_OF_A_DEAL), on, deal["id"])
    flagged = rows.select(*ADDED, **{c.rule.code: both(rows, c.rule, context) for c in checks})
    found = {**deal, **frames.facts.execute(flagged).to_pylist()[0]}
    codes = {c.rule.code for c in checks if found[c.rule.code]}
    if not found["pushed"]:
        codes.discard(SLIPPED.code)
    if QUIET_30.code in codes:
        codes.discard(QUIET_14.code)
    if PUSHED.code in codes:
        codes.discard(SLIPPED.code)
    return [flag_of(c.rule, found, context) for c in checks if c.rule.code in codes]


_OF_A_DEAL = (*PATH, "expected_close_on", "last_activity_on")


def flag_of(rule: Rule, row: Mapping[str, Any], context: RuleContext) -> Flag:
    """A flag of this room with its evidence."""
    return Flag(
        rule.code,
        WORDS.get(rule.code, rule.title),
        TONES[rule.severity],
        rule.title,
        rule.fix,
        evidence(rule, row, context),
    )

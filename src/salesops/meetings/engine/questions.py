"""Which open deals decide the gap, and the question that each of them needs answered.

One deal gets one question: that of the gravest thing that speaks against it. The order of graveness is the
order of :data:`QUESTIONS`; what speaks is decided elsewhere (rules of data quality, the change log).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

OFTEN = 2
"""Times a close date was moved later from which on that is what to ask about."""


@dataclass(frozen=True)
class Open:
    """An open deal as the meeting looks at it.

    Attributes:
        flags: codes of the rules that speak against it.
        pushed: how often its close date was moved later.
        due: expected close, None where none is known.
        category: forecast category, "" where none is known.
        activity: day of the last activity, None where none is known.
    """

    flags: frozenset[str]
    pushed: int
    due: date | None
    category: str = ""
    activity: date | None = None


def question(deal: Open, today: date) -> str:
    """The one question to ask of a deal."""
    if deal.due is not None and deal.due < today:
        late = (today - deal.due).days
        return f"It was to close {late} day{'' if late == 1 else 's'} ago. Which new day did the buyer name, and why?"
    if "DQ27" in deal.flags:
        return "It is older than any deal that was ever closed here. What makes this one alive, or shall it be closed?"
    if deal.pushed >= OFTEN:
        return f"Its close date has moved later {deal.pushed} times. What did the buyer say this time that is new?"
    for code, text in QUESTIONS:
        if code in deal.flags:
            return text
    if deal.activity is not None and (quiet := (today - deal.activity).days) > QUIET:
        return f"Nothing has been logged for {quiet} days. When did we last speak with the buyer, and what was said?"
    if deal.category == "commit":
        return f"It is committed. What could still stop it{_before(deal.due)}?"
    if deal.due is None:
        return "What must the buyer do next, and by which day?"
    return f"What must happen for it to close{_before(deal.due)}, and who does it?"


QUIET = 14
"""Days without an activity from which on that is what to ask about (rule DQ09)."""

QUESTIONS: tuple[tuple[str, str], ...] = (
    ("DQ37", "Its owner has left. Who has it now, and has the buyer been told?"),
    ("DQ37N", "Nobody owns it. Who takes it?"),
    ("DQ12", "It has no amount. What will they pay, and who on their side said so?"),
    ("DQ13", "Its amount is below zero. What is it really worth?"),
    ("DQ02", "It has no close date. By which day do they need it, and why then?"),
    ("DQ07", "It has no next step. What is agreed with the buyer, for which day?"),
    ("DQ27U", "Nobody has said what its stage means. Where does it really stand?"),
    ("DQ40", "It names no account. Who is buying?"),
    ("DQ03", "Its close date is far ahead. Is it a deal of this period at all?"),
)
"""Rule -> question, gravest first; a past close date, age and pushes go before them all."""


def _before(due: date | None) -> str:
    return f" before {due:%b} {due.day}, {due.year}" if due is not None else ""


def part_of_gap(worth: Decimal | None, gap: Decimal | None) -> Fraction | None:
    """How much of the gap one deal would close; None where either is unknown or nothing is left to close."""
    if worth is None or gap is None or gap <= 0:
        return None
    return Fraction(worth) / Fraction(gap)

"""What page, files and REST say of the outcomes: sentences, rows and sheets."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from salesops.analytics.engine.figure import Figure, exact, to_decimal
from salesops.analytics.outcomes import A_YEAR, Against, Line, Outcomes, RepLine, RuleLine, said_of
from salesops.analytics.shown import MULTIPLES, unit_of, value_text
from salesops.ui import exports, formats

CLEAN_TITLE = "Clean records"
CLEAN_SENTENCE = (
    "The share of deals without a fault by any rule of data quality that could be judged on both days."
)
VERDICTS = {
    "better": ("better", "ok"),
    "worse": ("worse", "bad"),
    "same": ("the same", "neutral"),
    "unknown": ("can't be told", "neutral"),
}
SURE = {
    "confirmed": ", beyond noise",
    "noise": ", within noise",
    "unknown": ", noise not known",
    "": "",
}
CHANGES = {
    "reached": ("reached quota, did not then", "ok"),
    "still_at": ("at quota, as then", "ok"),
    "joined_at": ("at quota, carried none then", "ok"),
    "lost": ("below quota, was at it then", "bad"),
    "still_below": ("below quota, as then", "neutral"),
    "joined_below": ("below quota, carried none then", "neutral"),
    "gone": ("carries no quota now", "neutral"),
    "at": ("at quota; of then it can't be told", "ok"),
    "below": ("below quota; of then it can't be told", "neutral"),
    "unseen": ("had a quota then; of now it can't be told", "neutral"),
}
AGAINST: dict[Against, str] = {
    "year": "the same days a year before",
    "period": "the same days of the period before",
}


def default_against(kind: str) -> Against:
    """What a period of a kind is compared with where nobody says."""
    return "year" if kind in A_YEAR else "period"


def reading(found: Outcomes) -> str:
    """The page in one or two sentences."""
    told = [one for one in found.lines if one.lead and one.goal.key and one.better != "unknown"]
    against = f"{found.earlier.title}, read on {formats.day(found.day_then)}"
    if not told:
        first = next(line for line in found.lines if line.lead)
        return f"Nothing can be compared with {against}: {first.then.reason or first.now.reason}."
    words = f"{found.improved} of {found.of} outcomes are better than in {against}"
    if len(told) < found.of:
        words += f"; {found.of - len(told)} can't be told"
    said = [said_of(one) for one in told if one.better == "better"]
    if sure := said.count("confirmed"):
        words += f"; {sure} of them beyond noise"
    elif said and "unknown" not in said:
        words += "; none of them beyond noise"
    if said and (open_ := said.count("unknown")):
        words += f"; noise is not known of {open_}"
    return f"{words}.{_quota_words(found)}"


def _quota_words(found: Outcomes) -> str:
    now = [rep for rep in found.reps if rep.now is not None]
    then = [rep for rep in found.reps if rep.then is not None]
    if not now:
        return ""
    at = sum(rep.now is not None and rep.now[0] >= rep.now[1] for rep in now)
    before = sum(rep.then is not None and rep.then[0] >= rep.then[1] for rep in then)
    told = f" {at} of {len(now)} reps {'is' if at == 1 else 'are'} at or over quota"
    return f"{told}, {before} of {len(then)} then." if then else f"{told}."


def title_of(line: Line) -> str:
    """The number's title."""
    return CLEAN_TITLE if line.kpi is None else line.kpi.title


def text_of(line: Line, figure: Figure, currency: str) -> str:
    """A value in full; "" where there is none."""
    if figure.value is None:
        return ""
    if line.kpi is None:
        return formats.ratio(figure.value, places=1)
    return value_text(line.kpi, figure.value, currency)


def change_text(line: Line, currency: str) -> str:
    """The change with its sign: shares in points."""
    if line.change.value is None:
        return ""
    change = exact(line.change.value)
    sign = "+" if change > 0 else "\u2212" if change < 0 else ""
    if line.kpi is None or (line.kpi.unit == "ratio" and line.kpi.name not in MULTIPLES):
        return f"{sign}{formats.points(to_decimal(abs(change)))}"
    return f"{sign}{unit_of(line.kpi, currency).full(to_decimal(abs(change)))}"


def verdict_words(line: Line) -> str:
    """Better or worse, and how sure."""
    return VERDICTS[line.better][0] + SURE[said_of(line)]


def why(line: Line, currency: str) -> str:
    """What noise was judged by, or why a value is missing."""
    if line.better == "unknown":
        return line.now.reason or line.then.reason
    movement = line.movement
    if movement is None:
        if not line.lead:
            return ""
        return "records are judged on two days only: nothing says how far their share usually moves"
    if movement.verdict == "unknown":
        return movement.reason
    did = {"up": "rose beyond noise", "down": "fell beyond noise", "noise": "lies within noise"}[
        movement.verdict
    ]
    running = "" if line.period == line.judged else f"; {line.period.title} is judged when it is over"
    what = f"the latest whole period{f', {line.judged.title},' if line.judged and running else ''} {did}"
    if movement.p_value is not None:
        return f"{what} (p = {movement.p_value:.2g}, {movement.periods} before it){running}"
    low, high = (_full(line, value, currency) for value in (movement.low, movement.high))
    return f"{what}, which reaches from {low} to {high} ({movement.periods} before it){running}"


def _full(line: Line, value: Fraction | None, currency: str) -> str:
    if value is None or line.kpi is None:
        return ""
    return unit_of(line.kpi, currency).full(to_decimal(value))


def rows(found: Outcomes) -> list[dict[str, Any]]:
    """One row a number."""
    return [
        {
            "outcome": line.goal.title,
            "lead": line.lead,
            "name": line.kpi.name if line.kpi is not None else "clean_records",
            "title": title_of(line),
            "period": line.period.label,
            "now": line.now.value,
            "now_text": text_of(line, line.now, found.currency),
            "now_reason": line.now.reason,
            "rows": line.rows[0],
            "period_then": line.period_then.label,
            "then": line.then.value,
            "then_text": text_of(line, line.then, found.currency),
            "then_reason": line.then.reason,
            "rows_then": line.rows[1],
            "change": line.change.value,
            "change_text": change_text(line, found.currency),
            "better": line.better,
            "noise": said_of(line),
            "said": verdict_words(line),
            "verdict": (verdict_words(line), _tone(line)),
            "why": why(line, found.currency),
        }
        for line in found.lines
    ]


def _tone(line: Line) -> str:
    return VERDICTS[line.better][1] if said_of(line) == "confirmed" else "neutral"


def rep_row(rep: RepLine) -> dict[str, Any]:
    """One owner as page and files show him."""

    def share(side: tuple[Decimal, Decimal] | None) -> Decimal | None:
        return None if side is None else to_decimal(Fraction(side[0]) / Fraction(side[1]))

    words, tone = CHANGES[rep.change]
    return {
        "owner_id": rep.owner_id,
        "name": rep.name,
        "won": rep.now[0] if rep.now else None,
        "quota": rep.now[1] if rep.now else None,
        "attained": share(rep.now),
        "won_then": rep.then[0] if rep.then else None,
        "quota_then": rep.then[1] if rep.then else None,
        "attained_then": share(rep.then),
        "change": rep.change,
        "words": words,
        "word": (words, tone),
    }


def rule_row(line: RuleLine) -> dict[str, Any]:
    """One rule of data quality on both days."""
    return {
        "code": line.rule.code,
        "title": line.rule.title,
        "faulty": line.now[0],
        "judged": line.now[1],
        "share": _share(line.now),
        "faulty_then": line.then[0] if line.then else None,
        "judged_then": line.then[1] if line.then else None,
        "share_then": _share(line.then) if line.then else None,
    }


def _share(of: tuple[int, int]) -> Decimal | None:
    return to_decimal(Fraction(of[0], of[1])) if of[1] else None


def sheets(found: Outcomes) -> list[exports.Sheet]:
    """The scorecard, the owners and the rules as sheets."""
    shown = rows(found)
    text = exports.Column
    return [
        exports.Sheet(
            "Outcomes",
            [
                text("outcome", "Outcome", width=26),
                text("title", "Number", width=26),
                text("period", "Period"),
                text("now", "Value", "number"),
                text("now_text", "As shown"),
                text("period_then", "Compared with"),
                text("then", "Value then", "number"),
                text("then_text", "As shown then"),
                text("change", "Change", "number"),
                text("said", "Verdict", width=26),
                text("why", "Why", width=60),
            ],
            shown,
        ),
        exports.Sheet(
            "Reps",
            [
                text("name", "Rep", width=26),
                text("won", "Won", "money"),
                text("quota", "Quota", "money"),
                text("attained", "Attained", "ratio"),
                text("won_then", "Won then", "money"),
                text("quota_then", "Quota then", "money"),
                text("attained_then", "Attained then", "ratio"),
                text("words", "What changed", width=30),
            ],
            [rep_row(rep) for rep in found.reps],
        ),
        exports.Sheet(
            "Data quality",
            [
                text("code", "Rule"),
                text("title", "Fault", width=40),
                text("faulty", "At fault", "integer"),
                text("judged", "Judged", "integer"),
                text("share", "Share", "ratio"),
                text("faulty_then", "At fault then", "integer"),
                text("judged_then", "Judged then", "integer"),
                text("share_then", "Share then", "ratio"),
            ],
            [rule_row(line) for line in found.rules],
        ),
    ]

"""Numbers on history, activities, leads, spend and bills by plain loops over the raw rows of ``events.Firm``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from salesops.analytics.engine.kpi import Context
from salesops.analytics.tests.deals import inside, median, open_at, ratio
from salesops.analytics.tests.events import (
    ACTIVITY_KINDS,
    CALENDAR,
    FLOOR,
    LOST,
    STAGES,
    WON,
    Firm,
    log_start,
)

Stay = dict[str, Any]


def path(firm: Firm, deal: Mapping[str, Any], log_start: date) -> list[tuple[date | None, str]]:
    """(day entered or None, stage) in time order, as far as the log tells."""
    own = sorted(
        (c for c in firm.changes if c["object_id"] == deal["id"] and c["field"] == "stage"),
        key=lambda c: c["valid_at"],
    )
    known = deal["created_on"] >= log_start
    if own:
        begun = deal["created_on"] if known and deal["created_on"] <= own[0]["valid_at"].date() else None
        return [(begun, own[0]["old"]), *((c["valid_at"].date(), c["new"]) for c in own)]
    return [(deal["created_on"] if known else None, deal["stage"])] if deal["stage_class"] == "open" else []


def stays(firm: Firm, begins: date) -> list[Stay]:
    """Every stay in an open stage, where the firm's log begins on a day."""
    found = []
    for deal in firm.deals:
        walked = path(firm, deal, begins)
        for i, (day, stage) in enumerate(walked):
            if stage not in STAGES:
                continue
            last = i + 1 == len(walked)
            left = deal["closed_on"] if last else walked[i + 1][0]
            after = None if last else walked[i + 1][1]
            if last and deal["stage_class"] != "open":
                after = WON if deal["stage_class"] == "won" else LOST
            found.append(
                {
                    "deal": deal,
                    "stage": stage,
                    "order": STAGES.index(stage),
                    "entered": day,
                    "left": left,
                    "after": after,
                    "current": last and deal["stage_class"] == "open",
                }
            )
    return found


def order_of(stage: str | None) -> int | None:
    """Place of a stage; won beyond all, lost before all."""
    if stage is None:
        return None
    return {WON: 10_000, LOST: -1}.get(stage) if stage in (WON, LOST) else STAGES.index(stage)


def limits_by_hand(whole: Firm, day: date) -> dict[str, int]:
    """Stage -> days within which at least nine of ten stays of deals that the firm had won by a day ended."""
    limits: dict[str, int] = {}
    every = stays(whole, log_start(whole))
    for stage in STAGES:
        took = [
            (s["left"] - s["entered"]).days
            for s in every
            if s["stage"] == stage and s["deal"]["stage_class"] == "won" and s["deal"]["closed_on"] <= day
            if s["left"] and s["entered"]
        ]
        if len(took) >= FLOOR:
            limits[stage] = next(n for n in range(10_000) if 10 * sum(t <= n for t in took) >= 9 * len(took))
    return limits


def stages_by_hand(firm: Firm, context: Context, whole: Firm | None = None) -> dict[str, Any]:
    """Conversion, time and age in stages; where the firm is a part, the log and the limits are those of the whole."""
    period, today = context.period, context.as_of
    begins = log_start(whole or firm)
    every = stays(firm, begins)
    entered = passed = 0
    for deal in firm.deals:
        walked = path(firm, deal, begins)
        if not walked:
            continue
        marks = [(order_of(stage), day) for day, stage in walked]
        if deal["stage_class"] == "won" and deal["closed_on"]:
            marks.append((10_000, deal["closed_on"]))
        for k in range(len(STAGES)):
            here = [day for order, day in marks if order >= k]
            beyond = [day for order, day in marks if order >= k + 1]
            if not here or None in here:
                continue
            if inside(min(here), period):
                entered += 1
                passed += bool(beyond)
    ended = [s for s in every if s["left"] and inside(s["left"], period)]
    done = [s for s in ended if s["entered"]]
    forward = [s for s in ended if order_of(s["after"]) is not None and order_of(s["after"]) > s["order"]]
    between = [s for s in forward if s["after"] in STAGES]
    moved = [s for s in ended if s["after"] in STAGES and s["after"] != s["stage"]]
    days = [(s["left"] - s["entered"]).days for s in done]
    stock = today if period is None else min(period.last, today)
    current = [
        s
        for s in every
        if s["entered"]
        and s["entered"] <= stock
        and (s["current"] if s["left"] is None else s["left"] > stock)
    ]
    age = sum((stock - s["entered"]).days for s in current)
    earlier = sum(
        (e["left"] - e["entered"]).days
        for s in current
        for e in every[: every.index(s)]
        if e["deal"] is s["deal"] and e["stage"] == s["stage"] and e["left"] and e["entered"]
    )
    limits = limits_by_hand(whole or firm, stock)
    compared = [s for s in current if s["stage"] in limits]
    stalled = [s for s in compared if (stock - s["entered"]).days > limits[s["stage"]]]
    result = {
        "stage_conversion": ratio(passed, entered),
        "stage_conversion_snapshot": _snapshot(every, context),
        "stage_skip_rate": ratio(sum(order_of(s["after"]) > s["order"] + 1 for s in between), len(between)),
        "stage_regression_rate": ratio(sum(order_of(s["after"]) < s["order"] for s in moved), len(moved)),
        "time_in_stage": ratio(sum(days), len(days)),
        "time_in_stage_median": median(days),
        "stage_age": ratio(age, len(current)),
        "stage_age_total": ratio(age + earlier, len(current)),
        "stalled_share": ratio(len(stalled), len(compared)),
        "stalled_pipeline": money([s["deal"]["amount"] for s in stalled]) if compared else None,
        "stage_steps": len(forward),
        "pipeline_velocity": None,
    }
    if period is not None:
        length = (min(period.last, today) - period.first).days + 1
        crossed = money([s["deal"]["amount"] for s in forward])
        result["pipeline_velocity"] = None if crossed is None else Fraction(crossed) / length
    return result


def _snapshot(every: list[Stay], context: Context) -> Fraction | None:
    first = context.period.first if context.period else date.min
    last = min(context.period.last, context.as_of) if context.period else context.as_of
    present: dict[tuple[str, str], bool] = {}
    ends: dict[str, int] = {}
    latest: dict[str, tuple[date, int]] = {}
    for stay in every:  # in time order within a deal
        if stay["entered"] and stay["entered"] > last:
            continue
        key = stay["deal"]["id"]
        gone = stay["left"] is not None and stay["left"] <= last
        # Of stays begun on one day the later in the pipeline counts; else the latest begun.
        mark = (stay["entered"] or date.min, stay["order"])
        if key not in latest or mark >= latest[key]:
            latest[key] = mark
            ends[key] = 10_000 if gone and stay["after"] == WON else stay["order"]
        if stay["left"] is None or stay["left"] >= first:
            place = (key, stay["stage"])
            present[place] = present.get(place, False) or gone
    converted = sum(left and ends[key] > STAGES.index(stage) for (key, stage), left in present.items())
    return ratio(converted, len(present))


def money(values: list[Decimal | None]) -> Decimal | None:
    """Sum of known amounts; None where there are rows and no amount."""
    known = [v for v in values if v is not None]
    return None if values and not known else sum(known, Decimal(0))


def moves_by_hand(firm: Firm, context: Context) -> dict[str, Any]:
    """Pushes, slips and commit."""
    period = context.period
    counts = {"push": 0, "delay": 0, "pull_in": 0}
    deals = {d["id"]: d for d in firm.deals}
    for change in firm.changes:
        if change["field"] != "close_on":
            continue
        day, closed = change["valid_at"].date(), deals[change["object_id"]]["closed_on"]
        if not inside(day, period) or (closed is not None and day >= closed):
            continue
        old, new = (date.fromisoformat(change[side]) for side in ("old", "new"))
        before, after = (CALENDAR.period("quarter", d) for d in (old, new))
        if after.first > before.first:
            counts["push"] += 1
        elif after.first < before.first:
            counts["pull_in"] += 1
        elif new > old:
            counts["delay"] += 1
    return {
        "pushes": counts["push"],
        "delays": counts["delay"],
        "pull_ins": counts["pull_in"],
        **slips_by_hand(firm, context),
    }


def slips_by_hand(firm: Firm, context: Context) -> dict[str, Any]:
    """What came of the deals due, and in commit, when the period began."""
    period = context.period
    names = ("slip_rate", "slip_rate_value", "commit_win_rate", "commit_win_rate_value", "commit_accuracy")
    result: dict[str, Any] = dict.fromkeys(names)
    if period is None:
        return result
    due, commit = [], []
    for deal in firm.deals:
        if not open_at(deal, period.first, before=True):
            continue
        close = _then(firm, deal["id"], "close_on", period.first)
        on = date.fromisoformat(close) if close else deal["expected_close_on"] or deal["closed_on"]
        if not period.first <= on <= period.last:
            continue
        due.append(deal)
        category = _then(firm, deal["id"], "forecast_category", period.first)
        if category is False:
            category = deal["forecast_category"] if deal["stage_class"] == "open" else None
        if category and category.lower().replace(" ", "_") == "commit":
            commit.append(deal)
    slipped = [d for d in due if not (d["closed_on"] and d["closed_on"] <= period.last)]
    kept = [d for d in commit if d["stage_class"] == "won" and d["closed_on"] <= period.last]
    won = [d for d in firm.deals if d["stage_class"] == "won" and inside(d["closed_on"], period)]
    result["slip_rate"] = ratio(len(slipped), len(due))
    result["slip_rate_value"] = ratio(worth(slipped), worth(due))
    result["commit_win_rate"] = ratio(len(kept), len(commit))
    result["commit_win_rate_value"] = ratio(worth(kept), worth(commit))
    if worth(commit):
        forecast, actual = Fraction(worth(commit)), Fraction(worth(won))
        told = not won or any(d["amount"] is not None for d in won)
        if told and period.last <= context.as_of:
            result["commit_accuracy"] = max(Fraction(0), 1 - abs(actual - forecast) / forecast)
    return result


def worth(deals: list[dict[str, Any]]) -> Decimal:
    """Known amounts."""
    return sum((d["amount"] or Decimal(0) for d in deals), Decimal(0))


def _then(firm: Firm, key: str, name: str, first: date) -> Any:
    """What a field said before the first change from a day on; False where none came."""
    later = [
        c
        for c in firm.changes
        if c["object_id"] == key and c["field"] == name and c["valid_at"].date() >= first
    ]
    return min(later, key=lambda c: c["valid_at"])["old"] if later else False


def day_of(act: Mapping[str, Any]) -> date | None:
    """Day of an activity."""
    return act["happened_on"] or (act["starts_at"].date() if act["starts_at"] else None)


def took_place(act: Mapping[str, Any], context: Context) -> bool:
    """Whether an activity was done: not planned, not called off, not in the days to come."""
    day = day_of(act)
    return act["status"] in ("Completed", "in progress", None) and (day is None or day <= context.as_of)


def effort_by_hand(firm: Firm, context: Context) -> dict[str, Any]:
    """Activities and selling time."""
    period = context.period
    deals = {d["id"]: d for d in firm.deals}
    human = [a for a in firm.activities if not a["is_automatic"] and took_place(a, context)]
    day = {a["id"]: day_of(a) for a in firm.activities}
    done = [a for a in human if day[a["id"]] and inside(day[a["id"]], period)]

    def kind(name: str) -> list[Any]:
        return [a for a in done if ACTIVITY_KINDS[a["type"]] == name]

    won = [d for d in firm.deals if d["stage_class"] == "won" and inside(d["closed_on"], period)]
    on_won = [a for a in human if a["opportunity_id"] in {d["id"] for d in won}]
    open_now = [d for d in firm.deals if d["stage_class"] == "open"]
    on_open = [a for a in done if a["opportunity_id"] and deals[a["opportunity_id"]]["stage_class"] == "open"]
    created = [d for d in firm.deals if inside(d["created_on"], period)]
    result = {
        "activities": len(done),
        "calls": len(kind("call")),
        "emails": len(kind("email")),
        "meetings": len(kind("meeting")),
        "activities_per_open_deal": ratio(len(on_open), len(open_now)),
        "activities_per_won_deal": ratio(len(on_won), len(won)),
        "activities_per_meeting": ratio(len(done) - len(kind("meeting")), len(kind("meeting"))),
        "meetings_per_deal_created": ratio(len(kind("meeting")), len(created)),
        "activities_per_working_day": None,
        "time_selling": None,
    }
    if period is None:
        return result
    days, last = 0, min(period.last, context.as_of)
    for person in ("ada", "bo", "cy"):
        hired, left = firm.absences.get(person, (None, None))
        at = period.first
        while at <= last:
            days += at.weekday() < 5 and (hired is None or at >= hired) and (left is None or at <= left)
            at += timedelta(days=1)
    result["activities_per_working_day"] = ratio(len(done), days)
    minutes: set[tuple[str, datetime]] = set()
    for a in human:
        linked = a["account_id"] or a["opportunity_id"] or a["lead_id"]
        if linked and ACTIVITY_KINDS[a["type"]] in ("call", "meeting") and a["starts_at"] and a["minutes"]:
            minutes |= {(a["owner_id"], a["starts_at"] + timedelta(minutes=i)) for i in range(a["minutes"])}
    sold = sum(inside(minute.date(), period) for _, minute in minutes)
    result["time_selling"] = Fraction(sold, days * 480)
    return result


def leads_by_hand(firm: Firm, context: Context) -> dict[str, Any]:
    """Response and funnel."""
    period = context.period
    deals = {d["id"]: d for d in firm.deals}
    made = [x for x in firm.leads if inside(x["created_on"] or x["created_at"].date(), period)]
    waits: list[Fraction | None] = []
    for lead in made:
        if lead["created_at"] is None:
            continue
        touches = [
            a["starts_at"]
            for a in firm.activities
            if a["lead_id"] == lead["id"]
            and took_place(a, context)
            and not a["is_automatic"]
            and a["direction"] != "inbound"
            and a["starts_at"]
            and a["starts_at"] >= lead["created_at"]
        ]
        waits.append(
            Fraction(int((min(touches) - lead["created_at"]).total_seconds()), 60) if touches else None
        )
    ranks = []
    for lead in made:
        status = (lead["status"] or "").lower()
        rank = 2 if status in ("sql", "sales qualified") else 1 if re.match("mql|marketing", status) else 0
        if lead["is_converted"] or lead["converted_opportunity_id"]:
            rank = 3
        if (
            lead["converted_opportunity_id"]
            and deals[lead["converted_opportunity_id"]]["stage_class"] == "won"
        ):
            rank = 4
        ranks.append(rank)
    reached = [sum(r >= k for r in ranks) for k in range(5)]
    names = ("lead", "mql", "sql", "opp", "won")
    return {
        "leads_created": len(made),
        "lead_response": median([w for w in waits if w is not None]),
        "speed_to_lead": ratio(sum(w is not None and w <= 60 for w in waits), len(waits)),
        **{f"{names[i]}_to_{names[i + 1]}": ratio(reached[i + 1], reached[i]) for i in range(4)},
        "lead_to_won": ratio(reached[4], reached[0]),
    }


def customers_by_hand(firm: Firm, context: Context) -> dict[str, Any]:
    """Customers, revenue and cost, of a quarter."""
    period = context.period
    first: dict[str, date] = {}
    for deal in firm.deals:
        if deal["stage_class"] == "won" and deal["account_id"]:
            day = first.get(deal["account_id"], deal["closed_on"])
            first[deal["account_id"]] = min(day, deal["closed_on"])
    new = sum(inside(day, period) for day in first.values())
    assert period is not None
    past = CALENDAR.shift(period, -1)
    now: dict[str, Decimal] = {}
    before: dict[str, Decimal] = {}
    for bill in firm.bills:
        for span, sums in ((period, now), (past, before)):
            if bill["account_id"] and inside(bill["on"], span):
                sums[bill["account_id"]] = sums.get(bill["account_id"], Decimal(0)) + bill["amount"]
    cohort = [key for key, value in before.items() if value > 0]
    gone = [key for key in cohort if now.get(key, Decimal(0)) <= 0]
    billed = [value for value in now.values() if value > 0]
    start = sum((before[key] for key in cohort), Decimal(0))
    kept = sum((now.get(key, Decimal(0)) for key in cohort), Decimal(0))
    capped = sum((min(now.get(key, Decimal(0)), before[key]) for key in cohort), Decimal(0))
    spent = _spent(firm, period, None)
    spent_before = _spent(firm, past, None)
    on_sales = _spent(firm, period, "sales")
    won = worth([d for d in firm.deals if d["stage_class"] == "won" and inside(d["closed_on"], period)])
    per_account, churn = ratio(sum(billed, Decimal(0)), len(billed)), ratio(len(gone), len(cohort))
    lifetime = None
    if per_account is not None and churn:
        # In periods; five years at most where fewer than one in a hundred leaves in a month.
        stay, years = 1 / churn, Fraction(period.days * 4, 1461)
        monthly = churn / (years * 12)
        lifetime = per_account * (min(stay, 5 / years) if monthly < Fraction(1, 100) else stay)
    cost = ratio(spent, new)
    gained = sum(now.values(), Decimal(0)) - sum(before.values(), Decimal(0))
    return {
        "new_customers": new,
        "cac": cost,
        "arpa": per_account,
        "customer_churn": churn,
        "ltv": lifetime,
        "ltv_cac": lifetime / cost if lifetime is not None and cost else None,
        "nrr": ratio(kept, start),
        "grr": ratio(capped, start),
        "magic_number": ratio(gained * 4, spent_before),
        "cost_of_sales": ratio(on_sales, won),
    }


def _spent(firm: Firm, span: Any, function: str | None) -> Decimal:
    return sum(
        (
            s["amount"] or Decimal(0)
            for s in firm.spend
            if inside(s["month_on"], span)
            and (function is None or (s["function"] or "").lower().strip() == function)
        ),
        Decimal(0),
    )


def by_hand(firm: Firm, context: Context) -> dict[str, Any]:
    """Every number that is not counted from the deals alone."""
    found = {
        **stages_by_hand(firm, context),
        **moves_by_hand(firm, context),
        **effort_by_hand(firm, context),
        **leads_by_hand(firm, context),
    }
    if context.period is not None:
        found |= customers_by_hand(firm, context)
    return found

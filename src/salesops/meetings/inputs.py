"""What the Monday page shows, read for one reader: figures, pace, deals that decide, what changed, who acts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import ibis
import ibis.expr.types as ir

from salesops.analytics import belongings, home
from salesops.analytics.addresses import Address
from salesops.analytics.engine.filters import Filter
from salesops.analytics.kept import remembered, state_key
from salesops.analytics.records import judge_of
from salesops.analytics.selectors import OpenQuestion, Question
from salesops.core.calendars import Period
from salesops.crm import selectors as crm
from salesops.facts.errors import ManifestMissing
from salesops.meetings.engine.answer import Figures
from salesops.meetings.engine.pace import Pace, Whole, curve, pace
from salesops.meetings.engine.questions import Open, part_of_gap, question
from salesops.meetings.selectors import Held, meetings_of, own_person
from salesops.platform.actors import Actor
from salesops.platform.manifests import DatabaseManifests
from salesops.process.inputs import masked_columns

MOST_PAST = 8
"""Past periods that a curve rests on at most: two years of quarters."""

DECIDING = 5
NUMBERS = ("won_value", "won_deals", "quota", "quota_attainment", "win_rate_value", "open_pipeline")


@dataclass(frozen=True)
class Standing:
    """Where the period stands.

    Attributes:
        period: the meeting's period.
        figures: what the answer is made from.
        reasons: figure -> why it is undefined.
        days: the days that the curve is drawn at, in the period.
        at: which of them is today.
        so_far: won up to each day; None after today.
        on_the_way: what the quota (or, without one, the expectation) would ask for on each day at our own pace.
        towards: what ``on_the_way`` leads to: ``quota`` or ``pace``; "" where it leads nowhere.
        deals_due: how many open deals are due in the period.
        has_dates: whether open deals say when they are expected to close.
    """

    period: Period
    figures: Figures
    reasons: Mapping[str, str]
    days: tuple[date, ...]
    at: int
    so_far: tuple[Decimal | None, ...]
    on_the_way: tuple[Decimal | None, ...]
    towards: str
    deals_due: int
    has_dates: bool


def meeting_period(asked: OpenQuestion) -> Period:
    """The period of the meeting: the one asked for, else the fiscal quarter that holds the data's own day."""
    if asked.period is not None and asked.period.first <= asked.frames.as_of:
        return asked.period
    return asked.frames.firm.calendar.period("quarter", asked.frames.as_of)


def _key(asked: OpenQuestion, name: str, *more: Hashable) -> tuple[Hashable, ...]:
    return (name, asked.period, repr(asked.filters), *more, *state_key(asked.frames))


def standing(asked: OpenQuestion) -> Standing:
    """Where the period stands, for the reader's rows under the question's filters."""
    return remembered(_key(asked, "standing"), lambda: _standing(asked))


def _standing(asked: OpenQuestion) -> Standing:
    period = meeting_period(asked)
    over = asked if asked.period == period else asked.over(period)
    values = home.by_name(over.values(["won_value", "quota"]))
    today = asked.frames.as_of
    days = drawn_days(period, today)
    at = days.index(min(today, period.last))
    daily = _won_by_day(asked, period)
    past = _past(asked, period, days, daily)
    won = values["won_value"].value
    won = Decimal(won) if won is not None else None
    quota = values["quota"].value
    quota = Decimal(quota) if quota is not None else None
    # Stages and days of a deal can't be hidden (permissions.engine.masks), its amount can.
    unknown = values["won_value"].reason if "amount" in masked_columns(asked.frames) else ""
    own = Pace(reason=unknown) if unknown else pace(won, past, at)
    due, commit, reasons, count, dated = _due(asked, period)
    reasons = {
        "quota": values["quota"].reason,
        "won": values["won_value"].reason,
        "pace": own.reason,
        **reasons,
    }
    so_far = tuple(_until(daily, period.first, day) if day <= today and not unknown else None for day in days)
    target = quota or (None if own.expected is None else Decimal(round(own.expected)))
    shares = [None] * len(days) if unknown else curve(past)
    on_the_way = tuple(
        None
        if share is None or target is None
        else (target * share.numerator / share.denominator).quantize(Decimal(1))
        for share in shares
    )
    towards = "" if target is None or all(v is None for v in on_the_way) else "quota" if quota else "pace"
    figures = Figures(won, quota, commit, due, max((period.last - today).days, 0), own, unknown)
    return Standing(
        period, figures, reasons, days, at, so_far, on_the_way or (None,) * len(days), towards, count, dated
    )


def drawn_days(period: Period, today: date) -> tuple[date, ...]:
    """Days that a curve is drawn at: the end of each week of the period, its last day, and today in it."""
    days = {period.first + timedelta(days=6 + 7 * n) for n in range(period.days // 7)}
    return tuple(sorted(days | {period.last, min(max(today, period.first), period.last)}))


def _won_by_day(asked: OpenQuestion, period: Period) -> dict[date, Decimal]:
    """Closing day -> won value, over the period and the past ones that a curve may rest on."""
    first = asked.frames.firm.calendar.shift(period, -MOST_PAST).first
    deals = asked.frame("deals")
    won = deals.filter(
        deals.stage_class == "won",
        deals.closed_on >= ibis.literal(first),
        deals.closed_on <= ibis.literal(min(asked.frames.as_of, period.last)),
    )
    rows = asked.execute(won.group_by("closed_on").agg(won=won.amount.sum())).to_pylist()
    return {row["closed_on"]: row["won"] or Decimal(0) for row in rows}


def _until(daily: Mapping[date, Decimal], first: date, last: date) -> Decimal:
    return sum((value for day, value in daily.items() if first <= day <= last), Decimal(0))


def _past(
    asked: OpenQuestion, period: Period, days: Sequence[date], daily: Mapping[date, Decimal]
) -> list[Whole]:
    """Past periods that lie whole in the data, oldest first, at the days that stand where ``days`` stand."""
    calendar = asked.frames.firm.calendar
    begun = first_closing(asked)
    found: list[Whole] = []
    for back in range(MOST_PAST, 0, -1):
        one = calendar.shift(period, -back)
        if begun is None or one.first < begun:
            continue  # exports often begin in the middle of a period: its curve would be that of its end alone
        so_far = tuple(_until(daily, one.first, calendar.same_day_of(period, one, day)) for day in days)
        found.append(Whole(one.label, so_far, _until(daily, one.first, one.last)))
    return found


def first_closing(asked: OpenQuestion) -> date | None:
    """The earliest day any deal of the reader's was closed: before it the data knows of no closing."""
    deals = asked.frames.deals

    def read() -> date | None:
        return asked.execute(deals.agg(first=deals.closed_on.min())).to_pylist()[0]["first"]  # type: ignore[no-any-return]

    return remembered(("first closing", *state_key(asked.frames)), read)


def _open_due(asked: OpenQuestion, period: Period, *, dated: bool) -> ir.Table:
    """Open deals that are due by the end of the period, those whose day has passed among them.

    Where no open deal says when it will close, every open deal may: ``dated`` is False.
    """
    deals = asked.frame("deals")
    rows = deals.filter(
        deals.stage_class == "open",
        deals.forecast_category.fill_null("") != "omitted",
    )
    return rows.filter(rows.expected_close_on <= ibis.literal(period.last)) if dated else rows


GHOST = "DQ27"
"""The rule of deals that are open for longer than any closed deal ever took."""


@dataclass(frozen=True)
class Ghosts:
    """Deals that nobody should count on: due, but open for longer than any closed deal ever took."""

    deals: int
    worth: Decimal | None


def ghosts(asked: OpenQuestion, found: Standing) -> Ghosts:
    """How many of the deals due by the end of the period are ghosts, and their amounts together."""
    return remembered(_key(asked, "ghosts", found.period), lambda: _ghosts(asked, found))


def _ghosts(asked: OpenQuestion, found: Standing) -> Ghosts:
    rules = judge_of(asked.frames)
    if GHOST not in {rule.code for rule in rules.rules}:
        return Ghosts(0, None)
    rows = _open_due(asked, found.period, dated=found.has_dates)
    old = rows.filter(rules.any_of(rows, [GHOST]))
    row = asked.execute(old.agg(deals=old.count(), worth=old.amount.sum())).to_pylist()[0]
    return Ghosts(int(row["deals"]), row["worth"])


def _due(
    asked: OpenQuestion, period: Period
) -> tuple[Decimal | None, Decimal | None, dict[str, str], int, bool]:
    """Value due, committed value, reasons, number of deals due, and whether open deals are dated."""
    rows = _open_due(asked, period, dated=False)
    # What was due before the period is asked about below, but nobody counts on it for the number.
    inside = rows.expected_close_on.between(ibis.literal(period.first), ibis.literal(period.last))
    category = rows.forecast_category
    row = asked.execute(
        rows.agg(
            dates=rows.expected_close_on.count(),
            categories=category.count(),
            due=rows.amount.sum(where=inside),
            deals=inside.sum(),
            commit=rows.amount.sum(where=inside & (category == "commit")),
            committed=(inside & (category == "commit")).sum(),
            everything=rows.count(),
            known=rows.amount.count(where=inside),
        )
    ).to_pylist()[0]
    reasons: dict[str, str] = {}
    dated = bool(row["dates"])
    due, commit = row["due"], row["commit"]
    if "amount" in masked_columns(asked.frames):
        reasons["due"] = reasons["commit"] = "amounts are hidden from your role"
        return None, None, reasons, int(row["deals"] or 0), dated
    if not dated:
        reasons["due"] = "no open deal in the data says when it is expected to close"
        reasons["commit"] = reasons["due"]
        return None, None, reasons, int(row["everything"]), False
    if not row["categories"]:
        reasons["commit"] = "no open deal in the data has a forecast category"
        commit = None
    elif not row["committed"]:
        commit = Decimal(0)
    elif commit is None:
        reasons["commit"] = "the committed deals have no amount"
    if due is None:
        due = Decimal(0) if not row["deals"] else None
        if due is None:
            reasons["due"] = "the deals that are due have no amount"
    return due, commit, reasons, int(row["deals"] or 0), True


@dataclass(frozen=True)
class Deciding:
    """An open deal that the gap hangs on.

    Attributes:
        row: columns of the deal, ``flags`` among them as (word, tone, sentence).
        worth: amount, or its labelled estimate where it has none.
        estimated: whether ``worth`` is one.
        question: what to ask.
        part: share of the gap that it would close, None where there is none.
    """

    row: Mapping[str, Any]
    worth: Decimal | None
    estimated: bool
    question: str
    part: Any


def deciding(asked: OpenQuestion, found: Standing, most: int = DECIDING) -> list[Deciding]:
    """The largest open deals due in the period: whose answers move the gap."""
    key = _key(asked, "deciding", most, found.period)
    rows = remembered(key, lambda: _deciding_rows(asked, found, most))
    gap = found.figures.gap
    made = []
    for row in rows:
        worth = row["amount"] if row["amount"] is not None else row["amount_estimate"]
        asks = Open(row["codes"], row["pushed"], row["expected_close_on"], row["forecast_category"] or "",
                    row["last_activity_on"])  # fmt: skip
        part = part_of_gap(row["amount"], gap)
        made.append(Deciding(row, worth, row["amount"] is None and worth is not None,
                             question(asks, asked.frames.as_of), part))  # fmt: skip
    return made


def _deciding_rows(asked: OpenQuestion, found: Standing, most: int) -> list[dict[str, Any]]:
    rows = _open_due(asked, found.period, dated=found.has_dates)
    rules = judge_of(asked.frames)
    if GHOST in {rule.code for rule in rules.rules}:
        rows = rows.filter(~rules.any_of(rows, [GHOST]))  # told apart: they would take every place
    worth = ibis.coalesce(rows.amount, rows.amount_estimate)
    order = [worth.desc(nulls_first=False), rows.expected_close_on.asc(nulls_first=False), rows.id.asc()]
    names = [
        "id", "name", "account_name", "owner_name", "owner_id", "stage", "amount", "amount_estimate", "created_on",
        "expected_close_on", "closed_on", "product_name", "product_id", "forecast_category", "last_activity_on",
        "next_step", "source",
    ]  # fmt: skip
    flagged = rows.order_by(order).select(*names, **rules.columns(rows)).limit(most)
    deals = asked.execute(flagged).to_pylist()
    pushes = belongings.pushes(asked.frames, [row["id"] for row in deals])
    for row in deals:
        flags = rules.of(row, evidence=True)
        row["pushed"] = pushes.get(row["id"], 0)
        row["codes"] = frozenset(flag.code for flag in flags)
        row["flags"] = [
            *home.timing(row, asked.frames.as_of, row["pushed"]),
            *((f.word, f.tone, f"{f.evidence} {f.fix}") for f in flags),
        ]
    return deals


def since(asked: OpenQuestion, meetings: Sequence[Held]) -> tuple[home.Window, Held | None]:
    """The days whose changes the meeting tells: since the data of the last meeting, else as Home does."""
    today = asked.frames.as_of
    last = next((held for held in meetings if held.data_on < today), None)
    if last is None:
        return home.window(asked), None
    day = last.data_on
    return home.Window(day, today, f"since the last meeting, at the data of {day:%b} {day.day}"), last


def changes(asked: OpenQuestion, inside: home.Window) -> ir.Table:
    """Every change of a deal in a window with the deal, the largest first."""
    rows = home.changes_of(asked, inside)
    deals = asked.frame("deals").select("id", "name", "owner_name", "account_name", "amount", "currency")
    return rows.join(deals, "id").order_by(
        [ibis.desc("amount", nulls_first=False), ibis.desc("day"), ibis.asc("id"), ibis.asc("kind")]
    )


def changed(asked: OpenQuestion, inside: home.Window, page: int, size: int) -> list[dict[str, Any]]:
    """One page of the changes."""

    def read() -> list[dict[str, Any]]:
        return asked.execute(changes(asked, inside).limit(size, offset=(page - 1) * size)).to_pylist()

    return remembered(_key(asked, "changed", inside.after, inside.last, page, size), read)


@dataclass(frozen=True)
class Owner:
    """Somebody who may be given an action."""

    id: str
    name: str


def owners(asked: OpenQuestion) -> list[Owner]:
    """People whose records the reader may see, in alphabetical order."""
    scope = asked.frames.scope
    people = [p for p in asked.frames.people.values() if p.is_active and scope.sees_owner(p.id)]
    return [Owner(p.id, p.name) for p in sorted(people, key=lambda p: (p.name.casefold(), p.id))]


def sees_deal(asked: OpenQuestion, deal_id: str) -> bool:
    """Whether a deal is the reader's to see."""
    return bool(deal_names(asked, [deal_id]))


def deal_names(asked: OpenQuestion, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Deal -> (name, source), of those that the reader may see."""
    wanted = tuple(sorted({one for one in ids if one}))
    if not wanted:
        return {}

    def read() -> dict[str, tuple[str, str]]:
        deals = asked.frames.deals
        rows = asked.execute(deals.filter(deals.id.isin(wanted)).select("id", "name", "source")).to_pylist()
        return {row["id"]: (row["name"] or row["id"], row["source"] or "") for row in rows}

    return remembered(("deal names", wanted, *state_key(asked.frames)), read)


@dataclass(frozen=True)
class Meeting:
    """What a meeting looks at, read once for page and REST.

    Attributes:
        subject: whose meeting it is.
        person: of a one-to-one, else None.
        standing, deals: where the period stands, and what decides it.
        window, last: the days whose changes are told, and the meeting they begin with.
        counts: changes by kind.
    """

    subject: str
    person: Owner | None
    standing: Standing
    deals: list[Deciding]
    window: home.Window
    last: Held | None
    counts: dict[str, int]


def meeting(actor: Actor, asked: OpenQuestion, address: Address, person_id: str) -> Meeting:
    """A meeting over the reader's rows under the question's filters.

    Raises:
        NobodyError: it is a one-to-one with somebody whose records are not the actor's to see.
    """
    subject = subject_of(actor, asked, person_id=person_id, team=address.team)
    found = standing(asked)
    window, last = since(asked, meetings_of(subject, known_at=address.known.known_at))
    person = meets(actor, asked, person_id) if person_id else None
    counts = home.change_counts(asked, window)
    return Meeting(subject, person, found, deciding(asked, found), window, last, counts)


def question_of(address: Address, person_id: str) -> Question:
    """The question behind a meeting: an address's, about one person where it is a one-to-one."""
    question = address.question()
    if not person_id:
        return question
    return replace(question, filters=(*question.filters, Filter("owner_id", "eq", (person_id,))))


def pace_words(found: Pace) -> str:
    """What a pace rests on, in words."""
    if not found.periods:
        return ""
    count = len(found.periods)
    ends = found.periods[0] if count == 1 else f"{found.periods[0]} to {found.periods[-1]}"
    return f"from {count} past period{'' if count == 1 else 's'}, {ends}"


# --- Whose meeting --------------------------------------------------------------------------------


class NobodyError(LookupError):
    """There is no such person whose deals the reader may see."""


def subject_of(actor: Actor, asked: OpenQuestion, *, person_id: str = "", team: str = "") -> str:
    """Whose meeting a page is, see :class:`salesops.meetings.models.Meeting`.

    Args:
        actor: who looks.
        asked: his open question.
        person_id: the person of a one-to-one.
        team: the team select, ``column:value``.

    Raises:
        NobodyError: it is a one-to-one with somebody whose records are not the actor's to see.
    """
    scope = asked.frames.scope
    if person_id:
        if meets(actor, asked, person_id) is None:
            raise NobodyError(f"There is no person {person_id!r:.80} whose deals you may see.")
        return f"person/{person_id}"
    if scope.everything or scope.any_owner:
        base = "firm"
    else:
        own = own_person(actor)
        base = f"manager/{own}" if own else f"account/{actor.user_id or 0}"
    return f"{base}|{team}" if team else base


def whose(actor: Actor, asked: OpenQuestion, person_id: str, team: str) -> str:
    """Whose meeting something is written for: as :func:`subject_of`, and the team has to be one of the reader's.

    Raises:
        NobodyError: there is no such person, or no deal of such a team, that the reader may see.
    """
    if team:
        column, _, value = team.partition(":")
        deals = asked.frames.deals
        found = asked.execute(deals.filter(deals[column] == value).select("id").limit(1))
        if not found.num_rows:
            raise NobodyError(f"There is no team {value!r:.80} whose deals you may see.")
    return subject_of(actor, asked, person_id=person_id, team=team)


def shown_version(asked: OpenQuestion, version: str) -> tuple[str, date]:
    """The facts version that a meeting was shown, and its data's own date; what is newest where it names none."""
    newest = asked.frames.facts.manifest
    if version.isdigit():
        try:
            seen = DatabaseManifests().get(version)
        except ManifestMissing:
            seen = newest
        if seen is not None:
            return seen.id, seen.data_on or seen.recorded_at.date()
    return (newest.id if newest else ""), asked.frames.today


def meets(actor: Actor, asked: OpenQuestion, person_id: str) -> Owner | None:
    """The person of a one-to-one, None where the reader may not see the person's records."""
    scope = asked.frames.scope
    person = asked.frames.people.get(person_id)
    if person is None or not (scope.sees_owner(person_id) or person_id == own_person(actor)):
        return None
    return Owner(person.id, person.name)


def mail_addresses(asked: OpenQuestion, ids: Sequence[str]) -> dict[str, str]:
    """Person -> mail address, as far as the data knows and the reader may see them."""
    if not ids or "users" not in asked.frames.facts.tables():
        return {}
    users = asked.frames.facts.read("users", asked.frames.scope)
    rows = asked.execute(users.filter(users.id.isin(sorted(set(ids)))).select("id", "email")).to_pylist()
    return {row["id"]: row["email"] for row in rows if row["email"]}


def record_links(asked: OpenQuestion, names: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Deal -> address of its record in the CRM, where an address pattern is decided for its source."""
    patterns = crm.record_links(asked.frames.as_of, asked.frames.known_at)
    found = {}
    for deal_id, (_, source) in names.items():
        pattern = patterns.get((source, "opportunities"), "")
        if pattern:
            found[deal_id] = pattern.replace("{id}", quote(deal_id, safe=""))
    return found

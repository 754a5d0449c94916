"""Activities, leads, spend and revenue as frames: what is done beside the deals, and what it earns.

Every frame carries the columns of the person it belongs to (``owner_id``, ``owner_name``, ``manager_id``,
``manager_name``, ``team``, ``region``, ``role``), so that it can be cut like the deals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.analytics.engine.kpi import MONEY, LocalDate
from salesops.core.calendars import Period

OWNER = ("owner_id", "owner_name", "manager_id", "manager_name", "team", "region", "role")
"""Columns of a frame that say whose row it is."""

FUNNEL = ("lead", "mql", "sql", "opp", "won")
"""Statuses of the lead funnel, in order; a lead's rank is its place here."""

_MQL = r"^(mql|marketing[ _-]*(qualified|accepted).*)$"
_SQL = r"^(sql|sal|sales[ _-]*(qualified|accepted).*)$"
_WORKING_DAYS_A_WEEK = 5
_NOT_DONE = r"^(not|open|planned|scheduled|rescheduled|deferred|waiting|cancel|no[ _-]?show)"
_CALLED_OFF = r"^(cancel|no[ _-]?show)"


def took_place(day: ir.DateValue, status: ir.StringValue, as_of: date) -> ir.BooleanValue:
    """Whether an activity was done: its day, where it has one, is not still to come, and no status says otherwise."""
    ahead = day > ibis.literal(as_of, type="date")
    return ~ahead.fill_null(False) & ~_plain(status).re_search(_NOT_DONE)


def called_off(status: ir.StringValue) -> ir.BooleanValue:
    """Whether the status of an activity says that it will not take place."""
    return _plain(status).re_search(_CALLED_OFF)


def _plain(status: ir.StringValue) -> ir.StringValue:
    return status.fill_null("").lower().strip()


def with_owner(rows: ir.Table, people: ir.Table) -> ir.Table:
    """Rows that name an ``owner_id`` with the columns of that person.

    Args:
        rows: the rows; an ``owner_name`` of their own stands where nobody is known by the id.
        people: ``person_id``, ``person_name``, ``manager_id``, ``manager_name``, ``team``,
            ``person_region``, ``role``.
    """
    own = rows.owner_name if "owner_name" in rows.columns else ibis.null("string")
    rows = rows.mutate(own_name=own).drop(*(c for c in OWNER[1:] if c in rows.columns))
    known = people.select(
        "person_id", "person_name", "manager_id", "manager_name", "team", "role", region=people.person_region
    )
    joined = rows.left_join(known, rows.owner_id == known.person_id)
    named = joined.mutate(owner_name=ibis.coalesce(joined.person_name, joined.own_name, joined.owner_id))
    return named.drop("person_id", "person_name", "own_name")


def activities(
    rows: ir.Table, people: ir.Table, deals: ir.Table, local_date: LocalDate, as_of: date
) -> ir.Table:
    """One row per activity: ``kind`` (call, email, meeting, other), ``happened_on``, ``is_human``, its deal.

    ``deal_class``, ``deal_closed_on`` are those of the deal it was on, ``is_linked`` says whether it was
    with a customer at all (an account, deal, contact or lead), ``took_place`` whether it was done by ``as_of``.
    """
    day = ibis.coalesce(rows.happened_on, local_date(rows.starts_at))
    words = rows.type.fill_null("").lower()
    kind = ibis.cases(
        (words.re_search(r"call|phone|dial"), "call"),
        (words.re_search(r"mail"), "email"),
        (words.re_search(r"meeting|event|demo|visit|appointment"), "meeting"),
        else_="other",
    )
    made = rows.select(
        "id",
        "owner_id",
        "owner_name",
        "subject",
        "type",
        "account_id",
        "account_name",
        "opportunity_id",
        "lead_id",
        "minutes",
        "starts_at",
        kind=kind,
        is_human=is_human(rows),
        is_inbound=rows.direction.fill_null("").lower() == "inbound",
        happened_on=day,
        took_place=took_place(day, rows.status, as_of),
        is_linked=rows.account_id.notnull()
        | rows.opportunity_id.notnull()
        | rows.contact_id.notnull()
        | rows.lead_id.notnull(),
    )
    of = deals.select(deal_id=deals.id, deal_class=deals.stage_class, deal_closed_on=deals.closed_on)
    joined = made.left_join(of, made.opportunity_id == of.deal_id)
    return with_owner(joined, people)


def people_of(rows: ir.Table, people: ir.Table) -> ir.Table:
    """Everybody whose own activities are logged: the columns of :data:`OWNER`.

    Args:
        rows: the activities, as the facts hold them.
        people: as for :func:`with_owner`.
    """
    human = rows.filter(is_human(rows) & rows.owner_id.notnull())
    named = with_owner(human.select("owner_id", "owner_name").distinct(), people)
    return named.select(*OWNER).distinct()


def is_human(rows: ir.Table) -> ir.BooleanValue:
    """Whether a person did an activity, and no machine."""
    return ~rows.is_automatic.fill_null(False)


def selling_time(acts: ir.Table) -> ir.Table:
    """One row per unbroken stretch of one person's calls and meetings with customers: ``minutes``, overlap once.

    Args:
        acts: what :func:`activities` gives.
    """
    own = acts.filter(
        acts.is_human
        & acts.took_place
        & acts.is_linked
        & acts.kind.isin(["call", "meeting"])
        & acts.starts_at.notnull()
        & (acts.minutes > 0)
    )
    begins = own.starts_at.epoch_seconds().cast("int64")
    own = own.mutate(begin=begins, end=begins + own.minutes.cast("int64") * 60)
    order = [own.begin, own.end, own.id]
    earlier = ibis.window(group_by="owner_id", order_by=order, preceding=(None, 1))
    own = own.mutate(reached=own.end.max().over(earlier))
    fresh = (own.reached.isnull() | (own.begin > own.reached)).ifelse(
        ibis.literal(1, type="int64"), ibis.literal(0, type="int64")
    )
    own = own.mutate(fresh=fresh)
    order = [own.begin, own.end, own.id]
    so_far = ibis.window(group_by="owner_id", order_by=order, preceding=None, following=0)
    own = own.mutate(stretch=own.fresh.sum().over(so_far))
    columns = {name: own[name].max() for name in OWNER if name != "owner_id"}
    laid = own.group_by("owner_id", "stretch").agg(
        happened_on=own.happened_on.min(),
        starts_at=own.starts_at.min(),
        seconds=own.end.max() - own.begin.min(),
        activities=own.count(),
        **columns,
    )
    return laid.drop("stretch")


def leads(
    rows: ir.Table, acts: ir.Table, people: ir.Table, deals: ir.Table, local_date: LocalDate
) -> ir.Table:
    """One row per lead: ``created_on``, ``response_seconds`` (first human touch), ``rank`` in the funnel.

    ``response_seconds`` is empty where no person answered or no instant of creation is known;
    ``named_rank`` is filled where the lead's status says marketing or sales qualified.

    Args:
        rows: the leads.
        acts: what :func:`activities` gives.
        people: as for :func:`with_owner`.
        deals: the conformed deals.
        local_date: instant -> day of the firm's zone.
    """
    human = acts.filter(
        acts.is_human & acts.took_place & ~acts.is_inbound & acts.lead_id.notnull() & acts.starts_at.notnull()
    )
    touched = human.select(touched_lead="lead_id", touched_at="starts_at")
    made = rows.select("id", at=rows.created_at)
    answered = made.inner_join(touched, made.id == touched.touched_lead)
    first = (
        answered.filter(answered.touched_at >= answered["at"])
        .group_by(answered_id="id")
        .agg(first_at=lambda t: t.touched_at.min())
    )
    won = deals.select(deal_id=deals.id, deal_class=deals.stage_class)
    joined = rows.left_join(first, rows.id == first.answered_id)
    joined = joined.left_join(won, joined.converted_opportunity_id == won.deal_id)
    status = joined.status.fill_null("").lower().strip()
    named = ibis.cases((status.re_search(_SQL), 2), (status.re_search(_MQL), 1), else_=ibis.null("int8"))
    converted = joined.is_converted.fill_null(False) | joined.converted_opportunity_id.notnull()
    rank = ibis.cases((joined.deal_class == "won", 4), (converted, 3), else_=named.fill_null(0))
    laid = joined.select(
        "id",
        "name",
        "owner_id",
        "owner_name",
        "status",
        "lead_source",
        "industry",
        "country",
        "created_at",
        created_on=ibis.coalesce(joined.created_on, local_date(joined.created_at)),
        first_touch_at=joined.first_at,
        response_seconds=(joined.first_at.epoch_seconds() - joined.created_at.epoch_seconds()).cast("int64"),
        rank=rank.cast("int64"),
        named_rank=named.cast("int64"),
    )
    return with_owner(laid, people)


def customers(deals: ir.Table) -> ir.Table:
    """One row per account with a won deal: ``first_won_on`` and the person who won it first."""
    won = deals.filter((deals.stage_class == "won") & deals.account_id.notnull() & deals.closed_on.notnull())
    window = ibis.window(group_by=won.account_id, order_by=[won.closed_on, won.id])
    first = won.mutate(nth=ibis.row_number().over(window)).filter(lambda t: t.nth == 0)
    return first.drop("nth").mutate(first_won_on=first.closed_on)


def spend(rows: ir.Table, period: Period, before: Period) -> ir.Table:
    """Spend of the period and the one before it: ``spent`` (firm's currency), ``function``, ``is_before``.

    Args:
        rows: spend with ``amount`` in the firm's currency.
        period: the period asked for.
        before: the one before it.
    """
    day = rows.month_on
    now = day.between(ibis.literal(period.first, type="date"), ibis.literal(period.last, type="date"))
    past = day.between(ibis.literal(before.first, type="date"), ibis.literal(before.last, type="date"))
    kept = rows.filter(now | past)
    return kept.select(
        "id",
        "month_on",
        "category",
        "segment",
        function=kept.function.fill_null("").lower().strip(),
        spent=kept.amount.cast(MONEY),
        is_before=past,
    )


def revenue(
    billed: ir.Table, accounts: ir.Table, people: ir.Table, period: Period, before: Period
) -> ir.Table:
    """One row per account: ``revenue_before`` and ``revenue_now``, what it was billed in two like periods.

    ``revenue_kept`` is the lesser of the two: what is left without any growth.

    Args:
        billed: ``account_id``, ``on``, ``amount`` in the firm's currency.
        accounts: ``id``, ``name``, ``owner_id``, ``owner_name``, ``segment``, ``industry``, ``country``.
        people: as for :func:`with_owner`.
        period: the period asked for.
        before: the one before it.
    """
    nothing = ibis.literal(0, type=MONEY)
    day = billed["on"]

    def within(span: Period) -> ir.BooleanValue:
        return day.between(ibis.literal(span.first, type="date"), ibis.literal(span.last, type="date"))

    amount = billed.amount.cast(MONEY)
    sums = (
        billed.filter(billed.account_id.notnull())
        .group_by("account_id")
        .agg(
            revenue_now=amount.sum(where=within(period)).fill_null(nothing).cast(MONEY),
            revenue_before=amount.sum(where=within(before)).fill_null(nothing).cast(MONEY),
        )
    )
    known = accounts.select(
        known_id=accounts.id,
        account_name=accounts.name,
        owner_id=accounts.owner_id,
        owner_name=accounts.owner_name,
        segment=accounts.segment,
        industry=accounts.industry,
        country=accounts.country,
    )
    joined = sums.left_join(known, sums.account_id == known.known_id).drop("known_id")
    rows = joined.mutate(revenue_kept=ibis.least(joined.revenue_now, joined.revenue_before).cast(MONEY))
    return with_owner(rows, people)


@dataclass(frozen=True)
class Presence:
    """When one person was in the firm; None = no known end."""

    hired_on: date | None
    left_on: date | None


_PEOPLE = pa.schema([*((name, pa.string()) for name in OWNER), ("working_days", pa.decimal128(19, 4))])


def working_people(
    people: Iterable[Mapping[str, str | None]], present: Mapping[str, Presence], first: date, last: date
) -> pa.Table:
    """One row per person with ``working_days``: Mondays to Fridays of the span that he was in the firm.

    Public holidays and absences are not known to the facts and are not taken off.

    Args:
        people: the columns of :data:`OWNER` of each person.
        present: person id -> when he was in the firm; absent = all the time.
        first, last: the span, both inclusive.
    """
    rows = []
    for person in people:
        known = present.get(str(person["owner_id"]), Presence(None, None))
        begin = max(first, known.hired_on or first)
        end = min(last, known.left_on or last)
        rows.append({**person, "working_days": weekdays(begin, end)})
    return pa.Table.from_pylist(rows, schema=_PEOPLE)


def weekdays(first: date, last: date) -> int:
    """Mondays to Fridays from ``first`` to ``last``, both inclusive; 0 where the span is empty."""
    days = (last - first).days + 1
    if days <= 0:
        return 0
    weeks, rest = divmod(days, 7)
    return weeks * _WORKING_DAYS_A_WEEK + sum((first + timedelta(days=i)).weekday() < 5 for i in range(rest))


def calendar_days(first: date, last: date) -> pa.Table:
    """One row per day of a span: ``day_on``."""
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    return pa.table({"day_on": pa.array(days, pa.date32())})

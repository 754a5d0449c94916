"""What the panel says of one record of the CRM, to one reader: numbers, flags, next steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.urls import reverse

from salesops.analytics import account_records, records
from salesops.analytics.addresses import deal_href
from salesops.analytics.deal_columns import label
from salesops.analytics.engine.filters import Filter
from salesops.analytics.flags import Flag
from salesops.analytics.pipeline_tables import STATUS_TONES, STATUS_WORDS
from salesops.analytics.records import ListQuery
from salesops.analytics.selectors import Question, ask
from salesops.meetings.selectors import Item, items
from salesops.platform.actors import Actor
from salesops.process.inputs import NoDataError
from salesops.ui import formats

MOST_DEALS = 10
_SHORT = re.compile(r"[A-Za-z0-9]{15}")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@dataclass(frozen=True)
class Fact:
    """One line: a label and its value; ``why`` instead of a value that there is not."""

    label: str
    value: str
    why: str = ""


@dataclass(frozen=True)
class DealLine:
    """An open deal of an account."""

    name: str
    href: str
    stage: str
    amount: str
    due: date | None


@dataclass(frozen=True)
class Panel:
    """One record as the panel shows it.

    Attributes:
        kind: ``opportunity`` or ``account``.
        href: its page here.
        facts: key numbers.
        flags: what is at fault, with the evidence; of a deal.
        deals: the largest open deals; of an account.
        more_deals: open deals of the account that are not among those.
        actions: open actions about it.
        today: the data's own date.
        clock: people's own day, which actions are late against.
    """

    kind: str
    title: str
    href: str
    today: date
    clock: date
    status: str = ""
    tone: str = "neutral"
    facts: Sequence[Fact] = ()
    flags: Sequence[Flag] = ()
    next_step: str = ""
    deals: Sequence[DealLine] = ()
    more_deals: int = 0
    actions: Sequence[Item] = ()
    notes: Sequence[str] = field(default_factory=tuple)


def panel(actor: Actor, record: str, now: datetime) -> Panel:
    """The panel of an opportunity's or account's id in the CRM.

    Raises:
        LookupError: there is none of that id that the actor may see.
        NoDataError: nothing was imported yet.
    """
    for name in names_of(record):
        for build in (_deal, _account):
            try:
                return build(actor, name, now)
            except NoDataError:
                raise
            except LookupError:
                continue
    raise LookupError("There is no opportunity or account of this id that you may see.")


def names_of(record: str) -> list[str]:
    """An id as the CRM's tab gives it, and as its export may have written it.

    Salesforce writes an id with 15 characters, or with 18: the last three say which of the others are
    capitals.
    """
    record = record.strip()
    if _SHORT.fullmatch(record):
        return [record, record + capitals(record)]
    if len(record) == 18 and _SHORT.fullmatch(record[:15]) and record[15:].upper() == capitals(record[:15]):
        return [record, record[:15]]
    return [record] if record else []


def capitals(record: str) -> str:
    """The last three characters of an id of Salesforce, of its first fifteen."""
    fives = (record[at : at + 5] for at in (0, 5, 10))
    return "".join(_ALPHABET[sum(1 << n for n, ch in enumerate(five) if "A" <= ch <= "Z")] for five in fives)


def _deal(actor: Actor, name: str, now: datetime) -> Panel:
    found = records.deal(actor, name, inspect=True)
    values = found.values
    money = formats.Unit("money", found.currency)
    stage_class = values.get("stage_class") or "unmapped"
    amount = values.get("amount")
    facts = [
        Fact("Amount", money.exact(amount) if amount is not None else "", "not given in the data"),
        Fact("Stage", values.get("stage") or "", "not given in the data"),
        _day_fact("closed_on" if values.get("closed_on") else "expected_close_on", values),
        Fact("Owner", values.get("owner_name") or "", "nobody owns it"),
        Fact("Account", values.get("account_name") or "", "not given in the data"),
    ]
    created, end = values.get("created_on"), values.get("closed_on") or found.as_of or found.today
    if created is not None:
        facts.append(
            Fact("Took" if values.get("closed_on") else "Open for", formats.days((end - created).days))
        )
    return Panel(
        kind="opportunity",
        title=values.get("name") or values["id"],
        href=deal_href(values["id"]),
        today=found.today,
        clock=now.date(),
        status=STATUS_WORDS.get(stage_class, stage_class),
        tone=STATUS_TONES.get(stage_class, "neutral"),
        facts=facts,
        flags=found.flags,
        next_step=values.get("next_step") or "",
        actions=_actions(actor, {values["id"]}),
        notes=found.notes,
    )


def _day_fact(column: str, values: dict[str, Any]) -> Fact:
    day = values.get(column)
    return Fact(label(column), formats.day(day) if day else "", "not given in the data")


def _account(actor: Actor, name: str, now: datetime) -> Panel:
    found = account_records.account(actor, name)
    money, measures = formats.Unit("money", found.currency), found.measures
    wanted = (Filter("account_id", "eq", (found.values["id"],)), Filter("stage_class", "eq", ("open",)))
    shown = records.deal_list(
        actor,
        ListQuery(
            filters=wanted,
            sort="-amount",
            columns=("name", "stage", "amount", "expected_close_on"),
            size=MOST_DEALS,
            exact=True,
        ),
    )
    deals = [
        DealLine(
            name=row["name"] or row["id"],
            href=deal_href(row["id"]),
            stage=row["stage"] or "",
            amount=money.exact(row["amount"]) if row["amount"] is not None else "",
            due=row["expected_close_on"],
        )
        for row in shown.rows
    ]
    open_amount, won = measures.get("open_amount"), measures.get("won_amount")
    facts = [
        Fact("Open deals", f"{measures['open_deals']:,}"),
        Fact(
            "Open amount", money.exact(open_amount) if open_amount is not None else "", "no open deal has one"
        ),
        Fact("Won deals", f"{measures['won_deals']:,}"),
        Fact("Won amount", money.exact(won) if won is not None else "", "no won deal has one"),
        Fact("Owner", found.owner, "nobody, or not yours to see"),
    ]
    return Panel(
        kind="account",
        title=found.values.get("name") or found.values["id"],
        href=reverse("pipeline_account", args=[found.values["id"]]),
        today=found.today,
        clock=now.date(),
        facts=facts,
        deals=deals,
        more_deals=shown.total - len(deals),
        actions=_actions(actor, {row["id"] for row in shown.rows}),
        notes=shown.notes,
    )


def _actions(actor: Actor, deals: set[str]) -> list[Item]:
    """Open actions about some deals that the actor may see."""
    with ask(actor, Question()) as asked:
        found = items(actor, asked.frames.scope, settled=0)
    about = [one for one in found if one.state == "open" and one.deal_id in deals]
    return sorted(about, key=lambda one: (one.due_on, one.id))

"""What the panel says of one record of the CRM, to one reader: numbers, flags, next steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.urls import reverse

from salesops.analytics import account_records, deal_records, records
from salesops.analytics.addresses import deal_href
from salesops.analytics.deal_columns import label
from salesops.analytics.engine.filters import Filter
from salesops.analytics.engine.masking import reason_of
from salesops.analytics.flags import Flag
from salesops.analytics.pipeline_tables import STATUS_TONES, STATUS_WORDS
from salesops.analytics.records import ListQuery
from salesops.analytics.selectors import Question, ask, hidden_from
from salesops.crm.engine.ids import suffix_of, to_18
from salesops.meetings.selectors import Item, items
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames, NoDataError
from salesops.ui import formats

MOST_DEALS = 10
NOT_GIVEN = "not given in the data"
OWNER = ("accounts.owner_id", "accounts.owner_name")
_SHORT = re.compile(r"[A-Za-z0-9]{15}")


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
        next_step_why: why there is no next step.
        deals: the largest open deals; of an account.
        ranked: whether they are the largest: not where amounts are hidden from the reader.
        more_deals: open deals of the account that are not among those.
        actions: open actions about it.
        today: the data's own date.
        clock: people's own day in the firm's zone, which actions are late against.
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
    next_step_why: str = ""
    deals: Sequence[DealLine] = ()
    more_deals: int = 0
    ranked: bool = True
    actions: Sequence[Item] = ()
    notes: Sequence[str] = field(default_factory=tuple)


def panel(actor: Actor, record: str, now: datetime) -> Panel:
    """The panel of an opportunity's or account's id in the CRM.

    Raises:
        LookupError: there is none of that id that the actor may see.
        NoDataError: nothing was imported yet.
        FilterError: an account's deals can't be told without a column that is hidden from the reader.
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
        return [record, to_18(record)]
    if len(record) == 18 and _SHORT.fullmatch(record[:15]) and record[15:].upper() == suffix_of(record[:15]):
        return [record, record[:15]]
    return [record] if record else []


@dataclass(frozen=True)
class _Beside:
    """What the panel needs beside the record itself.

    Attributes:
        hidden: columns hidden from the reader: of the deals plain, of other tables with their table.
        clock: today in the firm's zone.
        actions: open actions about the record that the reader may see.
    """

    hidden: frozenset[str]
    clock: date
    actions: Sequence[Item]

    def why(self, columns: Collection[str], otherwise: str) -> str:
        """Why there is no value: its columns are hidden, or else ``otherwise``."""
        masked = self.hidden & set(columns)
        return reason_of(masked) if masked else otherwise


def _beside(actor: Actor, now: datetime, mine: Callable[[Frames, list[str]], set[str]]) -> _Beside:
    """Rights, day and actions; ``mine`` says which of some deals the record is, or holds."""
    with ask(actor, Question()) as asked:
        frames = asked.frames
        found = [one for one in items(actor, frames.scope, settled=0) if one.state == "open" and one.deal_id]
        deals = mine(frames, sorted({one.deal_id for one in found})) if found else set()
        about = sorted((one for one in found if one.deal_id in deals), key=lambda one: (one.due_on, one.id))
        clock = now.astimezone(ZoneInfo(frames.firm.zone)).date()
        return _Beside(hidden_from(frames), clock, about)


def _deal(actor: Actor, name: str, now: datetime) -> Panel:
    found = deal_records.deal(actor, name, inspect=True, parts={})
    values = found.values
    beside = _beside(actor, now, lambda *_: {values["id"]})
    money = formats.Unit("money", found.currency)
    stage_class = "" if "stage_class" in beside.hidden else values.get("stage_class") or "unmapped"
    amount, closed = values.get("amount"), values.get("closed_on")
    day = "closed_on" if closed else "expected_close_on"
    facts = [
        Fact("Amount", money.exact(amount) if amount is not None else "", beside.why(["amount"], NOT_GIVEN)),
        Fact("Stage", values.get("stage") or "", beside.why(["stage"], NOT_GIVEN)),
        Fact(label(day), formats.day(values[day]) if values.get(day) else "", beside.why([day], NOT_GIVEN)),
        Fact("Owner", values.get("owner_name") or "", beside.why(["owner_name"], "nobody owns it")),
        Fact("Account", values.get("account_name") or "", beside.why(["account_name"], NOT_GIVEN)),
    ]
    created, end = values.get("created_on"), closed or found.as_of or found.today
    if why := beside.why(["created_on", "closed_on"], ""):
        facts.append(Fact("Open for", "", why))
    elif created is not None:
        facts.append(Fact("Took" if closed else "Open for", formats.days((end - created).days)))
    return Panel(
        kind="opportunity",
        title=values.get("name") or values["id"],
        href=deal_href(values["id"]),
        today=found.today,
        clock=beside.clock,
        status=STATUS_WORDS.get(stage_class, stage_class),
        tone=STATUS_TONES.get(stage_class, "neutral"),
        facts=facts,
        flags=found.flags,
        next_step=values.get("next_step") or "",
        next_step_why=beside.why(["next_step"], "none in the CRM"),
        actions=beside.actions,
        notes=found.notes,
    )


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
    beside = _beside(actor, now, _deals_of(found.values["id"]))
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
            "Open amount",
            money.exact(open_amount) if open_amount is not None else "",
            beside.why(["amount"], "no open deal has one"),
        ),
        Fact("Won deals", f"{measures['won_deals']:,}"),
        Fact(
            "Won amount",
            money.exact(won) if won is not None else "",
            beside.why(["amount"], "no won deal has one"),
        ),
        Fact(
            "Owner",
            found.owner,
            beside.why(OWNER, "nobody owns it" if found.owned else "not yours to see"),
        ),
    ]
    return Panel(
        kind="account",
        title=found.values.get("name") or found.values["id"],
        href=reverse("pipeline_account", args=[found.values["id"]]),
        today=found.today,
        clock=beside.clock,
        facts=facts,
        deals=deals,
        more_deals=shown.total - len(deals),
        ranked="amount" not in beside.hidden,
        actions=beside.actions,
        notes=shown.notes,
    )


def _deals_of(account_id: str) -> Callable[[Frames, list[str]], set[str]]:
    """Which of some deals are an account's, open or not, as far as the reader may see them."""

    def mine(frames: Frames, ids: list[str]) -> set[str]:
        chosen = frames.facts.chosen(ids)
        named = frames.deals.filter(frames.deals.id.isin(chosen.chosen))
        rows = named.filter(named.account_id == account_id).select("id")
        return set(frames.facts.execute(rows).column("id").to_pylist())

    return mine

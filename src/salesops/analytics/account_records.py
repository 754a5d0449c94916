"""Accounts as a reader may see them: those he owns and those of his deals, with what his deals there say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.filters import FilterError
from salesops.crm import selectors as crm
from salesops.org.known import NOW, Known
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames, open_frames

SORTS = (
    "name",
    "industry",
    "segment",
    "country",
    "deals",
    "open_deals",
    "open_amount",
    "won_deals",
    "won_amount",
)
SEEN_THROUGH_DEALS = ("id", "name", "industry", "segment", "country")
"""What a deal says of its account: all that a reader sees of an account he does not own."""


@dataclass(frozen=True)
class AccountPage:
    """One page of accounts.

    Attributes:
        rows: account columns, ``deals``, ``open_deals``, ``open_amount``, ``won_deals``, ``won_amount``,
            all over the reader's own rows.
        total: accounts of the whole list.
        page: the page shown.
    """

    rows: list[dict[str, Any]]
    total: int
    page: int
    today: date
    currency: str
    notes: list[str]


@dataclass(frozen=True)
class Account:
    """One account as a reader sees it.

    Attributes:
        values: its columns; those that deals name where the reader does not own it.
        kinds: column -> type.
        owned: whether the reader may see the whole record.
        measures: what the reader's deals there add up to.
        link: address of the original in its CRM, "" where no pattern is decided.
        owner: name of who owns the account, "" where nobody or the reader may not see it.
    """

    values: dict[str, Any]
    kinds: dict[str, str]
    owned: bool
    measures: dict[str, Any]
    link: str
    today: date
    currency: str
    owner: str = ""


def account_list(
    actor: Actor,
    *,
    search: str = "",
    sort: str = "-open_amount",
    page: int = 1,
    size: int = 50,
    known: Known = NOW,
) -> AccountPage:
    """One page of the accounts an actor may see.

    Raises:
        NoDataError: nothing was imported yet.
        FilterError: there is no such column to sort by.
    """
    column = sort.removeprefix("-")
    if column not in SORTS:
        raise FilterError(f"There is no column {column!r} to sort accounts by: choose {', '.join(SORTS)}.")
    with open_frames(actor, manifest_id=known.manifest_id, known_at=known.known_at) as frames:
        rows = _visible(frames)
        for word in search.split():
            rows = rows.filter(
                rows.name.lower().contains(word.lower()) | rows.id.lower().contains(word.lower())
            )
        total = frames.facts.execute(rows.agg(n=rows.count())).to_pylist()[0]["n"]
        key = rows[column]
        turned = key.desc(nulls_first=False) if sort.startswith("-") else key.asc(nulls_first=False)
        number = min(max(page, 1), max(1, -(-total // size)))
        part = rows.order_by([turned, rows.name.asc(), rows.id.asc()]).limit(size, offset=(number - 1) * size)
        found = frames.facts.execute(part).to_pylist()
        return AccountPage(found, total, number, frames.today, frames.currency, frames.notes)


def account(actor: Actor, account_id: str, *, known: Known = NOW) -> Account:
    """One account with what the reader's deals there add up to.

    Raises:
        LookupError: there is none of that id that the actor may see; one of somebody else and one
            that does not exist are the same answer.
    """
    with open_frames(actor, manifest_id=known.manifest_id, known_at=known.known_at) as frames:
        seen: list[dict[str, Any]] = []
        if "\x00" not in account_id:
            visible = _visible(frames)
            seen = frames.facts.execute(visible.filter(visible.id == account_id)).to_pylist()
        if not seen:
            message = f"There is no account {account_id!r} that you may see."
            raise LookupError(message)
        own = frames.facts.read("accounts", frames.scope)
        full = frames.facts.execute(own.filter(own.id == account_id)).to_pylist()
        values = full[0] if full else {name: seen[0][name] for name in SEEN_THROUGH_DEALS}
        measures = {k: v for k, v in seen[0].items() if k not in SEEN_THROUGH_DEALS}
        links = crm.record_links(frames.as_of, frames.known_at)
        pattern = links.get((values.get("source") or "", "accounts"), "")
        owner = frames.people.get(values.get("owner_id") or "")
        return Account(
            owner=owner.name if owner else values.get("owner_name") or values.get("owner_id") or "",
            values=values,
            kinds=dict(frames.facts.columns("accounts")),
            owned=bool(full),
            measures=measures,
            link=pattern.replace("{id}", quote(account_id, safe="")) if pattern else "",
            today=frames.today,
            currency=frames.currency,
        )


def _visible(frames: Frames) -> ir.Table:
    """Accounts the reader owns or has a deal with, and what his deals there add up to."""
    deals = frames.deals.filter(frames.deals.account_id.notnull())
    is_open, is_won = deals.stage_class == "open", deals.stage_class == "won"
    sums = deals.group_by(deal_account=deals.account_id).agg(
        deals=deals.count(),
        open_deals=deals.count(where=is_open),
        open_amount=deals.amount.sum(where=is_open),
        open_estimate=deals.amount_estimate.sum(where=is_open),
        won_deals=deals.count(where=is_won),
        won_amount=deals.amount.sum(where=is_won),
        last_closed=deals.closed_on.max(),
    )
    accounts = frames.facts.read("accounts", frames.scope.through_parent())
    joined = accounts.left_join(sums, accounts.id == sums.deal_account)
    if not frames.scope.everything:
        own = frames.facts.read("accounts", frames.scope).select(own_id="id").distinct()
        joined = joined.left_join(own, joined.id == own.own_id)
        joined = joined.filter(joined.deal_account.notnull() | joined.own_id.notnull())
    none = ibis.literal(0, type="int64")
    return joined.select(
        *(joined[name] for name in SEEN_THROUGH_DEALS),
        deals=ibis.coalesce(joined.deals, none),
        open_deals=ibis.coalesce(joined.open_deals, none),
        open_amount=joined.open_amount,
        open_estimate=joined.open_estimate,
        won_deals=ibis.coalesce(joined.won_deals, none),
        won_amount=joined.won_amount,
        last_closed=joined.last_closed,
    )

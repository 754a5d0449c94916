"""Links of the win-loss page: the list of the deals behind each of its figures."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlencode

from django.urls import reverse

from salesops.analytics.addresses import NOTHING, Address
from salesops.analytics.engine.filters import Filter
from salesops.analytics.engine.winloss import STAGE, Line
from salesops.analytics.list_address import ListAddress
from salesops.analytics.winloss import WinLoss

Which = Literal["closed", "won", "lost", "no_decision", "losses"]

MOST_IN_A_LINK = 1_500
"""Characters that reasons of no decision may take in a link."""


def deals_href(found: WinLoss, address: Address, line: Line, which: Which) -> str:
    """The list of the deals behind one figure; "" where a list can't be asked for them."""
    if line.others:
        return ""
    if line.part == STAGE:
        return stage_href(address, line.value)
    filters = [*([address.team_filter()] if address.team else []), *address.filters]
    if line.part:
        filters.append(_is(line.part, line.value))
    if which in ("lost", "no_decision") and found.nobody:
        if any("|" in text for text in found.nobody) or sum(map(len, found.nobody)) > MOST_IN_A_LINK:
            return ""
        filters.append(Filter("loss_reason", "in" if which == "no_decision" else "not_in", found.nobody))
    elif which == "no_decision":
        return ""
    if which == "closed":
        filters.append(Filter("stage_class", "in", ("won", "lost")))
    status = {"won": "won", "closed": "all"}.get(which, "lost")
    period = found.spans.period
    wanted = ListAddress(
        status=status,
        closed=period.label if period else "",
        filters=tuple(filters),
        as_of=address.as_of,
        known_at=address.known.text,
    )
    return f"{reverse('pipeline')}?{wanted.query()}"


def _is(column: str, value: str | None) -> Filter:
    return Filter(column, "is_null") if value is None else Filter(column, "eq", (value,))


def stage_href(address: Address, stage: str | None) -> str:
    """This page with the deals lost from a stage below."""
    pairs = [*address.pairs(), ("lost_from", NOTHING if stage is None else stage)]
    return f"{reverse('win_loss')}?{urlencode(pairs)}#deals-lost-from"

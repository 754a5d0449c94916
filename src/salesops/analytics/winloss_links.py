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
        return stage_href(address, line.value, found.reasons.column)
    filters = [*([address.team_filter()] if address.team else []), *address.filters]
    if line.part:
        if not _fits(line):
            return ""
        filters.append(_is(line))
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


def _fits(line: Line) -> bool:
    """Whether a filter holds all the ways in which the deals write a line's value."""
    if line.value is None or len(line.spellings) < 2:
        return not (line.value is None and line.spellings)
    return not any("|" in text for text in line.spellings) and sum(map(len, line.spellings)) <= MOST_IN_A_LINK


def _is(line: Line) -> Filter:
    if line.value is None:
        return Filter(line.part, "is_null")
    written = line.spellings or (line.value,)
    return Filter(line.part, "in" if len(written) > 1 else "eq", written)


def stage_href(address: Address, stage: str | None, buyer: str = "") -> str:
    """This page with the deals lost from a stage below; the column of the buyers' reasons stays chosen."""
    pairs = [*address.pairs(), *([("buyer", buyer)] if buyer else [])]
    pairs.append(("lost_from", NOTHING if stage is None else stage))
    return f"{reverse('win_loss')}?{urlencode(pairs)}#deals-lost-from"

"""REST: won and lost deals by competitor, reason and other parts."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Query, Router, Schema

from salesops.analytics import winloss_parts as parts
from salesops.analytics.addresses import read
from salesops.analytics.api import TeamName
from salesops.analytics.selectors import ask
from salesops.analytics.shown import unique
from salesops.analytics.winloss import win_loss
from salesops.platform.rest import actor_of_request, reply, scoped

router = Router(tags=["numbers"])


class WinLossRow(Schema):
    """One value of a part; the first row is all deals.

    ``share`` is what ``measure`` says: won of the deals closed, no decision as lost, or deals of the losses of which
    the part is known. ``rate_apart`` is the win rate with no decision apart. ``lost`` and ``no_decision`` are null
    where the two can't be told apart; ``losses`` holds both. ``noise`` is of ``gap``: ``share`` less what the whole
    periods before together lead one to expect; ``change`` is against the one period before and not tested.
    """

    part: str
    value: str | None
    name: str
    closed: int
    won: int
    lost: int | None
    no_decision: int | None
    no_decision_reason: str
    losses: int
    amount_won: Any
    amount_lost: Any
    unknown_amounts: int
    measure: Literal["win_rate", "share_of_losses"]
    share: Any
    reason: str
    low: Any
    high: Any
    n: int
    few: bool
    rate_apart: Any
    rate_apart_reason: str
    low_apart: Any
    high_apart: Any
    n_apart: int | None
    share_then: Any
    n_then: int | None
    change: Any
    expected: Any
    gap: Any
    noise: Literal["beyond", "noise", "few", "unknown", ""]
    why: str


class AgreementOut(Schema):
    """The rep's reasons (rows) against the buyer's own (columns); nulls with a reason where nothing can be told."""

    column: str
    reasons: list[str]
    matrix: list[list[int]]
    n: int
    agreement: Any
    chance: Any
    kappa: Any
    reason: str


class WinLossOut(Schema):
    """What became of the deals closed in a period; ``missing`` says which parts can't be told, and why."""

    period: str
    compared_with: str | None
    compared_to: date | None
    compared_reason: str
    currency: str
    reading: str
    win_rate_no_decision_lost: Any
    no_decision_share: Any
    no_decision_reason: str
    losses_without_reason: int
    ranking_allowed: bool | None
    competitors_not_ranked: int
    ranking: str
    rows: list[WinLossRow]
    missing: dict[str, str]
    reason_agreement: AgreementOut
    notes: list[str]


@router.get(
    "/win-loss", **scoped("numbers.read", WinLossOut), summary="Won and lost deals, against whom and why"
)
def winloss_read(
    request: HttpRequest,
    period: str = "quarter",
    buyer: Annotated[str, Query(max_length=200)] = "",
    team: TeamName = "",
    filter_: Annotated[list[str], Query(alias="filter", max_length=20)] = [],  # noqa: B006 - ninja reads it
    as_of: date | None = None,
    known_at: Annotated[str, Query(max_length=64)] = "",
) -> HttpResponse:
    """Deals of the caller closed in a period: won, lost, no decision; by competitor, reason, segment and stage.

    ``buyer`` names a column of your own that holds the buyer's own reason.
    """
    asked_for: dict[str, Any] = {"period": period, "filter": filter_, "team": team, "known_at": known_at}
    if as_of is not None:
        asked_for["as_of"] = as_of.isoformat()
    address, actor = read(QueryDict(urlencode(asked_for, doseq=True))), actor_of_request(request)
    with ask(actor, address.question()) as asked:
        found = win_loss(asked, buyer)
        label = asked.period.label if asked.period else "all"
        currency = asked.frames.currency
        notes = unique([*asked.frames.notes, found.money_reason and f"Amounts are {found.money_reason}."])
    reasons, kappa = found.reasons, found.reasons.agreement
    return reply(
        {
            "period": label,
            "compared_with": found.spans.before.label if found.spans.before else None,
            "compared_to": found.spans.cut,
            "compared_reason": found.then_reason,
            "currency": currency,
            "reading": parts.reading(found),
            "win_rate_no_decision_lost": found.win_rate.value if found.win_rate else None,
            "no_decision_share": found.no_decision.value,
            "no_decision_reason": found.no_decision.reason,
            "losses_without_reason": found.without_reason,
            "ranking_allowed": found.ranked,
            "competitors_not_ranked": found.rivals_left,
            "ranking": parts.ranking(found),
            "rows": [{name: row[name] for name in WinLossRow.model_fields} for row in parts.rows(found)],
            "missing": dict(found.missing),
            "reason_agreement": {
                "column": reasons.column,
                "reasons": list(reasons.names),
                "matrix": [list(row) for row in reasons.matrix],
                "n": reasons.n,
                "agreement": kappa.agreement.value if kappa else None,
                "chance": kappa.chance.value if kappa else None,
                "kappa": kappa.kappa.value if kappa else None,
                "reason": kappa.kappa.reason if kappa else reasons.reason,
            },
            "notes": notes,
        }
    )

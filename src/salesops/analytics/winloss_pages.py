"""The page of won and lost deals: by competitor, reason, segment and where they were lost from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from salesops.analytics import winloss_links as links
from salesops.analytics import winloss_parts as parts
from salesops.analytics.addresses import NOTHING, Address, deal_href, read, reads_address
from salesops.analytics.deal_columns import label
from salesops.analytics.engine.winloss import FEWEST, STAGE, measured
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.page_parts import chips, filter_words, scope_line, selects
from salesops.analytics.selectors import OpenQuestion, ask
from salesops.analytics.shown import definition_of, unique
from salesops.analytics.winloss import (
    PARTS,
    WIN_RATE,
    Listed,
    WinLoss,
    buyer_columns,
    lost_from,
    win_loss,
)
from salesops.platform.actors import Actor
from salesops.ui import exports
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table

Row = dict[str, Any]
SUBTITLES = {
    "competitor": "Won of the deals that name this competitor, and beside it with no decision apart",
    "loss_reason": "As the reps stated it; the share is of the losses that have a reason",
    STAGE: "The open stage that the change log last knows; the share is of the losses whose stage it knows",
}


@require_safe
@freezable
@reads_address
def winloss_page(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Won, lost and no decision of a period, against whom, why and where."""
    address = read(request.GET, default="quarter")
    stage = request.GET.get("lost_from")
    with ask(actor, address.question()) as asked:
        found = win_loss(asked, request.GET.get("buyer", ""))
        currency, scope = asked.frames.currency, scope_line(actor, asked, address)
        lost = None if stage is None else lost_from(asked, None if stage == NOTHING else stage)
        known = [part for part in PARTS if part not in found.missing]
        lines = parts.rows(found)
        notes = unique(asked.frames.notes)
        context: dict[str, Any] = {
            "title": f"Win-loss, {asked.period.title}" if asked.period else "Win-loss",
            "scope": scope,
            "reading": parts.reading(found),
            "tiles": parts.tiles(found, address, currency),
            "ranking": parts.ranking(found),
            "figure": parts.figure(found, address) if "loss_reason" in known else None,
            "tables": [_section(found, address, part, lines, currency) for part in known],
            "missing": [(PARTS[part], why) for part, why in found.missing.items()],
            "agreement": _agreement(found),
            "buyers": _buyers(asked, found),
            "lost_from": _lost_from(address, stage, lost, currency) if lost is not None else None,
            "found": found,
            "judged": sum(bool(row["p_text"]) for row in lines),
            "fewest": FEWEST,
            "chips": chips(address),
            "notes": [*notes, found.money_reason and f"Amounts are {found.money_reason}."],
            **selects(asked, address),
        }
        cut = f"Of those lost from {_stage_words(stage)}, {lost.cut} are listed." if lost and lost.cut else ""
        context["notes"] = unique([*context["notes"], cut])
        frozen = Frozen(
            title=f"{context['title']}, {scope}",
            name=f"win-loss {asked.period.label if asked.period else 'all'}",
            data_on=asked.frames.today,
            filters=filter_words(actor, asked, address),
            definitions=[definition_of(asked.kpis([WIN_RATE])[0])],
            notes=[context["reading"], *context["notes"], *(f"{a}: {b}." for a, b in context["missing"])],
            sheets=lambda: [
                *parts.sheets(found, currency),
                *([_lost_sheet(stage, lost, currency)] if lost is not None else []),
            ],
            zone=asked.frames.firm.zone,
        )
    return page(request, "analytics/winloss.html", context, frozen)


def _or_dash(key: str) -> Callable[[Row], str]:
    return lambda row: row[key] or "\u2014"


def _section(
    found: WinLoss, address: Address, part: str, lines: Sequence[Row], currency: str
) -> dict[str, Any]:
    own = [row for row in lines if row["part"] == part]
    columns = _of_losses if measured(part) == "losses" else _of_decided
    return {
        "part": part,
        "title": f"By {PARTS[part].lower()}" if part != STAGE else PARTS[part],
        "subtitle": SUBTITLES.get(part, "Won of all closed deals, and beside it with no decision apart"),
        "table": Table(
            PARTS[part],
            columns(found, address, part, currency),
            own,
            id=f"by-{part.replace('_', '-')}",
            live=False,
            noun="lines",
            empty=Empty("No deal", "No deal was closed in this period.", "inbox"),
        ),
    }


def _to(found: WinLoss, address: Address, which: links.Which) -> Callable[[Row], str | None]:
    return lambda row: links.deals_href(found, address, row["line"], which)


def _linked(found: WinLoss, address: Address, key: links.Which, title: str, **more: Any) -> Column:
    """A count that opens its deals; nothing opens none."""
    to = _to(found, address, key)
    return Column(key, title, "number", href=lambda row: to(row) if row[key] else None, **more)


def _of_decided(found: WinLoss, address: Address, part: str, currency: str) -> list[Column]:
    return [
        Column("name", PARTS[part], "lead", href=_to(found, address, "closed")),
        _linked(found, address, "won", "Won"),
        _linked(found, address, "losses", "Not won"),
        _linked(
            found,
            address,
            "no_decision",
            "No decision",
            reason=lambda row: row["no_decision_reason"],
            phone=False,
        ),
        Column("share", "Win rate", "ratio", reason=lambda row: row["reason"]),
        Column("rate_apart", "Rate apart", "ratio", reason=lambda row: row["rate_apart_reason"]),
        Column("range_apart", "Its 95% range", "number", render=_or_dash("range_apart")),
        Column(
            "amount_won", "Amount won", "money", currency=currency, phone=False, reason="nothing is known"
        ),
        *_moved()[:-1],  # p and the amount not won stand in the files: the table is as wide as a page without
    ]


def _of_losses(found: WinLoss, address: Address, part: str, currency: str) -> list[Column]:
    ends = [Column("ends", "Counts as", phone=False)] if part == "loss_reason" else []
    return [
        Column("name", PARTS[part], "lead", href=_to(found, address, "losses")),
        Column("losses", "Deals", "number"),
        Column("amount_lost", "Amount", "money", currency=currency, reason="no amount is known"),
        Column("share", "Of the losses", "ratio", reason=lambda row: row["reason"]),
        Column("range", "95% range", "number", render=_or_dash("range"), phone=False),
        *ends,
        *_moved(),
    ]


def _moved() -> list[Column]:
    return [
        Column("change_text", "Change", "number", render=_or_dash("change_text")),
        Column("expected", "Expected", "ratio", reason=lambda row: row["why"], phone=False),
        Column("word", "Against noise", "status"),
        Column("p_text", "p", "number", render=_or_dash("p_text"), phone=False),
    ]


def _agreement(found: WinLoss) -> dict[str, Any]:
    reasons = found.reasons
    if not reasons.names:
        return {"reason": reasons.reason}
    columns = [Column("stated", "Rep said", "lead")]
    columns += [Column(f"c{n}", name, "number") for n, name in enumerate(reasons.names)]
    table = Table(
        "Rep and buyer",
        columns,
        parts.matrix_rows(reasons),
        id="rep-and-buyer",
        live=False,
        noun="reasons",
        phone="scroll",
    )
    return {"words": parts.agreement_words(reasons), "table": table, "few": reasons.n < FEWEST}


def _buyers(asked: OpenQuestion, found: WinLoss) -> list[dict[str, Any]]:
    return [
        {"name": name, "title": label(name), "chosen": name == found.reasons.column}
        for name in buyer_columns(asked)
    ]


def _lost_from(address: Address, stage: str | None, found: Listed, currency: str) -> dict[str, Any]:
    title = f"Lost from {_stage_words(stage)}"
    return {
        "title": title,
        "cut": found.cut,
        "table": Table(
            title,
            [
                Column("name", "Deal", "lead"),
                Column("account_name", "Account", phone=False),
                Column("owner_name", "Owner"),
                Column("amount", "Amount", "money", currency=currency),
                Column("closed_on", "Closed", "day"),
                Column("loss_reason", "Loss reason"),
                Column("competitor", "Competitor", phone=False),
            ],
            [{**row, "name": row["name"] or row["id"]} for row in found.rows],
            id="lost-from",
            live=False,
            row_href=lambda row: deal_href(row["id"], address.known, address.as_of),
            noun="deals",
            empty=Empty("No deal", "No deal that you see was lost from this stage in the period.", "inbox"),
        ),
    }


def _stage_words(stage: str | None) -> str:
    return "a stage that is not known" if stage in (None, NOTHING) else str(stage)


def _lost_sheet(stage: str | None, found: Listed, currency: str) -> exports.Sheet:
    return exports.Sheet(
        f"Lost from {_stage_words(stage)}"[:31],
        [
            exports.Column("name", "Deal", width=40),
            exports.Column("account_name", "Account", width=26),
            exports.Column("owner_name", "Owner", width=22),
            exports.Column("amount", "Amount", "money", currency),
            exports.Column("closed_on", "Closed", "day"),
            exports.Column("loss_reason", "Loss reason", width=22),
            exports.Column("competitor", "Competitor", width=22),
            exports.Column("id", "Deal id", width=22),
        ],
        found.rows,
    )

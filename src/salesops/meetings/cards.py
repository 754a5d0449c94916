"""What the Monday page is made of: tiles, the pace chart, tables and sheets, from what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from salesops.analytics import home
from salesops.analytics.addresses import Address, deal_href, href
from salesops.analytics.deal_story import ends
from salesops.meetings.engine.answer import Figures, answer
from salesops.meetings.inputs import Deciding, Ghosts, Standing, pace_words
from salesops.meetings.selectors import Item
from salesops.ui import charts, exports, formats
from salesops.ui.components import Delta, Empty, Tile
from salesops.ui.readings import Series
from salesops.ui.tables import Column, Table


def said(figures: Figures, currency: str) -> str:
    """The page's first sentence."""
    return answer(figures, formats.Unit("money", currency).short)


def tiles(address: Address, found: Standing, currency: str) -> list[Tile]:
    """Will we make it: closed, committed, where the pace leads, and the gap to the quota."""
    figures, unit = found.figures, formats.Unit("money", currency)
    return [
        Tile(
            "Closed", figures.won, unit, reason=_reason(found, "won"), href=address.to("number", "won_value"),
            note="won in the period so far", delta=_share_made(figures),
        ),
        Tile(
            "Commit", figures.commit, unit, reason=_reason(found, "commit"), note=_due_words(found, unit),
        ),
        Tile(
            "At our own pace", _whole(figures), unit, reason=_reason(found, "pace"),
            note=_range(figures, unit), delta=_against(figures, unit),
        ),
        Tile(
            "Gap" if figures.gap is None or figures.gap >= 0 else "Over quota",
            None if figures.gap is None else abs(figures.gap), unit,
            reason=_reason(found, "won" if figures.hidden else "quota"),
            note="" if figures.quota is None else f"quota {unit.short(figures.quota)} less closed",
            href=address.to("number", "quota_attainment") if figures.quota is not None else "",
        ),
    ]  # fmt: skip


def _reason(found: Standing, name: str) -> str:
    reason = found.reasons.get(name, "") or "not known"
    return f"{reason[:1].upper()}{reason[1:]}."


def _due_words(found: Standing, unit: formats.Unit) -> str:
    """What is open and due in the period."""
    if not found.has_dates or found.figures.due is None:
        return ""
    count = found.deals_due
    return f"of {unit.short(found.figures.due)} open and due, {count:,} deal{'' if count == 1 else 's'}"


def _whole(figures: Figures) -> Decimal | None:
    return None if figures.pace.expected is None else Decimal(round(figures.pace.expected))


def _range(figures: Figures, unit: formats.Unit) -> str:
    pace = figures.pace
    if pace.expected is None or pace.least is None or pace.most is None:
        return pace_words(pace)
    least, most = Decimal(round(pace.least)), Decimal(round(pace.most))
    return f"{unit.short(least)} to {unit.short(most)} as past periods went"


def _against(figures: Figures, unit: formats.Unit) -> Delta | None:
    expected = _whole(figures)
    if expected is None or not figures.quota:
        return None
    short = figures.quota - expected
    if short > 0:
        return Delta(f"{unit.short(short)} short", "of quota", "", "warn")
    return Delta(f"{unit.short(-short)} over", "quota", "", "ok")


def _share_made(figures: Figures) -> Delta | None:
    if not figures.quota or figures.hidden:
        return None
    made = Fraction(figures.won or 0) / Fraction(figures.quota)
    return Delta(formats.ratio(made), "of quota", "", "ok" if made >= 1 else "neutral")


def pace_chart(found: Standing, currency: str) -> charts.Figure:
    """Won so far against the firm's own curve, week by week."""
    labels = [formats.day(day, style="short") for day in found.days]
    lines = [Series("Won", list(found.so_far))]
    if found.towards:
        lines.append(Series(f"our own curve to the {found.towards}", list(found.on_the_way)))
    pace = found.figures.pace
    subtitle = pace_words(pace) or pace.reason
    return charts.lines_figure(
        "pace", "Pace", labels, lines, formats.Unit("money", currency),
        subtitle=f"{subtitle[:1].upper()}{subtitle[1:]}", head="Up to", at="on",
    )  # fmt: skip


def deciding_lines(
    rows: Sequence[Deciding], currency: str, address: Address, links: Mapping[str, str], *, may_act: bool
) -> list[dict[str, Any]]:
    """The deals that decide, each with why and the question to ask."""
    unit = formats.Unit("money", currency)
    about = address.query()
    mark = "&" if about else "?"
    return [
        {
            "name": one.row["name"] or one.row["id"],
            "href": deal_href(one.row["id"], address.known),
            "owner": one.row["owner_name"] or "nobody",
            "stage": one.row["stage"],
            "due": one.row["expected_close_on"],
            "worth": "" if one.worth is None else unit.full(one.worth),
            "estimated": one.estimated,
            "part": "" if one.part is None else formats.ratio(one.part, places=0),
            "flags": one.row["flags"],
            "question": one.question,
            "record": links.get(one.row["id"], ""),
            "act": f"{about}{mark}{urlencode({'about': one.row['id']})}#new-action" if may_act else "",
        }
        for one in rows
    ]


def ghost_words(found: Ghosts, currency: str) -> str:
    """What is left out of the deals that decide, in a sentence; "" where nothing is."""
    if not found.deals:
        return ""
    worth = "" if found.worth is None else f", {formats.Unit('money', currency).short(found.worth)} together"
    many = found.deals != 1
    return (
        f"{found.deals:,} more {'are' if many else 'is'} due{worth}, but open for longer than any deal that was "
        f"ever closed: nobody should count on {'them' if many else 'it'}."
    )


def changes_table(
    rows: Sequence[Mapping[str, Any]], currency: str, address: Address, page: Any, words: str
) -> Table:
    """What changed since the last meeting, deal by deal."""
    shown = [
        {**row, "label": row["name"] or row["id"], "what": home.KINDS[row["kind"]], **ends(row, currency)}
        for row in rows
    ]
    columns = [
        Column("label", "Deal", "lead"),
        Column("owner_name", "Rep", reason="nobody owns it"),
        Column("what", "Change"),
        Column("old", "From", reason="nothing stood there before", phone=False),
        Column("new", "To", reason="the change is the record itself"),
        Column("day", "On", "day"),
        Column("amount", "Amount", "money", currency=currency, reason="the deal has no amount"),
    ]
    return Table(
        "What changed", columns, shown, id="changed", page=page, noun="changes",
        row_href=lambda row: deal_href(row["id"], address.known),
        empty=Empty("Nothing changed", f"No deal changed {words}.", "history"),
    )  # fmt: skip


def item_lines(
    items: Sequence[Item], names: Mapping[str, tuple[str, str]], links: Mapping[str, str], today: date,
    address: Address, *, may_act: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """Action items as the page shows them: late ones first, then by day; what is settled last."""
    order = {"open": 0, "done": 1, "dropped": 2}
    made = []
    for one in sorted(items, key=lambda i: (order[i.state], i.due_on, i.id)):
        seen = one.deal_id in names
        made.append(
            {
                "item": one,
                "late": one.late(today),
                "word": "Late" if one.late(today) else one.state.capitalize(),
                "tone": "bad"
                if one.late(today)
                else {"open": "info", "done": "ok"}.get(one.state, "neutral"),
                "deal_name": names[one.deal_id][0] if seen else "",
                "deal_href": deal_href(one.deal_id, address.known) if seen else "",
                "record": links.get(one.deal_id, ""),
                "change_href": reverse("action_change", args=[one.id]),
                "may_change": may_act,
            }
        )
    return made


def people_lines(found: Sequence[Any], me: str) -> list[dict[str, str]]:
    """Links to one-to-ones with everybody but oneself."""
    return [{"name": one.name, "href": href("one_to_one", one.id)} for one in found if one.id != me]


def sheets(
    sentence: str, found: Standing, rows: Sequence[Deciding], changed: Sequence[Mapping[str, Any]],
    items: Sequence[Item], currency: str,
) -> list[exports.Sheet]:  # fmt: skip
    """The page as a workbook; the first sheet is also its CSV."""
    figures = found.figures
    pairs = [
        ("Closed", figures.won, found.reasons.get("won", "")),
        ("Commit", figures.commit, found.reasons.get("commit", "")),
        ("At our own pace", _whole(figures), found.reasons.get("pace", "")),
        ("Quota", figures.quota, found.reasons.get("quota", "")),
        ("Gap", figures.gap, figures.hidden or found.reasons.get("quota", "")),
        ("Open, due in the period", figures.due, found.reasons.get("due", "")),
    ]
    lines = [{"what": name, "value": v, "reason": "" if v is not None else why} for name, v, why in pairs]
    money = {"kind": "money", "currency": currency}
    return [
        exports.Sheet(
            "Standing",
            [
                exports.Column("what", "Figure", width=30),
                exports.Column("value", "Value", **money),
                exports.Column("reason", "Why there is no value", width=60),
            ],
            [*lines, {"what": sentence, "value": None, "reason": ""}],
        ),
        exports.Sheet(
            "Deals that decide",
            [
                exports.Column("id", "Id"),
                exports.Column("name", "Deal", width=30),
                exports.Column("owner_name", "Rep"),
                exports.Column("stage", "Stage"),
                exports.Column("amount", "Amount", **money),
                exports.Column("expected_close_on", "Expected close", "day"),
                exports.Column("question", "Ask", width=60),
            ],
            [{**one.row, "question": one.question} for one in rows],
        ),
        exports.Sheet(
            "What changed",
            [
                exports.Column("id", "Id"),
                exports.Column("name", "Deal", width=30),
                exports.Column("owner_name", "Rep"),
                exports.Column(lambda row: home.KINDS[row["kind"]], "Change"),
                exports.Column("old", "From"),
                exports.Column("new", "To"),
                exports.Column("currency", "Currency of the deal"),
                exports.Column("day", "On", "day"),
                exports.Column("amount", "Amount", **money),
            ],
            list(changed),
        ),
        actions_sheet(items),
    ]


def actions_sheet(items: Sequence[Item]) -> exports.Sheet:
    """Action items as a sheet."""
    return exports.Sheet(
        "Actions",
        [
            exports.Column("text", "What", width=50),
            exports.Column("owner_name", "Who"),
            exports.Column("due_on", "By", "day"),
            exports.Column("state", "State"),
            exports.Column("moved", "Times moved", "integer"),
            exports.Column("note", "Note", width=40),
            exports.Column("author", "Added by"),
        ],
        list(items),
    )

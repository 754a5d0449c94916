"""What the pages of one deal and one account show: facts, tables, timeline, and the same as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.urls import reverse

from salesops.analytics.account_records import Account
from salesops.analytics.addresses import href
from salesops.analytics.deal_columns import label, labels, meaning
from salesops.analytics.deal_records import Deal
from salesops.analytics.deal_story import moments, pushes, shown
from salesops.analytics.freezing import Frozen
from salesops.analytics.pipeline_tables import STATUS_TONES, STATUS_WORDS
from salesops.facts.tables import SYSTEM_COLUMNS
from salesops.org.known import NOW, PARAMETER, Known
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.ui import exports, formats
from salesops.ui.components import Definition
from salesops.ui.tables import Column, Table

KEY_FACTS = (
    "created_on", "expected_close_on", "closed_on", "forecast_category", "probability", "next_step",
    "last_activity_on", "last_stage_change_on", "first_interaction_on", "product_name", "quantity", "type",
    "lead_source", "loss_reason", "competitor", "contact_name", "manager_name", "team", "region", "industry",
    "segment", "country",
)  # fmt: skip
"""Facts of a deal's card, where the data has them, in this order."""

PARTS = {
    "opportunity_lines": (
        "product_name", "quantity", "unit_price", "list_price", "discount", "amount", "currency",
    ),
    "opportunity_team": ("user_id", "user_name", "role", "share"),
    "opportunity_contacts": ("contact_id", "role"),
    "activities": ("subject", "type", "happened_on", "starts_at", "owner_id", "owner_name", "status"),
}  # fmt: skip
"""What the page shows of the tables that belong to a deal."""

_SEEN = ("source", "import_id", "source_row", "first_seen_on", "last_seen_on")


def context(actor: Actor, deal: Deal, as_of: date | None, known: Known = NOW) -> dict[str, Any]:
    """What the template of a deal needs; nothing in it reads facts."""
    values, kinds = deal.values, deal.kinds
    names = labels(kinds)
    stage_class = values.get("stage_class") or "unmapped"
    # A stage's class is that of the deal where it stands now: history names stages, not classes.
    classes = {values["stage"]: stage_class} if values.get("stage") else {}
    facts = [(names.get(c, label(c)), _said(deal, c)) for c in KEY_FACTS if values.get(c) not in (None, "")]
    day = deal.as_of or deal.today
    again = "&" + urlencode({PARAMETER: known.text}) if known.text else ""
    age = _age(values, day)
    raw = [
        {"label": names[c], "column": c, "value": _said(deal, c), "meaning": meaning(c)}
        for c in sorted(kinds, key=lambda c: (c.startswith("x_"), list(kinds).index(c)))
        if values.get(c) not in (None, "") and c not in _SEEN
    ]
    return {
        "title": values.get("name") or values["id"],
        "deal": deal,
        "values": values,
        "status": STATUS_WORDS.get(stage_class, stage_class),
        "tone": STATUS_TONES.get(stage_class, "neutral"),
        "account_href": reverse("pipeline_account", args=[values["account_id"]]) + again.replace("&", "?", 1)
        if values.get("account_id")
        else "",
        "owner_href": f"{reverse('pipeline')}?owner={quote_plus(values['owner_name'])}&status=open{again}"
        if values.get("owner_name")
        else "",
        "facts": facts,
        "age": age,
        "pushes": pushes(deal.changes),
        "moments": moments(deal, classes),
        "tables": _tables(deal),
        "raw": raw,
        "empty_columns": len([c for c in kinds if values.get(c) in (None, "")]),
        "seen": [(label(c), _said(deal, c)) for c in _SEEN if values.get(c) not in (None, "")],
        "import_href": _import_href(actor, values.get("import_id") or ""),
        "as_of": as_of,
    }


def _import_href(actor: Actor, import_id: str) -> str:
    """The page of the import that wrote the row, for those who may read it."""
    return href("import_detail", int(import_id)) if import_id.isdigit() and may(actor, "import.view") else ""


def _age(values: Mapping[str, Any], day: date) -> str:
    created, closed = values.get("created_on"), values.get("closed_on")
    if created is None:
        return ""
    length = formats.days(((closed or day) - created).days)
    return f"took {length} from creation to close" if closed else f"open for {length}"


def _said(deal: Deal, column: str) -> str:
    kind = deal.kinds.get(column, "text")
    currency = deal.currency if column in ("amount", "amount_estimate") else deal.values.get("currency") or ""
    return shown(deal.values.get(column), kind, currency=currency, zone=deal.zone)


def _tables(deal: Deal) -> list[tuple[str, Table, int]]:
    """The tables that belong to a deal, as (title, table, rows in all); those without rows are left out."""

    def money(row: Mapping[str, Any]) -> str:
        return row.get("currency") or deal.currency

    person = deal.people
    team = [
        {**row, "who": person.get(row["user_id"] or "", row.get("user_name") or row["user_id"])}
        for row in deal.team
    ]
    done = [
        {
            **row,
            "who": person.get(row["owner_id"] or "", row.get("owner_name") or row["owner_id"]),
            "day": row["happened_on"] or (row["starts_at"].date() if row["starts_at"] else None),
        }
        for row in deal.activities
    ]
    made: list[tuple[str, str, Sequence[Any], list[Column]]] = [
        (
            "Lines",
            "opportunity_lines",
            deal.lines,
            [
                Column("product_name", "Product", "lead"),
                Column("quantity", "Units", "number"),
                Column("unit_price", "Price", "money", currency=money),
                Column("list_price", "List price", "money", currency=money, phone=False),
                Column("discount", "Discount", "ratio"),
                Column("amount", "Amount", "money", currency=money),
            ],
        ),
        (
            "Team",
            "opportunity_team",
            team,
            [
                Column("who", "Person", "lead"),
                Column("role", "Role"),
                Column("share", "Share of the credit", "ratio"),
            ],
        ),
        (
            "Contacts",
            "opportunity_contacts",
            [{**row, "who": row.get("name") or row["contact_id"]} for row in deal.contacts],
            [Column("who", "Contact", "lead"), Column("role", "Role"), Column("title", "Job title")],
        ),
        (
            "Activities",
            "activities",
            done,
            [
                Column("subject", "Subject", "lead"),
                Column("type", "Type"),
                Column("day", "Day", "day"),
                Column("who", "By"),
                Column("status", "State", phone=False),
            ],
        ),
    ]
    return [
        (
            title,
            Table(title, columns, rows, id=f"deal-{key}", live=False, noun="rows"),
            deal.counts.get(key, len(rows)),
        )
        for title, key, rows, columns in made
        if rows
    ]


def frozen(deal: Deal, as_of: date | None, known: Known = NOW) -> Frozen:
    """A deal as a file: its columns, and its changes."""
    names = labels(deal.kinds)
    facts = [{"name": names[c], "value": _said(deal, c)} for c in deal.kinds]
    told = [
        {
            "when": m.said or (formats.day(m.when) if m.when else ""),
            "field": one.label, "old": one.old, "new": one.new, "who": m.who, "source": m.source,
        }
        for m in moments(deal)
        for one in m.lines
    ]  # fmt: skip
    title = str(deal.values.get("name") or deal.values["id"])
    return Frozen(
        title=f"Deal: {title}",
        name=f"deal {deal.values['id']}",
        data_on=deal.today,
        filters=[
            ("As of", (as_of or deal.today).isoformat()),
            *([("As known", known.text)] if not known.now else []),
        ],
        definitions=[Definition(flag.word, f"{flag.title}. {flag.fix}") for flag in deal.flags],
        notes=deal.notes,
        sheets=lambda: [
            exports.Sheet(
                "Deal", [exports.Column("name", "Column"), exports.Column("value", "Value")], facts
            ),
            exports.Sheet(
                "Changes",
                [
                    exports.Column(key, key.capitalize())
                    for key in ("when", "field", "old", "new", "who", "source")
                ],
                told,
            ),
        ],
        zone=deal.zone,
    )


def account_context(account: Account, name: str) -> dict[str, Any]:
    """What the template of an account needs."""
    values = account.values
    said = [
        (c, label(c), shown(v, account.kinds.get(c, "text"), currency=values.get("currency") or ""))
        for c, v in values.items()
        if c not in ("name", "owner_name", "implied", "deleted_on") and v not in (None, "")
    ]
    plain = {"id", "owner_id", "parent_id", "currency", "created_at", *(c.name for c in SYSTEM_COLUMNS)}
    facts = [(title, value) for c, title, value in said if c not in plain and not c.startswith("x_")]
    if account.owner:
        facts.insert(0, ("Owner", account.owner))
    more = [(title, value) for c, title, value in said if c in plain or c.startswith("x_")]
    return {"title": name, "account": account, "facts": facts, "more": more, "measures": account.measures}

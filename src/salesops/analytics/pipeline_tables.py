"""A page of deals or accounts as a table, the same columns as a file, and a deal's own tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.urls import reverse
from django.utils.safestring import SafeString

from salesops.analytics.deal_columns import FLAGS, label, meaning
from salesops.analytics.engine.filters import Filter
from salesops.analytics.flags import Flag, Judge, word
from salesops.analytics.list_address import ListAddress
from salesops.analytics.records import ListPage
from salesops.org.known import PARAMETER
from salesops.ui import exports, formats
from salesops.ui.components import Action, Definition, Empty
from salesops.ui.markup import joined, markup
from salesops.ui.tables import Column, Table
from salesops.ui.templatetags.ui import status_pill, undefined

STATUS_TONES = {"open": "info", "won": "ok", "lost": "neutral", "ignored": "neutral", "unmapped": "warn"}
STATUS_WORDS = {"open": "Open", "won": "Won", "lost": "Lost", "ignored": "Left out", "unmapped": "Undecided"}
ESTIMATE = "list price, estimate"
MOST_PILLS = 2

Render = Callable[[Mapping[str, Any]], SafeString | str]


def deal_link(row: Mapping[str, Any], query: str = "") -> str:
    """Address of a deal, with the list and place it was opened from."""
    return reverse("deal", args=[row["id"]]) + (f"?{query}" if query else "")


def deals_table(
    page: ListPage,
    judge: Judge | None,
    zone: str,
    names: Mapping[str, str],
    address: ListAddress,
    opened_from: Callable[[int], str],
) -> Table:
    """The page as a table.

    Args:
        page: the rows.
        judge: the rules behind the flags, where flags are shown.
        zone: IANA zone that instants are shown in.
        names: column -> label.
        address: what the list shows.
        opened_from: place on the page -> query of a deal's link.
    """
    place = {id(row): number for number, row in enumerate(page.rows)}
    whole = _whole(page.rows)

    def lead(row: Mapping[str, Any]) -> SafeString:
        href = deal_link(row, opened_from(place[id(row)]))
        return markup('<a href="{}" hx-boost="false">{}</a>', href, row.get("name") or row["id"])

    renders: dict[str, Render] = {
        "name": lead,
        "account_name": lambda row: _account(row, address.known_at),
        "stage": _stage,
        "stage_class": lambda row: _status(row["stage_class"]),
        "amount": lambda row: amount_cell(row, page.currency, whole),
    }
    if judge is not None:
        renders[FLAGS] = lambda row: flag_pills(judge.of(row), MOST_PILLS)
    columns = [
        _column(
            name, page.kinds.get(name, "text"), names.get(name, label(name)), page.currency, zone, renders
        )
        for name in page.columns
    ]
    return Table(
        caption="Deals",
        columns=columns,
        rows=page.rows,
        id="deals",
        page=Paginator(range(page.total), address.size).page(page.page) if page.total else None,
        sort=address.sort,
        empty=Empty(
            "No deal matches",
            "Nothing that you may see meets every condition above. Take one away, or show all deals.",
            "search",
            [Action("Show all deals", "?status=all", primary=True)],
        ),
        noun="deals",
        wide=len(columns) > 10,
        live=False,
    )


def _column(
    name: str, kind: str, title: str, currency: str, zone: str, renders: Mapping[str, Render]
) -> Column:
    render = renders.get(name)
    if name == "name":
        return Column(name, title, "lead", sort=name, render=render)
    if kind == "money":
        own = (
            (lambda row: row.get("currency") or "")
            if name != "amount_estimate" and is_foreign(name)
            else currency
        )
        return Column(name, title, "money", sort=name, currency=own, render=render, reason=_why_empty(name))
    if kind == "integer":
        return Column(name, title, "number", sort=name, render=render or (lambda row: _plain(row.get(name))))
    if kind == "boolean":
        return Column(name, title, "text", sort=name, render=render or (lambda row: _yes_no(row.get(name))))
    kinds = {"date": "day", "instant": "instant", "rate": "ratio"}
    usual: Any = kinds.get(kind, "text")
    return Column(
        name, title, usual, sort=name, render=render, reason=_why_empty(name), zone=ZoneInfo(zone),
    )  # fmt: skip


def is_foreign(column: str) -> bool:
    """Whether a money column is in the row's own currency, not in the firm's."""
    return column not in ("amount", "amount_estimate")


def _why_empty(name: str) -> str:
    if name == "closed_on":
        return "not closed"
    if name == "expected_close_on":
        return "closed, or no date given"
    return "not given in the data"


def _plain(value: Any) -> SafeString | str:
    """An integer of the data as it stands: a year or a number of a record is not grouped."""
    return undefined("not given in the data") if value is None else str(value)


def _yes_no(value: Any) -> SafeString | str:
    return undefined("not given in the data") if value is None else ("Yes" if value else "No")


def _account(row: Mapping[str, Any], known: str) -> SafeString:
    name = row.get("account_name")
    if not name:
        return undefined("the deal names no account")
    if not row.get("account_id"):
        return markup("{}", name)
    href = reverse("pipeline_account", args=[row["account_id"]]) + _known_query(known, "?")
    return markup('<a href="{}" hx-boost="false">{}</a>', href, name)


def _stage(row: Mapping[str, Any]) -> SafeString:
    stage = row.get("stage")
    if not stage:
        return undefined("the stage on that day is not known")
    return status_pill(stage, STATUS_TONES.get(row.get("stage_class") or "", "neutral"))


def _status(value: str | None) -> SafeString:
    return status_pill(STATUS_WORDS.get(value or "", value or ""), STATUS_TONES.get(value or "", "neutral"))


def _whole(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a page's amounts are shown without cents, so that the column stays aligned."""
    amounts = [
        abs(v) for row in rows for v in (row.get("amount"), row.get("amount_estimate")) if v is not None
    ]
    return not amounts or max(amounts) >= formats.MILLION or all(a == a.to_integral_value() for a in amounts)


def amount_cell(row: Mapping[str, Any], currency: str, whole: bool) -> SafeString:
    """The amount; where there is none, the labelled estimate, which is never taken for one."""
    places = 0 if whole else None
    if row.get("amount") is not None:
        return markup("{}", formats.money(row["amount"], currency, places=places))
    if row.get("amount_estimate") is not None:
        shown = formats.money(row["amount_estimate"], currency, places=places)
        return markup('<span class="muted">{}<br><span class="small">{}</span></span>', shown, ESTIMATE)
    return undefined("the deal has no amount")


def flag_pills(found: Sequence[Flag], most: int) -> SafeString:
    """Flags as pills, the gravest first; how many more there are, and all of them in the title."""
    if not found:
        return markup('<span class="muted">{}</span>', "none")
    unique = list({flag.word: flag for flag in found}.values())
    pills = joined((status_pill(flag.word, flag.tone) for flag in unique[:most]), " ")
    rest = unique[most:]
    if not rest:
        return markup('<span class="nowrap">{}</span>', pills) if len(unique) == 1 else pills
    words = ", ".join(flag.word for flag in rest)
    return markup(
        '{} <span class="muted small nowrap" title="{}"><span aria-hidden="true">+{}</span>'
        '<span class="visually-hidden">and {}</span></span>',
        pills, words, len(rest), words,
    )  # fmt: skip


# --- The same columns as a file -------------------------------------------------------------------


def export_columns(
    columns: Sequence[str], kinds: Mapping[str, str], names: Mapping[str, str], currency: str, zone: str,
    judge: Judge | None, *, estimates: bool,
) -> list[exports.Column]:  # fmt: skip
    """The list's columns, in its order. What a page says in one cell takes two in a file where one is a
    number: the labelled estimate follows the amount in a column of its own, where the list has any.
    """
    made: list[exports.Column] = []
    for name in columns:
        made.append(
            _export_column(name, kinds.get(name, "text"), names.get(name, label(name)), currency, zone, judge)
        )
        if name == "amount" and estimates and "amount_estimate" not in columns:
            title = names.get("amount_estimate", label("amount_estimate"))
            made.append(_export_column("amount_estimate", "money", title, currency, zone, judge))
        if kinds.get(name) == "money" and is_foreign(name) and "currency" not in columns:
            made.append(
                exports.Column(lambda row: row.get("currency"), f"{names.get(name, label(name))}: currency")
            )
    return made


def _export_column(
    name: str, kind: str, title: str, currency: str, zone: str, judge: Judge | None
) -> exports.Column:
    if name == "name":
        return exports.Column(lambda row: row.get("name") or row["id"], title)
    if name == FLAGS:
        return exports.Column(lambda row: _words_of(judge, row), title, width=40)
    if name == "stage_class":
        return exports.Column(lambda row: STATUS_WORDS.get(row["stage_class"], row["stage_class"]), title)
    if kind == "boolean":
        return exports.Column(lambda row: {True: "Yes", False: "No"}.get(row.get(name)), title)
    if kind == "money":
        return exports.Column(
            lambda row: _trimmed(row.get(name)), title, "money", currency="" if is_foreign(name) else currency
        )
    usual: Any = {"date": "day", "instant": "instant", "rate": "ratio", "integer": "number"}.get(kind, "text")
    return exports.Column(name, title, usual, zone=ZoneInfo(zone))


def _trimmed(value: Decimal | None) -> Decimal | None:
    """An amount with as many decimals as it needs, two at least."""
    if value is None:
        return None
    return value.quantize(Decimal(1).scaleb(min(-2, int(value.normalize().as_tuple().exponent))))


def _words_of(judge: Judge | None, row: Mapping[str, Any]) -> str:
    return "; ".join(dict.fromkeys(flag.word for flag in judge.of(row))) if judge else ""


def definitions(columns: Sequence[str], names: Mapping[str, str], judge: Judge | None) -> list[Definition]:
    """What every column of the file means, and every flag."""
    found = [Definition(names.get(c, label(c)), meaning(c)) for c in columns]
    if "amount" in columns and "amount_estimate" not in columns:
        found.append(
            Definition(names.get("amount_estimate", label("amount_estimate")), meaning("amount_estimate"))
        )
    if judge is not None and FLAGS in columns:
        found.extend(Definition(f"Flag: {word(rule)}", f"{rule.title}. {rule.fix}") for rule in judge.rules)
    return found


# --- Accounts -------------------------------------------------------------------------------------


def _known_query(known: str, mark: str) -> str:
    return mark + urlencode({PARAMETER: known}) if known else ""


def accounts_table(page: Any, sort: str, size: int, known: str = "") -> Table:
    """A page of accounts as a table; its links lead to the same as known at ``known``."""

    def lead(row: Mapping[str, Any]) -> SafeString:
        href = reverse("pipeline_account", args=[row["id"]]) + _known_query(known, "?")
        return markup('<a href="{}">{}</a>', href, row["name"] or row["id"])

    def counted(name: str, status: str) -> Callable[[Mapping[str, Any]], str]:
        def href(row: Mapping[str, Any]) -> str:
            return deals_of_account(row["id"], status) + _known_query(known, "&") if row[name] else ""

        return href

    none = "no deal with an amount"
    return Table(
        caption="Accounts",
        columns=[
            Column("name", "Account", "lead", sort="name", render=lead),
            Column("industry", "Industry", sort="industry"),
            Column("segment", "Segment", sort="segment", phone=False),
            Column("country", "Country", sort="country", phone=False),
            Column(
                "open_deals", "Open deals", "number", sort="open_deals", href=counted("open_deals", "open")
            ),
            Column(
                "open_amount", "Open amount", "money", sort="open_amount", currency=page.currency, reason=none
            ),
            Column("won_deals", "Won deals", "number", sort="won_deals", href=counted("won_deals", "won")),
            Column(
                "won_amount", "Won amount", "money", sort="won_amount", currency=page.currency, reason=none
            ),
            Column("last_closed", "Last closed", "day", reason="no deal closed", phone=False),
        ],
        rows=page.rows,
        id="accounts",
        page=Paginator(range(page.total), size).page(page.page) if page.total else None,
        sort=sort,
        empty=Empty(
            "No account matches", "Try a part of the name, or look among all accounts.", "building-2"
        ),
        noun="accounts",
    )


def deals_of_account(account_id: str, status: str) -> str:
    """Address of the list of an account's deals."""
    address = ListAddress(status=status, filters=(same_account(account_id),))
    return f"{reverse('pipeline')}?{address.query()}"


def same_account(account_id: str) -> Filter:
    """Deals of one account."""
    return Filter("account_id", "eq", (account_id,))


def total_words(page: ListPage) -> Iterator[tuple[str, str]]:
    """Sums of the whole list as (figure, what it is)."""
    totals = page.totals
    if totals is None:
        return
    yield formats.number(totals.rows), "deal" if totals.rows == 1 else "deals"
    if totals.amount is not None:
        without = totals.rows - totals.known
        note = f" ({formats.number(without)} without an amount)" if without else ""
        yield formats.money_auto(totals.amount, page.currency), f"in known amounts{note}"
    elif totals.rows:
        yield "No", "deal has an amount"
    if isinstance(totals.estimate, Decimal):
        yield (
            formats.money_auto(totals.estimate, page.currency),
            f"estimated from list prices of {formats.number(totals.estimated)} deals, not added",
        )


def account_columns(currency: str) -> list[exports.Column]:
    """The columns of the list of accounts as a file."""
    return [
        exports.Column(lambda row: row["name"] or row["id"], "Account"),
        exports.Column("industry", "Industry"),
        exports.Column("segment", "Segment"),
        exports.Column("country", "Country"),
        exports.Column("open_deals", "Open deals", "integer"),
        exports.Column("open_amount", "Open amount", "money", currency=currency),
        exports.Column("won_deals", "Won deals", "integer"),
        exports.Column("won_amount", "Won amount", "money", currency=currency),
        exports.Column("last_closed", "Last closed", "day"),
    ]

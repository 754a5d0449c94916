"""Compare with the CRM: why its report shows another figure, deal by deal.

Ours and theirs are compared for one figure, a sum of amounts or a number of deals. Every deal that
makes a difference becomes a line with one cause; the lines always add up to the difference. A figure
typed without its rows cannot be explained by deal: the whole difference stays unexplained, and groups
of deals that would make it up are named as candidates, not as findings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

Cause = Literal[
    "scope", "date", "time_zone", "currency", "stage", "owner", "type", "amount", "duplicate", "unexplained"
]
"""Why a deal counts differently: scope = known to one side only; date = dated into another period;
time_zone = the same moment on another day; duplicate = listed more than once by the report."""

_CAUSES: tuple[Cause, ...] = (
    "scope", "date", "time_zone", "currency", "stage", "owner", "type", "amount", "duplicate", "unexplained",
)  # fmt: skip

_WIDEST_OFFSET = timedelta(hours=14)
"""No two time zones put one instant on days further apart than this from midnight."""

_SALESFORCE_SHORT, _SALESFORCE_LONG = 15, 18


@dataclass(frozen=True)
class Selection:
    """What our figure counts.

    Attributes:
        first: first day of the period; None = no start.
        last: last day, included; None = no end.
        stage_classes: classes counted; empty = any.
        owners: owner names or ids counted; empty = any.
        types: types counted; empty = any.
        measure: sum of amounts, or number of deals.
    """

    first: date | None = None
    last: date | None = None
    stage_classes: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    measure: Literal["amount", "count"] = "amount"


@dataclass(frozen=True)
class OurDeal:
    """One deal as we hold it, counted in our figure or not.

    Attributes:
        id: opportunity id.
        name: opportunity name.
        owner: owner as the selection names owners.
        stage_class: open, won, lost, ignored or unmapped.
        amount: in the organisation's currency; None where unknown or not convertible.
        day: the date the figure goes by (close date, creation date).
        counted: whether our figure counts it.
        account: account name.
        source_amount: amount as the source gives it, in ``currency``.
        currency: currency of the source amount.
        type: the source's type.
        moment: instant behind ``day`` in the organisation's time zone, where the source gives one.
    """

    id: str
    name: str
    owner: str
    stage_class: str
    amount: Decimal | None
    day: date | None
    counted: bool
    account: str = ""
    source_amount: Decimal | None = None
    currency: str = ""
    type: str = ""
    moment: datetime | None = None


@dataclass(frozen=True)
class TheirRow:
    """One row of the CRM's report. What the report does not show is None or empty.

    Attributes:
        id: opportunity id; empty where the report has none.
        name: opportunity name.
        amount: amount as the report counts it; None counts nothing.
        day: the date the report goes by.
        account: account name.
        owner: owner.
        stage_class: the report's stage, classed.
        currency: currency of the amount.
        type: type.
    """

    id: str
    name: str
    amount: Decimal | None = None
    day: date | None = None
    account: str = ""
    owner: str = ""
    stage_class: str = ""
    currency: str = ""
    type: str = ""


@dataclass(frozen=True)
class Line:
    """What one deal adds to the difference.

    Attributes:
        cause: why.
        id: opportunity id; empty where only the report knows the row and shows none.
        name: opportunity name.
        ours: what it adds to our figure.
        theirs: what it adds to the report's.
        sentence: the reason in plain words.
    """

    cause: Cause
    id: str
    name: str
    ours: Decimal
    theirs: Decimal
    sentence: str

    @property
    def contribution(self) -> Decimal:
        """Part of the difference (theirs - ours)."""
        return self.theirs - self.ours


@dataclass(frozen=True)
class Candidate:
    """Deals that might make up the difference of a typed figure.

    Attributes:
        cause: what would have to be true.
        contribution: how much they would add to ours.
        deals: how many they are.
        exact: whether they make up the whole difference.
        sentence: the supposition in plain words.
    """

    cause: Cause
    contribution: Decimal
    deals: int
    exact: bool
    sentence: str


@dataclass(frozen=True)
class Reconciliation:
    """Our figure, the report's, and the way from one to the other.

    Attributes:
        ours: our figure.
        theirs: the report's figure.
        lines: deals that differ; their contributions sum to the difference.
        agreed: deals both sides count alike.
        candidates: for a typed figure, groups of deals that might explain it.
    """

    ours: Decimal
    theirs: Decimal
    lines: tuple[Line, ...]
    agreed: int
    candidates: tuple[Candidate, ...] = field(default=())

    @property
    def difference(self) -> Decimal:
        """Theirs - ours."""
        return self.theirs - self.ours

    def by_cause(self) -> dict[Cause, Decimal]:
        """Cause -> its part of the difference, in a fixed order; causes without a line left out."""
        found: dict[Cause, Decimal] = {}
        for cause in _CAUSES:
            parts = [line.contribution for line in self.lines if line.cause == cause]
            if parts:
                found[cause] = sum(parts, Decimal(0))
        return found


def reconcile(
    ours: Sequence[OurDeal],
    theirs: Sequence[TheirRow],
    selection: Selection,
    stated: Decimal | None = None,
) -> Reconciliation:
    """Explain the difference between our figure and the report's rows.

    Args:
        ours: our deals: those the figure counts and all others, which say why we left one out.
        theirs: the report's rows.
        selection: what our figure counts.
        stated: the total the report itself prints; where it is not the sum of its rows the rest is
            an unexplained line of its own.
    """
    matched, unmatched = _match(ours, theirs)
    lines: list[Line] = []
    agreed = 0
    for index, deal in enumerate(ours):
        rows = matched.get(index, [])
        made = list(_deal_lines(deal, rows, selection))
        lines.extend(made)
        agreed += bool(rows) and deal.counted and not made
    for row in unmatched:
        theirs_part = _their_part(row, selection)
        if theirs_part:
            lines.append(
                Line("scope", row.id, row.name, Decimal(0), theirs_part, "In the report, not in our files.")
            )
    our_figure = sum((_our_part(deal, selection) for deal in ours if deal.counted), Decimal(0))
    row_sum = sum((_their_part(row, selection) for row in theirs), Decimal(0))
    if stated is not None and stated != row_sum:
        rest = stated - row_sum
        lines.append(
            Line(
                "unexplained", "", "", Decimal(0), rest, "The report's own total is not the sum of its rows."
            )
        )
    return Reconciliation(our_figure, row_sum if stated is None else stated, tuple(lines), agreed)


def reconcile_total(ours: Sequence[OurDeal], total: Decimal, selection: Selection) -> Reconciliation:
    """The same for a figure typed without its rows: candidates, and an unexplained difference."""
    figure = sum((_our_part(deal, selection) for deal in ours if deal.counted), Decimal(0))
    difference = total - figure
    lines: tuple[Line, ...] = ()
    if difference:
        sentence = "A typed figure has no deals to compare; upload the report to see them."
        lines = (Line("unexplained", "", "", Decimal(0), difference, sentence),)
    agreed = sum(deal.counted for deal in ours) if not difference else 0
    return Reconciliation(figure, total, lines, agreed, tuple(_candidates(ours, selection, difference)))


def record_key(record_id: str) -> str:
    """An id in one form: a Salesforce id of 18 characters is its 15 characters and a check of their case."""
    text = record_id.strip()
    if len(text) == _SALESFORCE_LONG and text.isalnum() and text[:15] + case_suffix(text[:15]) == text:
        return text[:_SALESFORCE_SHORT]
    return text


def case_suffix(short: str) -> str:
    """The three characters that make a 15-character Salesforce id safe where case is lost."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    suffix = ""
    for start in range(0, _SALESFORCE_SHORT, 5):
        bits = sum(1 << i for i, c in enumerate(short[start : start + 5]) if "A" <= c <= "Z")
        suffix += letters[bits]
    return suffix


def _match(
    ours: Sequence[OurDeal], theirs: Sequence[TheirRow]
) -> tuple[dict[int, list[TheirRow]], list[TheirRow]]:
    """Report rows by the position of our deal; rows without one. Ids first, then names one has once."""
    by_id = {record_key(deal.id): i for i, deal in enumerate(ours) if deal.id}
    by_name = _once((_named(deal.name, deal.account), i) for i, deal in enumerate(ours))
    by_bare_name = _once((_named(deal.name, ""), i) for i, deal in enumerate(ours))
    matched: dict[int, list[TheirRow]] = defaultdict(list)
    unmatched: list[TheirRow] = []
    for row in theirs:
        if row.id:
            index = by_id.get(record_key(row.id))
        elif row.account:
            index = by_name.get(_named(row.name, row.account))
        else:
            index = by_bare_name.get(_named(row.name, ""))
        if index is None:
            unmatched.append(row)
        else:
            matched[index].append(row)
    return dict(matched), unmatched


def _named(name: str, account: str) -> tuple[str, str]:
    return (" ".join(name.split()).casefold(), " ".join(account.split()).casefold())


def _once(pairs: Iterable[tuple[tuple[str, str], int]]) -> dict[tuple[str, str], int]:
    """Keys that exactly one deal has; an empty name is nobody's."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for key, index in pairs:
        if key[0]:
            found[key].append(index)
    return {key: indexes[0] for key, indexes in found.items() if len(indexes) == 1}


def _our_part(deal: OurDeal, selection: Selection) -> Decimal:
    return Decimal(1) if selection.measure == "count" else deal.amount or Decimal(0)


def _their_part(row: TheirRow, selection: Selection) -> Decimal:
    return Decimal(1) if selection.measure == "count" else row.amount or Decimal(0)


def _deal_lines(deal: OurDeal, rows: Sequence[TheirRow], selection: Selection) -> Iterable[Line]:
    mine = _our_part(deal, selection) if deal.counted else Decimal(0)
    if not rows:
        if mine:
            cause, sentence = _why_not_theirs(deal, selection)
            yield Line(cause, deal.id, deal.name, mine, Decimal(0), sentence)
        return
    first, rest = rows[0], rows[1:]
    part = _their_part(first, selection)
    if deal.counted:
        total = sum((_their_part(row, selection) for row in rows), Decimal(0))
        if rest and selection.measure == "amount" and total == mine:
            return  # the report splits the deal into lines that add up to it
        if part != mine:
            cause, sentence = _why_amount(deal, first)
            yield Line(cause, deal.id, deal.name, mine, part, sentence)
    elif part:
        cause, sentence = _why_not_ours(deal, first, selection)
        yield Line(cause, deal.id, deal.name, Decimal(0), part, sentence)
    for row in rest:
        if _their_part(row, selection):
            sentence = f"The report lists the deal {len(rows)} times."
            yield Line("duplicate", deal.id, deal.name, Decimal(0), _their_part(row, selection), sentence)


def _said(amount: Decimal | None) -> str:
    """An amount in a sentence: thousands parted, cents in full where there are any."""
    if amount is None:
        return "no amount"
    return f"{amount:,.2f}".removesuffix(".00") if amount == round(amount, 2) else f"{amount:,}"


def _why_amount(deal: OurDeal, row: TheirRow) -> tuple[Cause, str]:
    """Both count the deal, with different amounts."""
    unconverted = deal.source_amount is not None and row.amount == deal.source_amount != deal.amount
    if unconverted or (row.currency and deal.currency and row.currency != deal.currency):
        return (
            "currency",
            f"The report counts {_said(row.amount)} {row.currency or deal.currency}, we {_said(deal.amount)}.",
        )
    if deal.amount is None:
        return "amount", f"We know no amount; the report counts {_said(row.amount)}."
    return "amount", f"The report counts {_said(row.amount)}, we {_said(deal.amount)}."


def _outside(day: date, selection: Selection) -> bool:
    return (selection.first is not None and day < selection.first) or (
        selection.last is not None and day > selection.last
    )


def _why_not_ours(deal: OurDeal, row: TheirRow, selection: Selection) -> tuple[Cause, str]:
    """The report counts a deal that we hold and leave out."""
    if selection.stage_classes and deal.stage_class not in selection.stage_classes:
        theirs = f", {row.stage_class} in the report" if row.stage_class else ""
        return "stage", f"It is {deal.stage_class} in our files{theirs}."
    if (selection.first or selection.last) and (deal.day is None or _outside(deal.day, selection)):
        if deal.day is None:
            return "date", "It has no date in our files."
        if row.day is not None and abs((row.day - deal.day).days) == 1:
            return "time_zone", f"Dated {deal.day} in our files, {row.day} in the report: one day apart."
        if row.day is None and _next_to_boundary(deal, selection):
            return "time_zone", f"Dated {deal.day} in our files, on the other side of midnight."
        theirs = f", {row.day} in the report" if row.day and row.day != deal.day else ""
        return "date", f"Dated {deal.day} in our files{theirs}: outside the period."
    if selection.owners and deal.owner not in selection.owners:
        return "owner", f"It belongs to {deal.owner or 'nobody'} in our files."
    if selection.types and deal.type not in selection.types:
        return "type", f"Its type is {deal.type or 'empty'} in our files."
    if deal.amount is None and deal.source_amount is not None:
        return (
            "currency",
            f"{_said(deal.source_amount)} {deal.currency} cannot be converted: there is no rate.",
        )
    return "unexplained", "We leave it out for a reason that this comparison does not know."


def _why_not_theirs(deal: OurDeal, selection: Selection) -> tuple[Cause, str]:
    """We count a deal that the report does not list."""
    if _next_to_boundary(deal, selection):
        return (
            "time_zone",
            f"Dated {deal.day} here, within hours of the period's edge: another time zone dates it outside.",
        )
    return "scope", "In our files, not in the report."


def _next_to_boundary(deal: OurDeal, selection: Selection) -> bool:
    """Whether another time zone could put the deal's moment on the other side of the period's edge."""
    if deal.moment is None or deal.day is None:
        return False
    clock = timedelta(hours=deal.moment.hour, minutes=deal.moment.minute, seconds=deal.moment.second)
    early, late = clock < _WIDEST_OFFSET, timedelta(days=1) - clock <= _WIDEST_OFFSET
    day = timedelta(days=1)
    at_start = selection.first is not None and (
        (deal.day == selection.first and early) or (deal.day == selection.first - day and late)
    )
    at_end = selection.last is not None and (
        (deal.day == selection.last and late) or (deal.day == selection.last + day and early)
    )
    return at_start or at_end


_SUPPOSITIONS: Mapping[str, tuple[Cause, str]] = {
    "edge_out": ("time_zone", "If the deals dated one day outside the period counted."),
    "edge_first": ("time_zone", "If the deals of the first day fell before the period."),
    "edge_last": ("time_zone", "If the deals of the last day fell after the period."),
    "undated": ("date", "If the deals without a date counted."),
    "owner": ("owner", "If deals of every owner counted."),
    "type": ("type", "If deals of every type counted."),
    "currency": ("currency", "If amounts were added up without conversion."),
}


def _candidates(ours: Sequence[OurDeal], selection: Selection, difference: Decimal) -> Iterable[Candidate]:
    if not difference:
        return
    groups: dict[str, list[Decimal]] = defaultdict(list)
    day = timedelta(days=1)
    edges = {
        *((selection.first - day,) if selection.first else ()),
        *((selection.last + day,) if selection.last else ()),
    }
    for deal in ours:
        part = _our_part(deal, selection)
        if deal.counted:
            if deal.day is not None and deal.day == selection.first:
                groups["edge_first"].append(-part)
            if deal.day is not None and deal.day == selection.last:
                groups["edge_last"].append(-part)
            raw = deal.source_amount
            if selection.measure == "amount" and raw is not None and raw != part:
                groups["currency"].append(raw - part)
            continue
        only = _only_failure(deal, selection)
        if only == "date" and deal.day in edges:
            groups["edge_out"].append(part)
        elif only == "date" and deal.day is None:
            groups["undated"].append(part)
        elif only in ("owner", "type"):
            groups[only].append(part)
    for name, (cause, sentence) in _SUPPOSITIONS.items():
        total = sum(groups[name], Decimal(0))
        if total:
            yield Candidate(cause, total, len(groups[name]), total == difference, sentence)


def _only_failure(deal: OurDeal, selection: Selection) -> str:
    """The one condition of the selection that a left-out deal fails; "" for none or several."""
    failures = []
    if selection.stage_classes and deal.stage_class not in selection.stage_classes:
        failures.append("stage")
    if (selection.first or selection.last) and (deal.day is None or _outside(deal.day, selection)):
        failures.append("date")
    if selection.owners and deal.owner not in selection.owners:
        failures.append("owner")
    if selection.types and deal.type not in selection.types:
        failures.append("type")
    return failures[0] if len(failures) == 1 else ""

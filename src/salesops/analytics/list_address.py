"""The address of the list of deals: everything it shows stands in the query string, and back.

A saved view is such a query string; an export reads the same one as the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from salesops.analytics.addresses import NOTHING, OPERATOR_WORDS, AddressError
from salesops.analytics.deal_columns import FLAGS, label
from salesops.analytics.engine.filters import OPERATORS, Filter
from salesops.analytics.flags import WORDS
from salesops.analytics.records import ListQuery
from salesops.org import known as known_at

STATUSES: dict[str, str] = {"open": "Open", "won": "Won", "lost": "Lost", "all": "All"}
OTHER_STATUSES = {"ignored": "Left out", "unmapped": "Stage undecided"}
QUICK: dict[str, str] = {
    "stage": "stage",
    "owner": "owner_name",
    "team": "team",
    "region": "region",
    "product": "product_name",
}
"""Quick filters: parameter -> column."""

SIZES = (25, 50, 100, 250)
DEFAULT_SORT = "-amount"
MOST_FILTERS = 30
MOST_CHARACTERS = 8_000
_MANY = frozenset({"in", "not_in", "between"})


@dataclass(frozen=True)
class ListAddress:
    """What a query string of the list asks. Every value is as it stands there.

    Attributes:
        q: words to search for.
        status: open, won, lost, all, ignored or unmapped. Without one an address that narrows the
            list by anything else shows all deals, and one that doesn't shows the open ones.
        stage, owner, team, region, product: values of the quick filters, any of which counts.
        closed: period of the close date, the expected one for open deals.
        created: period of creation.
        flag: codes of why-flags, any of which counts; ``any`` and ``none`` too.
        filters: further conditions on columns.
        sort: column, with ``-`` for descending.
        columns: columns in order; empty for the usual ones.
        page, size: which rows.
        as_of: state as of the end of that day.
        known_at: facts and decisions as they were known then, see :mod:`salesops.org.known`.
        view: id of the saved view that was picked.
    """

    q: str = ""
    status: str = ""
    stage: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    closed: str = ""
    created: str = ""
    flag: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    sort: str = DEFAULT_SORT
    columns: tuple[str, ...] = ()
    page: int = 1
    size: int = 50
    as_of: date | None = None
    known_at: str = ""
    view: str = ""

    @property
    def shown_status(self) -> str:
        """The status in effect."""
        narrowed = any(getattr(self, name) for name in ("q", *QUICK, "closed", "created", "flag", "filters"))
        return self.status or ("all" if narrowed else "open")

    def pairs(self) -> list[tuple[str, str]]:
        """The address as query pairs in one order, what is default left out."""
        pairs: list[tuple[str, str]] = []
        default = ListAddress()
        for item in fields(self):
            value, usual = getattr(self, item.name), getattr(default, item.name)
            if value == usual:
                continue
            if item.name == "filters":
                pairs.extend(("filter", text_of(f)) for f in value)
            elif item.name == "columns":
                pairs.append(("columns", ",".join(value)))
            elif isinstance(value, tuple):
                pairs.extend((item.name, one) for one in value)
            else:
                pairs.append((item.name, value.isoformat() if isinstance(value, date) else str(value)))
        return pairs

    def query(self, **changes: Any) -> str:
        """A query string with changes, without ``?``; it names its status, so that no change alters it unasked."""
        return urlencode(replace(self, **({"status": self.shown_status} | changes)).pairs())

    def link(self, **changes: Any) -> str:
        """A link on the same page: changes go back to page 1 unless they name a page."""
        return "?" + self.query(**({"page": 1} | changes))

    def kept(self) -> str:
        """The query string that a saved view keeps: no page, and no view of its own."""
        return self.query(page=1, view="")

    def list_query(self) -> ListQuery:
        """The same for the reader of records."""
        asked = [(column, getattr(self, name)) for name, column in QUICK.items()]
        filters = [Filter(column, *_wanted(values)) for column, values in asked if values]
        if self.shown_status != "all":
            filters.insert(0, Filter("stage_class", "eq", (self.shown_status,)))
        return ListQuery(
            search=self.q,
            filters=(*filters, *self.filters),
            sort=self.sort,
            columns=self.columns or usual_columns(self.shown_status),
            page=self.page,
            size=self.size,
            as_of=self.as_of,
            closed=self.closed,
            created=self.created,
            flags=self.flag,
            exact=True,
            known=known_at.read(self.known_at),
        )


def usual_columns(status: str) -> tuple[str, ...]:
    """The columns of a list that nobody has arranged: the date that matters depends on the status."""
    dates = {"open": ("created_on", "expected_close_on"), "won": ("created_on", "closed_on")}
    dates["lost"] = dates["won"]
    shown = dates.get(status, ("expected_close_on", "closed_on"))
    return ("name", "account_name", "owner_name", "stage", "amount", *shown, FLAGS)


def _wanted(values: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    if list(values) == [NOTHING]:
        return "is_null", ()
    return ("eq", (values[0],)) if len(values) == 1 else ("in", tuple(values))


def read(query: QueryDict) -> ListAddress:
    """The address of a request.

    Raises:
        AddressError: a part of it can't be read; the message says which and what to write.
    """
    if any("\x00" in text for name in query for text in query.getlist(name)):
        raise AddressError("The address holds a character that no text may hold.")
    status = query.get("status", "").strip()
    if status and status not in STATUSES | OTHER_STATUSES:
        raise AddressError(f"There is no status {status!r}: choose {', '.join(STATUSES | OTHER_STATUSES)}.")
    texts = [text for text in query.getlist("filter") if text.strip()]
    if len(texts) > MOST_FILTERS:
        raise AddressError(f"A list takes at most {MOST_FILTERS} filters.")
    size = _whole(query, "size", 50)
    return ListAddress(
        q=query.get("q", "").strip(),
        status=status,
        **{name: _values(query, name) for name in QUICK},  # type: ignore[arg-type]
        closed=query.get("closed", "").strip(),
        created=query.get("created", "").strip(),
        flag=_values(query, "flag"),
        filters=tuple(filter_from(text) for text in texts),
        sort=query.get("sort", "").strip() or DEFAULT_SORT,
        columns=_columns([part for text in query.getlist("columns") for part in text.split(",")]),
        page=_whole(query, "page", 1),
        size=min(size, 500),
        as_of=_day(query.get("as_of", "")),
        known_at=known_at.read(query.get(known_at.PARAMETER, "")).text,
        view=str(_whole(query, "view", 0) or ""),
    )


def parse(text: str) -> ListAddress:
    """The address of a query string, as :func:`read`; also refuses a longer one than a browser sends."""
    if len(text) > MOST_CHARACTERS:
        raise AddressError(f"The address is longer than {MOST_CHARACTERS:,} characters.")
    return read(QueryDict(text.removeprefix("?")))


def _values(query: QueryDict, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in query.getlist(name) if value.strip()))


def _columns(names: Sequence[str]) -> tuple[str, ...]:
    """Columns in order, each once; the deal itself always leads, because it opens the deal."""
    wanted = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    return ("name", *(c for c in wanted if c != "name")) if wanted else ()


def _whole(query: QueryDict, name: str, usual: int) -> int:
    text = query.get(name, "").strip()
    if not text:
        return usual
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 10**9:
        raise AddressError(f"{name} must be a whole number from 1, not {text!r:.60}.")
    return int(text)


def _day(text: str) -> date | None:
    text = text.strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise AddressError(f"Write the day as 2017-06-30, not {text!r:.60}.") from error


def filter_from(text: str) -> Filter:
    """``column:operator:value`` as a filter; ``|`` parts the values of operators that take several.

    Raises:
        AddressError: it has no operator that exists.
    """
    column, _, rest = text.partition(":")
    op, colon, value = rest.partition(":")
    if not column.strip() or op not in OPERATORS:
        raise AddressError(
            f"{text!r:.120} is no filter. Write column:operator:value, for example amount:ge:5000; "
            f"operators are {', '.join(OPERATORS)}."
        )
    if op in ("eq", "ne") and not value:
        return Filter(column.strip(), "is_null" if op == "eq" else "not_null")
    if OPERATORS[op][0] == 0:
        return Filter(column.strip(), op)
    return Filter(column.strip(), op, tuple(value.split("|")) if op in _MANY else ((value,) if colon else ()))


def text_of(item: Filter) -> str:
    """A filter as it stands in an address."""
    values = ":" + "|".join(str(v) for v in item.values) if item.values else ""
    return f"{item.column}:{item.op}{values}"


def filter_words(item: Filter) -> tuple[str, str]:
    """A filter as a person says it: (column, condition)."""
    joiner = " and " if item.op == "between" else ", "
    values = joiner.join(str(v) for v in item.values)
    return label(item.column), f"{OPERATOR_WORDS[item.op]} {values}".strip()


def words(address: ListAddress) -> list[tuple[str, str, str]]:
    """What narrows the list: (label, value in words, link that takes it away), status and order left out."""
    found: list[tuple[str, str, str]] = []
    if address.q:
        found.append(("Search", address.q, address.link(q="")))
    for name, column in QUICK.items():
        for value in getattr(address, name):
            rest = tuple(v for v in getattr(address, name) if v != value)
            found.append((label(column), "none" if value == NOTHING else value, address.link(**{name: rest})))
    if address.closed:
        found.append(("Close date", address.closed, address.link(closed="")))
    if address.created:
        found.append(("Created", address.created, address.link(created="")))
    for code in address.flag:
        rest = tuple(c for c in address.flag if c != code)
        said = {"any": "at least one", "none": "none"}.get(code) or WORDS.get(code, code)
        found.append((label(FLAGS), said, address.link(flag=rest)))
    for item in address.filters:
        name, said = filter_words(item)
        rest_filters = tuple(f for f in address.filters if f != item)
        found.append((name, said, address.link(filters=rest_filters)))
    if address.as_of:
        found.append(("As of", address.as_of.isoformat(), address.link(as_of=None)))
    if address.known_at:
        found.append(("As known", address.known_at, address.link(known_at="")))
    return found

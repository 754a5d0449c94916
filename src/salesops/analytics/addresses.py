"""Addresses of the number pages: what a query string asks, and the query string of a link.

All state of these pages is in their address, so that a page can be shared, saved, frozen and exported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import wraps
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from salesops.analytics.engine.filters import OPERATORS, Filter, FilterError
from salesops.analytics.engine.selection import KpiError
from salesops.analytics.selectors import ALIASES, Question
from salesops.core.calendars import PeriodError
from salesops.facts.errors import EngineError, ManifestMissing
from salesops.org import known as known_at
from salesops.org.known import NOW, Known, KnownError
from salesops.platform import manifest_history
from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.process.inputs import NoDataError, NotKeptError
from salesops.ui import shell

DEFAULT_PERIOD = "quarter"
"""The fiscal quarter that holds the data's own date."""

TEAM_COLUMNS = {"region": "Region", "team": "Team", "manager_name": "Manager", "owner_name": "Rep"}
"""Columns that the team select offers, with their headings."""

OPERATOR_WORDS = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "lt": "less than",
    "le": "at most",
    "gt": "more than",
    "ge": "at least",
    "between": "between",
    "contains": "contains",
    "starts_with": "starts with",
    "is_null": "is empty",
    "not_null": "is filled",
}
"""Operators as the pages name them."""

NOTHING = "\N{EMPTY SET}"
"""Stands in an address for the group of rows that have no value."""


class AddressError(ValueError):
    """A query string that can't be read; the message says what to change."""


class NotThereError(LookupError):
    """The address names something that there is not; the message says what."""


@dataclass(frozen=True)
class Address:
    """What a query string asks.

    Attributes:
        period: as the address gives it; "" for the page's default.
        as_of: state as of the end of that day; None for the data's own date.
        team: ``column:value`` of the team select, "" for all.
        filters: further conditions on the rows.
        by: dimension to split by, "" for the page's default.
        side: side whose rows are asked for.
        group: value of ``by`` whose rows are asked for, None for the total, NOTHING for no value.
        default: period where the address gives none.
        known: facts and decisions as they were known then.
    """

    period: str = ""
    as_of: date | None = None
    team: str = ""
    filters: tuple[Filter, ...] = ()
    by: str = ""
    side: str = ""
    group: str | None = None
    default: str = DEFAULT_PERIOD
    known: Known = NOW

    def question(self, *by: str) -> Question:
        """The question behind the page, split by ``by``."""
        filters = (*((self.team_filter(),) if self.team else ()), *self.filters)
        return Question(
            period=self.period or self.default,
            by=by,
            filters=filters,
            as_of=self.as_of,
            manifest_id=self.known.manifest_id,
            known_at=self.known.known_at,
        )

    def team_filter(self) -> Filter:
        """The team select as a filter."""
        column, _, value = self.team.partition(":")
        return Filter(column, "eq", (value,))

    def pairs(self) -> list[tuple[str, str]]:
        """The address as query pairs, what is default left out."""
        pairs = [("period", self.period)] if self.period else []
        if self.as_of:
            pairs.append(("as_of", self.as_of.isoformat()))
        if self.known.text:
            pairs.append((known_at.PARAMETER, self.known.text))
        if self.team:
            pairs.append(("team", self.team))
        pairs.extend(("filter", text_of(f)) for f in self.filters)
        pairs.extend((name, value) for name, value in (("by", self.by), ("side", self.side)) if value)
        if self.group is not None:
            pairs.append(("group", self.group))
        return pairs

    def query(self, **changes: Any) -> str:
        """A query string with changes: ``?...``, or "" where nothing is left to say."""
        pairs = replace(self, **changes).pairs()
        return "?" + urlencode(pairs) if pairs else ""

    def to(self, url_name: str, *args: Any, **changes: Any) -> str:
        """A link to a page that reads the same address."""
        return reverse(url_name, args=args) + self.query(**changes)


def read(query: QueryDict, *, default: str = DEFAULT_PERIOD) -> Address:
    """The address of a request.

    Raises:
        AddressError: a part of it can't be read.
    """
    as_of = query.get("as_of", "").strip()
    try:
        day = date.fromisoformat(as_of) if as_of else None
    except ValueError as error:
        raise AddressError(f"Write the day as 2017-06-30, not {as_of!r}.") from error
    team = query.get("team", "").strip()
    if team:
        column, _, value = team.partition(":")
        if column not in TEAM_COLUMNS or not value:
            raise AddressError(f"There is no team {team!r}. Choose one from the list.")
    return Address(
        period=query.get("period", "").strip(),
        as_of=day,
        team=team,
        filters=tuple(filter_from(text) for text in query.getlist("filter") if text.strip()),
        by=query.get("by", "").strip(),
        side=query.get("side", "").strip(),
        group=query.get("group"),
        default=default,
        known=known_at.read(query.get(known_at.PARAMETER, "")),
    )


def filter_from(text: str) -> Filter:
    """``column:operator:value|value`` as a filter.

    Raises:
        AddressError: it has no operator that exists.
    """
    column, _, rest = text.partition(":")
    op, colon, value = rest.partition(":")
    column = column.strip()
    if not column or op not in OPERATORS:
        raise AddressError(
            f"{text!r} is no filter. Write column:operator:value, for example stage_class:eq:won; "
            f"operators are {', '.join(OPERATORS)}."
        )
    return Filter(ALIASES.get(column, column), op, tuple(value.split("|")) if colon else ())


def text_of(item: Filter) -> str:
    """A filter as it stands in an address."""
    values = ":" + "|".join(str(v) for v in item.values) if item.values else ""
    return f"{item.column}:{item.op}{values}"


def added_filter(query: QueryDict) -> Filter | None:
    """The filter that the form "add a filter" asks for; None where it was not sent.

    Raises:
        AddressError: its operator does not exist.
    """
    column = query.get("f_column", "").strip()
    if not column:
        return None
    op, value = query.get("f_op", "eq"), query.get("f_value", "").strip()
    if op not in OPERATORS:
        raise AddressError(f"There is no operator {op!r}.")
    if OPERATORS[op][0] == 0:
        return Filter(column, op)
    if op in ("eq", "ne") and not value:
        return Filter(column, "is_null" if op == "eq" else "not_null")
    parts = value.split("|") if op in ("in", "not_in", "between") else [value]
    return Filter(column, op, tuple(part.strip() for part in parts))


def deal_href(deal_id: object, known: Known = NOW, as_of: date | None = None) -> str:
    """Address of one opportunity's page: at the end of that day, as it was known then."""
    pairs = {"as_of": as_of.isoformat()} if as_of else {}
    pairs |= {known_at.PARAMETER: known.text} if known.text else {}
    query = f"?{urlencode(pairs)}" if pairs else ""
    try:
        return reverse("deal", args=[deal_id]) + query
    except NoReverseMatch:
        return f"/pipeline/{quote(str(deal_id), safe='')}/{query}"


def href(url_name: str | None, *args: Any) -> str:
    """Address of a page that another room may or may not have mounted; "" where it has not."""
    if not url_name:
        return ""
    try:
        return reverse(url_name, args=args)
    except NoReverseMatch:
        return ""


View = Callable[..., HttpResponseBase]


def reads_address(view: View) -> View:
    """A view called as ``view(request, actor, ...)`` whose mistakes in the address become a readable page.

    Nothing imported yet is the first-run page; an address that can't be met is a page with status
    400 that says what to change; a number that does not exist is a page with status 404; an engine that is
    away or holds no facts is a page with status 503.
    """

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        actor = actor_of(request.user)
        try:
            request.as_known = known_at.shown(known_at.read(request.GET.get(known_at.PARAMETER, "")))
            return view(request, actor, *args, **kwargs)
        except NoDataError:
            return first_run(request, actor) if request.as_known is None else nothing_known(request)
        except NotKeptError as error:
            return unreadable(request, str(error), 410)
        except ManifestMissing as error:
            return unreadable(request, str(error))
        except NotThereError as error:
            return unreadable(request, str(error), 404)
        except EngineError as error:
            return unreadable(request, str(error), 503)
        except (AddressError, KnownError, PeriodError, KpiError, FilterError) as error:
            return unreadable(request, str(error))

    return answered


def first_run(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The page before the first import: drop the file first."""
    import_url = href(shell.settings().import_url_name) if may_import(actor) else ""
    context = {"title": "Welcome", "import_url": import_url}
    return render(request, "analytics/first_run.html", context)


def nothing_known(request: HttpRequest) -> HttpResponse:
    """The page for a time before the first import: it says so, and when knowledge begins."""
    first = manifest_history.first()
    context = {
        "title": "Nothing was known yet",
        "first": first,
        "first_known": f"v{first.id}" if first else "",
    }
    return render(request, "analytics/nothing_known.html", context)


def may_import(actor: Actor) -> bool:
    """Whether the actor may bring data in."""
    return may(actor, "import.run")


TITLES = {
    400: "This address can't be read",
    404: "Not found",
    410: "No longer kept",
    503: "The engine does not answer",
}


def unreadable(request: HttpRequest, message: str, status: int = 400) -> HttpResponse:
    """A page that says what is wrong with an address, or with the engine that numbers are computed on."""
    sentence = message[:1].upper() + message[1:]
    context = {"title": TITLES[status], "message": sentence, "away": status == 503}
    answer = render(request, "analytics/unreadable.html", context, status=status)
    answer.why = sentence  # for a job that asked for the page
    return answer

"""Pages of the section Pipeline: deals, one deal, accounts, one account, saved views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET, require_POST

from salesops.analytics import (
    account_records,
    deal_pages,
    deal_records,
    list_address,
    pipeline_choices,
    records,
    views_services,
)
from salesops.analytics import pipeline_tables as tables
from salesops.analytics.addresses import OPERATOR_WORDS, AddressError, added_filter, href, reads_address
from salesops.analytics.deal_columns import FLAGS, labels
from salesops.analytics.freezing import RUN_HEADER, Frozen, csv_file, freezable, page, page_tools, workbook
from salesops.analytics.list_address import ListAddress
from salesops.org import known as known_at
from salesops.org.known import Known
from salesops.platform import file_runs, page_files
from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.ui import exports
from salesops.ui.components import Definition

EXPORTS = ("csv", "xlsx")
PANELS = ("columns", "filter", "save", "views")
ACCOUNTS_A_PAGE = 50


@require_GET
@freezable
@reads_address
def pipeline(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The list of deals. All its state stands in the address; a part of it is answered to htmx."""
    moved = _moved(request)
    if moved is not None:
        return moved
    address = list_address.read(request.GET)
    begun = file_runs.started() if request.GET.get("export") else None
    with records.open_list(actor, address.list_query()) as opened:
        shown = opened.page()
        judge = opened.judge
        offered = pipeline_choices.read(opened, address)
        zone = opened.frames.firm.zone
    names = labels([*shown.kinds, FLAGS])
    frozen = _frozen(actor, address, shown, judge, names, zone)
    wanted = request.GET.get("export", "")
    if wanted and begun is not None:
        return page_files.instead(request, shown.total) or _export(request, frozen, wanted, begun)
    kept = address.query(page=1)

    def opened_from(place: int) -> str:
        at = (shown.page - 1) * address.size + place
        as_of = {"as_of": address.as_of.isoformat()} if address.as_of else {}
        known = {known_at.PARAMETER: address.known_at} if address.known_at else {}
        return urlencode({"from": kept, "at": at} | as_of | known)

    saved = views_services.views(actor)
    picked = next((view for view in saved if str(view.id) == address.view), None)
    context = {
        "title": "Pipeline",
        "address": address,
        "shown": shown,
        "table": tables.deals_table(shown, judge, zone, names, address, opened_from),
        "sums": list(tables.total_words(shown)),
        "narrowed": list_address.words(address),
        "clear": ListAddress(
            status=address.shown_status,
            sort=address.sort,
            columns=address.columns,
            known_at=address.known_at,
        ).link(),
        "statuses": _statuses(address),
        "offered": offered,
        "operators": OPERATOR_WORDS,
        "columns": _columns(shown, names),
        "filter_columns": pipeline_choices.columns(shown.kinds, names),
        "views": saved,
        "picked": picked,
        "altered": picked is not None and picked.query != address.kept(),
        "may_save": actor.user_id is not None,
        "kept": address.kept(),
        "panel": request.GET.get("panel", "") if request.GET.get("panel", "") in PANELS else "",
        "exports": [(form, address.link(page=1) + f"&export={form}") for form in EXPORTS],
        "notes": shown.notes,
        "sizes": sorted({*list_address.SIZES, address.size}),
        "columns_usual": address.link(columns=()),
    }
    if request.htmx and request.htmx.target == "pipeline":
        tools = page_tools(request)
        answer: HttpResponse = render(request, "analytics/pipeline_list.html", tools | context)
        answer["HX-Push-Url"] = f"{request.path}{address.link(page=shown.page)}"
    else:
        answer = page(request, "analytics/pipeline.html", context, frozen)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _moved(request: HttpRequest) -> HttpResponse | None:
    """Where the forms "add a filter" and "columns" lead: to the address that says what they ask for."""
    query = request.GET.copy()
    added = added_filter(query)
    arranged = "arranged" in query
    if added is None and not arranged:
        return None
    panel, columns = "", [name for name in query.getlist("col") if name]
    for name, step in (("up", -1), ("down", 1)):
        moved = query.get(name, "")
        if moved in columns:
            at = columns.index(moved)
            columns.insert(max(at + step, 0), columns.pop(at))
            panel = "columns"
    for name in ("f_column", "f_op", "f_value", "col", "arranged", "up", "down", "panel"):
        query.pop(name, None)
    address = list_address.read(query)
    if added is not None and added not in address.filters:
        address = replace(address, filters=(*address.filters, added), page=1)
    if arranged:
        address = replace(address, columns=("name", *(c for c in columns if c != "name")) if columns else ())
    link = address.link(page=address.page) + (f"&panel={panel}" if panel else "")
    return HttpResponseRedirect(f"{request.path}{link}")


def _statuses(address: ListAddress) -> list[dict[str, Any]]:
    shown = address.shown_status
    known = list_address.STATUSES | (
        {shown: list_address.OTHER_STATUSES[shown]} if shown in list_address.OTHER_STATUSES else {}
    )
    return [{"title": t, "link": address.link(status=s), "current": s == shown} for s, t in known.items()]


def _columns(shown: records.ListPage, names: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Columns to choose: those shown in their order, then the others by label."""
    hidden = [(c, names[c]) for c in (*shown.kinds, FLAGS) if c not in shown.columns]
    others = sorted(hidden, key=lambda c: c[1].casefold())
    return {"shown": [(c, names.get(c, c)) for c in shown.columns if c != "name"], "others": others}


# --- Files ----------------------------------------------------------------------------------------


def _frozen(
    actor: Actor,
    address: ListAddress,
    shown: records.ListPage,
    judge: Any,
    names: dict[str, str],
    zone: str,
) -> Frozen:
    """What a file of this list says and holds: every row of it, in the page's columns and order."""
    columns = tables.export_columns(
        shown.columns,
        shown.kinds,
        names,
        shown.currency,
        zone,
        judge,
        estimates=bool(shown.totals and shown.totals.estimated),
    )

    def sheets() -> Sequence[exports.Sheet]:
        # Read when the file is written, by the same query under the same scope.
        return [exports.Sheet("Deals", columns, records.deal_rows(actor, address.list_query()))]

    def seen() -> Sequence[exports.Sheet]:
        return [exports.Sheet("Deals", columns, shown.rows)]

    status = (list_address.STATUSES | list_address.OTHER_STATUSES)[address.shown_status]
    order = address.sort.removeprefix("-")
    direction = "descending" if address.sort.startswith("-") else "ascending"
    filters = [
        ("Status", status),
        *((name, said) for name, said, _ in list_address.words(address)),
        ("Sorted by", f"{names.get(order, order)}, {direction}"),
        ("As of", shown.as_of.isoformat()),
        ("Rows", f"{shown.total:,}"),
    ]
    return Frozen(
        title="Pipeline: deals",
        name="deals",
        data_on=shown.today,
        sheets=sheets,
        shown=seen,
        filters=filters,
        definitions=tables.definitions(shown.columns, names, judge),
        notes=[f"The rows are those that {actor.name} may see.", *shown.notes],
        zone=zone,
        rows=shown.total,
    )


def _export(request: HttpRequest, frozen: Frozen, form: str, begun: file_runs.Started) -> HttpResponseBase:
    """All rows of what the page shows, as a file."""
    if form not in EXPORTS:
        raise AddressError(f"A list can be exported as {' or '.join(EXPORTS)}, not as {form!r:.40}.")
    run = file_runs.FileRun(request, begun, form=form, data_on=frozen.data_on)
    if form == "csv":
        answer: HttpResponseBase = csv_file(run, frozen)
    else:
        about = frozen.about(str(request.user), run.reference)
        answer = workbook(run.sheets(frozen.sheets()), about, frozen.file_name(form))
        answer["Cache-Control"] = "no-store"
        run.record()
    answer[RUN_HEADER] = run.reference
    return answer


# --- One deal -------------------------------------------------------------------------------------


@require_GET
@freezable
@reads_address
def deal(request: HttpRequest, actor: Actor, deal_id: str) -> HttpResponseBase:
    """One deal: what it is, what is at fault with it, how it came to be so."""
    as_of = list_address.read(_only(request, "as_of")).as_of
    known = _known(request)
    try:
        found = deal_records.deal(
            actor,
            deal_id,
            as_of=as_of,
            known=known,
            inspect=bool(request.GET.get("inspect")),
            parts=deal_pages.PARTS,
        )
    except LookupError as error:
        if type(error) is not LookupError:
            raise
        raise Http404("There is no such deal.") from error
    if as_of is not None and as_of > found.today:
        raise AddressError(f"The data ends on {found.today}: choose that day or an earlier one.")
    context = deal_pages.context(actor, found, as_of, known)
    context |= _neighbours(request, actor, deal_id)
    context["may_link"] = may(actor, "decision.write")
    context["link_settings"] = href("record_links")
    return page(request, "analytics/deal.html", context, deal_pages.frozen(found, as_of, known))


def _known(request: HttpRequest) -> Known:
    return known_at.read(request.GET.get(known_at.PARAMETER, ""))


def _only(request: HttpRequest, *names: str) -> Any:
    query = request.GET.copy()
    for name in list(query):
        if name not in names:
            query.pop(name)
    return query


def _neighbours(request: HttpRequest, actor: Actor, deal_id: str) -> dict[str, Any]:
    """The list that the deal was opened from, and the deals before and after it there."""
    text, at = request.GET.get("from", ""), request.GET.get("at", "")
    known = {known_at.PARAMETER: request.GET[known_at.PARAMETER]} if _known(request).text else {}
    nothing = {
        "back": reverse("pipeline") + (f"?{urlencode(known)}" if known else ""),
        "carried": list(known.items()),
    }
    if not text or not (at.isascii() and at.isdigit()) or int(at) > 10**9:
        return nothing
    try:
        address = list_address.parse(text)
        with records.open_list(actor, address.list_query()) as opened:
            ids, middle = opened.ids_around(int(at))
    except ValueError:
        return nothing
    back = f"{reverse('pipeline')}?{address.query(page=int(at) // address.size + 1)}"
    found: dict[str, Any] = {"back": back, "carried": [("from", text), ("at", at), *known.items()]}
    if middle < len(ids) and ids[middle] == deal_id:
        as_of = {"as_of": request.GET["as_of"]} if request.GET.get("as_of") else {}

        def link(place: int) -> str:
            query = {"from": text, "at": int(at) + place - middle} | as_of | known
            return f"{reverse('deal', args=[ids[place]])}?{urlencode(query)}"

        found["before"] = link(middle - 1) if middle else ""
        found["after"] = link(middle + 1) if middle + 1 < len(ids) else ""
        found["place"] = int(at) + 1
    return found


# --- Accounts -------------------------------------------------------------------------------------


@require_GET
@freezable
@reads_address
def accounts(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The accounts of the reader's deals, and those he owns."""
    search, sort = request.GET.get("q", "").strip(), request.GET.get("sort", "") or "-open_amount"
    if "\x00" in search:
        raise AddressError("The address holds a character that no text may hold.")
    number = list_address.read(_only(request, "page")).page
    known = _known(request)
    found = account_records.account_list(
        actor, search=search, sort=sort, page=number, size=ACCOUNTS_A_PAGE, known=known
    )
    context = {
        "title": "Accounts",
        "table": tables.accounts_table(found, sort, ACCOUNTS_A_PAGE, known.text),
        "search": search,
        "found": found,
        "notes": found.notes,
    }

    def sheets() -> Sequence[exports.Sheet]:
        rows = account_records.account_list(
            actor, search=search, sort=sort, page=1, size=1_000_000, known=known
        ).rows
        return [exports.Sheet("Accounts", tables.account_columns(found.currency), rows)]

    frozen = Frozen(
        title="Accounts",
        name="accounts",
        data_on=found.today,
        sheets=sheets,
        shown=lambda: [exports.Sheet("Accounts", tables.account_columns(found.currency), found.rows)],
        filters=[
            *([("Search", search)] if search else []),
            *([("As known", known.text)] if not known.now else []),
        ],
        notes=[f"The rows are those that {actor.name} may see."],
    )
    return page(request, "analytics/pipeline_accounts.html", context, frozen)


@require_GET
@freezable
@reads_address
def account(request: HttpRequest, actor: Actor, account_id: str) -> HttpResponseBase:
    """One account and the reader's deals there."""
    known = _known(request)
    try:
        found = account_records.account(actor, account_id, known=known)
    except LookupError as error:
        if type(error) is not LookupError:
            raise
        raise Http404("There is no such account.") from error
    number = list_address.read(_only(request, "page", "sort"))
    address = replace(
        list_address.ListAddress(
            status="all", filters=(tables.same_account(account_id),), known_at=known.text
        ),
        page=number.page,
        sort=number.sort,
        columns=("name", "owner_name", "stage", "amount", "expected_close_on", "closed_on", FLAGS),
    )
    with records.open_list(actor, address.list_query()) as opened:
        shown, judge, zone = opened.page(), opened.judge, opened.frames.firm.zone
    names = labels([*shown.kinds, FLAGS])
    kept = address.query(page=1)

    def opened_from(place: int) -> str:
        again = {known_at.PARAMETER: known.text} if known.text else {}
        return urlencode({"from": kept, "at": (shown.page - 1) * address.size + place} | again)

    name = str(found.values.get("name") or account_id)
    context = deal_pages.account_context(found, name) | {
        "table": tables.deals_table(shown, judge, zone, names, address, opened_from),
        "sums": list(tables.total_words(shown)),
        "all_deals": f"{reverse('pipeline')}?{kept}",
        "may_link": may(actor, "decision.write"),
        "link_settings": href("record_links"),
    }
    frozen = replace(
        _frozen(actor, address, shown, judge, names, zone),
        title=f"Account: {name}",
        name=f"account {name}",
        definitions=[Definition("Deals", "The deals of this account that the reader may see.")],
    )
    return page(request, "analytics/pipeline_account.html", context, frozen)


# --- Saved views ----------------------------------------------------------------------------------


def _to_list(query: str, view: int | None = None) -> HttpResponse:
    try:
        address = list_address.parse(query)
    except ValueError:
        return redirect("pipeline")
    return HttpResponseRedirect(f"{reverse('pipeline')}?{replace(address, view=str(view or '')).query()}")


@require_POST
def view_save(request: HttpRequest) -> HttpResponse:
    """Keep the list's address under a name."""
    actor, query = actor_of(request.user), request.POST.get("query", "")
    try:
        view = views_services.save(
            actor=actor, name=request.POST.get("name", ""), query=query, shared="shared" in request.POST
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return _to_list(query)
    except AddressError as error:
        messages.error(request, str(error))
        return redirect("pipeline")
    messages.success(request, f"The view {view.name} is saved{' for everybody' if view.shared else ''}.")
    return _to_list(view.query, view.id)


@require_POST
def view_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a view, share it or not, or delete it."""
    actor = actor_of(request.user)
    try:
        if "delete" in request.POST:
            view = views_services.delete(actor=actor, pk=pk)
            messages.success(request, f"The view {view.name} is deleted.")
            return _to_list(view.query)
        view = views_services.rename(
            actor=actor, pk=pk, name=request.POST.get("name", ""), shared="shared" in request.POST
        )
    except LookupError as error:
        raise Http404("There is no such view.") from error
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("pipeline")
    messages.success(request, f"The view {view.name} is saved.")
    return _to_list(view.query, view.id)

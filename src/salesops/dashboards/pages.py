"""Dashboards: the list, one dashboard, and where it is changed. Thin: contents compute, services write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from salesops.analytics.addresses import OPERATOR_WORDS, NotThereError, added_filter, first_run, reads_address
from salesops.analytics.choices import columns_to_filter
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.page_parts import chips, selects
from salesops.analytics.selectors import Question, ask
from salesops.dashboards import cards, contents, inputs, selectors, services
from salesops.dashboards.engine import definition
from salesops.dashboards.forms import DashboardForm, TileForm, in_form
from salesops.dashboards.selectors import Seen
from salesops.platform import saved_views
from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.platform.web import allowed, apply_errors
from salesops.process.inputs import NoDataError

MOST_VERSIONS = 20
"""Versions that the history of a dashboard shows."""


@require_safe
def dashboards(request: HttpRequest) -> HttpResponse:
    """One's own dashboards, those shared with one's role, and those to start from."""
    actor = actor_of(request.user)
    found = selectors.dashboards_of(actor)
    context = {
        "title": "Dashboards",
        "own": cards.lines([one for one in found if one.mine]),
        "shared": cards.lines([one for one in found if not one.mine]),
        "ready": cards.lines(selectors.ready_ones()),
        "may_make": may(actor, services.WRITE),
    }
    return render(request, "dashboards/dashboards.html", context)


# --- One dashboard --------------------------------------------------------------------------------


@require_safe
@freezable
@reads_address
def dashboard(request: HttpRequest, actor: Actor, pk: int) -> HttpResponseBase:
    """One dashboard over the reader's own rows; ``version`` shows it as it was defined before."""
    number = request.GET.get("version", "")
    if number and not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotThereError("There is no such version.")
    seen = selectors.version_of(actor, pk, int(number)) if number else selectors.dashboard_of(actor, pk)
    if seen is None:
        raise NotThereError("There is no such dashboard that you may see.")
    return _shown(request, actor, seen, earlier=bool(number))


@require_safe
@freezable
@reads_address
def dashboard_ready(request: HttpRequest, actor: Actor, name: str) -> HttpResponseBase:
    """A dashboard to start from, over the reader's own rows."""
    seen = selectors.ready_one(name)
    if seen is None:
        raise NotThereError("There is no such dashboard.")
    return _shown(request, actor, seen)


def _shown(request: HttpRequest, actor: Actor, seen: Seen, *, earlier: bool = False) -> HttpResponseBase:
    asked_for = request.GET.urlencode()
    address = inputs.address_of(seen.question, asked_for)
    added = added_filter(request.GET)
    if added is not None:
        more = replace(
            address, filters=(*address.filters, *([added] if added not in address.filters else []))
        )
        return redirect(f"{request.path}?{inputs.address_text(more)}")
    shown = contents.computed(actor, seen, asked_for)
    wanted = request.GET.get("tile", "")
    tiles = [tile for tile in shown.tiles if not wanted or tile.key == wanted]
    if not tiles and wanted:
        raise NotThereError("There is no such tile.")
    known = address.known
    question = Question(as_of=address.as_of, manifest_id=known.manifest_id, known_at=known.known_at)
    with ask(actor, question) as asked:
        heads = selects(asked, address)
        columns = columns_to_filter(asked.frames)
    kept = inputs.address_text(inputs.address_of(seen.question))
    context: dict[str, Any] = {
        "title": seen.name,
        "scope": shown.scope,
        "seen": seen,
        "shared": cards.role_words(seen.roles),
        "shown": shown,
        "chips": chips(address, lambda rest: f"?{inputs.address_text(rest)}"),
        "filter_columns": columns,
        "operators": list(OPERATOR_WORDS.items()),
        "notes": shown.notes,
        "earlier": earlier,
        "may_copy": may(actor, services.WRITE) and not earlier,
        "may_keep": seen.mine
        and not earlier
        and address.known.now
        and not address.as_of
        and kept != shown.question,
        **heads,
    }
    frozen = Frozen(
        title=f"{seen.name}, {shown.scope}",
        name=f"{seen.name} {tiles[0].title}" if wanted else seen.name,
        data_on=shown.data_on,
        filters=shown.filters,
        definitions=contents.definitions_of(tiles),
        notes=shown.notes,
        sheets=lambda: cards.sheets(actor, shown, tiles),
        zone=shown.zone,
        rows=cards.rows_of(tiles),
    )
    return page(request, "dashboards/dashboard.html", context, frozen)


# --- Made and changed -----------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "POST"])
@allowed(services.WRITE)
def dashboard_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Make a dashboard, or copy one that is there."""
    if request.method == "POST" and "copy" in request.POST:
        source = _source(actor, request.POST["copy"])
        try:
            made = services.dashboard_copy(actor=actor, source=source)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("dashboards")
        messages.success(request, "This copy is yours: change it as you like.")
        return redirect("dashboard_edit", pk=made.id)
    form = DashboardForm(request.POST or None, may_share=may(actor, services.SHARE))
    if form.is_bound and form.is_valid():
        try:
            made = services.dashboard_make(actor=actor, question="period=quarter", **form.cleaned_data)
            return redirect("dashboard_edit", pk=made.id)
        except ValidationError as error:
            apply_errors(form, error)
    context = {
        "title": "New dashboard",
        "form": form,
        "starts": [*selectors.dashboards_of(actor), *selectors.ready_ones()],
    }
    return render(request, "dashboards/new.html", context, status=400 if form.errors else 200)


def _source(actor: Actor, text: str) -> Seen:
    """What is copied: a dashboard's id, or ``ready:`` and a name."""
    seen = None
    if text.startswith("ready:"):
        seen = selectors.ready_one(text.removeprefix("ready:"))
    elif text.isascii() and text.isdigit() and len(text) < 19:
        seen = selectors.dashboard_of(actor, int(text))
    if seen is None:
        raise Http404("There is no such dashboard.")
    return seen


def _mine(actor: Actor, pk: int) -> Seen:
    try:
        return services.own(actor, pk)
    except LookupError as error:
        raise Http404(str(error)) from error


@never_cache
@require_http_methods(["GET", "POST"])
@allowed(services.WRITE)
def dashboard_edit(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Name, sharing, order and width of tiles, and what the dashboard was before."""
    seen = _mine(actor, pk)
    initial = {"name": seen.name, "description": seen.description, "roles": seen.roles}
    may_share = may(actor, services.SHARE)
    form = DashboardForm(request.POST or None, initial=initial, may_share=may_share)
    if form.is_bound and form.is_valid():
        version = _whole(request.POST.get("version", ""))
        try:
            services.dashboard_change(
                actor=actor, pk=pk, version=version, note="Name or sharing changed", **form.cleaned_data
            )
            messages.success(request, "Recorded.")
            return redirect("dashboard_edit", pk=pk)
        except ValidationError as error:
            apply_errors(form, error)
    return _editing(request, actor, seen, form)


def _editing(request: HttpRequest, actor: Actor, seen: Seen, form: DashboardForm) -> HttpResponse:
    names = {view.id: view.name for view in saved_views.views_of(actor, inputs.VIEWS)}
    context = {
        "title": f"Change {seen.name}",
        "seen": seen,
        "form": form,
        "lines": [
            {
                "tile": tile,
                "kind": definition.KINDS[tile.kind],
                "title": cards.tile_title(tile, names),
                "width": f"{tile.width} of 12",
                "first": place == 0,
                "last": place == len(seen.tiles) - 1,
                "narrowest": tile.width == definition.WIDTHS[0],
                "widest": tile.width == definition.WIDTHS[-1],
            }
            for place, tile in enumerate(seen.tiles)
        ],
        "kinds": list(definition.KINDS.items()),
        "full": len(seen.tiles) >= definition.MOST_TILES,
        "most": definition.MOST_TILES,
        "versions": selectors.versions_of(actor, seen.id, MOST_VERSIONS),
        "more_versions": max(seen.version - MOST_VERSIONS, 0),
    }
    return render(request, "dashboards/edit.html", context, status=400 if form.errors else 200)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


_TILE_CHANGES: dict[str, tuple[Callable[..., Any], str]] = {
    "up": (partial(definition.moved, step=-1), "Tile moved"),
    "down": (partial(definition.moved, step=1), "Tile moved"),
    "narrower": (partial(definition.resized, step=-1), "Tile made narrower"),
    "wider": (partial(definition.resized, step=1), "Tile made wider"),
    "drop": (definition.without, "Tile removed"),
}


@require_POST
@allowed(services.WRITE)
def dashboard_change(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """One change by a button: a tile moved, resized or removed, a version put back, a question kept, the end."""
    do, key = request.POST.get("do", ""), request.POST.get("tile", "")
    version = _whole(request.POST.get("version", ""))
    back = redirect("dashboard_edit", pk=pk)
    try:
        if do == "remove":
            services.dashboard_remove(actor=actor, pk=pk)
            messages.success(request, "The dashboard is removed.")
            return redirect("dashboards")
        _mine(actor, pk)
        if do in _TILE_CHANGES:
            change, note = _TILE_CHANGES[do]
            services.dashboard_retile(
                actor=actor, pk=pk, version=version, tiles=lambda tiles: change(tiles, key=key), note=note
            )
            back["Location"] += f"#tile-{key}" if do != "drop" else "#tiles"
        elif do == "put_back":
            services.dashboard_put_back(actor=actor, pk=pk, number=version or 0)
            messages.success(request, f"Version {version} is in force again.")
        elif do == "keep":
            services.dashboard_change(
                actor=actor, pk=pk, question=request.POST.get("question", ""), note="Question changed"
            )
            messages.success(request, "Whoever opens the dashboard gets this period, team and filters.")
            return redirect("dashboard", pk=pk)
        else:
            messages.error(request, "There is no such change.")
    except LookupError as error:
        raise Http404(str(error)) from error
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return back


@never_cache
@require_http_methods(["GET", "POST"])
@allowed(services.WRITE)
def dashboard_tile(request: HttpRequest, actor: Actor, pk: int, key: str) -> HttpResponse:
    """Add a tile (``new`` and its kind), or change one."""
    seen = _mine(actor, pk)
    tile = seen.tile(key)
    kind = tile.kind if tile else (request.POST.get("kind") or request.GET.get("kind") or "kpi")
    if (tile is None and key != "new") or kind not in definition.KINDS:
        raise Http404("There is no such tile.")
    try:
        with ask(actor, Question(period="quarter")) as asked:
            views = saved_views.views_of(actor, inputs.VIEWS)
            form = TileForm(request.POST or None, kind=kind, asked=asked, views=views, tile=tile)
    except NoDataError:
        return first_run(request, actor)
    if form.is_bound and form.is_valid() and _tile_kept(actor, seen, tile, form, request):
        return redirect("dashboard_edit", pk=pk)
    context = {
        "title": f"{'Change' if tile else 'New'} tile: {definition.KINDS[kind].lower()}",
        "seen": seen,
        "tile": tile,
        "kind": kind,
        "kinds": list(definition.KINDS.items()),
        "form": form,
    }
    return render(request, "dashboards/tile.html", context, status=400 if form.errors else 200)


def _tile_kept(
    actor: Actor, seen: Seen, tile: definition.Tile | None, form: TileForm, request: HttpRequest
) -> bool:
    own = tile.key if tile else definition.new_key({one.key for one in seen.tiles})
    try:
        made = definition.tile_of(form.values(tile), own)
        services.dashboard_retile(
            actor=actor,
            pk=seen.id,
            version=_whole(request.POST.get("version", "")),
            tiles=lambda tiles: definition.with_tile(tiles, made),
            note="Tile changed" if tile else "Tile added",
        )
    except definition.DefinitionError as error:
        form.add_error(in_form(error.field, form.fields) or None, str(error))
        return False
    except ValidationError as error:
        by_field = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for field, found in by_field.items():
            for message in found:
                form.add_error(in_form(field, form.fields) or None, message)
        return False
    return True

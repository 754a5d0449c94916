"""The Monday meeting, the one-to-one, and the list of action items."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from salesops.analytics import home
from salesops.analytics.addresses import Address, AddressError, NotThereError, deal_href, read, reads_address
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.page_parts import filter_words, scope_line, selects
from salesops.analytics.selectors import OpenQuestion, Question, ask
from salesops.analytics.shown import unique
from salesops.meetings import cards, inputs, selectors, services
from salesops.meetings.forms import ActionForm, EventForm, NoteForm, WhoseForm, first_day
from salesops.platform import posting
from salesops.platform.access import may, require
from salesops.platform.actors import Actor
from salesops.platform.roles import Role
from salesops.platform.web import allowed
from salesops.process.inputs import NoDataError
from salesops.ui import formats

SHOWN = 15
"""Changes of one page."""


@require_safe
@freezable
@reads_address
def monday(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Will we make it, what changed since we met, which five deals decide it, what was done; a rep sees his own."""
    if actor.role == Role.REP and selectors.own_person(actor):
        return _meeting(request, actor, selectors.own_person(actor))
    return _meeting(request, actor, "")


@require_safe
@freezable
@reads_address
def one_to_one(request: HttpRequest, actor: Actor, person_id: str) -> HttpResponseBase:
    """The same page for one person; he and whoever sees his records see the same."""
    return _meeting(request, actor, person_id)


def _meeting(request: HttpRequest, actor: Actor, person_id: str) -> HttpResponseBase:
    address = read(request.GET)
    with ask(actor, inputs.question_of(address, person_id)) as asked:
        try:
            seen = inputs.meeting(actor, asked, address, person_id)
        except inputs.NobodyError as error:
            raise NotThereError(str(error)) from error
        frames, found, person = asked.frames, seen.standing, seen.person
        total = sum(seen.counts.values())
        paging = Paginator(range(total), SHOWN).get_page(request.GET.get("page"))
        if request.GET.get("freeze"):
            changed = asked.execute(inputs.changes(asked, seen.window)).to_pylist()
        else:
            changed = inputs.changed(asked, seen.window, paging.number, SHOWN)
        items = _items(actor, asked, seen.subject, person_id, address, seen.last)
        names = inputs.deal_names(asked, [*(i.deal_id for i in items), *(d.row["id"] for d in seen.deals)])
        links = inputs.record_links(asked, names)
        today = _today(asked, address.known.known_at)
        sentence = cards.said(found.figures, frames.currency)
        acts = may(actor, services.WRITE) and address.known.now
        about = _about(asked, request)
        title = _title(actor, person.name if person else "", found.period.title)
        context: dict[str, Any] = {
            "title": title,
            "scope": scope_line(actor, _over(asked, found), address),
            "answer": sentence,
            "tiles": cards.tiles(address, found, frames.currency),
            "pace": cards.pace_chart(found, frames.currency),
            "deals": cards.deciding_lines(seen.deals, frames.currency, address, links, may_act=acts),
            "ghosts": cards.ghost_words(inputs.ghosts(asked, found), frames.currency),
            "deals_note": _deals_note(found, len(seen.deals)),
            "changed": cards.changes_table(changed, frames.currency, address, paging, seen.window.words),
            "changed_words": f"{total:,} {seen.window.words}",
            "counts": [(home.KINDS[kind], n) for kind, n in seen.counts.items() if n],
            "items": cards.item_lines(items, names, links, today, address, may_act=acts),
            "last": seen.last,
            "zone": frames.firm.zone,
            "person": person,
            "version": inputs.shown_version(asked, "")[0],
            "may_hold": may(actor, services.HOLD) and address.known.now,
            "channels": [posting.title_of(name) for name in posting.channels()],
            "people": [] if person else cards.people_lines(inputs.owners(asked), selectors.own_person(actor)),
            "form": _form(actor, asked, request, today, person, about) if acts else None,
            "about": about,
            "back": request.get_full_path(),
            "notes": unique(frames.notes),
            **selects(asked, address),
        }
        if person:
            context["team_groups"] = []
            context |= _notes(actor, asked, person.id, address)
        frozen = Frozen(
            title=f"{title}, {context['scope']}",
            name=f"monday {found.period.label} {person.name if person else ''}",
            data_on=frames.today,
            filters=filter_words(actor, asked, address),
            notes=[sentence, *unique(frames.notes)],
            sheets=lambda: cards.sheets(sentence, found, seen.deals, changed, items, frames.currency),
            zone=frames.firm.zone,
        )
    return page(request, "meetings/monday.html", context, frozen)


def _over(asked: OpenQuestion, found: inputs.Standing) -> OpenQuestion:
    return asked if asked.period == found.period else asked.over(found.period, deals_only=True)


def _title(actor: Actor, whose: str, period: str) -> str:
    if whose and actor.role != Role.REP:
        return f"One-to-one with {whose}, {period}"
    return f"Your week, {period}" if whose else f"Monday, {period}"


def _items(
    actor: Actor, asked: OpenQuestion, subject: str, person_id: str, address: Address, last: selectors.Held | None
) -> list[selectors.Item]:  # fmt: skip
    """What is open, and what was settled since the last meeting."""
    only: dict[str, Any] = {}
    if person_id:
        only["owners"] = [person_id]
    elif address.team:
        only["subject"] = subject
    found = selectors.items(actor, asked.frames.scope, known_at=address.known.known_at, **only)
    since = last.held_at if last else None
    return [i for i in found if i.settled_at is None or since is None or i.settled_at >= since]


def _today(asked: OpenQuestion, known_at: datetime | None) -> date:
    """The day that actions are late against: people's own, not the data's."""
    return (known_at or timezone.now()).astimezone(ZoneInfo(asked.frames.firm.zone)).date()


def _deals_note(found: inputs.Standing, count: int) -> str:
    if not found.has_dates:
        why = found.reasons.get("due", "")
        return f"{why[:1].upper()}{why[1:]}: these are the largest that are open."
    return f"The {count} largest open deals due by the end of {found.period.title}, with what to ask."


def _me(actor: Actor, asked: OpenQuestion) -> inputs.Owner:
    person = asked.frames.people.get(selectors.own_person(actor))
    return inputs.Owner(person.id, person.name) if person else inputs.Owner("", actor.name)


def _notes(actor: Actor, asked: OpenQuestion, person_id: str, address: Address) -> dict[str, Any]:
    """Notes about the person that the reader may read, and the form for one more where he may write it."""
    if address.as_of or not address.known.now:
        # Who manages whom is asked of today; such a page shows the hierarchy of another day.
        return {"coaching": [], "note_form": None}
    people = asked.frames.people
    writes = selectors.coaches(actor, people, person_id)
    return {
        "coaching": selectors.notes(actor, people, person_id),
        "note_form": NoteForm(initial={"person": person_id}, auto_id="note_%s") if writes else None,
    }


def _about(asked: OpenQuestion, request: HttpRequest) -> dict[str, str] | None:
    """The deal that a new action is about: name and address, where the address names one the reader may see."""
    deal_id = request.GET.get("about", "").strip()
    names = inputs.deal_names(asked, [deal_id]) if deal_id else {}
    return {"id": deal_id, "name": names[deal_id][0], "href": deal_href(deal_id)} if names else None


def _form(
    actor: Actor, asked: OpenQuestion, request: HttpRequest, today: date, person: inputs.Owner | None,
    about: dict[str, str] | None,
) -> ActionForm:  # fmt: skip
    owner = person.id if person else _owner_of(asked, about["id"]) if about else ""
    initial = {"due_on": first_day(today), "deal": about["id"] if about else "", "owner": owner}
    data = request.POST if request.method == "POST" else None
    return ActionForm(data, owners=inputs.owners(asked), me=_me(actor, asked), initial=initial)


def _owner_of(asked: OpenQuestion, deal_id: str) -> str:
    deals = asked.frames.deals
    rows = asked.execute(deals.filter(deals.id == deal_id).select("owner_id")).to_pylist()
    return (rows[0]["owner_id"] or "") if rows else ""


# --- What is sent ---------------------------------------------------------------------------------


def _back(request: HttpRequest) -> str:
    """Where a form was sent from; the Monday page where that is no address of ours."""
    given = request.POST.get("back", "")
    ours = url_has_allowed_host_and_scheme(given, allowed_hosts=None) and given.startswith("/")
    return given if ours else "/monday/"


def _sent(form: Form) -> dict[str, Any]:
    """What a form was sent with.

    Raises:
        ValidationError: something in it can't be taken; the message says what.
    """
    if not form.is_valid():
        raise ValidationError([error for errors in form.errors.values() for error in errors])
    return form.cleaned_data


def _whose(request: HttpRequest) -> tuple[str, str]:
    """Person and team that a form was sent for, "" each where it names none.

    Raises:
        AddressError: there is no such column of teams.
    """
    sent = _sent(WhoseForm(request.POST))
    return sent["person"], read(QueryDict(urlencode({"team": sent["team"]}))).team


def _says_errors(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A service's refusal becomes a message on the page that the form came from."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except (AddressError, NoDataError, inputs.NobodyError) as error:
            messages.error(request, str(error))
        return redirect(_back(request))

    return answered


@require_http_methods(["GET", "POST"])
@reads_address
def action_items(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Every action item that the reader may see; sent to, one more."""
    if request.method == "POST":
        return _add(request, actor)
    address = read(request.GET)
    state = request.GET.get("state", "open")
    with ask(actor, address.question()) as asked:
        found = selectors.items(actor, asked.frames.scope, known_at=address.known.known_at)
        wanted = [i for i in found if state == "all" or i.state == state]
        names = inputs.deal_names(asked, [i.deal_id for i in wanted])
        today = _today(asked, address.known.known_at)
        acts = may(actor, services.WRITE) and address.known.now
        context = {
            "title": "Actions",
            "scope": f"{len(wanted):,} of {len(found):,}",
            "items": cards.item_lines(
                wanted, names, inputs.record_links(asked, names), today, address, may_act=acts
            ),
            "states": [
                {"key": key, "title": title, "current": key == state}
                for key, title in (("open", "Open"), ("done", "Done"), ("dropped", "Dropped"), ("all", "All"))
            ],
            "form": _form(actor, asked, request, today, None, None) if acts else None,
            "back": request.get_full_path(),
        }
    return render(request, "meetings/actions.html", context)


@_says_errors
def _add(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    require(actor, services.WRITE)
    person_id, team = _whose(request)
    with ask(actor, Question()) as asked:
        form = _form(actor, asked, request, _today(asked, None), None, None)
        sent = _sent(form)
        deal = sent["deal"].strip()
        if deal and not inputs.sees_deal(asked, deal):
            raise ValidationError("There is no such deal that you may see.")
        subject = inputs.whose(actor, asked, person_id, team)
        scope, owner = asked.frames.scope, form.chosen
    services.action_add(
        actor=actor, scope=scope, subject=subject, text=sent["text"], owner_id=owner.id,
        owner_name=owner.name, due_on=sent["due_on"], deal_id=deal,
    )  # fmt: skip
    messages.success(request, f"Noted for {owner.name}.")
    return redirect(_without_about(_back(request)))


def _without_about(path: str) -> str:
    """The address without the deal that the next action need not be about."""
    head, mark, query = path.partition("?")
    pairs = [p for p in query.split("&") if p and not p.startswith("about=")]
    return head + (mark + "&".join(pairs) if pairs else "") + "#actions"


@require_POST
@allowed(services.WRITE)
@_says_errors
def action_change(request: HttpRequest, actor: Actor, item_id: int) -> HttpResponseBase:
    """Say what became of an action item."""
    sent = _sent(EventForm(request.POST))
    with ask(actor, Question()) as asked:
        scope = asked.frames.scope
    try:
        after = services.action_change(
            actor=actor,
            scope=scope,
            item_id=item_id,
            kind=sent["do"],
            due_on=sent["due_on"],
            note=sent["note"],
        )
    except LookupError:
        return HttpResponse(
            "There is no such action that you may see.", status=404, content_type="text/plain"
        )
    messages.success(request, f"{after.text}: {after.state}.")
    return redirect(_back(request))


@require_POST
@allowed(selectors.NOTE)
@_says_errors
def note(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Note something about a person."""
    sent = _sent(NoteForm(request.POST))
    with ask(actor, Question()) as asked:
        people = asked.frames.people
    services.note_add(
        actor=actor, people=people, person_id=sent["person"], text=sent["text"], shared=not sent["mine"]
    )
    messages.success(request, "Noted.")
    return redirect(_back(request))


@require_POST
@allowed(services.HOLD)
@_says_errors
def held(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Note that the meeting was held, so that the next one begins where it ended: at the data that it saw."""
    person_id, team = _whose(request)
    with ask(actor, Question()) as asked:
        subject = inputs.whose(actor, asked, person_id, team)
        version, day = inputs.shown_version(asked, request.POST.get("version", ""))
    services.meeting_hold(actor=actor, subject=subject, data_on=day, manifest_id=version)
    messages.success(
        request, f"Noted. The next meeting tells what changes from the data of {formats.day(day)} on."
    )
    return redirect(_back(request))


@require_POST
@allowed(services.HOLD)
@_says_errors
def send(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Send open actions to their owners by mail, and to the channels that are set up."""
    person_id, team = _whose(request)
    with ask(actor, Question()) as asked:
        subject = inputs.whose(actor, asked, person_id, team)
        found = _items(actor, asked, subject, person_id, Address(team=team), None)
        open_items = [item for item in found if item.state == "open"]
        names = inputs.deal_names(asked, [i.deal_id for i in open_items])
        links = inputs.record_links(asked, names)
        mails = inputs.mail_addresses(asked, [i.owner_id for i in open_items if i.owner_id])
    sent = services.actions_send(
        actor=actor, items=open_items, deals={k: v[0] for k, v in names.items()}, links=links, mails=mails
    )
    messages.success(request, sent.words)
    return redirect(_back(request))

"""Saved views of the list of deals: kept by platform, checked here to be an address that the list can read."""

from __future__ import annotations

from django.urls import reverse

from salesops.analytics import list_address
from salesops.platform import saved_views
from salesops.platform.actors import Actor
from salesops.platform.job_kinds import Offer
from salesops.platform.page_files import offer
from salesops.platform.saved_views import View

PAGE = "pipeline"


def views(actor: Actor) -> list[View]:
    """The views an actor may pick: his own, then those shared with everybody."""
    return saved_views.views_of(actor, PAGE)


def save(*, actor: Actor, name: str, query: str, shared: bool) -> View:
    """Keep an address of the list under a name.

    Raises:
        AddressError: the list can't read the address.
        ValidationError: the name won't do.
        NotAllowedError: the actor is no account.
    """
    kept = list_address.parse(query).kept()
    return saved_views.view_save(actor=actor, page=PAGE, name=name, query=kept, shared=shared)


def rename(*, actor: Actor, pk: int, name: str, shared: bool) -> View:
    """Rename a view, share it or not. Errors as :func:`salesops.platform.saved_views.view_rename`."""
    return saved_views.view_rename(actor=actor, page=PAGE, pk=pk, name=name, shared=shared)


def delete(*, actor: Actor, pk: int) -> View:
    """Remove a view. Errors as :func:`salesops.platform.saved_views.view_delete`."""
    return saved_views.view_delete(actor=actor, page=PAGE, pk=pk)


def schedule_offers(actor: Actor) -> list[Offer]:
    """Files of pages that an account may have made again and again: its views, Home and Numbers."""
    if actor.user_id is None:
        return []
    pages = [("home", "Home"), ("numbers", "Numbers")]
    found = [
        offer(f"page-{name}", f"{title} as a frozen page", reverse(name), "freeze=html")
        for name, title in pages
    ]
    for view in views(actor):
        for form in ("xlsx", "csv"):
            key, title = f"view-{view.id}-{form}", f"The view {view.name} as {form.upper()}"
            found.append(offer(key, title, reverse("pipeline"), f"{view.query}&export={form}".lstrip("&")))
    return found

"""The pages behind Settings: each room adds its own, and gets a tab and an entry on the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.platform.registries import Registry
from salesops.ui import navigation

SETTINGS = "settings"


@dataclass(frozen=True)
class SettingsPage:
    """One page of the index: what it decides, and who may open it."""

    title: str
    text: str
    url_name: str
    icon: str
    permission: str
    order: int


pages: Registry[SettingsPage] = Registry("settings page")


def add(page: SettingsPage, *, also: tuple[str, ...] = ()) -> None:
    """Put a page behind Settings. ``also`` names further views that light its tab up."""
    pages.register(page.url_name, page)
    navigation.register(
        "operations",  # tabs stand under their parent, wherever that is
        page.url_name,
        page.title,
        page.url_name,
        page.icon,
        order=page.order,
        permission=holds(page.permission),
        tab_of=SETTINGS,
        also=also,
    )


def holds(permission: str) -> Any:
    """A menu entry's permission: whether a user's role holds it."""

    def check(user: Any) -> bool:
        return bool(user.is_authenticated) and may(actor_of(user), permission)

    return check


def pages_for(actor: Actor) -> list[SettingsPage]:
    """The pages an actor may open, in menu order."""
    allowed = [page for _, page in pages.items() if may(actor, page.permission)]
    return sorted(allowed, key=lambda page: (page.order, page.title))

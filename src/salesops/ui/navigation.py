"""The menu: which pages exist, in which section, and who may see them.

Domains call `register` from `AppConfig.ready()`. Nothing here touches a database; the permission and badge
callables do, and they are called once per request by `build`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse

User = Any
Permission = Callable[[User], bool]


@dataclass(frozen=True)
class Section:
    """One of the eight sections. `shortcut` is the key pressed after `g`."""

    key: str
    title: str
    shortcut: str


SECTIONS: tuple[Section, ...] = (
    Section("home", "Home", "h"),
    Section("pipeline", "Pipeline", "p"),
    Section("forecast", "Forecast", "f"),
    Section("deal-desk", "Deal desk", "d"),
    Section("plan", "Plan", "l"),
    Section("pay", "Pay", "y"),
    Section("people", "People", "e"),
    Section("operations", "Operations", "o"),
)
ACCOUNT = "account"
"""Pages registered in this section appear in the account menu (Settings, Audit), not in the sidebar."""


def everyone(user: User) -> bool:
    """The default permission: any signed-in user."""
    return bool(getattr(user, "is_authenticated", False))


@dataclass(frozen=True)
class Page:
    """One registered page. `also` lists further view names that light this entry up (detail pages)."""

    section: str
    key: str
    title: str
    url_name: str
    icon: str
    order: int = 100
    permission: Permission = everyone
    tab_of: str | None = None
    fallback: str | None = None
    also: frozenset[str] = frozenset()
    badge: Callable[[User], int | None] | None = None


@dataclass(frozen=True)
class Entry:
    """A page as one user sees it on one request."""

    key: str
    title: str
    url: str
    icon: str
    current: bool
    badge: int | None = None
    shortcut: str = ""


@dataclass(frozen=True)
class Group:
    """A section as one user sees it: never empty."""

    key: str
    title: str
    entries: tuple[Entry, ...]
    current: bool

    @property
    def single(self) -> bool:
        """True when a heading would only repeat the one entry below it."""
        return len(self.entries) == 1 and self.entries[0].title == self.title


@dataclass(frozen=True)
class Navigation:
    """All that the shell needs to draw its menus."""

    groups: tuple[Group, ...] = ()
    account: tuple[Entry, ...] = ()
    tabs: tuple[Entry, ...] = ()
    shortcuts: tuple[tuple[str, str], ...] = field(default=())


class NavigationError(ValueError):
    """A page was registered twice, in an unknown section, or as a tab of an unknown page."""


_pages: dict[str, Page] = {}
_hidden: list[Callable[[User], Iterable[str]]] = []


def register(
    section: str,
    key: str,
    title: str,
    url_name: str,
    icon: str,
    order: int = 100,
    permission: Permission = everyone,
    tab_of: str | None = None,
    *,
    fallback: str | None = None,
    also: Iterable[str] = (),
    badge: Callable[[User], int | None] | None = None,
) -> Page:
    """Put a page in the menu.

    `tab_of` names the key of the page above which this one is shown as a tab instead of a sidebar entry.
    `fallback` names the section that shows the page while its own section holds no page of its own for this
    user (Data: Operations, or Home while Operations is hidden).
    Registering the same page again is harmless; another page under a used key raises NavigationError.
    """
    if section != ACCOUNT and section not in {known.key for known in SECTIONS}:
        raise NavigationError(f"unknown section {section!r} for page {key!r}")
    page = Page(
        section, key, title, url_name, icon, order, permission, tab_of, fallback, frozenset(also), badge
    )
    kept = _pages.get(key)
    if kept is not None and _plain(kept) != _plain(page):
        raise NavigationError(f"page key {key!r} is already used by {kept.url_name!r}")
    _pages[key] = page
    return page


def _plain(page: Page) -> Page:
    """A page without its callables: those are made anew at every registration."""
    return replace(page, permission=everyone, badge=None)


def hide_sections(provider: Callable[[User], Iterable[str]]) -> None:
    """Add a callable that names sections this user has switched off (start-up mode)."""
    if provider not in _hidden:
        _hidden.append(provider)


def pages() -> tuple[Page, ...]:
    """All registered pages in menu order, whoever looks."""
    return tuple(sorted(_pages.values(), key=lambda page: (page.order, page.title)))


def _current_page(view_name: str, nav_key: str | None) -> Page | None:
    if nav_key is not None:
        return _pages.get(nav_key)
    for page in pages():
        if view_name and (page.url_name == view_name or view_name in page.also):
            return page
    return None


def address(url_name: str) -> str:
    """The address of a page without arguments; a page draws dozens, and the routes of a process stay the same.

    Raises:
        NoReverseMatch: there is no such page.
    """
    return _address(url_name, get_urlconf() or settings.ROOT_URLCONF, get_script_prefix())


@lru_cache(maxsize=1024)
def _address(url_name: str, urlconf: Any, prefix: str) -> str:
    return reverse(url_name, urlconf)


def _entry(page: Page, user: User, current: bool, with_badge: bool = True) -> Entry | None:
    try:
        url = address(page.url_name)
    except NoReverseMatch:
        return None  # a domain whose URLs are not mounted has no pages to show
    badge = page.badge(user) if page.badge is not None and with_badge else None
    return Entry(page.key, page.title, url, page.icon, current, badge or None)


def build(user: User, view_name: str = "", nav_key: str | None = None) -> Navigation:
    """The menus for one user on one page. A page whose permission says no is not shown."""
    hidden = {name for provider in _hidden for name in provider(user)}
    allowed = [page for page in pages() if page.permission(user)]
    own = {
        page.section
        for page in allowed
        if page.tab_of is None and page.fallback is None and page.section not in hidden
    }
    at_home = [page for page in allowed if not (page.fallback and page.section not in own)]
    moved = [replace(page, section=page.fallback or "") for page in allowed if page not in at_home]
    placed = at_home + moved  # guests come last in the section that takes them in
    current = _current_page(view_name, nav_key)
    lit = {current.key, current.tab_of} if current is not None else set()

    groups: list[Group] = []
    shortcuts: list[tuple[str, str]] = []
    for section in SECTIONS:
        if section.key in hidden:
            continue
        made = [
            _entry(page, user, page.key in lit)
            for page in placed
            if page.section == section.key and page.tab_of is None
        ]
        entries = [entry for entry in made if entry is not None]
        if not entries:
            continue
        entries[0] = replace(entries[0], shortcut=section.shortcut)
        shortcuts.append((section.shortcut, section.title))
        groups.append(
            Group(section.key, section.title, tuple(entries), any(entry.current for entry in entries))
        )
    account = [_entry(page, user, page.key in lit) for page in placed if page.section == ACCOUNT]
    return Navigation(
        groups=tuple(groups),
        account=tuple(entry for entry in account if entry is not None),
        tabs=_tabs(allowed, user, current),
        shortcuts=tuple(shortcuts),
    )


def _tabs(allowed: list[Page], user: User, current: Page | None) -> tuple[Entry, ...]:
    """The tab row of the current page: its parent first, then every page that names that parent."""
    if current is None:
        return ()
    parent = current.tab_of or current.key
    family = [page for page in allowed if page.key == parent] + [
        page for page in allowed if page.tab_of == parent
    ]
    if len(family) < 2:
        return ()
    made = [_entry(page, user, page.key == current.key, with_badge=False) for page in family]
    return tuple(entry for entry in made if entry is not None)

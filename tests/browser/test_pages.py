"""Every named page: in both themes, at phone width, by keyboard, and for those who may see it only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person, Server, shoot
from tests.browser.pages import ALL, FOR_PROGRAMS, NO_PAGE, OUTSIDE, PAGES, named

pytestmark = pytest.mark.browser
OWN_ROWS = ("rep", "sales_manager")
REFUSED = (403, 404)
SEEN = (
    "color-contrast",
    "link-in-text-block",
    "target-size",
    "scrollable-region-focusable",
    "aria-hidden-focus",
)
"""Rules of axe whose outcome colours or the width of the window can change."""

DESK, LAPTOP, PHONE = (
    {"width": 1440, "height": 900},
    {"width": 1280, "height": 800},
    {"width": 390, "height": 844},
)


@pytest.fixture(scope="module")
def administrator(firm_server: Server) -> Iterator[Person]:
    """Who sees every page, with one page of the browser for all of them."""
    person = firm_server.person("administrator")
    person.page()
    yield person
    person.context.close()


def test_every_named_page_is_listed() -> None:
    """A new page is looked at because it has to be listed."""
    known = {*PAGES, *OUTSIDE, *NO_PAGE}
    assert {name for name in named() if not name.startswith(FOR_PROGRAMS)} == known


def address(server: Server, path: str) -> str:
    known = {key: value[0] if isinstance(value, list) else value for key, value in server.known.items()}
    return path.format(**known)


def with_query(path: str, more: str) -> str:
    return path + (more.replace("?", "&", 1) if "?" in path else more)


def violations(page: Page, *rules: str) -> list[tuple[str, str]]:
    """What axe finds by all its rules, or by some: rule and element."""
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    found = Axe().run(page, options={"resultTypes": ["violations"], **only}).response["violations"]
    return [(one["id"], node["html"][:160]) for one in found for node in one["nodes"][:3]]


def overflow(page: Page) -> list[str]:
    """Elements that make the page wider than its window; a page that scrolls sideways has at least one."""
    return page.evaluate(
        """() => {
          const wide = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= wide) return [];
          const out = [...document.querySelectorAll("main *, header *")]
            .filter(e => e.getBoundingClientRect().right > wide + 1);
          return [`${document.documentElement.scrollWidth} px`, ...out.slice(0, 3).map(e => e.outerHTML.slice(0, 160))];
        }"""
    )


def sticking_out(page: Page) -> list[str]:
    """What reaches beyond the edge of its card and is cut off or lies over the page."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".card, .tile")].flatMap(card => {
          const edge = card.getBoundingClientRect().right + 1;
          const out = [...card.querySelectorAll("table, p, dl, form, input, select, button, svg")].find(e =>
            e.getBoundingClientRect().right > edge
            && e.checkVisibility({ visibilityProperty: true, opacityProperty: true })
            && !["auto", "scroll"].includes(getComputedStyle(e.closest(".table-wrap") ?? e).overflowX)
            && !e.closest(".table-scroll, .code-block, [role=tooltip], [popover], .menu-list, dialog"));
          return out ? [out.outerHTML.slice(0, 160)] : [];
        })"""
    )


def too_narrow(page: Page) -> list[Any]:
    """What does not fit a laptop's window, or scrolls there and can't be reached by keyboard."""
    return [*overflow(page), *sticking_out(page), *violations(page, "scrollable-region-focusable")]


def settle(page: Page) -> None:
    """Until parts that the page asks for after loading are there."""
    if page.locator("[hx-trigger~=load]").count():
        page.wait_for_load_state("networkidle")


def look(page: Page, name: str) -> list[Any]:
    """What is wrong with a page: in light on a desk, then in dark on a phone. Keeps a picture of each."""
    settle(page)
    wrong: list[Any] = [("light", *v) for v in violations(page)]
    wrong += [("desk", v) for v in sticking_out(page)]
    shoot(page, name)
    page.set_viewport_size(LAPTOP)
    wrong += [("laptop", v) for v in too_narrow(page)]
    page.set_viewport_size(PHONE)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    wrong += [("phone", v) for v in overflow(page)]
    wrong += [("dark", *v) for v in violations(page, *SEEN)]
    shoot(page, f"{name}-phone-dark")
    return wrong


def glance(page: Page, name: str) -> list[Any]:
    """What is wrong with a further state of a page: in light, and too wide for a phone."""
    settle(page)
    wrong: list[Any] = [("light", *v) for v in violations(page)]
    page.set_viewport_size(LAPTOP)
    wrong += [("laptop", v) for v in too_narrow(page)]
    page.set_viewport_size(PHONE)
    shoot(page, f"{name}-phone")
    return wrong + [("phone", v) for v in overflow(page)]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_in_both_themes_and_at_phone_width(
    name: str, firm_server: Server, administrator: Person
) -> None:
    listed = PAGES[name]
    path = address(firm_server, listed.path)
    administrator.said.clear()
    page = administrator.context.pages[0]
    page.set_viewport_size(DESK)
    page.goto(firm_server.url + path)
    expect(page.locator("h1")).to_have_count(1)
    wrong = look(page, name)
    for place, more in enumerate(listed.more):
        page.set_viewport_size(DESK)
        page.goto(firm_server.url + with_query(path, more))
        page.evaluate("document.documentElement.dataset.theme = 'light'")
        wrong += glance(page, f"{name}-{place + 1}")
    assert wrong == []
    administrator.check()


@pytest.mark.parametrize("role", OWN_ROWS)
def test_pages_of_people_with_own_rows(role: str, firm_server: Server, someone: Any) -> None:
    person = someone(firm_server, role)
    page = person.page()
    wrong = []
    for name in ("home", "pipeline"):
        page.set_viewport_size(DESK)
        page.goto(firm_server.url + address(firm_server, PAGES[name].path))
        wrong += glance(page, f"{role}-{name}")
    assert wrong == []


@pytest.mark.parametrize("name", sorted(OUTSIDE))
def test_page_without_an_account(name: str, firm_server: Server, someone: Any) -> None:
    person = someone(firm_server)
    page = person.open(OUTSIDE[name])
    expect(page.locator("h1")).to_have_count(1)
    assert look(page, name) == []


def test_pages_before_the_first_file(empty_server: Server, someone: Any) -> None:
    """Without data every page says so, and none fails."""
    wrong = []
    for role in ("ops_analyst", "rep"):
        page = someone(empty_server, role).page()
        for name, listed in sorted(PAGES.items()):
            if "{" in listed.path or "subject=" in listed.path or role not in listed.roles:
                continue
            page.set_viewport_size(DESK)
            answer = page.goto(empty_server.url + listed.path)
            assert answer is not None
            if answer.status != 200:
                wrong.append((role, name, answer.status))
            expect(page.locator("h1")).to_have_count(1)
            if name in ("home", "people"):
                wrong += glance(page, f"empty-{role}-{name}")
    assert wrong == []


def test_each_role_is_refused_what_is_not_its_own(firm_server: Server, someone: Any) -> None:
    """For each page: one role that gets it, and two that do not, the rep among these."""
    people = {role: someone(firm_server, role) for role in sorted(ALL)}
    wrong = []
    for place, (name, listed) in enumerate(sorted(PAGES.items())):
        path = address(firm_server, listed.path)
        if name not in ("deal", "pipeline_account"):  # whose rows these are decides: test_story_two_users.py
            role = sorted(listed.roles)[place % len(listed.roles)]
            status = people[role].get(path).status
            wrong += [(role, name, status)] if status != 200 else []
        others = sorted(ALL - listed.roles)
        for role in {"rep", others[place % len(others)]} & {*others} if others else ():
            status = people[role].get(path).status
            wrong += [(role, name, status)] if status not in REFUSED else []
    assert wrong == []


def test_nobody_gets_a_page_without_signing_in(firm_server: Server, someone: Any) -> None:
    person = someone(firm_server)
    for name, listed in PAGES.items():
        if name in ("account_logout", "panel"):  # the panel answers by itself: test_panel.py
            continue
        answer = person.get(address(firm_server, listed.path))
        assert (name, answer.status) == (name, 302)
        assert answer.headers["location"].startswith("/accounts/login/")


# --- Keyboard -------------------------------------------------------------------------------------


def focused(page: Page) -> str:
    """What has the focus, in words."""
    return page.evaluate(
        """() => { const e = document.activeElement;
          const said = e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent || e.name || "";
          return said.trim().replace(/\\s+/g, " "); }"""
    )


def tabs(page: Page, most: int = 60) -> list[str]:
    """What the Tab key comes by, from the top of the page."""
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        found.append(focused(page))
    return found


def test_keyboard_reaches_what_matters(firm_server: Server, someone: Any) -> None:
    page = someone(firm_server, "administrator").open("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name=re.compile("Search accounts"))).to_be_focused()
    page.keyboard.type("a")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/ask/\?q=a"))
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page).to_have_url(re.compile(rf"^{firm_server.url}/$"))
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()


@pytest.mark.parametrize(
    "path, wanted",
    [
        ("/", ["Home", "Pipeline", "Period", "Team", "Freeze"]),
        ("/numbers/won_value/", ["Freeze", "Compare with my CRM"]),
        ("/pipeline/?size=25", ["Search deals", "Views", "Columns", "Export", "Add filter"]),
        ("/data/import/", ["Look at it"]),
        ("/data/faults/", ["Repair"]),
    ],
)
def test_tab_comes_by_the_main_actions(
    path: str, wanted: list[str], firm_server: Server, someone: Any
) -> None:
    page = someone(firm_server, "administrator").open(path)
    settle(page)
    came = tabs(page)
    missing = [word for word in wanted if not any(text.startswith(word) for text in came)]
    assert missing == [], came

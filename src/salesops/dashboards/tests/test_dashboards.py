"""Dashboards at their doors: figures against plain counts, the rows behind them, who sees what, what is refused."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from html import unescape
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker
from tests.doors.conftest import shared_home

from salesops.analytics import views_services
from salesops.analytics.stewardship import kpi_decide
from salesops.dashboards import checking, contents, inputs, jobs, selectors, services
from salesops.dashboards.checking import check
from salesops.dashboards.models import DashboardVersion
from salesops.dashboards.selectors import Seen
from salesops.meetings.tests import firm
from salesops.permissions.services import mask_decide
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.models import AuditEvent
from salesops.platform.roles import Role
from salesops.platform.signin import account_save

pytestmark = pytest.mark.django_db

QUARTER = "period=2026-Q3"


def user(role: str, person: str = "") -> Any:
    return account_save(actor=ADMIN, username=f"{role}-{person}", role=role, person_id=person)


def actor(role: str, person: str = "") -> Actor:
    return actor_of(user(role, person))


def browser(role: str, person: str = "") -> Client:
    made = Client()
    made.force_login(user(role, person), backend="django.contrib.auth.backends.ModelBackend")
    return made


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.content[:2000]
    return unescape(answer.content.decode())


def tiles_of_all_kinds(view: int = 0) -> list[dict[str, Any]]:
    listed = [{"key": "list", "kind": "table", "view": view, "rows": 3}] if view else []
    return [
        {"key": "won", "kind": "kpi", "kpis": ["won_value"], "spark": True},
        {"key": "rate", "kind": "kpi", "kpis": ["win_rate_count"], "filters": ["owner_name:eq:Nora Ash"]},
        {"key": "by", "kind": "chart", "kpis": ["won_value"], "by": "rep"},
        {"key": "over", "kind": "chart", "kpis": ["won_value"], "over": 4},
        {
            "key": "both",
            "kind": "table",
            "kpis": ["won_value", "open_pipeline", "quota_attainment"],
            "by": "owner_name",
        },
        {"key": "text", "kind": "text", "text": "**Read** <this>"},
        *listed,
    ]  # fmt: skip


def made(owner: Actor, **more: Any) -> Seen:
    values = {"name": "Ours", "question": QUARTER, "tiles": tiles_of_all_kinds()} | more
    return services.dashboard_make(actor=owner, **values)


def tile(shown: contents.Computed, key: str) -> contents.Content:
    return next(one for one in shown.tiles if one.key == key)


@pytest.fixture(autouse=True)
def own_folders() -> None:
    """The tests of this module share one home: see :func:`loaded`."""


@pytest.fixture(scope="module")
def loaded(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The firm, brought in once; what a test writes is undone after it."""
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        firm.load()
        firm.decide()
        yield


# --- Figures --------------------------------------------------------------------------------------


def won(owner: str = "", quarter: str = "2026-07") -> Decimal:
    """Won in the quarter that starts in a month, by a plain loop over the firm's own rows."""
    first = int(quarter[5:])
    return sum(
        (
            deal["amount"]
            for deal in firm.closed()
            if (not owner or deal["owner_id"] == owner)
            and deal["close_on"].year == int(quarter[:4])
            and first <= deal["close_on"].month < first + 3
        ),
        Decimal(0),
    )


def test_figures_are_those_of_a_plain_count(loaded: None) -> None:
    manager = actor(Role.SALES_MANAGER, firm.NORTH)
    shown = contents.computed(manager, made(manager))
    number = tile(shown, "won")
    assert number.rows[0][1].value == won(firm.NORA) + won(firm.NICK) == 50_000
    # On the day that stands where August 8 stands, as the facts stood then: 40 of the 200 thousand of that quarter.
    assert number.rows[0][2].value == 40_000
    assert number.sentence == "Won is $50K, 25.0% above Q2 2026 on the same day."
    by = {row[0].text: row[1].value for row in tile(shown, "by").rows}
    assert by["Nora Ash"] == 50_000
    assert "Sue Elm" not in by
    over = {row[0].value: row[1].value for row in tile(shown, "over").rows}
    assert over == {
        "2025-Q4": won(firm.NORA, "2025-10") + won(firm.NICK, "2025-10"),
        "2026-Q1": won(firm.NORA, "2026-01") + won(firm.NICK, "2026-01"),
        "2026-Q2": won(firm.NORA, "2026-04") + won(firm.NICK, "2026-04"),
        "2026-Q3": 50_000,
    }
    assert tile(shown, "over").sentence == (
        "Won rose in 1 and stayed level in 1 of the last 2 quarters; the last, 2026-Q3 so far, is $50K, 25.0% above "
        "2026-Q2 at the same day."
    )
    some_days = contents.computed(manager, made(manager), "period=2026-07-01..2026-08-31")
    assert "same day" in tile(some_days, "won").sentence
    assert "same day" not in tile(some_days, "over").sentence, "its quarters are not those days"
    assert tile(shown, "rate").subtitle == "Rep is Nora Ash"
    assert tile(shown, "both").totals[1].value == 50_000
    assert shown.question == "period=2026-Q3&team=&filter="


def test_a_target_stands_beside_the_firms_number_alone(loaded: None) -> None:
    kpi_decide(actor=ADMIN, kpi="won_value", target=Decimal(1_000_000))
    analyst = actor(Role.OPS_ANALYST)
    seen = made(analyst, tiles=[{"key": "won", "kind": "kpi", "kpis": ["won_value"]}])
    assert tile(contents.computed(analyst, seen), "won").sentence.endswith("the target of $1M is missed.")
    narrowed = contents.computed(analyst, seen, "filter=owner_name:eq:Nora Ash")
    assert "target" not in tile(narrowed, "won").sentence
    manager = actor(Role.SALES_MANAGER, firm.NORTH)
    assert "target" not in tile(contents.computed(manager, seen), "won").sentence


def test_an_address_reproduces_what_is_shown_part_by_part(loaded: None) -> None:
    analyst = actor(Role.OPS_ANALYST)
    question = "period=2026-Q2&filter=owner_name:eq:Sue Elm"
    seen = made(analyst, question=question, tiles=[{"key": "won", "kind": "kpi", "kpis": ["won_value"]}])
    won_by_sue = {"won": won(firm.SUE, "2026-04"), "other": won(firm.SUE, "2026-01")}
    assert tile(contents.computed(analyst, seen), "won").rows[0][1].value == won_by_sue["won"]
    assert (
        tile(contents.computed(analyst, seen, "period=2026-Q1"), "won").rows[0][1].value
        == won_by_sue["other"]
    )
    everybody = contents.computed(analyst, seen, "filter=")
    assert tile(everybody, "won").rows[0][1].value == won("", "2026-04")
    for one in (everybody, contents.computed(analyst, seen, "period=2026-Q1&filter=stage_class:eq:won")):
        again = contents.computed(analyst, replace(seen, question="period=year"), one.question)
        assert [t.rows for t in again.tiles] == [t.rows for t in one.tiles]


def test_numbers_of_one_question_are_read_in_one_call(loaded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    analyst = actor(Role.OPS_ANALYST)
    names = ["won_value", "won_deals", "win_rate_count", "average_deal_size", "open_pipeline", "open_deals"]
    seen = made(analyst, tiles=[{"kind": "kpi", "kpis": [name]} for name in names])
    asked: list[list[str]] = []
    plain = inputs.OpenQuestion.values

    def counted(self: Any, wanted: Any) -> Any:
        asked.append(list(wanted))
        return plain(self, wanted)

    monkeypatch.setattr(inputs.OpenQuestion, "values", counted)
    first = contents.computed(analyst, seen)
    assert asked == [names, names]  # the period, and the same day of the one before
    assert contents.computed(analyst, seen) is first
    assert len(asked) == 2


# --- The rows behind ------------------------------------------------------------------------------


def test_every_value_equals_its_rows_and_a_difference_is_told(
    loaded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = actor(Role.SALES_MANAGER, firm.NORTH)
    view = views_services.save(actor=manager, name="Open ones", query="status=open", shared=False)
    seen = made(manager, tiles=tiles_of_all_kinds(view.id))
    more = made(
        manager,
        name="More",
        tiles=[
            {"kind": "kpi", "kpis": ["sales_velocity"], "filters": ["amount:ge:1000"]},
            {"kind": "chart", "kpis": ["sales_cycle_p75"], "by": "stage_class"},
        ],
    )
    done = check(manager, [seen, more])
    assert done.differences == ()
    assert done.values > 30
    assert done.problems == ()
    monkeypatch.setattr(checking, "_listed", lambda *asked: Decimal("0.01"))
    wrong = check(manager, [seen])
    assert any(one.what.startswith("Won") and one.listed == "0.01" for one in wrong.differences)
    with pytest.raises(ValidationError, match="differ from their rows"):
        jobs.run(actor=manager, progress=lambda *told: None)


def test_a_tile_keeps_its_own_period_and_says_so(loaded: None) -> None:
    reader = actor(Role.ADMINISTRATOR)
    own = [
        {"key": "same", "kind": "kpi", "kpis": ["won_value"]},
        {"key": "then", "kind": "kpi", "kpis": ["won_value"], "period": "2026-Q2", "spark": True},
        {"key": "split", "kind": "chart", "kpis": ["won_value"], "by": "rep", "period": "2026-Q2"},
        {"key": "all", "kind": "table", "kpis": ["won_deals"], "by": "rep", "period": "all"},
    ]
    seen = made(reader, name="Periods", tiles=own)
    shown = contents.computed(reader, seen, "period=2026-Q3")
    values = {key: tile(shown, key).rows[0][1].value for key in ("same", "then")}
    assert values == {"same": won(), "then": won(quarter="2026-04")}
    assert len(set(values.values())) == 2
    assert [tile(shown, key).subtitle for key in ("same", "then", "split", "all")] == [
        "", "Q2 2026", "Q2 2026", "All data",
    ]  # fmt: skip
    assert "period=2026-Q2" in tile(shown, "then").href
    assert all("period=2026-Q2" in row[1].href for row in tile(shown, "split").rows if row[1].href)
    done = check(reader, [seen])
    assert (done.differences, done.problems) == ((), ())
    later = contents.computed(reader, seen, "period=2026-Q2")
    assert tile(later, "same").rows[0][1].value == values["then"]
    assert tile(later, "then").rows[0][1].value == values["then"]
    page = text(browser(Role.ADMINISTRATOR), f"/dashboards/{seen.id}/?period=2026-Q3")
    assert "Q2 2026" in page
    for wrong in ("2026-Q9", "someday"):
        with pytest.raises(ValidationError) as refused:
            made(reader, name="Wrong", tiles=[{"kind": "kpi", "kpis": ["won_value"], "period": wrong}])
        assert "period" in refused.value.message_dict


def test_links_open_pages_that_list_exactly_the_value(loaded: None) -> None:
    client, manager = browser(Role.SALES_MANAGER, firm.NORTH), actor(Role.SALES_MANAGER, firm.NORTH)
    view = views_services.save(actor=manager, name="Open ones", query="status=open", shared=False)
    seen = made(manager, tiles=tiles_of_all_kinds(view.id))
    shown = contents.computed(manager, seen, "filter=created_on:ge:2026-01-01")
    links = [
        cell
        for one in shown.tiles
        for row in (*one.rows, one.totals)
        for cell in row
        if "/rows/" in cell.href
    ]
    assert len(links) > 12
    assert all("filter=created_on%3Age%3A2026-01-01" in cell.href for cell in links)
    for cell in links[::4]:
        page = text(client, cell.href)
        if "side=won_amount" in cell.href:
            assert (f"${cell.value:,.0f}" if cell.value else "No row falls in this period") in page, cell.href
    listed = tile(shown, "list")
    assert listed.cut == f"3 of {listed.total} rows"
    assert f"{listed.total:,} deals" in re.sub(r"<[^>]+>", " ", text(client, listed.href))


# --- Who sees what --------------------------------------------------------------------------------


def test_each_reader_gets_his_own_rows_and_nobody_an_unshared_one(loaded: None) -> None:
    manager = actor(Role.SALES_MANAGER, firm.NORTH)
    view = views_services.save(actor=manager, name="Mine alone", query="status=all", shared=False)
    seen = made(manager, tiles=tiles_of_all_kinds(view.id))
    rep, other = browser(Role.REP, firm.NICK), browser(Role.SALES_MANAGER, firm.SOUTH)
    for client in (rep, other, browser(Role.ADMINISTRATOR)):
        text(client, f"/dashboards/{seen.id}/", 404)
        text(client, f"/dashboards/{seen.id}/?tile=won&freeze=csv", 404)
        assert client.post(f"/dashboards/{seen.id}/change/", {"do": "remove"}).status_code == 404
        assert "Ours" not in text(client, "/dashboards/")
    services.dashboard_change(actor=manager, pk=seen.id, roles=[Role.REP, Role.SALES_MANAGER])
    page = text(rep, f"/dashboards/{seen.id}/")
    assert "There is no such saved view that you may see." in page  # in that tile, and the others stand
    assert "Nora" not in page.replace("Rep is Nora Ash", "")
    assert firm.SECRET not in page
    shown = contents.computed(actor(Role.REP, firm.NICK), seen)
    assert {row[0].text for row in tile(shown, "both").rows} == {"Nick Oak"}
    south = contents.computed(actor(Role.SALES_MANAGER, firm.SOUTH), seen)
    assert {row[0].text for row in tile(south, "both").rows} == {"Sue Elm"}
    assert rep.get(f"/dashboards/{seen.id}/edit/").status_code == 403
    assert rep.post(f"/dashboards/{seen.id}/change/", {"do": "drop", "tile": "won"}).status_code == 403
    assert rep.get(f"/dashboards/{seen.id}/tiles/won/").status_code == 403
    text(rep, f"/dashboards/{seen.id}/?version=1", 404)  # it was not shared then


def test_masked_fields_are_told_to_be_masked(loaded: None) -> None:
    mask_decide(
        actor=ADMIN,
        name="no amounts",
        columns=["amounts"],
        roles=["rep"],
        reason="test",
    )
    analyst = actor(Role.OPS_ANALYST)
    filtered = {"key": "big", "kind": "kpi", "kpis": ["won_deals"], "filters": ["amount:gt:1"]}
    seen = made(analyst, roles=[Role.REP], tiles=[*tiles_of_all_kinds()[:3], filtered])
    reader = actor(Role.REP, firm.NORA)
    shown = contents.computed(reader, seen)
    assert tile(shown, "won").rows[0][1].value is None
    assert "masked for your role" in tile(shown, "won").sentence
    assert "masked" in tile(shown, "big").problem
    page = text(browser(Role.REP, firm.NORA), f"/dashboards/{seen.id}/")
    assert "masked for your role" in page
    assert "50,000" not in page
    assert "$50K" not in page
    assert check(reader, [seen]).differences == ()


# --- Writers --------------------------------------------------------------------------------------


def test_versions_tell_who_changed_what_and_can_be_put_back(loaded: None) -> None:
    analyst, events = actor(Role.OPS_ANALYST), AuditEvent.objects.count()
    seen = made(analyst)
    later = services.dashboard_change(
        actor=analyst, pk=seen.id, version=1, name="Theirs", roles=[Role.REP], note="why"
    )
    assert (later.version, later.name, later.roles) == (2, "Theirs", ("rep",))
    with pytest.raises(ValidationError, match="changed meanwhile"):
        services.dashboard_change(actor=analyst, pk=seen.id, version=1, name="Too late")
    assert services.dashboard_change(actor=analyst, pk=seen.id, name="Theirs").version == 2  # nothing changed
    back = services.dashboard_put_back(actor=analyst, pk=seen.id, number=1)
    assert (back.version, back.name, back.roles) == (3, "Ours", ("rep",))
    assert [one.note for one in selectors.versions_of(analyst, seen.id)] == [
        "Version 1 put back",
        "why",
        "Made",
    ]
    copy = services.dashboard_copy(actor=actor(Role.REP, firm.NICK), source=back)
    assert (copy.mine, copy.roles, copy.tiles) == (True, (), back.tiles)
    services.dashboard_remove(actor=analyst, pk=seen.id)
    assert selectors.dashboard_of(analyst, seen.id) is None
    assert DashboardVersion.objects.filter(dashboard_id=seen.id).count() == 4
    actions = AuditEvent.objects.order_by("id").values_list("action", flat=True)[events:]
    written = [action for action in actions if action.startswith("dashboard.")]
    said = str(list(AuditEvent.objects.order_by("id").values_list("before", "after")[events:]))
    filters = [text for tile in seen.tiles for text in tile.filters]
    assert filters
    assert not [text for text in (seen.question, *filters) if text in said], "not every auditor may see them"
    assert written == [f"dashboard.{verb}" for verb in ("make", "change", "change", "make", "remove")]
    with pytest.raises(LookupError):
        services.dashboard_change(actor=analyst, pk=seen.id, name="Gone")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "  "}, "name"),
    ({"name": "x" * 121}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"description": "x" * 1001}, "description"),
    ({"roles": ["king"]}, "roles"),
    ({"question": "team=nowhere:x"}, "question"),
    ({"question": "filter=amount"}, "question"),
    ({"question": "period=2026-Q3%00"}, "question"),
    ({"question": "x" * 9000}, "question"),
    ({"tiles": [{"kind": "kpi", "kpis": ["no_such_number"]}]}, "kpis"),
    ({"tiles": [{"kind": "table", "view": 999_999}]}, "view"),
    ({"tiles": [{"kind": "kpi", "kpis": ["won_value"], "filters": ["amount"]}]}, "filters"),
    ({"tiles": [{"kind": "kpi", "kpis": ["won_value"], "filters": ["no_column:eq:1"]}]}, "filters"),
    ({"tiles": [{"kind": "kpi", "kpis": ["won_value"], "filters": ["amount:gt:abc"]}]}, "filters"),
    ({"tiles": [{"kind": "chart", "kpis": ["won_value"], "by": "no_dimension"}]}, "by"),
    ({"tiles": {"a": 1}}, "tiles"),
    ({"tiles": [{"kind": "kpi", "kpis": ["won_value"]}] * 25}, "tiles"),
]


def test_what_will_not_do_is_refused_at_its_field(loaded: None) -> None:
    analyst = actor(Role.OPS_ANALYST)
    for values, field in REFUSED:
        with pytest.raises(ValidationError) as refused:
            made(analyst, **values)
        assert field in refused.value.message_dict, values
    assert DashboardVersion.objects.count() == 0


def test_who_may_make_and_share(loaded: None) -> None:
    with pytest.raises(NotAllowedError):
        made(actor(Role.AUDITOR))
    with pytest.raises(NotAllowedError, match="Only an account"):
        made(ADMIN)
    rep = actor(Role.REP, firm.NICK)
    with pytest.raises(NotAllowedError, match=r"dashboard\.share"):
        made(rep, roles=[Role.REP])
    shared = made(actor(Role.OPS_VP), roles=[Role.OPS_ANALYST, Role.ADMINISTRATOR], tiles=[])
    with pytest.raises(NotAllowedError, match="somebody else"):
        services.dashboard_remove(actor=actor(Role.OPS_ANALYST), pk=shared.id)
    services.dashboard_remove(actor=actor(Role.ADMINISTRATOR), pk=shared.id)


# --- Pages ----------------------------------------------------------------------------------------


def test_a_dashboard_is_made_in_the_browser_without_code(loaded: None) -> None:
    client = browser(Role.OPS_REPRESENTATIVE)
    answer = client.post("/dashboards/new/", {"name": "Weekly", "description": "For us", "roles": ["rep"]})
    assert answer.status_code == 302
    edit = answer["Location"]
    base = edit.removesuffix("edit/")
    form = {
        "kind": "chart",
        "title": "",
        "width": "6",
        "kpis": "won_value",
        "by": "owner_name",
        "form": "bars",
        "over": "",
    }
    condition = {"f1_column": "stage_class", "f1_op": "eq", "f1_value": "won"}
    assert client.post(f"{base}tiles/new/?kind=chart", form | condition).status_code == 302
    table = {
        "kind": "table",
        "width": "12",
        "kpis": ["won_value", "won_deals"],
        "by": "owner_name",
        "rows": "5",
        "view": "",
    }
    assert client.post(f"{base}tiles/new/?kind=table", table).status_code == 302
    assert (
        client.post(
            f"{base}tiles/new/?kind=text", {"kind": "text", "width": "12", "text": "Hello"}
        ).status_code
        == 302
    )
    wrong = client.post(f"{base}tiles/new/?kind=chart", form | {"by": "", "over": ""})
    assert (wrong.status_code, b"choose one" in wrong.content) == (400, True)
    pk = int(base.split("/")[2])
    kept = selectors.dashboard_of(actor(Role.OPS_REPRESENTATIVE), pk)
    assert kept is not None
    assert [t.kind for t in kept.tiles] == ["chart", "table", "text"]
    assert kept.tiles[0].filters == ("stage_class:eq:won",)
    for do, key in (("up", "t3"), ("narrower", "t2"), ("drop", "t1")):
        sent = {"do": do, "tile": key, "version": str(kept.version)}
        assert client.post(f"{base}change/", sent).status_code == 302
        kept = selectors.dashboard_of(actor(Role.OPS_REPRESENTATIVE), pk)
        assert kept is not None
    assert [(t.key, t.width) for t in kept.tiles] == [("t3", 12), ("t2", 6)]
    page = text(client, f"{base}?period=2026-Q2&filter=owner_name:eq:Nick+Oak")
    assert "Keep this period, team and filters" in page
    sent = {"do": "keep", "question": "period=2026-Q2&filter=owner_name:eq:Nick Oak"}
    assert client.post(f"{base}change/", sent).status_code == 302
    assert "Nick Oak" in text(client, base)
    text(client, f"{base}tiles/t3/")
    text(client, f"{base}tiles/t9/", 404)
    text(client, edit)
    copied = client.post("/dashboards/new/", {"copy": "ready:effectiveness"})
    assert copied.status_code == 302
    assert client.post("/dashboards/new/", {"copy": "ready:nonsense"}).status_code == 404
    assert client.post("/dashboards/new/", {"copy": "²"}).status_code == 404


def test_files_hold_what_the_page_shows(loaded: None) -> None:
    client, manager = browser(Role.SALES_MANAGER, firm.NORTH), actor(Role.SALES_MANAGER, firm.NORTH)
    view = views_services.save(actor=manager, name="Open ones", query="status=open&size=25", shared=False)
    seen = made(manager, tiles=tiles_of_all_kinds(view.id))
    answer = client.get(f"/dashboards/{seen.id}/?tile=both&freeze=csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]
    assert rows[0] == ["Rep", "Won (USD)", "Open pipeline (USD)", "Quota attainment"]
    assert {row[0]: Decimal(row[1]) for row in rows[1:]}["In all"] == 50_000
    listed = client.get(f"/dashboards/{seen.id}/?tile=list&freeze=csv")
    whole = client.get("/pipeline/?status=open&export=csv")
    body = b"".join(listed.streaming_content)  # type: ignore[attr-defined]
    assert body == b"".join(whole.streaming_content)  # type: ignore[attr-defined]
    assert len(body.splitlines()) == 8  # all seven, not only the three that the tile shows
    book = client.get(f"/dashboards/{seen.id}/?freeze=xlsx")
    with ZipFile(io.BytesIO(b"".join(book.streaming_content))) as archive:  # type: ignore[attr-defined]
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 7  # six tiles with values and what the file says of itself
        assert "<v>50000.0000</v>" in archive.read("xl/worksheets/sheet1.xml").decode()  # a number, no text
    offered = {one.title: one for one in jobs.offers(manager)}
    scheduled = offered["The dashboard Ours as a frozen page"].params
    frozen = client.get(f"{scheduled['path']}?{scheduled['query']}").content.decode()
    assert "<script" not in frozen
    assert "Won rose in 1 and stayed level in 1" in frozen


ODD = [
    ("period=nonsense", 400),
    ("team=nowhere:x", 400),
    ("as_of=yesterday", 400),
    ("known_at=whenever", 400),
    ("filter=amount", 400),
    ("period=2026-Q3%00", 400),
    ("filter=no_column:eq:1", 200),
    ("period=all", 200),
    ("period=2019-Q1", 200),
    ("as_of=2026-05-01", 200),
    ("version=9", 404),
    ("version=%C2%B2", 404),
    ("tile=nothing", 404),
    ("filter=owner_name:eq:Nobody", 200),
    ("freeze=exe", 400),
]


def test_odd_addresses_get_a_readable_answer(loaded: None) -> None:
    seen = made(actor(Role.OPS_ANALYST), tiles=tiles_of_all_kinds()[:1])
    client = browser(Role.OPS_ANALYST)
    for query, status in ODD:
        page = text(client, f"/dashboards/{seen.id}/?{query}", status)
        assert "Traceback" not in page
        if query.startswith("filter=no_column"):
            assert "no_column" in page

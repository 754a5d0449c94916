"""One deal, one account, saved views: who may open what, and what a deal's timeline says."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import escape

from salesops.analytics import deal_records, deal_story, records, views_services
from salesops.analytics.addresses import AddressError
from salesops.analytics.deal_columns import labels
from salesops.analytics.tests import pipeline_firm as firm
from salesops.org import selectors as org
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor
from salesops.platform.selectors import AuditFilter, audit_events

THEIR_DEAL = "D041"
SHARED_DEAL = "D042"


@pytest.fixture
def loaded(facts_home, db):
    firm.load()
    yield
    org._people_in_facts.cache_clear()


@pytest.fixture
def rep(loaded):
    return firm.client("rep", firm.OURS)


def test_a_rep_never_gets_another_teams_record(rep):
    their = reverse("deal", args=[THEIR_DEAL])
    answer = rep.get(their)
    missing = rep.get(reverse("deal", args=["no-such-deal"]))
    assert answer.status_code == missing.status_code == 404
    for name in ("title", "h1"):
        assert f"<{name}".encode() in answer.content
    strip = lambda page, key: page.content.replace(key.encode(), b"?").split(b"</head>")[1].split(b"<main")[1]  # noqa: E731
    assert strip(answer, THEIR_DEAL) == strip(missing, "no-such-deal")
    doors = [
        their, f"{their}?freeze=html", f"{their}?freeze=xlsx", f"{their}?freeze=csv", f"{their}?as_of=2026-08-01",
        "/pipeline/?status=all", "/pipeline/?status=all&export=csv", "/pipeline/?status=all&export=xlsx",
        "/pipeline/?status=all&freeze=html", "/pipeline/?status=all&freeze=xlsx", "/pipeline/?status=all&freeze=csv",
        f"/pipeline/?status=all&filter=id:eq:{THEIR_DEAL}", "/pipeline/?status=all&owner=Theo+Theirs",
        "/pipeline/?q=secret", "/pipeline/?q=secret&export=csv",
        "/account/A2/", "/account/A2/?freeze=xlsx", "/account/A3/", "/account/A3/?freeze=html", "/accounts/?freeze=csv",
        "/pipeline/D001/?from=status%3Dall%26owner%3DTheo%2BTheirs&at=0",
    ]  # fmt: skip
    for door in doors:
        answer = rep.get(door)
        content = firm.body(answer)
        assert firm.SECRET.encode() not in content, door
        assert b"Their account" not in content, door
        assert answer.status_code in (200, 404), door


def test_a_manager_sees_his_team_and_nobody_elses(loaded):
    lead = firm.client("sales_manager", firm.LEAD)
    assert lead.get(reverse("deal", args=["D001"])).status_code == 200
    assert lead.get(reverse("deal", args=[THEIR_DEAL])).status_code == 404


def test_an_account_shows_each_reader_his_own_deals(rep):
    page = rep.get("/account/A3/").content.decode()
    assert "Ours 7<" in page
    assert "You see what your deals say of it" in page
    everybody = firm.client().get("/account/A3/").content.decode()
    assert "Ours 7<" in everybody
    assert f"{firm.SECRET} 42<" in everybody
    assert rep.get("/account/A2/").status_code == 404
    assert b"Shared account" in rep.get("/accounts/?q=shared").content
    assert rep.get("/accounts/?sort=nothing").status_code == 400
    assert rep.get(reverse("pipeline_account", args=["a/../x"])).status_code == 200
    assert b"password" in rep.get("/accounts/password/change/", follow=True).content.lower()


def test_any_id_opens_its_deal(rep):
    for number, key in enumerate(firm.HOSTILE):
        answer = rep.get(reverse("deal", args=[key]))
        assert answer.status_code == 200, key
        assert f"Hostile {number}<".encode() in answer.content
    assert rep.get("/pipeline/a/b/").status_code == 200
    for wrong in ("/pipeline/~!!/", "/pipeline/~__8/", "/pipeline/%00/", "/pipeline/~AA/"):
        assert rep.get(wrong).status_code == 404, wrong


def test_a_deal_opened_from_a_list_leads_on_and_back(loaded):
    client = firm.client()
    query = "status=all&sort=name&size=25"
    from salesops.analytics import list_address

    order = [row["id"] for row in records.deal_list(ADMIN, list_address.parse(query).list_query()).rows]
    opened = reverse("deal", args=[order[4]]) + "?from=status%3Dall%26sort%3Dname%26size%3D25&at=4"
    page = client.get(opened).content.decode()
    for place, word in ((3, 'rel="prev"'), (5, 'rel="next"')):
        assert f'href="{escape(reverse("deal", args=[order[place]]))}?from=' in page
        assert word in page
    assert 'href="/pipeline/?status=all&amp;sort=name&amp;size=25"' in page
    for broken in ("page%3Dx&at=4", "status%3Dall&at=x", "sort%3Dnothing&at=1", "status%3Dall&at=99999"):
        assert client.get(f"/pipeline/D001/?from={broken}").status_code == 200


def test_what_belongs_to_a_deal_is_read_in_the_columns_that_its_page_shows(loaded):
    from salesops.analytics import deal_pages
    from salesops.platform.tests.roles import load_facts

    day = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
    rows = {
        "opportunity_lines": [
            {"id": "L1", "product_name": "Rope", "quantity": Decimal(3), "unit_price": Decimal("19.5"),
             "list_price": Decimal(25), "discount": Decimal("0.22"), "amount": Decimal("58.5"), "currency": "CHF"},
        ],
        "opportunity_team": [{"id": "T1", "user_id": firm.THEIRS, "role": "Expert", "share": Decimal("0.25")}],
        "opportunity_contacts": [{"id": "C1", "contact_id": "K1", "role": "Champion"}],
        "contacts": [{"id": "K1", "name": "Kim Buyer", "title": "Head of Ropes"}],
        "activities": [
            {"id": "E1", "subject": "First call", "type": "call", "happened_on": day.date(), "starts_at": None,
             "owner_id": firm.OURS, "owner_name": None, "status": "done"},
            {"id": "E2", "subject": "Demo", "type": "meeting", "happened_on": None, "starts_at": day,
             "owner_id": None, "owner_name": "Zoe Else", "status": None},
        ],
    }  # fmt: skip
    load_facts(
        {
            name: [({} if name == "contacts" else {"opportunity_id": "D000"}) | row for row in found]
            for name, found in rows.items()
        },
        data_on=firm.DATA_DAY,
    )
    whole = deal_records.deal(ADMIN, "D000")
    shown = deal_records.deal(ADMIN, "D000", parts=deal_pages.PARTS)
    assert whole.counts == shown.counts == {name: len(rows[name]) for name in deal_records.CHILDREN}
    parts = {
        "opportunity_lines": ("lines", ()),
        "opportunity_team": ("team", ()),
        "opportunity_contacts": ("contacts", ("name", "title")),
        "activities": ("activities", ()),
    }
    for table, (name, added) in parts.items():
        columns = {*deal_pages.PARTS[table], *added}
        assert getattr(shown, name) == [{c: row[c] for c in columns} for row in getattr(whole, name)]
        assert all(row["opportunity_id"] == "D000" for row in getattr(whole, name))
    page = firm.client().get("/pipeline/D000/").content.decode()
    for text in (
        "Rope",
        "58.5",
        "Theo Theirs",
        "Expert",
        "25.0",
        "Kim Buyer",
        "Head of Ropes",
        "Demo",
        "Zoe Else",
    ):
        assert text in page
    nothing = deal_records.deal(ADMIN, "D000", parts={})
    assert (nothing.activities, nothing.counts["activities"]) == ([], 0)
    assert nothing.values == whole.values


def test_flags_carry_their_evidence(loaded):
    found = deal_records.deal(ADMIN, "D000")
    evidence = {flag.code: flag.evidence for flag in found.flags}
    assert evidence["DQ01"].startswith("Expected to close on May 1, 2026: 152 days before Sep 30, 2026")
    assert evidence["DQ12"] == "The amount is empty; the stage is Discovery."
    assert "DQ33" not in evidence
    page = firm.client().get("/pipeline/D000/").content.decode()
    assert "Ask the owner for a new date" in page
    assert "list price, estimate" in page


def test_the_original_opens_by_the_pattern_or_the_pattern_is_asked_for(loaded):
    from salesops.crm.models import RecordLink
    from salesops.platform.decisions import decision_record

    admin, rep = firm.client("administrator"), firm.client("rep", firm.OURS)
    assert b"Set a link pattern" in admin.get("/pipeline/D001/").content
    assert b"Set a link pattern" not in rep.get("/pipeline/D001/").content
    decision_record(
        RecordLink,
        actor=ADMIN,
        subject="crm/opportunities",
        values={"source": "crm", "table": "opportunities", "pattern": "https://crm.example/o/{id}"},
    )
    assert b'href="https://crm.example/o/D001"' in rep.get("/pipeline/D001/").content
    assert b'href="https://crm.example/o/a%2Fb"' in rep.get(reverse("deal", args=["a/b"])).content


def test_an_earlier_day_shows_the_earlier_state(loaded):
    client = firm.client()
    later = client.get("/pipeline/D002/?as_of=2026-04-01")
    assert b"as it stood on" in later.content
    assert client.get("/pipeline/D002/?as_of=2999-01-01").status_code == 400
    assert client.get("/pipeline/D002/?as_of=x").status_code == 400


def test_labels_never_show_the_prefix_and_never_collide():
    found = labels(["amount", "x_amount", "x_Office_location", "stage", "x_stage"])
    assert found["x_Office_location"] == "Office location"
    assert len(set(found.values())) == len(found)
    assert not [name for name in found.values() if name.startswith("x")]


# --- Saved views ----------------------------------------------------------------------------------


def person(client) -> Actor:
    from salesops.platform.actors import actor_of
    from salesops.platform.models import User

    return actor_of(User.objects.get(pk=client.session["_auth_user_id"]))


def test_a_shared_view_shows_each_reader_his_own_rows(rep):
    boss = firm.client("ops_manager")
    made = boss.post(
        "/pipeline-views/", {"name": "All there is", "query": "status=all&page=3", "shared": "on"}
    )
    assert made.status_code == 302
    seen = {
        who: client.get(made["Location"]).content.decode() for who, client in (("boss", boss), ("rep", rep))
    }
    assert firm.SECRET in boss.get("/pipeline/?status=all&size=250").content.decode()
    assert firm.SECRET not in seen["rep"]
    assert "All there is" in seen["rep"]
    assert "shared by" in seen["rep"]
    view = views_services.views(person(rep))[0]
    assert (view.query, view.mine) == ("status=all", False)


def test_views_are_kept_renamed_and_removed_with_a_record_of_it(rep):
    me, other = person(rep), person(firm.client("ops_analyst"))
    view = views_services.save(actor=me, name="  My   view ", query="?sort=name&status=won", shared=False)
    assert view.name == "My view"
    assert views_services.views(other) == []
    again = views_services.save(actor=me, name="My view", query="status=lost", shared=False)
    assert (again.id, again.query) == (view.id, "status=lost")
    with pytest.raises(LookupError):
        views_services.rename(actor=other, pk=view.id, name="x", shared=False)
    views_services.rename(actor=me, pk=view.id, name="Shared", shared=True)
    with pytest.raises(NotAllowedError):
        views_services.delete(actor=other, pk=view.id)
    second = views_services.save(actor=me, name="Second", query="", shared=False)
    with pytest.raises(ValidationError, match="already"):
        views_services.rename(actor=me, pk=second.id, name="Shared", shared=False)
    with pytest.raises(ValidationError, match="name"):
        views_services.save(actor=me, name=" ", query="", shared=False)
    with pytest.raises(AddressError):
        views_services.save(actor=me, name="Bad", query="page=x", shared=False)
    with pytest.raises(NotAllowedError):
        views_services.save(actor=ADMIN, name="Nobody's", query="", shared=False)
    views_services.delete(actor=me, pk=view.id)
    actions = [e.action for e in audit_events(AuditFilter()) if e.action.startswith("view.")]
    assert actions == ["view.delete", "view.save", "view.rename", "view.save", "view.save"]


def test_views_over_the_page(rep):
    made = rep.post("/pipeline-views/", {"name": "Mine", "query": "status=won"})
    page = rep.get(made["Location"]).content.decode()
    assert "The view Mine is saved." in page
    pk = views_services.views(person(rep))[0].id
    other = firm.client("ops_analyst")
    assert other.post(f"/pipeline-views/{pk}/", {"delete": "1"}).status_code == 404
    assert rep.post("/pipeline-views/", {"name": "", "query": "status=won"}).status_code == 302
    assert rep.post("/pipeline-views/", {"name": "x", "query": "page=x"})["Location"] == "/pipeline/"
    rep.post(f"/pipeline-views/{pk}/", {"name": "Renamed", "shared": "on"})
    assert [(v.name, v.shared) for v in views_services.views(person(rep))] == [("Renamed", True)]
    rep.post(f"/pipeline-views/{pk}/", {"delete": "1"})
    assert views_services.views(person(rep)) == []
    assert rep.get("/pipeline-views/").status_code == 405


# --- Timeline -------------------------------------------------------------------------------------


def test_the_timeline_says_money_days_and_people(loaded):
    deal = deal_records.deal(ADMIN, "D001")
    kinds = {
        "close_on": ("2026-05-05", "2026-06-30"),
        "amount": ("1000.0000", None),
        "owner_id": (firm.THEIRS, firm.OURS),
    }
    lines = [
        deal_story.line(deal_records.Change(None, None, field, old, new, "history", None), deal)
        for field, (old, new) in kinds.items()
    ]
    assert [(one.label, one.old, one.new) for one in lines] == [
        ("Close date", "May 5, 2026", "Jun 30, 2026"),
        ("Amount", "$1,000", ""),
        ("Owner", "Theo Theirs", "Ann Ours"),
    ]
    assert deal_story.said("amount", "not a number", deal) == "not a number"


def test_the_timeline_is_the_simulated_firms_history(facts_home, db, tmp_path):
    from salesops.crm.services import import_now
    from salesops.simulate.parameters import FirmParameters
    from salesops.simulate.simulator import simulate

    out = tmp_path / "firm"
    simulate(FirmParameters(reps=10, opportunities=60), out, seed=3)
    folder = next((out / "exports").iterdir())
    import_now(
        actor=ADMIN, paths=[folder / f"{n}.csv" for n in ("User", "Opportunity", "OpportunityHistory")]
    )
    told: dict[str, list[dict[str, str]]] = {}
    with (folder / "OpportunityHistory.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            told.setdefault(row["OpportunityId"], []).append(row)
    names = {}
    with (folder / "User.csv").open(encoding="utf-8-sig", newline="") as file:
        names = {row["Id"]: row["Name"] for row in csv.DictReader(file)}
    busiest = sorted(told, key=lambda key: -len(told[key]))[:5]
    for key in busiest:
        rows = sorted(told[key], key=lambda row: row["CreatedDate"])
        wanted = set()
        for before, now in zip([None, *rows], rows, strict=False):
            when = datetime.fromisoformat(now["CreatedDate"].replace("+0000", "+00:00"))
            for field, column in (("stage", "StageName"), ("amount", "Amount"), ("close_on", "CloseDate")):
                old, new = before[column] if before else "", now[column]
                if old != new:
                    said = [spoken(field, value) for value in (old, new)]
                    wanted.add((when.astimezone(UTC), names[now["CreatedById"]], field, *said))
        deal = deal_records.deal(ADMIN, key)
        found = {
            (moment.when, moment.who, line.field, line.old, line.new)
            for moment in deal_story.moments(deal)
            for line in moment.lines
            if line.field in ("stage", "amount", "close_on")
        }
        assert found == wanted
        instants = [moment.when for moment in deal_story.moments(deal)]
        assert instants == sorted(instants, reverse=True)


def spoken(field: str, text: str) -> str:
    """A value of the history as a person says it, written by hand."""
    if not text:
        return ""
    if field == "amount":
        value = Decimal(text)
        whole = value == value.to_integral_value() or abs(value) >= 1_000_000
        return f"${value:,.0f}" if whole else f"${value:,.2f}"
    if field == "close_on":
        day = date.fromisoformat(text)
        return f"{day:%b} {day.day}, {day.year}"
    return text

"""Who sees what, told and decided: the pages, the commands, explanations and the areas of sub-administrators."""

from __future__ import annotations

import json
from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from salesops.facts.scope import Scope, Sharing
from salesops.permissions import inputs, selectors, services
from salesops.permissions.tests import world as w
from salesops.permissions.tests.world import World
from salesops.platform import signin
from salesops.platform.access import AREAS, PERMISSIONS, NotAllowedError, may, scope
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.models import AuditEvent, User
from salesops.project.cli import main

FIRM = World(
    managers={"boss": "", "ann": "boss", "bob": "boss", "cy": ""},
    teams={"ann": "north", "bob": "north", "cy": "south"},
    accounts={"a1": ("ann", "big"), "a2": ("cy", "small")},
    deals={"d1": ("ann", "a1", "", ()), "d2": ("bob", "a1", "", ("Name cy",)), "d3": ("cy", "a2", "p1", ())},
    members=[("d3", "ann")],
    shares=[("opportunities", "d1", "queue", "Read"), ("opportunities", "d2", "bob", "None")],
    groups=[("queue", "bob")],
)


@pytest.fixture
def firm(db, tmp_path):
    with w.loaded(FIRM, tmp_path / "facts"):
        for person, role in (("ann", "rep"), ("bob", "rep"), ("cy", "rep"), ("boss", "sales_manager")):
            signin.account_save(actor=ADMIN, username=person, role=role, person_id=person)
        yield


def client(username: str, role: str, **more: object) -> Client:
    user = signin.account_save(actor=ADMIN, username=username, role=role, **more)
    opened = Client()
    opened.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return opened


def as_user(name: str) -> Actor:
    return actor_of(User.objects.get(username=name))


def told(asker: Actor, whom: str, record: str, table: str = "opportunities") -> str:
    found = inputs.explain(asker, as_user(whom), table, record)
    return (
        f"{'yes' if found.visible else 'no'}: {' '.join(found.because if found.visible else found.against)}"
    )


def test_reasons_in_words(firm):
    assert told(ADMIN, "ann", "d1") == "yes: Records the person owns."
    assert told(ADMIN, "boss", "d1").endswith("below in the hierarchy of now. Name ann reports to Name boss.")
    assert told(ADMIN, "ann", "d3").startswith("yes: Deals the person, or somebody below, works on")
    assert told(ADMIN, "cy", "d2").startswith("yes: Deals the person"), "a collaborator by name"
    assert (
        told(ADMIN, "bob", "d3")
        == "no: It belongs to Name cy, and nothing gives the person that owner's records."
    )
    assert told(ADMIN, "bob", "line d3", "opportunity_lines").startswith(
        "no: It is seen with opportunities d3."
    )
    assert told(ADMIN, "bob", "p1", "products") == "yes: Everybody sees this table."
    assert told(ADMIN, "bob", "0", "record_shares").startswith("no: The table names records of everybody")
    services.visibility_decide(
        actor=ADMIN, team_records=True, sharing_tables=["opportunities"], reason="test"
    )
    assert "The CRM shares it with queue." in told(ADMIN, "bob", "d1")
    assert told(ADMIN, "ann", "d2").startswith("no: The CRM's sharing does not show it")
    assert told(ADMIN, "bob", "d2").startswith("yes: Records the person owns. The CRM shows it: the person")
    services.overlay_decide(actor=ADMIN, person="Name cy", dimension="segment", value="big", reason="test")
    assert "Assigned to segment of the account big." in told(ADMIN, "cy", "a1", "accounts")
    assert told(ADMIN, "cy", "d1").startswith("no: The CRM's sharing"), "an overlay is bounded too"


def test_what_is_not_seen_is_not_told_to_oneself(firm):
    bob = as_user("bob")
    with pytest.raises(LookupError, match="that you may see"):
        inputs.explain(bob, bob, "opportunities", "d3")
    with pytest.raises(LookupError, match="that you may see"):
        inputs.explain(bob, bob, "opportunities", "nonsense")
    assert inputs.explain(bob, bob, "opportunities", "d2").visible
    with pytest.raises(NotAllowedError):
        inputs.explain(bob, as_user("ann"), "opportunities", "d2")
    with pytest.raises(NotAllowedError):
        inputs.counts(bob, as_user("ann"))
    assert {row.total for row in inputs.counts(bob, bob)} == {None}
    assert {r.table: (r.seen, r.total) for r in inputs.counts(ADMIN, bob)}["opportunities"] == (1, 3)


def test_the_commands(firm, capsys):
    assert main(["access", "explain", "--as", "bob", "opportunities", "d3"]) == 0
    assert "bob does not see opportunities d3." in capsys.readouterr().out
    assert main(["access", "explain", "--as", "ann", "opportunities", "d3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["visible"] is True
    assert main(["access", "counts", "--as", "ann"]) == 0
    assert "opportunities" in capsys.readouterr().out
    assert main(["--as", "bob", "access", "explain", "--as", "ann", "opportunities", "d1"]) == 1
    assert main(["--as", "bob", "access", "explain", "opportunities", "d3"]) == 2
    assert "that you may see" in capsys.readouterr().err
    assert main(["access", "explain", "--as", "nobody", "opportunities", "d3"]) == 2
    assert main(["access", "explain", "--as", "ann", "nonsense", "d3"]) == 2


def test_the_pages_decide_and_explain(firm):
    admin = client("root", "administrator")
    sent = {
        "form": "rule",
        "team_records": "on",
        "deal_teams": "on",
        "sharing_managers": "on",
        "reason": "one floor",
    }
    assert admin.post("/settings/visibility/", sent).status_code == 302
    assert selectors.rule(date(2030, 1, 1)).team_records
    assert {"d1", "d2", "d3"} == {d for d in FIRM.deals if told(ADMIN, "ann", d).startswith("yes")}
    overlay = {
        "form": "overlay",
        "person": "bob",
        "dimension": "product",
        "value": "p1",
        "reason": "product desk",
    }
    assert admin.post("/settings/visibility/", overlay).status_code == 302
    assert told(ADMIN, "bob", "d3").startswith("yes: Assigned to product p1.")
    page = admin.get("/settings/visibility/").content.decode()
    assert "Product: p1" in page
    assert admin.post("/settings/visibility/", {"end": "bob:product=p1", "reason": "over"}).status_code == 302
    assert told(ADMIN, "bob", "d3").startswith("no")
    mask = {"name": "amounts", "groups": "amounts", "roles": "rep", "reason": "policy"}
    assert admin.post("/settings/masks/", mask).status_code == 302
    assert "opportunities.amount" in admin.get("/settings/access/?account=ann").content.decode()
    wrong = admin.post("/settings/masks/", mask | {"columns": "opportunities.stage", "name": "two"})
    assert "says what a deal is" in wrong.content.decode().replace("&#x27;", "'")
    why = admin.get("/settings/access/?account=bob&table=opportunities&record=d3").content.decode()
    assert "Not seen" in why
    assert "It belongs to Name cy" in why
    own = Client()
    own.force_login(User.objects.get(username="bob"), backend="django.contrib.auth.backends.ModelBackend")
    mine = own.get("/settings/me/access/").content.decode()
    assert "Records the person owns." in mine
    assert "opportunities.amount" in mine
    for address in ("/settings/visibility/", "/settings/masks/", "/settings/access/"):
        assert own.get(address).status_code == 403
        auditor = client("aud", "auditor")
        assert auditor.get(address).status_code == 200
    assert auditor.post("/settings/masks/", mask).status_code == 403


def test_wrong_decisions_are_refused(firm):
    with pytest.raises(ValidationError, match="No person has the id, name or e-mail 'nobody'"):
        services.overlay_decide(actor=ADMIN, person="nobody", dimension="team", value="north", reason="x")
    with pytest.raises(ValidationError):
        services.overlay_decide(actor=ADMIN, person="ann", dimension="planet", value="north", reason="x")
    with pytest.raises(ValidationError):
        services.visibility_decide(actor=ADMIN, sharing_tables=["users"], reason="x")
    with pytest.raises(ValidationError, match="reason"):
        services.visibility_decide(actor=ADMIN, team_records=True)
    with pytest.raises(NotAllowedError):
        services.visibility_decide(actor=Actor("vp", "ops_vp"), reason="x")


def test_a_scope_is_a_value(firm):
    one = scope(as_user("ann"), date(2024, 6, 1))
    assert one == scope(as_user("ann"), date(2024, 6, 1))
    assert hash(one) == hash(scope(as_user("ann"), date(2024, 6, 1)))
    assert one.digest() == scope(as_user("ann"), date(2024, 6, 1)).digest()
    others = [scope(as_user("bob"), date(2024, 6, 1)), Scope.all(), Scope.nothing(), Scope(any_owner=True)]
    others += [
        Scope(owner_ids=frozenset({"a"})),
        Scope(member_ids=frozenset({"a"})),
        Scope(sharing=Sharing()),
    ]
    assert len({s.digest() for s in [one, *others]}) == len(others) + 1
    with pytest.raises(ValueError, match="no bound"):
        Scope(everything=True, sharing=Sharing())


# --- Sub-administrators --------------------------------------------------------------------------


def test_areas_give_permissions_that_exist_and_no_rows(firm):
    for area, (_, permissions) in AREAS.items():
        assert permissions <= set(PERMISSIONS), area
        holder = Actor("a", "rep", person_id="ann", areas=frozenset({area}))
        assert all(may(holder, p) for p in permissions)
        own = {"action.write", "dashboard.write", "feed.make", "note.write"}
        assert {p for p in PERMISSIONS if may(holder, p)} == permissions | own, "a rep's own, and these"
        assert scope(holder, date(2024, 6, 1)) == scope(as_user("ann"), date(2024, 6, 1))
    assert not {"area.grant", "access.write", "access.view", "audit.view", "job.manage"} & set().union(
        *(p for _, p in AREAS.values())
    )
    assert not may(Actor("a", "rep", areas=frozenset({"nonsense"})), "people.manage")


@pytest.mark.parametrize(
    "area,opens,shut",
    [
        (
            "people",
            ["/settings/people/", "/settings/accounts/", "/settings/"],
            ["/settings/stages/", "/plan/quotas/"],
        ),
        ("pipelines", ["/settings/stages/", "/settings/"], ["/settings/people/", "/settings/decisions/"]),
        ("quotas", ["/plan/quotas/"], ["/settings/accounts/", "/data/"]),
        ("imports", ["/data/", "/data/import/", "/data/quarantine/"], ["/settings/repairs/", "/audit/"]),
        ("quality", ["/settings/repairs/"], ["/settings/amounts/", "/data/"]),
        ("tokens", ["/settings/tokens/"], ["/settings/accounts/"]),
    ],
)
def test_an_area_opens_its_pages_only(firm, area, opens, shut):
    holder = client("sub", "rep", person_id="cy", areas=[area])
    assert [holder.get(path).status_code for path in opens] == [200] * len(opens)
    assert [holder.get(path).status_code for path in shut] == [403] * len(shut)


def test_areas_are_given_by_administrators_and_audited(firm, capsys):
    admin = client("root", "administrator")
    assert (
        main(["account", "ann", "--role", "rep", "--person", "ann", "--area", "people", "--area", "tokens"])
        == 0
    )
    user = User.objects.get(username="ann")
    assert user.areas == ["people", "tokens"]
    event = AuditEvent.objects.filter(action="account.save", subject="account:ann").order_by("-id").first()
    assert (event.before["areas"], event.after["areas"]) == ([], ["people", "tokens"])
    assert "People and accounts" in admin.get("/settings/accounts/").content.decode()
    sent = {"name": "Ann", "role": "rep", "person_id": "ann", "areas": ["quotas"], "active": "on"}
    assert admin.post(f"/settings/accounts/{user.pk}/", sent).status_code == 302
    user.refresh_from_db()
    assert user.areas == ["quotas"]
    assert main(["account", "ann", "--role", "rep", "--person", "ann"]) == 0
    user.refresh_from_db()
    assert user.areas == ["quotas"], "not named, not changed"
    assert main(["account", "ann", "--role", "rep", "--person", "ann", "--area", "none"]) == 0
    user.refresh_from_db()
    assert user.areas == []
    with pytest.raises(ValidationError):
        signin.account_save(actor=ADMIN, username="ann", role="rep", areas=["nonsense"])
    for manager in (Actor("vp", "ops_vp"), Actor("sub", "rep", user_id=10**6, areas=frozenset({"people"}))):
        with pytest.raises(NotAllowedError):
            signin.account_save(actor=manager, username="ann", role="rep", areas=["people"])


def test_the_area_people_never_reaches_above_itself(firm):
    holder = signin.account_save(actor=ADMIN, username="sub", role="rep", areas=["people"])
    sub, boss = actor_of(holder), signin.account_save(actor=ADMIN, username="vp", role="ops_vp")
    signin.account_save(actor=sub, username="new", role="rep", person_id="cy")
    signin.account_save(actor=sub, username="new", role="sales_manager", person_id="cy")
    signin.link_create(actor=sub, user=User.objects.get(username="new"))
    for role in ("ops_representative", "ops_vp", "administrator", "auditor"):
        with pytest.raises(NotAllowedError):
            signin.account_save(actor=sub, username="new", role=role)
        with pytest.raises(NotAllowedError):
            signin.account_save(actor=sub, username="newer", role=role)
    for user in (boss, holder):
        with pytest.raises(NotAllowedError):
            signin.account_save(actor=sub, username=user.username, role="rep", active=False)
        with pytest.raises(NotAllowedError):
            signin.link_create(actor=sub, user=user)
    with pytest.raises(NotAllowedError):
        signin.token_create(actor=sub, user=boss, name="x")


def test_the_area_tokens_revokes_and_makes_none(firm):
    vp = signin.account_save(actor=ADMIN, username="vp", role="ops_vp")
    token, secret = signin.token_create(actor=actor_of(vp), user=vp, name="nightly")
    holder = client("sub", "rep", areas=["tokens"])
    assert "nightly" in holder.get("/settings/tokens/").content.decode()
    with pytest.raises(NotAllowedError):
        signin.token_create(actor=as_user("sub"), user=vp, name="x")
    assert holder.post("/settings/tokens/", {"revoke": str(token.pk)}).status_code == 302
    assert signin.token_find(secret) is None
    assert holder.post("/settings/tokens/", {"revoke": str(token.pk)}).status_code == 404

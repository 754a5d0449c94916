"""Records known by name first and by id later: numbers, hierarchy and row security follow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from salesops.crm import services
from salesops.crm.decision_services import repair_decide
from salesops.org.services import positions_decide
from salesops.platform.access import scope
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor
from salesops.platform.roles import Role
from salesops.platform.store import fact_store
from salesops.process.inputs import open_frames

pytestmark = pytest.mark.django_db
EVERYBODY = LOCAL_ADMINISTRATOR

DEALS = """\
Opportunity ID,Opportunity Name,Account Name,Product Name,Stage,Amount,Created Date,Close Date,Opportunity Owner
006A,Alpha,Acme,Widget,Closed Won,100.00,2026-01-05,2026-02-04,Ann Ray
006B,Beta,Initech,Gadget,Closed Won,300.00,2026-01-10,2026-03-01,Bob Lee
"""
USERS = """User ID,Name,Email,Manager ID,Team
U1,Ann Ray,ann@x.example,U3,North
U2,Bob Lee,bob@x.example,U3,South
U3,Cy Fox,cy@x.example,,
"""
ACCOUNTS = """Account ID,Account Name,Industry,Country
A1,Acme,Steel,DE
A2,Initech,Software,US
"""


def bring(folder: Path, day: date, **files: str) -> Any:
    target = folder / f"{day}-{'-'.join(files)}"
    target.mkdir()
    for name, text in files.items():
        (target / f"{name}.csv").write_text(text, encoding="utf-8")
    return services.import_now(actor=EVERYBODY, paths=[target], data_on=day)


def deals(actor: Actor = EVERYBODY, **when: Any) -> Mapping[str, dict[str, Any]]:
    with open_frames(actor, **when) as frames:
        return {r["id"]: r for r in frames.facts.execute(frames.deals).to_pylist()}


def person(person_id: str, role: Role = Role.REP) -> Actor:
    return Actor(name=person_id, role=role, person_id=person_id, user_id=None)


def test_deals_first_then_users_and_accounts_with_ids(tmp_path: Path) -> None:
    bring(tmp_path, date(2026, 3, 1), deals=DEALS)
    assert deals()["006A"]["owner_id"] == "Ann Ray"
    bring(tmp_path, date(2026, 3, 2), users=USERS, accounts=ACCOUNTS)
    found = deals()
    assert {i: (r["owner_id"], r["owner_name"]) for i, r in found.items()} == {
        "006A": ("U1", "Ann Ray"),
        "006B": ("U2", "Bob Lee"),
    }
    assert {i: (r["manager_name"], r["team"]) for i, r in found.items()} == {
        "006A": ("Cy Fox", "North"),
        "006B": ("Cy Fox", "South"),
    }
    assert {i: (r["account_id"], r["industry"]) for i, r in found.items()} == {
        "006A": ("A1", "Steel"),
        "006B": ("A2", "Software"),
    }


def test_the_hierarchy_holds_each_person_once(tmp_path: Path) -> None:
    bring(tmp_path, date(2026, 3, 1), deals=DEALS)
    bring(tmp_path, date(2026, 3, 2), users=USERS)
    with open_frames(EVERYBODY) as frames:
        assert sorted(frames.people) == ["U1", "U2", "U3"]


def test_row_security_follows_from_the_implied_person_to_the_real_one(tmp_path: Path) -> None:
    bring(tmp_path, date(2026, 3, 1), deals=DEALS)
    bring(tmp_path, date(2026, 3, 2), users=USERS)
    assert set(deals(person("U1"))) == {"006A"}
    assert set(deals(person("U3", Role.SALES_MANAGER))) == {"006A", "006B"}
    # An account made while only the name was known still sees the same rows.
    assert set(deals(person("Ann Ray"))) == {"006A"}
    # The raw records follow as the deals do.
    with fact_store().at() as facts:
        for who in ("U1", "Ann Ray"):
            rows = facts.execute(facts.read("opportunities", scope(person(who), date(2026, 3, 2))))
            assert rows["id"].to_pylist() == ["006A"]


def test_a_later_export_by_name_finds_the_real_record(tmp_path: Path) -> None:
    bring(tmp_path, date(2026, 3, 1), deals=DEALS)
    bring(tmp_path, date(2026, 3, 2), users=USERS, accounts=ACCOUNTS)
    row = bring(tmp_path, date(2026, 3, 3), deals=DEALS.replace("300.00", "301.00"))
    assert row.report["files"][0]["ambiguous"] == {}
    found = deals()
    assert {i: (r["owner_id"], r["account_id"]) for i, r in found.items()} == {
        "006A": ("U1", "A1"),
        "006B": ("U2", "A2"),
    }
    assert found["006B"]["amount"] == Decimal(301)


def test_positions_decided_while_only_names_were_known_follow(tmp_path: Path) -> None:
    bring(tmp_path, date(2026, 3, 1), deals=DEALS)
    positions_decide(actor=EVERYBODY, rows=[{"person": "Ann Ray", "manager": "Bob Lee", "team": "East"}])
    assert deals()["006A"]["manager_name"] == "Bob Lee"
    bring(tmp_path, date(2026, 3, 2), users=USERS)
    found = deals()["006A"]
    assert (found["owner_id"], found["manager_id"], found["manager_name"], found["team"]) == (
        "U1", "U2", "Bob Lee", "East",
    )  # fmt: skip
    assert set(deals(person("U2", Role.SALES_MANAGER))) == {"006A", "006B"}


def test_two_people_of_one_name_take_nothing_over(tmp_path: Path) -> None:
    bring(tmp_path, date(2026, 3, 1), deals=DEALS)
    bring(tmp_path, date(2026, 3, 2), users=USERS + "U9,Ann Ray,other@x.example,U3,West\n")
    assert deals()["006A"]["owner_id"] == "Ann Ray", "a guess would move money"
    assert set(deals(person("U1"))) == set()


def test_as_of_before_the_ids_were_known(tmp_path: Path) -> None:
    bring(tmp_path, date(2026, 3, 1), deals=DEALS)
    bring(tmp_path, date(2026, 3, 2), users=USERS)
    bring(tmp_path, date(2026, 3, 3), deals=DEALS)
    then = deals(as_of=date(2026, 3, 1))
    assert then["006A"]["owner_id"] == "U1"
    assert then["006A"]["team"] == "North"


def test_older_files_of_one_import_name_what_newer_ones_describe(tmp_path: Path) -> None:
    folder = tmp_path / "dated"
    folder.mkdir()
    (folder / "deals_2026-03-01.csv").write_text(DEALS, encoding="utf-8")
    (folder / "users_2026-03-02.csv").write_text(USERS, encoding="utf-8")
    (folder / "deals_2026-03-03.csv").write_text(DEALS.replace("300.00", "301.00"), encoding="utf-8")
    services.import_now(actor=EVERYBODY, paths=[folder])
    assert {i: r["owner_id"] for i, r in deals().items()} == {"006A": "U1", "006B": "U2"}


def test_somebody_who_left_the_user_list_keeps_name_and_team(tmp_path: Path) -> None:
    bring(tmp_path, date(2026, 3, 1), users=USERS, deals=DEALS)
    path = tmp_path / "users.csv"
    path.write_text("\n".join(line for line in USERS.splitlines() if "Bob" not in line), encoding="utf-8")
    services.import_now(actor=EVERYBODY, paths=[path], data_on=date(2026, 3, 2), complete=True)
    bring(tmp_path, date(2026, 3, 3), deals=DEALS)
    found = deals()["006B"]
    assert (found["owner_id"], found["owner_name"], found["team"]) == ("U2", "Bob Lee", "South")
    with open_frames(EVERYBODY) as frames:
        assert frames.people["U2"].is_active is False


def test_repairs_of_owners_and_of_accounts_reach_the_deals(tmp_path: Path) -> None:
    bring(
        tmp_path,
        date(2026, 3, 1),
        users=USERS,
        accounts=ACCOUNTS,
        deals=DEALS.replace("Bob Lee", "Bob Leigh"),
    )
    assert deals()["006B"]["owner_name"] == "Bob Leigh"
    repairs = [
        ("opportunities", "owner_name", "Bob Leigh", "Bob Lee"),
        ("accounts", "industry", "Steel", "Metals"),
        ("users", "team", "South", "South-West"),
    ]
    for table, column, value, replacement in repairs:
        repair_decide(actor=EVERYBODY, table=table, column=column, value=value, replacement=replacement)
    found = deals()
    assert (found["006B"]["owner_id"], found["006B"]["owner_name"]) == ("U2", "Bob Lee")
    assert found["006A"]["industry"] == "Metals"
    assert found["006B"]["team"] == "South-West"


def test_the_source_s_own_hierarchy_as_of_an_earlier_day(tmp_path: Path) -> None:
    bring(tmp_path, date(2026, 3, 1), users=USERS, deals=DEALS)
    bring(tmp_path, date(2026, 3, 5), users=USERS.replace("ann@x.example,U3,North", "ann@x.example,U2,West"))
    assert deals()["006A"]["team"] == "West"
    assert deals(as_of=date(2026, 3, 3))["006A"]["team"] == "North"
    with open_frames(person("U2", Role.SALES_MANAGER), as_of=date(2026, 3, 3)) as frames:
        assert frames.people["U1"].manager_id == "U3", "a label of then"
        assert frames.scope.owner_ids == frozenset({"U1", "U2"}), "rights are those of now"

"""The accounts of a load: who signs in, and whose deals each of them may see by a plain reading of the export."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PASSWORD = "correct horse battery staple 42"  # of accounts that live as long as this run
MANAGERS, OPERATIONS = (3, 0.12), (4, 0.03)
"""At least so many of the accounts, else so large a share, are sales managers and sales operations; the others reps."""
OPERATORS = ("ops_representative", "ops_analyst", "ops_manager", "ops_vp")


@dataclass(frozen=True)
class Account:
    """One who signs in.

    Attributes:
        username: his name here.
        role: his role.
        person: his id in the export; "" for people of sales operations, who see every deal.
    """

    username: str
    role: str
    person: str


def chosen(count: int, deals: dict[str, int], managers: dict[str, str]) -> list[Account]:
    """So many accounts: the reps with most deals, the managers above them, and sales operations.

    Args:
        count: how many.
        deals: person -> deals of his own.
        managers: person -> the one above him, "" for nobody.
    """
    leading, operating = (max(least, round(count * share)) for least, share in (MANAGERS, OPERATIONS))
    above = set(managers.values())
    ranked = sorted((p for p in deals if p in managers and p not in above), key=lambda p: (-deals[p], p))
    reps = ranked[: max(count - leading - operating, 0)]
    found: dict[str, None] = {}
    level = reps
    while level and len(found) < leading:
        level = [managers[p] for p in level if managers[p] in managers]
        found.update(dict.fromkeys(level))
    return [
        *(Account(f"load-rep-{n}", "rep", p) for n, p in enumerate(reps)),
        *(Account(f"load-manager-{n}", "sales_manager", p) for n, p in enumerate(list(found)[:leading])),
        *(Account(f"load-ops-{n}", OPERATORS[n % len(OPERATORS)], "") for n in range(operating)),
    ]


def make_accounts(env: dict[str, str], count: int) -> list[Account]:
    """The accounts of :func:`chosen`, with a password."""
    os.environ.update(env)
    os.environ["DJANGO_SETTINGS_MODULE"] = "salesops.project.settings"
    import django

    django.setup()
    from salesops.platform import signin
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.platform.store import fact_store
    from salesops.process.inputs import open_frames

    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        counted = frames.deals.group_by("owner_id").agg(n=frames.deals.count())
        deals = {r["owner_id"] or "": r["n"] for r in frames.facts.execute(counted).to_pylist()}
        managers = {id_: person.manager_id or "" for id_, person in frames.people.items()}
    fact_store().close()
    accounts = chosen(count, deals, managers)
    stored = ""
    for account in accounts:
        user = signin.account_save(
            actor=LOCAL_ADMINISTRATOR,
            username=account.username,
            role=account.role,
            person_id=account.person,
        )
        if stored:  # to make one password takes a fifth of a second
            user.password = stored
            user.save(update_fields=["password"])
        else:
            signin.password_set(user=user, password=PASSWORD)
            stored = user.password
    return accounts


def accounts_of(env: dict[str, str], count: int) -> list[Account]:
    """:func:`make_accounts` in a process of its own: one process can open one home only."""
    code = (
        "import dataclasses, json, os, load_people as p; "
        f"print(json.dumps([dataclasses.astuple(a) for a in p.make_accounts(dict(os.environ), {int(count)})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the accounts could not be made: {done.stderr}")
    return [Account(*row) for row in json.loads(done.stdout.splitlines()[-1])]


@dataclass(frozen=True)
class Rights:
    """Whose deals each person may see, read from the files of the export and from nothing of the product.

    Attributes:
        owners: deal -> its owner.
        below: person -> himself and everybody under him.
    """

    owners: dict[str, str]
    below: dict[str, frozenset[str]]

    @cached_property
    def deals(self) -> list[str]:
        """All deals."""
        return list(self.owners)

    def foreign(self, account: Account, deals: list[str]) -> list[str]:
        """Those of some deals that an account must not see; none where his role sees all."""
        if not account.person:
            return []
        seen = self.below.get(account.person, frozenset())
        return [deal for deal in deals if deal in self.owners and self.owners[deal] not in seen]


def rights_of(exports: Path) -> Rights | None:
    """The rights that a simulated firm's newest export gives; None where there is none."""
    deals, people = sorted(exports.glob("*/Opportunity.csv")), sorted(exports.glob("*/User.csv"))
    if not deals or not people:
        return None
    with people[-1].open(newline="", encoding="utf-8") as file:
        above = {row["Id"]: row["ManagerId"] for row in csv.DictReader(file)}
    below: dict[str, set[str]] = defaultdict(set)
    for person in above:
        at, passed = person, set[str]()
        while at and at not in passed:
            passed.add(at)
            below[at].add(person)
            at = above.get(at, "")
    with deals[-1].open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        names = next(rows)
        id_, owner = names.index("Id"), names.index("OwnerId")
        owners = {row[id_]: sys.intern(row[owner]) for row in rows}
    return Rights(owners, {person: frozenset(found) for person, found in below.items()})

"""Makes ``home-X.zip``: the home of a small simulated firm, written by the release that is to be upgraded from.

It is run with that release's code, not with this one's; README.md says how. What is inside:

- ``home/salesops.sqlite3`` and ``home/facts``: two imports, decisions, accounts, a token, saved views,
  a comparison with the CRM's report. No secret key: nothing in it was signed.
- ``answers.json``: every KPI's answers (tests/safekeeping/answers.py), rows per table, the token.
- ``next/2026-11-07/Opportunity.csv``: an export of a week later, for an import on top.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

LEFT_OUT = ("Task.csv", "Event.csv", "CampaignMember.csv", "Spend.csv", "Lead.csv")
"""Tables of many small files: the home is to be small."""
NEUTRAL = "/srv/salesops"
"""Stands for the folder in which this ran."""


def build(work: Path) -> dict[str, object]:
    """Fill the home; returns the answers."""
    import django

    django.setup()
    import yaml
    from django.apps import apps

    from salesops.analytics import reconciling, services
    from salesops.analytics import selectors as numbers
    from salesops.analytics.engine.catalogue import catalogue
    from salesops.crm.services import import_now
    from salesops.platform import decisions, saved_views, signin
    from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
    from salesops.platform.actors import actor_of
    from salesops.platform.home import home_prepare
    from salesops.platform.roles import Role
    from salesops.simulate.parameters import FirmParameters
    from salesops.simulate.simulator import simulate
    from tests.safekeeping.answers import answers

    home_prepare()
    parameters = FirmParameters(
        reps=4, opportunities=150, first_day=date(2025, 11, 1), export_dates=(date(2026, 9, 30),)
    )
    simulate(parameters, work / "firm", seed=3)
    for folder in sorted((work / "firm" / "exports").iterdir()):
        for name in LEFT_OUT:
            (folder / name).unlink(missing_ok=True)
        import_now(actor=ADMIN, paths=[folder])
    for file in sorted((work / "firm" / "decisions").glob("*.yaml")):
        decisions.import_documents(
            yaml.safe_load(file.read_text(encoding="utf-8")),
            actor=ADMIN,
            reason="Decisions of the simulated firm",
        )
    with (work / "firm" / "exports" / "2026-10-31" / "User.csv").open(encoding="utf-8") as file:
        person = next(csv.DictReader(file))["Id"]
    signin.account_save(actor=ADMIN, username="rep", role=Role.REP, person_id=person)
    boss = signin.account_save(actor=ADMIN, username="manager", role=Role.OPS_MANAGER)
    signin.password_set(user=boss, password="A long and simulated phrase")
    _, token = signin.token_create(actor=ADMIN, user=boss, name="spreadsheet", can_write=False)
    for name, shared in (("Big deals", True), ("Late deals", False)):
        saved_views.view_save(
            actor=actor_of(boss), page="pipeline", name=name, query="amount=10000..", shared=shared
        )
    kpi = catalogue()["won_value"]
    side = reconciling.sides_to_compare(kpi)[0]
    with numbers.ask(ADMIN, numbers.Question(period="2026-Q2")) as asked:
        result = reconciling.compare(asked, kpi, side, None, Decimal(100_000))
        services.reconciliation_record(
            actor=actor_of(boss),
            kpi=kpi.name,
            side=side.name,
            result=result,
            period="2026-Q2",
            manifest_id=asked.frames.facts.manifest.id,
        )
    rows = {
        model._meta.label: model._base_manager.count()
        for model in apps.get_models()
        if model._meta.app_label in ("platform", "org", "crm", "process", "analytics", "quotas")
    }
    return {"answers": answers(), "rows": rows, "token": token}


def next_export(work: Path) -> None:
    """An export of a week later: the newest deals, one of them worth more, and one new one."""
    source = work / "firm" / "exports" / "2026-10-31" / "Opportunity.csv"
    target = work / "next" / "2026-11-07" / "Opportunity.csv"
    target.parent.mkdir(parents=True)
    with (
        source.open(encoding="utf-8", newline="") as read,
        target.open("w", encoding="utf-8", newline="") as write,
    ):
        rows = list(csv.DictReader(read))
        changed = next(row for row in rows if row["IsClosed"].lower() in ("false", "0") and row["Amount"])
        changed["Amount"] = str(Decimal(changed["Amount"]) + 1)
        added = dict(changed, Id=changed["Id"][:-6] + "ZZZZZZ", Name="A deal of the week after")
        writer = csv.DictWriter(write, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, added])


def clean(database: Path, work: Path) -> None:
    """Take this machine's folders out of the database, and the space that nothing uses."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    for column in ("folder", "plan", "report"):
        connection.execute(f"UPDATE crm_import SET {column} = replace({column}, ?, ?)", (str(work), NEUTRAL))
    connection.execute("DELETE FROM django_session")
    connection.execute("VACUUM")
    connection.close()


def pack(work: Path, home: Path, out: Path) -> None:
    """Everything into one file; refuses where this machine's folders are still in it."""
    members = [
        *sorted((home / "facts").rglob("*")),
        home / "salesops.sqlite3",
        *sorted((work / "next").rglob("*")),
    ]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in [*members, work / "answers.json"]:
            if not path.is_file() or path.suffix == ".lock":
                continue
            content = path.read_bytes()
            if (
                path.parent.name == "_delta_log"
            ):  # a commit's remark on where the table was made; nothing reads it
                content = content.replace(str(work).encode(), NEUTRAL.encode())
            if str(work).encode() in content:
                raise SystemExit(f"{path} names the folder in which this ran")
            info = zipfile.ZipInfo(path.relative_to(work).as_posix(), (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


def main() -> None:
    """Build, ask, clean, pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the file to write")
    out = parser.parse_args().out.absolute()
    work = Path(tempfile.mkdtemp())
    home = work / "home"
    os.environ.update(SALESOPS_HOME=str(home), DJANGO_SETTINGS_MODULE="salesops.project.settings")
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    try:
        found = build(work)
        next_export(work)
        from django.db import connection

        connection.close()
        (work / "answers.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
        clean(home / "salesops.sqlite3", work)
        pack(work, home, out)
    finally:
        shutil.rmtree(work)
    print(f"{out}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

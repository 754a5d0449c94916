"""The demo: a firm's exports through the same path as anyone's, then accounts to look at it with."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import yaml
from django.conf import settings

from salesops.analytics import selectors as analytics
from salesops.crm import services as crm
from salesops.crm.cli import Meter, print_report
from salesops.org.engine.hierarchy import reports_of
from salesops.platform import decisions, signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.home import home_prepare
from salesops.platform.roles import Role
from salesops.process.inputs import open_frames

SHOWN = (
    "won_value",
    "won_deals",
    "win_rate_count",
    "win_rate_value",
    "average_deal_size",
    "sales_cycle",
    "open_deals",
    "open_pipeline",
)


def build_demo(data: Path | None, data_on: date | None = None) -> list[tuple[str, str]]:
    """Fill the home with a firm and make accounts for the personas.

    Args:
        data: a company's exports; None simulates the demo firm.
        data_on: the day the files show; proposed from the files where None.

    Returns:
        Label and user name of every account made.
    """
    home_prepare()
    exports, decided = (data, None) if data is not None else _simulated()
    print(f"Importing {exports} ...", flush=True)
    meter = Meter(quiet=False)
    row = crm.import_now(actor=LOCAL_ADMINISTRATOR, paths=[exports], data_on=data_on, progress=meter)
    meter.end()
    report = dict(row.report)
    report["quarantined"] = []
    for found in report["tables"].values():
        found["quarantined"] = 0
    print_report(report)
    if row.report.get("quarantined"):
        print(f"{row.report['quarantined']:,} rows wait in quarantine: see Data in the application.")
    if decided is not None:
        for file in sorted(decided.glob("*.yaml")):
            documents = yaml.load(file.read_text(encoding="utf-8"), Loader=_FAST)  # noqa: S506 - a safe loader, in C
            count = decisions.import_documents(
                documents, actor=LOCAL_ADMINISTRATOR, reason="Decisions of the demo firm"
            )
            print(f"{file.name}: {count:,} decisions")
    _print_numbers()
    return demo_accounts()


_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _simulated() -> tuple[Path, Path]:
    from salesops.simulate.parameters import FirmParameters
    from salesops.simulate.simulator import DECISIONS, EXPORTS, simulate

    folder = settings.HOME / "demo-firm"
    if not (folder / EXPORTS).exists():
        print("Simulating the demo firm ...", flush=True)
        simulate(FirmParameters(), folder, seed=1)
    return folder / EXPORTS, folder / DECISIONS


def _print_numbers() -> None:
    from salesops.analytics.cli import shown

    answer = analytics.numbers(LOCAL_ADMINISTRATOR, SHOWN, analytics.Question())
    print(f"\nNumbers over all the data, as of {answer.today}:")
    for kpi, value in zip(analytics.kpis(SHOWN), answer.values, strict=True):
        print(f"  {kpi.title:<34} {shown(value.value, kpi, answer.currency, value.reason)}")
        for note in value.notes if value.value is not None else ():
            print(f"  {'':<34}   {note}")
    for note in answer.notes:
        print(f"  note: {note}")


def demo_accounts() -> list[tuple[str, str]]:
    """Accounts of the personas: people of the firm where the data names any.

    Returns:
        Label and user name of each.
    """
    home_prepare()
    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        counts = frames.facts.execute(
            frames.deals.group_by("owner_id").agg(n=frames.deals.count())
        ).to_pylist()
        people = frames.people
    deals = Counter({row["owner_id"]: row["n"] for row in counts if row["owner_id"] in people})
    reports = reports_of(people)
    wanted: list[tuple[str, str, str, str]] = []
    if deals:
        rep = min(deals, key=lambda i: (-deals[i], i))
        wanted.append(("rep", Role.REP, rep, f"Rep {people[rep].name}, own deals"))
        manager = people[rep].manager_id
        if manager in people and reports.get(manager):
            wanted.append(
                ("manager", Role.SALES_MANAGER, manager, f"Sales manager {people[manager].name}, the team's")
            )
    wanted += [
        ("ops", Role.OPS_REPRESENTATIVE, "", "Sales-ops representative"),
        ("analyst", Role.OPS_ANALYST, "", "Sales-ops analyst"),
        ("opsmanager", Role.OPS_MANAGER, "", "Sales-ops manager"),
        ("vp", Role.OPS_VP, "", "VP of sales operations"),
        ("admin", Role.ADMINISTRATOR, "", "Administrator"),
    ]
    for username, role, person, _label in wanted:
        signin.account_save(
            actor=LOCAL_ADMINISTRATOR,
            username=username,
            role=role,
            person_id=person,
            name=people[person].name if person else "",
        )
    return [(label, username) for username, _, _, label in wanted]

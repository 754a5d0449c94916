"""Run the simulation: chunk by chunk from the first deal to the last, writing as it goes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from salesops.simulate import export_around, export_base, export_deals, export_history
from salesops.simulate.accounts import make_accounts
from salesops.simulate.activities import make_activities
from salesops.simulate.calendar_days import DAY, Bools, FirmCalendar, day_number, to_date
from salesops.simulate.campaigns import make_campaigns
from salesops.simulate.deals import CHUNK, creation_days, make_deals
from salesops.simulate.decisions import write_decisions
from salesops.simulate.faults import FaultLedger
from salesops.simulate.files import ExportFolder, FileFormat
from salesops.simulate.leads import make_leads
from salesops.simulate.orders import make_orders
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.people import make_people
from salesops.simulate.quotas import make_quotas
from salesops.simulate.report import OwnerReport
from salesops.simulate.spend import make_spend
from salesops.simulate.state import state_at
from salesops.simulate.truth import Truth, TruthLedger, write_truth
from salesops.simulate.world import World

EXPORTS = "exports"
DECISIONS = "decisions"
REPORTS = "reports"
ACCOUNT_CHUNK = 50_000

Progress = Callable[[int, int], None]
"""Called with deals written so far and deals in all."""


def make_world(parameters: FirmParameters, seed: int) -> World:
    """The firm before its first deal: calendar, people, accounts."""
    calendar = FirmCalendar(
        parameters.zone,
        parameters.fiscal_start_month,
        day_number(parameters.first_day),
        day_number(parameters.last_day),
    )
    people = make_people(parameters, seed)
    return World(parameters, seed, calendar, people, make_accounts(parameters, people, seed))


def as_of_days(world: World) -> list[int]:
    """Days the truth is told for: every quarter's end in the window, export dates, the data date."""
    ends = world.calendar.quarter_end(np.array(list(world.calendar.quarters()), np.int64))
    days = {int(d) for d in ends if world.first <= d < world.last}
    return sorted(days | {day_number(d) for d in world.parameters.export_dates} | {world.last})


def simulate(
    parameters: FirmParameters,
    out: Path,
    seed: int = 1,
    *,
    file_format: FileFormat = "csv",
    progress: Progress | None = None,
) -> Truth:
    """Simulate a firm and write what its CRM would export.

    Writes under ``out``: ``exports/<date>/*.csv`` (one folder per export date, the last is the
    data date), ``reports/`` (a report saved as Excel), ``decisions/*.yaml``, ``firm.yaml`` is
    left to the caller, ``faults.csv`` (every planted fault) and ``truth.json``.

    The same parameters and seed give the same bytes. Memory holds one chunk of deals and the
    accounts (about 100 bytes each).

    Raises:
        FileExistsError: ``out`` already holds a simulated firm.
    """
    if (out / "truth.json").exists():
        message = f"{out} already holds a simulated firm; choose another folder or remove it"
        raise FileExistsError(message)
    out.mkdir(parents=True, exist_ok=True)
    world = make_world(parameters, seed)
    quotas = make_quotas(parameters, world.people, world.calendar)
    campaigns, spent = make_campaigns(parameters, world.calendar, seed), make_spend(parameters, seed)
    export_days = sorted({day_number(d) for d in parameters.export_dates} | {world.last})
    ledger, faults = TruthLedger(world, quotas, as_of_days(world)), FaultLedger()
    report = OwnerReport(world)
    per_day = creation_days(world)
    day_of = np.repeat(np.arange(world.first, world.last + 1), per_day)
    customers: dict[int, Bools] = {d: np.zeros(len(world.accounts), bool) for d in export_days}
    with ExitStack() as stack:
        folders = {
            d: stack.enter_context(ExportFolder(out / EXPORTS / to_date(d).isoformat(), file_format))
            for d in export_days
        }
        fault_file = stack.enter_context(ExportFolder(out))
        for d, folder in folders.items():
            folder.write("User", export_base.users(world, d))
            for name, table in export_base.products(world).items():
                folder.write(name, table)
            folder.write("Campaign", export_base.campaigns(world, campaigns, d))
            folder.write("Spend", export_base.spend(world, spent, d))
        for start in range(0, parameters.opportunities, CHUNK):
            deals = make_deals(world, start, day_of[start : start + CHUNK])
            done, leads, orders = (
                make_activities(world, deals),
                make_leads(world, deals),
                make_orders(world, deals),
            )
            for d, folder in folders.items():
                state = state_at(deals, d)
                if d == world.last:
                    ledger.add(deals, state, done, leads, orders)
                    fault_file.write("faults", faults.deal_faults(world, deals, state))
                    report.add(deals, state)
                customers[d][deals.account[state.won]] = True
                folder.write(
                    "Opportunity",
                    export_deals.opportunities(world, deals, state, done.last_day(len(deals), d)),
                )
                folder.write("OpportunityLineItem", export_deals.line_items(world, deals, state))
                folder.write("OpportunityHistory", export_history.opportunity_history(world, deals, d))
                folder.write("OpportunityFieldHistory", export_history.field_history(world, deals, d))
                folder.write("Lead", export_around.leads(world, deals, leads, d))
                folder.write("CampaignMember", export_around.members(world, leads, d))
                folder.write("Task", export_around.tasks(world, deals, done, leads, d))
                folder.write("Event", export_around.events(world, deals, done, d))
                for name, table in export_around.order_tables(world, deals, orders, d).items():
                    folder.write(name, table)
            if progress is not None:
                progress(min(start + CHUNK, parameters.opportunities), parameters.opportunities)
        for d, folder in folders.items():
            known = int(np.searchsorted(world.accounts.created, (d + 1) * DAY))
            for start in range(0, known, ACCOUNT_CHUNK):
                index = np.arange(start, min(start + ACCOUNT_CHUNK, known), dtype=np.int64)
                folder.write("Account", export_base.accounts(world, index, d, customers[d]))
                folder.write("Contact", export_base.contacts(world, index, d))
                if d == world.last:
                    fault_file.write("faults", faults.account_faults(world, index))
        rows = {to_date(d).isoformat(): dict(sorted(f.rows.items())) for d, f in folders.items()}
    write_decisions(world, quotas, out / DECISIONS)
    reported = report.write(out / REPORTS)
    values = ledger.to_dict(dict(faults.counts), reported)
    return write_truth(values | {"files": rows}, out / "truth.json")

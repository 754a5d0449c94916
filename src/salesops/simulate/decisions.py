"""The decisions that belong to a simulated firm, as YAML files a person could have written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from salesops.simulate.calendar_days import FAR, to_date
from salesops.simulate.columns import decimal_text
from salesops.simulate.ids import one_id
from salesops.simulate.people import ROLES
from salesops.simulate.quotas import Quotas
from salesops.simulate.stages import CATEGORY, PROBABILITY, PROPOSAL, STAGE_CLASS, STAGES
from salesops.simulate.world import World

CATEGORY_NAMES = {
    "Pipeline": "pipeline",
    "Best Case": "best_case",
    "Commit": "commit",
    "Closed": "closed",
    "Omitted": "omitted",
}


def write_decisions(world: World, quotas: Quotas, folder: Path) -> None:
    """Write organisation, stages, positions and quotas; each file is one list of decisions."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (
        ("organisation.yaml", organisation(world)),
        ("stages.yaml", stages(world)),
        ("positions.yaml", positions(world)),
        ("quotas.yaml", quota_lines(world, quotas)),
    ):
        _write(folder / name, lines)


def organisation(world: World) -> Iterator[str]:
    """Currency, zone and fiscal calendar. No start day: they hold for all the firm's past."""
    p = world.parameters
    yield _entry(
        "organisation", None,
        name=p.name, currency=p.currency, zone=p.zone, fiscal_start_month=p.fiscal_start_month,
        calendar_pattern="months", week_start=0,
    )  # fmt: skip


def stages(world: World) -> Iterator[str]:
    """Class, order, probability and forecast category of every stage; a proposal counts as pitched."""
    for i, stage in enumerate(STAGES):
        yield _entry(
            "stage", None,
            stage=stage, stage_class=STAGE_CLASS[i], position=i + 1,
            probability=f"{PROBABILITY[i] / 100:.2f}",
            forecast_category=CATEGORY_NAMES[CATEGORY[i]], pitched=i == PROPOSAL or stage in STAGES[4:6],
        )  # fmt: skip


def positions(world: World) -> Iterator[str]:
    """Who reports to whom from when; a second line ends the position of somebody who left."""
    people = world.people
    for i in np.flatnonzero(people.hired <= world.last):
        manager = int(people.manager[i])
        left = int(people.left[i])
        values = {
            "person_id": one_id("User", int(i)),
            "manager_id": one_id("User", manager) if manager >= 0 else "",
            "team": people.teams[people.team[i]],
            "role": ROLES[people.role[i]],
            "region": people.regions[people.region[i]],
        }
        yield _entry("position", to_date(people.hired[i]).isoformat(), **values)
        if left < FAR and left <= world.last:
            yield _entry("position", to_date(left + 1).isoformat(), ended=True, **values)


def quota_lines(world: World, quotas: Quotas) -> Iterator[str]:
    """One quota a person and fiscal quarter."""
    calendar = world.calendar
    for user, quarter, amount in zip(quotas.user, quotas.quarter, quotas.amount, strict=True):
        start = to_date(int(calendar.quarter_start(np.array([quarter]))[0]))
        yield _entry(
            "quota", start.isoformat(),
            person_id=one_id("User", int(user)), period=calendar.label(int(quarter)),
            amount=decimal_text(int(amount)), currency=world.parameters.currency,
        )  # fmt: skip


def _entry(kind: str, start: str | None, *, ended: bool = False, **values: str | int | bool) -> str:
    """One decision on one line; text in quotes so that no id or label reads as a number or a date."""
    parts = [f"kind: {kind}"]
    if start:
        parts.append(f"from: {start}")
    if ended:
        parts.append("ended: true")
    parts.append("values: {" + ", ".join(f"{k}: {_scalar(v)}" for k, v in values.items()) + "}")
    return "- {" + ", ".join(parts) + "}"


def _scalar(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for line in lines:
            out.write(line + "\n")

"""The decisions that belong to a simulated firm, as YAML files a person could have written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from salesops.simulate import words
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
    """Currency, zone and fiscal calendar."""
    p = world.parameters
    yield _entry(
        kind="organisation",
        subject=p.name,
        **{"from": p.first_day.isoformat()},
        currency=p.currency,
        zone=p.zone,
        fiscal_start_month=p.fiscal_start_month,
        calendar_pattern="months",
        week_start="monday",
    )


def stages(world: World) -> Iterator[str]:
    """Class, order, probability and forecast category of every stage; a proposal counts as pitched."""
    for i, stage in enumerate(STAGES):
        yield _entry(
            kind="stage",
            subject=stage,
            **{"from": world.parameters.first_day.isoformat()},
            pipeline="Sales",
            stage=stage,
            **{"class": STAGE_CLASS[i]},
            order=i + 1,
            probability=f"{PROBABILITY[i] / 100:.2f}",
            forecast_category=CATEGORY_NAMES[CATEGORY[i]],
            pitched=i == PROPOSAL or stage in STAGES[4:6],
        )


def positions(world: World) -> Iterator[str]:
    """Who reports to whom from when; an ``until`` line ends the position of somebody who left."""
    people = world.people
    first, last = words.person_names(np.arange(len(people.role), dtype=np.int64))
    for i in np.flatnonzero(people.hired <= world.last):
        manager = int(people.manager[i])
        left = int(people.left[i])
        yield _entry(
            kind="position",
            subject=one_id("User", int(i)),
            **{"from": to_date(people.hired[i]).isoformat()},
            until=to_date(left + 1).isoformat() if left < FAR and left <= world.last else None,
            person=f"{first[i]} {last[i]}",
            manager=one_id("User", manager) if manager >= 0 else None,
            team=people.teams[people.team[i]],
            role=ROLES[people.role[i]],
            region=people.regions[people.region[i]],
        )


def quota_lines(world: World, quotas: Quotas) -> Iterator[str]:
    """One quota a person and fiscal quarter."""
    calendar = world.calendar
    for user, quarter, amount in zip(quotas.user, quotas.quarter, quotas.amount, strict=True):
        start = to_date(int(calendar.quarter_start(np.array([quarter]))[0]))
        person = one_id("User", int(user))
        yield _entry(
            kind="quota",
            subject=person,
            **{"from": start.isoformat()},
            person=person,
            period=calendar.label(int(quarter)),
            amount=decimal_text(int(amount)),
            currency=world.parameters.currency,
        )


def _entry(**values: str | int | bool | None) -> str:
    """One decision on one line; text in quotes so that no id or label reads as a number or a date."""
    parts = []
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, int):
            text = str(value)
        elif name in ("from", "until"):
            text = value
        else:
            text = "'" + value.replace("'", "''") + "'"
        parts.append(f"{name}: {text}")
    return "- {" + ", ".join(parts) + "}"


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for line in lines:
            out.write(line + "\n")

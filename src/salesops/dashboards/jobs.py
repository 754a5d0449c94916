"""The check of dashboards as a job that can be put on a schedule."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse

from salesops.dashboards import selectors
from salesops.dashboards.checking import check
from salesops.platform import job_kinds, jobs, page_files
from salesops.platform.access import may
from salesops.platform.actors import Actor

KIND = "dashboards_check"


def run(*, actor: Actor, progress: jobs.Progress) -> dict[str, Any]:
    """Check every dashboard that the owner of the job sees, over the owner's rows.

    Raises:
        ValidationError: a value is not what its rows add up to; so the job fails, and says which.
    """
    seen = selectors.dashboards_of(actor)
    values = without = 0
    problems: list[str] = []
    wrong: list[str] = []
    for place, one in enumerate(seen):
        progress(place, len(seen), one.name)
        found = check(actor, [one])
        values, without = values + found.values, without + found.without_rows
        problems += found.problems
        wrong += map(str, found.differences)
    progress(len(seen), len(seen), "Done")
    if wrong:
        more = f" And {len(wrong) - 5} more." if len(wrong) > 5 else ""
        raise ValidationError(f"{len(wrong)} values differ from their rows: {'; '.join(wrong[:5])}.{more}")
    return {
        "dashboards": len(seen),
        "values": values,
        "without_rows": without,
        "problems": problems,
        "differences": 0,
    }


def _lines(told: job_kinds.Told) -> list[tuple[str, str]]:
    return [
        ("Dashboards", f"{told.get('dashboards', 0):,}"),
        ("Values compared with their rows", f"{told.get('values', 0):,}"),
        ("Differences", "none"),
        ("Tiles that could not be read", f"{len(told.get('problems', ())):,}"),
    ]


def offers(actor: Actor) -> list[job_kinds.Offer]:
    """The check, and each dashboard as a file, for accounts that may put things on a schedule."""
    if actor.user_id is None or not may(actor, "schedule.write"):
        return []
    found = [job_kinds.Offer(KIND, "Check that dashboards equal their rows", KIND, {})]
    for one in selectors.dashboards_of(actor):
        path = reverse("dashboard", args=[one.id])
        for form, words in (("html", "a frozen page"), ("xlsx", "a workbook")):
            key, title = f"dashboard-{one.id}-{form}", f"The dashboard {one.name} as {words}"
            found.append(page_files.offer(key, title, path, f"freeze={form}"))
    return found


def register() -> None:
    """Make the kind and its offer known."""
    job_kinds.add(job_kinds.JobKind(KIND, "Check of the dashboards' totals", run, lines=_lines))
    job_kinds.schedule_offers.register("dashboards", offers)

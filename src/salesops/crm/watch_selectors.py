"""Watches and what they saw, as the settings page and the command line show them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils import timezone

from salesops.crm.models import Arrival, ArrivalState, Import, Watch
from salesops.platform.job_selectors import schedule_row
from salesops.platform.job_states import JobState
from salesops.platform.jobs import Schedule

TONES = {
    ArrivalState.SETTLING: "neutral", ArrivalState.WAITING: "neutral", ArrivalState.TAKEN: "info",
    ArrivalState.DONE: "ok", ArrivalState.ASKING: "warn", ArrivalState.FAILED: "bad", ArrivalState.AGAIN: "neutral",
}  # fmt: skip


@dataclass(frozen=True)
class WatchView:
    """A watch with its schedule and what waits for a person."""

    row: Watch
    schedule: Schedule | None
    asking: int

    @property
    def stopped(self) -> str:
        """Why it does not look, "" where it does."""
        if not self.row.active:
            return "Paused"
        if self.schedule is None:
            return "Its schedule was removed: save it again"
        return "" if self.schedule.active else self.schedule.why_stopped or "Its schedule is paused"


def watches() -> list[WatchView]:
    """Every watch by name."""
    return [view_of(row) for row in Watch.objects.select_related("created_by").order_by("name")]


def view_of(row: Watch) -> WatchView:
    """A watch as it is shown."""
    asking = row.arrivals.filter(state__in=(ArrivalState.ASKING, ArrivalState.FAILED)).count()
    return WatchView(row, schedule_row(row.schedule_id), asking)


def watch_of(pk: int) -> Watch | None:
    """One watch, or None."""
    return Watch.objects.filter(pk=pk).first()


def watch_named(name: str) -> Watch | None:
    """The watch of a name, or None."""
    return Watch.objects.filter(name=name).first()


def standing(row: Watch) -> dict[int, tuple[str, str]]:
    """Where everything that a watch saw stands: arrival -> state and reason."""
    return {pk: (state, reason) for pk, state, reason in row.arrivals.values_list("pk", "state", "reason")}


def importing(row: Watch) -> bool:
    """Whether an import that a watch brought is under way; one that waits for its next attempt is not."""
    open_jobs = Q(job__state__in=(JobState.QUEUED, JobState.RUNNING))
    due = Q(job__run_after=None) | Q(job__run_after__lte=timezone.now())
    return Import.objects.filter(open_jobs, due, arrivals__watch=row).exists()


def arrivals_of(row: Watch) -> QuerySet[Arrival]:
    """What a watch saw, newest first."""
    return row.arrivals.select_related("row").order_by("-id")

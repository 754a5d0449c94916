"""Looking at a number as a job, and telling its owner once when it crosses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse

from salesops.analytics.addresses import Address
from salesops.analytics.engine.kpi import Kpi
from salesops.analytics.engine.selection import KpiError
from salesops.analytics.movements import judged, movements
from salesops.analytics.page_parts import scope_line
from salesops.analytics.selectors import OpenQuestion, ask
from salesops.analytics.shown import lead_side, rows_href, value_text
from salesops.platform import jobs, posting, schedules
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.job_kinds import JobKind, Told, add
from salesops.platform.job_selectors import schedule_rows
from salesops.platform.mail import UNSENT, mail
from salesops.platform.posting import Line
from salesops.platform.registries import after_imports
from salesops.platform.selectors import account
from salesops.process.inputs import NoDataError
from salesops.reports import alert_services as services
from salesops.reports import selectors
from salesops.reports.engine.crossing import Look, look
from salesops.reports.models import Alert, Channel, Condition
from salesops.reports.services import NOT_SHARED, SHARE, WRITE

UNTOLD = "Not told: "
"""How the reason of an alert begins that crossed without anybody being told: its next look tells."""


def alert_job(*, actor: Actor, progress: jobs.Progress, alert_id: int) -> dict[str, Any]:
    """Look at one alert's number with its owner's rights of today."""
    row = selectors.alert_by_id(alert_id)
    if row is None:
        raise ValidationError("The alert was removed.")
    if actor.user_id is None or actor.user_id != row.owner_id:
        raise ValidationError("The alert has no owner that may sign in.")
    address = services.address_of(row.query)
    try:
        with ask(actor, address.question()) as asked:
            manifest = asked.frames.facts.manifest
            version = str(manifest.id) if manifest else ""
            if row.on_new_data and version == row.facts_version and not row.reason.startswith(UNTOLD):
                return _result(row, "No new data since the last look.")
            kpi = asked.kpis([row.kpi])[0]
            value = asked.values([row.kpi])[0]
            period = asked.period.label if asked.period else ""
            verdict, why = "", ""
            if row.condition == Condition.NOISE:
                verdict, why, period = _movement(asked, kpi)
            scope, currency = scope_line(actor, asked, address), asked.frames.currency
    except NoDataError:
        return _result(row, "There is no data yet.")
    except (KeyError, KpiError, ValueError) as error:
        reason = str(error.args[0]) if error.args else str(error)
        schedules.schedule_stop(row.schedule_id, reason)
        return _result(row, f"Paused: {reason}")
    with transaction.atomic():  # the message is asked for only if the state is kept
        locked = services.alert_locked(alert_id)
        if locked is None:
            raise ValidationError("The alert was removed.")
        now = None if value.value is None else Decimal(value.value)
        same = locked.period == period  # the first days of a quarter are not compared with the one before
        before = Decimal(locked.value) if locked.value and same else None
        anew = locked.reason.startswith(UNTOLD) or (locked.condition == Condition.NOISE and not same)
        found = look(
            locked.condition, locked.threshold, "calm" if anew else locked.state, now, previous=before,
            reason=value.reason or why, verdict=verdict,
        )  # fmt: skip
        text = value_text(kpi, value.value, currency, to_the_cent=True) or f"undefined: {value.reason}"
        earlier = value_text(kpi, before, currency, to_the_cent=True) if before is not None else "none"
        untold = ""
        if found.crossed:
            untold = _tell(actor, locked, kpi, address, found, text, earlier, scope, currency)
        told = found.crossed and not untold
        waits = (
            bool(untold) and locked.condition == Condition.CHANGED
        )  # the next look finds this change again
        services.alert_looked(
            actor=actor, row=locked, state=found.state, reason=untold or found.reason or why,
            value="" if now is None else str(now), text=text, facts_version=version,
            told=told, moved=now is not None and not waits, period=period,
        )  # fmt: skip
    return _result(locked, f"{kpi.title}: {text}", told=told)


def _movement(asked: OpenQuestion, kpi: Kpi) -> tuple[str, str, str]:
    """Whether the number's latest whole period moved beyond noise, why that can't be told, and that period's label."""
    if not judged(kpi):
        return "unknown", "periods of this number can't be compared", ""
    kind: Any = (
        asked.period.kind if asked.period and asked.period.kind in ("week", "month", "quarter") else "month"
    )
    found = movements(asked, [kpi], kind)
    if not found.numbers:
        return "unknown", f"the data holds no whole {kind}", ""
    movement = found.numbers[0].movement
    return movement.verdict, movement.reason, found.period.label if found.period else ""


def sentence(row: Alert, kpi: Kpi, found: Look, text: str, earlier: str, threshold: str) -> str:
    """What happened, in one sentence."""
    if row.condition == Condition.NOISE:
        return (
            f"{kpi.title} moved beyond what its own past leads one to expect; it is {text} now, "
            f"{earlier} at the last look."
        )
    if row.condition == Condition.CHANGED:
        share = abs(found.change or Decimal(0)) * 100
        way = "rose" if (found.change or 0) > 0 else "fell"
        return f"{kpi.title} {way} by {share:.1f}%, more than {threshold}: from {earlier} to {text}."
    side = "above" if row.condition == Condition.ABOVE else "below"
    return f"{kpi.title} is {text}, {side} {threshold}; at the last look it was {earlier}."


def threshold_text(row: Alert, kpi: Kpi, currency: str) -> str:
    """An alert's threshold as its number reads; "" where it has none."""
    if row.threshold is None:
        return ""
    plain = Decimal(f"{row.threshold.normalize():f}")
    return (
        f"{plain}%"
        if row.condition == Condition.CHANGED
        else value_text(kpi, plain, currency, to_the_cent=True)
    )


def _tell(
    actor: Actor, row: Alert, kpi: Kpi, address: Address, found: Look, text: str, earlier: str, scope: str,
    currency: str,
) -> str:  # fmt: skip
    """One message with the value, the threshold, the value before, and links with the same filters.

    Returns why nobody is told, "" where somebody is.
    """
    user = account(row.owner_id) if row.owner_id is not None else None
    if why := _untold(actor, row, user.email if user is not None else ""):
        return f"{UNTOLD}{why}"
    base, threshold = settings.BASE_URL, threshold_text(row, kpi, currency)
    rows = rows_href(address, kpi) if lead_side(kpi).rows else ""
    said = sentence(row, kpi, found, text, earlier, threshold)
    pairs = [
        ("Value", text),
        ("Threshold", f"{row.get_condition_display()} {threshold}".strip()),
        ("At the last look", earlier),
        ("Over", scope),
    ]
    links = [
        ("The number", address.to("number", kpi.name)),
        ("Its rows", rows),
        ("The alert", reverse("alerts")),
    ]
    there = [(label, f"{base}{path}") for label, path in links if base and path]
    title = f"Alert: {row.name}"
    if row.channel == Channel.MAIL:
        assert user is not None  # else nobody is told, see above
        words = [f"{label}: {words}" for label, words in pairs]
        lines = [said, "", *words, "", *(f"{a}: {b}" for a, b in there)]
        mail(actor=actor, to=[user.email], subject=title, text="\n".join(lines))
    else:
        told = [Line(said), *(Line(f"{label}: {words}") for label, words in pairs)]
        posting.post(
            actor=actor, channel=row.channel, title=title, lines=[*told, *(Line(a, href=b) for a, b in there)]
        )
    return ""


def _untold(actor: Actor, row: Alert, email: str) -> str:
    """Why a message can't be sent, "" where it can."""
    if row.channel == Channel.MAIL:
        if not email:
            return "the account has no mail address"
        return "" if settings.SMTP_SET else UNSENT
    if not may(actor, SHARE):
        return NOT_SHARED
    return "" if row.channel in posting.channels() else f"no {Channel(row.channel).label} channel is set up"


def _result(row: Alert, said: str, told: bool = False) -> dict[str, Any]:
    return {
        "alert": row.pk,
        "name": row.name,
        "said": said,
        "state": row.state,
        "told": told,
        "reason": row.reason,
    }


def told(result: Told) -> list[tuple[str, str]]:
    """What a look's result says."""
    lines = [("Alert", str(result["name"])), ("Look", str(result["said"])), ("State", str(result["state"]))]
    if result["told"]:
        lines.append(("Told", "its owner"))
    return [*lines, ("Reason", str(result["reason"]))] if result["reason"] else lines


def look_at_new_data() -> None:
    """Ask for a look of every alert that waits for new data and is not paused, each as its owner."""
    waiting = selectors.waiting_alerts()
    kept = schedule_rows(row.schedule_id for row in waiting)
    for row in waiting:
        schedule = kept.get(row.schedule_id or 0)
        if schedule is None or not schedule.active:
            continue
        try:
            owner = jobs.owner(schedule)
            key = f"schedule:{schedule.pk}"
            jobs.enqueue(services.KIND, schedule.params, actor=owner, dedupe_key=key, schedule=schedule)
        except PermissionError as error:  # its next turn would stop it too
            schedules.schedule_stop(schedule.pk, str(error))


def register() -> None:
    """Make looking at a number known as a kind of job, and look after every import."""
    after_imports.register("alerts", look_at_new_data)
    add(JobKind(services.KIND, "Alert", alert_job, permission=WRITE, lines=told))

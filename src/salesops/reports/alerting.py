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
from salesops.platform.actors import Actor, actor_of
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
from salesops.reports.models import Alert, AlertRecipient, Channel, Condition
from salesops.reports.services import NOT_SHARED, SHARE, WRITE

UNTOLD = "Not told: "
"""How the reason of an alert begins that crossed without anybody being told: its next look tells."""
UNLOOKED = "Not looked at: "
"""How the reason begins of an alert that could not be looked at for a recipient: nothing is known to have crossed."""


Kept = Alert | AlertRecipient
"""What is kept of the looks for one reader: on the alert itself for its owner."""


def alert_job(*, actor: Actor, progress: jobs.Progress, alert_id: int) -> dict[str, Any]:
    """Look at one alert's number with its owner's rights of today, then with those of every other account it is for."""
    row = selectors.alert_by_id(alert_id)
    if row is None:
        raise ValidationError("The alert was removed.")
    if actor.user_id is None or actor.user_id != row.owner_id:
        raise ValidationError("The alert has no owner that may sign in.")
    owner = account(actor.user_id)
    try:
        said, told, kept = _look(actor, row, row, owner)
    except (KeyError, KpiError, ValueError) as error:
        reason = str(error.args[0]) if error.args else str(error)
        schedules.schedule_stop(row.schedule_id, reason)
        return _result(row, f"Paused: {reason}")
    others = selectors.alert_recipients(row.pk)
    for one in others:
        _look_for(row, one)
    return _result(kept, said, told=told) | {"alert": row.pk, "name": row.name, "others": len(others)}


def _look_for(row: Alert, one: AlertRecipient) -> None:
    """One look with a recipient's own rights. What hinders it is his to read, and hinders nobody else's look."""
    if not one.user.is_active:
        _unlooked(one, "the account may not sign in")
        return
    try:
        _look(actor_of(one.user), row, one, one.user)
    except (KeyError, KpiError, ValueError) as error:
        reason = str(error.args[0]) if error.args else str(error)
        _unlooked(one, reason)


def _unlooked(one: AlertRecipient, reason: str) -> None:
    """Keep why nobody could look for a recipient. Where he stands stays: what he was told of is not told again."""
    owed = one.state == "crossed" and one.reason.startswith(UNTOLD)
    services.recipient_untold(row=one, reason=f"{UNTOLD if owed else UNLOOKED}{reason}")


def _look(actor: Actor, alert: Alert, row: Kept, user: Any) -> tuple[str, bool, Kept]:
    """Ask the number as one reader, keep where it stands for him, and tell him where it crossed.

    Args:
        actor: the reader, with the rights of today.
        alert: the number and the condition.
        row: what is kept of his looks.
        user: his account.

    Returns:
        What is said of the look, whether he was told, and what is kept now.

    Raises:
        KeyError, KpiError, ValueError: the question can't be asked by him.
    """
    address = services.address_of(alert.query)
    try:
        with ask(actor, address.question()) as asked:
            manifest = asked.frames.facts.manifest
            version = str(manifest.id) if manifest else ""
            if alert.on_new_data and version == row.facts_version and not row.reason.startswith(UNTOLD):
                return "No new data since the last look.", False, row
            kpi = asked.kpis([alert.kpi])[0]
            value = asked.values([alert.kpi])[0]
            period = asked.period.label if asked.period else ""
            verdict, why = "", ""
            if alert.condition == Condition.NOISE:
                verdict, why, period = _movement(asked, kpi)
            scope, currency = scope_line(actor, asked, address), asked.frames.currency
    except NoDataError:
        return "There is no data yet.", False, row
    with transaction.atomic():  # the message is asked for only if the state is kept
        own = isinstance(row, Alert)
        locked: Kept | None = services.alert_locked(row.pk) if own else services.recipient_locked(row.pk)
        if locked is None and own:
            raise ValidationError("The alert was removed.")
        if locked is None:
            return "Not told any more.", False, row
        now = None if value.value is None else Decimal(value.value)
        same = locked.period == period  # the first days of a quarter are not compared with the one before
        before = Decimal(locked.value) if locked.value and same else None
        anew = locked.reason.startswith(UNTOLD) or (alert.condition == Condition.NOISE and not same)
        found = look(
            alert.condition, alert.threshold, "calm" if anew else locked.state, now, previous=before,
            reason=value.reason or why, verdict=verdict,
        )  # fmt: skip
        text = value_text(kpi, value.value, currency, to_the_cent=True) or f"undefined: {value.reason}"
        earlier = value_text(kpi, before, currency, to_the_cent=True) if before is not None else "none"
        untold = ""
        if found.crossed:
            untold = _tell(actor, alert, user, kpi, address, found, text, earlier, scope, currency)
        told = found.crossed and not untold
        # The next look finds an untold change again.
        waits = bool(untold) and alert.condition == Condition.CHANGED
        services.alert_looked(
            actor=actor, alert=alert, row=locked, state=found.state, reason=untold or found.reason or why,
            value="" if now is None else str(now), text=text, facts_version=version,
            told=told, moved=now is not None and not waits, period=period,
        )  # fmt: skip
    return f"{kpi.title}: {text}", told, locked


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
    actor: Actor, row: Alert, user: Any, kpi: Kpi, address: Address, found: Look, text: str, earlier: str,
    scope: str, currency: str,
) -> str:  # fmt: skip
    """One message with the value, the threshold, the value before, and links with the same filters.

    Returns why nobody is told, "" where somebody is.
    """
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


def _result(row: Kept, said: str, told: bool = False) -> dict[str, Any]:
    return {
        "alert": row.pk,
        "name": str(row),
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
    if result.get("others"):  # what it is for them, and whether they were told, is theirs to know
        lines.append(("Also looked at for", f"{result['others']} other accounts, each with its own rights"))
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

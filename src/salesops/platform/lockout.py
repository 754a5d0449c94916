"""Failed sign-ins are counted in the database, for the account and for the address they come from.

All processes share the counts. An attempt is counted before it is checked, so that many at once get no
more tries than one after another; a success takes its own count back. What reaches its limit is locked
for a while; an administrator can open it earlier. A clock that is set back prolongs no lock beyond
its full time, and one counter never holds longer than that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from salesops.platform import audit
from salesops.platform.access import require_over
from salesops.platform.actors import Actor
from salesops.platform.models import AttemptCounter, User
from salesops.platform.roles import Role

_GUARD = Actor(name="sign-in guard", role=Role.AUDITOR)
_KEPT = timedelta(days=1)


class LockedError(Exception):
    """Too many failures: try again after ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many failed attempts. Try again in {max(1, -(-seconds // 60))} minutes.")
        self.seconds = seconds


@dataclass(frozen=True)
class Counted:
    """What one kind of counter counts, and how many failures in the window lock it."""

    key: str
    limit: int


def account_key(login: str) -> Counted:
    """The counter of what somebody typed as user name or e-mail: one account has one counter.

    Names without an account are counted alike, so that a lock tells nobody which accounts exist.
    """
    name = login.strip().casefold()
    found = User.objects.filter(username__iexact=name).values_list("username", flat=True)[:1]
    if not found and "@" in name:
        found = User.objects.filter(email__iexact=name).order_by("pk").values_list("username", flat=True)[:1]
    name = found[0].casefold() if found else name
    if len(name) > 100:
        name = hashlib.sha256(name.encode()).hexdigest()
    return Counted(f"account:{name}", settings.LOCK_AFTER)


def code_key(user: User) -> Counted:
    """The counter of an account's second factor: a right password does not empty it."""
    return Counted(f"code:{user.username.casefold()}"[:200], settings.LOCK_AFTER)


def address_key(address: str, door: str = "sign-in") -> Counted:
    """The counter of a client's address at one door."""
    return Counted(f"{door}:{address}"[:200], settings.LOCK_ADDRESS_AFTER)


def attempt_begin(*counted: Counted) -> None:
    """Count an attempt at every counter before it is checked.

    Raises:
        LockedError: one of them is locked; nothing is counted then. Looking and counting are one step
            under the row's lock: a limit of ten is ten tries, however many come at once.
    """
    now = timezone.now()
    for place, entry in enumerate(counted):
        try:
            _count(entry, now)
        except LockedError:
            for other in counted[:place]:
                _take_back(other)
            raise


def attempt_succeeded(*counted: Counted) -> None:
    """Take the counts of a successful attempt back: an account's all, an address's its own one."""
    for entry in counted:
        _take_back(entry, all_of_it=_is_account(entry.key))


def locked_for(entry: Counted, now: datetime | None = None) -> int:
    """Seconds that a counter stays locked; 0 where it is open."""
    now = now or timezone.now()
    row = AttemptCounter.objects.filter(key=entry.key).first()
    return 0 if row is None else _seconds_left(row, entry, now)


def _seconds_left(row: AttemptCounter, entry: Counted, now: datetime) -> int:
    if row.locked_until is None or row.failures < entry.limit:
        return 0
    until = min(row.locked_until, now + _window())  # a clock set back keeps nobody out for longer
    return max(0, int((until - now).total_seconds() + 0.999))


def locked_accounts() -> set[str]:
    """User names, in lower case, that are locked now."""
    rows = AttemptCounter.objects.filter(locked_until__gt=timezone.now(), failures__gte=settings.LOCK_AFTER)
    return {row.key.partition(":")[2] for row in rows if _is_account(row.key)}


@transaction.atomic
def account_unlock(*, actor: Actor, user: User) -> bool:
    """Open an account that failed sign-ins have locked. Returns whether there was anything to open.

    Raises:
        NotAllowedError: the actor may not manage accounts.
    """
    require_over(actor, role=user.role, areas=user.areas, user_id=user.pk)
    entries = [account_key(user.username), code_key(user)]
    was = any(locked_for(entry) for entry in entries)
    AttemptCounter.objects.filter(key__in=[entry.key for entry in entries]).delete()
    if was:
        audit.record(actor=actor, action="account.unlock", subject=f"account:{user.username}")
    return was


def _is_account(key: str) -> bool:
    return key.startswith(("account:", "code:"))


def _window() -> timedelta:
    return timedelta(minutes=settings.LOCK_MINUTES)


def _count(entry: Counted, now: datetime) -> None:
    with transaction.atomic():
        row = _row(entry.key, now)
        left = _seconds_left(row, entry, now)
        if left:
            raise LockedError(left)
        fresh = now - _window() < row.window_from <= now + timedelta(minutes=1)
        if not fresh:  # the window has passed, or the clock went back
            row.failures, row.window_from, row.locked_until = 0, now, None
        row.failures += 1
        if row.failures == entry.limit:
            row.locked_until = now + _window()
            audit.record(
                actor=_GUARD,
                action="account.lock" if _is_account(entry.key) else "address.lock",
                subject=entry.key,
                after={"failures": row.failures, "minutes": settings.LOCK_MINUTES},
            )
        row.save()


def _take_back(entry: Counted, *, all_of_it: bool = False) -> None:
    with transaction.atomic():
        row = AttemptCounter.objects.select_for_update().filter(key=entry.key).first()
        if row is None:
            return
        row.failures = 0 if all_of_it else max(0, row.failures - 1)
        row.locked_until = None if row.failures < entry.limit else row.locked_until
        row.save(update_fields=["failures", "locked_until"])


def _row(key: str, now: datetime) -> AttemptCounter:
    found = AttemptCounter.objects.select_for_update().filter(key=key).first()
    if found is not None:
        return found
    AttemptCounter.objects.filter(window_from__lt=now - _KEPT).delete()
    try:
        with transaction.atomic():
            AttemptCounter.objects.create(key=key, window_from=now)
    except IntegrityError:  # another request made it a moment ago
        pass
    return AttemptCounter.objects.select_for_update().get(key=key)

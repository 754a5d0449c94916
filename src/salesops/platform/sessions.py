"""Sessions: how long one lasts, which ones an account has, and how they end.

A session ends a while after it was last used, at the latest a set time after the sign-in, and at once
when its account is switched off, gets another role, or ends it on another device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from salesops.platform import audit, factors
from salesops.platform.access import require_over
from salesops.platform.actors import Actor
from salesops.platform.models import User

STARTED, SEEN = "session_started", "session_seen"
_SLACK = timedelta(minutes=1)

OPEN_WITHOUT_FACTOR = frozenset({"account_logout", "account_reauthenticate", "password", "health", "sign_in"})
"""Named pages besides those of the second factor itself that an account without one may open."""

PASSWORD_PAGES = frozenset(
    {
        "password",
        "account_change_password",
        "account_set_password",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
    }
)
"""Pages that do not exist where everybody signs in at the identity provider."""

SWITCHED_OFF = frozenset({"account_email"})
"""Pages of allauth that are not offered: an identity provider's accounts are found by their address, so
only administrators change it."""


def why_over(session: Any, now: datetime) -> str:
    """Why a session is over, in words; "" while it lasts. Marks a session that is seen the first time."""
    started, seen = _instant(session.get(STARTED)), _instant(session.get(SEEN))
    if started is None or seen is None or started > now + _SLACK or seen > now + _SLACK:
        # New, or the clock went back: the limits count from here.
        session[STARTED] = session[SEEN] = now.timestamp()
        return ""
    if now - started > timedelta(hours=settings.SESSION_HOURS):
        return "You were signed out because you signed in long ago. Sign in again."
    idle = timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    if now - seen > idle:
        return "You were signed out because you were away. Sign in again."
    if now - seen > min(idle / 10, timedelta(minutes=5)):  # not at every request: it is a write
        session[SEEN] = now.timestamp()
        UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=now)
    return ""


def _instant(value: Any) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None


class SessionGuard:
    """Ends sessions that are over, and leads accounts without their required second factor to set it up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Answer in the page's place where the session may not open it."""
        match = request.resolver_match
        name = match.url_name or "" if match else ""
        if name in SWITCHED_OFF or (settings.SSO_ONLY and name in PASSWORD_PAGES):
            raise Http404
        user = request.user
        if not user.is_authenticated:
            return None
        over = why_over(request.session, timezone.now())
        if over:
            logout(request)
            messages.info(request, over)
            if getattr(view, "login_required", True) is False:
                return None
            return _led(request, redirect_to_login(request.get_full_path()))
        if name in OPEN_WITHOUT_FACTOR or name.startswith("mfa_") or not factors.missing(user):
            return None
        messages.info(request, "Your role needs a second factor. Set it up to go on.")
        return _led(request, redirect("mfa_index"))


def _led(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """A redirect that htmx follows with the whole page."""
    if not request.headers.get("HX-Request"):
        return answer
    return HttpResponse(status=204, headers={"HX-Redirect": answer["Location"]})


@dataclass(frozen=True)
class Held:
    """One session of an account."""

    id: int
    device: str
    address: str
    started_at: datetime
    seen_at: datetime
    current: bool


def sessions_of(user: User, current_key: str | None) -> list[Held]:
    """An account's sessions that have not ended, the one used last first."""
    rows = UserSession.objects.purge_and_list(user)
    rows.sort(key=lambda row: row.last_seen_at, reverse=True)
    return [
        Held(
            row.pk,
            device(row.user_agent),
            row.ip,
            row.created_at,
            row.last_seen_at,
            row.session_key == current_key,
        )
        for row in rows
    ]


def device(user_agent: str) -> str:
    """A browser and system in two words, as far as what it says of itself tells."""
    browsers = (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
               ("Mac OS X", "Mac"), ("Linux", "Linux"))  # fmt: skip
    browser = next((name for mark, name in browsers if mark in user_agent), "Unknown browser")
    system = next((f" on {name}" for mark, name in systems if mark in user_agent), "")
    return browser + system


@transaction.atomic
def session_end(*, actor: Actor, user: User, pk: int) -> bool:
    """End one session of one's own account. Returns whether there was one."""
    row = UserSession.objects.filter(pk=pk, user=user).first()
    if row is None or actor.user_id != user.pk:
        return False
    row.end()
    audit.record(
        actor=actor, action="session.end", subject=f"account:{user.username}", after={"address": row.ip}
    )
    return True


@transaction.atomic
def sessions_end(*, actor: Actor, user: User, reason: str = "") -> None:
    """End every session of an account at once, on all devices and in all processes.

    Raises:
        NotAllowedError: for somebody else's account, unless the actor administers it.
    """
    if actor.user_id != user.pk:
        require_over(actor, role=user.role, areas=user.areas, user_id=user.pk)
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    UserSession.objects.filter(user=user).delete()
    audit.record(actor=actor, action="session.end_all", subject=f"account:{user.username}", reason=reason)

"""Accounts, one-time sign-in links and API tokens."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from salesops.platform import audit, factors, lockout, sessions
from salesops.platform.access import AREAS, NotAllowedError, may, require, require_over
from salesops.platform.actors import Actor, actor_of
from salesops.platform.models import ApiToken, SignInLink, User
from salesops.platform.roles import Role
from salesops.platform.sealing import digest_of
from salesops.platform.token_scopes import checked, writes

LINK_LIFE = timedelta(days=7)


class AccountAdapter(DefaultAccountAdapter):
    """allauth's hooks: nobody signs up alone, an administrator makes accounts."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Always shut."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """A password, under the account's and the address's limits; not at all where the provider signs in."""
        if settings.SSO_ONLY:
            raise ValidationError("Passwords are switched off here: sign in at your identity provider.")
        login = str(credentials.get("username") or credentials.get("email") or "")
        counted = lockout.address_key(self.get_client_ip(request)), lockout.account_key(login)
        try:
            lockout.attempt_begin(*counted)
        except lockout.LockedError as error:
            raise ValidationError(str(error)) from error
        user = super().authenticate(request, **credentials)
        if user is not None:
            lockout.attempt_succeeded(*counted)
        return user

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Start the session once every step of signing in is done, and note how it was done."""
        super().login(request, user)
        for mark in (sessions.STARTED, sessions.SEEN):
            request.session[mark] = timezone.now().timestamp()
        ways = [record["method"] for record in get_authentication_records(request, user)]
        if isinstance(user, User):
            with transaction.atomic():
                audit.record(
                    actor=actor_of(user),
                    action="account.sign_in",
                    subject=f"account:{user.username}",
                    after={"by": ways, "address": self.get_client_ip(request)},
                )

    def send_notification_mail(
        self, template_prefix: str, user: AbstractBaseUser, *args: Any, **kwargs: Any
    ) -> None:
        """Changes of second factors go to the ledger, not into mail."""
        action, kind = factors.CHANGES.get(template_prefix, ("", ""))
        if action and isinstance(user, User):
            factors.record_change(user=user, action=action, kind=kind)


@transaction.atomic
def account_save(
    *,
    actor: Actor,
    username: str,
    role: str,
    person_id: str = "",
    email: str = "",
    name: str = "",
    active: bool = True,
    areas: Iterable[str] | None = None,
) -> User:
    """Create an account, or change its role, person, e-mail, name, state or areas.

    ``areas`` (see ``access.AREAS``) are what the account administers besides its role; None leaves
    them as they are, and only administrators change them.

    A new account has no usable password: it signs in by a one-time link and sets one.

    Raises:
        ValidationError: a value is wrong.
        NotAllowedError: the actor is no administrator.
    """
    require(actor, "people.manage")
    if role not in Role.values:
        raise ValidationError({"role": f"Unknown role {role!r}; one of {', '.join(Role.values)}."})
    user = User.objects.filter(username=username).first() or User(username=username)
    before = _facts_of(user) if user.pk else None
    require_over(actor, role=role, areas=user.areas, user_id=user.pk)
    if before:
        require_over(actor, role=user.role, areas=user.areas, user_id=user.pk)
    if areas is not None:
        wanted = sorted(set(areas))
        if unknown := [area for area in wanted if area not in AREAS]:
            raise ValidationError({"areas": f"Unknown area {unknown[0]!r}; one of {', '.join(AREAS)}."})
        if wanted != sorted(user.areas):
            require(actor, "area.grant")
            user.areas = wanted
    if before and (role != Role.ADMINISTRATOR or not active):
        _keep_an_administrator(user)
    first, _, last = name.partition(" ")
    user.role, user.person_id, user.email, user.is_active = role, person_id, email, active
    if name:
        user.first_name, user.last_name = first, last
    if before is None:
        user.set_unusable_password()
    user.full_clean(exclude=["password"])
    user.save()
    after = _facts_of(user)
    if before != after:
        audit.record(
            actor=actor, action="account.save", subject=f"account:{username}", before=before, after=after
        )
    if before and (before["role"], before["active"]) != (role, active):
        sessions.sessions_end(actor=actor, user=user, reason="role or state changed")
    return user


def _keep_an_administrator(user: User) -> None:
    administrators = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True)
    if administrators.filter(pk=user.pk).exists() and not administrators.exclude(pk=user.pk).exists():
        raise ValidationError("This is the last administrator who can sign in: make another one first.")


def _facts_of(user: User) -> dict[str, object]:
    return {
        "role": user.role,
        "person_id": user.person_id,
        "email": user.email,
        "active": user.is_active,
        "areas": list(user.areas),
    }


@transaction.atomic
def link_create(*, actor: Actor, user: User, life: timedelta = LINK_LIFE) -> str:
    """A one-time sign-in token for an account; only its digest is kept."""
    require_over(actor, role=user.role, areas=user.areas, user_id=user.pk)
    token = secrets.token_urlsafe(24)
    SignInLink.objects.create(user=user, digest=digest_of(token), expires_at=timezone.now() + life)
    audit.record(actor=actor, action="account.link", subject=f"account:{user.username}")
    return token


def link_find(token: str) -> User | None:
    """The account of an unused, unexpired link, which stays unspent; else None."""
    live = SignInLink.objects.filter(
        digest=digest_of(token), used_at__isnull=True, expires_at__gt=timezone.now(), user__is_active=True
    )
    link = live.select_related("user").first()
    return link.user if link else None


@transaction.atomic
def link_use(token: str) -> User | None:
    """The account of an unused, unexpired link, which is spent by this call; else None."""
    now = timezone.now()
    spent = SignInLink.objects.filter(
        digest=digest_of(token), used_at__isnull=True, expires_at__gt=now, user__is_active=True
    )
    link = spent.select_related("user").first()
    if link is None or not spent.filter(pk=link.pk).update(used_at=now):
        return None
    audit.record(
        actor=actor_of(link.user), action="account.link_use", subject=f"account:{link.user.username}"
    )
    return link.user


@transaction.atomic
def password_set(*, user: User, password: str) -> None:
    """Give one's own account a password.

    Raises:
        ValidationError: the password is too short, too common or too close to the account's own data.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from error
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(actor=actor_of(user), action="account.password", subject=f"account:{user.username}")


@transaction.atomic
def token_create(
    *,
    actor: Actor,
    user: User,
    name: str,
    can_write: bool = False,
    scopes: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """A new API token of an account and its one-time plain text.

    Args:
        actor: the account itself, or an administrator.
        user: whose rows and permissions the token has.
        name: what will use it.
        can_write: whether it may change anything at all.
        scopes: what it may be used for, see ``TOKEN_SCOPES``; none for all that ``can_write`` allows.
        expires_at: when it ends; None for not before it is revoked.

    Raises:
        NotAllowedError: for somebody else's account, unless the actor is an administrator; or the account
            has to set up a second factor first.
        ValidationError: an unknown scope, one that writes on a token that may only read, or an end in the past.
    """
    if actor.user_id != user.pk:
        require_over(actor, role=user.role, areas=user.areas, user_id=user.pk)
    if factors.missing(user):
        message = f"{user.username} has to set up a second factor before tokens can be made."
        raise NotAllowedError(message)
    allowed = checked(scopes)
    if not can_write and any(writes(scope) for scope in allowed):
        raise ValidationError({"scopes": "A token that may only read can't hold a scope that writes."})
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_on": "The token would have ended already."})
    secret = f"so_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user,
        name=name[:120] or "token",
        digest=digest_of(secret),
        can_write=can_write,
        scopes=allowed,
        created_at=timezone.now(),
        expires_at=expires_at,
    )
    after = {"account": user.username, "can_write": can_write, "scopes": allowed, "expires_at": expires_at}
    if expires_at is not None:
        after["expires_at"] = expires_at.isoformat()
    audit.record(actor=actor, action="token.create", subject=f"token:{token.pk}", after=after)
    return token, secret


@transaction.atomic
def token_revoke(*, actor: Actor, token: ApiToken) -> None:
    """Make a token useless from now on."""
    if actor.user_id != token.user_id and not may(actor, "token.manage"):
        owner = token.user
        require_over(actor, role=owner.role, areas=owner.areas, user_id=owner.pk)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        audit.record(actor=actor, action="token.revoke", subject=f"token:{token.pk}")


def token_find(secret: str) -> ApiToken | None:
    """The live token of a plain text, or None if unknown, revoked, expired or its account is off."""
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=digest_of(secret), revoked_at__isnull=True)
        .first()
    )
    if token is None or not token.user.is_active or (token.expires_at and token.expires_at <= now):
        return None
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=5):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token

"""REST: accounts that sign in, and API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema
from pydantic import AwareDatetime, Field

from salesops.platform import factors, idempotency, lockout, selectors, sessions, signin
from salesops.platform.access import NotAllowedError, may, require
from salesops.platform.actors import Actor
from salesops.platform.api import Body
from salesops.platform.models import ApiToken, User
from salesops.platform.rest import (
    Number,
    PageNumber,
    PageSize,
    actor_of_request,
    found,
    page_of,
    reply,
    scoped,
)
from salesops.platform.token_scopes import TOKEN_SCOPES, covers

router = Router(tags=["accounts"])

Name = Annotated[str, Field(max_length=150)]


class AccountOut(Schema):
    """An account that signs in."""

    id: int
    username: str
    name: str
    email: str
    role: str
    person_id: str
    areas: list[str]
    active: bool
    locked: bool
    has_second_factor: bool
    last_login: datetime | None


class AccountsOut(Schema):
    """One page of accounts."""

    total: int
    rows: list[AccountOut]


class AccountIn(Body):
    """An account to make."""

    username: Annotated[str, Field(min_length=1, max_length=150)]
    role: Annotated[str, Field(max_length=32)]
    name: Name = ""
    email: Annotated[str, Field(max_length=254)] = ""
    person_id: Annotated[str, Field(max_length=200)] = ""
    areas: list[str] | None = None


class AccountChange(Body):
    """What is to change; what is left out stays."""

    role: Annotated[str, Field(max_length=32)] | None = None
    name: Name | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    person_id: Annotated[str, Field(max_length=200)] | None = None
    areas: list[str] | None = None
    active: bool | None = None


class TokenOut(Schema):
    """A token: never the text of it."""

    id: int
    name: str
    username: str
    can_write: bool
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewTokenOut(TokenOut):
    """A new token with its text, which is shown this once."""

    secret: str


class TokenIn(Body):
    """A token to make."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    can_write: bool = False
    scopes: Annotated[list[str], Field(max_length=100)] = Field([], description=", ".join(TOKEN_SCOPES))
    expires_at: AwareDatetime | None = None
    account: int | None = Field(
        None, ge=1, le=2**63 - 1, description="id of another account, for administrators"
    )


class LinkOut(Schema):
    """A one-time sign-in link's path, shown this once."""

    path: str
    days: int


class DoneOut(Schema):
    """Whether there was anything to do."""

    done: bool


def _account(user: User, locked: set[str]) -> dict[str, Any]:
    return {
        "id": user.pk,
        "username": user.username,
        "name": user.get_full_name(),
        "email": user.email,
        "role": user.role,
        "person_id": user.person_id,
        "areas": user.areas,
        "active": user.is_active,
        "locked": user.username.casefold() in locked,
        "has_second_factor": factors.has_one(user),
        "last_login": user.last_login,
    }


def _manages(request: HttpRequest) -> Actor:
    actor = actor_of_request(request)
    require(actor, "people.manage")
    return actor


def _user(account_id: int) -> User:
    return found(selectors.account(account_id), "account")


@router.get("/user-accounts", **scoped("accounts.read", AccountsOut), summary="Accounts that sign in")
def account_list(request: HttpRequest, page: PageNumber = 1, size: PageSize = 100) -> HttpResponse:
    """Every account, those switched off last."""
    _manages(request)
    locked = lockout.locked_accounts()
    total, rows = page_of(selectors.accounts(), page, size)
    return reply({"total": total, "rows": [_account(user, locked) for user in rows]})


@router.get("/user-accounts/{user_id}", **scoped("accounts.read", AccountOut), summary="One account")
def account_read(request: HttpRequest, user_id: Number) -> HttpResponse:
    """404 where there is none."""
    _manages(request)
    return reply(_account(_user(user_id), lockout.locked_accounts()))


@router.post("/user-accounts", **scoped("accounts.write", AccountOut, 201), summary="Make an account")
def account_create(request: HttpRequest, body: AccountIn) -> HttpResponse:
    """It has no password: make a one-time link for it."""
    actor = _manages(request)
    if selectors.account_named(body.username) is not None:
        raise ValidationError({"username": "There is an account of this name already."})
    user = signin.account_save(actor=actor, **body.dict())
    return reply(_account(user, set()), 201)


@router.patch("/user-accounts/{user_id}", **scoped("accounts.write", AccountOut), summary="Change an account")
def account_change(request: HttpRequest, user_id: Number, body: AccountChange) -> HttpResponse:
    """Another role, or switching it off, ends its sessions at once."""
    actor, user = _manages(request), _user(user_id)
    kept = {
        "role": user.role,
        "email": user.email,
        "person_id": user.person_id,
        "active": user.is_active,
        "name": user.get_full_name(),
    }
    wanted = {name: value for name, value in body.dict(exclude_unset=True).items() if value is not None}
    changed = signin.account_save(actor=actor, username=user.username, **(kept | wanted))
    return reply(_account(changed, lockout.locked_accounts()))


@router.post(
    "/user-accounts/{user_id}/link", **scoped("accounts.write", LinkOut, 201), summary="One-time link"
)
def account_link(request: HttpRequest, user_id: Number) -> HttpResponse:
    """Whoever opens it and presses its button is signed in as the account, once."""
    actor, user = _manages(request), _user(user_id)
    if not user.is_active:
        raise ValidationError(f"{user.username} is switched off: switch the account on first.")
    token = signin.link_create(actor=actor, user=user)
    return _secret({"path": f"/sign-in/{token}/", "days": signin.LINK_LIFE.days})


@router.post(
    "/user-accounts/{user_id}/unlock", **scoped("accounts.write", DoneOut), summary="Unlock an account"
)
def account_unlock(request: HttpRequest, user_id: Number) -> HttpResponse:
    """Open an account that failed sign-ins have locked."""
    return reply({"done": lockout.account_unlock(actor=_manages(request), user=_user(user_id))})


@router.post(
    "/user-accounts/{user_id}/sign-out", **scoped("accounts.write", DoneOut), summary="End its sessions"
)
def account_sign_out(request: HttpRequest, user_id: Number) -> HttpResponse:
    """On every device, at once."""
    sessions.sessions_end(actor=_manages(request), user=_user(user_id), reason="ended through the API")
    return reply({"done": True})


@router.delete(
    "/user-accounts/{user_id}/second-factor",
    **scoped("accounts.write", DoneOut),
    summary="Remove its second factor",
)
def account_factors(request: HttpRequest, user_id: Number) -> HttpResponse:
    """For somebody who lost the device."""
    return reply({"done": factors.factors_reset(actor=_manages(request), user=_user(user_id))})


def _token(token: ApiToken) -> dict[str, Any]:
    names = ("name", "can_write", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
    return {
        "id": token.pk,
        "username": token.user.username,
        **{name: getattr(token, name) for name in names},
    }


def _secret(value: dict[str, Any]) -> HttpResponse:
    """An answer that holds a secret: sent once, stored nowhere."""
    answer = reply(value, 201)
    answer["Cache-Control"] = "no-store"
    setattr(answer, idempotency.NOT_KEPT, True)
    return answer


@router.get("/tokens", **scoped("accounts.read", list[TokenOut]), summary="Tokens")
def token_list(
    request: HttpRequest, account: Annotated[int | None, Field(ge=1, le=2**63 - 1)] = None
) -> HttpResponse:
    """One's own, newest first; another account's for administrators."""
    actor = actor_of_request(request)
    if account is not None and account != actor.user_id and not may(actor, "token.manage"):
        require(actor, "people.manage")
    user = _user(account or request.user.pk)
    return reply([_token(token) for token in selectors.tokens_of(user.pk)])


@router.post("/tokens", **scoped("accounts.write", NewTokenOut, 201), summary="Make a token")
def token_create(request: HttpRequest, body: TokenIn) -> HttpResponse:
    """Its text is in this answer only. A token makes none that may do more, or lasts longer, than itself."""
    mine: ApiToken = request.api_token
    if mine.scopes and not (body.scopes and all(covers(mine.scopes, scope) for scope in body.scopes)):
        raise NotAllowedError("A token makes no token that may be used for more than itself.")
    if mine.expires_at and (body.expires_at is None or body.expires_at > mine.expires_at):
        raise NotAllowedError("A token makes no token that lasts longer than itself.")
    user = request.user if body.account is None else _user(body.account)
    token, secret = signin.token_create(
        actor=actor_of_request(request),
        user=user,
        name=body.name,
        can_write=body.can_write,
        scopes=body.scopes,
        expires_at=body.expires_at.astimezone(timezone.get_default_timezone()) if body.expires_at else None,
    )
    return _secret({**_token(token), "secret": secret})


@router.delete("/tokens/{token_id}", **scoped("accounts.write", TokenOut), summary="Revoke a token")
def token_revoke(request: HttpRequest, token_id: Number) -> HttpResponse:
    """It is useless from this moment on. Administrators revoke anybody's."""
    actor = actor_of_request(request)
    row = selectors.token_for(actor, token_id)
    signin.token_revoke(actor=actor, token=found(row, "token"))
    return reply(_token(row))

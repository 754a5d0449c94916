"""Sign-in at an identity provider by OpenID Connect: authorization code with state, nonce and PKCE.

allauth has such a sign-in, but it sends no nonce, takes the ID token of the token endpoint without its
signature, and lets the address choose scopes; so the few steps are here, and what follows them (second
factor, sessions, ledger) is the way every sign-in goes. Nobody signs up: an account exists already, or a
configured claim gives a role.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import requests
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from salesops.platform import audit
from salesops.platform.actors import Actor
from salesops.platform.models import ExternalIdentity, User
from salesops.platform.roles import Role
from salesops.platform.signin import account_save

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that are taken: those of a key pair. Never "none", never one made with the client's secret."""

_PENDING = "oidc_pending"
_LIFE = timedelta(minutes=10)
_MOST_PENDING = 5
_TIMEOUT = 10
_LEEWAY = 60
_PROVIDER = Actor(name="identity provider", role=Role.ADMINISTRATOR)


class RefusedError(Exception):
    """The sign-in does not count, and why, in words for the person at the browser."""


@dataclass(frozen=True)
class Pending:
    """What was sent with somebody to the provider, and has to come back."""

    nonce: str
    verifier: str
    at: float
    next_path: str


def configured() -> bool:
    """Whether an identity provider is set up."""
    return bool(settings.OIDC_ISSUER and settings.OIDC_CLIENT_ID)


def begin(session: Any, redirect_uri: str, next_path: str, now: datetime) -> str:
    """The provider's address to send the browser to; what must come back is kept in the session.

    Raises:
        RefusedError: the provider can't be reached, or is another one than it says.
    """
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    waiting = dict(
        sorted(session.get(_PENDING, {}).items(), key=lambda item: item[1]["at"])[1 - _MOST_PENDING :]
    )
    waiting[state] = {"nonce": nonce, "verifier": verifier, "at": now.timestamp(), "next": next_path}
    session[_PENDING] = waiting
    query = {
        "response_type": "code",
        "client_id": settings.OIDC_CLIENT_ID,
        "redirect_uri": redirect_uri,
        "scope": "openid email profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    address = discover()["authorization_endpoint"]
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def take_pending(session: Any, state: str, now: datetime) -> Pending:
    """What waits for a state; it is forgotten by this call, so that an answer counts once.

    Raises:
        RefusedError: this browser sent nobody off with that state, or too long ago.
    """
    waiting = dict(session.get(_PENDING, {}))
    found = waiting.pop(state, None)
    session[_PENDING] = waiting
    if found is None or not 0 <= now.timestamp() - found["at"] + 60 <= _LIFE.total_seconds() + 60:
        raise RefusedError("This sign-in was not begun in this browser, or it took too long. Begin again.")
    return Pending(found["nonce"], found["verifier"], found["at"], found["next"])


def claims_of(code: str, redirect_uri: str, pending: Pending) -> dict[str, Any]:
    """What the provider vouches for about whoever comes with a code.

    The ID token is checked: signature by one of the provider's published keys, issuer, audience, party it
    was made for, times, nonce. The user info adds to it, where it is about the same subject.

    Raises:
        RefusedError: a check fails, or the provider does not answer.
    """
    about = discover()
    answer = _asked(
        "POST",
        about["token_endpoint"],
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": pending.verifier,
            "client_id": settings.OIDC_CLIENT_ID,
            "client_secret": settings.OIDC_CLIENT_SECRET,
        },
    )
    claims = _id_token(answer.get("id_token"), about, pending.nonce)
    if about.get("userinfo_endpoint") and isinstance(answer.get("access_token"), str):
        more = _asked(
            "GET", about["userinfo_endpoint"], headers={"Authorization": f"Bearer {answer['access_token']}"}
        )
        if more.get("sub") != claims["sub"]:
            raise RefusedError("The provider's answers are about different people.")
        claims = {**more, **claims}
    return claims


def discover() -> dict[str, Any]:
    """The provider's description of itself, which must name the issuer that is configured.

    Raises:
        RefusedError: it can't be reached, or names another issuer, or addresses that are not safe.
    """
    about = _asked("GET", f"{settings.OIDC_ISSUER}/.well-known/openid-configuration")
    if str(about.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
        raise RefusedError("The identity provider names another issuer than the one that is configured.")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(about.get(name), str):
            message = f"The identity provider does not say its {name.replace('_', ' ')}."
            raise RefusedError(message)
    return about


def _asked(method: str, address: str, **kwargs: Any) -> dict[str, Any]:
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise RefusedError("The identity provider has an address that is not encrypted.")
    try:
        response = requests.request(method, address, timeout=_TIMEOUT, allow_redirects=False, **kwargs)
        answer = response.json() if response.status_code == 200 else None
    except (requests.RequestException, ValueError) as error:
        raise RefusedError("The identity provider does not answer. Try again in a while.") from error
    if not isinstance(answer, dict):
        raise RefusedError("The identity provider refused the sign-in.")
    return answer


def _id_token(token: Any, about: Mapping[str, Any], nonce: str) -> dict[str, Any]:
    if not isinstance(token, str):
        raise RefusedError("The identity provider sent no ID token.")
    try:
        header = jwt.get_unverified_header(token)
        key = _key(header, _asked("GET", about["jwks_uri"]))
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=[key.algorithm_name],
            issuer=about["issuer"],
            audience=settings.OIDC_CLIENT_ID,
            leeway=_LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise RefusedError("The identity provider's answer can't be trusted.") from error
    parties = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims.get("azp", settings.OIDC_CLIENT_ID) != settings.OIDC_CLIENT_ID or (
        len(parties) > 1 and "azp" not in claims
    ):
        raise RefusedError("The identity provider's answer is for another application.")
    if not secrets.compare_digest(str(claims.get("nonce", "")), nonce):
        raise RefusedError("The identity provider's answer belongs to another sign-in.")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise RefusedError("The identity provider names nobody.")
    return claims


def _key(header: Mapping[str, Any], published: Mapping[str, Any]) -> jwt.PyJWK:
    """The published key that a token names, for the algorithm it names."""
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise jwt.InvalidAlgorithmError(f"no {algorithm}")
    entries = [k for k in published.get("keys", []) if isinstance(k, dict) and k.get("use", "sig") == "sig"]
    named = [k for k in entries if k.get("kid") == header.get("kid")] if header.get("kid") else entries
    if len(named) != 1 or named[0].get("alg", algorithm) != algorithm or named[0].get("kty") == "oct":
        raise jwt.InvalidKeyError("no such key")
    return jwt.PyJWK(named[0], algorithm=algorithm)


@transaction.atomic
def account_for(claims: Mapping[str, Any], now: datetime | None = None) -> User:
    """The account of what a provider vouches for.

    By its subject, where it signed in before; else by its e-mail address, if the provider says it is verified,
    its domain is allowed and exactly one account has it; else, if a claim gives a role, a new account.
    A role that the claim gives is kept up with at every sign-in.

    Raises:
        RefusedError: there is none, or it is switched off.
    """
    now = now or timezone.now()
    identity = (
        ExternalIdentity.objects.select_related("user")
        .filter(issuer=settings.OIDC_ISSUER, subject=claims["sub"])
        .first()
    )
    user = identity.user if identity else _by_email(claims) or _made(claims)
    if user is None:
        raise RefusedError("There is no account here for you. Ask your administrator to make one.")
    if not user.is_active:
        raise RefusedError("Your account here is switched off. Ask your administrator.")
    if identity is None:
        try:
            with transaction.atomic():
                identity = ExternalIdentity.objects.create(
                    user=user, issuer=settings.OIDC_ISSUER, subject=claims["sub"], created_at=now
                )
        except IntegrityError as error:
            raise RefusedError("Somebody signed in under this name a moment ago. Begin again.") from error
        audit.record(
            actor=_PROVIDER,
            action="account.identity",
            subject=f"account:{user.username}",
            after={"issuer": settings.OIDC_ISSUER, "subject": claims["sub"]},
        )
    elif (role := _role(claims)) and role != user.role:
        try:
            user = account_save(
                actor=_PROVIDER, username=user.username, role=role, person_id=user.person_id, email=user.email
            )
        except ValidationError as error:  # the last administrator stays one
            raise RefusedError(" ".join(error.messages)) from error
    ExternalIdentity.objects.filter(pk=identity.pk).update(last_used_at=now)
    return user


def _email(claims: Mapping[str, Any]) -> str:
    """The verified address in an allowed domain, else "".

    Raises:
        RefusedError: there is one that is not verified, or of another domain.
    """
    address = str(claims.get("email") or "").strip()
    try:
        validate_email(address)
    except ValidationError:
        return ""
    if claims.get("email_verified") is not True:
        raise RefusedError("Your e-mail address is not verified at the identity provider.")
    if settings.OIDC_DOMAINS and address.rpartition("@")[2].lower() not in settings.OIDC_DOMAINS:
        raise RefusedError("Your e-mail address is of a domain that may not sign in here.")
    return address


def _by_email(claims: Mapping[str, Any]) -> User | None:
    address = _email(claims)
    found = list(User.objects.filter(email__iexact=address)[:2]) if address else []
    if len(found) > 1:
        raise RefusedError("Several accounts here have your e-mail address. Ask your administrator.")
    if found and found[0].external_identities.filter(issuer=settings.OIDC_ISSUER).exists():
        # The address has passed on to somebody else at the provider; the account has not.
        raise RefusedError("The account with your e-mail address belongs to another identity.")
    return found[0] if found else None


def _role(claims: Mapping[str, Any]) -> str:
    """The role that the configured claim gives: the first of the mapping that it holds; "" for none."""
    if not settings.OIDC_ROLE_CLAIM:
        return ""
    value = claims.get(settings.OIDC_ROLE_CLAIM)
    held = {str(entry) for entry in (value if isinstance(value, list) else [value])}
    for group, role in settings.OIDC_ROLES.items():
        if group in held:
            return str(Role(role))
    return ""


def _made(claims: Mapping[str, Any]) -> User | None:
    role, address = _role(claims), _email(claims)
    if not role or not address:
        return None
    if User.objects.filter(username__iexact=address).exists():
        return None
    name = str(claims.get("name") or "")[:200]
    return account_save(actor=_PROVIDER, username=address, role=role, email=address, name=name)

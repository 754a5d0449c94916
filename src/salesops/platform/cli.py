"""Commands on the home itself: init, accounts, tokens, decisions."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from salesops.platform import decisions, factors, home, lockout, second_person, selectors, sessions, signin
from salesops.platform.access import AREAS, require
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor, actor_of
from salesops.platform.documents import to_json
from salesops.platform.models import User
from salesops.platform.roles import Role
from salesops.platform.token_scopes import TOKEN_SCOPES


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verbs."""
    init = verbs.add_parser("init", help="make the home: folders and database")
    init.add_argument("--json", action="store_true", help="print JSON")
    init.set_defaults(run=_init)

    account = verbs.add_parser("account", help="make or change an account and print a one-time sign-in link")
    account.add_argument("username", help="name to sign in with")
    account.add_argument("--role", choices=Role.values, required=True, help="what it may see and do")
    account.add_argument("--person", default="", help="the person in the CRM this account stands for (id)")
    account.add_argument("--email", default="", help="address, which also signs in")
    account.add_argument(
        "--area",
        action="append",
        choices=[*AREAS, "none"],
        help="area it administers besides its role; may be repeated; none takes all away",
    )
    account.add_argument("--off", action="store_true", help="switch the account off")
    account.set_defaults(run=_account)

    token = verbs.add_parser("token", help="make an API token for an account; shown once")
    token.add_argument("username", help="the account it belongs to")
    token.add_argument("--name", default="command line", help="what it is for")
    token.add_argument("--write", action="store_true", help="may also change things")
    token.add_argument(
        "--scope",
        action="append",
        choices=tuple(TOKEN_SCOPES),
        help="only for this; may be repeated",
        metavar="SCOPE",
    )
    token.add_argument("--until", type=day, metavar="DAY", help="last day it works (UTC)")
    token.set_defaults(run=_token)

    tokens = verbs.add_parser("tokens", help="list an account's API tokens, or revoke one")
    tokens.add_argument("username", help="the account they belong to")
    tokens.add_argument("--revoke", type=int, metavar="ID", help="make this token useless at once")
    tokens.add_argument("--json", action="store_true", help="print JSON")
    tokens.set_defaults(run=_tokens)

    door = verbs.add_parser(
        "unlock", help="open an account that failed sign-ins locked, or close what it has open"
    )
    door.add_argument("username", help="the account")
    door.add_argument("--sign-out", action="store_true", help="end its sessions on every device")
    door.add_argument("--remove-second-factor", action="store_true", help="for somebody who lost the device")
    door.set_defaults(run=_unlock)

    decide = verbs.add_parser("decisions", help="export or import decisions as YAML")
    decide.add_argument("action", choices=("export", "import"), help="write them out or record them")
    decide.add_argument("file", nargs="?", help="YAML file; standard output or input where left out")
    decide.add_argument("--kind", action="append", help="only this kind (export); may be repeated")
    decide.add_argument("--reason", default="", help="reason for decisions that need one (import)")
    decide.set_defaults(run=_decisions)


def actor_from(args: argparse.Namespace) -> Actor:
    """The actor of a command: the local administrator, or the account named by ``--as``.

    Raises:
        LookupError: no such account.
    """
    home.home_prepare()
    if getattr(args, "as_user", None) is None:
        return LOCAL_ADMINISTRATOR
    user = User.objects.filter(username=args.as_user).first()
    if user is None:
        message = f"There is no account named {args.as_user!r}."
        raise LookupError(message)
    return actor_of(user)


def day(text: str) -> date:
    """A day on the command line, for ``type=`` of an argument."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no day; write it as 2017-12-31"
        raise argparse.ArgumentTypeError(message) from None


def read_text(path: str) -> str:
    """A text file that was named on the command line.

    Raises:
        ValueError: it can't be read; the message says why.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        message = f"There is no file {path}."
        raise ValueError(message) from None
    except UnicodeDecodeError:
        message = f"{path} is not text in UTF-8."
        raise ValueError(message) from None
    except OSError as error:
        message = f"{path} can't be read: {error.strerror or error}."
        raise ValueError(message) from None


def read_yaml(path: str) -> Any:
    """A YAML file that was named on the command line; errors as :func:`read_text`."""
    try:
        return yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        message = f"{path} is no YAML: {error}"
        raise ValueError(message) from error


def sign_in_path(token: str) -> str:
    """The path of a one-time link."""
    return f"/sign-in/{token}/"


def _init(args: argparse.Namespace) -> int:
    made = home.home_prepare()
    if args.json:
        print(to_json({"home": str(settings.HOME), "made": made}))
    else:
        print(f"{'Made' if made else 'Ready:'} {settings.HOME}")
        print("Next: salesops import FILE")
    return 0


def _account(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    user = signin.account_save(
        actor=actor,
        username=args.username,
        role=args.role,
        person_id=args.person,
        email=args.email,
        active=not args.off,
        areas=None if args.area is None else [area for area in args.area if area != "none"],
    )
    if args.off:
        print(f"{user.username} is switched off.")
        return 0
    link = signin.link_create(actor=actor, user=user)
    base = settings.BASE_URL or "http://127.0.0.1:8000"
    print(f"{user.username} ({Role(user.role).label}) signs in once by {base}{sign_in_path(link)}")
    return 0


def _named(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        message = f"There is no account named {username!r}."
        raise LookupError(message)
    return user


def _token(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    end = datetime.combine(args.until + timedelta(days=1), time.min, UTC) if args.until else None
    _, secret = signin.token_create(
        actor=actor,
        user=_named(args.username),
        name=args.name,
        can_write=args.write,
        scopes=args.scope or (),
        expires_at=end,
    )
    print(secret)
    return 0


def _tokens(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    user = _named(args.username)
    if actor.user_id != user.pk:
        require(actor, "people.manage")
    if args.revoke is not None:
        token = selectors.token_of(user.pk, args.revoke)
        if token is None:
            message = f"{user.username} has no token {args.revoke}."
            raise LookupError(message)
        signin.token_revoke(actor=actor, token=token)
        print(f"Token {token.pk} ({token.name}) is revoked.", file=sys.stderr if args.json else sys.stdout)
    rows = selectors.tokens_of(user.pk)
    if args.json:
        names = ("name", "can_write", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
        print(to_json([{"id": row.pk, **{name: getattr(row, name) for name in names}} for row in rows]))
    elif args.revoke is None:
        for row in rows:
            state = (
                "revoked"
                if row.revoked_at
                else f"until {row.expires_at:%Y-%m-%d %H:%M}"
                if row.expires_at
                else "live"
            )
            may = "read and change" if row.can_write else "read"
            only = f" ({', '.join(row.scopes)})" if row.scopes else ""
            used = f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never"
            print(f"{row.pk:>6}  {row.name}: {may}{only}; {state}; last used {used}")
    return 0


def _unlock(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    user = _named(args.username)
    if args.sign_out:
        sessions.sessions_end(actor=actor, user=user, reason="ended at the command line")
        print(f"{user.username} is signed out on every device.")
    if args.remove_second_factor:
        had = factors.factors_reset(actor=actor, user=user)
        print(
            f"The second factor of {user.username} is removed."
            if had
            else f"{user.username} has no second factor."
        )
    if not args.sign_out and not args.remove_second_factor:
        was = lockout.account_unlock(actor=actor, user=user)
        print(f"{user.username} may sign in again." if was else f"{user.username} was not locked.")
    return 0


def _decisions(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    if args.action == "export":
        text = yaml.safe_dump(decisions.export_documents(args.kind), sort_keys=False, allow_unicode=True)
        if args.file:
            Path(args.file).write_text(text, encoding="utf-8")
        else:
            print(text, end="")
        return 0
    text = read_text(args.file) if args.file else sys.stdin.read()
    try:
        documents = yaml.safe_load(text) or []
    except yaml.YAMLError as error:
        message = f"That is no YAML: {error}"
        raise ValueError(message) from error
    if not isinstance(documents, list) or not all(isinstance(d, dict) for d in documents):
        raise ValueError("The file must be a list of decisions, each with kind, subject and values.")
    with second_person.noted() as waiting:
        changed = decisions.import_documents(documents, actor=actor, reason=args.reason)
    print(f"{changed} decisions recorded, {len(documents) - changed} already in force.")
    if waiting:
        print(second_person.words(len(waiting)))
    return 0

"""The sign-in links a demo shows: one for each of its accounts, anew at every start."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from salesops.platform import signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.cli import sign_in_path
from salesops.platform.home import home_prepare
from salesops.platform.selectors import account_named
from salesops.project import standing


def made_links(accounts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """A new one-time link for each account that may sign in.

    Args:
        accounts: label and user name of each.

    Returns:
        Label and sign-in path.
    """
    users = [(label, account_named(username)) for label, username in accounts]
    return [
        (label, sign_in_path(signin.link_create(actor=LOCAL_ADMINISTRATOR, user=user)))
        for label, user in users
        if user is not None and user.is_active
    ]


def print_links(links: Iterable[tuple[str, str]], base: str) -> None:
    """Print them, a line each, below the server's address."""
    for label, path in links:
        print(f"  {label:<52} {base}{path}")


def welcome(base: str) -> None:
    """From within the server that will stand at ``base``: print the links of this home's demo once it answers.

    The home is brought to this version before this returns.
    """
    home_prepare()
    threading.Thread(target=_when_it_answers, args=(base,), name="salesops-welcome", daemon=True).start()


def _when_it_answers(base: str) -> None:
    address = urlsplit(base)
    while True:
        with suppress(OSError), socket.create_connection((address.hostname, address.port)):
            break
        time.sleep(0.02)
    if hasattr(sys.stdout, "reconfigure"):  # as the command's: names are of any script
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    try:
        held = standing.read(Path(settings.HOME))
        if held is not None:
            print("\nSign in once by one of these links:")
            print_links(made_links(held.accounts), base)
    except Exception as error:  # noqa: BLE001 - the server stands all the same
        print(f"No links could be made ({error}): salesops demo --no-serve makes some.")
    finally:
        connection.close()
        print(f"\nServing {base}  (stop with Ctrl+C)", flush=True)

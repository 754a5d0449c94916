"""The ``salesops`` command: every verb of every domain under one roof. Wiring only.

Exit codes: 0 done; 1 the work ran and found something wrong (a failed case, an import that
landed no row); 2 the command was called wrongly; 3 there is no data yet.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import salesops
from salesops.project.loading import loading
from salesops.project.standing import serve_if_it_stands

DONE, FOUND_WRONG, CALLED_WRONGLY, NO_DATA = 0, 1, 2, 3


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; the reference page is checked against it."""
    _set_up()
    from salesops.analytics import cli as analytics_cli
    from salesops.analytics import replay_cli, waterfall_cli
    from salesops.ask import cli as ask_cli
    from salesops.ask import mcp as ask_mcp
    from salesops.crm import cli as crm_cli
    from salesops.crm import watch_cli
    from salesops.dashboards import cli as dashboards_cli
    from salesops.permissions import cli as permissions_cli
    from salesops.platform import cli as platform_cli
    from salesops.platform import job_cli
    from salesops.platform.safekeeping import cli as safekeeping_cli
    from salesops.project import commands
    from salesops.reports import cli as reports_cli

    parser = argparse.ArgumentParser(
        prog="salesops", description="Sales operations from a CRM export to numbers you can open."
    )
    parser.add_argument("--version", action="version", version=f"salesops {salesops.__version__}")
    parser.add_argument("--home", metavar="DIR", help="folder of decisions and facts (else SALESOPS_HOME)")
    parser.add_argument(
        "--as", dest="as_user", metavar="USER", help="act as this account instead of the administrator"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    of_platform = (platform_cli, permissions_cli, job_cli, safekeeping_cli)
    of_domains = (
        crm_cli,
        watch_cli,
        analytics_cli,
        waterfall_cli,
        replay_cli,
        dashboards_cli,
        ask_cli,
        ask_mcp,
        reports_cli,
    )
    for module in (*of_platform, *of_domains, commands):
        module.add_commands(verbs)
    return parser


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.project.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
        from salesops.platform import second_person

        second_person.check_settings()


def _home_option(argv: Sequence[str]) -> None:
    """``--home`` decides the settings, so it is read before Django is."""
    early = argparse.ArgumentParser(add_help=False)
    early.add_argument("--home")
    early.add_argument("--into", dest="home")  # of restore: the home that it fills
    known, _ = early.parse_known_args(argv)
    if known.home:
        os.environ["SALESOPS_HOME"] = str(Path(known.home).expanduser().resolve())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    if arguments == ["--version"]:  # asked for often, and by installers: not worth loading the application
        print(f"salesops {salesops.__version__}")
        return DONE
    _home_option(arguments)
    if argv is None:
        serve_if_it_stands(arguments)
    with loading():
        parser = build_parser()
    args = parser.parse_args(arguments)
    if argv is None and args.verb in BEHIND:
        _give_way()
    return run(args)


BEHIND = frozenset({"import", "watch", "worker", "backup", "facts"})
"""Commands that work for long while people wait at pages, often on the same machine."""


def _give_way() -> None:
    """Let the server's process go first where both want the processor; alone on a machine it costs nothing."""
    if hasattr(os, "nice"):  # not on Windows
        with contextlib.suppress(OSError):
            os.nice(10)


def run(args: argparse.Namespace) -> int:
    """Run a parsed command, with every expected refusal as one readable line."""
    from django.core.exceptions import ValidationError

    from salesops.facts.errors import FactsError
    from salesops.platform.access import NotAllowedError
    from salesops.process.inputs import NoDataError

    try:
        return int(args.run(args) or DONE)
    except NoDataError as error:
        print(f"{error} Run: salesops import FILE", file=sys.stderr)
        return NO_DATA
    except NotAllowedError as error:
        print(str(error), file=sys.stderr)
        return FOUND_WRONG
    except ValidationError as error:
        print("\n".join(error.messages), file=sys.stderr)
        return CALLED_WRONGLY
    except (LookupError, ValueError, OSError, FactsError) as error:
        print(_sentence(error), file=sys.stderr)
        return CALLED_WRONGLY
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}."
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return text or type(error).__name__


if __name__ == "__main__":
    raise SystemExit(main())

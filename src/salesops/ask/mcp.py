"""The command mcp: a server for assistants (Model Context Protocol) on standard input and output.

It acts as the local administrator, as the account named by ``--as``, or as the account of the token in
``SALESOPS_TOKEN``, and never reaches further. Every tool only reads. Every call of a known account is in the
audit ledger, answered or refused; a call that is turned away for its token is not.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from pydantic import Field, ValidationError

import salesops
from salesops.ask.services import call_record
from salesops.ask.tools import MOST_ROWS, TOOLS, Reader, sized
from salesops.platform import home, rate, reading
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR, actor_of
from salesops.platform.selectors import account_named
from salesops.platform.signin import token_find

TOKEN = "SALESOPS_TOKEN"  # noqa: S105 (the name of a variable)
INSTALL = (
    "The package mcp is not installed, which this command needs. "
    'Install it beside salesops: pip install "mcp>=2.3,<3"'
)
INSTRUCTIONS = (
    "Sales numbers and deals of one company, read with the rights of one account. Each number has one definition: "
    "call metric by its name, or ask a question in words. Call describe_schema first to see numbers, dimensions and "
    "tables. A value that is null has a reason: tell it, and never put 0 in its place. Words of a question that "
    "were not understood stand in not_understood: tell them with the answer. Everything only reads."
)
FAILED = "The server could not answer; its log says why."
_log = logging.getLogger(__name__)

NumberName = Annotated[
    str, Field(description="name of a number, as describe_schema lists it, such as win_rate_count")
]
Days = Annotated[
    str, Field(description="2026-Q3, 2026, 2026-08, 2026-01-01..2026-03-31, quarter, month, year, all")
]
Conditions = Annotated[
    list[str] | None,
    Field(
        description="column:operator:value, several values parted by |, such as region:eq:EMEA or amount:ge:5000"
    ),
]
AsOf = Annotated[str, Field(description="state as of the end of this day, such as 2026-06-30; empty for now")]
KnownAt = Annotated[
    str,
    Field(
        description="with facts and decisions as known at the end of a day (2026-06-30), at an instant, or at a "
        "facts version (v12); empty for now"
    ),
]


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verbs."""
    serving = verbs.add_parser(
        "mcp", help="serve an assistant on standard input and output (Model Context Protocol); it only reads"
    )
    serving.set_defaults(run=_mcp)


def _mcp(args: argparse.Namespace) -> int:
    if missing():
        sys.stderr.write(INSTALL + "\n")
        return 1
    home.home_prepare()
    door = Door(args)
    door.reader()  # a wrong name or token is told at once, not at the first call
    server(door).run("stdio")
    return 0


def missing() -> bool:
    """Whether the package that speaks the protocol is not there."""
    try:
        import_module("mcp.server")
    except ImportError:
        return True
    return False


class Door:
    """Whom the server reads for: found anew at every call, so that a right that was taken away is gone.

    Args:
        args: of the command line: ``as_user``.
        secret: a token, instead of the one in the environment.
    """

    def __init__(self, args: argparse.Namespace, secret: str | None = None) -> None:
        self.args = args
        self.secret = os.environ.get("SALESOPS_TOKEN", "").strip() if secret is None else secret

    def reader(self) -> Reader:
        """The account and, of a token, its scopes.

        Raises:
            LookupError: there is no such account.
            NotAllowedError: the token is unknown, revoked or expired, used too often, or named beside an account.
        """
        name = getattr(self.args, "as_user", None)
        if not self.secret:
            return Reader(LOCAL_ADMINISTRATOR if name is None else actor_of(self._account(name)))
        if name is not None:
            raise NotAllowedError(f"Name an account by --as or by {TOKEN}, not by both.")
        token = token_find(self.secret)
        if token is None:
            raise NotAllowedError(f"The token in {TOKEN} is unknown, revoked or expired.")
        if wait := rate.api.take(token.pk, settings.API_REQUESTS_PER_MINUTE):
            raise NotAllowedError(f"This token is used too often: ask again in {wait} seconds.")
        return reader_of(token, "stdio")

    @staticmethod
    def _account(name: str) -> Any:
        found = account_named(name)
        if found is None:
            message = f"There is no account named {name!r}."
            raise LookupError(message)
        return found


def reader_of(token: Any, door: str) -> Reader:
    """A token's account and scopes, at a door."""
    return Reader(actor_of(token.user), tuple(token.scopes or ()), door, f"{token.pk} {token.name}")


def call(door: Door, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """One call: as the account of now, in one state of the data, recorded whether it is answered or refused.

    Whom the door turns away is not recorded.

    Raises:
        ValueError, LookupError, PermissionError: it is refused; the message says why.
    """
    close_old_connections()
    reader = door.reader()
    record = _recorder(reader, tool, arguments)
    try:
        with reading.one_state():
            told = TOOLS[tool](reader, **arguments)
            value = sized(told)
    except (ValueError, LookupError, PermissionError, OverflowError) as error:
        record(rows=None, refusal=words(error))
        raise
    except DatabaseError:
        raise  # nothing can be written where this comes from
    except Exception:
        record(rows=None, refusal=FAILED)
        raise
    record(rows=told.rows, refusal=told.refusal)
    return value


def misfit(door: Door, tool: str, arguments: Mapping[str, Any], why: str) -> None:
    """Record a call that reached no tool: there is none of that name, or the arguments do not fit its schema.

    Whom the door turns away is not recorded, as for every call.
    """
    close_old_connections()
    with suppress(LookupError, PermissionError):
        known = (
            {k: v for k, v in arguments.items() if k in signature(TOOLS[tool]).parameters}
            if tool in TOOLS
            else {}
        )
        _recorder(door.reader(), tool if tool in TOOLS else "no such tool", known)(rows=None, refusal=why)


def _unfit(tool: str, error: BaseException) -> str:
    """Why a call reached no tool, without the values that were sent; "" where it reached one."""
    if tool not in TOOLS:
        return f"There is no tool {tool!r:.60}."
    if not isinstance(error.__cause__, ValidationError):
        return ""
    places = {".".join(str(part) for part in one["loc"]) for one in error.__cause__.errors()}
    return f"These arguments do not fit the tool: {', '.join(sorted(places))}."


def _recorder(reader: Reader, tool: str, arguments: Mapping[str, Any]) -> Callable[..., None]:
    return partial(
        call_record,
        actor=reader.actor,
        tool=tool,
        arguments=arguments,
        door=reader.door,
        token=reader.token,
    )


def words(error: BaseException) -> str:
    """An error as a sentence."""
    text = str(error.args[0]) if error.args else type(error).__name__
    return text[:1].upper() + text[1:]


def server(door: Door) -> Any:
    """The server with its tools. Needs the package ``mcp``."""
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.types import ToolAnnotations

    class Recording(MCPServer):
        """Records the calls, too, that the package refuses before they reach a tool."""

        async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
            try:
                return await super().call_tool(name, arguments, context)
            except ToolError as error:
                if why := _unfit(name, error):
                    await sync_to_async(misfit, thread_sensitive=True)(door, name, arguments, why)
                raise

    # A server that reads the whole firm for one person says so little in its log as it can.
    made = Recording(
        "salesops",
        title="salesops",
        version=salesops.__version__,
        instructions=INSTRUCTIONS,
        log_level="WARNING",
    )
    reads = ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )

    async def run(tool: str, **arguments: Any) -> dict[str, Any]:
        try:
            return await sync_to_async(call, thread_sensitive=True)(door, tool, arguments)
        except (ValueError, LookupError, PermissionError, OverflowError) as error:
            raise ToolError(words(error)) from error
        except Exception as error:
            _log.exception("the tool %s failed", tool)
            raise ToolError(FAILED) from error

    @made.tool(title="What there is to ask", annotations=reads)
    async def describe_schema(
        about: Annotated[
            str, Field(description="a number or a table to describe in full; empty for everything")
        ] = "",
        known_at: KnownAt = "",
    ) -> dict[str, Any]:
        """Numbers with their definitions, tables and columns that may be seen, and dimensions to split by."""
        return await run("describe_schema", about=about, known_at=known_at)

    @made.tool(title="List rows of a table", annotations=reads)
    async def query(
        table: Annotated[str, Field(description="deals, or a table of records that describe_schema names")],
        columns: Annotated[
            list[str] | None, Field(description="columns to give; the usual ones where empty")
        ] = None,
        filters: Conditions = None,
        sort: Annotated[str, Field(description="column to sort by, a minus before it for descending")] = "",
        limit: Annotated[int, Field(description=f"rows to give, 1 to {MOST_ROWS}")] = 20,
        offset: Annotated[int, Field(description="rows to pass over")] = 0,
        as_of: AsOf = "",
        known_at: KnownAt = "",
    ) -> dict[str, Any]:
        """Rows of one table with the number of all rows that meet the filters."""
        return await run(
            "query", table=table, columns=columns or [], filters=filters or [], sort=sort, limit=limit,
            offset=offset, as_of=as_of, known_at=known_at,
        )  # fmt: skip

    @made.tool(title="One number", annotations=reads)
    async def metric(
        name: NumberName,
        period: Days = "quarter",
        by: Annotated[list[str] | None, Field(description="at most two dimensions to split by")] = None,
        filters: Conditions = None,
        as_of: AsOf = "",
        rows: Annotated[
            int, Field(description=f"how many of the rows behind it to give, 0 to {MOST_ROWS}")
        ] = 0,
        side: Annotated[str, Field(description="which side's rows; the first side where empty")] = "",
        known_at: KnownAt = "",
    ) -> dict[str, Any]:
        """A number with its definition, what it rests on, its groups, and links to its rows; null has a reason."""
        return await run(
            "metric",
            name=name,
            period=period,
            by=by or [],
            filters=filters or [],
            as_of=as_of,
            rows=rows,
            side=side,
            known_at=known_at,
        )

    @made.tool(title="What a number rests on", annotations=reads)
    async def explain(
        name: NumberName,
        period: Days = "quarter",
        filters: Conditions = None,
        as_of: AsOf = "",
        known_at: KnownAt = "",
    ) -> dict[str, Any]:
        """Definition and formula, the sets of rows with their counts, the query, facts version and decisions."""
        return await run(
            "explain", name=name, period=period, filters=filters or [], as_of=as_of, known_at=known_at
        )

    @made.tool(title="A question in words", annotations=reads)
    async def ask(
        question: Annotated[
            str, Field(description="such as: win rate by region last quarter; or: deals without next step")
        ],
        known_at: KnownAt = "",
    ) -> dict[str, Any]:
        """Answer a question in plain English by fixed rules, and say what was understood and what was not."""
        return await run("ask", question=question, known_at=known_at)

    return made

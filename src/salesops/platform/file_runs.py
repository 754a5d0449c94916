"""Files that leave the house, recorded as runs: what was asked, of which facts and decisions, and its figures.

A file is made from sheets; their cells are counted as they pass, so that a list of a million rows is
neither read twice nor kept. Asked again, the same page is answered from the same facts version and
decisions, and the two counts are compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from salesops.platform import page_files, reading, runs
from salesops.platform.actors import Actor, actor_of
from salesops.platform.manifest_history import pinned_text
from salesops.platform.models import Run, User
from salesops.ui.exports import Column, Sheet

KIND = "file"
KNOWN_AT = "known_at"
"""The address parameter that says when something was known."""
MOST_CELLS = 2_000
"""Cells of a sheet kept with the run, for a replay to name what differs; larger ones keep their sums."""
BEGINNING = 20
"""First rows of each sheet that are kept while a file is made, to be shown beside it."""
_FIGURES = ("money", "number", "integer", "ratio")

_replaying: ContextVar[list[Tally] | None] = ContextVar("replaying", default=None)


@dataclass(frozen=True)
class Begun:
    """The beginning of a sheet, with how many rows it has in all."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Any, ...]
    total: int


class Tally:
    """What passes through a file: its cells as a digest, its figures, and the first rows of each sheet."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._sheets: list[dict[str, Any]] = []
        self._first: list[tuple[Sheet, list[Any]]] = []

    def sheets(self, sheets: Sequence[Sheet]) -> list[Sheet]:
        """The same sheets, counted as their rows are read."""
        return [replace(sheet, rows=self._counted(sheet)) for sheet in sheets]

    def _counted(self, sheet: Sheet) -> Iterator[Any]:
        heads = [column.heading for column in sheet.columns]
        sums: dict[str, Decimal] = {}
        kept: list[list[str]] | None = []
        told: dict[str, Any] = {"name": sheet.name, "columns": heads, "rows": 0, "sums": {}, "cells": kept}
        first: list[Any] = []
        self._sheets.append(told)
        self._first.append((sheet, first))
        self._hash.update(_line([sheet.name, *heads]))
        for row in sheet.rows:
            cells = [_cell(column, column.value(row)) for column in sheet.columns]
            self._hash.update(_line(cells))
            told["rows"] += 1
            if len(first) < BEGINNING:
                first.append(row)
            for column, head, cell in zip(sheet.columns, heads, cells, strict=True):
                if column.kind in _FIGURES and cell:
                    sums[head] = sums.get(head, Decimal(0)) + Decimal(cell)
            if kept is not None:
                kept.append(cells)
                if len(kept) * len(heads) > MOST_CELLS:
                    kept = told["cells"] = None
            yield row
        told["sums"] = {head: _plain(value) for head, value in sums.items()}

    @property
    def digest(self) -> str:
        """Over every cell, in order."""
        return self._hash.hexdigest()

    def begun(self) -> list[Begun]:
        """The sheets that were read so far, in order."""
        return [
            Begun(sheet.name, tuple(sheet.columns), tuple(first), told["rows"])
            for (sheet, first), told in zip(self._first, self._sheets, strict=True)
        ]

    def document(self) -> dict[str, Any]:
        """Sheets with their rows, sums and, of small ones, cells."""
        return {"sheets": self._sheets}


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if column.kind in _FIGURES:
        return _plain(Decimal(column.number(value)))
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _line(cells: Iterable[str]) -> bytes:
    return ("\x1f".join(cells) + "\x1e").encode(errors="surrogatepass")


@dataclass(frozen=True)
class Started:
    """When a page began to be read, and the facts versions that it has read since."""

    at: datetime
    versions: list[str]


def started() -> Started:
    """Before anything of a file is read: from here on it is noted what it rests on."""
    return Started(timezone.now(), reading.begin())


class FileRun:
    """One file under way.

    Attributes:
        reference: name of the run, which the file states.
    """

    def __init__(self, request: HttpRequest, begun: Started, *, form: str, data_on: date | None) -> None:
        self.reference = runs.new_reference()
        self._tally = Tally()
        self._actor = actor_of(request.user)  # type: ignore[arg-type]
        back = getattr(request, "as_known", None)
        self._known_at = back.instant if back else begun.at
        self._versions = begun.versions
        self._as_of = _day(request.GET.get("as_of", "")) or data_on
        query = request.GET.copy()
        query.pop(KNOWN_AT, None)
        self._params = {"path": request.path, "query": query.urlencode(), "form": form}

    def sheets(self, sheets: Sequence[Sheet]) -> list[Sheet]:
        """The sheets that go into the file, counted."""
        return self._tally.sheets(sheets)

    def read(self, sheets: Sequence[Sheet]) -> None:
        """Count sheets whose figures the file shows otherwise than as rows."""
        for sheet in self._tally.sheets(sheets):
            for _ in sheet.rows:
                pass

    def begun(self) -> list[Begun]:
        """What went into the file: each sheet's first rows and how many it has, counted as it was written."""
        return self._tally.begun()

    def record(self, *, complete: bool = True) -> None:
        """The file is made: record it, or hand its figures to the replay that asked for it."""
        waiting = _replaying.get()
        if waiting is not None:
            waiting.append(self._tally)
            return
        more: dict[str, Any] = {} if complete else {"broken_off": True}
        if len(self._versions) > 1:  # an import came while the file was made
            more |= {"versions": self._versions}
        runs.run_record(
            KIND,
            self._params | more,
            actor=self._actor,
            manifest_id=next(iter(self._versions), None),
            known_at=self._known_at,
            as_of=self._as_of,
            result=self._tally.document(),
            reference=self.reference,
            digest=self._tally.digest,
        )

    def stream(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """A file that is read as it is made: recorded when it ends, also where its reader goes away."""
        complete = False
        try:
            yield from pieces
            complete = True
        finally:
            self.record(complete=complete)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def replay(actor: Actor, run: Run) -> Any:
    """The same page for the same account, from the run's facts and decisions.

    Raises:
        ValidationError: the page is not there any more, or has no rows for this account.
    """
    user = User.objects.filter(pk=actor.user_id).first()
    if user is None:
        raise ValidationError("A page is made for an account only.")
    query = QueryDict(run.params["query"], mutable=True)
    query[KNOWN_AT] = pinned_text(run.manifest_id, run.known_at)
    made: list[Tally] = []
    token = _replaying.set(made)
    try:
        response = page_files.answer(user, run.params["path"], query.urlencode())
        try:
            for _ in response if response.streaming else ():
                pass
        finally:
            response.close()
    finally:
        _replaying.reset(token)
    if not made:
        raise ValidationError("The page answered without a file.")
    return runs.digested(made[0].digest, made[0].document())


def opens(run: Run) -> str:
    """Address of the page as it was, without the file."""
    query = QueryDict(run.params["query"], mutable=True)
    for name in ("freeze", "export", "format"):
        query.pop(name, None)
    query[KNOWN_AT] = pinned_text(run.manifest_id, run.known_at)
    return f"{run.params['path']}?{query.urlencode()}"


def register() -> None:
    """Make the kind known."""
    runs.run_kinds.register(KIND, runs.RunKind("File", replay, opens))

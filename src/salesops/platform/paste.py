"""Tables pasted from a spreadsheet: tab-separated text as named cells."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError

MOST_ROWS = 20_000


def read_grid(
    text: str, columns: Mapping[str, Sequence[str]], *, needed: Sequence[str]
) -> list[dict[str, str]]:
    """Rows of a pasted table, each cell under its column's name, empty rows left out.

    The first row is taken for headers when one of its cells is a column's name or alias;
    otherwise cells are named in the order of ``columns``. Text without a tab may be separated
    by semicolons or commas.

    Args:
        text: as pasted.
        columns: name -> other headers it goes by, in any case.
        needed: columns that must be there.

    Raises:
        ValidationError: nothing was pasted, a header is unknown or missing, a row has too many cells.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValidationError("Paste at least one row.")
    delimiter = next((mark for mark in "\t;," if mark in lines[0]), "\t")
    read = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        cells = [stripped for row in read if any(stripped := [cell.strip() for cell in row])]
    except csv.Error as error:
        raise ValidationError(f"Row {read.line_num} can't be read: {error}.") from error
    if len(cells) > MOST_ROWS:
        raise ValidationError(f"Paste at most {MOST_ROWS:,} rows at a time.")
    names = _headers(cells[0], columns)
    if names is None:
        names = list(columns)
    else:
        cells = cells[1:]
    missing = [name for name in needed if name not in names]
    if missing:
        raise ValidationError(f"The column {missing[0]} is missing; the columns are {', '.join(columns)}.")
    if not cells:
        raise ValidationError("There is a header and no row below it.")
    for number, row in enumerate(cells, start=1):
        if len(row) > len(names) and any(row[len(names) :]):
            raise ValidationError(f"Row {number} has {len(row)} cells; the columns are {', '.join(names)}.")
    if max(len(row) for row in cells) < len(needed):
        raise ValidationError(f"Only one column was pasted; at least {', '.join(needed)} are needed.")
    return [dict(zip(names, row, strict=False)) for row in cells]


def _headers(row: Sequence[str], columns: Mapping[str, Sequence[str]]) -> list[str] | None:
    """Column names of a header row; None where the row holds data."""
    known = {alias.casefold(): name for name, aliases in columns.items() for alias in (name, *aliases)}
    found = [known.get(cell.casefold()) for cell in row]
    if not any(found):
        return None
    while found and not row[len(found) - 1]:
        found.pop()
    for cell, name in zip(row, found, strict=False):
        if name is None:
            raise ValidationError(f"The header {cell!r} is unknown; the columns are {', '.join(columns)}.")
        if found.count(name) > 1:
            raise ValidationError(f"Two columns are headed {name}.")
    return [name for name in found if name]


def fingerprint(*parts: object) -> str:
    """A short mark of what was previewed, so that only that can be confirmed."""
    return hashlib.sha256(repr([str(part) for part in parts]).encode()).hexdigest()[:16]

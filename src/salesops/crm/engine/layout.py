"""Where the table lies inside a report: header, groups, and rows that are no records.

A report saved from a CRM has a title and its filters above the header, prints a group's value
once, interleaves subtotals, leaves spacer columns, and ends in a confidentiality line. Nothing
is left out silently: every dropped row is listed with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

from salesops.crm.engine.aliases import is_known_label
from salesops.crm.engine.patterns import find_days, looks_numeric, looks_typed
from salesops.crm.engine.report_words import (
    ARROWS,
    AS_OF,
    FILTER,
    FOOTER,
    HEADING,
    RECORD_COUNT,
    TOTAL_PART,
    TOTAL_WHOLE,
)

Merge = tuple[tuple[int, int], tuple[int, int]]
"""First and last cell of a merged range as (row, column), counted from 0."""

_HEADER_SEARCH = 60


@dataclass(frozen=True)
class DroppedRow:
    """A physical row (from 1) that is no record, why, and its text."""

    row: int
    reason: str
    text: str


@dataclass(frozen=True)
class Layout:
    """The shape of one grid.

    Attributes:
        header_row: physical row of the header from 1; 0 where the first row is data already.
        columns: unique labels, arrows removed, group columns taken from headings last.
        positions: grid column (from 0) of each label; -1 for a column taken from headings.
        raw_labels: the labels as printed.
        group_columns: labels whose value is printed once per group and filled down.
        spacers: empty grid columns left out (from 0).
        renamed: (printed label, unique label) where labels were equal or empty.
        title: first line above the header.
        filters: other lines above the header or in the footer that say what the report shows.
        as_of: the report's own date, None where it names none or names it ambiguously.
        as_of_text: the words it was read from.
        above: rows above the header, with reasons.
        notes: sentences for the user.
        heading_style: how group headings on lines of their own read: "pairs" (Stage: Won), "values", "".
        report_like: whether anything says that a person's report was saved, not a raw table.
        last_record: physical row of the last record, 0 where only the head of the grid was seen.
        has_records: whether any row below the header is a record.
    """

    header_row: int
    columns: tuple[str, ...]
    positions: tuple[int, ...]
    raw_labels: tuple[str, ...] = ()
    group_columns: tuple[str, ...] = ()
    spacers: tuple[int, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    title: str = ""
    filters: tuple[str, ...] = ()
    as_of: date | None = None
    as_of_text: str = ""
    above: tuple[DroppedRow, ...] = ()
    notes: tuple[str, ...] = ()
    heading_style: str = ""
    report_like: bool = False
    last_record: int = 0
    has_records: bool = False

    @property
    def plain(self) -> bool:
        """Whether the grid is a header over records and nothing else."""
        return (
            self.header_row <= 1
            and not self.group_columns
            and not self.spacers
            and not self.heading_style
            and all(p >= 0 for p in self.positions)
        )


@dataclass
class _Body:
    """What the rows below the header look like."""

    rows: list[tuple[int, Sequence[str]]] = field(default_factory=list)
    totals: int = 0
    footers: int = 0
    lone: list[tuple[int, int, str]] = field(default_factory=list)  # index in rows, column, text


def find_layout(
    grid: Sequence[Sequence[str]], *, merges: Iterable[Merge] = (), complete: bool = True
) -> Layout:
    """Find header, spacers and groups in a grid of cell texts whose first row is physical row 1.

    The grid may be the head of a longer table (``complete`` is false then). ``merges`` are the
    workbook's merged ranges; call :func:`fill_merges` on the grid first so that vertical ones are
    filled down.
    """
    merges = tuple(merges)
    filled = [sum(1 for c in row if c.strip()) for row in grid]
    if not any(filled):
        return Layout(0, (), ())
    header = _find_header(grid, filled)
    width = max(len(row) for row in grid)
    body = _body(grid, filled, header)
    has_data = [any(len(r) > j and r[j].strip() for _, r in body.rows) for j in range(width)]
    printed = [_cell(grid[header], j) if header >= 0 else "" for j in range(width)]
    upper = _spanning_labels(grid, merges, header)
    positions = [j for j in range(width) if printed[j].strip() or has_data[j]]
    spacers = tuple(j for j in range(width) if j not in set(positions) and j < _last(positions))
    labels, renamed = _labels(
        [_join(upper.get(j, ""), printed[j]) for j in positions], positions, header >= 0
    )
    above, title, filters, as_of, as_of_text = _above(grid, filled, header)
    arrows = {j for j in positions if any(a in printed[j] for a in ARROWS)}
    merged_columns = {c1 for (r1, c1), (r2, c2) in merges if r2 > r1 and c1 == c2 and r1 > header}
    report = bool(body.totals or title or merged_columns)
    groups = [] if merged_columns & set(positions[:1]) else _group_columns(body, positions, arrows, report)
    style, heading_labels = _headings(body, positions, groups, report)
    columns, places = list(labels), list(positions)
    for label in heading_labels:
        columns.append(_unique(label, set(columns)))
        places.append(-1)
    notes = []
    if header < 0:
        notes.append("The file has no header row; its columns are numbered.")
    if groups:
        named = ", ".join(labels[positions.index(j)] for j in groups)
        notes.append(f"Group values printed once were filled down: {named}.")
    if heading_labels:
        notes.append(f"Group headings became columns: {', '.join(columns[len(labels) :])}.")
    return Layout(
        header_row=header + 1,
        columns=tuple(columns),
        positions=tuple(places),
        raw_labels=tuple(printed[j] for j in positions),
        group_columns=tuple(labels[positions.index(j)] for j in groups),
        spacers=spacers,
        renamed=renamed,
        title=title,
        filters=filters,
        as_of=as_of,
        as_of_text=as_of_text,
        above=above,
        notes=tuple(notes),
        heading_style=style,
        report_like=report or header > 0 or bool(arrows) or body.footers > 0,
        last_record=body.rows[-1][0] if body.rows and complete else 0,
        has_records=bool(body.rows or body.lone),
    )


def fill_merges(grid: list[list[str]], merges: Iterable[Merge]) -> None:
    """Copy a vertically merged cell's value to every row it covers, in place."""
    for (r1, c1), (r2, _c2) in merges:
        if r2 > r1 and r1 < len(grid) and c1 < len(grid[r1]) and grid[r1][c1].strip():
            for r in range(r1 + 1, min(r2 + 1, len(grid))):
                if c1 < len(grid[r]) and not grid[r][c1].strip():
                    grid[r][c1] = grid[r1][c1]


def rows_of(
    layout: Layout, rows: Iterable[tuple[int, Sequence[str]]], dropped: list[DroppedRow]
) -> Iterator[tuple[int, list[str]]]:
    """The records of a grid: numbered rows in, numbered rows of ``layout.columns`` out.

    Rows that are no records are added to ``dropped``. Group values are filled down.
    """
    dropped.extend(layout.above)
    state = _Reading(layout)
    waiting: list[tuple[int, Sequence[str]]] = []
    for number, row in rows:
        if number <= layout.header_row:
            continue
        verdict = state.verdict(number, row)
        if verdict == "heading":
            waiting.append((number, row))
        elif verdict:
            dropped.append(DroppedRow(number, verdict, row_text(row)))
        else:
            for at, held in waiting:
                state.take_heading(held)
                dropped.append(DroppedRow(at, "group heading", row_text(held)))
            waiting.clear()
            yield number, state.record(row)
    for at, held in waiting:
        dropped.append(DroppedRow(at, "line below the last record", row_text(held)))


class _Reading:
    """Group values in force while rows are read from top to bottom."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.groups = [layout.positions[layout.columns.index(c)] for c in layout.group_columns]
        self.current: dict[int, str] = {}
        self.headings = {c: "" for c, p in zip(layout.columns, layout.positions, strict=True) if p < 0}
        self.labels = [clean_label(label) for label in layout.raw_labels]

    def verdict(self, number: int, row: Sequence[str]) -> str:
        """Why a row is no record, "heading" for a line that may head a group, "" for a record."""
        verdict = classify(row, self.layout, self.labels)
        if verdict != "lone":
            return verdict
        if self.layout.heading_style:
            return "heading"
        position = _lone_position(row)
        if position in self.groups:
            self.current[position] = row[position]
            _clear_inner(self.current, self.groups, position)
            return "group heading"
        below = self.layout.report_like and 0 < self.layout.last_record < number
        return "line below the last record" if below else ""

    def take_heading(self, row: Sequence[str]) -> None:
        """Put a group heading in force."""
        name, value = _read_heading(row, self.layout, list(self.headings))
        self.headings[name] = value

    def record(self, row: Sequence[str]) -> list[str]:
        """The row under the layout's columns, group values filled down."""
        cells = list(row)
        for position in self.groups:
            if _cell(cells, position).strip():
                self.current[position] = cells[position]
                _clear_inner(self.current, self.groups, position)
        for position in self.groups:
            if position < len(cells) and not cells[position].strip():
                cells[position] = self.current.get(position, "")
        layout = self.layout
        return [
            self.headings[c] if p < 0 else _cell(cells, p)
            for c, p in zip(layout.columns, layout.positions, strict=True)
        ]


def _clear_inner(current: dict[int, str], groups: list[int], outer: int) -> None:
    for position in groups[groups.index(outer) + 1 :]:
        current.pop(position, None)


def classify(row: Sequence[str], layout: Layout, labels: Sequence[str] = ()) -> str:
    """Why a row below the header is no record; "" for a record, "lone" for a single filled cell."""
    cells = [c.strip() for c in row if c.strip()]
    if not cells:
        return "blank row"
    if _is_footer(cells, layout):
        return "footer"
    wide = sum(1 for p in layout.positions if p >= 0)
    if wide > 1 and is_total(cells, wide):
        return "subtotal or total"
    if len(cells) > 1 and labels and _is_header(row, layout, labels):
        return "repeated header"
    if len(cells) == 1 and wide >= 3 and not looks_numeric(cells[0]):
        return "lone"
    return ""


def _is_header(row: Sequence[str], layout: Layout, labels: Sequence[str]) -> bool:
    for position, label in zip((p for p in layout.positions if p >= 0), labels, strict=False):
        if clean_label(_cell(row, position)) != label:
            return False
    return True


def is_total(cells: Sequence[str], width: int) -> bool:
    """Whether the filled cells of a row are a subtotal, total or count line.

    A company called "Total Energies" or "Count Basie Ltd" is safe: its row holds other text.
    """
    words = 0
    rest = 0
    figures = 0
    for i, cell in enumerate(cells):
        if TOTAL_WHOLE.match(cell):
            words += 1
        elif looks_numeric(cell) or RECORD_COUNT.match(cell):  # "36 records" may stand beside "Grand Total"
            figures += 1
        elif TOTAL_PART.match(cell):
            words += 1
        elif i == 0:
            rest += 1  # the group's own value may stand before "Subtotal"
        else:
            return False
    if not words or (rest and (not figures or len(cells) >= width)):
        return False
    if len(cells) == 1:
        return bool(TOTAL_WHOLE.match(cells[0])) or (len(cells[0]) < 80 and width > 3)
    return len(cells) < width or bool(TOTAL_WHOLE.match(cells[0]))


def _is_footer(cells: Sequence[str], layout: Layout) -> bool:
    if len(cells) > 3:
        return False
    wide = sum(1 for p in layout.positions if p >= 0)
    if wide <= len(cells) and wide < 2:
        return bool(FOOTER.search(cells[0]) and len(cells[0]) < 200 and layout.report_like)
    if len(cells) == 1:
        return bool(FOOTER.search(cells[0]) or RECORD_COUNT.match(cells[0]) or AS_OF.match(cells[0]))
    return bool(FOOTER.search(cells[0]) and len(cells) < wide) or (
        bool(re.fullmatch(r"(?i)(?:total\s+)?(?:records?|rows?)\s*:?", cells[0])) and looks_numeric(cells[1])
    )


def _find_header(grid: Sequence[Sequence[str]], filled: Sequence[int]) -> int:
    """Index of the header row, -1 where the table starts with data."""
    counts = sorted(n for n in filled if n)
    typical = counts[int(len(counts) * 0.8)] if counts else 0
    scores: dict[int, tuple[float, float]] = {}
    first = next(i for i, n in enumerate(filled) if n)
    for i in range(first, min(len(grid), first + _HEADER_SEARCH)):
        if filled[i] == 0 or (typical > 2 and filled[i] < 2):
            continue
        cells = [clean_label(c) for c in grid[i] if c.strip()]
        typed = sum(1 for c in cells if looks_typed(c))
        known = sum(1 for c in cells if is_known_label(c))
        if typed > len(cells) * 0.34 and known < len(cells) * 0.5:
            continue
        size = min(1.0, len(cells) / max(typical, 1))
        words = 1 - typed / len(cells)
        short = sum(1 for c in cells if len(c) <= 60) / len(cells)
        distinct = len({c.lower() for c in cells}) / len(cells)
        score = size * 3 + words + short + distinct * 0.5 + (known / len(cells)) * 1.5
        if is_total(cells, typical) or (len(cells) == 2 and typical > 2 and cells[0].endswith(":")):
            score -= 2
        score -= 0.004 * (i - first)
        scores[i] = score, size
    if not scores:
        return -1
    best = max(scores, key=lambda i: scores[i][0])
    # a data dictionary's rows look like labels too: the first full row of labels is the header
    return next(
        i
        for i, (score, size) in scores.items()
        if i == best or (size >= 0.9 and score >= scores[best][0] - 1.25)
    )


def _body(grid: Sequence[Sequence[str]], filled: Sequence[int], header: int) -> _Body:
    body = _Body()
    wide = max((filled[header] if header >= 0 else 0), 1)
    stub = Layout(header + 1, ("",) * wide, tuple(range(wide)), report_like=header > 0)
    for i in range(header + 1, len(grid)):
        verdict = classify(grid[i], stub)
        if verdict == "subtotal or total":
            body.totals += 1
        body.footers += verdict == "footer"
        if verdict == "lone":
            j = _lone_position(grid[i])
            body.lone.append((len(body.rows), j, grid[i][j].strip()))
            continue
        if not verdict:
            body.rows.append((i + 1, grid[i]))
    return body


def _group_columns(body: _Body, positions: Sequence[int], arrows: set[int], report: bool) -> list[int]:
    """Leading columns whose value is printed once per group."""
    groups: list[int] = []
    lone_columns = {j for _, j, _ in body.lone}
    outer_starts = [True] + [False] * max(len(body.rows) - 1, 0)
    for j in positions[:5]:
        values = [_cell(row, j).strip() for _, row in body.rows]
        shown = [v for v in values if v]
        if not values or len(body.rows) < 2:
            break
        if not shown and j in lone_columns and report:
            groups.append(j)  # every value of the group stands on a row of its own
            continue
        if not shown or len(shown) > 0.75 * len(values):
            break
        starts = [bool(v) for v in values]
        heads_here = j in lone_columns
        if not values[0] and not heads_here:
            break
        if groups and any(outer and not own for outer, own in zip(outer_starts, starts, strict=True)):
            break
        if not (report or j in arrows):
            break
        adjacent = any(a and a == b for a, b in pairwise(values))
        if adjacent or (not groups and len(set(shown)) < len(shown) and not body.totals):
            break
        groups.append(j)
        outer_starts = [a or b for a, b in zip(outer_starts, starts, strict=True)]
    return groups


def _headings(
    body: _Body, positions: Sequence[int], groups: Sequence[int], report: bool
) -> tuple[str, list[str]]:
    """Lines of one cell above their rows: ("pairs", labels) for "Stage: Won", ("values", ["Group"])."""
    lone = [(at, j, text) for at, j, text in body.lone if at < len(body.rows) and j not in groups]
    if not lone or not body.rows:
        return "", []
    pairs = [HEADING.match(text) for _, _, text in lone]
    if all(pairs) and (report or len(lone) > 1):
        labels: list[str] = []
        for match in pairs:
            assert match is not None  # all(pairs)
            if match["label"].strip() not in labels:
                labels.append(match["label"].strip())
        if len(labels) <= 4:
            return "pairs", labels
    if report and (lone[0][0] == 0 or len(lone) > 1) and len({j for _, j, _ in lone}) == 1:
        return "values", ["Group"]
    return "", []


def _read_heading(row: Sequence[str], layout: Layout, names: Sequence[str]) -> tuple[str, str]:
    text = row[_lone_position(row)].strip()
    if layout.heading_style == "pairs":
        match = HEADING.match(text)
        if match:
            label = match["label"].strip()
            for name in names:
                if name == label or name.startswith(f"{label} ("):
                    return name, match["value"].strip()
    return names[0], re.sub(r"\s*\(\s*[\d.,]+\s*[^)\d]*\)\s*$", "", text)


def _above(
    grid: Sequence[Sequence[str]], filled: Sequence[int], header: int
) -> tuple[tuple[DroppedRow, ...], str, tuple[str, ...], date | None, str]:
    above: list[DroppedRow] = []
    title, filters = "", []
    as_of, as_of_text = None, ""
    for i in range(max(header, 0)):
        text = row_text(grid[i])
        if not filled[i]:
            above.append(DroppedRow(i + 1, "blank row", ""))
            continue
        day, words = find_as_of(text)
        if words and not as_of_text:
            as_of, as_of_text = day, words
            above.append(DroppedRow(i + 1, "report date", text))
        elif not title:
            title = text
            above.append(DroppedRow(i + 1, "title", text))
        else:
            filters.append(text)
            above.append(DroppedRow(i + 1, "filter" if FILTER.match(text) else "line above the header", text))
    if not as_of_text and title:
        as_of, as_of_text = find_as_of(title)
    return tuple(above), title, tuple(filters), as_of, as_of_text


def find_as_of(text: str) -> tuple[date | None, str]:
    """The day an "As of ..." line names: (day or None where ambiguous, its words or "")."""
    match = AS_OF.search(text)
    if not match:
        return None, ""
    days = find_days(match["text"])
    if not days:
        return None, ""
    return (days[0] if len(days) == 1 else None), match[0].strip()


def with_footer_facts(layout: Layout, dropped: Sequence[DroppedRow]) -> Layout:
    """The layout with the report date and filters its footer names, where the head names none."""
    for row in dropped:
        if row.row > layout.header_row and row.reason == "footer" and not layout.as_of_text:
            day, words = find_as_of(row.text)
            if words:
                layout = replace(layout, as_of=day, as_of_text=words)
    return layout


def unique_labels(labels: Sequence[str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Labels cleaned and made unique, and the (printed, unique) pairs that changed."""
    return _labels(labels, range(len(labels)), True)


def _labels(
    printed: Sequence[str], positions: Sequence[int], has_header: bool
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    taken: set[str] = {"source_row"}
    renamed: list[tuple[str, str]] = []
    labels: list[str] = []
    whole = {clean_label(p) for p in printed}
    for text, j in zip(printed, positions, strict=True):
        clean = clean_label(text)
        wanted = clean or f"Column {j + 1}"
        label = _unique(wanted, taken | (whole - {wanted}) if wanted in taken else taken)
        if label != clean and (has_header or clean):
            renamed.append((text, label))
        taken.add(label)
        labels.append(label)
    return tuple(labels), tuple(renamed)


def _unique(wanted: str, taken: set[str]) -> str:
    label, n = wanted, 2
    while label in taken:
        label = f"{wanted} ({n})"
        n += 1
    return label


def _spanning_labels(grid: Sequence[Sequence[str]], merges: Sequence[Merge], header: int) -> dict[int, str]:
    """Upper labels of a two-line header: a merged cell just above it that spans part of the width."""
    found: dict[int, str] = {}
    for (r1, c1), (r2, c2) in merges:
        if r1 == r2 == header - 1 and c2 > c1 and header > 0:
            whole = c1 == 0 and c2 >= len(grid[header]) - 1
            label = _cell(grid[r1], c1).strip()
            filled = sum(1 for c in grid[header][c1 : c2 + 1] if c.strip())
            if label and not whole and filled > 1:
                found.update(dict.fromkeys(range(c1, c2 + 1), label))
    return found


def _join(upper: str, label: str) -> str:
    return f"{upper} {label}".strip() if upper and label.strip() else label


def clean_label(text: str) -> str:
    """A printed label without sort arrows and with its spaces evened out."""
    for arrow in ARROWS:
        text = text.replace(arrow, " ")
    text = text.replace("\ufeff", "").replace("\u200b", "")
    return " ".join(text.split())


def _lone_position(row: Sequence[str]) -> int:
    return next((j for j, c in enumerate(row) if c.strip()), 0)


def _cell(row: Sequence[str], j: int) -> str:
    return row[j] if 0 <= j < len(row) else ""


def _last(positions: Sequence[int]) -> int:
    return positions[-1] if positions else 0


def row_text(row: Sequence[str]) -> str:
    """A row's filled cells in one line, for lists of dropped rows."""
    return " | ".join(c.strip() for c in row if c.strip())[:500]

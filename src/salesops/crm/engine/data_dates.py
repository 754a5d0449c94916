"""From when a file's data is: candidates with their evidence; the user confirms one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from salesops.crm.engine.aliases import normal
from salesops.crm.engine.formats import ColumnProfile
from salesops.crm.engine.patterns import find_days
from salesops.crm.engine.proposals import ColumnProposal, DateCandidate
from salesops.crm.engine.stages import name_class
from salesops.crm.engine.typing import type_batch

_EDITED = (
    "system modstamp",
    "last modified date",
    "last modified",
    "modified on",
    "hs lastmodifieddate",
    "modified time",
    "fivetran synced",
    "last viewed date",
    "last modified time",
    "updated at",
    "update time",
)
_CREATED = (
    "created date",
    "create date",
    "created on",
    "created at",
    "createdate",
    "created time",
    "creation date",
    "deal creation date",
    "engage date",
    "date created",
)


def data_dates(
    table: str,
    profiles: Mapping[str, ColumnProfile],
    *,
    as_of: date | None = None,
    as_of_text: str = "",
    modified_at: datetime | None = None,
) -> tuple[DateCandidate, ...]:
    """Possible data dates, most believable first."""
    found: list[DateCandidate] = []
    if as_of:
        found.append(DateCandidate(as_of, f"the report says so: '{as_of_text}'", 0.97))
    named = date_in_name(table)
    if named:
        found.append(DateCandidate(named, f"the file name carries it: {table}", 0.9))
    edited = _latest(profiles, _EDITED)
    if edited:
        found.append(DateCandidate(edited[1], f"the latest edit in '{edited[0]}'", 0.8))
    created = _latest(profiles, _CREATED)
    if created and (not edited or created[1] > edited[1]):
        found.append(DateCandidate(created[1], f"the latest creation in '{created[0]}'", 0.6))
    closing = _latest_any(profiles)
    if closing and not edited and (not created or closing[1] > created[1]):
        found.append(DateCandidate(closing[1], f"the latest date of any column, in '{closing[0]}'", 0.5))
    if modified_at:
        found.append(DateCandidate(modified_at.date(), "the file was saved then", 0.4))
    best: dict[date, DateCandidate] = {}
    for candidate in found:
        best.setdefault(candidate.day, candidate)
    return tuple(sorted(best.values(), key=lambda c: -c.confidence))


def with_latest_close(
    dates: tuple[DateCandidate, ...], columns: Sequence[ColumnProposal], data: pa.Table
) -> tuple[DateCandidate, ...]:
    """The candidates with the latest close date of a won or lost deal, which the data cannot predate."""
    by_target = {c.target: c for c in columns if c.target}
    stage, close = by_target.get("stage") or by_target.get("status"), by_target.get("close_on")
    if stage is None or close is None or not data.num_rows:
        return dates
    closed = [
        v
        for v in pc.unique(data.column(stage.header)).to_pylist()
        if v and name_class(v)[0] in ("won", "lost")
    ]
    if not closed:
        return dates
    rows = data.filter(pc.is_in(data.column(stage.header), value_set=pa.array(closed)))
    if not rows.num_rows:
        return dates
    latest = pc.max(type_batch(rows.column(close.header), close.format, "date").values).as_py()
    if latest is None:
        return dates
    weaker = [d for d in dates if d.confidence <= 0.6]
    sure = 0.75 if not [d for d in weaker if "creation" in d.why and d.day > latest] else 0.55
    found = DateCandidate(latest, f"the latest close of a won or lost deal, in '{close.header}'", sure)
    return tuple(
        sorted(
            (found, *(d for d in dates if d.day != latest or d.confidence > sure)),
            key=lambda d: -d.confidence,
        )
    )


def date_in_name(name: str) -> date | None:
    """The date a file or sheet name carries; None where it carries none or an ambiguous one."""
    spaced = re.sub(r"(?<=\d)_(?=\d)", "-", name.replace("!", " ")).replace("_", " ")
    for part in reversed(re.split(r"/", spaced)):
        days = find_days(part)
        if len(days) == 1 and 1990 <= days[0].year <= 2100:
            return days[0]
    return None


def _latest(profiles: Mapping[str, ColumnProfile], names: tuple[str, ...]) -> tuple[str, date] | None:
    found = [
        (h, p.last_day)
        for h, p in profiles.items()
        if p.last_day and p.kind in ("date", "instant") and normal(h) in names and not p.date_ambiguous
    ]
    return max(found, key=lambda f: f[1]) if found else None


def _latest_any(profiles: Mapping[str, ColumnProfile]) -> tuple[str, date] | None:
    found = [
        (h, p.last_day)
        for h, p in profiles.items()
        if p.last_day
        and p.kind in ("date", "instant")
        and not p.date_ambiguous
        and p.last_day.year < 2100
        and not re.search(r"(?i)expected|estimat|est\b|due|end|birth|expir|renew|next", h)
    ]
    return max(found, key=lambda f: f[1]) if found else None

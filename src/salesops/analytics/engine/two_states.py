"""Every record at two instants, in one pass over its change log.

The log holds no row for the values a record began with, so a state is read backwards: the value at an
instant is the one *before* the first change after it (the earliest by valid time), and the value last known
where none came. It is the arg-max form of a state log turned round, and costs one grouping for both instants.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir

INSTANT = "timestamp('UTC')"


def two_states(
    current: ir.Table,
    log: ir.Table,
    fields: Mapping[str, str],
    opening: datetime,
    closing: datetime,
    *,
    key: str = "id",
) -> ir.Table:
    """Records with each field's value at two instants.

    Args:
        current: records as last known, ``key`` and the fields; further columns are kept as they are.
        log: changes with ``object_id``, ``field``, ``old`` (canonical text) and ``valid_at``, whose instants
            are unique for each field of a record; those of other objects are left out before.
        fields: field -> type of its values.
        opening, closing: aware instants, the earlier one first; a change at the instant itself counts as made.
        key: column of ``current`` that ``object_id`` names.

    Returns:
        The columns of ``current``, and ``first_<field>`` and ``last_<field>`` for every field.

    Raises:
        ValueError: an instant has no time zone, or they are in the wrong order.
    """
    if opening.tzinfo is None or closing.tzinfo is None:
        raise ValueError("Both instants need a time zone.")
    if closing < opening:
        raise ValueError("The closing instant lies before the opening one.")
    start = ibis.literal(opening.astimezone(UTC), type=INSTANT)
    end = ibis.literal(closing.astimezone(UTC), type=INSTANT)
    later = log.filter(log.valid_at > start, log.field.isin(list(fields)))
    # The empty text stands for "no value", so that it is told from "no change" without a second aggregate.
    marked = later.select(
        "object_id", "field", "valid_at", was=later.old.fill_null(""), after=later.valid_at > end
    )
    picked: dict[str, ir.Value] = {}
    for place, name in enumerate(fields):
        own = marked.field == name
        picked[f"opening_{place}"] = marked.was.argmin(marked.valid_at, where=own)
        picked[f"closing_{place}"] = marked.was.argmin(marked.valid_at, where=own & marked.after)
    overlay = marked.group_by("object_id").agg(**picked)
    joined = current.left_join(overlay, current[key] == overlay.object_id)
    states: dict[str, ir.Value] = {}
    for place, (name, kind) in enumerate(fields.items()):
        for state, word in (("first", "opening"), ("last", "closing")):
            text = joined[f"{word}_{place}"]
            value = text.nullif(ibis.literal("")).cast(kind)
            states[f"{state}_{name}"] = ibis.ifelse(text.isnull(), joined[name].cast(kind), value)
    return joined.select(*current.columns, **states)

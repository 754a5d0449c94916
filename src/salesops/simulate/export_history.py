"""Change history as an export shows it: OpportunityHistory and OpportunityFieldHistory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from salesops.simulate.calendar_days import Ints, end_of
from salesops.simulate.columns import constant, days, instants, integers, money, money_text
from salesops.simulate.columns import words as chosen
from salesops.simulate.deals import Deals
from salesops.simulate.export_deals import expected
from salesops.simulate.headers import frame
from salesops.simulate.ids import ids
from salesops.simulate.stages import CATEGORY_CODE, PROBABILITY, STAGES
from salesops.simulate.tracks import NONE
from salesops.simulate.world import World

HISTORY_PER_DEAL = 64
FIELD_HISTORY_PER_DEAL = 256


def opportunity_history(world: World, deals: Deals, day: int) -> pa.Table:
    """One row for the creation and for every moment the stage, the amount or the close date changed."""
    limit = end_of(day)
    tracks = (deals.stage, deals.amount, deals.close_date)
    rows, times = [np.flatnonzero(deals.known(day))], [deals.created[deals.known(day)]]
    for track in tracks:
        changes = track.changes(limit)
        rows.append(changes.row)
        times.append(changes.time)
    row, time = np.concatenate(rows), np.concatenate(times)
    order = np.lexsort((time, row))
    row, time = row[order], time[order]
    first_of_moment = np.ones(len(row), bool)
    first_of_moment[1:] = (row[1:] != row[:-1]) | (time[1:] != time[:-1])
    row, time = row[first_of_moment], time[first_of_moment]
    n = len(row)
    starts = np.searchsorted(row, row, side="left")
    ordinal = np.arange(n) - starts
    stage, amount, close = (t.at_rows(row, time) for t in tracks)
    before = np.where(ordinal == 0, np.arange(n), np.arange(n) - 1)
    created_row = ordinal == 0
    old_stage, old_amount, old_close = stage[before], amount[before], close[before]
    chance = np.array(PROBABILITY, np.int64)[stage]
    when = instants(world.calendar, time)
    return frame(
        "OpportunityHistory",
        n,
        {
            "Id": ids("OpportunityHistory", deals.number[row] * HISTORY_PER_DEAL + ordinal),
            "OpportunityId": ids("Opportunity", deals.number[row]),
            "CreatedById": ids("User", deals.owner.at_rows(row, time)),
            "CreatedDate": when,
            "StageName": chosen(STAGES, stage),
            "Amount": money(np.where(amount == NONE, 0, amount), amount == NONE),
            "ExpectedRevenue": money(expected(amount, chance), amount == NONE),
            "CloseDate": days(close),
            "Probability": integers(chance),
            "FromForecastCategory": chosen(CATEGORY_CODE, old_stage, created_row),
            "ForecastCategory": chosen(CATEGORY_CODE, stage),
            "FromOpportunityStageName": chosen(STAGES, old_stage, created_row),
            "SystemModstamp": when,
            "IsDeleted": constant(0, n),
            "PrevAmount": money(
                np.where(old_amount == NONE, 0, old_amount), created_row | (old_amount == NONE)
            ),
            "PrevCloseDate": days(old_close, created_row),
        },
    )


def field_history(world: World, deals: Deals, day: int) -> pa.Table:
    """One row per change of close date, amount and owner, and one for the creation."""
    limit = end_of(day)
    known = np.flatnonzero(deals.known(day))
    parts = [_part(world, deals, known, known * 0, deals.created[known], 0, "created", "Text", None, None)]
    for place, (field, kind, track) in enumerate(
        (
            ("CloseDate", "DateOnly", deals.close_date),
            ("Amount", "Currency", deals.amount),
            ("Owner", "EntityId", deals.owner),
        )
    ):
        c = track.changes(limit)
        if field == "CloseDate":
            old, new = _day_text(c.old), _day_text(c.new)
        elif field == "Amount":
            old, new = (money_text(np.where(v == NONE, 0, v), v == NONE) for v in (c.old, c.new))
        else:
            old, new = ids("User", c.old), ids("User", c.new)
        parts.append(_part(world, deals, c.row, c.column, c.time, place + 1, field, kind, old, new))
    table = pa.concat_tables(parts)
    return table.take(pa.array(np.argsort(_order_key(deals, parts, known, limit), kind="stable")))


def _order_key(deals: Deals, parts: list[pa.Table], known: Ints, limit: int) -> Ints:
    """Deal by deal, then as the parts come: what a weekly export sorted by parent looks like."""
    rows = [known] + [t.changes(limit).row for t in (deals.close_date, deals.amount, deals.owner)]
    joined = np.concatenate(rows)
    if len(joined) != sum(
        p.num_rows for p in parts
    ):  # pragma: no cover - the parts are built from the same changes
        raise AssertionError(len(joined))
    return joined


def _part(
    world: World,
    deals: Deals,
    row: Ints,
    column: Ints,
    time: Ints,
    place: int,
    field: str,
    kind: str,
    old: pa.Array | None,
    new: pa.Array | None,
) -> pa.Table:
    n = len(row)
    number = deals.number[row] * FIELD_HISTORY_PER_DEAL + place * 64 + column
    columns = {
        "Id": ids("OpportunityFieldHistory", number),
        "IsDeleted": constant(0, n),
        "OpportunityId": ids("Opportunity", deals.number[row]),
        "CreatedById": ids("User", deals.owner.at_rows(row, time - 1)),
        "CreatedDate": instants(world.calendar, time),
        "Field": constant(field, n),
        "DataType": constant(kind, n),
    }
    if old is not None and new is not None:
        columns |= {"OldValue": old, "NewValue": new}
    return frame("OpportunityFieldHistory", n, columns)


def _day_text(day: Ints) -> pa.Array:
    return days(day).cast(pa.string())

"""Deals over time as frames: what stages they went through, and what moved.

Built from the change log and the conformed deals by set expressions alone. Days are those of the firm's
zone; the caller says how an instant becomes a day. Where the log does not reach back to a deal's
creation, the day it entered its first known stage is unknown and stays empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.analytics.engine.kpi import LocalDate
from salesops.analytics.engine.paces import LIMITS, Place, Usual, with_limits
from salesops.core.calendars import FiscalCalendar, Period
from salesops.process.engine.deals import FORECAST_CATEGORIES

WON_ORDER = 10_000
"""Order of a won stage: beyond every open one."""
LOST_ORDER = -1
"""Order of a lost stage: before every open one, so that a loss is never a step forward."""
UNKNOWN_DAY = date(1, 1, 1)
"""Stands for an entry whose day nothing tells while entries are compared; never shown."""

CLOSE_FIELDS = frozenset({"close_on", "expected_close_on"})
"""Fields of the change log that say when a deal is to close."""
PATH = ("id", "pipeline", "stage", "stage_order", "stage_class", "created_on", "closed_on")
"""Columns of a deal that its way through the stages is made of."""

_WEEKS_A_QUARTER = 13
_SECOND_DAY = date(1, 1, 2)


@dataclass(frozen=True)
class StageStep:
    """One stage of one pipeline.

    Attributes:
        pipeline: name of the pipeline; "" where there is one.
        stage: name as the source spells it.
        stage_class: open, won, lost, ignored or unmapped.
        position: order as decided or proposed.
    """

    pipeline: str
    stage: str
    stage_class: str
    position: int


@dataclass(frozen=True)
class StageMap:
    """Stages as a lookup: name -> rank among the open stages of the pipeline, class.

    Attributes:
        table: ``step_key``, ``step_pipeline``, ``step_stage``, ``step_order``, ``step_class``.
        depth: number of open stages of the longest pipeline.
        by_pipeline: whether the key holds the pipeline.
    """

    table: pa.Table
    depth: int
    by_pipeline: bool

    @classmethod
    def of(cls, steps: Sequence[StageStep]) -> StageMap:
        """The lookup of stages; open ones are ranked by position, then name."""
        by_pipeline = any(step.pipeline for step in steps)
        open_steps = sorted(
            (s for s in steps if s.stage_class == "open"), key=lambda s: (s.pipeline, s.position, s.stage)
        )
        ranks: dict[tuple[str, str], int] = {}
        seen: dict[str, int] = {}
        for step in open_steps:
            ranks[step.pipeline, step.stage] = seen.setdefault(step.pipeline, 0)
            seen[step.pipeline] += 1
        rows: dict[str, list[object]] = {name: [] for name in ("key", "pipeline", "stage", "order", "class")}
        for step in steps:
            order = {"won": WON_ORDER, "lost": LOST_ORDER}.get(
                step.stage_class, ranks.get((step.pipeline, step.stage))
            )
            if order is None:
                continue  # ignored and unmapped stages are no step of a journey
            rows["key"].append(f"{step.pipeline}/{step.stage}" if by_pipeline else step.stage)
            rows["pipeline"].append(step.pipeline)
            rows["stage"].append(step.stage)
            rows["order"].append(order)
            rows["class"].append(step.stage_class)
        types = {"order": pa.int64()}
        table = pa.table(
            {f"step_{name}": pa.array(values, types.get(name, pa.string())) for name, values in rows.items()}
        )
        return cls(table, max(seen.values(), default=0), by_pipeline)

    def key(self, pipeline: ir.StringValue, stage: ir.StringValue) -> ir.StringValue:
        """The lookup key of a pipeline and stage."""
        plain = stage.fill_null("")
        return pipeline.fill_null("").concat("/", plain) if self.by_pipeline else plain

    def order(self, key: ir.StringValue) -> ir.IntegerValue:
        """Order of the stage that a key names; empty for none."""
        return self._named(key, "step_order", "int64")

    def kind(self, key: ir.StringValue) -> ir.StringValue:
        """Class of the stage that a key names; empty for none."""
        return self._named(key, "step_class", "string")

    def _named(self, key: ir.StringValue, column: str, kind: str) -> ir.Value:
        # A firm has tens of stages: comparing with each is faster than a join to millions of rows.
        keys: dict[object, list[str]] = {}
        for row in self.table.to_pylist():
            keys.setdefault(row[column], []).append(row["step_key"])
        branches = [(key.isin(names), ibis.literal(value, type=kind)) for value, names in keys.items()]
        return ibis.cases(*branches, else_=ibis.null(kind)) if branches else ibis.null(kind)


@dataclass(frozen=True)
class Journeys:
    """What the frames of this module are made of.

    Attributes:
        deals: the conformed deals, as of the day asked for.
        changes: change log of opportunities up to that day, as ``facts.changes`` gives it.
        steps: what stages mean.
        local_date: instant -> day of the firm's zone.
        as_of: the day asked for.
        log_start: day of the firm's first change of a stage, whoever asks: deals created before it may have
            moved unseen. None where the log has none.
    """

    deals: ir.Table
    changes: ir.Table
    steps: StageMap
    local_date: LocalDate
    as_of: date
    log_start: date | None

    def _moves(self) -> ir.Table:
        moved = self.changes.filter(self.changes.field == "stage")
        return moved.select(
            move_id=moved.object_id,
            at=moved.valid_at,
            on=self.local_date(moved.valid_at),
            old_stage=moved.old,
            new_stage=moved.new,
        )

    def _steps_taken(self) -> ir.Table:
        """One row per entry of a deal into a stage: ``move_id``, ``at``, ``on``, ``step`` (its name)."""
        moves = self._moves()
        first = moves.group_by("move_id").agg(
            # The empty text stands for "no stage before", so that argmin does not skip it.
            first_old=moves.old_stage.fill_null("").argmin(moves["at"]),
            first_on=moves["on"].min(),
        )
        deals = self.deals.select("id", "stage", "stage_class", "created_on")
        begun = deals.left_join(first, deals.id == first.move_id)
        moved = begun.move_id.notnull()
        reaches_back = begun.created_on >= ibis.literal(self.log_start, type="date")
        begun = begun.filter((moved & (begun.first_old != "")) | (~moved & (begun.stage_class == "open")))
        day = (reaches_back & (~moved | (begun.created_on <= begun.first_on))).ifelse(
            begun.created_on, ibis.null("date")
        )
        initial = begun.select(
            move_id=begun.id,
            at=ibis.null("timestamp('UTC')").cast(moves["at"].type()),
            on=day,
            step=moved.ifelse(begun.first_old, begun.stage),
        )
        return moves.select("move_id", "at", "on", step=moves.new_stage).union(initial)

    def visits(self) -> ir.Table:
        """One row per stay of a deal in a stage, with the columns of the deal.

        ``stage`` and ``stage_order`` are those of the stay; ``deal_stage`` is where the deal stands.
        ``entered_on`` (empty where the log does not reach back), ``left_on`` (empty while it stays),
        ``days`` (whole days of a stay that ended), ``next_order`` (of the stage after it), ``is_current``
        (where an open deal stands; where the log's last step is another stage, nothing tells since when).
        """
        steps = self._steps_taken()
        window = ibis.window(group_by="move_id", order_by=steps["at"].asc(nulls_first=True))
        laid = steps.select(
            "move_id",
            "step",
            entered_on=steps["on"],
            next_on=steps["on"].lead().over(window),
            next_step=steps.step.lead().over(window),
            is_last=steps.move_id.lead().over(window).isnull(),
        )
        deals = self.deals.rename(deal_stage="stage", deal_stage_order="stage_order")
        rows = laid.inner_join(deals, laid.move_id == deals.id)
        key, next_key = (
            self.steps.key(rows.pipeline, rows.step),
            self.steps.key(rows.pipeline, rows.next_step),
        )
        rows = rows.filter(self.steps.kind(key) == "open")
        closed = rows.is_last & rows.stage_class.isin(["won", "lost"])
        left_on = ibis.ifelse(closed, rows.closed_on, rows.next_on)
        ended = ibis.ifelse(rows.stage_class == "won", WON_ORDER, LOST_ORDER).cast("int64")
        # One wide row, made at once: each layer of as many columns costs more to compile than to run.
        return rows.select(
            "entered_on",
            *deals.columns,
            stage=rows.step,
            stage_order=self.steps.order(key),
            left_on=left_on,
            next_order=ibis.ifelse(closed, ended, self.steps.order(next_key)),
            is_current=rows.is_last
            & (rows.stage_class == "open")
            & (rows.step == rows.deal_stage).fill_null(False),
            days=(left_on >= rows.entered_on).ifelse(
                left_on.delta(rows.entered_on, unit="day"), ibis.null("int64")
            ),
        )

    def _plain_visits(self) -> ir.Table:
        """The stays with no more columns of the deal than they are made of."""
        return replace(self, deals=self.deals.select(*PATH)).visits()

    def entries(self) -> ir.Table:
        """One row per deal and open stage that it reached, passed over included.

        ``entered_on`` is the first day the deal stood in that stage or a later one, ``passed_on`` the
        first day it stood in a later one (won is later than every stage); ``is_standing`` where an
        undecided deal stands in it.
        """
        depth = self.steps.depth
        rows = self._steps_taken()
        if self.steps.by_pipeline:
            placed = self.deals.select(placed_id="id", placed_pipeline="pipeline")
            rows = rows.inner_join(placed, rows.move_id == placed.placed_id)
            key = self.steps.key(rows.placed_pipeline, rows.step)
        else:
            key = rows.step.fill_null("")
        rows = rows.select("move_id", "on", step_order=self.steps.order(key))
        day = rows["on"].fill_null(ibis.literal(UNKNOWN_DAY, type="date"))
        reached = rows.group_by("move_id").agg(
            **{f"r{k}": day.min(where=rows.step_order >= k) for k in range(depth + 1)}
        )
        deals = self.deals.rename(deal_stage="stage", deal_stage_order="stage_order")
        whole = reached.inner_join(deals, reached.move_id == deals.id)
        # Won is later than every stage, whether the log holds that step or not.
        won_on = ibis.ifelse(whole.stage_class == "won", whole.closed_on, ibis.null("date"))
        days = [
            ibis.coalesce(ibis.least(whole[f"r{k}"], won_on), whole[f"r{k}"], won_on)
            for k in range(depth + 1)
        ]
        kept = [whole[name] for name in whole.columns if name != "move_id" and name not in reached.columns]
        if depth:
            # Lists of the same length, opened side by side: one row a stage, in one pass.
            laid = {
                "entered_on": ibis.array(days[:-1]).unnest(),
                "passed_on": ibis.array(days[1:]).unnest(),
                "rank": ibis.array([ibis.literal(k, type="int64") for k in range(depth)]).unnest(),
            }
        else:
            laid = {"entered_on": days[0], "passed_on": days[0], "rank": ibis.null("int64")}
        joined = whole.select(*kept, **laid)
        joined = joined.filter(joined.entered_on.notnull())
        steps = ibis.memtable(self.steps.table)
        steps = steps.filter(steps.step_class == "open").select("step_pipeline", "step_stage", "step_order")
        same = [joined["rank"] == steps.step_order]
        if self.steps.by_pipeline:
            same.append(joined.pipeline.fill_null("") == steps.step_pipeline)
        named = joined.inner_join(steps, same)
        return named.mutate(
            stage=named.step_stage,
            stage_order=named["rank"],
            entered_on=named.entered_on.nullif(ibis.literal(UNKNOWN_DAY, type="date")),
            is_standing=named.stage_class.isin(["open", "unmapped"]) & (named.deal_stage == named.step_stage),
        ).drop("rank", "step_stage", "step_pipeline", "step_order")

    def presence(self, period: Period | None) -> ir.Table:
        """One row per deal and open stage it stood in at any time of the period.

        ``left_in_period`` where a stay in the stage ended in the period, ``end_order`` the stage the deal
        had come to when the period ended (the last open or won one): a step back counts only while it
        was not made good again.
        """
        visits = self._plain_visits()
        first = UNKNOWN_DAY if period is None else period.first
        last = self.as_of if period is None else min(period.last, self.as_of)
        low, high = ibis.literal(first, type="date"), ibis.literal(last, type="date")
        begun = visits.entered_on.isnull() | (visits.entered_on <= high)
        visits = visits.filter(begun)
        gone = (visits.left_on <= high).fill_null(False)
        place = ibis.ifelse(
            gone & (visits.next_order == WON_ORDER),
            ibis.literal(WON_ORDER, type="int64"),
            visits.stage_order,
        )
        order = visits.entered_on.fill_null(ibis.literal(UNKNOWN_DAY, type="date"))
        # Of two stages entered on one day the later in the pipeline is where the deal came to.
        key = order.delta(ibis.literal(UNKNOWN_DAY, type="date"), unit="day") * 20_000 + visits.stage_order
        ends = visits.group_by("id").agg(end_order=place.argmax(key))
        there = visits.filter(visits.left_on.isnull() | (visits.left_on >= low))
        left = (there.left_on <= high).fill_null(False)
        stays = there.group_by("id", "stage").agg(
            stay_order=there.stage_order.max(),
            left_in_period=left.any(),
            first_entered_on=there.entered_on.min(),
        )
        ends = ends.rename(end_id="id")
        stays = stays.inner_join(ends, stays.id == ends.end_id).drop("end_id")
        stays = stays.rename(stay_id="id", stay_stage="stage", entered_on="first_entered_on")
        deals = self.deals.rename(deal_stage="stage").drop("stage_order")
        rows = stays.inner_join(deals, stays.stay_id == deals.id).drop("stay_id")
        return rows.rename(stage="stay_stage", stage_order="stay_order")

    def standing(self, period: Period | None, usually: Mapping[Place, Usual]) -> ir.Table:
        """One row per deal open on the stock day, in its stage then.

        The stock day is the end of the period, or the as-of day if that is earlier. ``entered_on``,
        ``as_of_on`` (the stock day), ``days`` so far, ``total_days`` with earlier stays in the same stage,
        ``stage_limit`` and ``stage_stays`` (the pace of won deals in that stage; empty where too few tell).

        Args:
            period: the period asked for.
            usually: paces of the stages on the stock day: what ``paces.usual`` gives.
        """
        stock = self.as_of if period is None else min(period.last, self.as_of)
        today = ibis.literal(stock, type="date")
        visits = self._plain_visits()
        earlier = ibis.window(
            group_by=["id", "stage"], order_by=visits.entered_on.asc(nulls_first=True), preceding=(None, 1)
        )
        visits = visits.mutate(days_before=visits.days.sum().over(earlier).fill_null(0))
        stands = visits.is_current
        if stock < self.as_of:  # deals that moved on since stood there then, too
            stands = stands | (visits.left_on > today).fill_null(False)
        current = visits.filter((visits.entered_on.isnull() | (visits.entered_on <= today)) & stands)
        days = today.delta(current.entered_on, unit="day")
        current = current.mutate(as_of_on=today, days=days, total_days=days + current.days_before)
        made = ("left_on", "next_order", "is_current", "days", "as_of_on", "total_days", *LIMITS)
        current = with_limits(current, usually).select(
            "entered_on", "stage", "stage_order", *made, stood="id"
        )
        deals = self.deals.rename(deal_stage="stage", deal_stage_order="stage_order")
        return current.inner_join(deals, current.stood == deals.id).drop("stood")

    def close_moves(self, calendar: FiscalCalendar) -> ir.Table:
        """One row per change of an open deal's close date, with the columns of the deal.

        ``moved_on``, ``old_close_on``, ``new_close_on``, ``move``: ``push`` to a later fiscal quarter,
        ``delay`` to a later day of the same one, ``pull_in`` to an earlier quarter, ``advance`` to an
        earlier day of the same one. The change that closing makes is no move.
        """
        moved = self.changes.filter(
            self.changes.field.isin(sorted(CLOSE_FIELDS))
            & self.changes.old.notnull()
            & self.changes.new.notnull()
        )
        rows = moved.select(
            move_id=moved.object_id,
            moved_on=self.local_date(moved.valid_at),
            old_close_on=moved.old.left(10).cast("date"),
            new_close_on=moved.new.left(10).cast("date"),
        )
        rows = rows.mutate(
            old_quarter=quarter_number(rows.old_close_on, calendar),
            new_quarter=quarter_number(rows.new_close_on, calendar),
        )
        rows = rows.inner_join(self.deals, rows.move_id == self.deals.id)
        rows = rows.filter(rows.closed_on.isnull() | (rows.moved_on < rows.closed_on))
        later = rows.new_close_on > rows.old_close_on
        move = ibis.cases(
            (rows.new_quarter > rows.old_quarter, "push"),
            (rows.new_quarter < rows.old_quarter, "pull_in"),
            (later, "delay"),
            (rows.new_close_on < rows.old_close_on, "advance"),
            else_=ibis.null("string"),
        )
        known = rows.old_quarter.notnull() & rows.new_quarter.notnull()
        days = ("moved_on", "old_close_on", "new_close_on")
        return rows.select(*days, *self.deals.columns, move=known.ifelse(move, ibis.null("string")))

    def opening(self, first: date, amounts: ir.Table | None) -> ir.Table:
        """The deals open when ``first`` began, as they stood then.

        ``opening_close_on`` (close date expected then), ``opening_category``, ``opening_amount``.

        Args:
            first: first day of the period.
            amounts: id and amount in the firm's currency at that time; None = present amounts.
        """
        limit = ibis.literal(first, type="date")
        changes = self.changes
        # In every zone the day began after this instant: files and row groups of before need not be read.
        surely = datetime.combine(max(first, _SECOND_DAY) - timedelta(days=1), time.min, UTC)
        later = changes.filter(
            changes.valid_at >= ibis.literal(surely, type="timestamp('UTC')").cast(changes.valid_at.type()),
            changes.field.isin([*sorted(CLOSE_FIELDS), "forecast_category"]),
            self.local_date(changes.valid_at) >= limit,
        )
        is_category = later.field == "forecast_category"
        # The empty text stands for "none then", so that argmin does not skip it.
        old = later.old.fill_null("")
        then = later.group_by(then_id=later.object_id).agg(
            then_close=old.argmin(later.valid_at, where=~is_category),
            then_category=old.argmin(later.valid_at, where=is_category),
        )
        deals = self.deals
        # The day first, by itself: so it is looked at before the other columns are unpacked.
        begun = (deals.created_on < limit) | deals.created_on.isnull()
        closed_since = (
            (deals.closed_on >= limit) & deals.stage_class.isin(["won", "lost"]) & deals.created_on.notnull()
        )
        there = deals.filter(begun, (deals.stage_class == "open") | closed_since)
        rows = there.left_join(then, there.id == then.then_id)
        text = rows.then_category.lower().re_replace(r"[^a-z]+", "_")
        # Compared one by one: DuckDB makes a join of a list as long, and runs it for who does not ask for the column.
        category = ibis.or_(*(text == name for name in FORECAST_CATEGORIES)).ifelse(text, ibis.null("string"))
        now = ibis.coalesce(rows.expected_close_on, rows.closed_on)
        was = rows.then_close.nullif("").cast("date")
        rows = rows.select(
            *deals.columns,
            opening_close_on=rows.then_close.isnull().ifelse(now, was),
            opening_category=rows.then_category.isnull().ifelse(
                # A closed deal's category is "closed" now; what it was then only the log could say.
                (rows.stage_class == "open").ifelse(rows.forecast_category, ibis.null("string")),
                category,
            ),
        )
        if amounts is None:
            return rows.mutate(opening_amount=rows.amount)
        known = amounts.select(amount_id=amounts.id, opening_amount=amounts.amount)
        return rows.left_join(known, rows.id == known.amount_id).drop("amount_id")


def quarter_number(day: ir.DateValue, calendar: FiscalCalendar) -> ir.IntegerValue:
    """Number of the fiscal quarter that holds a day, of any year: later quarters have higher numbers, without a gap."""
    year, month = day.year().cast("int64"), day.month().cast("int64")
    if calendar.pattern == "months":
        return ((year * 12 + month - calendar.start_month) / 3).floor().cast("int64")

    def since(start: ir.IntegerValue) -> ir.IntegerValue:
        """Days since the fiscal year began that has the first of its start month in a calendar year."""
        first = ibis.date(start, calendar.start_month, 1)
        # It begins on the last first day of a week that is not after that first.
        early = (first.day_of_week.index().cast("int64") + 7 - calendar.week_start) % 7
        return day.delta(first, unit="day") + early

    # Of the days before the first of the start month the last few may be of the new year already.
    own = (month >= calendar.start_month).ifelse(year, year - 1)
    begun = since(own + 1)
    start = (begun >= 0).ifelse(own + 1, own)
    days = (begun >= 0).ifelse(begun, since(own))
    # A 53rd week belongs to the last quarter.
    return start * 4 + ibis.least((days / (7 * _WEEKS_A_QUARTER)).floor().cast("int64"), 3)

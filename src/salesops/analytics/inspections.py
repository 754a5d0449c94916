"""An inspection of the open pipeline as a reader asks for it: its lines, its deals, how long stages take.

A period narrows it to the deals expected to close then; without one it is every open deal, as Home counts them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine import inspected as engine
from salesops.analytics.engine.inspected import BANDS, Band
from salesops.analytics.engine.journeys import PATH
from salesops.analytics.engine.masking import reason_of
from salesops.analytics.engine.paces import FLOOR, Place, Usual
from salesops.analytics.event_inputs import journeys
from salesops.analytics.inspecting import Ground, answered, evidence, ground, inspected_deals
from salesops.analytics.kept import remembered, state_key
from salesops.analytics.records import judge_of
from salesops.analytics.selectors import OpenQuestion, Question, ask, hidden_from
from salesops.core.calendars import Period
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames
from salesops.quality.engine.inspection import CHECKS, HISTORY, MISSING, Check
from salesops.quality.engine.rules import RuleContext, both

TOGETHER = ("all", "any", "healthy")
"""Lines beside the checks: every open deal, those with a flag, those without."""

NAMES = (*(check.name for check in CHECKS), *TOGETHER)
"""Everything that opens deals."""

_COUNTED = (
    "id", "name", "pipeline", "stage", "stage_order", "stage_class", "created_on", "closed_on", "expected_close_on",
    "next_step", "owner_id", "owner_name", "owner_active", "last_activity_on", "amount", "amount_estimate",
)  # fmt: skip

SHOWN = (
    "id", "name", "account_name", "owner_name", "pipeline", "stage", "amount", "amount_estimate", "created_on",
    "expected_close_on", "stage_entered_on", "stage_days", "stage_limit", "stage_stays", "pushed", "pushed_from",
    "contact_count", "touched_on", "planned_on",
)  # fmt: skip
"""Columns of a line's deals."""

SORTS = (
    "name", "account_name", "owner_name", "stage", "amount", "created_on", "expected_close_on", "stage_days", "pushed",
)  # fmt: skip

Grouping = Literal["stage", "owner"]


@dataclass(frozen=True)
class Sum:
    """Deals and their money.

    Attributes:
        deals: how many.
        amount: known amounts summed; None where none is known.
        known: deals with an amount.
        estimate: list prices of deals without an amount, summed; None where none has one.
        estimated: how many those are.
    """

    deals: int = 0
    amount: Decimal | None = None
    known: int = 0
    estimate: Decimal | None = None
    estimated: int = 0

    @property
    def unknown(self) -> int:
        """Deals without an amount: counted, adding nothing."""
        return self.deals - self.known

    def __add__(self, other: Sum) -> Sum:
        return Sum(
            self.deals + other.deals,
            _plus(self.amount, other.amount),
            self.known + other.known,
            _plus(self.estimate, other.estimate),
            self.estimated + other.estimated,
        )


def _plus(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return a if b is None else b if a is None else a + b


@dataclass(frozen=True)
class Line:
    """One line of an inspection.

    Attributes:
        check: what it looks for.
        judged: open deals it can judge; None where it can't be made at all.
        found: the deals it is raised on; nothing where it can't be made.
        reason: why it can't be made, "" where it can.
    """

    check: Check
    judged: int | None
    found: Sum
    reason: str = ""


@dataclass(frozen=True)
class Group:
    """The lines of one part of the deals.

    Attributes:
        pipeline, stage, owner: of the group; None for none, "" where it is not grouped by it.
        sums: line or one of :data:`TOGETHER` -> its deals.
        judged: check -> deals it can judge.
    """

    pipeline: str | None
    stage: str | None
    owner: str | None
    sums: Mapping[str, Sum]
    judged: Mapping[str, int]


@dataclass(frozen=True)
class OpenInspection:
    """An inspection bound to open facts.

    Attributes:
        asked: the question behind it.
        context: today, and the longest closed deal of the reader.
        ground: pace of the stages, and what the data holds.
        checks: every check with why it can't be made.
    """

    asked: OpenQuestion
    context: RuleContext
    ground: Ground
    checks: tuple[tuple[Check, str], ...]

    @property
    def frames(self) -> Frames:
        """The reader's frames."""
        return self.asked.frames

    @property
    def period(self) -> Period | None:
        """Close dates asked for; None for every open deal."""
        return self.asked.period

    @property
    def made(self) -> list[Check]:
        """The checks that can be made."""
        return [check for check, reason in self.checks if not reason]

    def _key(self, *what: Any) -> tuple[Any, ...]:
        return ("inspection", *what, self.period, repr(self.asked.filters), *state_key(self.frames))

    def _open(self) -> ir.Table:
        deals = self.asked.frame("deals")
        hits = deals.stage_class == "open"
        if self.period is not None:
            hits = hits & deals.expected_close_on.between(
                ibis.literal(self.period.first, type="date"), ibis.literal(self.period.last, type="date")
            )
        return deals.filter(hits)

    def _flags(self, rows: ir.Table) -> dict[str, tuple[ir.BooleanValue, ir.BooleanValue]]:
        context = self.context
        return {
            c.name: (c.rule.applies(rows, context).fill_null(False), both(rows, c.rule, context))
            for c in self.made
        }

    def groups(self) -> list[Group]:
        """Every line by pipeline, stage and owner: what all sums are made of. One query, kept."""
        return remembered(self._key("groups"), self._groups)

    def _groups(self) -> list[Group]:
        rows = inspected_deals(self.frames, self._open().select(*_COUNTED), self.ground)
        laid = engine.grouped(rows, self._flags(rows), ("pipeline", "stage", "owner_name"))
        return [self._group(row) for row in self.frames.facts.execute(laid).to_pylist()]

    def _group(self, row: Mapping[str, Any]) -> Group:
        names = [check.name for check in self.made]
        sums = {
            name: Sum(*(row[f"{name}_{part}"] for part in ("n", "amount", "known", "estimate", "estimated")))
            for name in (*names, *TOGETHER)
        }
        return Group(
            row["pipeline"], row["stage"], row["owner_name"], sums, {n: row[f"{n}_judged"] for n in names}
        )

    def by(self, what: Grouping) -> list[Group]:
        """The lines of each stage, in the order of the pipeline, or of each owner, most flagged first."""
        return remembered(self._key("by", what), lambda: self._by(what))

    def _by(self, what: Grouping) -> list[Group]:
        names = [check.name for check in self.made]
        merged: dict[tuple[str | None, ...], list[Group]] = {}
        for group in self.groups():
            key = (group.pipeline, group.stage) if what == "stage" else (group.owner,)
            merged.setdefault(key, []).append(group)
        made = [
            replace(
                _merged(parts, names),
                pipeline=parts[0].pipeline if what == "stage" else "",
                stage=parts[0].stage if what == "stage" else "",
                owner=parts[0].owner if what == "owner" else "",
            )
            for parts in merged.values()
        ]
        if what == "stage":
            return sorted(made, key=lambda g: self.position((g.pipeline or "", g.stage or "")))
        return sorted(made, key=lambda g: (-g.sums["any"].deals, g.owner or ""))

    def together(self) -> Group:
        """The lines over all the open deals."""
        names = [check.name for check in self.made]
        return remembered(self._key("together"), lambda: _merged(self.groups(), names))

    def lines(self) -> list[Line]:
        """Every check's line, those that can't be made with the reason."""
        whole = self.together()
        return [
            Line(check, None, Sum(), reason)
            if reason
            else Line(check, whole.judged[check.name], whole.sums[check.name])
            for check, reason in self.checks
        ]

    def check(self, name: str) -> None:
        """Refuse a line that there is not, or that can't be told.

        Raises:
            LookupError: so it is; the message says which there are.
        """
        known = (*(check.name for check in self.made), *TOGETHER)
        if name not in known:
            raise LookupError(f"There is no line {name!r:.40}. There are: {', '.join(known)}.")

    def deals(self, name: str) -> ir.Table:
        """The deals of a line: :data:`SHOWN`, and ``is_<check>`` for each check that can be made.

        Raises:
            LookupError: there is no such line, or its check can't be made.
        """
        self.check(name)
        # A wide table compiles and joins slowly.
        wanted = self._open().select(*dict.fromkeys((*_COUNTED, "account_name")))
        rows = inspected_deals(self.frames, wanted, self.ground)
        flags = {check: found for check, (_, found) in self._flags(rows).items()}
        laid = rows.select(
            *SHOWN,
            "next_step",
            "owner_id",
            "stage_class",
            "last_activity_on",
            **{f"is_{check}": found for check, found in flags.items()},
        )
        raised: ir.BooleanValue = ibis.literal(False)
        for check in flags:
            raised = raised | laid[f"is_{check}"]
        hits = {"all": ibis.literal(True), "any": raised, "healthy": ~raised}
        return laid.filter(hits[name] if name in hits else laid[f"is_{name}"])

    def why(self, row: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
        """What speaks against a deal: (title, evidence) of the line's check first, then of the others."""
        checks = [check for check in self.made if row[f"is_{check.name}"]]
        checks.sort(key=lambda check: check.name != name)
        return [(check.title, evidence(check.rule, row, self.context)) for check in checks]

    def page(self, name: str, number: int, size: int, sort: str = "-amount") -> list[dict[str, Any]]:
        """One page of a line's deals, each with ``why``."""

        def read() -> list[dict[str, Any]]:
            ordered = in_order(self.deals(name), sort).limit(size, offset=(number - 1) * size)
            return [self.told(row, name) for row in self.frames.facts.execute(ordered).to_pylist()]

        return remembered(self._key("page", name, number, size, sort), read)

    def told(self, row: Mapping[str, Any], name: str) -> dict[str, Any]:
        """A deal as it is shown: its columns, and why it is here."""
        return {key: row[key] for key in SHOWN} | {"why": self.why(row, name)}

    # --- How long stages take -------------------------------------------------------------------

    @property
    def stays_reason(self) -> str:
        """Why there is no chart of time in stage; "" where there is."""
        if hidden := hidden_from(self.frames) & HISTORY:
            return reason_of(hidden)
        return "" if "stage history" in self.ground.there else MISSING["stage history"]

    def stays(self) -> ir.Table:
        """Decided deals of the reader by stage: ``deal_id``, ``pipeline``, ``stage``, ``outcome``, ``days``."""
        deals = self.asked.frame("deals")
        changes = self.frames.facts.changes(self.frames.scope.through_parent(), object="opportunities")
        return engine.decided_stays(
            replace(journeys(self.frames), deals=deals.select(*PATH), changes=changes).visits()
        )

    def stay_counts(self) -> list[dict[str, Any]]:
        """Decided deals by stage, days in it and outcome. One query, kept."""
        if self.stays_reason:
            return []
        key = ("stay counts", repr(self.asked.filters), *state_key(self.frames))
        return remembered(
            key, lambda: self.frames.facts.execute(engine.counted_stays(self.stays())).to_pylist()
        )

    def places(self) -> list[tuple[Place, int]]:
        """Stages that decided deals stood in, in the order of the pipeline, and how many did."""
        counts: dict[Place, int] = {}
        for row in self.stay_counts():
            place = (row["pipeline"], row["stage"])
            counts[place] = counts.get(place, 0) + row["n"]
        return sorted(counts.items(), key=lambda item: self.position(item[0]))

    def position(self, place: Place) -> tuple[str, int, str]:
        """Where a stage comes in a list: by pipeline, then in the order of its stages."""
        order = {(stage.pipeline, stage.stage): stage.position for stage in self.frames.stages}
        pipeline, stage = place
        return pipeline, order.get(place, order.get(("", stage), 10**6)), stage

    def bands(self, place: Place) -> list[Band]:
        """What became of deals by how long they stood in a stage."""
        key = ("bands", place, repr(self.asked.filters), *state_key(self.frames))
        return remembered(key, lambda: engine.bands(self.stay_counts(), place))

    def usual(self) -> Mapping[Place, Usual]:
        """How long won deals of the whole firm stayed in each stage."""
        return self.ground.usual


def _merged(groups: Sequence[Group], names: Sequence[str]) -> Group:
    return Group(
        "",
        "",
        "",
        {n: sum((g.sums[n] for g in groups), Sum()) for n in (*names, *TOGETHER)},
        {n: sum(g.judged[n] for g in groups) for n in names},
    )


def in_order(deals: ir.Table, sort: str) -> ir.Table:
    """Deals by a column, a minus before it for descending; equal ones always in the same order."""
    column = deals[sort.removeprefix("-")]
    keys = [column, *([deals.amount_estimate] if sort.endswith("amount") else [])]
    turned = [k.desc(nulls_first=False) if sort.startswith("-") else k.asc(nulls_first=False) for k in keys]
    return deals.order_by([*turned, deals.id.asc()])


@contextmanager
def open_inspection(actor: Actor, question: Question) -> Iterator[OpenInspection]:
    """Open an inspection for a reader.

    Raises:
        NoDataError: nothing was imported (by then).
        ValueError: the period, or a filter, can't be met; the message says why.
    """
    with ask(actor, question) as asked:
        context = judge_of(asked.frames).context
        on = ground(asked.frames)
        yield OpenInspection(asked, context, on, tuple(answered(asked.frames, on, context)))


__all__ = ["BANDS", "FLOOR", "NAMES", "Group", "Line", "OpenInspection", "Sum", "open_inspection"]

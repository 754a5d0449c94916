"""Won, lost and ended without a decision for one reader: by competitor, reason and other parts, and before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.analytics.addresses import AddressError
from salesops.analytics.choices import extent
from salesops.analytics.engine import winloss as engine
from salesops.analytics.engine.figure import Figure, quotient, undefined
from salesops.analytics.engine.frames import MISSING_FRAME
from salesops.analytics.engine.journeys import PATH
from salesops.analytics.engine.kpi import KpiValue
from salesops.analytics.engine.masking import reason_of
from salesops.analytics.engine.outcomes import Agreement, Rivals, competitor_win_rates, reason_agreement
from salesops.analytics.engine.winloss import STAGE, UNREASONED, Line, Spans, Tally
from salesops.analytics.event_inputs import journeys, log_start
from salesops.analytics.kept import remembered, state_key
from salesops.analytics.movements import MOST
from salesops.analytics.selectors import OpenQuestion
from salesops.facts.tables import EXTRA_PREFIX
from salesops.process.inputs import masked_columns

PARTS: Mapping[str, str] = {
    "competitor": "Competitor",
    "loss_reason": "Loss reason",
    "segment": "Segment",
    "industry": "Industry",
    "lead_source": "Lead source",
    "deal_kind": "New or renewal",
    STAGE: "Lost from stage",
}
"""What the deals are parted by, in the order of the page."""
WIN_RATE = "win_rate_count"
"""The catalogue's win rate, in which no decision is lost."""
USUALLY = 12
"""Periods before that are looked at where :data:`MOST` names none."""
MOST_LISTED = 200
"""Deals lost from one stage that are listed, the largest first."""
UNNAMED: Mapping[str, str] = {
    "competitor": "names a competitor: map the CRM's column of it to competitor (opportunities) when you import",
    "loss_reason": "says why it was lost: map the CRM's column of it to loss reason (opportunities) when you import",
    "segment": "has a segment: map the column of it to segment (accounts) when you import",
    "industry": "has an industry: map the column of it to industry (accounts) when you import",
    "lead_source": "says where it came from: map the column of it to lead source (opportunities) when you import",
    "deal_kind": "says whether it is new business or a renewal: map the column of it to type (opportunities)",
    STAGE: "was lost from a stage that the change log knows",
}
"""Part -> what no deal does where all of them leave it out."""
MOST_REASONS = 25
"""Reasons that are set side by side; a column of more holds something else, or sentences."""
_BUYER_WORDS = ("buyer", "customer", "interview")
_OF_DEALS = ("id", "name", "account_name", "owner_name", "amount", "closed_on", "loss_reason", "competitor")


@dataclass(frozen=True)
class Reasons:
    """Reasons of losses as the rep stated them and as the buyer gave them.

    Attributes:
        column: column of the buyer's own reason; "" where there is none.
        names: reasons, in the order of ``matrix``.
        matrix: deals; rows the rep's reason, columns the buyer's.
        agreement: how far both agree; None without a deal that has both.
        reason: why nothing can be told; "" where it can.
    """

    column: str = ""
    names: tuple[str, ...] = ()
    matrix: tuple[tuple[int, ...], ...] = ()
    agreement: Agreement | None = None
    reason: str = ""

    @property
    def n(self) -> int:
        """Deals with both."""
        return sum(map(sum, self.matrix))


@dataclass(frozen=True)
class WinLoss:
    """What became of the deals closed in a period.

    Attributes:
        spans: the days that are counted; ``then_reason`` says why there is nothing before them.
        total: all deals.
        parts: part -> its lines.
        missing: part -> why it can't be told.
        rivals: win rates by competitor, no decision apart, of those with at least ``FEWEST`` decided deals of the
            period, with whether they may be ranked.
        rivals_left: competitors of the period with fewer.
        no_decision: share of no decision of the losses whose reason is given.
        without_reason: losses without a reason.
        reason_hidden: why the reader sees no reasons; "" where he does.
        nobody: reasons given in the period that say that the buyer decided for nobody.
        win_rate: the catalogue's win rate, in which no decision is lost; None where it can't be asked.
        reasons: the rep's reasons beside the buyer's.
        money_reason: why amounts are missing; "" where they are not hidden.
    """

    spans: Spans
    total: Line
    parts: Mapping[str, Sequence[Line]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    rivals: Rivals | None = None
    rivals_left: int = 0
    reason_hidden: str = ""
    no_decision: Figure = field(default_factory=lambda: undefined("nothing was lost"))
    without_reason: int = 0
    nobody: tuple[str, ...] = ()
    win_rate: KpiValue | None = None
    reasons: Reasons = field(default_factory=Reasons)
    then_reason: str = ""
    money_reason: str = ""

    def unsplit(self, tally: Tally) -> str:
        """Why losses to somebody and no decision can't be told apart among some deals; "" where they can."""
        return self.reason_hidden or tally.unsplit

    @property
    def ranked(self) -> bool | None:
        """Whether competitors may be ranked; None where there are not two to rank."""
        if self.rivals is None or len(self.rivals.rivals) < 2:
            return None
        return self.rivals.ranking_allowed

    def lines(self, part: str) -> Sequence[Line]:
        """The lines of a part."""
        return self.parts.get(part, ())


def win_loss(asked: OpenQuestion, buyer: str = "") -> WinLoss:
    """What became of the deals that the reader saw closed in the period asked for; kept while that stays the same.

    Args:
        asked: reader, facts, period and filters.
        buyer: column of the buyer's own reason; "" for the one whose name says so.

    Raises:
        AddressError: the period has not begun, or there is no such column.
    """
    chosen = _buyer_column(asked, buyer)
    period, today = asked.period, asked.frames.as_of
    if period is not None and period.first > today:
        raise AddressError(f"{period.title} has not begun on {today}, the day asked for.")
    key = ("winloss", chosen, period, repr(asked.filters), *state_key(asked.frames))
    return remembered(key, lambda: _read(asked, chosen))


def buyer_columns(asked: OpenQuestion) -> list[str]:
    """Columns that may hold the buyer's own reason: the company's own ones that are text and not hidden."""
    hidden = masked_columns(asked.frames)
    schema = asked.frames.deals.schema().items()
    return [
        name for name, kind in schema
        if name.startswith(EXTRA_PREFIX) and kind.is_string() and name not in hidden and not name.endswith("_id")
    ]  # fmt: skip


def _buyer_column(asked: OpenQuestion, name: str) -> str:
    offered = buyer_columns(asked)
    if name:
        if name not in offered:
            raise AddressError(f"There is no column of your own named {name!r:.60} that holds text.")
        return name
    likely = [c for c in offered if "reason" in c and any(word in c for word in _BUYER_WORDS)]
    return likely[0] if likely else ""


def spans_of(asked: OpenQuestion) -> tuple[Spans, str]:
    """The days that are counted, and why there is nothing before them ("" where there is)."""
    period, calendar, today = asked.period, asked.frames.firm.calendar, asked.frames.as_of
    if period is None:
        return Spans(), "all the data has no period before it"
    over = period.last <= today
    first = extent(asked.frames).first
    if first is None:
        return Spans(period, over=over), "there is no deal before it"
    whole = calendar.whole_before(period, first, MOST.get(period.kind, USUALLY))  # type: ignore[call-overload]
    if not whole:
        return Spans(
            period, over=over
        ), f"the data begins on {first}: no period before {period.title} is whole in it"
    cut = calendar.same_day_of(period, whole[-1], min(today, period.last))
    return Spans(period, whole[-1], cut, tuple(whole[:-1]), over), ""


def _read(asked: OpenQuestion, buyer: str) -> WinLoss:
    spans, then_reason = spans_of(asked)
    hidden = masked_columns(asked.frames)
    empty = Line("", None, Tally(), Tally() if spans.before is not None else None)
    missing = {part: reason_of({part}) for part in PARTS if part in hidden}
    unread = missing.get("loss_reason", "")
    columns = [part for part in PARTS if part != STAGE and part not in missing]
    rows = engine.closed(asked.frame("deals"), spans, [*columns, *([buyer] if buyer else [])])
    counted = asked.execute(engine.counts(rows, ["", *columns])).to_pylist()
    stages = _lost_from(asked, spans, rows)
    if isinstance(stages, str):
        missing[STAGE] = stages
    else:
        counted += asked.execute(engine.counts(stages, [STAGE])).to_pylist()
    parts = engine.lines(counted, replace(spans, log_start=log_start(asked.frames)))
    total = next(iter(parts.pop("", [])), empty)
    missing |= {part: _unnamed(part, parts.get(part, [])) for part in PARTS if part not in missing}
    missing = {part: missing[part] for part in PARTS if missing[part]}
    without = 0 if unread else total.now.losses.n - total.now.reasons
    met = [
        (value.name, value.spans[engine.NOW])
        for value in engine.values(counted).get("competitor", [])
        if value.name is not None and engine.NOW in value.spans
    ]
    rivals = [(name, now.won.n, now.lost.n) for name, now in met if not now.few]
    return WinLoss(
        spans=spans,
        total=total,
        parts=parts,
        missing=missing,
        rivals=competitor_win_rates(rivals, total.now.no_decision.n),
        rivals_left=len(met) - len(rivals),
        reason_hidden=unread,
        no_decision=_no_decision(total, without, unread),
        without_reason=without,
        nobody=tuple(
            sorted(
                {
                    row["value"]
                    for row in counted
                    if (row["part"], row["span"], row["ended"]) == ("loss_reason", engine.NOW, "no_decision")
                }
            )
        ),
        win_rate=next(iter(asked.values([WIN_RATE])), None),
        reasons=_reasons(asked, rows, buyer, unread),
        then_reason=then_reason,
        money_reason=reason_of({"amount"}) if "amount" in hidden else "",
    )


def _unnamed(part: str, found: Sequence[Line]) -> str:
    """Why a part of which no deal has a value says nothing; "" where one has."""
    if any(line.value is not None for line in found):
        return ""
    return f"no deal counted here {UNNAMED[part]}" if found else "there is no deal to tell it of"


def _no_decision(total: Line, without: int, hidden: str) -> Figure:
    if hidden:
        return undefined(hidden)
    nothing = UNREASONED if total.now.losses.n else "nothing was lost"
    return quotient(total.now.no_decision.n, total.now.losses.n - without, unknown=nothing, zero=nothing)


def _lost_from(asked: OpenQuestion, spans: Spans, rows: ir.Table) -> ir.Table | str:
    """The closed deals with the stage that each was lost from, or why that can't be told."""
    frames = asked.frames
    if log_start(frames) is None:
        return MISSING_FRAME["stage_visits"]
    deals = asked.frame("deals")
    lost = deals.filter(deals.stage_class == "lost")
    if spans.period is not None and spans.first is not None:
        days = (ibis.literal(day, type="date") for day in (spans.first, spans.period.last))
        lost = lost.filter(lost.closed_on.between(*days))
    visits = replace(journeys(frames), deals=lost.select(*PATH)).visits()
    return engine.with_last_stage(rows, engine.last_stages(visits))


def _reasons(asked: OpenQuestion, rows: ir.Table, buyer: str, hidden: str) -> Reasons:
    if hidden:
        return Reasons(buyer, reason=hidden)
    if not buyer:
        return Reasons(reason="no column with the buyer's own reason is chosen")
    names, found = engine.matrix(asked.execute(engine.given_twice(rows, buyer)).to_pylist())
    if not names:
        return Reasons(buyer, reason="no deal lost in the period has both reasons")
    if len(names) > MOST_REASONS:
        kinds = f"{len(names):,} different reasons stand in both columns"
        return Reasons(buyer, reason=f"{kinds}, more than the {MOST_REASONS} that can be set side by side")
    return Reasons(buyer, names, found, reason_agreement(found))


@dataclass(frozen=True)
class Listed:
    """Deals lost from a stage: the largest, and how many there are."""

    rows: list[dict[str, Any]]
    total: int

    @property
    def cut(self) -> str:
        """What is left out, in words; "" where nothing is."""
        return f"{len(self.rows):,} of {self.total:,} deals" if len(self.rows) < self.total else ""


def lost_from(asked: OpenQuestion, stage: str | None) -> Listed:
    """Deals of the period that were lost from a stage (None: where that is not known), the largest first.

    At most :data:`MOST_LISTED`, and how many there are.

    Raises:
        AddressError: it can't be told.
    """
    # No name of a stage holds one, and no text of a query may.
    if stage is not None and "\x00" in stage:
        raise AddressError(f"There is no stage {stage!r}.")
    spans, _ = spans_of(asked)
    rows = _lost_from(asked, spans, engine.closed(asked.frame("deals"), spans, ()))
    if isinstance(rows, str):
        raise AddressError(f"Where deals were lost from can't be told: {rows}.")
    rows = rows.filter((rows.ended != "won") & (rows.span == engine.NOW))
    rows = rows.filter(rows.lost_from.isnull() if stage is None else rows.lost_from == stage)
    wanted = asked.frames.deals.semi_join(rows.select("id"), "id").select(*_OF_DEALS)
    ordered = wanted.order_by([wanted.amount.desc(nulls_first=False), wanted.id.asc()])
    found = asked.execute(ordered.limit(MOST_LISTED)).to_pylist()
    full = len(found) == MOST_LISTED
    total = asked.execute(wanted.agg(n=wanted.count())).to_pylist()[0]["n"] if full else len(found)
    return Listed(found, total)

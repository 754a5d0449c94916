"""What each stage means as of a day: decided, else proposed from the data, else left open to decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import ibis

from salesops.crm.engine.stages import StageEvidence, propose_stages
from salesops.facts.scope import Scope
from salesops.facts.store import Facts
from salesops.platform import decisions
from salesops.platform.store import fact_store
from salesops.process.models import Stage


@dataclass(frozen=True)
class StageMeaning:
    """What one stage of one pipeline means.

    Attributes:
        stage_class: open, won, lost, ignored, or unmapped where nobody decided and names and
            flags leave doubt.
        position: order in the pipeline.
        decided: True where a decision is in force, False for a proposal.
        why: in words, where proposed.
        deals: how many deals stand in it now.
    """

    pipeline: str
    stage: str
    stage_class: str
    position: int
    probability: str
    forecast_category: str
    pitched: bool
    decided: bool
    why: str
    deals: int


def stages(facts: Facts, on: date, *, known_at: datetime | None = None) -> list[StageMeaning]:
    """Every stage that the data or a decision names, in pipeline order.

    Args:
        facts: the open facts session.
        on: the day the decisions are asked for.
        known_at: only decisions recorded by then.
    """
    seen = _stages_in_data(facts)
    decided = {
        (row.pipeline, row.stage): row for row in decisions.in_force(Stage, on, known_at=known_at).values()
    }
    any_pipeline = {stage: row for (pipeline, stage), row in decided.items() if not pipeline}
    proposals = {
        (row["pipeline"] or "", p.stage): p
        for row, p in zip(seen, propose_stages(_evidence(row) for row in seen), strict=True)
    }
    meanings: list[StageMeaning] = []
    for row in seen:
        pipeline, stage = row["pipeline"] or "", row["stage"] or ""
        rule = decided.get((pipeline, stage)) or any_pipeline.get(stage)
        proposal = proposals.get((pipeline, stage))
        meanings.append(
            StageMeaning(
                pipeline=pipeline,
                stage=stage,
                stage_class=rule.stage_class if rule else (proposal and proposal.stage_class) or "unmapped",
                position=rule.position if rule else (proposal.order if proposal else 0),
                probability=str(rule.probability) if rule and rule.probability is not None else "",
                forecast_category=rule.forecast_category if rule else "",
                pitched=bool(rule and rule.pitched),
                decided=rule is not None,
                why=f"decided by {rule.author_name}"
                if rule
                else (proposal.why if proposal else "nobody decided"),
                deals=row["deals"],
            )
        )
    present = {(m.pipeline, m.stage) for m in meanings}
    present_names = {m.stage for m in meanings}
    for (pipeline, stage), rule in decided.items():
        if (pipeline, stage) not in present and not (not pipeline and stage in present_names):
            meanings.append(_without_deals(rule))
    return sorted(meanings, key=lambda m: (m.pipeline, m.position, m.stage))


def _without_deals(rule: Stage) -> StageMeaning:
    return StageMeaning(
        pipeline=rule.pipeline,
        stage=rule.stage,
        stage_class=rule.stage_class,
        position=rule.position,
        probability="" if rule.probability is None else str(rule.probability),
        forecast_category=rule.forecast_category,
        pitched=rule.pitched,
        decided=True,
        why=f"decided by {rule.author_name}",
        deals=0,
    )


def _evidence(row: dict[str, Any]) -> StageEvidence:
    return StageEvidence(
        stage=row["stage"],
        records=row["deals"],
        won_flags=row["won_flags"] or 0,
        closed_flags=row["closed_flags"] or 0,
        flagged=row["flagged"],
        with_close_date=row["with_close"],
        with_amount=row["with_amount"] or 0,
        probability=None if row["probability"] is None else float(row["probability"]),
    )


_FLAGS = ("won_flags", "closed_flags", "flagged", "with_close", "with_amount", "probability")


def _stages_in_data(facts: Facts) -> list[dict[str, Any]]:
    """Stages with what the source's own flags say of them, counted over all rows whoever asks.

    What a stage means is read from the newest state: a change history tells the stages of the
    past, but the flags beside them are today's and would speak against them.
    """
    counted = _counted(facts)
    if facts.as_of is None or facts.manifest is None:
        return counted
    with fact_store().at(manifest_id=facts.manifest.id) as newest:
        now = {(row["pipeline"], row["stage"]): row for row in _counted(newest)}
    found = []
    for row in counted:
        said = now.pop((row["pipeline"], row["stage"]), None)
        found.append({**row, **({k: said[k] for k in _FLAGS} if said else dict.fromkeys(_FLAGS[:5], 0))})
    return [*found, *({**row, "deals": 0} for row in now.values())]


def _counted(facts: Facts) -> list[dict[str, Any]]:
    deals = facts.read("opportunities", Scope.all())
    named = deals.filter(deals.stage.notnull())
    counted = named.group_by(["pipeline", "stage"]).agg(
        deals=named.count(),
        won_flags=(named.is_won.fill_null(ibis.literal(False))).sum(),
        closed_flags=(named.is_closed.fill_null(ibis.literal(False))).sum(),
        flagged=named.is_closed.notnull().sum(),
        with_close=named.close_on.notnull().sum(),
        with_amount=(named.amount > ibis.literal(0).cast("decimal(19,4)")).sum(),
        probability=named.probability.max(),
    )
    return [dict(row) for row in facts.execute(counted).to_pylist()]


def unmapped(meanings: Iterable[StageMeaning]) -> list[StageMeaning]:
    """Stages that hold deals and that nobody has given a meaning."""
    return [m for m in meanings if m.stage_class == "unmapped" and m.deals]


def current_stages(on: date, *, known_at: datetime | None = None) -> list[StageMeaning]:
    """Every stage of the newest facts and of the decisions in force on a day; decisions alone before any import."""
    with fact_store().at() as facts:
        return stages(facts, on, known_at=known_at)

"""Numbers that somebody keeps, as runs; and how kept numbers and comparisons are asked again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils import timezone

from salesops.analytics.addresses import Address
from salesops.analytics.engine.filters import Filter
from salesops.analytics.models import Reconciliation
from salesops.analytics.selectors import OpenQuestion, Question, ask, kpis
from salesops.org.known import pinned
from salesops.platform import runs
from salesops.platform.actors import Actor
from salesops.platform.manifests import DatabaseManifests

NUMBER = "number"
RECONCILIATION = "reconciliation"


def number_keep(*, actor: Actor, name: str, question: Question) -> runs.Run:
    """Keep one number: its value, parts and groups, with the facts version and decisions they rest on.

    Raises:
        KeyError: no such KPI.
        NoDataError: nothing was imported yet.
        ValueError: the period, a dimension or a filter can't be met.
    """
    kpis([name])
    bound = _pinned(question)
    with ask(actor, bound) as asked:
        result = answer_document(asked, name)
        params = {
            "name": name,
            "period": asked.period.label if asked.period else "all",
            "by": list(question.by),
            "filters": [[f.column, f.op, list(f.values)] for f in question.filters],
            "as_of": asked.question.as_of,
        }
        as_of, manifest = asked.frames.as_of, asked.frames.facts.manifest
    assert bound.known_at is not None  # _pinned() saw to it
    return runs.run_record(
        NUMBER,
        params,
        actor=actor,
        manifest_id=manifest.id if manifest else None,
        known_at=bound.known_at,
        as_of=as_of,
        result=result,
    )


def _pinned(question: Question) -> Question:
    """The question bound to the facts version and the instant of now, where it names none."""
    if question.known_at is not None:
        return question
    newest = DatabaseManifests().latest()
    version = question.manifest_id or (newest.id if newest else None)
    return replace(question, manifest_id=version, known_at=timezone.now())


def answer_document(asked: OpenQuestion, name: str) -> dict[str, Any]:
    """Everything a number says, as plain values."""
    groups = asked.values([name])
    total = groups[0] if not asked.splits else replace(asked, splits=()).values([name])[0]
    period = asked.period
    found = {
        "value": total.value,
        "reason": total.reason,
        "n": total.n,
        "sides": total.sides,
        "estimate": total.estimate,
        "currency": asked.frames.currency,
        "period": {"label": period.label, "from": period.first, "to": period.last} if period else None,
        "as_of": asked.frames.as_of,
        "data_date": asked.frames.today,
        "notes": [*total.notes, *asked.frames.notes],
        "groups": [{"group": v.group, "value": v.value, "n": v.n, "sides": v.sides} for v in groups]
        if asked.splits
        else [],
    }
    plain: dict[str, Any] = runs.plain(found)
    return plain


def question_of(run: runs.Run) -> Question:
    """The question of a kept number, bound to the facts version and decisions of then."""
    params: Mapping[str, Any] = run.params
    as_of = params.get("as_of")
    return Question(
        period=params["period"],
        by=tuple(params.get("by", ())),
        filters=tuple(Filter(column, op, tuple(values)) for column, op, values in params["filters"]),
        as_of=date.fromisoformat(as_of) if as_of else None,
        manifest_id=str(run.manifest_id) if run.manifest_id else None,
        known_at=run.known_at,
    )


def _replay_number(actor: Actor, run: runs.Run) -> Any:
    with ask(actor, question_of(run)) as asked:
        return answer_document(asked, run.params["name"])


def reconciliation_run(*, actor: Actor, row: Reconciliation, side: str, question: Question) -> runs.Run:
    """Record what a kept comparison rests on: our figure, as it was computed."""
    bound = _pinned(replace(question, manifest_id=str(row.manifest_id) if row.manifest_id else None))
    with ask(actor, bound) as asked:
        result = _side_document(asked, row.kpi, side)
        params = {
            "name": row.kpi,
            "side": side,
            "period": asked.period.label if asked.period else "all",
            "filters": [[f.column, f.op, list(f.values)] for f in question.filters],
            "as_of": question.as_of,
            "reconciliation": row.pk,
            "theirs": row.theirs,
        }
        as_of = asked.frames.as_of
    assert bound.known_at is not None  # _pinned() saw to it
    return runs.run_record(
        RECONCILIATION,
        params,
        actor=actor,
        manifest_id=row.manifest_id,
        known_at=bound.known_at,
        as_of=as_of,
        result=result,
    )


def _side_document(asked: OpenQuestion, name: str, side: str) -> dict[str, Any]:
    value = asked.values([name])[0]
    plain: dict[str, Any] = runs.plain({"ours": value.sides.get(side), "n": value.n})
    return plain


def _replay_reconciliation(actor: Actor, run: runs.Run) -> Any:
    with ask(actor, question_of(run)) as asked:
        return _side_document(asked, run.params["name"], run.params["side"])


def register() -> None:
    """Make both kinds known."""
    runs.run_kinds.register(NUMBER, runs.RunKind("Number", _replay_number, _opens))
    runs.run_kinds.register(
        RECONCILIATION, runs.RunKind("Comparison with the CRM", _replay_reconciliation, _opens_comparison)
    )


def _opens(run: runs.Run) -> str:
    question = question_of(run)
    address = Address(
        period=question.period,
        as_of=question.as_of,
        filters=question.filters,
        by=question.by[0] if question.by else "",
        known=pinned(run.manifest_id, run.known_at),
    )
    return reverse("number", args=[run.params["name"]]) + address.query()


def _opens_comparison(run: runs.Run) -> str:
    return reverse("reconciled", args=[run.params["name"], run.params["reconciliation"]])

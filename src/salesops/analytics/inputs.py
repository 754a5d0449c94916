"""Facts and decisions as the frames that KPI declarations read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import ibis
import ibis.expr.types as ir

from salesops.core.calendars import Period
from salesops.facts.days import local_date
from salesops.platform.registries import frame_providers
from salesops.process.inputs import Frames, amount_columns, in_firm_currency


def engine_frames(frames: Frames, period: Period | None, *, provided: bool = True) -> Mapping[str, ir.Table]:
    """The named frames of :mod:`salesops.analytics.engine.frames` for one reader and period.

    ``deals`` always; ``created_amounts`` where the source gave a change history; whatever higher
    domains provide (quotas), where they have something for the period, unless ``provided`` says no.
    """
    makers: dict[str, Callable[[], ir.Table | None]] = {"deals": lambda: frames.deals}
    if "changes" in frames.facts.tables():
        makers["created_amounts"] = lambda: _created_amounts(frames)
    if provided:
        makers |= {name: partial(provide, frames, period) for name, provide in frame_providers.items()}
    return _MadeWhenAsked(makers)


class _MadeWhenAsked(Mapping[str, ir.Table]):
    """Frames by name, each made when somebody looks for it: most questions need one of them."""

    def __init__(self, makers: Mapping[str, Callable[[], ir.Table | None]]) -> None:
        self._makers = makers
        self._made: dict[str, ir.Table | None] = {}

    def _frame(self, name: str) -> ir.Table | None:
        if name not in self._made:
            self._made[name] = self._makers[name]() if name in self._makers else None
        return self._made[name]

    def __getitem__(self, name: str) -> ir.Table:
        frame = self._frame(name)
        if frame is None:
            raise KeyError(name)
        return frame

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._makers if self._frame(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _created_amounts(frames: Frames) -> ir.Table:
    """Amount at the end of the creation day in the firm's currency, for deals whose change log reaches back to it.

    The log reaches back where the source's own history has a row for the deal. The amount then is
    what stood before the first change of the amount after that day, or today's where none came.
    """
    changes = frames.facts.changes(frames.scope, object="opportunities")
    logged = changes.filter(changes.source == "history").select(object_id=changes.object_id).distinct()
    # As the deals themselves: a rule whose column holds no figures gives way to the plain amount.
    schema = frames.deals.schema()
    rules = [
        r if r.column in schema and schema[r.column].is_numeric() else replace(r, column="amount")
        for r in amount_columns(frames)
    ]
    fallback = next((r.column for r in rules if r.deal_kind == "all"), "amount")
    typed = [r for r in rules if r.deal_kind != "all" and r.type_values]
    counts: ir.StringValue = ibis.literal(fallback)
    if typed:
        counts = ibis.cases(
            *((frames.deals.type.isin(list(r.type_values)), r.column) for r in typed), else_=fallback
        )
    deals = frames.deals.select("id", "created_on", "closed_on", "currency", "source_amount", counts=counts)
    amounts = changes.filter(changes.field.isin(sorted({fallback, *(r.column for r in typed)})))
    amounts = amounts.mutate(day=local_date(amounts.valid_at, frames.firm.zone))
    later = amounts.join(deals, amounts.object_id == deals.id).filter(
        lambda t: (t.day > t.created_on) & (t.field == t.counts)
    )
    # The empty text stands for "no amount yet" so that argmin does not skip it.
    first = later.group_by("object_id").agg(before=later.old.fill_null("").argmin(later.valid_at))
    known = deals.semi_join(logged, deals.id == logged.object_id)
    joined = known.left_join(first, known.id == first.object_id)
    found = joined.select(
        id=joined.id,
        currency=joined.currency,
        closed_on=joined.closed_on,
        source_amount=joined.before.isnull().ifelse(
            joined.source_amount, joined.before.nullif(ibis.literal("")).cast("decimal(19,4)")
        ),
    )
    return in_firm_currency(frames, found).select("id", "amount")

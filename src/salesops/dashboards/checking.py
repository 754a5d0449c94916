"""Whether every value of a dashboard equals what the rows that its link opens add up to.

For each value and each side that it is made of, the rows are listed as the rows' page lists them, and measured
again. A table of a saved view is counted row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from salesops.analytics import records
from salesops.analytics.engine.aggregates import survival_code, survival_median
from salesops.analytics.engine.compute import KpiError
from salesops.analytics.engine.kpi import Kpi, KpiValue, Side
from salesops.analytics.selectors import OpenQuestion, ask
from salesops.analytics.shown import group_words, side_title
from salesops.dashboards import inputs
from salesops.dashboards.inputs import Figures
from salesops.dashboards.selectors import Seen
from salesops.platform.actors import Actor

NEARLY = Fraction(1, 10**9)
"""How far two measures may be apart that are no plain sums: medians, percentiles, sums of shares."""


@dataclass(frozen=True)
class Difference:
    """A value that its rows do not add up to."""

    dashboard: str
    tile: str
    what: str
    shown: str
    listed: str

    def __str__(self) -> str:
        return f"{self.dashboard}, {self.tile}: {self.what} shows {self.shown}, its rows give {self.listed}"


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        dashboards: how many were checked.
        values: sides and lists compared.
        without_rows: values that have no rows to list, or none that this reader may list.
        problems: tiles that could not be read at all, with why.
        differences: values that their rows do not add up to.
    """

    dashboards: int
    values: int
    without_rows: int
    problems: tuple[str, ...]
    differences: tuple[Difference, ...]


def check(actor: Actor, dashboards: Sequence[Seen], question: str = "") -> Checked:
    """Compare every value of dashboards, as this reader sees them, with its rows.

    Args:
        actor: whose rows.
        dashboards: to be checked.
        question: as of :func:`salesops.dashboards.contents.computed`.

    Raises:
        NoDataError: nothing was imported yet.
    """
    values = without = 0
    problems: list[str] = []
    differences: list[Difference] = []
    for seen in dashboards:
        address = inputs.address_of(seen.question, question)
        found = inputs.figures(actor, seen.tiles, address)
        for tile in seen.tiles:
            figures = found[tile.key]
            title = tile.title or tile.key
            if figures.problem:
                problems.append(f"{seen.name}, {title}: {figures.problem}")
                continue
            for what, shown, listed, exactly in _compared(actor, figures):
                if listed is _NO_ROWS:
                    without += 1
                    continue
                values += 1
                if not _same(shown, listed, exactly=exactly):
                    differences.append(Difference(seen.name, title, what, str(shown), str(listed)))
    return Checked(len(dashboards), values, without, tuple(problems), tuple(differences))


_NO_ROWS = object()
Compared = tuple[str, Any, Any, bool]
"""What is compared, as shown, as listed, and whether the two must be equal to the last digit."""

PLAIN_SUMS = frozenset({"count", "sum", "days", "total"})


def _compared(actor: Actor, found: Figures) -> Iterator[Compared]:
    if found.view is not None and found.page is not None:
        rows = records.deal_rows(actor, found.view.list_query())
        yield "rows", found.page.total, sum(1 for _ in rows), True
        return
    if not found.kpis:
        return
    with ask(actor, found.address.question()) as asked:
        for kpi in found.kpis:
            yield from _sides(asked, kpi, found.totals.get(kpi.name), None, "")
        if found.by:
            # As the rows' page does: the split is asked for by the column that its address names.
            opened = asked.over(asked.period, asked.split(found.by))
            for group, values in found.groups:
                for kpi in found.kpis:
                    yield from _sides(
                        opened, kpi, values.get(kpi.name), {found.by: group}, group_words(group)
                    )
        for period, value in zip(found.periods, found.past, strict=True):
            over = asked.over(period)
            whole = over.values([found.kpis[0].name])[0]
            yield (
                f"{found.kpis[0].title} in {period.label}",
                value,
                whole.value,
                all(map(_exactly, found.kpis[0].sides)),
            )
            yield from _sides(over, found.kpis[0], whole, None, period.label)


def _sides(
    asked: OpenQuestion, kpi: Kpi, value: KpiValue | None, group: dict[str, Any] | None, words: str
) -> Iterable[Compared]:
    if value is None:
        return
    for side in kpi.sides:
        what = f"{kpi.title}{f' of {words}' if words else ''}, {side_title(kpi, side)}"
        if not side.rows or side.frame not in asked.named or value.sides.get(side.name) is None:
            yield what, None, _NO_ROWS, False
            continue
        try:
            yield what, value.sides[side.name], _listed(asked, kpi, side, group), _exactly(side)
        except KpiError:
            yield what, None, _NO_ROWS, False


def _listed(asked: OpenQuestion, kpi: Kpi, side: Side, group: dict[str, Any] | None) -> Any:
    """What the rows of a side give, measured as the rows' page measures them."""
    rows = asked.rows(kpi.name, side.name, group)
    if side.measure.kind == "upper_days":
        measured = rows.contribution.cast("float64").quantile(0.75)
    elif side.measure.kind == "survival":
        measured = survival_code(rows, side.measure).collect()
    elif side.measure.kind in ("median", "median_days", "middle"):
        measured = rows.contribution.median()
    else:
        measured = rows.contribution.sum()
    counted = asked.execute(rows.agg(n=rows.count(), measured=measured)).to_pylist()[0]
    if side.measure.kind == "survival":
        return survival_median(counted["measured"] or ())
    return 0 if not counted["n"] else counted["measured"]


def _exactly(side: Side) -> bool:
    return side.measure.kind in PLAIN_SUMS and not side.measure.plain


def _same(shown: Any, listed: Any, *, exactly: bool) -> bool:
    if shown is None or listed is None:
        return shown is None and listed is None
    one, other = _fraction(shown), _fraction(listed)
    return one == other if exactly else abs(one - other) <= NEARLY * max(abs(one), 1)


def _fraction(value: Any) -> Fraction:
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)

"""The figures of a dashboard's tiles, read together for one reader.

Tiles whose filters and period are the same are one question; in it, all numbers of one split are one call, which
compiles them into one query per frame. What can't be told to this reader is told so tile by tile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from salesops.analytics import home, list_address, records, stewardship
from salesops.analytics.addresses import DEFAULT_PERIOD, Address, AddressError, filter_from, read, text_of
from salesops.analytics.choices import extent
from salesops.analytics.engine.compute import KpiError
from salesops.analytics.engine.dimensions import Dimension
from salesops.analytics.engine.filters import FilterError
from salesops.analytics.engine.frames import TIMELESS
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.engine.masking import refuse_masked
from salesops.analytics.selectors import ALIASES, OpenQuestion, ask, hidden_from
from salesops.core.calendars import Period, PeriodError
from salesops.dashboards.engine.definition import Tile
from salesops.org import known as known_at
from salesops.platform import saved_views
from salesops.platform.actors import Actor
from salesops.process.inputs import NoDataError

VIEWS = "pipeline"
"""Page whose saved views a table may show."""

SPARK_POINTS = 8
MOST_CHARACTERS = 8_000
ASKED = ("period", "team", "filter", "as_of", known_at.PARAMETER)
"""What the address of a dashboard may ask; each replaces what the dashboard itself asks."""

DATED = frozenset({"activities", "selling_time", "people", "spend", "revenue", "calendar"})
"""Frames of things that happened on a day and do not change after it: an earlier day's are those up to it."""

Exact = int | Decimal
REFUSALS = (KpiError, FilterError, AddressError)


@dataclass(frozen=True)
class Figures:
    """What was read for one tile.

    Attributes:
        tile: its definition.
        address: the page's question with the tile's own filters.
        problem: why this reader gets nothing; "" where he does.
        kpis: declarations, over the data.
        totals: KPI -> value over all rows.
        before: KPI -> value on the same day of the period before.
        before_words: what that is.
        asked: the period that was asked for, which ``before`` belongs to.
        by: column that is split by; "" without one.
        groups: values of the split, each with KPI -> value, in the order of the engine.
        periods, past: periods, the oldest first, and the number's value in each.
        targets: KPI -> target, where one is decided and nothing narrows the question.
        page: rows of a saved view.
        view: the address of that list.
        view_name: what the view is called.
        judge: what tells the flags of its rows.
    """

    tile: Tile
    address: Address
    problem: str = ""
    kpis: tuple[Kpi, ...] = ()
    totals: Mapping[str, KpiValue] = field(default_factory=dict)
    before: Mapping[str, KpiValue] = field(default_factory=dict)
    before_words: str = ""
    asked: Period | None = None
    by: str = ""
    groups: tuple[tuple[Any, Mapping[str, KpiValue]], ...] = ()
    periods: tuple[Period, ...] = ()
    past: tuple[Exact | None, ...] = ()
    targets: Mapping[str, Decimal] = field(default_factory=dict)
    page: records.ListPage | None = None
    view: list_address.ListAddress | None = None
    view_name: str = ""
    judge: Any = None


# --- Addresses ------------------------------------------------------------------------------------


def address_of(kept: str, asked: str = "") -> Address:
    """What a dashboard asks, part by part replaced by what an address asks.

    Args:
        kept: the dashboard's own question.
        asked: the address, without ``?``; an empty part (``team=``) takes the kept one away.

    Raises:
        AddressError: a part can't be read, or the address is longer than a browser sends.
    """
    if len(asked) > MOST_CHARACTERS:
        raise AddressError(f"The address is longer than {MOST_CHARACTERS:,} characters.")
    if "\x00" in asked or "%00" in asked:
        raise AddressError("The address holds a character that no text may hold.")
    own, given, merged = QueryDict(kept), QueryDict(asked.removeprefix("?")), QueryDict(mutable=True)
    for name in ASKED:
        merged.setlist(name, (given if name in given else own).getlist(name))
    address = read(merged)
    return replace(address, period=address.period or DEFAULT_PERIOD)


def address_text(address: Address) -> str:
    """An address that asks for exactly this, whatever the dashboard itself asks."""
    pairs = [("period", address.period or DEFAULT_PERIOD), ("team", address.team)]
    pairs += [("filter", text_of(item)) for item in address.filters] or [("filter", "")]
    if address.as_of:
        pairs.append(("as_of", address.as_of.isoformat()))
    if address.known.text:
        pairs.append((known_at.PARAMETER, address.known.text))
    return urlencode(pairs)


def narrowed(address: Address, filters: Iterable[str]) -> Address:
    """A question with a tile's own filters added.

    Raises:
        AddressError: a filter can't be read.
    """
    added = tuple(filter_from(text) for text in filters)
    return replace(address, filters=(*address.filters, *(f for f in added if f not in address.filters)))


def views_asked(actor: Actor, tiles: Iterable[Tile]) -> tuple[saved_views.View | None, ...]:
    """The saved views that tables name, as far as a reader may pick them; None for each that he may not."""
    return tuple(saved_views.view_of(actor, VIEWS, tile.view) for tile in tiles if tile.view)


# --- Figures --------------------------------------------------------------------------------------


def figures(actor: Actor, tiles: Sequence[Tile], address: Address) -> dict[str, Figures]:
    """The figures of tiles by their keys, read in as few passes as there are different filters and periods.

    Raises:
        NoDataError: nothing was imported (by then).
        PeriodError: there is no such period.
    """
    found: dict[str, Figures] = {}
    asking: dict[tuple[tuple[str, ...], str], list[Tile]] = {}
    for tile in tiles:
        if tile.kind == "text":
            found[tile.key] = Figures(tile, address)
        elif tile.view:
            found[tile.key] = _listed(actor, tile, address)
        else:
            asking.setdefault((tile.filters, tile.period), []).append(tile)
    for (filters, period), members in asking.items():
        try:
            own = narrowed(address, filters)
            own = replace(own, period=period) if period else own
            with ask(actor, own.question()) as asked:
                found |= _Together(actor, asked, own, members).read()
        except REFUSALS as error:
            found |= {tile.key: Figures(tile, address, sentence(error)) for tile in members}
        except PeriodError as error:
            if not period:
                raise
            found |= {tile.key: Figures(tile, address, sentence(error)) for tile in members}
    return found


def sentence(error: Exception) -> str:
    """A refusal as a sentence."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}"


class _Together:
    """Tiles of one question: what each needs is collected, read at once and given back to each."""

    def __init__(self, actor: Actor, asked: OpenQuestion, address: Address, tiles: Sequence[Tile]) -> None:
        self.actor, self.asked, self.address = actor, asked, address
        self.problems: dict[str, str] = {}
        self.declared: dict[str, Kpi] = {}
        for name in dict.fromkeys(name for tile in tiles for name in tile.kpis):
            try:
                self.declared[name] = asked.kpis([name])[0]
            except KeyError:
                for tile in tiles:
                    if name in tile.kpis:
                        self.problems[tile.key] = f"There is no number named {name!r} any more."
        self.all = tiles
        self.tiles = [tile for tile in tiles if tile.key not in self.problems]

    def read(self) -> dict[str, Figures]:
        """Figures by the tiles' keys."""
        totals, refused = values_of(self.asked, self._names(self.tiles))
        compared = [t for t in self.tiles if t.kind == "kpi" or t.over]
        before, words = self._before(self._names(compared))
        past = self._past()
        split = self._split()
        targets = self._targets()
        made = {}
        for tile in self.all:
            problem = self.problems.get(tile.key) or next(
                (refused[name] for name in tile.kpis if name in refused), ""
            )
            if problem:
                made[tile.key] = Figures(tile, self.address, problem)
                continue
            by, groups = split.get(tile.by, ("", {})) if tile.by else ("", {})
            periods, values = past.get(self._points(tile), ((), {}))
            made[tile.key] = Figures(
                tile=tile,
                address=self.address,
                kpis=tuple(self.declared[name] for name in tile.kpis),
                totals={name: totals[name][0] for name in tile.kpis},
                before={name: before[name] for name in tile.kpis if name in before},
                before_words=words,
                asked=self.asked.period,
                by=by,
                groups=tuple(
                    (group, {name: found[name] for name in tile.kpis if name in found})
                    for group, found in groups.items()
                ),
                periods=tuple(periods),
                past=tuple(values.get(tile.kpis[0], ())) if periods else (),
                targets={name: targets[name] for name in tile.kpis if name in targets},
            )
        return made

    def _names(self, tiles: Iterable[Tile]) -> list[str]:
        return list(dict.fromkeys(name for tile in tiles for name in tile.kpis))

    def _before(self, names: Sequence[str]) -> tuple[dict[str, KpiValue], str]:
        """Numbers on the same day of the period before: of a running one, as the facts stood on that day."""
        asked, period, today = self.asked, self.asked.period, self.asked.frames.as_of
        if not names or period is None or period.first > today:
            return {}, ""
        calendar = asked.frames.firm.calendar
        try:
            previous = calendar.shift(period, -1)
            if today >= period.last:
                found, _ = values_of(asked.over(previous), names)
                return {name: values[0] for name, values in found.items()}, previous.title
            until = calendar.same_day_of(period, previous, today)
            dated = [name for name in names if self._frames_of(name) & DATED]
            part = asked.over(calendar.to_date(previous, until))
            found, _ = values_of(part, dated)
            then = replace(self.address.question(), period=previous.label, as_of=until)
            with ask(self.actor, then) as earlier:
                found |= values_of(earlier, [name for name in names if name not in dated])[0]
        except (*REFUSALS, PeriodError, NoDataError, OverflowError):
            return {}, ""
        return {name: values[0] for name, values in found.items()}, f"{previous.title} on the same day"

    def _frames_of(self, name: str) -> set[str]:
        kpi = self.declared[name]
        return {kpi.frame, *(side.frame for side in kpi.sides)}

    def _points(self, tile: Tile) -> int:
        return tile.over or (SPARK_POINTS if tile.spark else 0)

    def _past(self) -> dict[int, tuple[Sequence[Period], dict[str, list[Exact | None]]]]:
        """How many periods -> the periods, and each number's value in them."""
        wanted: dict[int, list[str]] = {}
        for tile in self.tiles:
            if points := self._points(tile):
                names = wanted.setdefault(points, [])
                names += [name for name in tile.kpis if name not in names]
        found = {}
        for points, names in wanted.items():
            try:
                found[points] = past_of(self.asked, [self.declared[name] for name in names], points)
            except REFUSALS as error:
                for tile in self.tiles:
                    if tile.over == points:
                        self.problems[tile.key] = sentence(error)
        return found

    def _split(self) -> dict[str, tuple[str, dict[Any, dict[str, KpiValue]]]]:
        """Dimension as asked -> its column, and group -> KPI -> value."""
        made: dict[str, tuple[str, dict[Any, dict[str, KpiValue]]]] = {}
        hidden = hidden_from(self.asked.frames)
        for by in dict.fromkeys(tile.by for tile in self.tiles if tile.by):
            members = [tile for tile in self.tiles if tile.by == by]
            try:
                refuse_masked(hidden, (), [ALIASES.get(by, by)])
                split = self.asked.split(by)
            except REFUSALS as error:
                self.problems |= {tile.key: sentence(error) for tile in members}
                continue
            column = split.name if isinstance(split, Dimension) else split
            found, refused = values_of(self.asked.over(self.asked.period, split), self._names(members))
            for tile in members:
                if wrong := next((refused[name] for name in tile.kpis if name in refused), ""):
                    self.problems[tile.key] = wrong
            groups: dict[Any, dict[str, KpiValue]] = {}
            for name, values in found.items():
                for value in values:
                    groups.setdefault(value.group[column], {})[name] = value
            made[by] = (column, groups)
        return made

    def _targets(self) -> dict[str, Decimal]:
        """Targets are the firm's: beside a part of its rows they would compare what can't be compared."""
        frames, scope = self.asked.frames, self.asked.frames.scope
        if self.address.team or self.address.filters or not scope.everything:
            return {}
        decided = stewardship.stewardships(frames.as_of, frames.known_at)
        return {name: one.target for name, one in decided.items() if one.target is not None}


def values_of(asked: OpenQuestion, names: Sequence[str]) -> tuple[dict[str, list[KpiValue]], dict[str, str]]:
    """Values by number, all in one call; where one can't be asked, each alone, and why that one can't.

    Returns:
        Number -> its values, one per group; and number -> why it has none.
    """
    if not names:
        return {}, {}
    found: dict[str, list[KpiValue]] = {name: [] for name in names}
    try:
        for value in asked.values(names):
            found[value.name].append(value)
        return found, {}
    except REFUSALS as error:
        if len(names) == 1:
            return {}, {names[0]: sentence(error)}
    found, refused = {}, {}
    for name in names:
        try:
            found[name] = asked.values([name])
        except REFUSALS as error:
            refused[name] = sentence(error)
    return found, refused


def past_of(
    asked: OpenQuestion, kpis: Sequence[Kpi], points: int
) -> tuple[list[Period], dict[str, list[Exact | None]]]:
    """The last periods of the asked one's kind, and each number's value in them.

    Numbers whose date places every row are read by one query over it; the others period by period, all at once.
    """
    at_once = [kpi.name for kpi in kpis if _placed(kpi)]
    others = [kpi.name for kpi in kpis if not _placed(kpi)]
    made = home.past(asked, at_once, extent(asked.frames), points)
    values = {name: list(found) for name, found in made.values.items()}
    for name in others:
        values[name] = [None] * len(made.periods)
    for place, period in enumerate(made.periods):
        # A period without a single row is no group of that query: what the number is then, it says itself.
        missing = [name for name in values if values[name][place] is None]
        found, _ = values_of(asked.over(period), missing)
        for name, one in found.items():
            values[name][place] = one[0].value
    return made.periods, values


def _placed(kpi: Kpi) -> bool:
    """Whether one query over its date gives the number of every period: as the number's own page does."""
    frames = {kpi.frame, *(side.frame for side in kpi.sides)}
    stock = kpi.sides[0].measure.kind in ("sum", "count")
    return len(frames) == 1 and frames <= TIMELESS and kpi.placed and (bool(kpi.dated_by) or stock)


# --- Lists ----------------------------------------------------------------------------------------


def _listed(actor: Actor, tile: Tile, address: Address) -> Figures:
    """The first rows of a saved view, narrowed by team and filters of the page and the tile."""
    view = saved_views.view_of(actor, VIEWS, tile.view)
    if view is None:
        return Figures(tile, address, "There is no such saved view that you may see.")
    try:
        own = narrowed(address, tile.filters)
        asked = list_address_of(view.query, own, tile.rows)
        with records.open_list(actor, asked.list_query()) as opened:
            return Figures(tile, own, page=opened.page(), view=asked, view_name=view.name, judge=opened.judge)
    except REFUSALS as error:
        return Figures(tile, address, sentence(error), view_name=view.name)


def list_address_of(query: str, address: Address, rows: int) -> list_address.ListAddress:
    """The address of a view's list under the page's team, filters, day and state of knowledge.

    The period stays the view's own: which of a deal's dates it is about, only the view knows.
    """
    kept = list_address.parse(query)
    team = (address.team_filter(),) if address.team else ()
    return replace(
        kept,
        status=kept.shown_status,
        filters=tuple(dict.fromkeys((*kept.filters, *team, *address.filters))),
        as_of=address.as_of or kept.as_of,
        known_at=address.known.text or kept.known_at,
        page=1,
        size=rows,
        view="",
    )

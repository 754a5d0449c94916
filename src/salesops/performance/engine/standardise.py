"""Direct comparison is unfair; indirect standardisation says what others would have made of the same work.

For each person, every unit of work (a closed deal, a month) is looked up among *other* people's units of the
same territory and the same tenure. What those yield on average is what the person's units lead one to expect:

    expected = sum over the person's units of the others' mean in the unit's group
    adjusted = raw x (mean of all others) / (expected / units)

``adjusted`` is what the person's own result would be on everybody else's mix of work. Without groups it equals
``raw`` exactly. Fleiss, Levin and Paik, *Statistical Methods for Rates and Proportions*, chapter 19 (indirect
adjustment); groups too small to tell fall back to coarser ones. People are compared with those of their own
role alone.

How far chance reaches around the expected result comes from the spread and the skewness of units inside the
groups, the person's own among them (if nobody differed, any of them could have been theirs), and from how many
units the others have: the sum is taken as a Pearson III variable, made normal by the
transformation of Wilson and Hilferty (1931), since a few large deals make sums of money anything but normal.
Who differs is decided with Benjamini and Hochberg's step-up rule (1995) over everybody judged, so that of the
people called different at most one in twenty is so by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import erfc, sqrt
from typing import Literal

FEWEST_UNITS = 20
"""Units of others that a group needs; below, a coarser group speaks."""
FEWEST_PEOPLE = 3
"""Other people that a group needs, so that it is no single person's mean."""
FEWEST_OWN = 10
"""Units of one's own below which nothing is judged."""
MOST_SKEW = 3.0
"""Skewness of a sum beyond which a few large units decide it and no range of chance can be told."""
FALSE_SHARE = 0.05
"""Share of wrong ones among those who are called different, at most, on average."""
Z_95 = 1.959963984540054

Verdict = Literal["above", "below", "noise", "unknown"]
Group = tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """Units of one person in one territory at one tenure.

    Attributes:
        person: whose.
        territory: from the coarsest trait to the finest, such as (segment, region).
        tenure: band of the time that the person had been here.
        units: closed deals, or months.
        total: what they yielded together: deals won, or money.
        squares, cubes: sums of the squares and cubes of what each yielded, for spread and skewness alone.
        role: of the person; only people of one role are compared.
    """

    person: str
    territory: Group
    tenure: str
    units: int
    total: Fraction
    squares: float
    cubes: float
    role: str = ""


@dataclass(frozen=True)
class Compared:
    """One person beside others who did the same kind of work.

    Attributes:
        person: who.
        units, total: the person's own.
        raw: total by units.
        by_territory: adjusted for territory alone.
        adjusted: adjusted for territory and tenure.
        expected: what others would have made of the same units, together.
        low, high: between what ``raw`` would be by chance of others doing such work, in 95 of 100 cases.
        p_value: probability of a difference so large where there is none.
        coarse: share of the units for which a coarser group had to speak.
        verdict: above or below the others beyond noise; noise; unknown where it can't be told.
        reason: why it is unknown.
        z: how many standard deviations the result lies from the expected one.
        groups: people of each group that ``expected`` was read from: who may be told it depends on them.
    """

    person: str
    units: int
    total: Fraction
    raw: Fraction | None
    by_territory: Fraction | None = None
    adjusted: Fraction | None = None
    expected: Fraction | None = None
    low: Fraction | None = None
    high: Fraction | None = None
    p_value: float | None = None
    coarse: Fraction = Fraction(0)
    verdict: Verdict = "unknown"
    reason: str = ""
    z: float = 0.0
    groups: tuple[frozenset[str], ...] = field(default=(), repr=False)

    @property
    def effect_of_territory(self) -> Fraction | None:
        """What adjusting for territory added."""
        return None if self.raw is None or self.by_territory is None else self.by_territory - self.raw

    @property
    def effect_of_tenure(self) -> Fraction | None:
        """What adjusting for tenure added to that."""
        if self.by_territory is None or self.adjusted is None:
            return None
        return self.adjusted - self.by_territory


@dataclass
class _Pool:
    units: int = 0
    total: Fraction = Fraction(0)
    squares: float = 0.0
    cubes: float = 0.0
    people: int = 0

    def add(self, other: _Pool) -> None:
        self.units += other.units
        self.total += other.total
        self.squares += other.squares
        self.cubes += other.cubes
        self.people += 1

    def without(self, own: _Pool | None) -> _Pool:
        if own is None:
            return self
        return _Pool(
            self.units - own.units,
            self.total - own.total,
            self.squares - own.squares,
            self.cubes - own.cubes,
            self.people - 1,
        )

    @property
    def tells(self) -> bool:
        return self.units >= FEWEST_UNITS and self.people >= FEWEST_PEOPLE

    @property
    def mean(self) -> Fraction:
        return self.total / self.units

    @property
    def variance(self) -> float:
        """Of one unit, about the mean of the group."""
        mean = float(self.mean)
        return max(self.squares - self.units * mean * mean, 0.0) / (self.units - 1)

    @property
    def skew(self) -> float:
        """Third central moment of one unit."""
        mean = float(self.mean)
        return self.cubes / self.units - 3 * mean * self.squares / self.units + 2 * mean**3


class Others:
    """Everybody's units in groups, from the finest to all of them, to look up without those of one person."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._own: dict[tuple[str, Group], _Pool] = defaultdict(_Pool)
        for cell in cells:
            for group in {*_groups(cell, tenure=True), *_groups(cell, tenure=False)}:
                pool = self._own[cell.person, group]
                pool.units += cell.units
                pool.total += cell.total
                pool.squares += cell.squares
                pool.cubes += cell.cubes
        self._all: dict[Group, _Pool] = defaultdict(_Pool)
        people: dict[Group, set[str]] = defaultdict(set)
        for (person, group), pool in self._own.items():
            self._all[group].add(pool)
            people[group].add(person)
        self.people = {group: frozenset(found) for group, found in people.items()}

    def group(self, cell: Cell, *, tenure: bool) -> tuple[Group, bool] | None:
        """The finest group of a cell whose others tell, and whether it is a coarser one; None where none does."""
        for step, group in enumerate(_groups(cell, tenure=tenure)):
            if self.others(group, cell.person).tells:
                return group, step > 0
        return None

    def others(self, group: Group, person: str) -> _Pool:
        """Units of a group without those of one person."""
        return self._all[group].without(self._own.get((person, group)))

    def whole(self, group: Group) -> _Pool:
        """All units of a group."""
        return self._all[group]

    def all_but(self, person: str, role: str) -> _Pool:
        """All units of others of the same role."""
        return self.others((_role(role),), person)


def _groups(cell: Cell, *, tenure: bool) -> list[Group]:
    """Groups that a unit belongs to, finest first, all at last. Tenure outlasts the territory's finer traits."""
    role, found = _role(cell.role), list[Group]()
    for depth in range(len(cell.territory), -1, -1):
        place = tuple(f"{n}={trait}" for n, trait in enumerate(cell.territory[:depth]))
        if tenure:
            found.append((role, f"tenure={cell.tenure}", *place))
        elif depth:
            found.append((role, *place))
    return [*found, (role,)]


def _role(role: str) -> str:
    return f"role={role}"


def compare(cells: Sequence[Cell], most: Fraction | None = None) -> list[Compared]:
    """Everybody's result beside what others would have made of the same work.

    All are judged together, whoever reads: a verdict must not depend on how many people a reader may see.

    Args:
        cells: units of the whole firm.
        most: what a unit yields at most (1 for a share); None where there is no such limit.

    Returns:
        One for each person, in the order of their first cell.
    """
    others = Others(cells)
    people: dict[str, list[Cell]] = {}
    for cell in cells:
        people.setdefault(cell.person, []).append(cell)
    return _verdicts([_one(person, own, others, most) for person, own in people.items()])


def _one(person: str, cells: Sequence[Cell], others: Others, most: Fraction | None) -> Compared:
    units = sum(cell.units for cell in cells)
    total = sum((cell.total for cell in cells), Fraction(0))
    if not units:
        return Compared(person, 0, total, None, reason="no work of this kind in the period")
    raw = total / units
    rest = others.all_but(person, cells[0].role)
    if not rest.tells:
        reason = f"too little to compare with: {rest.units} units of {rest.people} others in the same role"
        return Compared(person, units, total, raw, reason=reason)
    sums = _expected(cells, others, tenure=True)
    expected, placed = sums.expected, _expected(cells, others, tenure=False).expected
    if expected <= 0 or placed <= 0:
        return Compared(person, units, total, raw, reason="others made nothing of such work")
    spread = sqrt(sums.variance)
    skewness = sums.skew / spread**3 if spread else 0.0
    made = Compared(
        person=person,
        units=units,
        total=total,
        raw=raw,
        by_territory=raw * rest.mean * units / placed,
        adjusted=raw * rest.mean * units / expected,
        expected=expected,
        coarse=Fraction(sums.coarse, units),
        groups=(*(others.people[group] for group in sums.groups), others.people[_role(cells[0].role),]),
    )
    if not spread:
        return replace(made, reason="everybody had the same result: nothing says what noise is")
    if abs(skewness) > MOST_SKEW:
        return replace(made, reason="a few large deals decide it: nothing says what noise is")
    z = to_normal(float(total - expected) / spread, skewness)
    low, high = ((expected + Fraction(spread * from_normal(end, skewness))) / units for end in (-Z_95, Z_95))
    made = replace(
        made,
        low=max(low, Fraction(0)),
        high=high if most is None else min(high, most),
        p_value=erfc(abs(z) / sqrt(2)),
        z=z,
    )
    return (
        replace(made, reason=f"only {units} units: {FEWEST_OWN} are needed") if units < FEWEST_OWN else made
    )


def to_normal(x: float, skewness: float) -> float:
    """A standardised Pearson III variable as a standard normal one (Wilson and Hilferty)."""
    if abs(skewness) < 1e-3:
        return x
    base = max(skewness * x / 2 + 1, 0.0)  # below its end nothing is possible
    return float(6 / skewness * (base ** (1 / 3) - 1) + skewness / 6)


def from_normal(z: float, skewness: float) -> float:
    """The inverse of :func:`to_normal`."""
    if abs(skewness) < 1e-3:
        return z
    return float(2 / skewness * ((skewness / 6 * (z - skewness / 6) + 1) ** 3 - 1))


@dataclass(frozen=True)
class _Sums:
    """What others would have made of some units; variance and third moment of the difference; coarse units.

    ``groups`` are those that spoke. Cells that fall back to one group share its mean, so their errors go together.
    """

    expected: Fraction
    variance: float
    skew: float
    coarse: int
    groups: tuple[Group, ...]


def _expected(cells: Sequence[Cell], others: Others, *, tenure: bool) -> _Sums:
    units: dict[Group, int] = defaultdict(int)
    coarse = 0
    for cell in cells:
        found = others.group(cell, tenure=tenure)
        assert found is not None, "all others together tell, so the coarsest group does"
        group, coarser = found
        units[group] += cell.units
        coarse += cell.units if coarser else 0
    expected, variance, skew = Fraction(0), 0.0, 0.0
    for group, n in units.items():
        pool, whole = others.others(group, cells[0].person), others.whole(group)
        expected += n * pool.mean
        variance += whole.variance * (n + n**2 / pool.units)
        skew += whole.skew * (n - n**3 / pool.units**2)
    return _Sums(expected, variance, skew, coarse, tuple(units))


def _verdicts(found: list[Compared]) -> list[Compared]:
    judged = sorted(
        (one for one in found if one.p_value is not None and not one.reason), key=lambda one: one.p_value or 0
    )
    limit = 0.0
    for rank, one in enumerate(judged, start=1):
        share = FALSE_SHARE * rank / len(judged)
        if one.p_value is not None and one.p_value <= share:
            limit = share
    made = []
    for one in found:
        if one.p_value is None or one.reason or one.expected is None:
            made.append(one)
            continue
        beyond = one.p_value <= limit
        made.append(replace(one, verdict=("above" if one.z > 0 else "below") if beyond else "noise"))
    return made


def ranks(values: Mapping[str, Fraction | None]) -> dict[str, int]:
    """Place of each, the largest first; equal values share a place; who has no value has none."""
    known = sorted((v for v in values.values() if v is not None), reverse=True)
    return {name: known.index(value) + 1 for name, value in values.items() if value is not None}

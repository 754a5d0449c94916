"""The comparison against known truths: equal people, one better one, unequal territories, a plain loop."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.performance.engine.standardise import (
    FEWEST_OWN,
    FEWEST_PEOPLE,
    FEWEST_UNITS,
    Cell,
    compare,
    from_normal,
    ranks,
    to_normal,
)
from salesops.performance.engine.work_done import Closed, Stay, deals, months, tenure, whole_months

Unit = tuple[str, tuple[str, ...], str, Fraction]


def cells_of(units: list[Unit]) -> list[Cell]:
    found: dict[tuple[str, tuple[str, ...], str], list[Fraction]] = defaultdict(list)
    for person, territory, band, value in units:
        found[person, territory, band].append(value)
    return [
        Cell(
            *key,
            len(values),
            sum(values, Fraction(0)),
            sum(float(v) ** 2 for v in values),
            sum(float(v) ** 3 for v in values),
        )
        for key, values in sorted(found.items())
    ]


def firm(seed: int, *, value: bool, better: float = 1.0) -> list[Unit]:
    """20 people of equal skill in unequal territories; the first may be better."""
    rng = random.Random(seed)
    units: list[Unit] = []
    for n in range(20):
        for _ in range(rng.randint(25, 60)):
            place = ("SMB", "East") if rng.random() < (0.1 + 0.04 * n) else ("Enterprise", "West")
            band = "new" if n % 4 == 0 else "old"
            chance = (0.5 if place[0] == "SMB" else 0.2) * (0.6 if band == "new" else 1)
            won = rng.random() < min(chance * (better if n == 0 else 1), 1)
            size = Fraction(round(rng.lognormvariate(9, 1))) if value else Fraction(1)
            units.append((f"P{n:02}", place, band, size if won else Fraction(0)))
    return units


def test_equal_people_in_unequal_territories_are_not_called_different() -> None:
    """Nobody differs, so every call is false: with the step-up rule in at most about one firm in twenty."""
    for value in (False, True):
        firms = [compare(cells_of(firm(seed, value=value))) for seed in range(60)]
        wrong = sum(any(one.verdict in ("above", "below") for one in found) for found in firms)
        assert wrong <= 5, (value, wrong)
        shares = [one.p_value < 0.05 for found in firms for one in found if one.p_value is not None]
        assert 0.025 < sum(shares) / len(shares) < 0.075, (value, sum(shares) / len(shares))


def test_a_better_one_in_a_poor_territory_is_found_behind_a_poor_raw_figure() -> None:
    found = compare(cells_of([unit for seed in range(8) for unit in firm(seed, value=False, better=2.2)]))
    best = found[0]
    assert best.person == "P00"
    assert ranks({one.person: one.raw for one in found})["P00"] > 3, "as it stands he is nothing special"
    assert ranks({one.person: one.adjusted for one in found})["P00"] == 1
    assert best.verdict == "above"
    assert best.effect_of_territory is not None
    assert best.effect_of_territory > 0
    assert best.effect_of_tenure is not None
    assert best.effect_of_tenure > 0


@pytest.mark.parametrize("value", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_a_plain_loop_over_the_units_gives(seed: int, value: bool) -> None:
    units = firm(seed, value=value)[:: 1 + seed % 3]  # smaller groups fall back
    for one in compare(cells_of(units))[::4]:
        own = [u for u in units if u[0] == one.person]
        others = [u for u in units if u[0] != one.person]
        assert one.raw == sum((u[3] for u in own), Fraction(0)) / len(own)
        expected = Fraction(0)
        for unit in own:
            for same in (
                lambda u, o: u[1] == o[1] and u[2] == o[2],
                lambda u, o: u[1][0] == o[1][0] and u[2] == o[2],
                lambda u, o: u[2] == o[2],
                lambda u, o: True,
            ):
                group = [o for o in others if same(unit, o)]
                if len(group) >= FEWEST_UNITS and len({o[0] for o in group}) >= FEWEST_PEOPLE:
                    break
            expected += sum((o[3] for o in group), Fraction(0)) / len(group)
        mean = sum((o[3] for o in others), Fraction(0)) / len(others)
        if not expected:
            assert one.reason == "others made nothing of such work"
            continue
        assert one.expected == expected
        assert one.adjusted == one.raw * mean * len(own) / expected
        assert (one.verdict == "unknown") == (len(own) < FEWEST_OWN)


def test_without_groups_adjusting_changes_nothing() -> None:
    units = [(person, (), "", value) for person, _, _, value in firm(3, value=True)]
    for one in compare(cells_of(units)):
        assert one.raw == one.by_territory == one.adjusted
        assert one.effect_of_territory == one.effect_of_tenure == 0


def test_other_roles_are_not_compared_with() -> None:
    cells = cells_of(firm(5, value=False))
    alone = compare(cells)
    managers = [Cell("M", ("SMB", "East"), "old", 50, Fraction(50), 50.0, 50.0, role="Account manager")]
    *both, manager = compare([*cells, *managers])
    assert both == alone
    assert (manager.raw, manager.adjusted) == (1, None)
    assert manager.reason == "too little to compare with: 0 units of 0 others in the same role"


def test_a_group_of_two_others_tells_nothing_of_them() -> None:
    units = [(p, ("SMB",), "old", Fraction(n % 2)) for p in "ABC" for n in range(40)]
    assert {one.reason for one in compare(cells_of(units))} == {
        "too little to compare with: 80 units of 2 others in the same role"
    }


def test_nothing_that_varies_is_no_noise_to_judge_by() -> None:
    units = [(p, ("SMB",), "old", Fraction(1)) for p in "ABCDE" for _ in range(40)]
    assert {one.reason for one in compare(cells_of(units))} == {
        "everybody had the same result: nothing says what noise is"
    }
    none = [(p, ("SMB",), "old", Fraction(0)) for p in "ABCDE" for _ in range(40)]
    assert {one.reason for one in compare(cells_of(none))} == {"others made nothing of such work"}


def test_cells_that_fall_back_to_one_group_share_its_error() -> None:
    """Equal people, one spread over ten territories of his own: called different no more often than others."""
    rng = random.Random(4)
    low = 0
    for _ in range(300):
        units = [("A", (f"own {n % 10}",), "", Fraction(rng.random() < 0.3)) for n in range(100)]
        units += [(p, ("theirs",), "", Fraction(rng.random() < 0.3)) for p in "BCD" for _ in range(30)]
        found = compare(cells_of(units))[0]
        assert found.coarse == 1
        assert found.p_value is not None
        low += found.p_value < 0.05
    assert 0.02 < low / 300 < 0.08


def test_one_giant_deal_gives_no_range_of_chance() -> None:
    units = [(f"P{p}", (), "", Fraction(1 + n % 3)) for p in range(20) for n in range(40)]
    units.append(("P3", (), "", Fraction(100_000)))
    reasons = {one.reason for one in compare(cells_of(units))}
    assert reasons == {"a few large deals decide it: nothing says what noise is"}


def test_a_share_has_no_range_beyond_all() -> None:
    units = [(p, (), "", Fraction(n % 12 > 0)) for p in "ABCDE" for n in range(12)]
    assert {one.high for one in compare(cells_of(units), Fraction(1))} == {1}


@given(st.floats(-3, 3), st.floats(-1.2, 1.2))
def test_the_transformation_has_its_inverse(z: float, skewness: float) -> None:
    x = from_normal(z, skewness)
    if skewness * x / 2 + 1 > 1e-6:
        assert abs(to_normal(x, skewness) - z) < 1e-6


def test_equal_values_share_a_place() -> None:
    values = {"a": Fraction(1, 2), "b": Fraction(2, 3), "c": Fraction(1, 2), "d": None, "e": Fraction(0)}
    assert ranks(values) == {"b": 1, "a": 2, "c": 2, "e": 4}


# --- Units ----------------------------------------------------------------------------------------


def closed(person: str, month: date, won: int, lost: int, value: str, unknown: int = 0) -> Closed:
    return Closed(person, month, ("SMB",), won + lost, won, unknown, Decimal(value), float(value) ** 2, 0.0)


def test_deals_as_units() -> None:
    rows = [
        closed("A", date(2026, 1, 1), 2, 3, "100"),
        closed("A", date(2026, 8, 1), 1, 0, "0", unknown=1),
        closed("B", date(2026, 1, 1), 1, 1, "50.25"),
    ]
    stays = {"A": Stay(date(2025, 12, 20)), "B": Stay(None)}
    rate = deals(rows, stays, {"A": "AE"}, "win_rate")
    assert [(c.person, c.tenure, c.units, c.total, c.role) for c in rate] == [
        ("A", "6 to 11 months", 1, 1, "AE"),
        ("A", "under 6 months", 5, 2, "AE"),
        ("B", "not known", 2, 1, ""),
    ]
    value = deals(rows, stays, {}, "value_per_deal")
    assert [(c.person, c.units, c.total) for c in value] == [("A", 5, 100), ("B", 2, Fraction("50.25"))]


def test_months_as_units() -> None:
    rows = [closed("A", date(2026, 2, 1), 1, 0, "70"), closed("A", date(2026, 5, 1), 1, 0, "30")]
    stays = {"A": Stay(date(2026, 1, 15), date(2026, 4, 30)), "B": Stay(date(2020, 1, 1)), "C": Stay(None)}
    cells = months(rows, stays, {"A": "AE"}, {"B": "East"}, date(2026, 1, 1), date(2026, 5, 30))
    assert [(c.person, c.territory, c.tenure, c.units, c.total) for c in cells] == [
        ("A", ("not known",), "under 6 months", 3, 70),
        ("B", ("East",), "2 years and more", 4, 0),
    ]


def test_whole_months_and_bands() -> None:
    assert whole_months(date(2025, 12, 1), date(2026, 2, 27)) == [date(2025, 12, 1), date(2026, 1, 1)]
    assert whole_months(date(2025, 12, 2), date(2026, 1, 30)) == []
    since = Stay(date(2025, 1, 31))
    assert [tenure(since, date(2025, m, 1)) for m in (6, 7, 12)] == [
        "under 6 months",
        *["6 to 11 months"] * 2,
    ]
    assert tenure(since, date(2026, 1, 1)) == "1 to 2 years"
    assert tenure(since, date(2027, 1, 1)) == "2 years and more"
    assert tenure(None, date(2027, 1, 1)) == "not known"

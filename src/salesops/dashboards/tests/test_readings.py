"""Every name, count and figure of a sentence is one of the data's own: read back and counted by plain loops."""

from __future__ import annotations

import random
import re
from decimal import Decimal

import pytest

from salesops.dashboards.engine.readings import (
    NOTHING,
    Group,
    Point,
    names,
    of_groups,
    of_number,
    of_periods,
    of_rows,
    plural,
)


def say(value: object) -> str:
    return f"<{value}>"


def differ(new: object, old: object) -> str:
    return f"<{abs(new - old)}>"  # type: ignore[operator]


def named(text: str, all_labels: list[str]) -> tuple[set[str], int]:
    """The labels that a list of names holds, and how many more it counts."""
    more = re.search(r" and (\d+) more$", text)
    listed = re.split(r", | and ", text[: more.start()] if more else text)
    assert set(listed) <= set(all_labels), text
    return set(listed), int(more.group(1)) if more else 0


@pytest.mark.parametrize("seed", range(60))
def test_of_groups_names_the_highest_and_the_lowest(seed: int) -> None:
    choice = random.Random(seed)
    labels = [f"G{n}" for n in range(choice.randint(1, 9))]
    most = choice.choice((1, 3, 50))
    groups = [
        Group(label, None if choice.random() < 0.2 else Decimal(choice.randint(-most, most)) / 4)
        for label in labels
    ]
    text = of_groups("Won", groups, "region", "regions", say)
    known = {g.label: g.value for g in groups if g.value is not None}
    lacking = len(groups) - len(known)
    assert text.endswith(".")
    assert (f"; {lacking} ha" in text) == (0 < lacking < len(groups))
    if not known:
        assert text == f"Won: none of {len(groups)} region{'' if len(groups) == 1 else 's'} has a value."
        return
    top, bottom = max(known.values()), min(known.values())
    if len(known) == 1:
        assert f"{next(iter(known))} is the only region with a value, <{top}>" in text
        return
    if top == bottom:
        assert f"all {len(known)} regions with a value are equal at <{top}>" in text
        return
    pattern = (
        r"Won: (.+) (is|are) highest at <(.+?)>, of (\d+) regions; (.+) (is|are) lowest at <(.+?)>(;|\.)"
    )
    found = re.match(pattern, text)
    assert found, text
    high, verb, high_value, count, low, low_verb, low_value, _ = found.groups()
    assert (Decimal(high_value), Decimal(low_value), int(count)) == (top, bottom, len(known))
    for said, word, extreme in ((high, verb, top), (low, low_verb, bottom)):
        want = {label for label, value in known.items() if value == extreme}
        listed, more = named(said, labels)
        assert listed <= want
        assert len(listed) + more == len(want)
        assert word == ("is" if len(want) == 1 else "are")


@pytest.mark.parametrize("seed", range(80))
def test_of_periods_counts_rises_and_falls(seed: int) -> None:
    choice = random.Random(seed)
    points = [
        Point(f"P{n}", None if choice.random() < 0.15 else Decimal(choice.randint(0, 4)))
        for n in range(choice.randint(1, 9))
    ]
    if choice.random() < 0.5:
        points.append(Point("NOW", Decimal(choice.randint(0, 4)), running=True))
    same_day = Decimal(choice.randint(0, 4)) if choice.random() < 0.5 else None
    text = of_periods("Won", points, "quarters", say, differ, same_day)
    whole = [p.value for p in points if not p.running]
    rose = fell = level = 0
    for place in range(1, len(whole)):
        before, after = whole[place - 1], whole[place]
        if before is None or after is None:
            continue
        rose, fell, level = rose + (after > before), fell + (after < before), level + (after == before)
    pairs = rose + fell + level
    if all(p.value is None for p in points):
        assert text == f"Won: none of the {len(points)} quarters has a value."
        return
    for verb, count in (("rose", rose), ("fell", fell), ("stayed level", level)):
        said = re.search(rf"{verb} in (\d+|all of|the)", text)
        assert bool(said) == bool(count), text
        if said and said.group(1).isdigit():
            assert int(said.group(1)) == count < pairs
        elif said:
            assert count == pairs
    stated = re.search(r"(?:the last|the) (\d+) quarters", text)
    if pairs > 1:
        assert stated
        assert int(stated.group(1)) == pairs
    running = points[-1] if points[-1].running else None
    if running is not None:
        assert f"NOW so far{',' if pairs else ''} is <{running.value}>" in text
        against = same_day is not None and len(points) > 1
        assert ("at the same day" in text) == against
        if against and running.value is not None and same_day is not None:
            last = points[-2].label
            way = "above" if running.value > same_day else "below"
            words = (
                f"<{abs(running.value - same_day)}> {way} {last}"
                if running.value != same_day
                else f"level with {last}"
            )
            assert f"{words} at the same day" in text
    else:
        last_known = [p for p in points if p.value is not None][-1]
        assert f"{last_known.label} is <{last_known.value}>" in text


def test_words_of_the_brief() -> None:
    values = [10, 12, 11, 13, 14, 15]
    points = [Point(f"2025-Q{n}", Decimal(v)) for n, v in enumerate(values, start=1)]
    points.append(Point("2026-Q3", Decimal(6), running=True))
    assert of_periods("Won", points, "quarters", str, lambda new, old: "12%", Decimal(7)) == (
        "Won rose in 4 and fell in 1 of the last 5 quarters; the last, 2026-Q3 so far, is 6, 12% below 2025-Q6 at the "
        "same day."
    )
    assert of_groups("Win rate", [Group("East", 4), Group("West", 2)], "region", "regions", str) == (
        "Win rate: East is highest at 4, of 2 regions; West is lowest at 2."
    )


def test_a_number_against_the_past_and_its_target() -> None:
    more = {"before_words": "Q2 on the same day", "differ": differ}
    assert of_number("Won", 12, say, before=10, **more) == "Won is <12>, <2> above Q2 on the same day."
    assert of_number("Won", 10, say, before=10, **more) == "Won is <10>, level with Q2 on the same day."
    no_share = {"before_words": "Q2", "differ": lambda new, old: ""}
    assert of_number("Won", 5, say, before=0, **no_share) == "Won is <5>, above Q2 (<0>)."
    for value, better, verdict in (
        (9, True, "missed"),
        (10, True, "reached"),
        (9, False, "reached"),
        (11, False, "missed"),
    ):
        assert f"target of <10> is {verdict}" in of_number(
            "Won", value, say, target=10, more_is_better=better
        )
    assert "target" not in of_number("Won", 9, say, target=10, more_is_better=None)
    assert of_number("Won", None, say, reason="no deal was won") == "Won can't be told: no deal was won."


def test_the_edges() -> None:
    assert of_groups("Won", [], "region", "regions", say) == NOTHING
    assert of_periods("Won", [], "quarters", say, differ) == NOTHING
    assert (
        of_periods("Won", [Point("P1", None), Point("P2", Decimal(3))], "quarters", say, differ)
        == "Won: P2 is <3>."
    )
    assert of_periods("Won", [Point("P1", Decimal(2)), Point("P2", Decimal(3))], "quarters", say, differ) == (
        "Won rose in the last quarter; P2 is <3>, <1> above P1."
    )
    assert (
        of_periods("Won", [Point("NOW", Decimal(3), True)], "quarters", say, differ)
        == "Won: NOW so far is <3>."
    )
    assert of_rows(5, 132, "deal", "deals") == "The first 5 of 132 deals."
    assert of_rows(7, 7, "deal", "deals") == "All 7 deals of the list."
    assert of_rows(1, 1, "deal", "deals") == "The only deal of the list."
    assert of_rows(0, 0, "deal", "deals") == "No deal is in this list."
    assert names(["A"]) == "A"
    assert names(["A", "B", "C"]) == "A, B and C"
    assert names(["A", "B", "C", "D"]) == "A, B and 2 more"
    assert [plural(w) for w in ("region", "industry", "status", "day")] == [
        "regions",
        "industries",
        "statuses",
        "days",
    ]

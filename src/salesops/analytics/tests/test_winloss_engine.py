"""The engine of win and loss without a store: worked cases, and what holds of any deals."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.analytics.engine import winloss as engine
from salesops.analytics.engine.case_inputs import frame
from salesops.analytics.engine.frames import DEALS
from salesops.analytics.engine.outcomes import competitor_win_rates, reason_agreement
from salesops.analytics.engine.winloss import MOST, NOW, REST, THEN, Spans, Tally
from salesops.analytics.tests import deals as d
from salesops.core.calendars import FiscalCalendar

EXECUTE = d.execute(d.connection())
CALENDAR = FiscalCalendar()


def spans(running: bool = False) -> Spans:
    """The second quarter of 2026 with four before it; running: as of May 10."""
    quarters = CALENDAR.periods("quarter", date(2025, 4, 1), date(2026, 6, 30))
    cut = (
        CALENDAR.same_day_of(quarters[-1], quarters[-2], date(2026, 5, 10)) if running else quarters[-2].last
    )
    return Spans(quarters[-1], quarters[-2], cut, tuple(quarters[:-2]), not running)


def deal(number: int, **values: Any) -> dict[str, Any]:
    return {"id": f"D{number:03}", "closed_on": date(2026, 5, 1), "stage_class": "lost", **values}


def lines(deals: list[dict[str, Any]], over: Spans, *parts: str) -> dict[str, list[engine.Line]]:
    rows = engine.closed(frame(deals, DEALS), over, parts)
    return engine.lines(EXECUTE(engine.counts(rows, ["", *parts])).to_pylist(), over)


def test_case_winloss_1_from_deals() -> None:
    """12 won and 28 lost against Alpha, 9 and 6 against Beta, 25 that nobody won: ``cases/ops.yaml``."""
    endings = [("Alpha", "won", None)] * 12 + [("Alpha", "lost", "price")] * 28
    endings += [("Beta", "won", None)] * 9 + [("Beta", "lost", "fit")] * 6
    endings += [(None, "lost", "No decision")] * 25
    deals = [
        deal(n, competitor=rival, stage_class=stage, loss_reason=reason)
        for n, (rival, stage, reason) in enumerate(endings)
    ]
    found = lines(deals, Spans(), "competitor", "loss_reason")
    named = [one for one in found["competitor"] if one.value]
    rates = {one.value: (one.now.rate.value, one.now.decided) for one in named}
    assert rates == {"Alpha": (Decimal("0.3"), 40), "Beta": (Decimal("0.6"), 15)}
    low_high = {one.value: (one.now.interval.low, one.now.interval.high) for one in named if one.now.interval}
    assert low_high["Alpha"] == pytest.approx((0.180748, 0.4543), abs=1e-6)
    assert low_high["Beta"] == pytest.approx((0.357468, 0.801755), abs=1e-6)
    (total,) = found[""]
    card = competitor_win_rates(
        [(one.value, one.now.won.n, one.now.lost.n) for one in named if one.value], total.now.no_decision.n
    )
    assert card.ranking_allowed is False
    assert float(card.no_decision_share.value or 0) == pytest.approx(0.423729, abs=1e-6)


def test_case_winloss_3_from_deals() -> None:
    """What reps and buyers said, as deals, gives the matrix and the kappa of ``cases/ops.yaml``."""
    reasons, wanted = ("price", "fit", "no_decision"), ((8, 6, 4), (1, 5, 2), (0, 1, 3))
    pairs = [
        (reasons[a], reasons[b]) for a, row in enumerate(wanted) for b, n in enumerate(row) for _ in range(n)
    ]
    deals = [deal(n, loss_reason=said, type=own) for n, (said, own) in enumerate(pairs)]
    deals += [deal(90, stage_class="won", loss_reason="price", type="price"), deal(91, loss_reason="price")]
    rows = engine.closed(frame(deals, DEALS), Spans(), ["loss_reason", "type"])
    names, matrix = engine.matrix(EXECUTE(engine.given_twice(rows, "type")).to_pylist())
    place = [names.index(name) for name in reasons]
    assert tuple(tuple(matrix[a][b] for b in place) for a in place) == wanted
    found = reason_agreement(matrix)
    values = [float(one.value or 0) for one in (found.agreement, found.chance, found.kappa)]
    assert values == pytest.approx([0.533333, 0.326667, 0.306931], abs=1e-6)


def test_reasons_are_one_whatever_their_capitals_and_blanks() -> None:
    rows = [
        {"stated": "Price", "own": "price ", "n": 3},
        {"stated": "PRICE", "own": "too  dear", "n": 1},
        {"stated": "Fit", "own": "Too dear", "n": 2},
    ]
    names, matrix = engine.matrix(rows)
    assert names == ("Price", "Too dear", "Fit")
    assert matrix == ((3, 1, 0), (0, 0, 0), (0, 2, 0))
    assert engine.matrix([]) == ((), ())


REASON = st.sampled_from([None, "Price", "No decision", "stalled", "Fit"])
DAYS = st.dates(date(2025, 2, 1), date(2026, 8, 1))
ROW = st.tuples(
    st.sampled_from(["won", "lost", "open", "ignored", "unmapped"]),
    st.none() | DAYS,
    REASON,
    st.sampled_from([None, "Alpha", "Beta", "a|b"]),
    st.none() | st.decimals(0, 1000, places=2),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, max_size=40), st.booleans())
def test_parts_add_up_and_intervals_hold_the_rates(made: list[Any], running: bool) -> None:
    over = spans(running)
    names = ("stage_class", "closed_on", "loss_reason", "competitor", "amount")
    deals = [deal(n, **dict(zip(names, row, strict=True))) for n, row in enumerate(made)]
    found = lines(deals, over, "competitor", "loss_reason")
    total = next(iter(found.get("", [])), engine.Line("", None, Tally()))
    assert over.period is not None
    assert over.before is not None
    assert over.cut is not None
    for first, last, of in (
        (over.period.first, over.period.last, total.now),
        (over.before.first, over.cut, total.then or Tally()),
    ):
        inside = [x for x in deals if x["closed_on"] and first <= x["closed_on"] <= last]
        counted = Counter(x["stage_class"] for x in inside)
        nobody = sum(
            x["stage_class"] == "lost" and x["loss_reason"] in ("No decision", "stalled") for x in inside
        )
        assert (of.won.n, of.lost.n, of.no_decision.n) == (counted["won"], counted["lost"] - nobody, nobody)
        assert of.won.n + of.lost.n + of.no_decision.n == of.closed.n == counted["won"] + counted["lost"]
        closed = [x for x in inside if x["stage_class"] in ("won", "lost")]
        amounts = [x["amount"] for x in closed if x["amount"] is not None]
        assert of.closed.amount == (sum(amounts, Decimal(0)) if amounts else None)
        assert (of.closed.known, of.decided) == (len(amounts), of.closed.n - nobody)
    rivals, reasons = found.get("competitor", []), found.get("loss_reason", [])
    assert sum((one.now for one in rivals), Tally()) == total.now
    assert sum((one.then or Tally() for one in rivals), Tally()) == (total.then or Tally())
    assert sum(one.now.losses.n for one in reasons) == total.now.losses.n
    given = [one for one in reasons if one.value is not None]
    assert sum(one.now.losses.n for one in given) == total.now.reasons
    if total.now.reasons:
        shares = [Fraction(one.now.losses.n, total.now.reasons) for one in given]
        told = [engine.share(one).value for one in given]
        assert sum(shares) == 1
        assert [float(x or 0) for x in told] == pytest.approx([float(x) for x in shares])
    for one in (total, *rivals):
        rate, interval = one.now.rate, one.now.interval
        assert (rate.value is None) == (interval is None) == (one.now.decided == 0)
        if rate.value is not None and interval is not None:
            assert interval.low <= float(rate.value) <= interval.high
    for one in (*found.get("", []), *rivals, *reasons):
        assert (one.movement is None) == (running or bool(one.apart))


def test_whole_periods_are_tested_and_the_rest_of_the_one_before_counts_there() -> None:
    """Half of the period before lies after the cut: it is in the series, and not in ``then``."""
    rows = []
    for span, won, lost in ((NOW, 9, 1), (THEN, 2, 8), (REST, 3, 7)):
        rows += [_row(span, "won", won), _row(span, "lost", lost)]
    over = spans()
    for period in over.earlier:
        rows += [_row(period.label, "won", 2), _row(period.label, "lost", 8)]
    extra = CALENDAR.periods("quarter", date(2024, 10, 1), date(2025, 3, 31))
    over = Spans(over.period, over.before, over.cut, (*extra, *over.earlier), True)
    rows += [_row(extra[0].label, "lost", 10), _row(extra[1].label, "won", 10)]
    (total,) = engine.lines(rows, over)[""]
    assert total.movement is not None
    assert total.movement.expected == Fraction(2 + 3 + 3 * 2 + 10, 20 + 3 * 10 + 20)
    assert (total.movement.periods, total.movement.verdict) == (6, "up")
    assert (total.then or Tally()).won.n == 2


def _row(
    span: str, ended: str, n: int, part: str = "", value: str | None = None, said: int | None = None
) -> dict[str, Any]:
    given = n if said is None else said
    row = {"part": part, "value": value, "span": span, "ended": ended, "n": n, "said": given}
    return {**row, "known": 0, "amount": None}


def long_spans(log_start: date | None = None) -> Spans:
    """The second quarter of 2026 with eight before it."""
    quarters = CALENDAR.periods("quarter", date(2024, 4, 1), date(2026, 6, 30))
    return Spans(quarters[-1], quarters[-2], quarters[-2].last, tuple(quarters[:-2]), log_start=log_start)


def before(over: Spans) -> list[str]:
    return [*(period.label for period in over.earlier), THEN]


def verdict(line: engine.Line) -> str:
    assert line.movement is not None
    return line.movement.verdict


@pytest.mark.parametrize("part", ["loss_reason", engine.STAGE])
def test_shares_do_not_move_with_how_much_is_recorded(part: str) -> None:
    """Half Price, half Fit, always; of late most losses say neither."""
    over = long_spans(date(2024, 1, 1))
    rows = [_row(span, "lost", 20, part, value) for span in before(over) for value in ("Price", "Fit")]
    rows += [_row(NOW, "lost", 10, part, value) for value in ("Price", "Fit")]
    rows += [_row(NOW, "lost", 60, part, None, 0)]
    price, fit, nothing = sorted(engine.lines(rows, over)[part], key=lambda one: -(one.value == "Price"))
    for one in (price, fit):
        assert (verdict(one), one.of, one.of_then) == ("noise", 20, 40)
        assert (engine.share(one).value, engine.share_then(one).value) == (Decimal("0.5"), Decimal("0.5"))
    assert (nothing.now.losses.n, nothing.movement, engine.share(nothing).value) == (60, None, None)
    rows += [_row(NOW, "lost", 60, part, "Price")]
    assert verdict(next(one for one in engine.lines(rows, over)[part] if one.value == "Price")) == "up"


def test_the_win_rate_does_not_move_with_how_many_reasons_are_given() -> None:
    over = long_spans()
    rows = [_row(span, ended, 40) for span in before(over) for ended in ("won", "lost", "no_decision")]
    rows += [_row(NOW, "won", 40), _row(NOW, "lost", 80, said=0)]
    (total,) = engine.lines(rows, over)[""]
    assert verdict(total) == "noise"
    assert engine.share(total) == engine.share_then(total)
    assert (total.now.unsplit, (total.then or Tally()).unsplit) == (engine.UNREASONED, "")
    assert total.now.rate != (total.then or total.now).rate
    assert Tally().unsplit == ""


def test_stages_are_compared_only_with_periods_that_the_change_log_holds() -> None:
    over = long_spans(date(2024, 7, 2))
    rows = [_row(span, "lost", n, engine.STAGE, value) for span in (*before(over), NOW)
            for value, n in (("Proposal", 5), ("Discovery", 5))]  # fmt: skip
    rows += [_row(over.earlier[0].label, "lost", 500, engine.STAGE, "Proposal")]
    one = engine.lines(rows, over)[engine.STAGE][0]
    assert one.movement is not None
    assert (one.movement.expected, one.movement.periods) == (Fraction(1, 2), 6)
    late = engine.lines(rows, long_spans(date(2026, 1, 2)))[engine.STAGE][0]
    assert (late.movement, "begins on 2026-01-02" in late.apart) == (None, True)


def test_values_are_one_whatever_their_capitals_and_blanks() -> None:
    written = (("Alpha", 3), ("alpha ", 2), (" ALPHA", 1), ("A;B", 1), ("A; B", 1), ("  ", 2), (None, 1))
    rows = [_row(NOW, "won", n, "competitor", value) for value, n in written]
    found = engine.lines(rows, spans())["competitor"]
    assert [(one.value, one.now.won.n) for one in found] == [("Alpha", 6), ("A; B", 1), ("A;B", 1), (None, 3)]
    assert found[0].spellings == (" ALPHA", "Alpha", "alpha ")


def test_values_that_stand_together_are_not_judged() -> None:
    """Which values stand together hangs on the period: each of them never changes its rate."""
    over, rows = long_spans(), []
    for n in range(MOST + 5):
        ended = "lost" if n < MOST else "won"
        rows += [_row(span, ended, 20, "competitor", f"Rival {n:02}") for span in before(over)]
        rows += [_row(NOW, ended, 40 - n, "competitor", f"Rival {n:02}")]
    rest = engine.lines(rows, over)["competitor"][-1]
    assert (rest.others, rest.movement, bool(rest.apart)) == (5, None, True)


def test_many_values_stand_together_and_still_add_up() -> None:
    rows = [_row(NOW, "won", n % 7 + 1, "competitor", f"Rival {n:02}") for n in range(60)]
    rows += [_row(NOW, "lost", 3, "competitor", None), _row(THEN, "lost", 4, "competitor", "Rival 00")]
    found = engine.lines(rows, spans())["competitor"]
    assert (len(found), found[-2].others, found[-2].value, found[-1].value) == (
        MOST + 2,
        60 - MOST,
        None,
        None,
    )
    assert sum(one.now.won.n for one in found) == sum(n % 7 + 1 for n in range(60))
    assert sum((one.then or Tally()).lost.n for one in found) == 4
    assert found[-1].others == 0
    sizes = [one.now.closed.n for one in found[:MOST]]
    assert all(a >= b for a, b in pairwise(sizes))

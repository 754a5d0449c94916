"""Win and loss: against plain loops over the firm's deals; who sees what; links, page, files and REST."""

from __future__ import annotations

import csv
import html
import io
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import comb
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import QueryDict
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker
from tests.doors.conftest import shared_home

from salesops.analytics import list_address, records, winloss
from salesops.analytics import winloss_parts as parts
from salesops.analytics.addresses import NOTHING, Address, AddressError, read
from salesops.analytics.engine.figure import Figure
from salesops.analytics.engine.winloss import FEWEST, STAGE, Spans, lines
from salesops.analytics.selectors import ask
from salesops.analytics.tests import pipeline_firm as firm
from salesops.analytics.tests.waterfall_firm import bring
from salesops.analytics.winloss import PARTS, WinLoss, lost_from, win_loss
from salesops.analytics.winloss_links import deals_href
from salesops.core.calendars import FiscalCalendar
from salesops.org import selectors as org
from salesops.permissions.services import mask_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor
from salesops.platform.signin import account_save, token_create
from salesops.ui import formats

pytestmark = pytest.mark.django_db
THEN, NOW = date(2026, 6, 30), date(2026, 9, 30)
FIRST = date(2022, 1, 1)
CASE = (date(2022, 4, 1), date(2022, 6, 30))
"""Quarter in which the firm's deals are those of WINLOSS-1 of ``cases/ops.yaml``."""
STAGES = ("Discovery", "Proposal", "Negotiation")
REASONS = ("Price", "No decision", "Timing", None, "no budget", "Price", "Fit")
RIVALS = ("Kestrel", "Pelican", None, "Kestrel", 'Quarry | "Sons"')
BUYERS = ("price ", "FIT", None, "No  decision")
SPLIT = "No decision | later"
NOBODY = ("No decision", "no budget")
USERS = [
    {"id": firm.OURS, "name": "Ann Ours", "manager_id": firm.LEAD, "team": "North"},
    {"id": firm.THEIRS, "name": "Theo Theirs", "manager_id": "m2", "team": "South"},
]
ACCOUNTS = [
    {"id": "A1", "name": "One", "owner_id": firm.OURS, "segment": "SMB", "industry": "Retail"},
    {"id": "A2", "name": "Two", "owner_id": firm.THEIRS, "segment": None, "industry": "Mining"},
]


def deals(day: date = NOW) -> list[dict[str, Any]]:
    """400 deals closed over three years, six still open: won more rarely of late, with reasons and money missing."""
    made = []
    for n in range(400):
        closed = NOW - timedelta(days=(n - 6) * 3 + n % 2)
        won = n % 3 == 0 and n % 12 != 0 if n < 37 else n * 7 % 5 < 3
        is_open = closed > day
        mine = n % 4 != 0
        reason = None if won or is_open else REASONS[n % 7] if n < 371 else SPLIT
        made.append(
            {
                "id": f"D{n:03}",
                "name": f"{'Ours' if mine else 'Theirs'} {n}",
                "owner_id": firm.OURS if mine else firm.THEIRS,
                "account_id": "A1" if n % 3 else "A2",
                "stage": STAGES[n % 3] if is_open else "Closed Won" if won else "Closed Lost",
                "amount": None if n % 9 == 0 else Decimal(1000 + n) + Decimal("0.25"),
                "created_on": FIRST,
                "close_on": closed,
                "lead_source": ("Event", "Inbound")[n % 2],
                "type": "New Business" if n % 5 else "Renewal",
                "loss_reason": reason,
                "competitor": RIVALS[n % 5],
                "x_buyer_reason": BUYERS[n % 4],
                "x_quote": f"Words {n}",
                "x_office": f"Office {n % 2}",
            }
        )
    return made + case_deals()


def case_deals() -> list[dict[str, Any]]:
    """12 won and 28 lost against Alpha, 9 and 6 against Beta, written in several ways; 25 that nobody won."""
    ends = [("Alpha", "Closed Won", None)] * 12 + [("ALPHA", "Closed Lost", "Price")] * 8
    ends += [("Alpha ", "Closed Lost", "price")] * 20
    ends += [("Beta", "Closed Won", None)] * 9 + [("Beta", "Closed Lost", "Fit")] * 6
    ends += [(None, "Closed Lost", "No decision")] * 25
    shared = {"owner_id": firm.OURS, "account_id": "A1", "created_on": FIRST, "type": "New Business"}
    blank = dict.fromkeys(("amount", "x_buyer_reason", "x_quote", "x_office"))
    return [
        {"id": f"W{n:03}", "name": f"Ours case {n}", "close_on": CASE[1], "lead_source": "Event", **shared, **blank,
         "competitor": rival, "stage": stage, "loss_reason": reason}
        for n, (rival, stage, reason) in enumerate(ends)
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def own_folders() -> None:
    """The tests of this module share one home: see :func:`_loaded`."""


@pytest.fixture(scope="module", autouse=True)
def _loaded(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The firm as it stood on both days, brought in once."""
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        org._people_in_facts.cache_clear()
        for day in (THEN, NOW):
            bring(day, {"users": USERS, "accounts": ACCOUNTS, "opportunities": deals(day)})
        yield


def told(query: str = "period=2026-Q3", actor: Actor = ADMIN, buyer: str = "") -> WinLoss:
    with ask(actor, address(query).question()) as asked:
        return win_loss(asked, buyer)


def address(query: str = "period=2026-Q3") -> Address:
    return read(QueryDict(query), default="quarter")


def ending(deal: dict[str, Any]) -> str:
    if deal["stage"] == "Closed Won":
        return "won"
    return "no_decision" if deal["loss_reason"] in (*NOBODY, SPLIT) else "lost"


def within(first: date, last: date, rows: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    found = deals() if rows is None else rows
    return [d for d in found if d["stage"].startswith("Closed") and first <= d["close_on"] <= last]


Q3 = (date(2026, 7, 1), NOW)
Q2 = (date(2026, 4, 1), THEN)


def value_of(deal: dict[str, Any], part: str) -> str | None:
    account = next(a for a in ACCOUNTS if a["id"] == deal["account_id"])
    if part == STAGE:
        return STAGES[int(deal["id"][1:]) % 3] if deal["close_on"] > THEN else None
    if part == "deal_kind":
        return "renewal" if deal["type"] == "Renewal" else "new"
    return account[part] if part in ("segment", "industry") else deal[part]  # type: ignore[return-value]


def by_value(rows: list[dict[str, Any]], part: str) -> dict[str | None, Counter[str]]:
    found: dict[str | None, Counter[str]] = {}
    for deal in rows:
        if part in (STAGE, "loss_reason") and ending(deal) == "won":
            continue
        found.setdefault(value_of(deal, part), Counter())[ending(deal)] += 1
    return found


def three(line_of: Any) -> Counter[str]:
    return Counter(
        {k: v for k in ("won", "lost", "no_decision") if (v := getattr(line_of, k).n)}
    )  # fmt: skip


def test_every_part_is_what_a_plain_loop_counts() -> None:
    found = told()
    for part in PARTS:
        check_part(found, part)


def check_part(found: WinLoss, part: str) -> None:
    now, then = by_value(within(*Q3), part), by_value(within(*Q2), part)
    lines = found.lines(part)
    assert {line.value: three(line.now) for line in lines} == {
        value: now.get(value, Counter()) for value in now.keys() | then.keys()
    }
    assert {line.value: three(line.then) for line in lines} == {
        value: then.get(value, Counter()) for value in now.keys() | then.keys()
    }
    sizes = [(line.value is None, -line.now.closed.n) for line in lines]
    assert sizes == sorted(sizes), "most deals first, those without a value last"


def test_totals_money_and_rates() -> None:
    found, rows = told(), within(*Q3)
    total = found.total.now
    counted = Counter(map(ending, rows))
    assert (total.won.n, total.lost.n, total.no_decision.n) == (
        counted["won"], counted["lost"], counted["no_decision"],
    )  # fmt: skip
    assert total.closed.n == len(rows) == sum(counted.values())
    for name, deals_of in (("won", total.won), ("lost", total.lost), ("no_decision", total.no_decision)):
        amounts = [d["amount"] for d in rows if ending(d) == name]
        assert deals_of.amount == sum((a for a in amounts if a is not None), Decimal(0))
        assert deals_of.known == sum(a is not None for a in amounts)
    assert total.rate.value == _ratio(counted["won"], counted["won"] + counted["lost"])
    assert total.win_rate.value == _ratio(counted["won"], len(rows))
    given = [d for d in rows if ending(d) != "won" and d["loss_reason"]]
    assert found.no_decision.value == _ratio(counted["no_decision"], len(given))
    assert found.without_reason == len(rows) - counted["won"] - len(given) > 0
    assert found.win_rate is not None
    assert found.win_rate.value == _ratio(counted["won"], len(rows)), "the catalogue's: no decision is lost"
    assert found.nobody == NOBODY


def _ratio(a: int, b: int) -> Decimal:
    return Decimal(round(Fraction(a, b) * 10**12)) / 10**12


def test_noise_is_fishers_test_against_the_whole_periods_before() -> None:
    found, calendar = told(), FiscalCalendar()
    quarters = calendar.periods("quarter", FIRST, THEN)[-12:]
    assert [*found.spans.earlier, found.spans.before] == quarters
    before = Counter(ending(d) for d in within(quarters[0].first, THEN))
    now = Counter(map(ending, within(*Q3)))
    movement = found.total.movement
    assert movement is not None
    k1, n1, k2, n2 = now["won"], now.total(), before["won"], before.total()
    tables = [
        Fraction(comb(n1, k) * comb(n2, k1 + k2 - k), comb(n1 + n2, k1 + k2))
        for k in range(max(0, k1 + k2 - n2), min(n1, k1 + k2) + 1)
    ]
    mine = tables[k1 - max(0, k1 + k2 - n2)]
    assert movement.p_value == pytest.approx(float(sum(p for p in tables if p <= mine)), rel=1e-6)
    assert (movement.verdict, parts.said_of(found, found.total)) == ("down", "beyond")
    expected = f"{formats.ratio(_ratio(k2, n2))} expected from the 12 periods before: beyond noise"
    assert f"below Q2 2026; {expected}." in parts.reading(found)
    row = parts.rows(found)[0]
    assert (row["expected"], row["gap"]) == (_ratio(k2, n2), pytest.approx(_ratio(k1, n1) - _ratio(k2, n2)))
    assert row["why"].startswith(expected)


def test_the_verdict_is_of_the_gap_to_the_periods_before_together() -> None:
    """27 of 100 are more than the 20 of the quarter before, and far fewer than all before: the change is not judged."""
    quarters = FiscalCalendar().periods("quarter", date(2024, 7, 1), NOW)
    over = Spans(quarters[-1], quarters[-2], quarters[-2].last, tuple(quarters[:-2]))
    shares = [(one.label, 62) for one in over.earlier] + [("then", 20), ("now", 27)]
    rows = [
        {"part": "", "value": None, "span": span, "ended": ended, "n": n, "said": n, "known": 0, "amount": None}
        for span, won in shares for ended, n in (("won", won), ("lost", 100 - won))
    ]  # fmt: skip
    found = WinLoss(over, lines(rows, over)[""][0])
    row, (*_, tile) = parts.rows(found)[0], parts.tiles(found, address(), "EUR")
    assert (row["change"], row["noise"], row["expected"], row["gap"]) == (
        Decimal("0.07"), "beyond", Decimal("0.5675"), Decimal("-0.2975"),
    )  # fmt: skip
    assert tile.delta is not None
    assert (tile.delta.direction, tile.delta.note) == ("up", "against Q2 2026")
    told = "56.8% expected from the 8 periods before: beyond noise"
    assert told in tile.note
    assert f"above Q2 2026; {told}." in parts.reading(found)


def test_a_running_year_is_compared_to_the_same_day_and_not_judged() -> None:
    found = told("period=2026")
    assert (found.spans.cut, found.spans.over) == (date(2025, 9, 30), False)
    assert found.total.then is not None
    assert three(found.total.then) == Counter(map(ending, within(date(2025, 1, 1), date(2025, 9, 30))))
    assert {line.movement for part in PARTS for line in found.lines(part)} == {None}
    assert parts.why(found, found.total) == "2026 is judged when it is over"
    assert "noise" not in parts.reading(found)
    assert parts.rows(found)[0]["said"] == "noise not known"
    whole = told("period=all")
    assert (whole.total.now.closed.n, whole.total.then) == (len(within(FIRST, NOW)), None)
    assert parts.change_of(whole, whole.total).reason == "all the data has no period before it"


def test_competitors_are_ranked_only_where_no_intervals_overlap() -> None:
    found = told("period=2025")
    assert found.rivals is not None
    seen = {one.name: (one.interval.low, one.interval.high) for one in found.rivals.rivals if one.interval}
    counted = by_value(within(date(2025, 1, 1), date(2025, 12, 31)), "competitor")
    assert set(seen) == {name for name in counted if name}
    ends = sorted(seen.values())
    assert any(a[1] >= b[0] for a, b in pairwise(ends))
    assert found.ranked is False
    assert "No ranking: the intervals overlap, so the order may be chance." in parts.reading(found)
    one = told("period=2026-Q3&filter=competitor:eq:Kestrel")
    assert (one.ranked, parts.ranking(one)) == (None, "")


def test_competitors_of_few_deals_are_not_ranked() -> None:
    found, counted = told(), by_value(within(*Q3), "competitor")
    enough = {name for name, ends in counted.items() if name and ends["won"] + ends["lost"] >= FEWEST}
    assert found.rivals is not None
    assert {one.name for one in found.rivals.rivals} == enough
    assert found.rivals_left == len(counted.keys() - enough - {None}) > 0
    assert f"{found.rivals_left} competitors with fewer than {FEWEST} decided deals" in parts.ranking(found)


def test_case_winloss_1_on_the_page() -> None:
    """``cases/ops.yaml``: rates, intervals, deals, no ranking and the share of no decision."""
    found = told("period=2022-Q2")
    alpha, beta, nobody = (row for row in parts.rows(found) if row["part"] == "competitor")
    assert [(one["name"], one["rate_apart"], one["n_apart"]) for one in (alpha, beta)] == [
        ("Alpha", Decimal("0.3"), 40), ("Beta", Decimal("0.6"), 15),
    ]  # fmt: skip
    ends = [(float(one["low_apart"]), float(one["high_apart"])) for one in (alpha, beta)]
    assert ends[0] == pytest.approx((0.180748, 0.4543), abs=1e-6)
    assert ends[1] == pytest.approx((0.357468, 0.801755), abs=1e-6)
    assert (nobody["value"], nobody["no_decision"], nobody["rate_apart"]) == (None, 25, None)
    assert (found.ranked, found.rivals_left) == (False, 0)
    assert float(found.no_decision.value or 0) == pytest.approx(0.423729, abs=1e-6)
    here = address("period=2022-Q2")
    for which, n in (("closed", 40), ("won", 12), ("losses", 28)):
        query = list_address.parse(urlsplit(deals_href(found, here, alpha["line"], which)).query).list_query()  # type: ignore[arg-type]
        assert records.deal_list(ADMIN, query).total == n, "every way the name is written"


def test_the_deals_behind_every_line_are_listed() -> None:
    found, here = told("period=2026-Q3&team=team:North"), address("period=2026-Q3&team=team:North")
    every = ("closed", "won", "lost", "no_decision", "losses")
    wanted = [(found.total, every)]
    wanted += [(found.lines("competitor")[end], every[:4]) for end in (0, -1)]
    wanted += [(found.lines("loss_reason")[end], every[2:]) for end in (0, -1)]
    wanted += [
        (found.lines(part)[0], every[:1]) for part in ("segment", "industry", "lead_source", "deal_kind")
    ]
    for line, figures in wanted:
        for which in figures:
            href = deals_href(found, here, line, which)  # type: ignore[arg-type]
            query = list_address.parse(urlsplit(href).query).list_query()
            assert records.deal_list(ADMIN, query).total == getattr(line.now, which).n, (line, which, href)
    for line in found.lines(STAGE):
        asked_for = parse_qs(urlsplit(deals_href(found, here, line, "losses")).query)["lost_from"]
        assert asked_for == [line.value or NOTHING]
        with ask(ADMIN, here.question()) as asked:
            listed = lost_from(asked, line.value)
        assert (len(listed.rows), listed.total, listed.cut) == (line.now.losses.n, line.now.losses.n, "")


def test_what_is_left_out_of_a_list_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winloss, "MOST_LISTED", 2)
    lost = next(line for line in told().lines(STAGE) if line.now.losses.n > 2)
    browser, query = firm.client(username="cut"), f"period=2026-Q3&as_of={NOW}&lost_from={lost.value}"
    body = browser.get(f"/win-loss/?{query}").content.decode()
    cut = f"2 of {lost.now.losses.n} deals"
    assert body.count(cut) >= 2, "beside the list and among the notes, which files carry"
    assert f"?as_of={NOW}" in body[body.index("deals-lost-from") :]
    frozen = browser.get(f"/win-loss/?{query}&freeze=html").content.decode()
    assert cut in frozen


def test_a_reason_that_no_link_can_hold_has_none() -> None:
    last = within(date(2023, 1, 1), date(2023, 9, 30))
    assert {d["loss_reason"] for d in last if ending(d) == "no_decision"} == {SPLIT}
    found = told("period=2023-Q3")
    assert found.nobody == (SPLIT,)
    assert deals_href(found, address(), found.total, "no_decision") == ""
    assert deals_href(found, address(), found.total, "won") != ""


def test_reps_reasons_beside_the_buyers() -> None:
    found = told("period=all").reasons
    both = [d for d in deals() if ending(d) != "won" and d["loss_reason"] and d["x_buyer_reason"]]
    pairs = Counter(
        (d["loss_reason"].casefold(), " ".join(d["x_buyer_reason"].split()).casefold()) for d in both
    )
    keys = [name.casefold() for name in found.names]
    assert {(a, b): n for a, row in zip(keys, found.matrix, strict=True)
            for b, n in zip(keys, row, strict=True) if n} == dict(pairs)  # fmt: skip
    assert (found.column, found.n) == ("x_buyer_reason", len(both))
    agree = Fraction(sum(n for (a, b), n in pairs.items() if a == b), len(both))
    chance = sum(
        Fraction(sum(n for (a, _), n in pairs.items() if a == key), len(both))
        * Fraction(sum(n for (_, b), n in pairs.items() if b == key), len(both))
        for key in keys
    )
    assert found.agreement is not None
    assert found.agreement.kappa.value == pytest.approx(Decimal(str(float((agree - chance) / (1 - chance)))))
    other = told("period=all", buyer="x_office").reasons
    assert set(other.names) >= {"Office 0", "Office 1", "Price"}
    assert "No reason is worded alike on both sides" in parts.agreement_words(other)
    assert "Cohen's kappa is" in parts.agreement_words(found)
    many = told("period=all", buyer="x_quote").reasons
    assert (many.names, many.reason.partition(" ")[2]) == (
        (), "different reasons stand in both columns, more than the 25 that can be set side by side",
    )  # fmt: skip
    with pytest.raises(AddressError, match="no column of your own"):
        told(buyer="name")


def test_two_people_count_their_own_deals_and_together_all() -> None:
    ann = Actor(name="ann", role="rep", person_id=firm.OURS)
    theo = Actor(name="theo", role="rep", person_id=firm.THEIRS)
    mine, theirs, all_ = (told(actor=who) for who in (ann, theo, ADMIN))
    assert three(mine.total.now) == Counter(ending(d) for d in within(*Q3) if d["owner_id"] == firm.OURS)
    assert three(mine.total.now) + three(theirs.total.now) == three(all_.total.now)
    browsers = {who: firm.client("rep", who, who) for who in (firm.OURS, firm.THEIRS)}
    for who, other in ((firm.OURS, "Theirs "), (firm.THEIRS, "Ours ")):
        page = browsers[who].get("/win-loss/?period=2026-Q3&lost_from=Proposal").content.decode()
        assert page.count("/pipeline/D") > 1
        assert f">{other}" not in page


def rows_of(answer: Any) -> list[dict[str, str]]:
    text = firm.body(answer).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_page_file_and_rest_say_the_same() -> None:
    made = firm.client("ops_manager")
    found = told()
    page = html.unescape(made.get("/win-loss/?period=2026-Q3").content.decode())
    assert parts.reading(found) in page
    assert parts.agreement_words(found.reasons) in page
    shown = parts.rows(found)
    filed = rows_of(made.get("/win-loss/?period=2026-Q3&freeze=csv"))
    user = account_save(actor=ADMIN, username="reader", role="ops_analyst")
    _, secret = token_create(actor=ADMIN, user=user, name="x", scopes=("numbers.read",))
    rest = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/win-loss?period=2026-Q3").json()
    assert rest["reading"] == parts.reading(found)
    assert (rest["ranking_allowed"], rest["competitors_not_ranked"]) == (None, found.rivals_left)
    assert len(filed) == len(rest["rows"]) == len(shown)
    for row, line, told_of in zip(shown, filed, rest["rows"], strict=True):
        assert (line["By"], line["Value"], line["Closed"], line["No decision"]) == (
            row["by"], row["name"], str(row["closed"]),
            "" if row["no_decision"] is None else str(row["no_decision"]),
        )  # fmt: skip
        assert (line["Against noise"], line["Why"], told_of["why"]) == (row["said"], row["why"], row["why"])
        for name in (
            "value",
            "closed",
            "won",
            "lost",
            "no_decision",
            "losses",
            "n",
            "noise",
            "reason",
            "n_apart",
        ):
            assert told_of[name] == row[name]
        assert line["Share"] == ("" if row["share"] is None else str(row["share"]))
        assert (told_of["share"] is None) == (row["share"] is None)
        if row["share"] is not None:
            assert Decimal(str(told_of["share"])) == row["share"]
            assert row["range_apart" if row["measure"] == "win_rate" else "range"] in page
    assert rest["reason_agreement"]["matrix"] == [list(row) for row in found.reasons.matrix]
    assert firm.body(made.get("/win-loss/?period=2026-Q3&lost_from=Negotiation&freeze=xlsx"))[:2] == b"PK"


@pytest.mark.parametrize(
    "query, said",
    [
        ("period=2027-Q1", "has not begun"),
        ("buyer=owner_name", "no column of your own"),
        ("filter=amount", "is no filter"),
        ("lost_from=%00", "There is no stage"),
    ],
)
def test_an_address_that_can_not_be_read_is_refused(query: str, said: str) -> None:
    answer = firm.client().get(f"/win-loss/?{query}")
    assert (answer.status_code, said in html.unescape(answer.content.decode())) == (400, True)


def test_what_the_data_does_not_hold_is_said() -> None:
    query = "period=2026-Q3&filter=competitor:is_null&filter=loss_reason:is_null"
    found = told(query)
    assert "map the CRM's column of it to competitor" in found.missing["competitor"]
    assert found.no_decision.reason == "no lost deal has a reason"
    assert (parts.rows(found)[0]["no_decision"], found.ranked) == (None, None)
    assert found.reasons.reason == "no deal lost in the period has both reasons"
    page = html.unescape(firm.client().get(f"/win-loss/?{query}").content.decode())
    assert "map the CRM's column of it to loss reason" in page
    assert 'id="by-competitor"' not in page
    nothing = told("period=2026-Q3&filter=owner_name:eq:Nobody")
    assert parts.reading(nothing) == "In Q3 2026 no deal that you see was won or lost."
    assert nothing.total.now.rate.value is None
    assert [parts.rows(nothing)[0][name] for name in ("lost", "no_decision", "share")] == [0, 0, None]
    assert [tile.value for tile in parts.tiles(nothing, address(), "EUR")] == [0, 0, 0, None]
    assert all("apart" not in tile.note for tile in parts.tiles(found, address(), "EUR"))


def test_what_is_hidden_from_a_role_is_counted_nowhere() -> None:
    made = firm.client("ops_analyst")
    mask_decide(
        actor=ADMIN,
        name="p",
        columns=["opportunities.loss_reason", "opportunities.amount"],
        roles=["ops_analyst"],
        reason="test",
    )
    page = html.unescape(made.get("/win-loss/?period=2026-Q3").content.decode())
    assert "masked for your role: loss reason" in page
    assert "masked for your role: amount" in page
    assert "Timing" not in page
    assert "how many ended without a decision can't be told: masked for your role: loss reason." in page
    assert "with or without a decision" in page
    assert "With no decision apart," not in page
    assert "with no decision apart (" not in page
    row = rows_of(made.get("/win-loss/?period=2026-Q3&freeze=csv"))[0]
    assert {value for name, value in row.items() if name.startswith(("No decision", "Amount"))} == {""}


@pytest.mark.parametrize(
    "change, words",
    [("0.00049", "as in"), ("-0.00049", "as in"), ("0.0006", "0.1 pts above"), ("-0.042", "4.2 pts below")],
)
def test_a_change_that_reads_as_none_is_none(change: str, words: str) -> None:
    assert parts._moved(Figure(Decimal(change))) == words

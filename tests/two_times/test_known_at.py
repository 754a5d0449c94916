"""What was said then is what is said later of then: every number, at every door, whatever came in between."""

from __future__ import annotations

import json
import re
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops.analytics import selectors
from salesops.analytics.engine.filters import Filter
from salesops.analytics.selectors import Question
from salesops.analytics.tests.pipeline_firm import body, client
from salesops.org import known as known_at
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor
from salesops.platform.documents import to_json
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.signin import account_save, token_create
from salesops.project.cli import main
from tests.some_kpis import in_turn
from tests.two_times import history_firm as firm
from tests.two_times.history_firm import Clock

pytestmark = pytest.mark.django_db

LARGE = Filter("amount", "ge", ("1500",))
QUESTIONS = (
    Question(period="2026-Q1"),
    Question(period="2026-Q1", by=("owner_name",)),
    Question(period="all", by=("stage",), filters=(LARGE,)),
    Question(period="2026-Q1", by=("closed_month",), filters=(Filter("region", "eq", ("East",)),)),
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch, firm.START)


def every_answer(known: known_at.Known = known_at.NOW, actor: Actor = LOCAL_ADMINISTRATOR) -> list[Any]:
    """Every KPI of the catalogue under the first question, in turn under the others, as plain values."""
    found = []
    for turn, question in enumerate(QUESTIONS):
        kpis = selectors.catalogue()
        names = in_turn(kpis, turn, len(QUESTIONS) - 1) if turn else [kpi.name for kpi in kpis]
        asked = Question(
            period=question.period,
            by=question.by,
            filters=question.filters,
            manifest_id=known.manifest_id,
            known_at=known.known_at,
        )
        answer = selectors.numbers(actor, names, asked)
        found.append(
            [answer.period, answer.today, answer.as_of, answer.currency, answer.notes, answer.values]
        )
    return json.loads(to_json(found))


def printed(*arguments: str) -> Any:
    """What a command prints as JSON, without the words that say when it was asked for."""
    out = StringIO()
    with redirect_stdout(out):
        assert main([*arguments, "--json"]) == 0
    return {k: v for k, v in json.loads(out.getvalue()).items() if k != "known_at"}


class Doors:
    """The same firm through browser, REST and command line."""

    def __init__(self) -> None:
        self.user = account_save(actor=LOCAL_ADMINISTRATOR, username="ana", role="ops_analyst")
        self.browser = Client()
        self.sign_in()
        _, self.secret = token_create(actor=LOCAL_ADMINISTRATOR, user=self.user, name="test")

    def sign_in(self) -> None:
        """Begin a session: those of weeks ago are over."""
        self.browser.force_login(self.user, backend="django.contrib.auth.backends.ModelBackend")

    def said(self, known: str = "") -> dict[str, Any]:
        """What each door says, as known then."""
        self.sign_in()
        query = f"&known_at={known}" if known else ""
        option = ["--known-at", known] if known else []
        rows = self.rest(f"/api/v1/kpis/won_value/rows?side=won_amount&period=2026-Q1{query}")
        return {
            "numbers": self.file(f"/numbers/?period=2026-Q1&freeze=csv{query}"),
            "rows": self.file(f"/numbers/won_value/rows/?period=2026-Q1&freeze=csv{query}"),
            "deals": self.file(
                f"/pipeline/?status=all&export=csv&columns=name,team,amount,product_name{query}"
            ),
            "page": self.shown(f"/pipeline/?status=all&sort=amount&size=25&page=1{query}", "deals"),
            "home": self.shown(f"/?period=2026-Q1{query}", "deals"),
            "deal": self.rest(f"/api/v1/opportunities/D05?{query}"),
            "rest rows": rows,
            "rest": self.rest(f"/api/v1/kpis/quota_attainment?period=2026-Q1&by=owner_name{query}"),
            "list": self.rest(f"/api/v1/opportunities?columns=name,stage_class,amount{query}"),
            "command": printed("kpi", "won_value", "--period", "2026-Q1", "--by", "owner_name", *option),
        }

    def file(self, address: str) -> bytes:
        answer = self.browser.get(address)
        assert answer.status_code == 200, address
        return body(answer)

    def rest(self, address: str) -> Any:
        answer = self.browser.get(address, headers={"Authorization": f"Bearer {self.secret}"})
        assert answer.status_code == 200, (address, answer.content)
        found = json.loads(answer.content)
        found.pop("known_at", None)
        return found

    def shown(self, address: str, table: str) -> str:
        """A table of a page as its reader sees it, links left out: they carry what is asked for."""
        text = self.browser.get(address).content.decode()
        found = re.search(rf'<table[^>]*id="{table}".*?</table>|id="{table}".*?</table>', text, re.DOTALL)
        assert found, address
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group()))


@pytest.fixture
def told(clock: Clock) -> list[tuple[datetime, list[Any], dict[str, Any]]]:
    """The firm's story, and what was said at each of its instants."""
    said: list[tuple[datetime, list[Any], dict[str, Any]]] = []
    firm.first_import(clock)
    doors = Doors()

    def listen() -> None:
        answers, heard = every_answer(), doors.said()
        said.append((clock.on(), answers, heard))

    firm.decide_firm()
    clock.on()
    listen()
    clock.to(datetime(2026, 4, 2, 9, tzinfo=UTC))
    # A deal closed in March arrives late, amounts change, a deal changes hands, one is deleted, one is won.
    late = [firm.deal(40, id="D40", stage="Won", close_on=date(2026, 3, 30), amount=Decimal("9999.99"))]
    changed = firm.deals(11, D02={"amount": Decimal("7.77")}, D05={"owner_id": "u2"}, D03={"stage": "Won"})
    firm.bring({"opportunities": [*changed, *late]}, date(2026, 4, 1), at=clock.now, complete=True)
    clock.on()
    listen()
    firm.decide_quota("Ada", "8000")
    firm.decide_repair("Product")
    firm.decide_position("West")
    clock.on()
    listen()
    firm.decide_stage("Lost", "won")
    firm.decide_amount("x_net")
    clock.on()
    listen()
    corrected = [firm.RATES[0] | {"rate": Decimal("1.25")}]
    firm.bring(
        {"exchange_rates": corrected, "users": [firm.USERS[0] | {"team": "Far"}]},
        date(2026, 4, 8),
        at=clock.now,
    )
    clock.on()
    listen()
    return said


def test_every_number_at_every_door_is_answered_as_it_was(
    told: list[tuple[datetime, list[Any], dict[str, Any]]], clock: Clock
) -> None:
    clock.on(24 * 30)
    doors = Doors()
    distinct = {json.dumps(answers, sort_keys=True) for _, answers, _ in told}
    assert len(distinct) == len(told), "each step changed something: else nothing is proved"
    for instant, answers, heard in told:
        known = known_at.at(instant)
        assert every_answer(known) == answers, instant
        later = doors.said(known.text)
        for door, said in heard.items():
            assert later[door] == said, (instant, door)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("amount"), st.integers(0, 11), st.integers(1, 9999)),
        st.tuples(st.just("owner"), st.integers(0, 11), st.sampled_from(["u1", "u2"])),
        st.tuples(st.just("stage"), st.integers(0, 11), st.sampled_from(["Won", "Lost", "Talks"])),
        st.tuples(st.just("late"), st.integers(20, 30), st.integers(0, 80)),
        st.tuples(st.just("gone"), st.integers(0, 11), st.just(0)),
        st.tuples(st.just("rate"), st.integers(80, 140), st.just(0)),
        st.tuples(st.just("meaning"), st.sampled_from(["Won", "Lost", "Talks"]), st.sampled_from(["won", "open"])),
        st.tuples(st.just("quota"), st.sampled_from(["Ada", "Bo"]), st.integers(1, 9999)),
        st.tuples(st.just("team"), st.sampled_from(["North", "South", "West"]), st.just(0)),
    ),
    min_size=2,
    max_size=4,
)  # fmt: skip


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
def test_any_sequence_of_imports_and_decisions_can_be_asked_again(steps: list[Any], clock: Clock) -> None:
    if DatabaseManifests().latest() is None:
        firm.first_import(clock)
        firm.decide_firm()
        clock.on()
    said = []
    for place, (what, one, two) in enumerate(steps):
        take(what, one, two, date(2026, 3, 21) + timedelta(days=place), clock)
        clock.on()
        said.append((clock.now, totals()))
        clock.on()
    for instant, answers in said:
        assert totals(known_at.at(instant)) == answers, instant


def totals(known: known_at.Known = known_at.NOW) -> Any:
    names = in_turn(selectors.catalogue(), 0, 5)
    asked = Question(
        period="2026-Q1", by=("owner_name",), manifest_id=known.manifest_id, known_at=known.known_at
    )
    return json.loads(to_json(selectors.numbers(LOCAL_ADMINISTRATOR, names, asked).values))


def take(what: str, one: Any, two: Any, data_on: date, clock: Clock) -> None:
    """One step of a made-up history."""
    if what == "rate":
        rates = [firm.RATES[0] | {"rate": Decimal(one) / 100}]
        firm.bring({"exchange_rates": rates}, data_on, at=clock.now)
    elif what == "meaning":
        firm.decide_stage(one, two)
    elif what == "quota":
        firm.decide_quota(one, str(two))
    elif what == "team":
        firm.decide_position(one)
    elif what == "gone":
        left = [row for row in firm.deals() if row["id"] != f"D{one:02d}"]
        firm.bring({"opportunities": left}, data_on, at=clock.now, complete=True)
    else:
        change = {
            "amount": {"amount": Decimal(two)} if isinstance(two, int) else {},
            "owner": {"owner_id": two},
        }
        late = {
            "late": {
                "stage": "Won",
                "close_on": date(2026, 1, 10) + timedelta(days=two if what == "late" else 0),
            }
        }
        row = firm.deal(one, **(change | late | {"stage": {"stage": two}})[what])
        firm.bring({"opportunities": [row]}, data_on, at=clock.now)


def test_the_newest_of_versions_recorded_at_one_instant_counts(clock: Clock) -> None:
    firm.first_import(clock)
    firm.decide_firm()
    clock.on()
    same = clock.now
    for amount in (1, 2):
        firm.bring({"opportunities": [firm.deal(2, amount=Decimal(amount))]}, date(2026, 3, 21), at=same)
    clock.on()
    newest = DatabaseManifests().latest()
    assert newest is not None
    assert newest.recorded_at == same
    assert totals(known_at.at(same)) == totals()
    # And a version is still asked for by its number, whatever its time.
    before = known_at.read(f"v{int(newest.id) - 1}")
    assert before.known_at == same
    assert totals(before) != totals()


def test_before_the_first_import_there_is_a_clear_empty_state(clock: Clock) -> None:
    firm.first_import(clock)
    clock.on(24)
    for path in ("/", "/numbers/", "/numbers/won_value/", "/pipeline/", "/accounts/", "/data/faults/"):
        page = client().get(f"{path}?known_at=2026-01-01")
        assert page.status_code == 200
        text = page.content.decode()
        assert "had been imported by" in text
        assert "Show what is known now" in text
    out = StringIO()
    with redirect_stdout(out):
        assert main(["kpi", "won_value", "--known-at", "2026-01-01"]) == 3
    assert out.getvalue() == ""


def test_a_time_to_come_is_now(clock: Clock) -> None:
    firm.first_import(clock)
    firm.decide_firm()
    clock.on()
    assert every_answer(known_at.read("2199-01-01"))[:1] == every_answer()[:1]
    page = client().get("/?known_at=2199-01-01").content.decode()
    assert "As known on" not in page


@pytest.mark.parametrize(
    "zone, day, end",
    [
        ("America/New_York", "2026-03-07", "2026-03-08T04:59:59.999999"),
        ("America/New_York", "2026-03-08", "2026-03-09T03:59:59.999999"),  # a day of 23 hours
        ("America/New_York", "2026-11-01", "2026-11-02T04:59:59.999999"),  # a day of 25
        ("America/Havana", "2026-10-31", "2026-11-01T03:59:59.999999"),  # the next day's midnight comes twice
        ("Africa/Cairo", "2026-04-23", "2026-04-23T21:59:59.999999"),  # the next day begins at one o'clock
        ("Pacific/Apia", "2026-01-01", "2026-01-01T10:59:59.999999"),
    ],
)
def test_the_end_of_a_day_is_the_firms(clock: Clock, zone: str, day: str, end: str) -> None:
    from salesops.org.services import organisation_decide

    clock.to(datetime(2027, 1, 1, tzinfo=UTC))
    organisation_decide(actor=LOCAL_ADMINISTRATOR, values={"zone": zone})
    assert known_at.read(day).known_at == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01", "v", "v999999999999", "2026-03-01T25:00", "9999-12-31T99", "\x00"]
)
def test_what_says_no_time_is_refused_in_words(clock: Clock, text: str) -> None:
    firm.first_import(clock)
    doors = Doors()
    page = doors.browser.get("/numbers/won_value/", {"known_at": text})
    assert page.status_code == 400
    again = doors.browser.get("/data/faults/", {"known_at": text})
    assert again.status_code == 400
    answer = doors.browser.get(
        "/api/v1/kpis/won_value", {"known_at": text}, headers={"Authorization": f"Bearer {doors.secret}"}
    )
    assert answer.status_code in (400, 404, 422)
    assert answer.json()["detail"]


def test_links_sorting_paging_and_forms_keep_what_was_known_when(clock: Clock) -> None:
    firm.first_import(clock)
    firm.decide_firm()
    clock.on(24 * 3)
    browser = client()
    for path in (
        "/",
        "/numbers/",
        "/numbers/won_value/",
        "/numbers/won_value/rows/",
        "/pipeline/?status=all",
        "/accounts/",
    ):
        mark = "&" if "?" in path else "?"
        text = browser.get(f"{path}{mark}known_at=2026-03-21&period=2026-Q1").content.decode()
        main_part = text.split("<main", 1)[1]
        assert "As known on" in text
        links = re.findall(r'href="([^"#]+)"', main_part)
        inner = [
            link for link in links
            if link.startswith(("/numbers/", "/pipeline/", "/account/", "/changes/", "?")) and "Show what" not in link
        ]  # fmt: skip
        lost = [link for link in inner if "known_at" not in link]
        # What is left without it leads back to now on purpose: the picker's "Now" and the chip that takes it away.
        assert len(lost) <= 2, (path, lost)
        for form in re.findall(r'<form[^>]*method="get".*?</form>', main_part, re.DOTALL):
            assert 'name="known_at"' in form, (path, form[:200])


def test_a_reader_sees_no_more_by_looking_back(clock: Clock) -> None:
    firm.first_import(clock)
    firm.decide_firm()
    clock.on(24)
    # Ada led Bo's team then; now she leads nobody.
    firm.bring({"users": [firm.USERS[1] | {"manager_id": "u1"}]}, date(2026, 3, 21), at=clock.now)
    clock.on(24)
    ada = client("sales_manager", person_id="u1")
    then = clock.on(24)
    assert "Deal 2" in ada.get("/pipeline/?status=all").content.decode()
    firm.bring({"users": [firm.USERS[1]]}, date(2026, 3, 25), at=clock.now)
    clock.on(24)
    ada = client("sales_manager", person_id="u1")
    back = ada.get(f"/pipeline/?status=all&known_at={known_at.at(then).text}").content.decode()
    assert "Deal 2" not in back
    assert "Deal 1" in back

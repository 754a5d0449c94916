"""First reported and known now: both values, and the rows between them, to the cent; what was kept, asked again."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from salesops.analytics import restated, selectors
from salesops.analytics.number_runs import number_keep
from salesops.analytics.selectors import Question, ask
from salesops.analytics.tests.pipeline_firm import body, client
from salesops.facts.retention import clean, compact
from salesops.platform import runs
from salesops.platform.actors import LOCAL_ADMINISTRATOR, actor_of
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.models import Run, User
from salesops.platform.store import fact_store
from salesops.project.cli import main
from tests.two_times import history_firm as firm
from tests.two_times.history_firm import Clock

pytestmark = pytest.mark.django_db
NOW = Question(period="2026-Q1")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The quarter closes on 31 March; the first data of all of it comes on 1 April; then much changes."""
    made = Clock(monkeypatch, firm.START)
    firm.first_import(made)
    firm.decide_firm()
    made.to(datetime(2026, 4, 1, 14, tzinfo=UTC))
    firm.bring({"opportunities": firm.deals()}, date(2026, 3, 31), at=made.now)
    made.on()
    firm.decide_quota("Ada", "6000")  # on the day of the first report: part of it
    made.to(datetime(2026, 4, 10, 9, tzinfo=UTC))
    return made


def later(clock: Clock) -> None:
    """A late deal, a changed amount, a deleted deal; then another meaning and another amount."""
    late = firm.deal(40, stage="Won", close_on=date(2026, 3, 30), amount=Decimal("9999.99"), currency="USD")
    changed = firm.deals(12, D02={"amount": Decimal("7.77")})
    kept = [row for row in changed if row["id"] != "D04"]
    firm.bring({"opportunities": [*kept, late]}, date(2026, 4, 9), at=clock.now, complete=True)
    clock.on()
    firm.decide_stage("Lost", "won")
    firm.decide_quota("Ada", "1")
    clock.on(24)


def value(question: Question, name: str = "won_value") -> Any:
    return selectors.numbers(LOCAL_ADMINISTRATOR, [name], question).values[0]


def first_question() -> Question:
    with ask(LOCAL_ADMINISTRATOR, NOW) as asked:
        known = restated.first_report(asked.period, asked.frames.firm).known
    assert known is not None
    return Question(period="2026-Q1", manifest_id=known.manifest_id, known_at=known.known_at)


def test_the_first_report_is_what_was_said_on_the_evening_that_the_whole_period_came(clock: Clock) -> None:
    before = value(NOW)
    quota = value(NOW, "quota").value
    assert quota == Decimal(6000)
    later(clock)
    first = first_question()
    assert first.known_at == datetime(2026, 4, 2, 3, 59, 59, 999999, tzinfo=UTC)  # midnight in New York
    assert value(first).value == before.value
    assert value(first, "quota").value == quota
    assert value(NOW).value != before.value
    assert value(NOW, "quota").value == Decimal(1)


def test_the_rows_explain_the_difference_to_the_cent(clock: Clock) -> None:
    later(clock)
    first, now = value(first_question()).value, value(NOW).value
    kpi = selectors.kpis(["won_value"])[0]
    found = restated.explain(LOCAL_ADMINISTRATOR, kpi, kpi.sides[0], first_question(), NOW)
    assert (found.before, found.after) == (first, now)
    assert sum((row.change for row in found.rows), Decimal(0)) == found.change == now - first
    causes = {(row.key, row.cause): row.change for row in found.rows}
    assert causes["D40", "added"] == Decimal("9999.99")
    assert causes["D02", "changed"] == Decimal("7.77") - Decimal(1274)
    assert causes["D04", "removed"] == -Decimal(1548)
    decided = {key for key, cause in causes if cause == "decided"}
    # Lost now counts as won: exactly those that closed in the quarter.
    assert decided == {f"D{n:02d}" for n in (1, 5, 9)}
    assert sum(n for n, _ in found.by_cause().values()) == len(found.rows)


@pytest.mark.parametrize(
    "name", ["won_value", "won_deals", "win_rate_count", "open_pipeline", "average_deal_size"]
)
def test_every_additive_part_of_a_number_is_explained(clock: Clock, name: str) -> None:
    later(clock)
    kpi = selectors.kpis([name])[0]
    for side in kpi.sides:
        if side.measure.kind not in restated.ADDITIVE or not side.rows:
            continue
        found = restated.explain(LOCAL_ADMINISTRATOR, kpi, side, first_question(), NOW)
        assert found.before == (value(first_question(), name).sides[side.name] or 0), side.name
        assert found.after == (value(NOW, name).sides[side.name] or 0), side.name
        assert sum((row.change for row in found.rows), Decimal(0)) == found.change


def test_the_pages_show_both_and_why(clock: Clock) -> None:
    browser = client("ops_manager")
    same = browser.get("/numbers/won_value/?period=2026-Q1").content.decode()
    assert "As first reported and as known now" in same
    clock.on()
    later(clock)
    browser = client("ops_manager")
    text = browser.get("/numbers/won_value/?period=2026-Q1").content.decode()
    assert "Why it changed" in text
    page = browser.get("/numbers/won_value/restated/?period=2026-Q1").content.decode()
    for said in (
        "Records added",
        "Records removed",
        "Values changed",
        "Decisions changed",
        "D40",
        "Decisions recorded since",
    ):
        assert said in page, said
    one = browser.get("/numbers/won_value/restated/?period=2026-Q1&cause=removed").content.decode()
    assert "Deal 4" in one
    assert "Deal 40" not in one
    csv = body(browser.get("/numbers/won_value/restated/?period=2026-Q1&freeze=csv")).decode()
    assert "9999.99" in csv
    assert browser.get("/numbers/win_rate_count/?period=2026-Q1").status_code == 200
    assert "has no end" in browser.get("/numbers/won_value/?period=all").content.decode()
    assert "does not reach" in browser.get("/numbers/won_value/?period=2026-Q2").content.decode()
    # A rep is told of rows of his own, and of no decision.
    rep = client("rep", person_id="u1").get("/numbers/won_value/restated/?period=2026-Q1").content.decode()
    assert "Deal 5" in rep
    assert "Deal 40" not in rep
    assert "Reason" not in rep


# --- Runs -----------------------------------------------------------------------------------------


def run_of(browser: Client, address: str) -> Run:
    answer = browser.get(address)
    assert answer.status_code == 200
    body(answer)
    return Run.objects.get(ref=answer["X-Salesops-Run"])


def test_what_was_kept_or_sent_out_is_the_same_after_everything_changed(clock: Clock) -> None:
    browser = client("ops_analyst", username="ana")
    actor = actor_of(User.objects.get(username="ana"))
    browser.post("/numbers/won_value/keep/?period=2026-Q1&by=owner_name&filter=amount:gt:1")
    made = [
        Run.objects.get(kind="number"),
        *(
            run_of(browser, address)
            for address in (
                "/?period=2026-Q1&freeze=html",
                "/numbers/?period=2026-Q1&freeze=xlsx",
                "/numbers/won_value/?period=2026-Q1&freeze=html",
                "/numbers/won_value/rows/?period=2026-Q1&freeze=csv",
                "/pipeline/?status=won&export=csv",
                "/pipeline/?status=all&export=xlsx",
                "/pipeline/?status=all&freeze=html",
                "/data/faults/DQ12/?format=csv",
            )
        ),
    ]
    page = browser.get("/numbers/won_value/?period=2026-Q1&freeze=html")
    assert page["X-Salesops-Run"] in page.content.decode()
    browser.post("/numbers/won_value/reconcile/?period=2026-Q1", {"figure": "12345.67", "do": "figure"})
    made.append(Run.objects.get(kind="reconciliation"))
    clock.on()
    later(clock)
    store = fact_store()
    compact(store, recorded_at=clock.now)
    clock.on(24 * 60)
    clean(store, now=clock.now, keep_for=timedelta(0))
    for run in made:
        replayed = runs.run_replay(actor=actor, run=run)
        assert replayed.same, (run.kind, run.params, replayed.differences)
        assert replayed.sentence == "The same to the cent."
    # The very same question of now is another one.
    changed = number_keep(actor=actor, name="won_value", question=NOW)
    assert changed.result["value"] != made[0].result["value"]


def test_a_version_that_no_run_holds_goes_and_says_so(clock: Clock) -> None:
    old = DatabaseManifests().latest()
    assert old is not None
    later(clock)
    clock.on(24 * 60)
    clean(fact_store(), now=clock.now, keep_for=timedelta(0))
    page = client().get(f"/numbers/won_value/?known_at=v{old.id}")
    assert page.status_code == 410
    assert "no longer kept" in page.content.decode()


def test_a_replay_that_differs_names_what_and_that_another_version_answered(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = number_keep(actor=LOCAL_ADMINISTRATOR, name="won_value", question=NOW)
    monkeypatch.setattr("salesops.__version__", "99.0")
    assert "99.0" in runs.run_replay(actor=LOCAL_ADMINISTRATOR, run=kept).sentence
    other = runs.run_record(
        "number",
        kept.params,
        actor=LOCAL_ADMINISTRATOR,
        manifest_id=kept.manifest_id,
        known_at=kept.known_at,
        as_of=kept.as_of,
        result={**kept.result, "value": "1.00"},
    )
    replayed = runs.run_replay(actor=LOCAL_ADMINISTRATOR, run=other)
    assert not replayed.same
    assert [one.at for one in replayed.differences] == ["value"]


def test_runs_are_ones_own_and_auditors_see_all(clock: Clock) -> None:
    rep = client("rep", person_id="u1", username="ada")
    rep.post("/numbers/won_value/keep/?period=2026-Q1")
    kept = Run.objects.get()
    assert kept.manifest_id is not None
    address = f"/runs/{kept.ref}/"
    for role, sees in (
        ("ops_vp", False),
        ("sales_manager", False),
        ("auditor", True),
        ("administrator", True),
    ):
        browser = client(role, username=role)
        assert (browser.get(address).status_code == 200) is sees
        assert (kept.ref in browser.get("/runs/").content.decode()) is sees
        assert (browser.post(address).status_code == 200) is sees
    assert "The same to the cent" in rep.post(address).content.decode()
    # Replayed by an auditor it counts the rows of who kept it.
    assert "The same to the cent" in client("auditor", username="auditor").post(address).content.decode()


def test_the_command_line_keeps_lists_shows_and_replays(clock: Clock) -> None:
    def said(*arguments: str, code: int = 0) -> str:
        out = StringIO()
        with redirect_stdout(out):
            assert main(list(arguments)) == code
        return out.getvalue()

    kept = json.loads(
        said("runs", "keep", "won_value", "--period", "2026-Q1", "--by", "owner_name", "--json")
    )
    assert kept["ref"] in said("runs", "list")
    assert "won_value" in said("runs", "show", kept["ref"])
    later(clock)
    assert "same to the cent" in said("runs", "replay", kept["ref"])
    assert said("runs", "show", "R-XXXXXXXX", code=2) == ""
    then = json.loads(said("replay", "--day", "2026-04-01", "--page", "number", "won_value", "--json"))
    assert then["facts_version"] == str(kept["facts_version"])
    assert then["data_date"] == "2026-03-31"
    pipeline = json.loads(said("replay", "--day", "2026-03-20", "--page", "pipeline", "--json"))
    assert pipeline["data_date"] == "2026-03-20"
    assert "Won" in said("replay", "--day", "2026-04-01")
    assert said("replay", "--day", "2026-04-01", "--page", "nowhere", code=2) == ""
    assert said("replay", "--day", "2026-01-01", code=3) == ""


def test_the_replay_page_leads_to_the_screens_of_a_day(clock: Clock) -> None:
    later(clock)
    browser = client()
    page = browser.get("/replay/?day=2026-04-01").content.decode()
    assert "/pipeline/?known_at=2026-04-01" in page
    assert browser.get("/replay/?day=soon").status_code == 400
    assert "Nothing had been imported by then" in browser.get("/replay/?day=2026-01-01").content.decode()
    home = browser.get("/?known_at=2026-04-01").content.decode()
    assert "As known on" in home
    assert "Mar 31, 2026" in home

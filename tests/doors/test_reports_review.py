"""The business review: figures of a plain count, the reader's own rows, the same on page, sheets and paper."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
import typst
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker
from python_calamine import load_workbook

from salesops.analytics.addresses import Address
from salesops.analytics.selectors import Question, ask
from salesops.core.calendars import FiscalCalendar
from salesops.meetings.services import action_add
from salesops.meetings.tests import firm
from salesops.platform import jobs
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.signin import account_save
from salesops.project.cli import main
from salesops.reports import finding_services, printing, quarter, selectors, services
from salesops.reports.models import Delivery
from salesops.ui import exports
from tests.doors import reports_world as world
from tests.doors.conftest import shared_home

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
PAGE = "/business-review/?period=2026-Q3"
Q3 = (date(2026, 7, 1), date(2026, 9, 30))


@contextmanager
def in_the_quarter(day: date, hour: int = 12) -> Iterator[None]:
    """As if it were this day, by UTC."""
    now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    with patch.object(timezone, "now", lambda: now):
        yield


@pytest.fixture(scope="module")
def loaded(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[str, Any]]:
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        firm.load()
        firm.decide()
        people = {"vp": ("ops_vp", ""), "north": ("sales_manager", firm.NORTH)}
        users = {
            name: account_save(
                actor=ADMIN, username=name, role=role, person_id=person, email=f"{name}@firm.example"
            )
            for name, (role, person) in people.items()
        }
        vp = actor_of(users["vp"])
        with ask(vp, Question()) as asked:
            scope = asked.frames.scope
        with in_the_quarter(date(2026, 8, 20)):
            action_add(
                actor=vp, scope=scope, subject="firm", text="Call <the> board", owner_id="", owner_name="vp",
                due_on=date(2026, 9, 1),
            )  # fmt: skip
            finding_services.finding_add(
                actor=vp, title="#strong[Not markup] $x$ \\ `code`", text="t",
                page="/numbers/won_value/?period=2026-Q3", action="Look again", owner_id=users["vp"].pk,
                due_on=date(2026, 9, 2),
            )  # fmt: skip
        yield users


def browser(users: dict[str, Any], name: str) -> Client:
    made = Client()
    made.force_login(users[name], backend="django.contrib.auth.backends.ModelBackend")
    return made


def found_by(actor: Actor) -> quarter.Review:
    return quarter.review(actor, Address(period="2026-Q3"))


def figures(found: quarter.Review) -> dict[str, quarter.Figure]:
    return {one.kpi.name: one for section in found.sections for one in section.figures}


def test_figures_are_those_of_a_plain_count_over_the_readers_rows(loaded: dict[str, Any]) -> None:
    every, north = found_by(actor_of(loaded["vp"])), found_by(actor_of(loaded["north"]))
    opens, wins = firm.open_deals(), firm.closed()
    theirs = {firm.SUE, firm.SOUTH}
    for found, deals, won in (
        (every, opens, wins),
        (
            north,
            [d for d in opens if d["owner_id"] not in theirs],
            [d for d in wins if d["owner_id"] not in theirs],
        ),
    ):
        inside = [d["amount"] for d in won if Q3[0] <= d["close_on"] <= Q3[1]]
        numbers = figures(found)
        assert numbers["won_value"].value.value == sum(inside)
        assert numbers["won_deals"].value.value == len(inside)
        deals = [d for d in deals if d["forecast_category"] != "omitted"]
        assert numbers["open_deals"].value.value == len(deals)
        assert numbers["open_pipeline"].value.value == sum(d["amount"] or 0 for d in deals)
        (wins_table,) = (t for s in found.sections for t in s.tables if t.sheet.name == "Largest wins")
        assert [row["amount"] for row in wins_table.sheet.rows] == sorted(inside, reverse=True)[:10]
    attained = figures(north)["quota_attainment"]
    assert attained.value.value == Decimal(50_000) / 200_000


def test_an_empty_period_is_undefined_with_its_reasons(loaded: dict[str, Any]) -> None:
    client = browser(loaded, "north")
    answer = client.get("/business-review/?period=2019-Q1")
    assert answer.status_code == 200
    undefined = [one for one in figures(answer.review).values() if not one.text]
    assert {"quota_attainment", "win_rate_count", "coverage"} <= {one.kpi.name for one in undefined}
    page = answer.content.decode()
    for one in undefined:
        assert one.reason
        assert html.escape(one.reason) in page
    assert "None in this period." in page
    for bad, why in (("all", "Choose a quarter"), ("2027-Q4", "the data ends on"), ("2026-Q9", "")):
        refused = client.get(f"/business-review/?period={bad}")
        assert refused.status_code == 400
        assert why in refused.content.decode()


def test_page_workbook_and_paper_say_the_same(loaded: dict[str, Any], settings: Any) -> None:
    settings.BASE_URL = "https://sales.example"
    client, actor = browser(loaded, "north"), actor_of(loaded["north"])
    found = found_by(actor)
    page = html.unescape(client.get(PAGE).content.decode())
    assert "Sealed" not in page, "the other team's deals are not his"
    links = {one.href for one in figures(found).values()}
    for one in figures(found).values():
        assert one.href in page
        assert one.text in page
    assert all("period=2026-Q3" in link for link in links)
    book = load_workbook(io.BytesIO(b"".join(client.get(f"{PAGE}&freeze=xlsx").streaming_content)))
    rows = {row[0]: row[1] for row in book.get_sheet_by_name("Numbers").to_python()[1:]}
    for one in figures(found).values():
        value = one.value.value
        assert rows[one.kpi.title] == ("" if value is None else pytest.approx(float(value)))
    assert {"Largest wins", "Waterfall", "Actions", "Attainment by rep"} <= set(book.sheet_names)
    file = client.get(f"{PAGE}&freeze=pdf")
    assert file["Content-Type"] == "application/pdf"
    assert file.content.startswith(b"%PDF-")
    assert b"https://sales.example/numbers/won_value/?period=2026-Q3" in file.content
    printed = printing.document(found, made_by=actor.name, made_at=timezone.now())
    set_ = json.loads(typst.query(str(printing.LAYOUT), "table", sys_inputs=printing.inputs(printed)))
    words = set(texts(set_))
    for section in printed["sections"]:
        for one in section["figures"]:
            assert {one["title"], one["value"]} <= words
        for table in section["tables"]:
            assert {text for row in table["rows"] for text in row if text.strip()} <= words


def texts(node: Any) -> Iterator[str]:
    """Every text that Typst set, joined within a cell."""
    if isinstance(node, dict):
        if node.get("func") == "text":
            yield node["text"]
        elif node.get("func") == "sequence":
            yield "".join(texts(node["children"]))
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def test_what_was_open_in_the_period_is_told_whenever_it_was_settled(loaded: dict[str, Any]) -> None:
    vp = actor_of(loaded["vp"])

    def titles(period: str) -> set[str]:
        found = quarter.review(vp, Address(period=period))
        (table,) = next(s for s in found.sections if s.key == "findings").tables
        return {row["title"] for row in table.sheet.rows}

    with in_the_quarter(date(2026, 6, 15)):
        for title in ("settled before", "settled in it", "settled after"):
            finding_services.finding_add(
                actor=vp, title=title, text="t", action="a", owner_id=vp.user_id, due_on=date(2026, 7, 1)
            )
    with in_the_quarter(date(2026, 10, 2)):
        finding_services.finding_add(
            actor=vp,
            title="written after",
            text="t",
            action="a",
            owner_id=vp.user_id,
            due_on=date(2026, 11, 1),
        )
    keys = {one.row.title: one.id for one in selectors.findings_of(vp)}
    for title, day in (
        ("settled before", date(2026, 6, 29)),
        ("settled in it", date(2026, 9, 29)),
        ("settled after", date(2026, 10, 5)),
    ):
        with in_the_quarter(day):
            finding_services.finding_change(actor=vp, pk=keys[title], kind="done", result="r")
    here = {"settled before", "settled in it", "settled after", "written after"}
    assert titles("2026-Q3") & here == {"settled in it", "settled after"}
    assert titles("2026-Q2") & here == {"settled before", "settled in it", "settled after"}
    then = datetime(2026, 9, 1, tzinfo=UTC)
    stood = {one.row.title: one.state for one in selectors.findings_of(vp, known_at=then)}
    assert {title: stood.get(title) for title in here} == {
        "settled before": "done", "settled in it": "open", "settled after": "open", "written after": None,
    }  # fmt: skip


def test_days_of_the_review_are_those_of_the_firms_zone() -> None:
    chicago, q3 = ZoneInfo("America/Chicago"), FiscalCalendar().parse("2026-Q3")
    late = datetime(2026, 10, 1, 3, tzinfo=UTC)  # still September there
    assert quarter._open_in(q3, chicago, late, None)
    assert not quarter._open_in(q3, ZoneInfo("UTC"), late, None)
    early = datetime(2026, 7, 1, 3, tzinfo=UTC)  # still June there
    assert not quarter._open_in(q3, chicago, early, early)


def test_a_long_table_is_whole_in_the_workbook_and_says_elsewhere_how_much_it_shows() -> None:
    columns = [exports.Column("group", "Rep")]
    table = quarter.Rows(exports.Sheet("By rep", columns, [{"group": str(n)} for n in range(132)]), most=40)
    title, rows = table.shown()
    assert (title, len(rows), len(list(table.sheet.rows))) == ("By rep (40 of 132)", 40, 132)
    printed = printing._table(table, str)
    assert (printed["title"], len(printed["rows"])) == (title, 40)
    assert replace(table, most=None).shown()[0] == "By rep"


def test_text_of_the_data_is_never_markup(loaded: dict[str, Any]) -> None:
    found = found_by(actor_of(loaded["vp"]))
    printed = printing.document(found, made_by="vp", made_at=timezone.now())
    words = "".join(
        texts(json.loads(typst.query(str(printing.LAYOUT), "table", sys_inputs=printing.inputs(printed))))
    )
    assert "#strong[Not markup] $x$ \\ `code`" in words
    assert "Call <the> board" in words
    assert "Call &lt;the&gt; board" in browser(loaded, "vp").get(PAGE).content.decode()


def test_it_is_sent_as_pdf_with_the_recipients_rows(loaded: dict[str, Any], settings: Any) -> None:
    settings.SMTP_SET, settings.SMTP_BACKEND = True, world.LOCMEM
    row = services.subscription_save(
        actor=actor_of(loaded["vp"]), page=PAGE, name="Review", form="pdf", channel="mail", cron="0 6 1 * *",
        zone="UTC", recipients=[loaded["north"].pk],
    )  # fmt: skip
    services.subscription_run(actor=actor_of(loaded["vp"]), row=row)
    jobs.run_waiting()
    assert {d.to: d.state for d in Delivery.objects.all()} == {"north": "sent"}
    (letter,) = mail.outbox
    assert world.attached(letter).startswith(b"%PDF-")
    quota = figures(found_by(actor_of(loaded["north"])))["quota"].value.value
    assert quota == 200_000, "of his team, not of the firm"
    assert "200,000" in world.html(letter)


def test_the_command_writes_what_the_page_shows(
    loaded: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "review.xlsx"
    assert main(["--as", "north", "report", "qbr", "--period", "2026-Q3", "--out", str(target)]) == 0
    assert "Business review, Q3 2026" in capsys.readouterr().out
    rows = load_workbook(str(target)).get_sheet_by_name("Numbers").to_python()
    assert ["Won", 50_000] in [row[:2] for row in rows]
    assert main(["report", "qbr", "--out", str(tmp_path / "review.doc")]) == 2
    assert "ends neither in .pdf nor in .xlsx" in capsys.readouterr().err
    assert re.fullmatch(r"review\.xlsx", target.name)

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from salesops.org import selectors as org
from salesops.org.services import organisation_decide
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.tests.roles import DATA_DAY, actor, allowed_roles, client_of, holders, load_facts
from salesops.quotas import selectors, services
from salesops.quotas.engine.amounts import read_amount
from salesops.quotas.pages import sheet


@pytest.fixture
def firm(facts_home, db):
    org._people_in_facts.cache_clear()
    load_facts(
        {
            "users": [
                {"id": "u1", "name": "Bo Lind"},
                {"id": "u2", "name": "Cy Roe"},
                {"id": "u3", "name": "Cy Roe"},
            ]
        }
    )
    organisation_decide(actor=ADMIN, values={"currency": "EUR"})
    yield
    org._people_in_facts.cache_clear()


def decide(*rows: dict[str, str], reason: str = "plan", **more) -> int:
    return services.quotas_decide(actor=more.pop("as_actor", ADMIN), rows=rows, reason=reason, **more)


def row(person: str, period: str, amount: str, currency: str = "") -> dict[str, str]:
    return {"person": person, "period": period, "amount": amount, "currency": currency}


def test_the_page_lets_in_the_roles_that_hold_its_permission(firm):
    assert allowed_roles("get", reverse("quotas")) == holders("decision.view")
    assert allowed_roles("post", reverse("quotas"), {"x": "1"}) == holders("quota.write")


def test_quotas_need_a_reason_and_the_permission(firm):
    with pytest.raises(ValidationError, match="reason"):
        decide(row("u1", "2026-Q3", "5"), reason=" ")
    with pytest.raises(NotAllowedError):
        decide(row("u1", "2026-Q3", "5"), as_actor=actor("ops_analyst"))
    assert selectors.quotas(DATA_DAY) == []


def test_quotas_hold_from_their_day(firm):
    decide(row("Bo Lind", "fy2026-q3", "250,000.00"), row("u2", "2026-Q3", "€1.234,50"))
    decide(row("u1", "2026-Q3", "300000"), starts_on=date(2026, 9, 1), reason="new territory")
    at = {(q.person_id, q.period): (q.amount, q.currency) for q in selectors.quotas(date(2026, 8, 31))}
    assert at == {("u1", "2026-Q3"): (Decimal(250_000), ""), ("u2", "2026-Q3"): (Decimal("1234.50"), "EUR")}
    assert selectors.quotas(DATA_DAY)[0].amount == Decimal(300_000)
    newest = selectors.recent()[0]
    assert (newest.amount, newest.reason) == (Decimal(300_000), "new territory")


@pytest.mark.parametrize(
    "bad, words",
    [
        (row("Cy Roe", "2026-Q3", "5"), "'Cy Roe' is ambiguous: u2, u3"),
        (row("Nobody", "2026-Q3", "5"), "No person has the id"),
        (row("", "2026-Q3", "5"), "person is empty"),
        (row("u1", "2026-Q7", "5"), "2026-Q7"),
        (row("u1", "", "5"), "Row 2"),
        (row("u1", "2026-Q3", "abc"), "'abc' is no amount"),
        (row("u1", "2026-Q3", "-5"), "no amount"),
        (row("u1", "2026-Q3", "250.000"), "may be two amounts"),
        (row("u1", "2026-Q3", "NaN"), "no amount"),
        (row("u1", "2026-Q3", "1" * 16), "too many digits"),
        (row("u1", "2026-Q3", "0.00001"), "too many digits"),
        (row("u1", "2026-Q3", "5", "euro"), "three letters"),
        (row("u1", "2026-Q3", "€5", "USD"), "says EUR and the currency column USD"),
        (row("Bo Lind", "2026-Q4", "6"), "Bo Lind, 2026-Q4 is in row 1 already"),
    ],
)
def test_rows_that_cannot_be_decided_name_themselves_and_nothing_is_written(firm, bad, words):
    with pytest.raises(ValidationError) as caught:
        decide(row("u1", "2026-Q4", "7"), bad)
    assert len(caught.value.messages) == 1
    assert caught.value.messages[0].startswith("Row 2: ")
    assert words in caught.value.messages[0]
    assert selectors.quotas(DATA_DAY) == []


def test_the_grid_previews_then_records_only_what_was_previewed(firm):
    client = client_of("ops_manager")
    url = reverse("quotas")
    text = "rep\tquarter\tquota\nBo Lind\t2026-Q3\t250 000\nCy Roe\t2026-Q3\t1\n"
    form = client.post(url, {"grid": text}).context["form"]
    assert set(form.errors) == {"reason"}
    assert form["grid"].value() == text
    context = client.post(url, {"grid": text, "reason": "plan"}).context
    assert [bool(p.problem) for p in context["planned"]] == [False, True]
    assert client.post(url, {"grid": text, "reason": "plan", "confirm": context["mark"]}).status_code == 200
    good = text.replace("Cy Roe", "u2")
    context = client.post(url, {"grid": good, "reason": "plan"}).context
    edited = good.replace("250 000", "950 000")
    assert client.post(url, {"grid": edited, "reason": "plan", "confirm": context["mark"]}).status_code == 200
    assert selectors.quotas(DATA_DAY) == []
    assert client.post(url, {"grid": good, "reason": "plan", "confirm": context["mark"]}).status_code == 302
    assert [(q.person_id, q.amount) for q in selectors.quotas(DATA_DAY)] == [("u1", 250_000), ("u2", 1)]
    text = client.get(url).content.decode()
    assert "€250,000" in text
    assert "€250,001" in text, "the total"
    for bad in ("", "Bo Lind\t2026-Q3", "rep\tquota\nBo Lind\t4"):
        assert "grid" in client.post(url, {"grid": bad, "reason": "plan"}).context["form"].errors, bad


def test_the_sheet_orders_periods_in_time_and_adds_up_per_currency():
    calendar = org.FiscalCalendar()
    rows = [
        selectors.QuotaRow("a", period, Decimal(n), code)
        for n, (period, code) in enumerate(
            [("2026", ""), ("2026-Q1", ""), ("2026-M02", "USD"), ("odd", "")], start=1
        )
    ]
    made = sheet(rows, {"a": "Ann"}, calendar, "EUR")
    assert made.periods == ["2026-M02", "2026-Q1", "2026", "odd"]
    assert [(line["name"], line["currency"]) for line in made.lines] == [("Ann", "EUR"), ("Ann", "USD")]
    assert [t["cells"] for t in made.totals] == [[0, 2, 1, 4], [3, 0, 0, 0]]


@pytest.mark.parametrize(
    "text, amount, currency",
    [
        ("250000", "250000", ""),
        (" 250,000.00 ", "250000.00", ""),
        ("1.234.567", "1234567", ""),
        ("1.234,50", "1234.50", ""),
        ("250000,5", "250000.5", ""),
        ("250\u202f000", "250000", ""),
        ("250'000.25", "250000.25", ""),
        ("$250,000", "250000", ""),
        ("250 000 €", "250000", "EUR"),
        ("£0.125", "0.125", "GBP"),
        ("1,23", "1.23", ""),
        ("0", "0", ""),
    ],
)
def test_amounts_as_people_write_them(text, amount, currency):
    assert read_amount(text) == (Decimal(amount), currency)


@pytest.mark.parametrize("text", ["", "-1", "12,34,567", "1 2", "1e5", "inf", "2,5 Mio", "1.2.3", "٣"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="amount"):
        read_amount(text)


@given(st.integers(0, 10**14), st.integers(0, 99))
def test_either_way_of_writing_an_amount_reads_the_same(whole, cents):
    exact = Decimal(whole) + Decimal(cents) / 100
    english = f"{whole:,}.{cents:02d}"
    assert read_amount(english)[0] == exact
    assert read_amount(english.replace(",", " ").replace(".", ","))[0] == exact
    assert read_amount(english.translate(str.maketrans(",.", ".,")))[0] == exact

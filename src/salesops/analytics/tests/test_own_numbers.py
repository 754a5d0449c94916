"""Numbers of one's own at every door: defined in the browser and by REST, read like any other."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from salesops.analytics import cli, selectors
from salesops.analytics import custom_services as services
from salesops.analytics.custom_numbers import rows_in_force
from salesops.analytics.models import PAGES, CustomKpi
from salesops.analytics.selectors import Question, number_with_total, numbers
from salesops.analytics.tests.firm import import_deals, signed_in
from salesops.analytics.urls import urlpatterns
from salesops.permissions.services import mask_decide
from salesops.platform import signin
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor
from salesops.platform.decisions import decision_record, export_documents, import_documents
from salesops.platform.models import AuditEvent
from salesops.platform.registries import kpi_definitions
from salesops.platform.roles import Role

pytestmark = pytest.mark.django_db

GOLD: dict[str, Any] = {
    "title": "Gold won",
    "measure": "sum",
    "of": '"AMOUNT"',
    "rule": "x_partner_tier = 'Gold' and stage_class = 'won'",
    "dated_by": "closed_on",
}
ANALYST = Actor(name="ana", role=Role.OPS_ANALYST)
QUARTER = Question(period="2026-Q3")


@pytest.fixture
def firm(tmp_path: Path) -> Path:
    import_deals(tmp_path)
    return tmp_path


def decide(name: str = "gold_won", **more: Any) -> CustomKpi:
    values = GOLD | {"of": "amount"} | more
    starts_on = values.pop("starts_on", None)
    return services.custom_kpi_decide(actor=ANALYST, name=name, values=values, starts_on=starts_on)


def value(name: str = "gold_won", question: Question = QUARTER, actor: Actor = LOCAL_ADMINISTRATOR) -> Any:
    return numbers(actor, [name], question).values[0]


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.content[:2000]
    return unescape(answer.content.decode())


def client_with_token(browser: Client) -> Client:
    user = browser.get("/own-numbers/").wsgi_request.user
    _, secret = signin.token_create(actor=LOCAL_ADMINISTRATOR, user=user, name="t", can_write=True)
    return Client(headers={"Authorization": f"Bearer {secret}"})


FORM = GOLD | {"name": "gold_won", "bottom_measure": "", "direction": "up", "do": "save"}


def test_defined_in_the_browser_and_then_a_number_like_any_other(firm: Path) -> None:
    analyst = signed_in()
    assert "Nobody has defined a number yet" in text(analyst, "/own-numbers/")
    assert "x_partner_tier" in text(analyst, "/own-numbers/new/")
    tried = text_of(analyst.post("/own-numbers/check/", FORM | {"title": ""}))
    assert "3,500.50" in tried  # Alder 1000 and Birch 2500.50, by hand
    assert "2 deals" in tried
    assert not CustomKpi.objects.exists()
    answer = analyst.post("/own-numbers/new/", FORM)
    assert (answer.status_code, answer["Location"]) == (302, "/numbers/gold_won/")
    row = CustomKpi.objects.get()
    assert (row.subject, row.of, row.unit, row.direction) == ("gold_won", "amount", "money", "up")
    assert row.sentence.startswith("The sum of amount over the deals where partner tier is")
    assert AuditEvent.objects.filter(action="decision.record", subject="custom_kpi:gold_won").count() == 1
    for address in ("/numbers/", "/own-numbers/", "/numbers/gold_won/"):
        page = text(analyst, f"{address}?period=2026-Q3")
        assert "Gold won" in page
        assert "3,500.50" in page
    assert "Your own numbers" in text(analyst, "/numbers/?q=gold")
    rows = text(analyst, "/numbers/gold_won/rows/?period=2026-Q3")
    assert "Alder" in rows
    assert "Cedar" not in rows
    exported = b"".join(analyst.get("/numbers/gold_won/rows/?period=2026-Q3&freeze=csv").streaming_content)
    assert b"Birch" in exported
    assert b"Cedar" not in exported


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def test_a_reader_sees_it_over_his_own_rows_and_may_not_define(firm: Path) -> None:
    decide()
    rep = signed_in(Role.REP, "Bo South")
    assert "Gold won" in text(rep, "/own-numbers/")
    assert "3,500.50" not in text(rep, "/numbers/gold_won/?period=2026-Q3")
    text(rep, "/own-numbers/new/", 403)
    assert rep.post("/own-numbers/check/", FORM).status_code == 403
    with pytest.raises(NotAllowedError):
        services.custom_kpi_decide(actor=Actor(name="r", role=Role.REP), name="mine", values=GOLD)


@pytest.mark.parametrize(
    "changed,field,says",
    [
        ({"rule": "amont > 5"}, "rule", "Did you mean amount?"),
        ({"rule": "stage = 'x'; drop table deals"}, "rule", "no semicolon"),
        ({"of": "stage"}, "of", "a number, an amount or days_between"),
        ({"of": ""}, "of", "Say of what"),
        ({"measure": "count"}, "of", "Counting deals takes nothing more"),
        ({"measure": "number", "of": "nosuch", "rule": ""}, "of", "no number 'nosuch'"),
        ({"unit": "days"}, "unit", "comes in money"),
        ({"bottom_measure": "sum", "bottom_of": "regin"}, "bottom_of", "Did you mean region?"),
        ({"measure": "nonsense"}, "measure", "not a valid choice"),
        ({"dated_by": "x_day"}, "dated_by", "not a valid choice"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    firm: Path, changed: dict[str, str], field: str, says: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        services.custom_kpi_decide(actor=ANALYST, name="gold_won", values=GOLD | changed)
    assert says in " ".join(caught.value.message_dict[field])
    answer = signed_in().post("/own-numbers/new/", FORM | changed)
    assert answer.status_code == 400
    assert says.replace("not a valid choice", "Select a valid choice") in text_of(answer)
    assert not CustomKpi.objects.exists()


@pytest.mark.parametrize("name", ["won_value", "new", "check", "Ab", "2x", "a b", "../x", "a" * 61, ""])
def test_names_that_are_none(firm: Path, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        decide(name)
    assert set(caught.value.message_dict) == {"subject"}
    kept = decide().values()
    with pytest.raises(ValidationError):  # nor by a file, which asks no service of this room
        import_documents([{"kind": "custom_kpi", "subject": name, "values": kept}], actor=ANALYST)
    assert [*rows_in_force()] == ["gold_won"]


def test_no_page_beside_the_numbers_has_a_name_that_a_number_may_have() -> None:
    beside = {re.match(r"own-numbers/(\w+)/", str(one.pattern)) for one in urlpatterns}
    taken = {match[1] for match in beside if match}
    assert taken == PAGES


def test_a_name_that_the_catalogue_takes_later_is_the_catalogues(
    firm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide()
    decide("twice", title="Twice", measure="number", of="gold_won", rule="", unit="")
    won = replace(kpi_definitions.get("won_deals"), name="gold_won", title="Of the house")
    monkeypatch.setitem(kpi_definitions._entries, "gold_won", won)
    assert [*rows_in_force()] == ["twice"]
    assert (value().value, value("twice").value) == (3, 3)  # Alder, Birch and Cedar, by hand
    analyst = signed_in()
    page = text(analyst, "/own-numbers/")
    assert "Gold won (<code>gold_won</code>), defined here, counts no more" in page
    assert "End it" not in text(signed_in(Role.REP, "Bo South"), "/own-numbers/")
    text(analyst, "/own-numbers/gold_won/", 404)
    with pytest.raises(ValidationError, match="number of the catalogue"):
        decide()
    assert analyst.post("/own-numbers/gold_won/", {"end": "gold_won"}).status_code == 302
    assert "counts no more" not in text(analyst, "/own-numbers/")


LATER = date(2027, 1, 1)


def test_a_number_of_a_later_day_opens_and_says_from_when_it_counts(firm: Path) -> None:
    analyst = signed_in()
    answer = analyst.post("/own-numbers/new/", FORM | {"starts_on": "2027-01-01"})
    assert (answer.status_code, answer["Location"]) == (302, "/numbers/gold_won/")
    counts = "his number counts from 2027-01-01 on"
    for address in ("/numbers/gold_won/", "/own-numbers/", "/own-numbers/gold_won/"):
        assert counts in text(analyst, address)
    assert "Gold won" not in text(analyst, "/numbers/")
    text(analyst, "/numbers/gold_won/rows/", 404)
    api = client_with_token(analyst)
    read = api.get("/api/v1/kpis/gold_won").json()
    assert (read["value"], counts in read["reason"]) == (None, True)
    assert api.get("/api/v1/own-numbers/gold_won").json()["starts_on"] == "2027-01-01"
    assert [row["name"] for row in api.get("/api/v1/own-numbers").json()] == ["gold_won"]
    again = analyst.post("/own-numbers/new/", FORM)
    assert (again.status_code, "of this name already" in text_of(again)) == (400, True)
    page = text(analyst, "/own-numbers/gold_won/")
    assert 'value="2027-01-01"' in page
    assert "3,500.50" in page  # what it would say now
    assert "Unknown field" not in page
    assert analyst.post("/own-numbers/gold_won/", {"end": "gold_won"}).status_code == 302
    assert "Gold won" not in text(analyst, "/own-numbers/")
    text(analyst, "/numbers/gold_won/", 404)


def test_a_number_that_a_later_one_is_made_of_stays(firm: Path) -> None:
    decide("first_one")
    decide("second_one", title="Second")
    decide("second_one", title="Second", measure="number", of="first_one", rule="", starts_on=LATER)
    with pytest.raises(
        ValidationError, match=r"^\['Second \(from 2027-01-01\) is made of this number: change that"
    ):
        services.custom_kpi_end(actor=ANALYST, subject="first_one", starts_on=date(2026, 9, 20))
    analyst = signed_in()
    analyst.post("/own-numbers/first_one/", {"end": "first_one"})
    assert "Second (from 2027-01-01) is made of this number" in text(analyst, "/own-numbers/")
    decide("third_one", title="Third", measure="number", of="first_one", rule="")
    with pytest.raises(
        ValidationError, match=r"Second \(from 2027-01-01\) are made of this number: change those"
    ):
        services.custom_kpi_end(actor=ANALYST, subject="first_one")
    services.custom_kpi_end(actor=ANALYST, subject="third_one")
    decide("first_one", rule="stage_class = 'lost'", starts_on=LATER)
    assert services.custom_kpi_end(actor=ANALYST, subject="first_one", starts_on=date(2026, 9, 20))
    assert value("first_one").reason == "This number counts from 2027-01-01 on"


def test_a_number_may_end_on_the_day_its_last_user_does(firm: Path) -> None:
    decide("first_one")
    decide("second_one", title="Second", measure="number", of="first_one", rule="")
    services.custom_kpi_end(actor=ANALYST, subject="second_one", starts_on=LATER)
    with pytest.raises(ValidationError, match="Second is made of"):
        services.custom_kpi_end(actor=ANALYST, subject="first_one", starts_on=date(2026, 12, 31))
    assert services.custom_kpi_end(actor=ANALYST, subject="first_one", starts_on=LATER)


BAD = "closed_on = '2026-Q5'"


def test_a_rule_that_cannot_be_asked_is_refused_at_every_door(firm: Path) -> None:
    for field, values in (
        ("rule", {"rule": BAD}),
        ("of", {"measure": "share", "of": BAD, "unit": ""}),
        ("bottom_rule", {"bottom_measure": "count", "bottom_rule": BAD}),
    ):
        with pytest.raises(ValidationError) as caught:
            decide(**values)
        assert [*caught.value.message_dict] == [field]
    analyst = signed_in()
    for address, status in (("/own-numbers/new/", 400), ("/own-numbers/check/", 200)):
        answer = analyst.post(address, FORM | {"rule": BAD})
        assert (answer.status_code, "2026-Q5" in text_of(answer)) == (status, True)
    api = client_with_token(analyst)
    body = json.dumps(GOLD | {"rule": BAD})
    answers = [
        api.put("/api/v1/own-numbers/gold_won", body, "application/json"),
        api.post("/api/v1/own-numbers/check", body, "application/json"),
    ]
    assert [(a.status_code, "2026-Q5" in a.json()["detail"]) for a in answers] == [(400, True)] * 2
    assert not CustomKpi.objects.exists()


def test_a_rule_that_cannot_be_asked_and_came_by_a_file_costs_one_number(firm: Path) -> None:
    kept = decide().values()
    decision_record(
        CustomKpi, actor=ANALYST, subject="no_quarter", values=kept | {"title": "None", "rule": BAD}
    )
    analyst, reason = signed_in(), "impossible: its rule can't be asked"
    for address in ("/numbers/?period=2026-Q3", "/own-numbers/?period=2026-Q3"):
        page = text(analyst, address)
        assert "3,500.50" in page
        assert reason in page
    for address in ("/numbers/no_quarter/", "/data/supports/", "/own-numbers/no_quarter/"):
        assert "2026-Q5" in text(analyst, address)
    text(analyst, "/numbers/no_quarter/rows/", 404)
    api = client_with_token(analyst)
    found = api.get("/api/v1/kpis/no_quarter?period=2026-Q3").json()
    assert (found["value"], found["reason"].startswith(reason)) == (None, True)
    assert api.get("/api/v1/kpis/gold_won?period=2026-Q3").json()["value"] == 3500.5
    assert len(api.get("/api/v1/kpis").json()) == len(kpi_definitions._entries) + 2


def test_a_circle_is_refused_with_the_way_round_and_a_number_in_use_stays(firm: Path) -> None:
    decide("first_one")
    decide("second_one", measure="number", of="first_one", rule="", title="Second")
    with pytest.raises(ValidationError, match="first_one → second_one → first_one"):
        decide("first_one", measure="number", of="second_one", rule="")
    with pytest.raises(ValidationError, match="Second is made of this number"):
        services.custom_kpi_end(actor=ANALYST, subject="first_one")
    services.custom_kpi_end(actor=ANALYST, subject="second_one")
    services.custom_kpi_end(actor=ANALYST, subject="first_one")
    assert rows_in_force() == {}
    assert "There is no number named" in text(signed_in(), "/numbers/first_one/", 404)


def test_a_circle_that_only_a_later_decision_closes_is_refused_too(firm: Path) -> None:
    decide("first_one")
    decide("second_one", title="Second")
    decide(
        "second_one", title="Second", measure="number", of="first_one", rule="", starts_on=date(2027, 1, 1)
    )
    with pytest.raises(ValidationError, match="first_one → second_one → first_one"):
        decide("first_one", measure="number", of="second_one", rule="")


def test_a_circle_that_came_by_a_file_is_a_number_without_a_value(firm: Path) -> None:
    kept = decide().values() | {"measure": "number", "rule": "", "bottom_measure": ""}
    for name, other in (("one_way", "other_way"), ("other_way", "one_way")):
        decision_record(CustomKpi, actor=ANALYST, subject=name, values=kept | {"of": other})
    found = value("one_way")
    assert (found.value, "one_way → other_way → one_way" in found.reason) == (None, True)
    assert value().value == Decimal("3500.5")
    assert "one_way" in text(signed_in(), "/own-numbers/")


def test_a_field_that_left_the_data(firm: Path) -> None:
    decide()
    before = value().value
    kept = decide().values()
    decision_record(
        CustomKpi, actor=ANALYST, subject="of_gone", values=kept | {"rule": "x_gone_field = 'Gold'"}
    )
    found = value("of_gone")
    assert (found.value, found.reason) == (
        None,
        "impossible: the field x_gone_field is no longer in your data",
    )
    page = text(signed_in(), "/numbers/of_gone/")
    assert "impossible: the field x_gone_field is no longer in your data" in page
    assert "x_gone_field" in text(signed_in(name="b"), "/data/supports/")
    text(signed_in(name="c"), "/numbers/of_gone/rows/", 404)
    assert value().value == before


def test_a_number_follows_its_decisions_through_both_times(firm: Path) -> None:
    decide(starts_on=date(2026, 8, 1))
    early = Question(period="2026-Q3", as_of=date(2026, 7, 15))
    assert "nobody had defined this number by 2026-07-15" in value(question=early).reason.lower()
    known = rows_in_force()["gold_won"].recorded_at
    decide(rule="x_partner_tier = 'Silver' and stage_class = 'won'", starts_on=date(2026, 8, 1))
    assert value().value == 4000
    then = Question(period="2026-Q3", known_at=known)
    assert value(question=then).value == Decimal("3500.5")


def test_a_split_and_its_total(firm: Path) -> None:
    decide("gold_share", measure="share", of="x_partner_tier = 'Gold'", rule="stage_class = 'won'", unit="")
    answer, total = number_with_total(
        LOCAL_ADMINISTRATOR, "gold_share", Question(period="2026-Q3", by=("owner_name",))
    )
    assert {v.group["owner_name"]: v.value for v in answer.values} == {"Ada North": 1, "Bo South": 0}
    assert round(total.value, 6) == Decimal("0.666667")
    assert total.interval is not None


def test_a_mask_closes_the_number_and_the_field(firm: Path) -> None:
    decide()
    mask_decide(actor=LOCAL_ADMINISTRATOR, name="m", columns=("amounts",), roles=("ops_analyst",), reason="x")
    found = value(actor=ANALYST)
    assert (found.value, found.reason) == (None, "masked for your role: amount")
    with pytest.raises(ValidationError, match="masked for your role"):
        decide("other_one", measure="count", of="", rule="amount > 5")
    assert "<code>amount</code>" not in text(signed_in(), "/own-numbers/new/")


def test_by_rest_and_command_line(firm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api = client_with_token(signed_in())
    body = GOLD
    tried = api.post("/api/v1/own-numbers/check?period=2026-Q3", json.dumps(body), "application/json")
    assert (tried.status_code, tried.json()["n"], tried.json()["value"]) == (200, 2, 3500.5)
    wrong = api.put("/api/v1/own-numbers/gold_won", json.dumps(body | {"rule": "x y"}), "application/json")
    assert wrong.status_code == 400
    assert "can't be read" in wrong.json()["detail"]
    made = api.put("/api/v1/own-numbers/gold_won", json.dumps(body), "application/json")
    assert (made.status_code, made.json()["of"]) == (200, "amount")
    assert [row["name"] for row in api.get("/api/v1/own-numbers").json()] == ["gold_won"]
    read = api.get("/api/v1/kpis/gold_won?period=2026-Q3").json()
    assert (read["value"], read["n"]) == (3500.5, 2)
    assert "gold_won" in [kpi["name"] for kpi in api.get("/api/v1/kpis").json()]
    behind = api.get("/api/v1/kpis/gold_won/rows?side=rows&period=2026-Q3").json()
    assert [row["name"] for row in behind["rows"]] == ["Birch", "Alder"]
    parser = argparse.ArgumentParser()
    cli.add_commands(parser.add_subparsers())
    args = parser.parse_args(["kpi", "gold_won", "--period", "2026-Q3", "--json"])
    assert args.run(args) == 0
    assert json.loads(capsys.readouterr().out)["value"] == 3500.5
    assert api.delete("/api/v1/own-numbers/gold_won").status_code == 200
    assert api.get("/api/v1/own-numbers/gold_won").status_code == 404
    assert api.get("/api/v1/kpis/gold_won").status_code == 404


def test_out_by_yaml_and_in_again(firm: Path) -> None:
    decide()
    documents = export_documents(["custom_kpi"])
    services.custom_kpi_end(actor=ANALYST, subject="gold_won")
    assert import_documents(documents, actor=ANALYST) == 1
    assert value().value == Decimal("3500.5")


def test_before_the_first_import_the_page_says_so() -> None:
    assert "Start with the file you have" in text(signed_in(), "/own-numbers/new/")
    assert "Start with the file you have" in text(signed_in(name="b"), "/own-numbers/")
    assert "Nothing has been imported yet" in text_of(signed_in(name="c").post("/own-numbers/check/", FORM))


def test_the_catalogue_lists_it_last(firm: Path) -> None:
    decide()
    assert [kpi.name for kpi in selectors.catalogue()][-1] == "gold_won"


def test_the_sentence_nobody_wrote_follows_the_rules(firm: Path) -> None:
    decide()
    analyst = signed_in()
    page = text(analyst, "/own-numbers/gold_won/")
    assert "3,500.50" in page  # what it says now, before anything is typed
    assert 'name="sentence" value=' not in page
    changed = FORM | {"rule": "stage_class = 'lost'", "unit": ""}
    answer = analyst.post("/own-numbers/gold_won/", changed)
    assert answer.status_code == 302
    assert "lost" in rows_in_force()["gold_won"].sentence
    assert value().value == 1600
    ended = analyst.post("/own-numbers/gold_won/", {"end": "gold_won"})
    assert (ended.status_code, rows_in_force()) == (302, {})
    text(analyst, "/own-numbers/gold_won/", 404)


def test_the_rows_say_the_same_middle_value_as_the_number(firm: Path) -> None:
    two = "name in ('Alder', 'Spruce')"  # of 5 and 6 letters
    decide("letters", title="Letters", measure="median", of="length(name)", rule=two, dated_by="", unit="")
    assert value("letters").value == Decimal("5.5")
    analyst = signed_in()
    assert "5.5" in text(analyst, "/own-numbers/")
    assert re.search(r"\b5\.50?\b", text(analyst, "/numbers/letters/rows/"))

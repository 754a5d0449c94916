from __future__ import annotations

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from salesops.crm import selectors as crm
from salesops.crm.files import open_source
from salesops.crm.models import ValueRepair
from salesops.platform.models import Role
from salesops.platform.tests.roles import DATA_DAY, allowed_roles, client_of, holders, load_facts, user_of

pytestmark = pytest.mark.django_db
CLOSED = {"stage": "Closed Won", "close_on": date(2026, 5, 1), "created_on": date(2026, 1, 1)}
REPAIR = {"table": "opportunities", "column": "product_name", "value": "GTXPro", "replacement": "GTX Pro"}


@pytest.fixture
def facts(facts_home):
    deals = [
        {"id": "a1", "owner_id": "ann", "product_name": "GTXPro", "amount": Decimal(100), **CLOSED},
        {"id": "a2", "owner_id": "ann", "product_name": "GTX Pro", "amount": Decimal(50), **CLOSED},
        {"id": "b1", "owner_id": "ben", "product_name": "GTXPro", "amount": Decimal(7), **CLOSED},
        {"id": "b2", "owner_id": "ben", "product_name": "GTXPro", "amount": Decimal(9), **CLOSED},
        {"id": "=cmd", "owner_id": "ben", "product_name": "GTXPro", "stage": "Proposal"},
    ]
    product = {"GTXPro": "GTXPro", "GTX Pro": "p1"}
    load_facts(
        {
            "users": [{"id": "ann", "name": "Ann"}, {"id": "ben", "name": "Ben"}],
            "products": [
                {"id": "p1", "name": "GTX Pro", "implied": False},
                {"id": "GTXPro", "name": "GTXPro", "implied": True},
            ],
            "opportunities": [{**deal, "product_id": product[deal["product_name"]]} for deal in deals],
        }
    )


def lines(client) -> dict[str, tuple[int, int]]:
    found = client.get(reverse("faults")).context["findings"]
    return {line["rule"].code: (line["finding"].faulty, line["finding"].applicable) for line in found}


def test_everybody_may_open_the_faults_of_their_own_rows_and_only_deciders_repair(facts):
    everybody = set(Role.values)
    assert allowed_roles("get", reverse("faults")) == everybody
    assert allowed_roles("get", reverse("fault_rows", args=["DQ20"])) == everybody
    assert allowed_roles("post", reverse("fault_repair"), REPAIR) == holders("decision.write")
    assert allowed_roles("post", reverse("fault_repair_undo"), {"subject": "x"}) == holders("decision.write")


def test_a_fault_is_counted_with_its_money_and_opened_to_its_rows(facts):
    client = client_of(Role.OPS_ANALYST)
    assert lines(client)["DQ20"] == (4, 5)
    page = client.get(reverse("faults")).context
    (line,) = [line for line in page["findings"] if line["rule"].code == "DQ20"]
    assert (line["finding"].amount, line["share"]) == (Decimal(116), Decimal(4) / Decimal(5))
    assert [(p.value, p.replacement, p.rows) for p in page["proposals"]] == [("GTXPro", "GTX Pro", 4)]
    table = client.get(reverse("fault_rows", args=["DQ20"])).context["table"]
    assert [row["id"] for row in table.rows] == ["a1", "b2", "b1", "=cmd"]
    table = client.get(reverse("fault_rows", args=["DQ20"]) + "?sort=id&page=99").context["table"]
    assert [row["id"] for row in table.rows] == ["=cmd", "a1", "b1", "b2"]
    assert len(client.get(reverse("faults") + "?top=1").context["findings"]) == 1


def test_a_rep_sees_faults_of_his_own_rows_on_page_and_in_files(facts):
    user_of(Role.REP, person_id="ann")
    client = client_of(Role.REP)
    user = client.get(reverse("faults")).wsgi_request.user
    user.person_id = "ann"
    user.save()
    assert lines(client)["DQ20"] == (1, 2)
    assert client.get(reverse("faults")).context["proposals"] == []
    url = reverse("fault_rows", args=["DQ20"])
    assert [row["id"] for row in client.get(url).context["table"].rows] == ["a1"]
    text = b"".join(client.get(url + "?format=csv").streaming_content).decode("utf-8-sig")
    assert "a1" in text
    assert "b1" not in text
    assert "DQ39N" not in lines(client)


def test_files_hold_every_row_and_run_no_formula(facts):
    client = client_of(Role.OPS_ANALYST)
    url = reverse("fault_rows", args=["DQ20"])
    text = b"".join(client.get(url + "?format=csv").streaming_content).decode("utf-8-sig")
    assert len(text.splitlines()) == 5
    assert "'=cmd" in text
    content = client.get(url + "?format=xlsx").content
    sheets = zipfile.ZipFile(io.BytesIO(content))
    first = sheets.read("xl/worksheets/sheet1.xml").decode()
    assert first.count("<row ") == 5
    assert "<f>" not in first
    (table, about) = open_source(content, "faults.xlsx")
    assert set(table.read()["Id"].to_pylist()) == {"a1", "b1", "b2", "=cmd"}
    assert about.name.endswith("About")


def test_an_unknown_rule_or_format_is_told(facts):
    client = client_of(Role.OPS_ANALYST)
    assert client.get(reverse("fault_rows", args=["DQ999"])).status_code == 404
    assert client.get(reverse("fault_rows", args=["DQ20"]) + "?format=exe").status_code == 400
    assert client.get(reverse("fault_rows", args=["DQ20"]) + "?sort=no&page=x").status_code == 200
    assert client.get(reverse("faults") + "?top=x").status_code == 200


def test_a_repair_is_recorded_with_its_effect_and_undone(facts):
    client = client_of(Role.OPS_MANAGER)
    answer = client.post(reverse("fault_repair"), REPAIR, follow=True)
    assert "Product that is not in the catalogue: 4 → 0." in " ".join(
        str(m) for m in answer.context["messages"]
    )
    assert crm.repairs(DATA_DAY) == {("opportunities", "product_name"): {"GTXPro": "GTX Pro"}}
    assert "DQ20" not in lines(client)
    (row,) = answer.context["repairs"]
    assert row.records == 4
    answer = client.post(reverse("fault_repair_undo"), {"subject": row.subject}, follow=True)
    assert "0 → 4" in " ".join(str(m) for m in answer.context["messages"])
    assert crm.repairs(DATA_DAY) == {}
    assert ValueRepair.objects.count() == 2, "nothing is removed"
    answer = client.post(reverse("fault_repair_undo"), {"subject": row.subject}, follow=True)
    assert "not in force any more" in answer.content.decode()


def test_a_repair_that_can_not_be_is_told(facts):
    client = client_of(Role.OPS_MANAGER)
    answer = client.post(reverse("fault_repair"), REPAIR | {"column": "amount"}, follow=True)
    assert "Only text values" in " ".join(str(m) for m in answer.context["messages"])
    assert not ValueRepair.objects.exists()

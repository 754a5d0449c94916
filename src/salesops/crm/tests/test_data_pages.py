from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from salesops.crm.models import AmountRule, Import, ImportState, Mapping, QuarantinedRow
from salesops.crm.services import plans_of
from salesops.crm.tests.pages import imported, place, sent, upload
from salesops.crm.uploads import safe_name
from salesops.facts.scope import Scope
from salesops.platform import jobs
from salesops.platform.models import AuditEvent, Job, Role
from salesops.platform.store import fact_store
from salesops.platform.tests.roles import allowed_roles, client_of, holders

pytestmark = pytest.mark.django_db

DEALS = """Deal Id,Deal Name,Account Name,Owner,Stage,Amount,Created Date,Close Date
D-001,Alpha,Acme,Ann,Closed Won,"1,000.50",2026-01-05,2026-03-05
D-002,Beta,Bolt,Ben,Closed Lost,200,2026-01-10,2026-02-11
D-003,Gamma,Acme,Ann,Proposal,300,2026-02-01,2026-08-01
D-004,Delta,Core,Ben,Proposal,400,2026-02-20,2026-09-15
"""
LATER = """Owner,Deal Id,Deal Name,Account Name,Stage,Amount,Created Date,Close Date
Ann,D-001,Alpha,Acme,Closed Won,"1,000.50",2026-01-05,2026-03-05
Ann,D-003,Gamma,Acme,Closed Won,350,2026-02-01,2026-05-02
"""


@pytest.fixture(autouse=True)
def home(facts_home: Path, settings, tmp_path: Path) -> None:
    settings.UPLOADS_PATH = tmp_path / "uploads"
    settings.FILES_PATH = tmp_path / "files"


@pytest.fixture
def client() -> Client:
    return client_of(Role.OPS_ANALYST)


def deals(*columns: str) -> list[tuple]:
    with fact_store().at() as facts:
        rows = facts.read("opportunities", Scope.all()).order_by("id").select(*columns)
        return [tuple(row.values()) for row in facts.execute(rows).to_pylist()]


def test_the_maven_export_goes_from_the_drop_zone_to_its_known_figures(client, shared_data):
    folder = shared_data / "maven_crm"
    row = imported(client, *((p.name, p.read_bytes()) for p in sorted(folder.glob("*.*"))))
    assert row.state == ImportState.DONE
    report = client.get(reverse("import_detail", args=[row.pk])).context["report"]
    read = {line.name: (line.read, line.added) for line in report.tables}
    assert read["opportunities"] == (8800, 8800)
    assert read["users"] == (35, 35)
    known = {d.title: (d.count, [int(a) for _, a in d.amounts]) for d in report.deals}
    assert known == {"Won": (4238, [10_005_534]), "Lost": (2473, [0]), "Open": (2089, [])}
    assert {f["file"].rsplit("/")[-1] for f in report.ignored} == {"NOTES.md", "data_dictionary.csv"}
    data = client.get(reverse("data")).context
    assert {t.name: t.records for t in data["known"].tables}["opportunities"] == 8800


def test_the_first_page_is_the_drop_zone_for_those_who_may_import_and_a_word_for_the_others(client):
    assert client.get(reverse("data"))["Location"] == reverse("import_new")
    rep = client_of(Role.REP)
    assert rep.get(reverse("faults")).status_code == 200
    assert "Ask your sales-ops team" in rep.get(reverse("faults")).content.decode()


def test_each_page_lets_in_the_roles_that_hold_its_permission(client):
    row = upload(client, ("deals.csv", DEALS))
    viewers, runners = holders("import.view"), holders("import.run")
    assert allowed_roles("get", reverse("data")) == viewers
    assert allowed_roles("get", reverse("quarantine")) == viewers
    assert allowed_roles("get", reverse("import_confirm", args=[row.pk])) == viewers
    assert allowed_roles("get", reverse("import_mapping", args=[row.pk, 0])) == viewers
    assert allowed_roles("get", reverse("import_new")) == runners
    assert allowed_roles("post", reverse("quarantine_dismiss"), {"row": "1"}) == runners
    assert allowed_roles("post", reverse("import_confirm", args=[row.pk]), {"do": "look"}) == runners
    assert allowed_roles("post", reverse("import_map", args=[row.pk])) == runners
    assert Import.objects.get().state == ImportState.INSPECTED


def test_an_upload_without_the_csrf_token_is_refused():
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client_of(Role.ADMINISTRATOR).cookies
    answer = strict.post(reverse("import_new"), {"pasted": DEALS})
    assert answer.status_code == 403
    assert not Import.objects.exists()


def test_nothing_given_too_much_given_and_no_table_are_told_in_words(client, settings):
    answer = client.post(reverse("import_new"), {"pasted": " "})
    assert answer.status_code == 400
    assert "Choose a file, or paste a table." in answer.content.decode()
    settings.MAX_UPLOAD_BYTES = 50
    big = [SimpleUploadedFile("a.csv", b"x" * 40), SimpleUploadedFile("b.csv", b"y" * 40)]
    answer = client.post(reverse("import_new"), {"files": big})
    assert answer.status_code == 400
    assert "larger than 50 bytes" in answer.content.decode()
    assert not list(settings.UPLOADS_PATH.iterdir())
    row = upload(client, ("empty.csv", "  \n"))
    answer = sent(client, row)
    assert answer.status_code == 400
    assert "Nothing in these files can be imported" in answer.content.decode()


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "con.csv",
        "a\x00b.csv",
        "/",
        "...",
        'x"><script>.csv',
        "ü" * 400,
    ],
)
def test_a_hostile_file_name_stays_a_name(client, settings, name):
    kept = safe_name(name)
    assert kept
    assert "/" not in kept
    assert "\\" not in kept
    assert kept not in (".", "..")
    assert len(kept.encode()) <= 151
    assert not kept.lower().startswith("con.")
    upload(client, (name if name.strip("/.") else kept, DEALS), ("deals.csv", DEALS))
    files = [p for p in settings.UPLOADS_PATH.rglob("*") if p.is_file()]
    assert files
    assert all(p.resolve().is_relative_to(settings.UPLOADS_PATH.resolve()) for p in files)
    page = client.get(reverse("import_confirm", args=[Import.objects.latest("id").pk])).content.decode()
    assert "<script>.csv" not in page


def test_files_of_one_name_are_both_kept_and_both_shown(client):
    row = upload(client, ("deals.csv", DEALS), ("DEALS.csv", LATER))
    assert sorted(p.name.lower() for p in plans_of(row)) == ["deals (2).csv", "deals.csv"]


def test_a_pasted_table_is_a_file(client):
    row = upload(client, pasted=DEALS.replace('"1,000.50"', "1000.50").replace(",", "\t"))
    (plan,) = plans_of(row)
    assert (plan.table, plan.rows, plan.dialect["delimiter"]) == ("opportunities", 4, "\t")
    sent(client, row)
    jobs.run_waiting()
    assert len(deals("id")) == 4


def test_a_second_export_shows_changes_by_field_and_what_it_lacks(client):
    imported(client, ("deals 2026-03-31.csv", DEALS))
    row = imported(client, ("deals 2026-06-30.csv", LATER))
    (line,) = (
        t for t in client.get(reverse("import_detail", args=[row.pk])).context["report"].tables
        if t.name == "opportunities"
    )  # fmt: skip
    assert (line.read, line.added, line.changed, line.unchanged, line.not_in_file, line.deleted) == (
        2,
        0,
        1,
        1,
        2,
        0,
    )
    assert dict(line.by_field) == {"Stage": 1, "Amount": 1, "Close date": 1}
    again = imported(client, ("deals 2026-06-30.csv", LATER))
    assert client.get(reverse("import_detail", args=[again.pk])).context["report"].unchanged


def test_a_complete_file_deletes_what_it_lacks_within_its_scope(client):
    imported(client, ("deals 2026-03-31.csv", DEALS))
    changes = {"f0-complete": "on", "f0-where": "Owner = Ann"}
    only_beta = "\n".join([DEALS.splitlines()[0], DEALS.splitlines()[1], ""])
    row = imported(client, ("deals 2026-06-30.csv", only_beta), **changes)
    assert row.report["tables"]["opportunities"]["deleted"] == 1
    assert [d[0] for d in deals("name")] == ["Alpha", "Beta", "Delta"]
    row = imported(client, ("deals 2026-07-31.csv", only_beta), **{"f0-complete": "on"})
    assert row.report["tables"]["opportunities"]["deleted"] == 2
    assert [d[0] for d in deals("name")] == ["Alpha"]


def test_a_scope_that_can_not_be_read_is_told_at_its_file(client):
    row = upload(client, ("deals.csv", DEALS))
    answer = sent(client, row, {"f0-complete": "on", "f0-where": "Planet = Mars"})
    assert answer.status_code == 400
    assert "Planet" in " ".join(answer.context["cards"][0].errors)
    answer = sent(client, row, {"f0-data_on": "31.12.2026"})
    assert "2026-01-31" in " ".join(answer.context["cards"][0].errors)
    assert not Job.objects.exists()


def test_a_corrected_mapping_is_kept_and_used_for_the_next_file_in_another_order(client):
    row = upload(client, ("deals 2026-03-31.csv", DEALS))
    at = place(row, "Account Name")
    answer = sent(client, row, {f"f0-c{at}-to": "x_"})
    assert answer.status_code == 302
    jobs.run_waiting()
    (decision,) = Mapping.objects.all()
    assert decision.columns["Account Name"]["to"] == "x_account_name"
    assert {d[0] for d in deals("x_account_name")} == {"Acme", "Bolt", "Core"}
    later = upload(client, ("deals 2026-06-30.csv", LATER))
    (plan,) = plans_of(later)
    assert plan.mapping_from == Role.OPS_ANALYST
    assert {c.header: c.to for c in plan.columns}["Account Name"] == "x_account_name"


def test_two_columns_for_one_target_are_refused_at_their_file(client):
    row = upload(client, ("deals.csv", DEALS), ("notes.txt", "just a line"))
    number = next(n for n, p in enumerate(plans_of(row)) if p.taken)
    at = place(row, "Owner", number)
    answer = sent(client, row, {f"f{number}-c{at}-to": "account_name"})
    assert answer.status_code == 400
    card = next(c for c in answer.context["cards"] if c.number == number)
    assert "can't both become account_name" in card.errors[0]
    assert not Job.objects.exists()


def test_naming_another_table_proposes_its_columns_before_anything_is_imported(client):
    row = upload(client, ("list.csv", "Name,Industry,Country\nAcme,Steel,DE\nBolt,Wood,FR\n"))
    answer = sent(client, row, {"f0-table": "contacts"})
    assert answer.status_code == 302
    assert answer["Location"] == reverse("import_confirm", args=[row.pk])
    row.refresh_from_db()
    (plan,) = plans_of(row)
    assert (plan.table, row.job_id) == ("contacts", None)
    sent(client, row, {"f0-table": "", "do": "look"})
    row.refresh_from_db()
    assert not plans_of(row)[0].taken


def test_a_composed_key_is_shown_with_an_example_and_can_be_chosen(client):
    text = "\n".join(line.partition(",")[2] for line in DEALS.splitlines())
    row = upload(client, ("deals.csv", text))
    card = client.get(reverse("import_confirm", args=[row.pk])).context["cards"][0]
    assert card.plan.key
    assert card.plan.key_example.startswith("Alpha")
    assert "tells all 4 rows apart" in card.plan.key_check
    at = place(row, "Owner")
    sent(client, row, {"f0-key": [str(at)], "do": "look"})
    row.refresh_from_db()
    (plan,) = plans_of(row)
    assert plan.key == ("Owner",)
    assert "2 of 4 rows have the key of another row" in plan.key_check


def test_date_order_and_marks_are_corrected_for_the_whole_file(client):
    text = (
        "Deal Id;Deal Name;Stage;Amount;Created Date;Close Date\n"
        "D1;Alpha;Closed Won;1.234;03/04/2026;05/06/2026\n"
        "D2;Beta;Closed Won;2.500;01/02/2026;07/08/2026\n"
    )
    row = upload(client, ("deals.csv", text))
    answer = sent(client, row, {"f0-date_order": "DMY", "f0-marks": ",.", "f0-data_on": "2026-12-31"})
    assert answer.status_code == 302
    jobs.run_waiting()
    assert [(d[0], int(d[1])) for d in deals("created_on", "amount")] == [
        (date(2026, 4, 3), 1234),
        (date(2026, 2, 1), 2500),
    ]


def test_two_amounts_are_asked_plainly_and_decided_once_the_import_has_landed(client):
    text = "\n".join(f"{line},{'ARR' if n == 0 else n * 10}" for n, line in enumerate(DEALS.splitlines()))
    row = upload(client, ("deals.csv", text))
    page = client.get(reverse("import_confirm", args=[row.pk]))
    assert [a[0] for a in page.context["cards"][0].amounts] == ["Amount", "ARR"]
    assert sent(client, row, {"amount": "ARR"}).status_code == 302
    assert not AmountRule.objects.exists()
    jobs.run_waiting()
    (rule,) = AmountRule.objects.all()
    assert (rule.deal_kind, rule.column) == ("all", "x_arr")


def test_a_mapping_goes_out_as_yaml_and_comes_in_again(client):
    row = upload(client, ("deals.csv", DEALS))
    text = client.get(reverse("import_mapping", args=[row.pk, 0])).content.decode()
    assert "to: account_name" in text
    changed = text.replace("to: account_name", "to: x_customer")
    url = reverse("import_map", args=[row.pk])
    client.post(url, {"mapping": SimpleUploadedFile("m.yaml", changed.encode())})
    row.refresh_from_db()
    assert {c.header: c.to for c in plans_of(row)[0].columns}["Account Name"] == "x_customer"


@pytest.mark.parametrize(
    "text",
    [
        b"[1, 2]",
        b"object: weather\ncolumns: {}",
        b"object: accounts\ncolumns: {Nothing: {to: name}}",
        b"object: opportunities\ncolumns: {Owner: {to: no_such_column}}",
        b"a: &a [x]\nb: [*a, *a]",
        b"\xff\xfe\x00",
    ],
)
def test_a_mapping_that_can_not_be_used_is_told(client, text):
    row = upload(client, ("deals.csv", DEALS))
    before = row.plan
    answer = client.post(
        reverse("import_map", args=[row.pk]), {"mapping": SimpleUploadedFile("m.yaml", text)}, follow=True
    )
    assert [m.level_tag for m in answer.context["messages"]] == ["error"]
    row.refresh_from_db()
    assert row.plan == before


BAD = DEALS.replace("2026-02-11", "2026-02-31").replace("400,", "=cmd|' /C calc'!A0,")


def test_a_row_is_mended_by_hand_and_imported(client):
    row = imported(client, ("deals.csv", BAD), **{"f0-data_on": "2026-06-30"})
    assert row.report["quarantined"] == 2
    assert [d[0] for d in deals("name")] == ["Alpha", "Gamma"]
    page = client.get(reverse("quarantine"))
    assert [(r["reason"].column, r["reason"].rows) for r in page.context["reasons"]] == [
        ("Amount", 1),
        ("Close Date", 1),
    ]
    waiting = QuarantinedRow.objects.get(column="Close Date")
    url = reverse("quarantine_row", args=[waiting.pk])
    cells = {h: n for n, h, _, _ in client.get(url).context["cells"]}
    faulty = [h for _, h, _, bad in client.get(url).context["cells"] if bad]
    assert faulty == ["Close Date"]
    answer = client.post(url, {f"cell-{cells['Close Date']}": "2026-02-30"})
    assert answer.status_code == 400
    assert "no such day" in answer.content.decode()
    assert client.post(url, {f"cell-{cells['Close Date']}": "2026-02-28"}).status_code == 302
    assert [d[0] for d in deals("name")] == ["Alpha", "Beta", "Gamma"]
    waiting.refresh_from_db()
    assert waiting.state == "replayed"
    assert AuditEvent.objects.filter(action="quarantine.replay").count() == 1


def test_waiting_rows_go_out_as_csv_that_runs_no_formula_and_come_back_mended(client):
    imported(client, ("deals.csv", BAD), **{"f0-data_on": "2026-06-30"})
    url = f"{reverse('quarantine_download')}?file=deals.csv"
    text = b"".join(client.get(url).streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {r["Quarantine: reason"].partition(" is ")[2] for r in rows} == {
        "no such day in the calendar",
        "not a number",
    }
    assert [r["Amount"] for r in rows if r["Deal Id"] == "D-004"] == ["'=cmd|' /C calc'!A0"]
    mended = text.replace("2026-02-31", "2026-02-28", 2).replace("'=cmd|' /C calc'!A0", "400")
    row = upload(client, ("mended.csv", mended))
    (plan,) = plans_of(row)
    assert plan.mapping_from, "the added columns hide the confirmed mapping"
    assert not [c for c in plan.mapped() if c.header.startswith("Quarantine")]
    sent(client, row, {"f0-data_on": "2026-06-30"})
    jobs.run_waiting()
    assert len(deals("id")) == 4
    assert not [name for name in fact_columns() if "quarantine" in name]


def fact_columns() -> list[str]:
    with fact_store().at() as facts:
        return list(facts.columns("opportunities"))


def test_rows_are_dismissed_one_by_one_and_by_reason(client):
    many = DEALS + "".join(f"E-{n},X,Y,Z,Proposal,5,2026-01-01,2026-13-0{n}\n" for n in range(1, 4))
    imported(client, ("deals.csv", many), **{"f0-data_on": "2026-06-30"})
    (reason,) = (r["reason"] for r in client.get(reverse("quarantine")).context["reasons"])
    assert reason.rows == 3
    one = QuarantinedRow.objects.first()
    client.post(reverse("quarantine_dismiss"), {"row": [one.pk]})
    assert QuarantinedRow.objects.filter(state="dismissed").count() == 1
    sent_ = {"all": "1", "file": reason.file, "column": reason.column, "fix": reason.fix}
    client.post(reverse("quarantine_dismiss"), sent_)
    assert QuarantinedRow.objects.filter(state="dismissed").count() == 3
    url = reverse("quarantine_row", args=[one.pk])
    assert "dealt with" in client.post(url, {}).content.decode()


def test_an_import_cancelled_before_it_began_can_be_confirmed_again(client):
    row = upload(client, ("deals.csv", DEALS))
    sent(client, row)
    row.refresh_from_db()
    page = client.get(reverse("import_detail", args=[row.pk]))
    assert page.context["running"]
    assert client.post(reverse("job_cancel", args=[row.job_id])).status_code == 200
    assert jobs.run_waiting() == 0
    page = client.get(reverse("import_detail", args=[row.pk]))
    assert page.context["reopen"]
    assert not page.context["report"]
    client.post(reverse("import_reopen", args=[row.pk]))
    sent(client, row)
    jobs.run_waiting()
    assert len(deals("id")) == 4
    assert client.post(reverse("import_reopen", args=[row.pk]), follow=True).status_code == 200
    row.refresh_from_db()
    assert row.state == ImportState.DONE


def test_a_running_import_that_is_cancelled_writes_nothing(client):
    row = upload(client, ("deals.csv", DEALS))
    sent(client, row)
    Job.objects.update(cancel_requested=True)
    jobs.run_waiting()
    row.refresh_from_db()
    assert (row.state, Job.objects.get().state) == (ImportState.CANCELLED, "cancelled")
    with fact_store().at() as facts:
        assert "opportunities" not in facts.tables()


def test_an_import_that_does_not_exist_is_not_found_and_one_begun_is_not_confirmed_twice(client):
    assert client.get(reverse("import_detail", args=[99])).status_code == 404
    assert client.get(reverse("import_confirm", args=[99])).status_code == 404
    assert client.get(reverse("quarantine_row", args=[99])).status_code == 404
    assert client.get(f"{reverse('quarantine_download')}?file=no").status_code == 404
    row = imported(client, ("deals.csv", DEALS))
    answer = client.post(reverse("import_confirm", args=[row.pk]), {"do": "import"})
    assert answer["Location"] == reverse("import_detail", args=[row.pk])
    assert Job.objects.count() == 1


def test_choosing_another_table_by_script_swaps_the_cards_and_says_so(client):
    row = upload(client, ("list.csv", "Name,Industry,Country\nAcme,Steel,DE\nBolt,Wood,FR\n"))
    values = {"f0-shown": "1", "f0-table": "contacts", "do": "look"}
    answer = client.post(reverse("import_confirm", args=[row.pk]), values, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "proposed anew" in answer.content.decode()
    row.refresh_from_db()
    (plan,) = plans_of(row)
    assert plan.table == "contacts"
    assert plan.data_on, "what was not sent stays as it was"

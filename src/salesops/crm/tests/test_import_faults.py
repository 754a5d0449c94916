"""Imports that meet trouble: cancelled, killed, repeated, overlapping, complete files with bad rows, two sources."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from salesops.crm import confirming, jobs, services
from salesops.crm import quarantine as waiting
from salesops.crm.models import Import, ImportState, Mapping, QuarantinedRow
from salesops.facts.scope import Scope
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.jobs import CancelledError
from salesops.platform.models import AuditEvent
from salesops.platform.store import fact_store

pytestmark = pytest.mark.django_db
WHO = LOCAL_ADMINISTRATOR
HEADER = "Opportunity ID,Opportunity Name,Stage,Amount,Close Date\n"


def row_of(key: str, amount: str = "10.00", stage: str = "Proposal", day: str = "2026-05-01") -> str:
    return f"{key},Deal {key},{stage},{amount},{day}\n"


def folder_of(tmp_path: Path, name: str = "in", **files: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    for file, text in files.items():
        (folder / f"{file}.csv").write_text(HEADER + text, encoding="utf-8")
    return folder


MANY = "".join(row_of(f"00X{n}") for n in range(20))
"""Enough good amounts for a bad one to be a fault of its row and not of the column."""


def stored(**read: Any) -> dict[str, dict[str, Any]]:
    with fact_store().at() as facts:
        rows = facts.execute(facts.read("opportunities", Scope.all(), **read)).to_pylist()
    keys = [r["id"] for r in rows]
    assert len(keys) == len(set(keys)), "a record stands twice"
    return {r["id"]: r for r in rows}


def bring(path: Path, day: date, **options: Any) -> Import:
    return services.import_now(actor=WHO, paths=[path], data_on=day, **options)


def dated(tmp_path: Path) -> Import:
    """Three exports of three days, inspected and not landed."""
    folder = tmp_path / "dated"
    folder.mkdir()
    for day, amount in (("2026-03-01", "10.00"), ("2026-03-02", "20.00"), ("2026-03-03", "30.00")):
        (folder / f"deals_{day}.csv").write_text(HEADER + row_of("006A", amount) + row_of(f"006{day[-1]}"))
    return services.import_inspect(actor=WHO, paths=[folder])


def stop_when(word: str, times: int, error: BaseException) -> Callable[[int, int, str], None]:
    """Progress that fails at the given meeting of a message."""
    met = 0

    def progress(done: int, total: int, message: str) -> None:
        nonlocal met
        met += message.startswith(word)
        if met == times:
            raise error

    return progress


def test_two_complete_files_of_one_day_are_one_scope(tmp_path: Path) -> None:
    bring(folder_of(tmp_path, "old", all=row_of("006A") + row_of("006B") + row_of("006C")), date(2026, 3, 1))
    both = folder_of(tmp_path, "new", emea=row_of("006A"), amer=row_of("006B") + row_of("006D"))
    row = bring(both, date(2026, 3, 2), complete=True)
    assert set(stored()) == {"006A", "006B", "006D"}
    assert row.report["tables"]["opportunities"]["deleted"] == 1


def test_a_refused_row_of_a_complete_file_is_not_a_deleted_record(tmp_path: Path) -> None:
    bring(folder_of(tmp_path, "old", all=row_of("006A") + row_of("006B")), date(2026, 3, 1))
    plan = folder_of(tmp_path, "new", all=row_of("006A") + row_of("006B", "ten") * 1 + row_of("006C") * 1)
    row = services.import_inspect(actor=WHO, paths=[plan], data_on=date(2026, 3, 2), complete=True)
    plans = services.plans_of(row)
    assert plans[0].complete
    row = services.import_run(actor=WHO, row=row)
    assert QuarantinedRow.objects.filter(source_import=row).count() == 1
    assert set(stored()) == {"006A", "006B", "006C"}


def test_a_complete_file_with_a_row_nobody_can_tell_deletes_nothing(tmp_path: Path) -> None:
    bring(folder_of(tmp_path, "old", all=row_of("006A") + row_of("006B")), date(2026, 3, 1))
    row = bring(folder_of(tmp_path, "new", all=row_of("006A") + row_of("")), date(2026, 3, 2), complete=True)
    assert set(stored()) == {"006A", "006B"}
    assert row.report["files"][0]["incomplete_because"]


def test_another_system_with_the_same_ids_overwrites_nothing(tmp_path: Path) -> None:
    bring(folder_of(tmp_path, "crm", all=row_of("1", "10.00") + row_of("2", "20.00")), date(2026, 3, 1))
    row = bring(
        folder_of(tmp_path, "erp", all=row_of("2", "99.00") + row_of("3", "30.00")),
        date(2026, 3, 2),
        source="erp",
    )
    found = stored()
    assert {k: (str(r["amount"]), r["source"]) for k, r in found.items()} == {
        "1": ("10.0000", "crm"),
        "2": ("20.0000", "crm"),
        "3": ("30.0000", "erp"),
    }
    refused = QuarantinedRow.objects.get(source_import=row)
    assert (refused.row, refused.cells["Opportunity ID"]) == (2, "2")
    assert "crm" in refused.reason


def test_a_cancelled_import_says_what_landed_and_can_be_taken_up(tmp_path: Path) -> None:
    row = dated(tmp_path)
    with pytest.raises(CancelledError):
        services.import_run(actor=WHO, row=row, progress=stop_when("Comparing", 3, CancelledError()))
    row.refresh_from_db()
    assert row.state == ImportState.CANCELLED
    assert str(stored()["006A"]["amount"]) == "20.0000"
    assert [f["data_date"] for f in row.report["files"]] == ["2026-03-01", "2026-03-02"]
    assert row.report["tables"]["opportunities"]["added"] == 3
    event = AuditEvent.objects.get(action="import.cancel")
    assert event.after["opportunities"]["added"] == 3
    row = confirming.import_reopen(actor=WHO, row=row)
    row = services.import_run(actor=WHO, row=row)
    assert row.state == ImportState.DONE
    assert set(stored()) == {"006A", "0061", "0062", "0063"}
    with fact_store().at() as facts:
        log = facts.execute(facts.changes(Scope.all(), "opportunities")).to_pylist()
    assert [
        (c["old"], c["new"]) for c in sorted(log, key=lambda c: c["valid_at"]) if c["field"] == "amount"
    ] == [
        ("10.0000", "20.0000"),
        ("20.0000", "30.0000"),
    ]


def test_a_failed_import_says_what_landed_and_why_it_stopped(tmp_path: Path) -> None:
    row = dated(tmp_path)
    with pytest.raises(OSError, match="disk"):
        services.import_run(actor=WHO, row=row, progress=stop_when("Comparing", 2, OSError("disk full")))
    row.refresh_from_db()
    assert row.state == ImportState.FAILED
    assert row.report["error"] == "disk full"
    assert row.report["tables"]["opportunities"]["added"] == 2
    assert row.manifest_id == int(fact_store().manifests.latest().id)  # type: ignore[union-attr]
    assert AuditEvent.objects.filter(action="import.fail", subject=f"import:{row.pk}").count() == 1


def test_ctrl_c_leaves_no_import_that_runs_for_ever(tmp_path: Path) -> None:
    row = dated(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        services.import_run(actor=WHO, row=row, progress=stop_when("Reading", 1, KeyboardInterrupt()))
    row.refresh_from_db()
    assert row.state == ImportState.CANCELLED


def test_a_killed_job_taken_again_reports_all_it_did(tmp_path: Path) -> None:
    row = dated(tmp_path)

    class Killed(BaseException):
        """The process is gone: nothing of the service's own handling runs."""

    with pytest.raises(Killed):
        services.import_run(actor=WHO, row=row, progress=stop_when("Comparing", 2, Killed()))
    row.refresh_from_db()
    assert row.state == ImportState.RUNNING
    left = Path(settings.FILES_PATH) / f"import-{row.pk}-left"
    left.mkdir()
    jobs.import_job(actor=WHO, progress=lambda *args: None, import_id=row.pk)  # type: ignore[arg-type]
    row.refresh_from_db()
    assert row.state == ImportState.DONE
    assert row.report["tables"]["opportunities"]["added"] == 4
    assert len(row.report["files"]) == 3
    assert not left.exists()


def test_a_done_import_is_not_landed_again(tmp_path: Path) -> None:
    row = bring(folder_of(tmp_path, all=row_of("006A")), date(2026, 3, 1))
    before = row.report
    with pytest.raises(ValidationError, match="done"):
        services.import_run(actor=WHO, row=row)
    # The worker died after the import was done and before its job was.
    jobs.import_job(actor=WHO, progress=lambda *args: None, import_id=row.pk)  # type: ignore[arg-type]
    row.refresh_from_db()
    assert (row.state, row.report) == (ImportState.DONE, before)


def test_a_mapping_that_can_t_be_kept_is_refused_before_anything_lands(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, all=row_of("006A"))
    with pytest.raises(ValidationError):
        bring(folder, date(2026, 3, 1), source="s" * 61)
    assert fact_store().manifests.latest() is None
    assert not Mapping.objects.exists()
    assert not Import.objects.filter(state=ImportState.RUNNING).exists()


def test_a_replay_after_a_newer_import_overwrites_nothing_newer(tmp_path: Path) -> None:
    first = bring(folder_of(tmp_path, "a", all=MANY + row_of("006B", "ten")), date(2026, 3, 1))
    bring(folder_of(tmp_path, "b", all=row_of("006A") + row_of("006B", "50.00")), date(2026, 3, 9))
    held = QuarantinedRow.objects.get(source_import=first)
    waiting.quarantine_replay(actor=WHO, row=held, cells={"Amount": "10.00"})
    assert str(stored()["006B"]["amount"]) == "50.0000"
    with fact_store().at() as facts:
        log = facts.execute(facts.changes(Scope.all(), "opportunities")).to_pylist()
    assert [(c["old"], c["new"]) for c in log if c["field"] == "amount"] == [("10.0000", "50.0000")]


def test_a_replayed_row_counts_once_and_is_not_asked_again(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, all=MANY + row_of("006B", "ten"))
    first = bring(folder, date(2026, 3, 1))
    held = QuarantinedRow.objects.get(source_import=first)
    stale = QuarantinedRow.objects.get(pk=held.pk)
    waiting.quarantine_replay(actor=WHO, row=held, cells={"Amount": "10.00"})
    with pytest.raises(ValidationError, match="already"):
        waiting.quarantine_replay(actor=WHO, row=stale, cells={"Amount": "11.00"})
    assert str(stored()["006B"]["amount"]) == "10.0000"
    again = bring(folder, date(2026, 3, 1))
    assert len(stored()) == 21
    assert not QuarantinedRow.objects.filter(source_import=again).exists()


def test_two_files_of_one_import_with_the_same_record_settle(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, a=row_of("006A", "10.00") + row_of("006B"), b=row_of("006A", "20.00"))
    bring(folder, date(2026, 3, 1))
    assert str(stored()["006A"]["amount"]) == "20.0000"
    last = fact_store().manifests.latest()
    again = bring(folder, date(2026, 3, 1))
    assert str(stored()["006A"]["amount"]) == "20.0000"
    with fact_store().at() as facts:
        assert "changes" not in facts.tables() or not facts.execute(facts.changes(Scope.all())).num_rows
    assert last is not None
    assert again.report["tables"]["opportunities"]["added"] == 0


def test_composed_keys_stay_on_re_import_in_another_order(tmp_path: Path) -> None:
    text = "Opportunity Name,Account Name,Stage,Amount,Created Date\nAlpha,Acme,Proposal,10,2026-01-05\n"
    text += "Beta,Acme,Proposal,20,2026-01-06\n"
    (tmp_path / "one.csv").write_text(text, encoding="utf-8")
    bring(tmp_path / "one.csv", date(2026, 3, 1))
    keys = set(stored())
    lines = text.splitlines()
    (tmp_path / "two.csv").write_text("\n".join([lines[0], lines[2], lines[1]]), encoding="utf-8")
    bring(tmp_path / "two.csv", date(2026, 3, 2))
    assert set(stored()) == keys
    assert len(keys) == 2


def test_an_import_begun_at_the_command_line_and_killed_can_be_opened_again(tmp_path: Path) -> None:
    row = dated(tmp_path)
    Import.objects.filter(pk=row.pk).update(state=ImportState.RUNNING)
    row.refresh_from_db()
    assert confirming.may_reopen(row)


def test_every_step_of_an_import_is_on_record(tmp_path: Path) -> None:
    row = services.import_inspect(
        actor=WHO, paths=[folder_of(tmp_path, all=row_of("006A"))], data_on=date(2026, 3, 1)
    )
    row = services.import_confirm(actor=WHO, row=row, plans=services.plans_of(row))
    row = services.import_start(actor=WHO, row=row)
    actions = list(
        AuditEvent.objects.filter(subject=f"import:{row.pk}").order_by("id").values_list("action", flat=True)
    )
    assert actions == ["import.inspect", "import.confirm", "import.start"]


def test_files_of_one_name_from_two_folders_both_land(tmp_path: Path) -> None:
    one, two = (
        folder_of(tmp_path, "one", deals=row_of("006A")),
        folder_of(tmp_path, "two", deals=row_of("006B")),
    )
    paths = [one / "deals.csv", two / "deals.csv"]
    services.import_now(actor=WHO, paths=paths, data_on=date(2026, 3, 1))
    assert set(stored()) == {"006A", "006B"}

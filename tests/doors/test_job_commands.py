"""``salesops jobs``, ``worker`` and ``watch``: what the pages can do, in a shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from salesops.crm import watching
from salesops.platform import jobs
from salesops.platform.actors import actor_of
from salesops.platform.job_kinds import JobKind
from salesops.platform.registries import job_kinds
from salesops.platform.tests.roles import user_of
from salesops.project.cli import main

pytestmark = pytest.mark.django_db
DEALS = (
    "Opportunity ID,Opportunity Name,Stage,Amount,Created Date\n006A,One,Prospecting,{amount},2026-01-05\n"
)


def test_jobs_are_listed_cancelled_and_started_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = JobKind("trial", "Trial", lambda actor, progress: {"by": actor.name})
    monkeypatch.setitem(job_kinds._entries, "trial", trial)
    ada = actor_of(user_of("rep", username="ada"))
    job = jobs.enqueue("trial", {}, actor=ada)
    jobs.run_waiting()
    waiting = jobs.enqueue("trial", {}, actor=ada)
    assert main(["jobs", "--json"]) == 0
    assert [(one["id"], one["state"]) for one in json.loads(capsys.readouterr().out)] == [
        (waiting.pk, "queued"),
        (job.pk, "done"),
    ]
    assert main(["jobs", "cancel", str(waiting.pk)]) == 0
    assert main(["jobs", "list", "--state", "cancelled"]) == 0
    assert "Cancelled before it began" in capsys.readouterr().out
    assert main(["jobs", "retry", str(waiting.pk)]) == 0
    assert main(["worker", "--once"]) == 0
    assert "1 jobs ran" in capsys.readouterr().out
    assert main(["jobs", "retry", str(waiting.pk)]) == 2
    assert main(["jobs", "cancel", "999999999"]) == 2
    user_of("rep", username="bo")
    assert main(["--as", "bo", "jobs", "cancel", str(job.pk)]) == 2


def test_a_folder_is_watched_and_looked_at(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    settings.WATCH_ROOT = str(tmp_path / "watched")
    folder = tmp_path / "watched" / "crm"
    folder.mkdir(parents=True)
    monkeypatch.setattr(watching, "SETTLES", timedelta(milliseconds=10))
    first = tmp_path / "deals_2026-02-01.csv"
    first.write_text(DEALS.format(amount="1.00"), encoding="utf-8")
    assert main(["import", str(first)]) == 0
    assert main(["watch", "folder", "Nightly", str(tmp_path)]) == 2
    assert "not below" in capsys.readouterr().err
    assert (
        main(["watch", "folder", "Nightly", "crm", "--pattern", "*.csv", "--complete", "opportunities"]) == 0
    )
    (folder / "deals_2026-03-01.csv").write_text(DEALS.format(amount="2.00"), encoding="utf-8")
    assert main(["watch", "look", "Nightly"]) == 0
    assert "Imported" in capsys.readouterr().out
    (folder / "other.csv").write_text("Key,Something\n1,x\n", encoding="utf-8")
    assert main(["watch", "look", "Nightly"]) == 1, "something waits for a person"
    capsys.readouterr()
    assert main(["watch", "list", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert [one["state"] for one in told["arrivals"]] == ["asking", "done"]
    assert main(["watch", "pause", "Nightly"]) == 0
    assert main(["watch", "list"]) == 0
    assert "Paused" in capsys.readouterr().out
    assert main(["watch", "remove", "Nightly"]) == 0
    assert main(["watch", "remove", "Nightly"]) == 2

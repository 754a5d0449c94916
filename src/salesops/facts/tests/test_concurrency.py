"""Several processes at once, and processes that die: nothing is lost, nothing doubled, no half state."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from salesops.facts import FactStore, FolderManifests, Incoming, Scope
from salesops.facts.merge import merge
from salesops.facts.retention import clean
from salesops.facts.tests.builders import EPOCH, arrow, day

WRITER = Path(__file__).with_name("writer_process.py")
FILES = 4


def start(folder: Path, table: str, writer: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(WRITER), str(folder), table, writer, *(more or ("1", str(FILES)))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def open_store(folder: Path) -> FactStore:
    return FactStore(folder, FolderManifests(folder / "manifests"))


def counts(store: FactStore, table: str) -> tuple[int, int, int]:
    """Records, distinct records, change rows of one table, at one manifest."""
    with store.at() as facts:
        rows = facts.read(table, Scope.all())
        found = facts.execute(rows.aggregate(n=rows.count(), ids=rows.id.nunique())).to_pylist()[0]
        log = facts.execute(facts.changes(Scope.all(), table).count()).to_pylist()[0]
    return found["n"], found["ids"], next(iter(log.values()))


EXPECTED_CHANGES = sum(10 * n for n in range(1, FILES))


@pytest.mark.parametrize("tables", [("opportunities", "opportunities"), ("opportunities", "leads")])
def test_two_writers_and_a_reader_lose_nothing(tmp_path: Path, tables: tuple[str, str]) -> None:
    writers = [start(tmp_path, table, name) for table, name in zip(tables, "ab", strict=True)]
    store = open_store(tmp_path)
    reads = 0
    while any(w.poll() is None for w in writers):
        for table in set(tables):
            n, ids, changes = counts(store, table)
            assert n == ids
            assert n % 10 == 0  # whole files only
            assert changes % 10 == 0
            reads += 1
    assert [w.wait() for w in writers] == [0, 0]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
    assert reads > 0
    expected = 2 if tables[0] == tables[1] else 1
    for table in set(tables):
        assert counts(store, table) == (expected * 10 * FILES,) * 2 + (expected * EXPECTED_CHANGES,)
    assert len(list((tmp_path / "manifests").glob("*.json"))) == 2 * FILES
    store.close()


@pytest.mark.parametrize("stage", ["check keys", "compare", "log changes", "write", "publish", "append"])
def test_a_writer_killed_at_any_stage_leaves_the_former_state_and_the_next_merge_works(
    tmp_path: Path, stage: str
) -> None:
    first = start(tmp_path, "opportunities", "a", "1", "2")
    assert first.communicate()[0].endswith("done\n")
    store = open_store(tmp_path)
    before = (counts(store, "opportunities"), store.manifests.latest())
    victim = start(tmp_path, "opportunities", "b", "9", "1", stage)
    # writer b's first file holds new records; writer a's are not in it, so the same file is also changed
    assert victim.stdout is not None
    for line in victim.stdout:
        if line == "stopped\n":
            break
    else:
        pytest.fail(f"the writer never came to {stage!r}")
    victim.kill()
    victim.communicate()
    fresh = open_store(tmp_path)
    assert (counts(fresh, "opportunities"), fresh.manifests.latest()) == before
    again = start(tmp_path, "opportunities", "b", "9", "1")
    assert again.communicate(timeout=60)[0].endswith("done\n")
    assert counts(fresh, "opportunities") == (30, 30, 10)
    fresh.close()
    store.close()


def test_cleaning_removes_what_a_dead_writer_left(tmp_path: Path) -> None:
    victim = start(tmp_path, "opportunities", "a", "1", "1", "append")
    assert victim.stdout is not None
    while victim.stdout.readline() not in ("stopped\n", ""):
        pass
    victim.kill()
    victim.communicate()
    store = open_store(tmp_path)
    assert list(store.folder("opportunities").glob("part-*.parquet"))
    rows = arrow("opportunities", [{"id": "x"}])
    incoming = Incoming("opportunities", rows, ("id",), day(1), "crm", "i")
    merge(store, [incoming], recorded_at=EPOCH)
    done = clean(store, now=datetime.now(UTC) + timedelta(days=30), keep_for=timedelta(days=1))
    assert done.removed >= 1
    assert len(list(store.folder("opportunities").glob("part-*.parquet"))) == 1
    assert list((tmp_path / "_work").iterdir()) == []
    assert counts(store, "opportunities") == (1, 1, 0)
    store.close()

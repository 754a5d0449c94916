"""A large text file is taken apart once in a process, and every pass gives the same."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from salesops.crm.files import FileChangedError, Limits, RawTable, delimited, kept_passes, open_source
from salesops.crm.files.kept_passes import Passes
from salesops.crm.files.tables import DroppedRow, FileProblem, Findings

ROWS = 60_000
BATCHES = [
    pa.RecordBatch.from_pydict({"a": ["x", "y"], "source_row": [2, 3]}),
    pa.RecordBatch.from_pydict({"a": pa.array(["z", "z"]).dictionary_encode(), "source_row": [4, 5]}),
]
KEY = ("deals.csv", 1)


class Reader:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, findings: Findings) -> Iterator[pa.RecordBatch]:
        self.asked += 1
        yield BATCHES[0]
        findings.problems.append(FileProblem("deals.csv", 3, "a", "wrong", "mend it"))
        findings.dropped.append(DroppedRow(6, "total", "Total"))
        yield BATCHES[1]


def one_pass(passes: Passes, reader: Reader, folder: Path | None, key: Any = KEY) -> tuple[Any, Findings]:
    findings = Findings()
    return list(passes.read(key, reader, findings, folder)), findings


def test_the_second_pass_gives_what_the_first_gave(tmp_path: Path) -> None:
    passes, reader = Passes(), Reader()
    first, second = (one_pass(passes, reader, tmp_path / "files") for _ in range(2))
    assert reader.asked == 1
    assert second == first == (BATCHES, first[1])
    assert [p.row for p in second[1].problems] == [3]
    assert [b.schema for b in second[0]] == [b.schema for b in BATCHES]
    assert list((tmp_path / "files").iterdir()) == []  # a file without a name
    assert one_pass(passes, reader, None) == first  # what is kept is read also where nothing may be kept
    one_pass(passes, reader, tmp_path, ("deals.csv", 2))  # another state of the file
    assert reader.asked == 2


def test_where_nothing_may_be_kept_every_pass_reads(tmp_path: Path) -> None:
    passes, reader = Passes(), Reader()
    for _ in range(2):
        assert one_pass(passes, reader, None)[0] == BATCHES
    assert (reader.asked, passes.size) == (2, 0)


def test_a_pass_that_was_broken_off_is_not_kept(tmp_path: Path) -> None:
    passes, reader = Passes(), Reader()
    begun = passes.read(KEY, reader, Findings(), tmp_path)
    next(begun)
    begun.close()  # type: ignore[attr-defined]
    assert passes.size == 0
    assert one_pass(passes, reader, tmp_path)[0] == BATCHES

    def fails(findings: Findings) -> Iterator[pa.RecordBatch]:
        yield BATCHES[0]
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(passes.read("other", fails, Findings(), tmp_path))
    assert list(passes._kept) == [KEY]


def test_passes_take_no_more_room_than_allowed(tmp_path: Path) -> None:
    reader = Reader()
    passes = Passes(most_bytes=2_000)
    one_pass(passes, reader, tmp_path, "first")
    size = passes.size
    assert 0 < size < 2_000
    for number in range(4):
        assert one_pass(passes, reader, tmp_path, number)[0] == BATCHES
    assert passes.size <= 2_000
    one_pass(passes, reader, tmp_path, "first")
    assert reader.asked == 5  # none gave way
    assert passes._writing == 0


@pytest.mark.parametrize("free, kept", [(499, False), (500, True)])
def test_nothing_is_kept_where_an_import_needs_the_room_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, *, kept: bool
) -> None:
    monkeypatch.setattr(kept_passes.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    passes = Passes()
    assert list(passes.read(KEY, Reader(), Findings(), tmp_path, 100)) == BATCHES
    assert bool(passes.size) is kept


def test_a_file_larger_than_all_that_is_kept_is_not_begun(tmp_path: Path) -> None:
    passes = Passes(most_bytes=10_000)
    assert list(passes.read(KEY, Reader(), Findings(), tmp_path / "files", 10_001)) == BATCHES
    assert passes.size == 0
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize("most, kept", [(1, False), (2, True)])
def test_a_pass_of_many_faults_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, *, kept: bool
) -> None:
    monkeypatch.setattr(kept_passes, "MOST_FINDINGS", most)
    passes = Passes()
    assert one_pass(passes, Reader(), tmp_path)[0] == BATCHES
    assert bool(passes.size) is kept


@pytest.mark.parametrize("where", ["open", "write"])
def test_a_full_disk_costs_the_keeping_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            super().close()
            raise OSError(28, "No space left on device")

    def opened(**_: Any) -> Full:
        if where == "open":
            raise OSError(28, "No space left on device")
        return Full()

    monkeypatch.setattr(kept_passes.tempfile, "TemporaryFile", opened)
    passes, reader = Passes(), Reader()
    for _ in range(2):
        assert one_pass(passes, reader, tmp_path)[0] == BATCHES
    assert (reader.asked, passes.size) == (2, 0)


def test_what_was_read_again_or_is_old_is_let_go(tmp_path: Path) -> None:
    now = [0.0]
    passes, reader = Passes(life=10, clock=lambda: now[0]), Reader()
    one_pass(passes, reader, tmp_path)
    passes.done()
    assert passes.size  # nobody has come back for it yet
    one_pass(passes, reader, tmp_path)
    passes.done()
    assert passes.size == 0
    one_pass(passes, reader, tmp_path)
    begun = passes.read(KEY, reader, Findings(), tmp_path)
    next(begun)
    now[0] = 60
    passes._looked()
    assert passes.size  # somebody reads it
    assert list(begun) == BATCHES[1:]
    now[0] = 120
    passes._looked()
    assert passes.size == 0
    assert passes._timer is None
    assert reader.asked == 2


def test_several_readers_of_one_pass_do_not_disturb_each_other(tmp_path: Path) -> None:
    passes = Passes()
    batches = [
        pa.RecordBatch.from_pydict({"a": [f"{n}-{i}" for i in range(500)], "source_row": list(range(500))})
        for n in range(40)
    ]
    list(passes.read(KEY, lambda _: iter(batches), Findings(), tmp_path))
    wrong: list[int] = []

    def work(number: int) -> None:
        wrong.append(number)
        if list(passes.read(KEY, lambda _: iter(()), Findings(), tmp_path)) == batches:
            wrong.remove(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def write(path: Path, last: str) -> None:
    lines = [f"00{n},Deal {n},{'Won' if n % 3 else 'Lost'},{n}.50" for n in range(ROWS)]
    lines[40_000] += ",one cell too many"  # this row is mended, the batch beside it is not encoded
    path.write_text("Id,Name,Stage,Amount\n" + "\n".join(lines) + f"\n{last}\n", encoding="utf-8")


def opened(path: Path, folder: Path | None) -> RawTable:
    (table,) = open_source(path, limits=Limits(grid_bytes=1000, keep_in=folder))
    return table


def test_a_file_is_taken_apart_once_and_anew_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "passes", passes := Passes())
    asked = []
    fast = delimited.fast_batches
    monkeypatch.setattr(delimited, "fast_batches", lambda *a: asked.append(1) or fast(*a))
    path = tmp_path / "deals.csv"
    write(path, "last,Last,Open,1")
    plain = opened(path, None)
    wanted, profiles = plain.read(), plain.profiles
    asked.clear()
    first, second = opened(path, tmp_path), opened(path, tmp_path)
    assert first.read().equals(wanted)
    assert len(asked) == 1
    assert second.read().equals(wanted)
    assert [str(p) for p in second.problems] == [str(p) for p in plain.problems]
    assert (second.dropped, second.row_count) == (plain.dropped, plain.row_count)
    assert second.profiles == profiles
    assert len(asked) == 1
    write(path, "new,New,Open,2")
    with pytest.raises(FileChangedError):
        second.read()
    later = opened(path, tmp_path).read()
    assert later.column("Id").to_pylist()[-1] == "new"
    assert len(asked) == 2
    assert passes.size


def test_another_content_under_the_same_time_stamp_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deals.csv"
    write(path, "last,Last,Open,1")
    told = path.stat()
    assert opened(path, tmp_path / "files").read().column("Id").to_pylist()[-1] == "last"
    with path.open("r+b") as file:
        file.seek(-len(b"last,Last,Open,1\n"), 2)
        file.write(b"LAST")
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert opened(path, None).read().column("Id").to_pylist()[-1] == "LAST"
    delimited.passes.done()

"""Files that change while they are read, and disks that fill up: nothing half-written, and told clearly."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from salesops.crm import services
from salesops.crm.files import FileChangedError, Limits, open_source
from salesops.crm.models import Import, ImportState, QuarantinedRow
from salesops.facts.scope import Scope
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.store import fact_store

WHO = LOCAL_ADMINISTRATOR
DAY = date(2026, 3, 1)


def large(path: Path, rows: int = 6_000) -> Path:
    """A file that is streamed, not held: over the size up to which files are read at once."""
    noise = os.urandom(400).hex()
    with path.open("w", encoding="utf-8") as file:
        file.write("Opportunity ID,Opportunity Name,Stage,Amount,Close Date,Description\n")
        for n in range(rows):
            text = noise[n % 300 : n % 300 + 500] + str(n)
            file.write(f"006X{n:05d},Deal {n},Proposal,{n}.50,2026-05-01,{text}{text[::-1]}\n")
    assert path.stat().st_size > Limits().grid_bytes
    return path


def stored() -> int:
    with fact_store().at() as facts:
        return int(facts.execute(facts.read("opportunities", Scope.all()).count().as_table())[0][0].as_py())


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = large(tmp_path / "deals.csv")
    table = open_source(path)[0]
    batches = table.batches()
    assert next(batches).num_rows
    with path.open("a", encoding="utf-8") as file:
        file.write("006Y,Late,Proposal,1,2026-05-01,\n")
    with pytest.raises(FileChangedError, match=r"deals\.csv was changed while it was read"):
        for _ in batches:
            pass
    with pytest.raises(FileChangedError):
        next(table.batches())
    assert open_source(path)[0].row_count == 6_001


def test_a_file_that_is_replaced_by_one_of_its_size_is_noticed(tmp_path: Path) -> None:
    path = large(tmp_path / "deals.csv")
    table = open_source(path)[0]
    other = tmp_path / "other.csv"
    other.write_bytes(path.read_bytes().replace(b"Proposal", b"Lostdeal"))
    other.replace(path)
    with pytest.raises(FileChangedError):
        next(table.batches())


@pytest.mark.django_db
def test_an_import_of_a_file_that_changes_lands_nothing_and_says_so(tmp_path: Path) -> None:
    path = large(tmp_path / "deals.csv")
    row = services.import_inspect(actor=WHO, paths=[path], data_on=DAY)

    def write(done: int, total: int, message: str) -> None:
        if message.startswith("Reading"):
            with path.open("a", encoding="utf-8") as file:
                file.write("006Y,Late,Proposal,1,2026-05-01,\n")

    with pytest.raises(ValidationError, match="was changed while it was read"):
        services.import_run(actor=WHO, row=row, progress=write)
    row.refresh_from_db()
    assert row.state == ImportState.FAILED
    assert "import it again" in row.report["error"]
    assert fact_store().manifests.latest() is None
    assert not QuarantinedRow.objects.exists()


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process may grow over a size: what a full disk does to a writer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, former)


@pytest.mark.django_db
@pytest.mark.parametrize("message", ["Reading", "Comparing"])
def test_a_full_disk_leaves_the_store_as_it_was(tmp_path: Path, message: str) -> None:
    before = tmp_path / "before.csv"
    before.write_text(
        "Opportunity ID,Opportunity Name,Stage,Amount,Close Date\n006A,A,Proposal,1,2026-05-01\n"
    )
    services.import_now(actor=WHO, paths=[before], data_on=date(2026, 2, 1))
    manifest = fact_store().manifests.latest()
    row = services.import_inspect(actor=WHO, paths=[large(tmp_path / "deals.csv")], data_on=DAY)
    limits = []

    def fill(done: int, total: int, said: str) -> None:
        if said.startswith(message) and not limits:
            full = room_for(20_000)
            full.__enter__()
            limits.append(full)

    try:
        with pytest.raises(ValidationError, match="no space left on the disk"):
            services.import_run(actor=WHO, row=row, progress=fill)
    finally:
        for full in limits:
            full.__exit__(None, None, None)
    row.refresh_from_db()
    assert row.state == ImportState.FAILED
    assert fact_store().manifests.latest() == manifest
    assert stored() == 1
    assert not list(Path(settings.FILES_PATH).glob("import-*"))
    assert not list((Path(fact_store().address) / "_work").glob("*"))
    again = services.import_now(actor=WHO, paths=[tmp_path / "deals.csv"], data_on=DAY)
    assert Import.objects.get(pk=again.pk).report["tables"]["opportunities"]["added"] == 6_000
    assert stored() == 6_001

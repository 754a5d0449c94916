"""What a manifest needs is listed whole, what is missing is named, and order beats clocks."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from salesops.facts import DataMissing, FactStore, FolderManifests, MemoryManifests, lake
from salesops.facts.errors import LockTimeout
from salesops.facts.inventory import check, inventory, set_aside, stray_commits
from salesops.facts.retention import clean, compact
from salesops.facts.tests.builders import EPOCH, Shop


def manifests(shop: Shop) -> list:
    log = shop.store.manifests
    assert isinstance(log, MemoryManifests)
    return log.manifests


def fill(shop: Shop, files: int) -> None:
    for n in range(1, files + 1):
        shop.take(n, [{"id": f"{n}", "stage": "New"}, {"id": "same", "stage": str(n)}])
        shop.take(n, [{"id": f"{n}", "subject": "call"}], table="activities")


def elsewhere(shop: Shop, folder: Path) -> Shop:
    """The same manifests over another folder."""
    other = Shop.__new__(Shop)
    other.store = FactStore(folder, shop.store.manifests)
    return other


def test_the_listed_files_alone_answer_for_every_manifest(shop: Shop, tmp_path: Path) -> None:
    fill(shop, 6)
    compact(shop.store, recorded_at=EPOCH + timedelta(days=1))
    needed = manifests(shop)[:-3]
    found = inventory(shop.store, needed)
    assert all(one.readable for one in found.checked)
    for name, size in found.files.items():
        target = tmp_path / "copy" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shop.store.address / name, target)
        assert target.stat().st_size == size
    other = elsewhere(shop, tmp_path / "copy")
    for manifest in needed:
        for table in ("opportunities", "activities"):
            at = {"table": table, "manifest_id": manifest.id}
            assert other.rows(["id"], **at) == shop.rows(["id"], **at)
    # Versions that were not asked for are not in the copy: its tables end with the newest one needed.
    assert not next(iter(check(other.store, manifests(shop)[-1:]))).readable
    other.store.close()


def test_each_version_is_opened_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(shop, 3)
    needed = manifests(shop)
    versions = {(table, version) for manifest in needed for table, version in manifest.versions.items()}
    opened: list[tuple[str, int]] = []
    real = lake.listed_files

    def listed(folder: Path, version: int) -> list:
        opened.append((folder.name, version))
        return real(folder, version)

    monkeypatch.setattr(lake, "listed_files", listed)
    found = inventory(shop.store, needed)
    assert sorted(opened) == sorted(versions)
    assert len(versions) > 4
    parquet = {p.relative_to(shop.store.address).as_posix() for p in shop.store.address.rglob("*.parquet")}
    assert {name for name in found.files if name.endswith(".parquet")} == parquet


def test_what_is_missing_or_cut_short_is_named(shop: Shop) -> None:
    fill(shop, 2)
    first, last = manifests(shop)[0], manifests(shop)[-1]
    old = set(inventory(shop.store, [first]).files)
    new = sorted(
        n
        for n in set(inventory(shop.store, [last]).files) - old
        if n.endswith(".parquet") and not n.startswith("_")
    )
    gone, short = new[0], new[-1]
    (shop.store.address / gone).unlink()
    (shop.store.address / short).write_bytes(b"PAR1")
    by_id = {one.manifest.id: one for one in check(shop.store, manifests(shop))}
    assert by_id[first.id].readable
    messages = [fault.message for fault in by_id[last.id].faults]
    assert f"{gone} is gone" in messages
    assert any(m.startswith(f"{short} has 4 bytes") for m in messages)
    assert inventory(shop.store, [last]).files == {}
    # A fresh process can still read the last good version, and says what is missing of the other.
    other = elsewhere(shop, shop.store.address)
    assert other.rows(["id"], manifest_id=first.id) == [("1",), ("same",)]
    with pytest.raises(DataMissing, match="which is gone"):
        other.rows(["id"], table=gone.split("/", 1)[0], manifest_id=last.id)
    other.store.close()


def test_a_half_written_commit_is_found_and_set_aside(shop: Shop) -> None:
    fill(shop, 2)
    last = manifests(shop)[-1]
    assert stray_commits(shop.store, last) == []
    log = shop.store.folder("opportunities") / "_delta_log"
    whole = max(log.glob("*.json"))
    torn = log / f"{int(whole.stem) + 1:020}.json"
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    other = elsewhere(shop, shop.store.address)
    assert other.rows(["id"], manifest_id=last.id) == [("1",), ("2",), ("same",)]
    assert next(iter(check(other.store, [last]))).readable
    assert stray_commits(other.store, last) == [torn]
    (moved,) = set_aside(other.store, [torn])
    assert (moved.exists(), torn.exists(), stray_commits(other.store, last)) == (True, False, [])
    shop.take(3, [{"id": "3", "stage": "New"}])
    assert ("3",) in shop.rows(["id"])
    other.store.close()


def test_a_half_written_commit_that_a_manifest_names_costs_that_version_alone(shop: Shop) -> None:
    fill(shop, 2)
    first, last = manifests(shop)[0], manifests(shop)[-1]
    torn = max((shop.store.folder("opportunities") / "_delta_log").glob("*.json"))
    torn.write_bytes(torn.read_bytes()[:20])
    other = elsewhere(shop, shop.store.address)
    with pytest.raises(DataMissing, match="read an older manifest"):
        other.rows(["id"], manifest_id=last.id)
    assert other.rows(["id"], manifest_id=first.id) == [("1",), ("same",)]
    assert [one.readable for one in check(other.store, [first, last])] == [True, False]
    assert stray_commits(other.store, last) == []
    other.store.close()


def test_clean_up_waits_while_a_backup_copies(shop: Shop) -> None:
    fill(shop, 3)
    now = EPOCH + timedelta(days=99)
    with shop.store.lock("clean"), pytest.raises(LockTimeout):
        clean(shop.store, now=now, keep_for=timedelta(0), lock_timeout=0.1)
    assert clean(shop.store, now=now, keep_for=timedelta(0)).removed > 0


def test_the_log_of_an_old_version_stays_however_many_commits_follow(shop: Shop) -> None:
    shop.take(1, [{"id": "1", "stage": "New"}])
    first = manifests(shop)[0]
    folder = shop.store.folder("opportunities")
    snapshot = shop.store.snapshot("opportunities", first.versions["opportunities"])
    for _ in range(101):  # past a checkpoint of the log, when its writer would tidy up
        for path in (folder / "_delta_log").iterdir():
            os.utime(path, (1_500_000_000, 1_500_000_000))
        lake.commit(folder, snapshot.files, snapshot.columns, partitioned=snapshot.partitioned)
    assert list((folder / "_delta_log").glob("*.checkpoint.parquet"))
    other = elsewhere(shop, shop.store.address)
    assert other.rows(["id"], manifest_id=first.id) == [("1",)]
    other.store.close()


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_a_clock_set_back_does_not_turn_the_order_round(kind: str, tmp_path: Path) -> None:
    log = MemoryManifests() if kind == "memory" else FolderManifests(tmp_path)
    hours = [10, 20, 5, 12, 21]  # the clock is set back after the second
    made = [
        log.append(versions={"users": n}, recorded_at=EPOCH + timedelta(hours=hour), data_on=None, note="")
        for n, hour in enumerate(hours)
    ]
    assert [int((m.recorded_at - EPOCH) / timedelta(hours=1)) for m in made] == [10, 20, 20, 20, 21]

    def at(hour: float) -> int | None:
        found = log.at(EPOCH + timedelta(hours=hour))
        return found.versions["users"] if found else None

    assert [at(hour) for hour in (9, 10, 15, 19.9, 20, 20.5, 21, 30)] == [None, 0, 0, 0, 3, 3, 4, 4]
    assert [m.versions["users"] for m in log.since(EPOCH + timedelta(hours=20))] == [1, 2, 3, 4]


def test_a_log_that_an_earlier_release_wrote_out_of_order_is_read_in_order() -> None:
    log = MemoryManifests()
    for hour in (10, 20, 5):
        log.append(versions={}, recorded_at=EPOCH + timedelta(hours=hour), data_on=None, note=str(hour))
    log.manifests[2] = type(log.manifests[2])("3", {}, EPOCH + timedelta(hours=5), None, "5")
    at = {hour: log.at(EPOCH + timedelta(hours=hour)) for hour in (7, 10, 19, 20)}
    assert [m.note if m else None for m in at.values()] == [None, "10", "10", "5"]

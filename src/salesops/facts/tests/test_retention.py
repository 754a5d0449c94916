"""Joining small files and removing old ones never changes what a manifest shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from salesops.facts import DataMissing, FactStore, FolderManifests, MemoryManifests
from salesops.facts.retention import clean, compact
from salesops.facts.tests.builders import EPOCH, Shop, end_of, midnight


def fill(shop: Shop, files: int) -> None:
    for n in range(1, files + 1):
        shop.take(n, [{"id": f"{n}", "stage": "New"}, {"id": "same", "stage": str(n)}])
        shop.take(n, [{"id": f"{n}", "starts_at": midnight(1)}], table="activities")


def test_compaction_joins_files_and_keeps_every_row_and_change(shop: Shop) -> None:
    fill(shop, 7)
    before = (shop.rows(["id", "stage", "last_seen_on"]), shop.log(), shop.rows(["id"], table="activities"))
    past = shop.rows(["id", "stage"], as_of=end_of(4))
    done = compact(shop.store, recorded_at=EPOCH + timedelta(days=1))
    assert done.joined > 0
    after = (shop.rows(["id", "stage", "last_seen_on"]), shop.log(), shop.rows(["id"], table="activities"))
    assert after == before
    assert shop.rows(["id", "stage"], as_of=end_of(4)) == past
    assert (
        len(shop.store.snapshot("activities", shop.store.manifests.latest().versions["activities"]).files)
        == 1
    )
    assert compact(shop.store, recorded_at=EPOCH + timedelta(days=2)).joined == 0
    shop.take(9, [{"id": "same", "stage": "end"}])
    assert shop.rows(["stage"], as_of=end_of(9))[-1] == ("end",)


def test_cleaning_keeps_the_latest_the_recent_and_the_pinned(shop: Shop) -> None:
    manifests = shop.store.manifests
    assert isinstance(manifests, MemoryManifests)
    fill(shop, 4)
    shown = {m.id: shop.rows(["id", "stage"], manifest_id=m.id) for m in manifests.manifests}
    manifests.pins.add("3")
    last = manifests.manifests[-1]
    recent = manifests.manifests[-3]
    done = clean(shop.store, now=last.recorded_at, keep_for=last.recorded_at - recent.recorded_at)
    assert done.removed > 0
    fresh = FactStore(shop.store.address, manifests)
    other = Shop.__new__(Shop)
    other.store = fresh
    for kept in ("3", recent.id, last.id):
        assert other.rows(["id", "stage"], manifest_id=kept) == shown[kept]
    with pytest.raises(DataMissing):
        other.rows(["id"], manifest_id="1")
    fresh.close()
    assert clean(shop.store, now=last.recorded_at, keep_for=timedelta(0)).removed > 0
    assert shop.rows(["id", "stage"]) == shown[last.id]
    assert clean(shop.store, now=last.recorded_at, keep_for=timedelta(0)).removed == 0


def test_manifests_in_a_folder_and_in_memory_answer_alike(tmp_path: Path) -> None:
    for log in (FolderManifests(tmp_path / "m"), MemoryManifests()):
        assert log.latest() is None
        assert log.at(EPOCH) is None
        made = [
            log.append(versions={"users": n}, recorded_at=EPOCH + timedelta(n), data_on=None, note=str(n))
            for n in range(3)
        ]
        assert log.latest() == made[2]
        assert log.get(made[1].id) == made[1]
        assert log.at(EPOCH + timedelta(1.5)) == made[1]
        assert log.since(EPOCH + timedelta(1)) == made[1:]
        assert log.pinned() == set()
        with pytest.raises(ValueError, match="time zone"):
            log.append(versions={}, recorded_at=EPOCH.replace(tzinfo=None), data_on=None, note="")
    folder = FolderManifests(tmp_path / "m")
    folder.pin(folder.latest().id)
    assert folder.pinned() == {folder.latest().id}

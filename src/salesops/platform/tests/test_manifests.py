"""The manifest log in the database: ids order it, whatever the clocks said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from salesops.platform import manifest_history
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.models import FactsManifest
from salesops.platform.reading import one_state

pytestmark = pytest.mark.django_db
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def hour(number: float) -> datetime:
    return EPOCH + timedelta(hours=number)


def test_a_clock_set_back_does_not_turn_the_order_round():
    log = DatabaseManifests()
    for n, at in enumerate([10, 20, 5, 12, 21]):
        log.append(versions={"users": n}, recorded_at=hour(at), data_on=None, note="")
    assert [m.recorded_at for m in log.everything()] == [hour(h) for h in (10, 20, 20, 20, 21)]
    shown = [log.at(hour(h)) for h in (9, 10, 15, 20, 20.5, 21, 30)]
    assert [m and m.versions["users"] for m in shown] == [None, 0, 0, 3, 3, 4, 4]
    assert [m.versions["users"] for m in log.since(hour(20))] == [1, 2, 3, 4]
    assert log.since(hour(22)) == []
    assert log.latest().versions["users"] == 4


def test_rows_that_an_earlier_release_wrote_out_of_order_are_read_in_order():
    for n, at in enumerate([10, 20, 5]):
        FactsManifest.objects.create(versions={"users": n}, recorded_at=hour(at))
    shown = [DatabaseManifests().at(hour(h)) for h in (7, 10, 19, 20)]
    assert [m and m.versions["users"] for m in shown] == [None, 0, 0, 2]
    assert [m.versions["users"] for m in DatabaseManifests().since(hour(15))] == [1, 2]


def test_joined_files_are_no_version_of_their_own():
    log = DatabaseManifests()
    for n, note in enumerate(["deals.csv", "files of users joined", "more.csv"]):
        log.append(versions={"users": n}, recorded_at=hour(n), data_on=None, note=note)
    assert [m.versions["users"] for m in manifest_history.versions(9)] == [2, 0]
    assert [m.versions["users"] for m in manifest_history.versions(1)] == [2]
    oldest = next(iter(log.everything()))
    assert [m.versions["users"] for m in manifest_history.versions(9, upto=oldest.id)] == [0]


@pytest.mark.django_db(transaction=True)
def test_versions_are_listed_once_until_the_next_one(django_assert_num_queries: Any):
    log = DatabaseManifests()
    with one_state():
        assert list(manifest_history.versions(9)) == []
    log.append(versions={"users": 1}, recorded_at=hour(1), data_on=None, note="")
    for queries in (2, 1):  # which is the newest is asked every time
        with one_state(), django_assert_num_queries(queries):
            assert [m.versions["users"] for m in manifest_history.versions(9)] == [1]
    log.append(versions={"users": 2}, recorded_at=hour(2), data_on=None, note="")
    with one_state():
        assert [m.versions["users"] for m in manifest_history.versions(9)] == [2, 1]
        assert [m.versions["users"] for m in manifest_history.versions(1)] == [2]

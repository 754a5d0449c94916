"""Edges met by readers: derived relations of old versions, days of western time zones, overlapping writers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import pyarrow as pa
import pytest

from salesops.facts import Scope, store
from salesops.facts.derived import derived
from salesops.facts.implied import stand_ins
from salesops.facts.merge import merge
from salesops.facts.scope import Scope as ScopeType
from salesops.facts.tests.builders import EPOCH, Shop, day

EVERYTHING: ScopeType = Scope.all()


def test_a_derived_relation_outlives_the_views_it_was_made_of(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of an old version finds its derived relation though many versions were read since."""
    monkeypatch.setattr(store, "_KEPT_VIEWS", 1)
    first = shop.take(1, [{"id": "A", "amount": None, "stage": "one"}]).manifest
    assert first is not None

    def stages(manifest_id: str) -> list[str]:
        with shop.store.at(manifest_id=manifest_id) as facts:

            def build(constant: Callable[[str, pa.Table], ir.Table]) -> ir.Table:
                return facts.read("opportunities", EVERYTHING)

            rows = derived(facts, "opportunities", "key", build, EVERYTHING)
            return list(facts.execute(rows)["stage"].to_pylist())

    assert stages(first.id) == ["one"]
    for number in range(2, 6):
        later = shop.take(number, [{"id": "A", "stage": f"stage {number}"}]).manifest
        assert later is not None
        with shop.store.at(manifest_id=later.id) as facts:
            facts.execute(facts.read("opportunities", EVERYTHING))
    assert stages(first.id) == ["one"]


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "UTC", "Asia/Tokyo", "Pacific/Kiritimati"])
def test_a_file_s_difference_belongs_to_its_day_in_every_zone(shop: Shop, zone: str) -> None:
    shop.take(1, [{"id": "A", "stage": "one"}])
    shop.take(5, [{"id": "A", "stage": "five"}])

    def stage_at(number: int) -> str:
        end = datetime.combine(day(number), datetime.max.time(), ZoneInfo(zone))
        with shop.store.at(as_of=end) as facts:
            return str(facts.execute(facts.read("opportunities", EVERYTHING))["stage"][0])

    assert [stage_at(n) for n in (1, 4, 5, 6)] == ["one", "one", "five", "five"]


def test_the_change_log_as_of_a_day_holds_the_changes_of_that_day(shop: Shop) -> None:
    shop.take(1, [{"id": "A", "stage": "one"}])
    shop.take(5, [{"id": "A", "stage": "five"}])
    end = datetime.combine(day(4), datetime.max.time(), ZoneInfo("America/Los_Angeles"))
    with shop.store.at(as_of=end) as facts:
        assert facts.execute(facts.changes(EVERYTHING)).num_rows == 0


def test_a_created_day_is_the_day_in_the_reader_s_zone(shop: Shop) -> None:
    shop.take(9, [{"id": "A", "created_on": day(4)}, {"id": "B", "created_on": day(5)}])
    end = datetime.combine(day(4), datetime.max.time(), ZoneInfo("America/Los_Angeles"))
    with shop.store.at(as_of=end) as facts:
        assert facts.execute(facts.read("opportunities", EVERYTHING))["id"].to_pylist() == ["A"]


@pytest.mark.parametrize(
    "table, own, more",
    [
        ("activities", "happened_on", {"subject": "call"}),
        ("invoices", "issued_on", {"amount": Decimal(5)}),
        ("exchange_rates", "valid_on", {"rate": Decimal("1.1")}),
    ],
)
def test_what_happened_by_a_day_had_happened_then_though_a_later_file_brought_it(
    shop: Shop, table: str, own: str, more: dict[str, object]
) -> None:
    shop.take(
        9,
        [{"id": key, own: on, **more} for key, on in (("A", day(4)), ("B", day(5)), ("C", None))],
        table=table,
    )
    found = {}
    for number in (3, 4, 8, 9):
        with shop.store.at(
            as_of=datetime.combine(day(number), datetime.max.time(), ZoneInfo("UTC"))
        ) as facts:
            found[number] = sorted(facts.execute(facts.read(table, EVERYTHING))["id"].to_pylist())
    assert found == {3: [], 4: ["A"], 8: ["A", "B"], 9: ["A", "B", "C"]}


def test_what_a_month_cost_is_there_at_its_end(shop: Shop) -> None:
    first = day(1).replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    shop.take(200, [{"id": "A", "month_on": first, "amount": Decimal(5)}], table="spend")
    found = {}
    for on in (after - timedelta(days=2), after - timedelta(days=1)):
        with shop.store.at(as_of=datetime.combine(on, datetime.max.time(), ZoneInfo("UTC"))) as facts:
            found[on] = facts.execute(facts.read("spend", EVERYTHING)).num_rows
    assert list(found.values()) == [0, 1]


def test_a_slow_writer_does_not_date_back_what_a_quick_one_brought(shop: Shop) -> None:
    from salesops.facts.incoming import Incoming
    from salesops.facts.tests.builders import arrow

    def take(key: str, minutes: int) -> None:
        rows = arrow("accounts", [{"id": key}])
        incoming = Incoming("accounts", rows, ("id",), day(1), "crm", key)
        merge(shop.store, [incoming], recorded_at=EPOCH + timedelta(minutes=minutes))

    take("quick", 5)
    take("slow", 0)
    with shop.store.at(known_at=EPOCH + timedelta(minutes=1)) as facts:
        assert facts.execute(facts.read("accounts", EVERYTHING)).num_rows == 0


def test_rows_of_another_source_are_out_of_a_complete_file_s_scope(shop: Shop) -> None:
    from salesops.facts.incoming import Incoming
    from salesops.facts.tests.builders import arrow

    shop.take(1, [{"id": "A"}, {"id": "B"}], table="accounts")
    rows = arrow("accounts", [{"id": "E"}])
    incoming = Incoming("accounts", rows, ("id",), day(2), "erp", "2", complete=True)
    report = merge(shop.store, [incoming], recorded_at=EPOCH)
    assert report.outcomes[0].deleted == 0


def test_records_held_elsewhere_are_not_absent(shop: Shop) -> None:
    shop.take(1, [{"id": "A"}, {"id": "B"}, {"id": "C"}], table="accounts")
    held = pa.table({"id": pa.array(["B"])})
    report = shop.take(2, [{"id": "A"}], table="accounts", complete=True, held_elsewhere=(held,))
    assert report.outcomes[0].deleted == 1
    with shop.store.at() as facts:
        assert sorted(facts.execute(facts.read("accounts", EVERYTHING))["id"].to_pylist()) == ["A", "B"]


def test_stand_ins_follow_names_that_one_record_has(shop: Shop) -> None:
    named = [{"id": n, "name": n, "implied": True} for n in ("Ann  Ray", "Bob", "Cy", "Di")]
    shop.take(1, named, table="users")
    shop.take(
        2,
        [
            {"id": "U1", "name": "ann ray"},
            {"id": "U2", "name": "Bob"},
            {"id": "U3", "name": "Bob"},
            {"id": "U4", "name": "Di"},
            {"id": "U5", "name": "Eve"},
        ],
        table="users",
    )
    with shop.store.at() as facts:
        assert stand_ins(facts, "users") == {"Ann  Ray": "U1", "Di": "U4"}
        assert stand_ins(facts, "products") == {}

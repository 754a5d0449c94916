"""Lists of one shape share a compiled query: each still shows the rows of its own values, reader and day."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import ibis
import pytest

from salesops.analytics import list_address, records
from salesops.analytics.engine.filters import FilterError
from salesops.analytics.narrowing import SEARCHED, Narrowing
from salesops.analytics.tests import pipeline_firm as firm
from salesops.analytics.tests.test_kept import reader, serving
from salesops.facts.store import Facts
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor

pytestmark = pytest.mark.django_db
__all__ = ["serving"]

NO_TEXT = ["' OR 1=1 --", '"any relation"', "$word_0", "%", "\\", "';DROP TABLE deals;--", "{}"]


def ids(address: str, actor: Actor = ADMIN) -> list[str]:
    query = list_address.parse(address).list_query()
    return [row["id"] for row in records.deal_list(actor, query).rows]


def by_hand(condition: Any, *, theirs: bool = True) -> list[str]:
    """Ids of the firm's deals that meet a condition, in the order of their ids, read without any engine."""
    rows = [d for d in firm.deals() if condition(d) and (theirs or d["owner_id"] == firm.OURS)]
    return sorted((d["id"] for d in rows), key=lambda text: text.encode())


@pytest.mark.parametrize("again", [False, True])
def test_amounts_of_one_shape(serving: None, again: bool) -> None:
    ours = reader(firm.OURS)
    for least in ("1000", "2250", "1000.0001", "3500", "9999999"):
        text, wanted = f"status=all&size=250&sort=id&filter=amount:ge:{least}", Decimal(least)
        for _ in range(1 + again):
            assert ids(text) == by_hand(lambda d, w=wanted: d["amount"] is not None and d["amount"] >= w)
            assert ids(text, ours) == by_hand(
                lambda d, w=wanted: d["amount"] is not None and d["amount"] >= w, theirs=False
            )


def test_texts_days_and_several_values_of_one_shape(serving: None) -> None:
    every = "status=all&size=250&sort=id"
    for stages in (("Proposal", "Discovery"), ("Closed Won", "Closed Lost"), ("Proposal", "x' OR '1'='1")):
        asked = "&".join(f"stage={name}" for name in stages)
        assert ids(f"{every}&{asked}") == by_hand(lambda d, s=stages: d["stage"] in s)
    for month in ("2026-01", "2026-02"):
        assert ids(f"{every}&created={month}") == by_hand(
            lambda d, m=month: d["created_on"].isoformat()[:7] == m
        )
    for word in ("OURS 1", "secret", "hostile", "acme |"):
        found = by_hand(lambda d, w=word: all(part in _searched(d) for part in w.lower().split()))
        assert ids(f"{every}&q={word}") == found


def _searched(deal: dict[str, Any]) -> str:
    accounts = {"A1": "Our account", "A2": "Their account", "A3": "Shared account"}
    owners = {firm.OURS: "Ann Ours", firm.THEIRS: "Theo Theirs"}
    parts = (deal["id"], deal["name"], accounts[deal["account_id"]], owners[deal["owner_id"]], "Product one")
    return "\n".join(parts).lower()


@pytest.mark.parametrize("text", NO_TEXT)
def test_a_text_searched_for_is_only_ever_a_text(serving: None, text: str) -> None:
    wanted = by_hand(lambda d: all(part.lower() in _searched(d) for part in text.split()))
    query = records.ListQuery(search=text, sort="id", size=250)
    for actor, rows in ((ADMIN, wanted), (reader(firm.THEIRS), [])):
        found = [row["id"] for row in records.deal_list(actor, query).rows]
        assert found == (rows if actor is ADMIN else [key for key in rows if key in _of(firm.THEIRS)])


def _of(owner: str) -> set[str]:
    return {d["id"] for d in firm.deals() if d["owner_id"] == owner}


def test_totals_and_pages_are_those_of_the_same_rows(serving: None) -> None:
    for least in (1000, 2000, 3000):
        deals = [d for d in firm.deals() if d["amount"] is not None and d["amount"] >= least]
        query = list_address.parse(f"status=all&size=25&filter=amount:ge:{least}&page=2").list_query()
        page = records.deal_list(ADMIN, query)
        assert (page.total, page.amount) == (len(deals), sum(d["amount"] for d in deals))
        order = sorted(deals, key=lambda d: (-d["amount"], d["id"].encode()))
        assert [row["id"] for row in page.rows] == [d["id"] for d in order][(page.page - 1) * 25 :][:25]


@pytest.mark.parametrize("sort", ["id", "-amount", "name", "stage", "flags"])
def test_totals_and_pages_of_words_are_those_of_the_same_rows(serving: None, sort: str) -> None:
    for words in ("ours", "hostile product", "secret", "nobody"):
        deals = [d for d in firm.deals() if all(word in _searched(d) for word in words.split())]
        known = [d["amount"] for d in deals if d["amount"] is not None]
        shown: list[str] = []
        # The last page first: its totals come with rows, those of a page past the end with none.
        for number in (3, 1, 2, 9):
            text = f"status=all&size=25&q={words.replace(' ', '+')}&sort={sort}&page={number}"
            page = records.deal_list(ADMIN, list_address.parse(text).list_query())
            assert (page.total, page.amount) == (len(deals), sum(known) if known else None)
            assert page.totals is not None
            assert page.totals.known == len(known)
            assert page.page == min(number, max(1, -(-len(deals) // 25)))
            shown += [row["id"] for row in page.rows] if page.page == number else []
        assert sorted(shown) == sorted(d["id"] for d in deals)


def test_few_letters_are_not_looked_for_in_ids(serving: None) -> None:
    every = "status=all&size=250&sort=id"
    assert {"tab\there", "back\\slash", "名前 ü ß"} <= set(ids(f"{every}&q=e"))
    for word, found in (
        ("tab", []),
        ("quo", []),
        ("slash", ["back\\slash"]),
        ("名前", ["名前 ü ß"]),
        ("50%25", ["50%"]),
    ):
        assert ids(f"{every}&q={word}") == found
    assert ids(f"{every}&q=D00") == [f"D{n:03d}" for n in range(10)]


def test_a_list_of_a_known_shape_compiles_nothing(serving: None, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[object] = []
    execute_known = Facts.execute_known

    def watched(self: Facts, key: Any, build: Any, **more: Any) -> Any:
        return execute_known(self, key, lambda: built.append(key) or build(), **more)

    monkeypatch.setattr(Facts, "execute_known", watched)
    ids("status=all&filter=amount:ge:1000&q=ours")
    assert built
    assert ids("status=all&filter=amount:ge:1250&q=ours&page=9"), "past the end the last page is shown"
    built.clear()
    ids("status=all&filter=amount:ge:2000&q=theirs")
    ids("status=all&filter=amount:ge:1500&q=hostile&page=2", reader(firm.OURS))
    assert [key for key in built if key[0] != "cells"] == [], "a reader's own rows may carry other flags"


@pytest.mark.parametrize(
    "query",
    [
        {"filters": [("amount", "ge", "many")]},
        {"filters": [("nothing", "eq", "1")]},
        {"closed": "2026-99"},
        {"flags": ("DQ99",)},
        {"sort": "nothing"},
    ],
)
def test_what_cannot_be_applied_is_said_before_anything_is_read(serving: None, query: dict[str, Any]) -> None:
    filters = tuple(records.filter_of(c, op, [value]) for c, op, value in query.pop("filters", ()))
    with (
        pytest.raises(FilterError),
        records.open_list(ADMIN, records.ListQuery(filters=filters, **query)),
    ):
        pass


@pytest.mark.parametrize(
    "word,found", [("ΟΔΟΣ", "1"), ("οδοσ", "1"), ("İzmir", "2"), ("GRÖẞE", "3"), ("größe", "3")]
)
def test_words_are_folded_as_the_names_are(word: str, found: str) -> None:
    names = {"1": "ΟΔΟΣ 12", "2": "İzmir", "3": "Größe"}
    deals = ibis.memtable(
        [dict.fromkeys(SEARCHED, "") | {"id": key, "name": name} for key, name in names.items()]
    )
    frames: Any = SimpleNamespace(deals=deals)
    narrowed = Narrowing(
        frames, filters=(), words=word, close="", created="", flags=(), judge=lambda: pytest.fail("no flag")
    )
    assert ibis.duckdb.connect().to_pyarrow(narrowed.plain().id).to_pylist() == [found]

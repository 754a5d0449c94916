"""What one person sees, read from the facts: counts by table, and why one record is seen or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from salesops.facts.scope import Scope, Sharing
from salesops.facts.store import Facts
from salesops.facts.tables import SHARED_BY, TABLES
from salesops.org import selectors as org
from salesops.permissions import selectors
from salesops.platform.access import NotAllowedError, may, real_id, scope
from salesops.platform.actors import Actor
from salesops.platform.selectors import data_day
from salesops.platform.store import fact_store

EXPLAINED = tuple(name for name in TABLES if name != "changes")
"""Tables whose records can be asked about."""

_NOT_YOURS = "Only administrators and auditors may look into what others see."


@dataclass(frozen=True)
class TableCount:
    """How many records of a table somebody sees, and which columns are hidden.

    ``total`` is how many there are: None where the asker is not to know.
    """

    table: str
    seen: int
    total: int | None
    hidden: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Why one record can or can't be seen.

    Attributes:
        table, record_id: the record.
        visible: whether it can.
        deleted: whether a complete file no longer held it: lists leave it out for everybody.
        because: reasons for seeing it.
        against: reasons against.
        hidden: columns whose values are hidden.
    """

    table: str
    record_id: str
    visible: bool
    deleted: bool
    because: tuple[str, ...]
    against: tuple[str, ...]
    hidden: tuple[str, ...]


@contextmanager
def _open(as_of: date | None) -> Iterator[tuple[Facts, date]]:
    """The records as of a day, and the day by which rights are told: the data's own, whatever day is asked about."""
    today = data_day()
    day = as_of or today
    rewound = org.firm(day).day_end(day) if day < today else None
    with fact_store().at(as_of=rewound) as facts:
        yield facts, today


def counts(asker: Actor, whom: Actor, as_of: date | None = None) -> list[TableCount]:
    """What somebody sees of every table that holds something.

    Args:
        asker: who wants to know.
        whom: about whom, by his rights of now.
        as_of: the records as of the end of that day; None for the data's own date.

    Raises:
        NotAllowedError: the asker may not look into others' access.
    """
    looks = may(asker, "access.view")
    if not looks and asker != whom:
        raise NotAllowedError(_NOT_YOURS)
    with _open(as_of) as (facts, now):
        seen = scope(whom, now)
        found = []
        for table in facts.tables():
            if table in EXPLAINED:
                mine = _count(facts, table, seen)
                if mine or looks:
                    total = _count(facts, table, Scope.all()) if looks else None
                    found.append(TableCount(table, mine, total, tuple(sorted(seen.masked_columns(table)))))
        return found


def _count(facts: Facts, table: str, seen: Scope) -> int:
    rows = facts.read(table, seen)
    return int(facts.execute(rows.agg(n=rows.count())).to_pylist()[0]["n"])


def explain(asker: Actor, whom: Actor, table: str, record_id: str, as_of: date | None = None) -> Explanation:
    """Why somebody sees or does not see one record.

    Args:
        asker: who wants to know. Oneself, or whoever may look into others' access.
        whom: about whom, by his rights of now.
        table: fact table.
        record_id: its id.
        as_of: the record as of the end of that day; None for the data's own date.

    Raises:
        LookupError: no such table or record; and, for who may not look into others' access, no such
            record that he may see: that a record exists is not told.
        NotAllowedError: the asker may not look into others' access.
    """
    looks = may(asker, "access.view")
    if not looks and asker != whom:
        raise NotAllowedError(_NOT_YOURS)
    if table not in EXPLAINED:
        message = f"There is no table {table!r}. There are: {', '.join(EXPLAINED)}."
        raise LookupError(message)
    with _open(as_of) as (facts, now):
        seen = scope(whom, now)
        rows = _records(facts, table, record_id, Scope.all())
        visible = bool(rows) and bool(_records(facts, table, record_id, seen))
        if not rows or not (visible or looks):
            message = f"There is no record {record_id!r} in {table}" + (
                "." if looks else " that you may see."
            )
            raise LookupError(message)
        reader = _Reader(facts, whom, now, seen)
        because, against = reader.reasons(table, rows[0])
        return Explanation(
            table=table,
            record_id=record_id,
            visible=visible,
            deleted=rows[0]["deleted_on"] is not None,
            because=tuple(because),
            against=() if visible else tuple(against),
            hidden=tuple(sorted(seen.masked_columns(table))),
        )


def _records(facts: Facts, table: str, record_id: str, seen: Scope) -> list[dict[str, Any]]:
    if "\x00" in record_id:
        return []
    rows = facts.read(table, seen, deleted=True)
    found: list[dict[str, Any]] = facts.execute(rows.filter(rows.id == record_id).limit(1)).to_pylist()
    return found


@dataclass(frozen=True)
class _Reader:
    facts: Facts
    whom: Actor
    now: date
    seen: Scope

    def reasons(self, table: str, row: dict[str, Any]) -> tuple[list[str], list[str]]:
        """Reasons for and against seeing a record, in words."""
        declared = TABLES[table]
        if self.seen.everything:
            return [g.words for g in selectors.grants(self.whom, self.now)], []
        if declared.restricted:
            return [], ["The table names records of everybody: only readers without any bound see it."]
        if declared.parent is not None:
            return self._through_parent(*declared.parent, row)
        if not declared.owner:
            return ["Everybody sees this table."], []
        owner = row[declared.owner] or ""
        because = [
            self._worded(grant, owner)
            for grant in selectors.grants(self.whom, self.now)
            if _records(self.facts, table, row["id"], grant.scope)
        ]
        against = [] if because else [self._not_granted(owner)]
        bound = self.seen.sharing
        if bound is not None and table in bound.tables:
            shared = self._shares(table, row["id"], owner, bound)
            if shared:
                because += shared if because else []
                against += [] if because else [f"{text} That bounds, it does not grant." for text in shared]
            else:
                against.append("The CRM's sharing does not show it to the person or to a group they are in.")
                because = []
        return because, against

    def _through_parent(self, parent: str, column: str, row: dict[str, Any]) -> tuple[list[str], list[str]]:
        key = row[column]
        found = _records(self.facts, parent, key, Scope.all()) if key else []
        if not found:
            return [], [f"It belongs to no record of {parent} that is known, and is seen with that record."]
        because, against = self.reasons(parent, found[0])
        return (
            [f"It is seen with {parent} {key}. {text}" for text in because],
            [f"It is seen with {parent} {key}. {text}" for text in against],
        )

    def _worded(self, grant: selectors.Grant, owner: str) -> str:
        if grant.kind == "hierarchy":
            line = selectors.reporting_chain(real_id(owner), self.now)
            if line:
                return f"{grant.words} {self._name(owner)} reports to {', then '.join(line)}."
        if grant.kind == "team":
            return f"{grant.words} {self._name(owner)} is one of them."
        return grant.words

    def _not_granted(self, owner: str) -> str:
        if not self.whom.person_id:
            return "The account stands for no person, so it sees no record that somebody owns."
        if not owner:
            return "Nobody owns the record, and nothing else gives it to the person."
        return f"It belongs to {self._name(owner)}, and nothing gives the person that owner's records."

    def _name(self, person_id: str) -> str:
        people = selectors.person_names(self.now)
        return people.get(real_id(person_id)) or person_id

    def _shares(self, table: str, record_id: str, owner: str, bound: Sharing) -> list[str]:
        """How the CRM shows a record, in words; empty where it does not."""
        found = []
        if owner in bound.owner_ids:
            found.append("The CRM shows it: the person, or somebody below them there, owns it.")
        only = Scope(any_owner=True, sharing=Sharing(bound.tables, bound.principals))
        if _records(self.facts, table, record_id, only):
            column, words = SHARED_BY[table]
            shares = self.facts.read("record_shares", Scope.all())
            named = (shares[column] == record_id) | (
                shares.object.lower().strip().isin(words) & (shares.record_id == record_id)
            )
            rows = self.facts.execute(shares.filter(named.fill_null(False)).order_by("id")).to_pylist()
            for row in rows:
                if row["principal_id"] in bound.principals:
                    why = f" ({row['reason']})" if row["reason"] else ""
                    found.append(f"The CRM shares it with {self._name(row['principal_id'])}{why}.")
        return found

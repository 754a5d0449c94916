"""What one reader may see: a frozen value that every read of facts is given."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Sharing:
    """What the source lets a reader see: the outer bound of a scope, never wider than the CRM's own sharing.

    Attributes:
        tables: tables that the source's sharing governs; rows of others are not bounded by it.
        principals: ids of users and groups whose shares count for the reader.
        owner_ids: owners whose records the source shows the reader without a share of its own.
    """

    tables: frozenset[str] = frozenset()
    principals: frozenset[str] = frozenset()
    owner_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scope:
    """Rows and columns one reader may see.

    A row is visible by any one grant (owner, account, deal team, match); ``sharing`` then takes away
    what the source does not show. Masks are apart from rows.

    Attributes:
        everything: all rows (columns in ``masked`` still come back null).
        owner_ids: a row is visible when its table's owner column holds one of these user ids.
        account_ids: a row is visible when its ``account_id`` (or, in ``accounts``, its id) is one of these.
        masked: ``"table.column"`` names whose values come back null.
        member_ids: an opportunity is visible when one of these user ids works on it beside the owner.
        matching: ``(table, column, value)``: rows of ``accounts`` or ``opportunities`` with the value are
            visible, and with an account what belongs to it; ``opportunity_lines`` stands for the deals
            that have such a line.
        any_owner: rows of every owner are granted, as far as ``sharing`` lets: what ``everything`` is
            without a bound.
        sharing: the bound of the source; None where its sharing is not followed.
    """

    everything: bool = False
    owner_ids: frozenset[str] = frozenset()
    account_ids: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()
    member_ids: frozenset[str] = frozenset()
    matching: frozenset[tuple[str, str, str]] = frozenset()
    any_owner: bool = False
    sharing: Sharing | None = None

    def __post_init__(self) -> None:
        if self.everything and self.sharing is not None:
            raise ValueError("A scope that sees everything has no bound: use any_owner.")

    @classmethod
    def all(cls) -> Scope:
        """Every row and column: for jobs and the local administrator."""
        return cls(everything=True)

    @classmethod
    def nothing(cls) -> Scope:
        """No row of any table that has an owner or a parent."""
        return cls()

    def through_parent(self) -> Scope:
        """Rows that belong to a record the reader may see: of every owner, still masked and bounded by the source."""
        if self.sharing is None:
            return Scope(everything=True, masked=self.masked)
        return Scope(any_owner=True, masked=self.masked, sharing=self.sharing)

    def masks(self, table: str, column: str) -> bool:
        """Whether values of this column are hidden from the reader."""
        return f"{table}.{column}" in self.masked

    def masked_columns(self, table: str) -> frozenset[str]:
        """Columns of a table whose values are hidden from the reader."""
        return frozenset(m.partition(".")[2] for m in self.masked if m.partition(".")[0] == table)

    def sees_owner(self, person_id: str) -> bool:
        """Whether records are the reader's to see because this person owns them."""
        return self.everything or self.any_owner or person_id in self.owner_ids

    def digest(self) -> str:
        """The scope as a short text: two scopes with one digest show the same rows and columns."""
        return hashlib.sha256(json.dumps(_plain(self), sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Scope | Sharing):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, frozenset):
        return sorted(value)
    return value

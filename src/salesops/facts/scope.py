"""What one reader may see: a frozen value that every read of facts is given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    """Rows and columns one reader may see.

    Attributes:
        everything: all rows (columns in ``masked`` still come back null).
        owner_ids: a row is visible when its table's owner column holds one of these user ids.
        account_ids: a row is visible when its ``account_id`` (or, in ``accounts``, its id) is one of these.
        masked: ``"table.column"`` names whose values come back null.
    """

    everything: bool = False
    owner_ids: frozenset[str] = frozenset()
    account_ids: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()

    @classmethod
    def all(cls) -> Scope:
        """Every row and column: for jobs and the local administrator."""
        return cls(everything=True)

    @classmethod
    def nothing(cls) -> Scope:
        """No row of any table that has an owner or a parent."""
        return cls()

    def masks(self, table: str, column: str) -> bool:
        """Whether values of this column are hidden from the reader."""
        return f"{table}.{column}" in self.masked

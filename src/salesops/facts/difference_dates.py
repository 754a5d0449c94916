"""When a difference between two files was true."""

from __future__ import annotations


def modified_sql(modified: str, before: str, day: str) -> str:
    """When a difference was true: the record's last edit where that lies between the two files, else the day.

    An edit on the day of the file before, which that file did not show yet, counts from the end of
    that day: what a file showed holds for its whole day.
    """
    after_before = f"CAST({before} + 1 AS TIMESTAMPTZ)"
    return (
        f"CASE WHEN {modified} >= CAST({before} AS TIMESTAMPTZ) "
        f"AND {modified} < CAST({day} + 1 AS TIMESTAMPTZ) "
        f"THEN greatest({modified}, {after_before}) ELSE CAST({day} AS TIMESTAMPTZ) END"
    )

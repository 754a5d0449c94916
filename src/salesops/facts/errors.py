"""Errors of the fact store: each says what happened and what to do."""

from __future__ import annotations

import errno

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""How a file system says that nothing more can be written."""


class FactsError(Exception):
    """Base of every error the fact store raises on purpose."""


class ManifestMissing(FactsError):
    """A manifest was asked for that the manifest log does not hold."""


class DataMissing(FactsError):
    """A manifest names a table version, or a version names a file, that is not there."""


class UnsupportedTable(FactsError):
    """A Delta table uses a feature (deletion vectors, column mapping) that readers here would misread."""


class UnknownTable(FactsError):
    """A table name that neither the canonical declaration nor the store knows."""


class LockTimeout(FactsError):
    """Another writer held the lock for longer than the caller was ready to wait."""


class LockLost(FactsError):
    """This writer's lock was taken over by another; nothing of its work was published."""


class MergeCancelled(FactsError):
    """The caller cancelled the merge; nothing was published."""


class InvalidIncoming(FactsError):
    """Rows handed to a merge do not fit the table: unknown column, wrong type, no key."""


class EngineError(FactsError):
    """The engine that a copy of the facts is on can't answer: it is away, refuses the account, holds no copy, or is
    no engine that there is.

    The message never holds a password.
    """


class QueryFailed(FactsError):
    """The engine could not run a query (out of memory, interrupted, file access refused)."""


class MemorySpent(EngineError, QueryFailed):
    """A query needs more memory than the engine may use here."""


def is_full(error: OSError) -> bool:
    """Whether an operating system's error says that the disk, a quota or a limit of size is used up."""
    return error.errno in _FULL

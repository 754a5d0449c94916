"""What an engine hands back: a value or the reason there is none, its rows and its origin."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar, get_args

from salesops.core.trace import Trace

T = TypeVar("T")

Severity = Literal["error", "warning", "info"]
"""``error``: something is left out or wrong until fixed; ``warning``: the figure stands but
should be looked at; ``info``: worth knowing."""


@dataclass(frozen=True)
class Issue:
    """Something a person should know about a result or an input.

    Attributes:
        severity: one of :data:`Severity`.
        code: short stable name for programs (``deal_without_amount``).
        message: what is the matter, in a sentence.
        where: the place: file and row, record, period; "" where it concerns all.
        fix: what to do about it; "" where there is nothing to do.

    Raises:
        ValueError: unknown severity.
    """

    severity: Severity
    code: str
    message: str
    where: str = ""
    fix: str = ""

    def __post_init__(self) -> None:
        if self.severity not in get_args(Severity):
            raise ValueError(f"severity is error, warning or info, not {self.severity!r}")

    def to_dict(self) -> dict[str, str]:
        """The issue as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Provenance:
    """What a result was computed from; enough to compute it again.

    Attributes:
        engine: name of the function or formula (``analytics.win_rate_count``).
        code_version: version of the code that ran.
        manifest_id: the consistent version of the fact tables that was read.
        decisions_through: decisions recorded up to and including this instant were seen.
        as_of: the instant or day whose state was read; None = newest.
    """

    engine: str
    code_version: str
    manifest_id: int | str | None = None
    decisions_through: datetime | None = None
    as_of: datetime | date | None = None

    def to_dict(self) -> dict[str, int | str | None]:
        """The provenance as plain JSON values; days and instants as ISO text."""
        return {
            "engine": self.engine,
            "code_version": self.code_version,
            "manifest_id": self.manifest_id,
            "decisions_through": self.decisions_through.isoformat() if self.decisions_through else None,
            "as_of": self.as_of.isoformat() if self.as_of else None,
        }


@dataclass(frozen=True)
class Result(Generic[T]):
    """The outcome of an engine.

    Attributes:
        value: the figure; None where it is undefined (never 0 in its place).
        reason: why there is no figure, in a sentence; "" where there is one. Doubts about a
            figure that stands are issues.
        rows: what stands behind it: a table expression or a sequence of records. Left out of
            equality, since table expressions do not compare.
        trace: how it was computed.
        issues: what a person should know.
        provenance: what it was computed from.

    Raises:
        ValueError: neither value nor rows nor reason, or both a value and a reason.
    """

    value: T | None = None
    reason: str = ""
    rows: Any = field(default=None, compare=False)
    trace: Trace | None = None
    issues: tuple[Issue, ...] = ()
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "issues", tuple(self.issues))
        if self.value is None and self.rows is None and not self.reason:
            raise ValueError("neither value nor rows: undefined is None with a reason, so give one")
        if self.value is not None and self.reason:
            raise ValueError("a reason says why there is no value; put doubts about a value into issues")

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues of severity ``error``."""
        return tuple(issue for issue in self.issues if issue.severity == "error")

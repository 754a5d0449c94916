"""salesops: an open sales-operations platform.

``import salesops`` is light: it needs no Django, opens no file and reads no clock. The names
below are loaded from :mod:`salesops.core` when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from salesops.core.business_time import BusinessCalendar
    from salesops.core.calendars import FiscalCalendar, Period
    from salesops.core.money import CurrencyMismatch, Money, Rounding, allocate
    from salesops.core.result import Issue, Provenance, Result
    from salesops.core.timeline import ENDED, Entry, NothingInForce, Timeline
    from salesops.core.trace import Trace

__version__ = "0.1.0"

_HOMES = {
    "BusinessCalendar": "salesops.core.business_time",
    "CurrencyMismatch": "salesops.core.money",
    "ENDED": "salesops.core.timeline",
    "Entry": "salesops.core.timeline",
    "FiscalCalendar": "salesops.core.calendars",
    "Issue": "salesops.core.result",
    "Money": "salesops.core.money",
    "NothingInForce": "salesops.core.timeline",
    "Period": "salesops.core.calendars",
    "Provenance": "salesops.core.result",
    "Result": "salesops.core.result",
    "Rounding": "salesops.core.money",
    "Timeline": "salesops.core.timeline",
    "Trace": "salesops.core.trace",
    "allocate": "salesops.core.money",
}

__all__ = [
    "ENDED",
    "BusinessCalendar",
    "CurrencyMismatch",
    "Entry",
    "FiscalCalendar",
    "Issue",
    "Money",
    "NothingInForce",
    "Period",
    "Provenance",
    "Result",
    "Rounding",
    "Timeline",
    "Trace",
    "__version__",
    "allocate",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'salesops' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

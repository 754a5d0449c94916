"""What the frame around every page needs to know: the data's age and where search lives.

Platform registers the providers at start-up; the shell never reads a table itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True)
class DataAge:
    """How old the facts are. `data_on` is the day the newest data stands at, `today` the organisation's day.

    `label` is a short qualifier shown before the date ("Demo data"); `stale_after` is in days.
    """

    data_on: date
    today: date
    label: str = ""
    stale_after: int = 2

    @property
    def days(self) -> int:
        """Whole days between the data and today, never negative."""
        return max(0, (self.today - self.data_on).days)

    @property
    def stale(self) -> bool:
        """True when the banner is due."""
        return self.days > self.stale_after

    @property
    def words(self) -> str:
        """The age in words: today, yesterday, or N days old; in years where days say nothing any more."""
        if self.days >= 2 * 365:
            return f"{self.days / 365.25:.1f} years old"
        return {0: "today", 1: "yesterday"}.get(self.days, f"{self.days:,} days old")


DataAgeProvider = Callable[[HttpRequest], DataAge | None]
VersionsProvider = Callable[[HttpRequest], Sequence[Any]]


@dataclass
class _Shell:
    data_age: DataAgeProvider | None = None
    versions: VersionsProvider | None = None
    search_url_name: str | None = None
    import_url_name: str | None = None
    may_import: Callable[[Any], bool] | None = None
    product: str = "salesops"


_shell = _Shell()


def use_data_age(provider: DataAgeProvider) -> None:
    """Set the callable that says how old the data is for a request (None: no data yet)."""
    _shell.data_age = provider


def use_versions(provider: VersionsProvider) -> None:
    """Set the callable that lists the states of the data a reader may look back to, newest first.

    Each has ``id``, ``data_on`` and ``recorded_at``.
    """
    _shell.versions = provider


def use_search(url_name: str) -> None:
    """Set the URL name the search box submits to (GET parameter `q`). Without it no box is drawn."""
    _shell.search_url_name = url_name


def use_import(url_name: str, permission: Callable[[Any], bool] | None = None) -> None:
    """Set the URL name of the page that takes a newer file; the age banner links to it for users it is open to."""
    _shell.import_url_name = url_name
    _shell.may_import = permission


def settings() -> Any:
    """The registered providers (read by the context processor only)."""
    return _shell

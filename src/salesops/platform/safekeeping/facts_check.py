"""Whether the facts can be read: every version's files, and what a power cut may have left half-written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils import timezone

from salesops.facts import inventory
from salesops.facts.retention import KEEP_FOR, kept_manifests
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.store import fact_store

PERMISSION = "people.manage"


@dataclass
class FactsCheck:
    """What was found.

    Attributes:
        versions: how many facts versions there are.
        readable: how many have every file in its size.
        newest: the newest version, None before the first import.
        last_good: the newest version that can be read; ``at`` it, everything answers.
        damaged: version -> what is missing, for versions that should be readable.
        cleaned: older versions whose files clean-up removed as it should.
        half_written: commits that no version needs and that can't be read; they stop the next import.
        set_aside: where those were moved to.
    """

    versions: int = 0
    readable: int = 0
    newest: str | None = None
    last_good: str | None = None
    damaged: dict[str, list[str]] = field(default_factory=dict)
    cleaned: list[str] = field(default_factory=list)
    half_written: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing needs doing."""
        return not self.damaged and len(self.half_written) == len(self.set_aside)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "whole": self.whole}

    def lines(self) -> Iterator[str]:
        """What is wrong and what to do, for people."""
        if self.cleaned:
            yield f"{len(self.cleaned)} older ones can't be asked any more: clean-up removed their files, as it should."
        for number, faults in self.damaged.items():
            for fault in faults:
                yield f"Version {number}: {fault}"
        if self.damaged:
            yield "Restore a backup into an empty home, or put the missing files back where they were."
            if self.last_good:
                yield f"Version {self.last_good} can be read until then."
        for path in self.set_aside:
            yield f"Moved a half-written commit out of the way, to {path}."
        if self.half_written and not self.set_aside:
            for path in self.half_written:
                yield f"Half-written: {path}. No version needs it, but the next import would stumble over it."
            yield "Run salesops facts check --set-aside to move it out of the way."


def facts_check(*, actor: Actor, set_aside: bool = False) -> FactsCheck:
    """Check every facts version; with ``set_aside``, move commits that no version needs out of the way.

    Raises:
        NotAllowedError: the actor does not manage the home.
    """
    require(actor, PERMISSION)
    store, log, found = fact_store(), DatabaseManifests(), FactsCheck()
    needed = {m.id for m in kept_manifests(store, timezone.now() - KEEP_FOR)}
    for one in inventory.check(store, log.everything()):
        number = one.manifest.id
        found.versions += 1
        found.newest = number
        if one.readable:
            found.readable += 1
            found.last_good = number
        elif number in needed:
            found.damaged[number] = [fault.message for fault in one.faults]
        else:
            found.cleaned.append(number)
    with store.lock("commit"):  # no import is about to publish a commit that no version names yet
        stray = inventory.stray_commits(store, log.latest())
        found.half_written = [p.relative_to(store.address).as_posix() for p in stray]
        if set_aside:
            moved = inventory.set_aside(store, stray)
            found.set_aside = [p.relative_to(store.address).as_posix() for p in moved]
    return found

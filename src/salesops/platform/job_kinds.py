"""Kinds of jobs: what runs, who may ask for it, and what may happen when it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.registries import Registry, job_kinds

Told = Mapping[str, Any]


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    Attributes:
        name: key in the registry and in the database.
        title: for people.
        run: called as ``run(actor=..., progress=..., **params)``; what it answers is the result.
        permission: needed to ask for it, and again each time it starts; "" where the actor's own rows
            and the services it calls decide.
        shared: whether everybody with the permission may watch, stop and repeat it; else its owner and
            administrators alone.
        resumes: whether a checkpoint written by another version of the code can be read. If not, a job
            that an upgrade interrupted starts from the beginning.
        quick: done in seconds: a worker keeps a lane free for these.
        lane: name of a lane that a worker has for these jobs alone, because they wait for others' servers;
            "" for those that the usual lanes take.
        most_attempts: starts before it is given up.
        opens: address of what the result is looked at by; "" for none.
        lines: what the result says, as (label, text).
    """

    name: str
    title: str
    run: Callable[..., Any]
    permission: str = ""
    shared: bool = False
    resumes: bool = False
    quick: bool = False
    lane: str = ""
    most_attempts: int = 3
    opens: Callable[[Told], str] | None = None
    lines: Callable[[Told], list[tuple[str, str]]] | None = None


def add(kind: JobKind) -> None:
    """Make a kind of job known."""
    job_kinds.register(kind.name, kind)


def kind_of(name: str) -> JobKind | None:
    """A kind of job, or None; a plain function is a kind without conditions."""
    if name not in job_kinds:
        return None
    found = job_kinds.get(name)
    return found if isinstance(found, JobKind) else JobKind(name, name.replace("_", " ").capitalize(), found)


def title_of(name: str) -> str:
    """A kind's title; of one that is not known, its name."""
    kind = kind_of(name)
    return kind.title if kind else name


def quick_kinds() -> list[str]:
    """Names of the kinds that are done in seconds."""
    return [name for name in job_kinds if (kind := kind_of(name)) is not None and kind.quick]


def lanes() -> dict[str, list[str]]:
    """Lanes of their own -> names of the kinds that run there."""
    found: dict[str, list[str]] = {}
    for name in job_kinds:
        kind = kind_of(name)
        if kind is not None and kind.lane:
            found.setdefault(kind.lane, []).append(name)
    return found


@dataclass(frozen=True)
class Offer:
    """Something an actor may put on a schedule."""

    key: str
    title: str
    kind: str
    params: dict[str, Any]


schedule_offers: Registry[Callable[[Actor], list[Offer]]] = Registry("schedule offer")


def offers_for(actor: Actor) -> list[Offer]:
    """What an actor may put on a schedule: the kinds he may ask for, with their parameters."""
    found = [offer for provider in schedule_offers.entries() for offer in provider(actor)]
    allowed = []
    for offer in found:
        kind = kind_of(offer.kind)
        if kind is not None and (not kind.permission or may(actor, kind.permission)):
            allowed.append(offer)
    return allowed

"""The only writers of dashboards. Each change is a new version with its author; nothing is overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from salesops.analytics.addresses import AddressError, filter_from
from salesops.analytics.engine.compute import KpiError
from salesops.analytics.engine.filters import FilterError, apply_filters
from salesops.analytics.engine.masking import refuse_masked
from salesops.analytics.selectors import ALIASES, Question, ask, hidden_from, kpis, period_of
from salesops.core.calendars import PeriodError
from salesops.dashboards import inputs, selectors
from salesops.dashboards.engine.definition import DefinitionError, Tile, tiles_of
from salesops.dashboards.models import Dashboard, DashboardVersion
from salesops.dashboards.selectors import Seen
from salesops.platform import audit, saved_views
from salesops.platform.access import NotAllowedError, require
from salesops.platform.actors import Actor
from salesops.platform.roles import Role
from salesops.platform.runs import digest_of
from salesops.process.inputs import NoDataError

WRITE = "dashboard.write"
SHARE = "dashboard.share"
MOST_A_PERSON = 200
MOST_VERSIONS = 2_000


@dataclass(frozen=True)
class _Kept:
    """What a version keeps."""

    name: str
    description: str
    roles: str
    question: str
    tiles: list[dict[str, Any]]


def dashboard_make(
    *,
    actor: Actor,
    name: str,
    description: str = "",
    roles: Iterable[str] = (),
    question: str = "",
    tiles: Sequence[Any] = (),
    note: str = "Made",
) -> Seen:
    """Make a dashboard that the actor owns.

    Args:
        actor: whose it will be.
        name, description: for people.
        roles: roles it is shared with.
        question: period, team and filters, as an address without ``?``.
        tiles: tiles, or their plain values.
        note: what was done, for the history.

    Raises:
        NotAllowedError: the actor is no account, or the role makes or shares none.
        ValidationError: by field: what of it won't do.
    """
    require(actor, WRITE)
    if actor.user_id is None:
        raise NotAllowedError("Only an account can keep a dashboard.")
    kept = _checked(actor, name, description, roles, question, tiles, before=None)
    with transaction.atomic():
        if selectors.owned(actor) >= MOST_A_PERSON:
            raise ValidationError({"name": f"You have {MOST_A_PERSON} dashboards already: remove one first."})
        row = Dashboard.objects.create(
            owner_id=actor.user_id, owner_name=actor.name[:200], created_at=timezone.now()
        )
        _add(actor, row, 1, kept, note)
        audit.record(actor=actor, action="dashboard.make", subject=f"dashboard:{row.pk}", after=_facts(kept))
    return own(actor, row.pk)


def dashboard_change(
    *, actor: Actor, pk: int, version: int | None = None, note: str = "", **changes: Any
) -> Seen:
    """Change what a dashboard is called, whom it is shared with, what it asks, or its tiles.

    Args:
        actor: its owner.
        pk: the dashboard.
        version: the version that the change was made on; None to change whatever is in force.
        note: what was changed, for the history.
        changes: any of ``name``, ``description``, ``roles``, ``question``, ``tiles``.

    Raises:
        LookupError: there is no such dashboard that the actor may see.
        NotAllowedError: it is somebody else's.
        ValidationError: it was changed meanwhile, or what of the change won't do, by field.
    """
    require(actor, WRITE)
    return _changed(actor, pk, version, lambda before: {**changes, "note": note})


def dashboard_retile(
    *,
    actor: Actor,
    pk: int,
    version: int | None,
    tiles: Callable[[tuple[Tile, ...]], Sequence[Tile]],
    note: str,
) -> Seen:
    """Change the tiles of a dashboard by a function of those in force. Errors as :func:`dashboard_change`."""
    require(actor, WRITE)

    def change(before: Seen) -> dict[str, Any]:
        try:
            return {"tiles": tiles(before.tiles), "note": note}
        except DefinitionError as error:
            raise ValidationError({error.field: str(error)}) from error

    return _changed(actor, pk, version, change)


def dashboard_put_back(*, actor: Actor, pk: int, number: int) -> Seen:
    """Put an earlier version in force again, as a new version. Errors as :func:`dashboard_change`.

    Whom it is shared with stays as it is: an old version must not open it to anybody anew.
    """
    require(actor, WRITE)
    own(actor, pk)
    old = selectors.version_of(actor, pk, number)
    if old is None:
        raise LookupError("There is no such version.")
    earlier = old

    def change(before: Seen) -> dict[str, Any]:
        return {
            "name": earlier.name,
            "description": earlier.description,
            "question": earlier.question,
            "tiles": earlier.tiles,
            "note": f"Version {number} put back",
        }

    return _changed(actor, pk, None, change)


def dashboard_copy(*, actor: Actor, source: Seen, name: str = "") -> Seen:
    """A dashboard of one's own with the tiles of another that the actor sees. Errors as :func:`dashboard_make`."""
    note = f"Copy of {source.name}"[:200]
    return dashboard_make(
        actor=actor,
        name=name or f"{source.name} (copy)"[:120],
        description=source.description,
        question=source.question,
        tiles=source.tiles,
        note=note,
    )


def dashboard_remove(*, actor: Actor, pk: int) -> Seen:
    """Remove a dashboard; an administrator may remove a shared one of anybody. Its versions stay on record.

    Raises:
        LookupError: there is no such dashboard that the actor may see.
        NotAllowedError: it is somebody else's.
    """
    require(actor, WRITE)
    seen = selectors.dashboard_of(actor, pk)
    if seen is None:
        raise LookupError("There is no such dashboard.")
    if not seen.mine and actor.role != Role.ADMINISTRATOR:
        raise NotAllowedError("This dashboard belongs to somebody else.")
    with transaction.atomic():
        last = _locked(pk)
        kept = _Kept(last.name, last.description, last.roles, last.question, last.tiles)
        _add(actor, last.dashboard, last.number + 1, kept, "Removed", removed=True)
        audit.record(actor=actor, action="dashboard.remove", subject=f"dashboard:{pk}", before=_facts(kept))
    return seen


def _changed(actor: Actor, pk: int, version: int | None, change: Callable[[Seen], dict[str, Any]]) -> Seen:
    before = own(actor, pk)
    values = change(before)
    note = values.pop("note", "")
    if unknown := sorted(set(values) - {"name", "description", "roles", "question", "tiles"}):
        raise ValidationError(f"A dashboard has no {unknown[0]}.")
    kept = _checked(
        actor,
        values.get("name", before.name),
        values.get("description", before.description),
        values.get("roles", before.roles),
        values.get("question", before.question),
        values.get("tiles", before.tiles),
        before=before,
    )
    with transaction.atomic():
        last = _locked(pk)
        if last.number != before.version or (version is not None and version != last.number):
            raise ValidationError(
                "This dashboard was changed meanwhile: look at it again, and change it then."
            )
        earlier = _Kept(last.name, last.description, last.roles, last.question, last.tiles)
        if earlier == kept:
            return before
        if last.number >= MOST_VERSIONS:
            raise ValidationError(f"This dashboard has {MOST_VERSIONS:,} versions already: copy it.")
        _add(actor, last.dashboard, last.number + 1, kept, note)
        audit.record(
            actor=actor,
            action="dashboard.change",
            subject=f"dashboard:{pk}",
            before=_facts(earlier),
            after=_facts(kept),
        )
    return own(actor, pk)


def own(actor: Actor, pk: int) -> Seen:
    """A dashboard that the actor may change.

    Raises:
        LookupError: there is no such dashboard that the actor may see.
        NotAllowedError: it is somebody else's.
    """
    seen = selectors.dashboard_of(actor, pk)
    if seen is None:
        raise LookupError("There is no such dashboard.")
    if not seen.mine:
        raise NotAllowedError("This dashboard belongs to somebody else: copy it, and change the copy.")
    return seen


def _locked(pk: int) -> DashboardVersion:
    """The version in force, which nobody else succeeds until this transaction ends."""
    list(Dashboard.objects.select_for_update().filter(pk=pk).values_list("pk"))
    return DashboardVersion.objects.select_related("dashboard").filter(dashboard_id=pk).order_by("-number")[0]


def _add(actor: Actor, row: Dashboard, number: int, kept: _Kept, note: str, *, removed: bool = False) -> None:
    DashboardVersion.objects.create(
        dashboard=row,
        number=number,
        name=kept.name,
        description=kept.description,
        roles=kept.roles,
        question=kept.question,
        tiles=kept.tiles,
        removed=removed,
        note=note[:200],
        at=timezone.now(),
        created_by_id=actor.user_id,
        author_name=actor.name[:200],
    )


def _facts(kept: _Kept) -> dict[str, Any]:
    """What the ledger says of a version: of filters, which not everybody who reads it may see, the digest alone."""
    return {
        "name": kept.name,
        "description": kept.description,
        "roles": [role for role in kept.roles.split(",") if role],
        "question": digest_of(kept.question),
        "tiles": digest_of(kept.tiles),
    }


# --- Checks ---------------------------------------------------------------------------------------


def _checked(
    actor: Actor,
    name: Any,
    description: Any,
    roles: Any,
    question: Any,
    tiles: Any,
    *,
    before: Seen | None,
) -> _Kept:
    wanted = _roles(roles)
    shared = frozenset(before.roles) if before else frozenset()
    if wanted - shared:
        require(actor, SHARE)
    asked = _question(question)
    try:
        made = tiles_of([one.plain() if isinstance(one, Tile) else one for one in tiles])
    except DefinitionError as error:
        raise ValidationError({error.field: str(error)}) from error
    known = frozenset(before.tiles) if before else frozenset()
    _known_things(actor, [tile for tile in made if tile not in known])
    return _Kept(
        name=_line(name, "name", 120) or _missing(),
        description=_line(description, "description", 1_000),
        roles=selectors.roles_text(wanted),
        question=asked,
        tiles=[tile.plain() for tile in made],
    )


def _missing() -> str:
    raise ValidationError({"name": "Give the dashboard a name."})


def _line(text: Any, field: str, most: int) -> str:
    if not isinstance(text, str) or "\x00" in text:
        raise ValidationError({field: f"The {field} is no text."})
    text = " ".join(text.split())
    if len(text) > most:
        raise ValidationError({field: f"The {field} has more than {most:,} characters."})
    return text


def _roles(roles: Any) -> frozenset[str]:
    found = frozenset(str(role) for role in roles)
    if unknown := sorted(found - set(Role.values)):
        raise ValidationError(
            {"roles": f"There is no role {unknown[0]!r:.60}. There are: {', '.join(Role.values)}."}
        )
    return found


def _question(text: Any) -> str:
    """The question in one form: no day and no state of knowledge, which a dashboard does not keep."""
    if not isinstance(text, str):
        raise ValidationError({"question": "The question is an address: period=2026-Q3&team=region:West."})
    try:
        address = inputs.address_of("", text)
    except ValueError as error:
        raise ValidationError({"question": str(error)}) from error
    return inputs.address_text(replace(address, as_of=None, known=type(address.known)()))


def _known_things(actor: Actor, tiles: Sequence[Tile]) -> None:
    """What new tiles name exists, as far as it can be told now: numbers, saved views, dimensions, columns.

    Raises:
        ValidationError: it does not, or is hidden from the actor.
    """
    for tile in tiles:
        for name in tile.kpis:
            try:
                kpis([name])
            except KeyError:
                raise ValidationError({"kpis": f"There is no number named {name!r:.80}."}) from None
        if tile.view and saved_views.view_of(actor, inputs.VIEWS, tile.view) is None:
            raise ValidationError({"view": "There is no such saved view that you may see."})
        for text in tile.filters:
            try:
                filter_from(text)
            except AddressError as error:
                raise ValidationError({"filters": str(error)}) from error
    if any(tile.by or tile.filters or tile.period for tile in tiles):
        _fits_the_data(actor, tiles)


def _fits_the_data(actor: Actor, tiles: Sequence[Tile]) -> None:
    try:
        with ask(actor, Question(period="quarter")) as asked:
            hidden = hidden_from(asked.frames)
            for tile in tiles:
                filters = [filter_from(text) for text in tile.filters]
                try:
                    period_of(Question(period=tile.period), asked.frames)
                except (PeriodError, OverflowError) as error:
                    raise ValidationError({"period": inputs.sentence(error)}) from error
                try:
                    refuse_masked(hidden, filters, [ALIASES.get(tile.by, tile.by)] if tile.by else [])
                    apply_filters(asked.frames.deals, filters)
                except (FilterError, KpiError) as error:
                    raise ValidationError({"filters": inputs.sentence(error)}) from error
                if not tile.by:
                    continue
                try:
                    asked.split(tile.by)
                except KpiError as error:
                    raise ValidationError({"by": inputs.sentence(error)}) from error
                column = ALIASES.get(tile.by, tile.by)
                for kpi in asked.kpis(tile.kpis):
                    if kpi.dimensions and column not in kpi.dimensions:
                        words = ", ".join(kpi.dimensions)
                        raise ValidationError({"by": f"{kpi.title} can be split by {words} alone."})
    except (NoDataError, PeriodError):
        return

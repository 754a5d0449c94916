"""Who may see which rows and do which things. The one place that turns an actor into a Scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from salesops.facts.scope import Scope
from salesops.platform.actors import Actor
from salesops.platform.identities import real_ids
from salesops.platform.registries import row_scope_providers, scope_rules
from salesops.platform.roles import Role

SEES_ALL_ROWS = frozenset(
    {
        Role.OPS_REPRESENTATIVE,
        Role.OPS_ANALYST,
        Role.OPS_MANAGER,
        Role.OPS_VP,
        Role.ADMINISTRATOR,
        Role.AUDITOR,
    }
)
"""Roles whose work is the whole firm's data."""

_OPERATIONS = frozenset(
    {Role.OPS_REPRESENTATIVE, Role.OPS_ANALYST, Role.OPS_MANAGER, Role.OPS_VP, Role.ADMINISTRATOR}
)

_DECIDERS = frozenset({Role.OPS_ANALYST, Role.OPS_MANAGER, Role.OPS_VP, Role.ADMINISTRATOR})

PERMISSIONS: dict[str, frozenset[str]] = {
    "import.run": _OPERATIONS,
    "import.view": _OPERATIONS | {Role.AUDITOR},
    "file.read": _OPERATIONS | {Role.AUDITOR},
    "decision.write": _DECIDERS,
    "decision.view": _OPERATIONS | {Role.AUDITOR},
    "position.view": _OPERATIONS | {Role.AUDITOR},
    "position.write": _DECIDERS,
    "pipeline.view": _OPERATIONS | {Role.AUDITOR},
    "pipeline.write": _DECIDERS,
    "repair.view": _OPERATIONS | {Role.AUDITOR},
    "repair.write": _DECIDERS,
    "quota.view": _OPERATIONS | {Role.AUDITOR},
    "quota.write": frozenset({Role.OPS_MANAGER, Role.OPS_VP, Role.ADMINISTRATOR}),
    "reconcile": _OPERATIONS,
    "people.manage": frozenset({Role.ADMINISTRATOR}),
    "token.manage": frozenset({Role.ADMINISTRATOR}),
    "job.manage": frozenset({Role.ADMINISTRATOR}),
    "area.grant": frozenset({Role.ADMINISTRATOR}),
    "access.view": frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
    "access.write": frozenset({Role.ADMINISTRATOR}),
    "schedule.write": _OPERATIONS | {Role.SALES_MANAGER},
    "meeting.hold": _OPERATIONS | {Role.SALES_MANAGER},
    "action.write": _OPERATIONS | {Role.SALES_MANAGER, Role.REP},
    "note.write": frozenset({Role.SALES_MANAGER, Role.REP}),
    "dashboard.write": _OPERATIONS | {Role.SALES_MANAGER, Role.REP},
    "dashboard.share": _OPERATIONS | {Role.SALES_MANAGER},
    "watch.manage": frozenset({Role.OPS_ANALYST, Role.OPS_MANAGER, Role.OPS_VP, Role.ADMINISTRATOR}),
    "report.share": _DECIDERS | {Role.SALES_MANAGER},
    "finding.write": _OPERATIONS | {Role.SALES_MANAGER},
    "audit.view": frozenset({Role.AUDITOR, Role.ADMINISTRATOR, Role.OPS_VP, Role.OPS_MANAGER}),
    "settings.view": _OPERATIONS | {Role.AUDITOR},
    "feed.make": _OPERATIONS | {Role.SALES_MANAGER, Role.REP},
    "webhook.manage": frozenset({Role.OPS_MANAGER, Role.OPS_VP, Role.ADMINISTRATOR}),
}
"""What each role may do. Reading one's own rows needs no entry: the Scope decides it."""


AREAS: dict[str, tuple[str, frozenset[str]]] = {
    "people": (
        "People and accounts",
        frozenset({"people.manage", "position.view", "position.write", "settings.view"}),
    ),
    "imports": ("Imports", frozenset({"import.run", "import.view", "file.read"})),
    "quality": ("Data quality", frozenset({"repair.view", "repair.write", "settings.view"})),
    "pipelines": ("Pipelines and stages", frozenset({"pipeline.view", "pipeline.write", "settings.view"})),
    "quotas": ("Quotas", frozenset({"quota.view", "quota.write"})),
    "tokens": ("API tokens", frozenset({"token.manage", "settings.view"})),
}
"""Area of a sub-administrator -> its title and the permissions it adds to the account's role. An area adds
pages and actions, never rows: what the account sees of the deals is what its role sees."""

READS_FILES = frozenset({"file.read"})
"""Permissions to see rows of files as they came. A mask can't reach into a file, so an account from which
any field is hidden does not hold them."""

PLAIN_ROLES = frozenset({Role.REP, Role.SALES_MANAGER})
"""Roles of accounts that a sub-administrator of people may make and change: those that see no more than
their place in the hierarchy, so that nobody gives away, or takes, more than the area."""


class NotAllowedError(PermissionError):
    """The actor's role does not allow this."""


def may(actor: Actor, permission: str) -> bool:
    """Whether the actor's role, or an area given to the account, holds a permission.

    Raises:
        KeyError: no such permission: a typing mistake must not open or shut a door.
    """
    granted = actor.role in PERMISSIONS[permission] or any(
        permission in AREAS[area][1] for area in actor.areas if area in AREAS
    )
    return granted and not (permission in READS_FILES and _any_field_hidden(actor))


def _any_field_hidden(actor: Actor) -> bool:
    return any(rule(actor, date.max, Scope.nothing()).masked for rule in scope_rules.entries())


def require(actor: Actor, permission: str) -> None:
    """Refuse unless :func:`may`.

    Raises:
        NotAllowedError: it does not.
    """
    if not may(actor, permission):
        if permission in READS_FILES and _any_field_hidden(actor):
            raise NotAllowedError("Fields are hidden from your role, and a file shows them all.")
        message = f"Your role ({Role(actor.role).label}) does not allow this ({permission})."
        raise NotAllowedError(message)


def require_over(actor: Actor, *, role: str, areas: Iterable[str], user_id: int | None) -> None:
    """Refuse unless an actor may administer an account of this role and these areas.

    Administrators may administer every account. A sub-administrator of people administers accounts of
    reps and sales managers that hold no area, not the own one.

    Raises:
        NotAllowedError: he may not.
    """
    require(actor, "people.manage")
    if may(actor, "area.grant"):
        return
    if role not in PLAIN_ROLES or list(areas) or (user_id is not None and user_id == actor.user_id):
        raise NotAllowedError(
            "The area People administers accounts of reps and sales managers only, not one's own."
        )


def scope(actor: Actor, as_of: date) -> Scope:
    """The rows and columns that an actor's rights of a day give him.

    Whoever shows records asks for the data's own newest date, whatever day the records are read at.

    The role gives the base: operations, administrator and auditor see everything, a rep the records
    he owns, a sales manager his own and those of everyone below him in the hierarchy of that day; an
    account that stands for no person sees no owned record at all. What the firm decided about teams,
    deal teams, overlays, the CRM's sharing and masks comes on top, by the registered rules.
    """
    base = role_scope(actor, as_of)
    for rule in scope_rules.entries():
        base = rule(actor, as_of, base)
    return base


def role_scope(actor: Actor, as_of: date) -> Scope:
    """What the role alone gives."""
    if actor.role in SEES_ALL_ROWS:
        return Scope.all()
    if not actor.person_id:
        return Scope.nothing()
    person_id = real_id(actor.person_id)
    owners = {person_id}
    if actor.role == Role.SALES_MANAGER:
        for provider in row_scope_providers.entries():
            owners |= provider(person_id, as_of)
    return Scope(owner_ids=with_names(owners))


def real_id(person_id: str) -> str:
    """The id of a person, where another name stood for them before it was known."""
    return real_ids("users").get(person_id, person_id)


def with_names(people: Iterable[str]) -> frozenset[str]:
    """People's ids and the names that stood for them: records may still name a person by one of those."""
    found = set(people)
    return frozenset(found | {name for name, key in real_ids("users").items() if key in found})

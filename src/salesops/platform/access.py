"""Who may see which rows and do which things. The one place that turns an actor into a Scope."""

from __future__ import annotations

from datetime import date

from salesops.facts.scope import Scope
from salesops.platform.actors import Actor
from salesops.platform.identities import real_ids
from salesops.platform.registries import row_scope_providers
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

PERMISSIONS: dict[str, frozenset[str]] = {
    "import.run": _OPERATIONS,
    "import.view": _OPERATIONS | {Role.AUDITOR},
    "decision.write": frozenset({Role.OPS_ANALYST, Role.OPS_MANAGER, Role.OPS_VP, Role.ADMINISTRATOR}),
    "decision.view": _OPERATIONS | {Role.AUDITOR},
    "quota.write": frozenset({Role.OPS_MANAGER, Role.OPS_VP, Role.ADMINISTRATOR}),
    "reconcile": _OPERATIONS,
    "people.manage": frozenset({Role.ADMINISTRATOR}),
    "audit.view": frozenset({Role.AUDITOR, Role.ADMINISTRATOR, Role.OPS_VP, Role.OPS_MANAGER}),
    "settings.view": _OPERATIONS | {Role.AUDITOR},
}
"""What each role may do. Reading one's own rows needs no entry: the Scope decides it."""


class NotAllowedError(PermissionError):
    """The actor's role does not allow this."""


def may(actor: Actor, permission: str) -> bool:
    """Whether the actor's role holds a permission.

    Raises:
        KeyError: no such permission: a typing mistake must not open or shut a door.
    """
    return actor.role in PERMISSIONS[permission]


def require(actor: Actor, permission: str) -> None:
    """Refuse unless the actor's role holds a permission.

    Raises:
        NotAllowedError: it does not.
    """
    if not may(actor, permission):
        message = f"Your role ({Role(actor.role).label}) does not allow this ({permission})."
        raise NotAllowedError(message)


def scope(actor: Actor, as_of: date) -> Scope:
    """The rows an actor may see as of a day.

    Operations, administrator and auditor see everything. A rep sees the records he owns. A
    sales manager sees his own and those of everyone below him in the hierarchy of that day. An
    account that stands for no person sees no owned record at all.
    """
    if actor.role in SEES_ALL_ROWS:
        return Scope.all()
    if not actor.person_id:
        return Scope.nothing()
    real = real_ids("users")
    person_id = real.get(actor.person_id, actor.person_id)
    owners = {person_id}
    if actor.role == Role.SALES_MANAGER:
        for provider in row_scope_providers.entries():
            owners |= provider(person_id, as_of)
    # Records may still name a person by the name that stood for them before their id was known.
    owners |= {name for name, key in real.items() if key in owners}
    return Scope(owner_ids=frozenset(owners))

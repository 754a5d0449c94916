"""Who acts: the one value every service and every read takes.

An actor is a signed-in user, a token's user, or the local administrator at the command line.
Services never see a request, so page, REST, command line and job share one path.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from salesops.platform.models import User
from salesops.platform.roles import Role


@dataclass(frozen=True)
class Actor:
    """A person or door that acts.

    Attributes:
        name: as shown in the audit log.
        role: one of :class:`Role`; decides pages, actions and how far rows reach.
        user_id: the account's id, or None for the local administrator.
        person_id: the key in the ``users`` fact table this account stands for, or "".
        areas: areas the account administers besides its role, see ``access.AREAS``.
    """

    name: str
    role: str
    user_id: int | None = None
    person_id: str = ""
    areas: frozenset[str] = frozenset()


LOCAL_ADMINISTRATOR = Actor(name="local administrator", role=Role.ADMINISTRATOR)
"""The command line on the machine itself: whoever may read the home may read everything in it."""


def actor_of(user: User | AnonymousUser) -> Actor:
    """The actor of a signed-in account.

    Raises:
        PermissionError: nobody is signed in, or the account was switched off.
    """
    if not isinstance(user, User) or not user.is_active:
        raise PermissionError("Sign in to continue.")
    return Actor(
        name=user.get_username(),
        role=user.role,
        user_id=user.pk,
        person_id=user.person_id,
        areas=frozenset(user.areas or ()),
    )

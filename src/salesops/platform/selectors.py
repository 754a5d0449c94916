"""What the pages of this room show: accounts, tokens, the audit ledger, decisions, health."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.utils import timezone

from salesops.facts.scope import Scope
from salesops.platform import decisions
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.decisions import DatedDecision, Difference, difference, history, in_force
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.models import ApiToken, AuditEvent, User
from salesops.platform.registries import decision_kinds
from salesops.platform.roles import Role
from salesops.platform.store import fact_store


def data_day() -> date:
    """The data's own date: what "today" means on every page. The clock's day before the first import."""
    manifest = DatabaseManifests().latest()
    if manifest is None:
        return timezone.now().date()
    return manifest.data_on or manifest.recorded_at.date()


def accounts() -> list[User]:
    """Every account, those switched off last."""
    return list(User.objects.order_by("-is_active", "username"))


def account(pk: int) -> User | None:
    """One account, or None."""
    return User.objects.filter(pk=pk).first()


def account_named(username: str) -> User | None:
    """The account of a user name in any case, or None."""
    return User.objects.filter(username__iexact=username).first()


def role_choices() -> list[tuple[str, str]]:
    """Roles as (value, label)."""
    return list(Role.choices)


def person_choices() -> list[tuple[str, str]]:
    """People in the facts as (id, name), by name: whom an account may stand for."""
    with fact_store().at() as facts:
        rows = facts.execute(facts.read("users", Scope.all()).select("id", "name")).to_pylist()
    return sorted(
        ((row["id"], row["name"] or row["id"]) for row in rows), key=lambda pair: (pair[1], pair[0])
    )


def tokens_of(user_id: int) -> list[ApiToken]:
    """An account's tokens, newest first."""
    return list(ApiToken.objects.filter(user_id=user_id))


def live_tokens() -> list[ApiToken]:
    """Tokens of every account that are not revoked, newest first."""
    return list(ApiToken.objects.filter(revoked_at__isnull=True).select_related("user").order_by("-id"))


def token_of(user_id: int, pk: int) -> ApiToken | None:
    """One token of an account, or None."""
    return ApiToken.objects.filter(user_id=user_id, pk=pk).first()


def token_for(actor: Actor, pk: int) -> ApiToken | None:
    """A token that an actor may look after: his own, or anybody's for whoever manages tokens or people."""
    rows = ApiToken.objects.select_related("user").filter(pk=pk)
    if not (may(actor, "token.manage") or may(actor, "people.manage")):
        rows = rows.filter(user_id=actor.user_id)
    return rows.first()


@dataclass(frozen=True)
class AuditFilter:
    """Which audit events. Empty text and None mean any; days are UTC days, both ends included."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    first: date | None = None
    last: date | None = None


def audit_events(wanted: AuditFilter) -> QuerySet[AuditEvent]:
    """Matching events, newest first."""
    rows = AuditEvent.objects.all()
    if wanted.actor:
        rows = rows.filter(actor_name=wanted.actor)
    if wanted.action:
        rows = rows.filter(action=wanted.action)
    if wanted.subject:
        rows = rows.filter(subject__icontains=wanted.subject)
    if wanted.first:
        rows = rows.filter(at__gte=datetime.combine(wanted.first, time.min, UTC))
    if wanted.last and wanted.last < date.max:
        rows = rows.filter(at__lt=datetime.combine(wanted.last + timedelta(days=1), time.min, UTC))
    return rows.order_by("-id")


def audit_names() -> tuple[list[str], list[str]]:
    """Actors and actions that occur in the ledger, each sorted."""
    actors = AuditEvent.objects.order_by("actor_name").values_list("actor_name", flat=True).distinct()
    actions = AuditEvent.objects.order_by("action").values_list("action", flat=True).distinct()
    return list(actors), list(actions)


def audit_changes(event: AuditEvent) -> list[Difference]:
    """Fields that an event changed, with the value before and after."""
    before = event.before if isinstance(event.before, dict) else {"value": event.before}
    after = event.after if isinstance(event.after, dict) else {"value": event.after}
    names = [*before, *(name for name in after if name not in before)]
    return visible(
        [Difference(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)]
    )


def visible(changes: Sequence[Difference]) -> list[Difference]:
    """Changes that show: from one kind of nothing to another is none."""
    nothing: tuple[Any, ...] = (None, "", [], {})
    return [c for c in changes if not (c.before in nothing and c.after in nothing)]


@dataclass(frozen=True)
class Kind:
    """One kind of decision: how many subjects are decided, how many drafts wait."""

    key: str
    title: str
    in_force: int
    drafts: int
    model: type[DatedDecision]


def kind(key: str) -> type[DatedDecision] | None:
    """The decision table of a kind, or None."""
    return decision_kinds.get(key) if key in decision_kinds else None


def kinds(on: date) -> list[Kind]:
    """Every kind of decision there is."""
    return [
        Kind(key, kind_title(model), len(in_force(model, on)), len(open_drafts(model)), model)
        for key, model in decision_kinds.items()
    ]


def kind_title(model: type[DatedDecision]) -> str:
    """A kind's name for people."""
    return str(model._meta.verbose_name_plural).removesuffix(" decisions").capitalize()


def open_drafts(model: type[DatedDecision]) -> list[DatedDecision]:
    """Drafts that wait, newest first: nothing was decided on the same subject from the same day after them."""
    return list(decisions.open_drafts(model).order_by("-id"))


def draft(model: type[DatedDecision], pk: int) -> DatedDecision | None:
    """One draft, or None."""
    return model._default_manager.filter(pk=pk, draft=True).first()


@dataclass(frozen=True)
class Version:
    """One decision on a subject beside the one it follows."""

    row: DatedDecision
    changes: list[Difference]
    current: bool


def versions(model: type[DatedDecision], subject: str, on: date) -> list[Version]:
    """A subject's decisions, latest start first, each with what it changed.

    A draft is compared with what was published before it, and nothing is compared with a draft.
    """
    current = in_force(model, on, subjects=[subject]).get(subject)
    made: list[Version] = []
    published: DatedDecision | None = None
    for row in history(model, subject):
        made.append(
            Version(row, visible(difference(published, row)), current is not None and row.pk == current.pk)
        )
        if not row.draft:
            published = row
    return list(reversed(made))


def overtaken(key: str, subjects: Iterable[str], starts_on: date | None) -> dict[str, date]:
    """Subjects that a later start overtakes, and from when: until then what was just decided holds."""
    later = decision_kinds.get(key)._default_manager.filter(draft=False, starts_on__gt=starts_on or date.min)
    starts = later.filter(subject__in=list(subjects)).values_list("subject", "starts_on")
    return dict(starts.order_by("-starts_on"))  # the earliest comes last and stays


@dataclass(frozen=True)
class Health:
    """Whether the home can answer."""

    ok: bool
    database: str
    facts_version: str | None = None
    data_on: date | None = None
    problems: Sequence[str] = field(default_factory=tuple)

    def document(self) -> dict[str, Any]:
        """As the health check answers it: no names, no paths."""
        return {
            "ok": self.ok,
            "database": self.database,
            "facts_version": self.facts_version,
            "data_on": self.data_on.isoformat() if self.data_on else None,
        }


def health() -> Health:
    """Ask the database for the newest facts version."""
    try:
        manifest = DatabaseManifests().latest()
    except DatabaseError as error:
        return Health(False, connection.vendor, problems=(str(error),))
    if manifest is None:
        return Health(True, connection.vendor)
    return Health(True, connection.vendor, manifest.id, manifest.data_on)

"""Accounts, audit, manifests, jobs, saved views, tokens. Private to this room: others use its services."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac

from salesops.platform.job_states import JobState
from salesops.platform.roles import Role


class User(AbstractUser):
    """An account that signs in. ``person_id`` ties it to a person in the ``users`` fact table."""

    role = models.CharField(max_length=32, choices=Role.choices, default=Role.REP)
    person_id = models.CharField(max_length=200, blank=True, default="")
    areas = models.JSONField(
        default=list,
        blank=True,
        help_text="Areas this account administers besides its role: see access.AREAS.",
    )
    session_epoch = models.PositiveIntegerField(
        default=0, help_text="Sessions of an earlier number are over: raised when all of them are to end."
    )

    class Meta:
        verbose_name = "user"
        verbose_name_plural = "users"

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session proves itself by: as Django's, and another one for each ``session_epoch``."""
        ours = self.password if not self.session_epoch else f"{self.password}|{self.session_epoch}"
        key_salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        return salted_hmac(key_salt, ours, secret=secret, algorithm="sha256").hexdigest()


class AuditEvent(models.Model):
    """One thing somebody did. Append-only: database triggers refuse change and removal."""

    at = models.DateTimeField(db_index=True)
    actor_name = models.CharField(max_length=200)
    actor_user_id = models.BigIntegerField(null=True, blank=True)
    action = models.CharField(max_length=80, db_index=True)
    subject = models.CharField(max_length=300, db_index=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")
    previous_digest = models.CharField(max_length=64, blank=True, default="")
    digest = models.CharField(
        max_length=64, blank=True, default="", help_text="SHA-256 over this event and the digest before it."
    )

    class Meta:
        verbose_name = "audit event"
        verbose_name_plural = "audit events"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.action} {self.subject}"


class FactsManifest(models.Model):
    """One consistent version of all fact tables: written after every table of an import is."""

    versions = models.JSONField()
    recorded_at = models.DateTimeField(db_index=True)
    data_on = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True, default="")
    pinned = models.BooleanField(default=False)

    class Meta:
        verbose_name = "facts manifest"
        verbose_name_plural = "facts manifests"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"manifest {self.pk} of {self.recorded_at:%Y-%m-%d %H:%M}"


class Job(models.Model):
    """One piece of long work: who asked, how far it is, what came of it."""

    kind = models.CharField(max_length=80)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED, db_index=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    most_attempts = models.PositiveIntegerField(default=3)
    run_after = models.DateTimeField(null=True, blank=True, db_index=True)
    dedupe_key = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="One waiting or running job a key; empty for no limit.",
    )
    worker = models.CharField(
        max_length=200, blank=True, default="", help_text="Host, process and a random part."
    )
    code_version = models.CharField(max_length=40, blank=True, default="")
    checkpoint = models.JSONField(null=True, blank=True, help_text="What a repeat may skip.")
    schedule = models.ForeignKey(
        "Schedule", null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    local = models.BooleanField(default=False, help_text="Asked for on the machine itself, by no account.")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "job"
        verbose_name_plural = "jobs"
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("dedupe_key",),
                condition=models.Q(state__in=("queued", "running")) & ~models.Q(dedupe_key=""),
                name="job_once_under_way",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"


class Schedule(models.Model):
    """A job that comes again: what, when (cron in a zone), and as whom."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=80)
    params = models.JSONField(default=dict)
    cron = models.CharField(max_length=120)
    zone = models.CharField(max_length=64, default="UTC")
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    local = models.BooleanField(default=False, help_text="Made on the machine itself, by no account.")
    mail_to = models.JSONField(default=list, blank=True, help_text="Addresses that are told what came of it.")
    created_at = models.DateTimeField()
    next_run_at = models.DateTimeField(null=True, blank=True, db_index=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    why_stopped = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "schedule"
        verbose_name_plural = "schedules"
        ordering = ("name",)

    def __str__(self) -> str:
        return f"{self.name} ({self.cron} {self.zone})"


class Run(models.Model):
    """One result that somebody relied on, with everything it rests on. Append-only.

    A run is replayed by asking the same question of the manifest and of the decisions as
    recorded by ``known_at``; ``digest`` says whether the replay gives the same figures.
    """

    ref = models.CharField(max_length=16, unique=True, help_text="What people call it: on files, in lists.")
    kind = models.CharField(max_length=80, db_index=True)
    params = models.JSONField(default=dict)
    manifest_id = models.BigIntegerField(null=True, blank=True)
    known_at = models.DateTimeField(db_index=True)
    decisions_through = models.CharField(max_length=120, blank=True, default="")
    as_of = models.DateField(null=True, blank=True)
    code_version = models.CharField(max_length=40)
    engine = models.CharField(max_length=40, default="duckdb")
    result = models.JSONField(null=True, blank=True)
    digest = models.CharField(max_length=64, blank=True, default="")
    actor_name = models.CharField(max_length=200)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "run"
        verbose_name_plural = "runs"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.kind} run {self.ref}"


class IdempotencyKey(models.Model):
    """A write that REST was asked for under a key, and what it answered: asked again, it answers the same."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveIntegerField(null=True, blank=True)
    body = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "idempotency key"
        verbose_name_plural = "idempotency keys"
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="idempotency_key_once"),)

    def __str__(self) -> str:
        return self.key


class SavedView(models.Model):
    """A list's filters, sort and columns under a name."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    query = models.TextField(blank=True, default="")
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "saved view"
        verbose_name_plural = "saved views"
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("owner", "page", "name"), name="saved_view_once"),)

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A bearer token for REST. Only its SHA-256 is stored; the token itself is shown once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True)
    can_write = models.BooleanField(default=False)
    scopes = models.JSONField(
        default=list, blank=True, help_text="What it may be used for: see signin.TOKEN_SCOPES; empty for all."
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API token"
        verbose_name_plural = "API tokens"
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name


class SignInLink(models.Model):
    """A one-time link that signs an account in, as printed by ``demo`` and ``init``."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_links")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "sign-in link"
        verbose_name_plural = "sign-in links"

    def __str__(self) -> str:
        return f"link of {self.user_id}"


class AttemptCounter(models.Model):
    """Failed attempts to prove who one is, counted for one account or one address; see :mod:`lockout`."""

    key = models.CharField(max_length=200, unique=True)
    failures = models.PositiveIntegerField(default=0)
    window_from = models.DateTimeField(db_index=True)
    locked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "attempt counter"
        verbose_name_plural = "attempt counters"

    def __str__(self) -> str:
        return self.key


class ExternalIdentity(models.Model):
    """An account's name at an identity provider: its subject there never passes to somebody else."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="external_identities")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "external identity"
        verbose_name_plural = "external identities"
        constraints = (models.UniqueConstraint(fields=("issuer", "subject"), name="external_identity_once"),)

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"

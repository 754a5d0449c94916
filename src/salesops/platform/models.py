"""Accounts, audit, manifests, jobs, saved views, tokens. Private to this room: others use its services."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from salesops.platform.job_states import JobState
from salesops.platform.roles import Role


class User(AbstractUser):
    """An account that signs in. ``person_id`` ties it to a person in the ``users`` fact table."""

    role = models.CharField(max_length=32, choices=Role.choices, default=Role.REP)
    person_id = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "user"
        verbose_name_plural = "users"


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
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "job"
        verbose_name_plural = "jobs"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"


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

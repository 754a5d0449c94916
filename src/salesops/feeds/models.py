"""Feeds, targets of webhooks and deliveries. Private to this room."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class FeedKind(models.TextChoices):
    """What a feed answers."""

    LIST = "list", "List of deals"
    NUMBER = "number", "Number"


class Separator(models.TextChoices):
    """How a CSV feed writes numbers and parts columns."""

    COMMA = "comma", "1234.50, columns parted by commas"
    SEMICOLON = "semicolon", "1234,50, columns parted by semicolons"


class Feed(models.Model):
    """A question with a secret address that a spreadsheet reads. Only the address's SHA-256 is kept.

    ``query`` is the question as the page's own address asks it: of the list, or of the number ``number``.
    A feed that an API token made is over as soon as that token is.
    """

    owner = models.ForeignKey("platform.User", on_delete=models.CASCADE, related_name="feeds")
    token = models.ForeignKey(
        "platform.ApiToken",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The token that made it; empty for one made on the page.",
    )
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=FeedKind.choices)
    number = models.CharField(max_length=80, blank=True, default="")
    query = models.TextField(blank=True, default="")
    separator = models.CharField(max_length=16, choices=Separator.choices, default=Separator.COMMA)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    uses = models.PositiveBigIntegerField(default=0, help_text="Times it was read with rows or unchanged.")

    class Meta:
        verbose_name = "feed"
        verbose_name_plural = "feeds"
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name

    @property
    def ended_at(self) -> datetime | None:
        """When it, or the token that made it, was revoked; None where neither was."""
        return self.revoked_at or (self.token.revoked_at if self.token else None)

    @property
    def expires(self) -> datetime:
        """When it is over: not after the token that made it."""
        ends = self.token.expires_at if self.token else None
        return min(self.expires_at, ends) if ends else self.expires_at


class WebhookTarget(models.Model):
    """An address that is told of events, and the secret that signs what it is told.

    ``position`` is the last event of the audit ledger that deliveries were planned for: whoever plans goes on
    from there, so an event is never passed over.
    """

    owner = models.ForeignKey("platform.User", on_delete=models.CASCADE, related_name="webhook_targets")
    name = models.CharField(max_length=120)
    url = models.CharField(max_length=500)
    kinds = models.JSONField(default=list, help_text="Names of event kinds; empty for all.")
    secret_sealed = models.TextField(help_text="Encrypted with the key of the installation.")
    position = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="Nothing is sent until then: it could not be reached."
    )
    served_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The last time something was taken to be sent: the longest ago is next.",
    )
    failing_since = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    why_paused = models.CharField(max_length=300, blank=True, default="")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "webhook target"
        verbose_name_plural = "webhook targets"
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name


class DeliveryState(models.TextChoices):
    """Where a delivery stands."""

    WAITING = "waiting", "Waiting"
    DONE = "done", "Delivered"
    DEAD = "dead", "Given up"


class WebhookDelivery(models.Model):
    """One event for one target: exactly what is sent, and what came of it."""

    target = models.ForeignKey(WebhookTarget, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=40)
    kind = models.CharField(max_length=80)
    occurred_at = models.DateTimeField(db_index=True)
    body = models.TextField()
    state = models.CharField(max_length=16, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    tries = models.PositiveIntegerField(default=0, help_text="Since it was made, or last replayed.")
    sent = models.PositiveIntegerField(default=0, help_text="Tries in all.")
    next_at = models.DateTimeField(help_text="Not tried before; while it is sent, when it counts as lost.")
    last_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveIntegerField(null=True, blank=True)
    last_ms = models.PositiveIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("target", "event_id"), name="webhook_event_once"),)
        indexes = (models.Index(fields=("state", "next_at"), name="webhook_due"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id} ({self.state})"

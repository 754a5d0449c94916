"""Subscriptions and what they delivered, findings and their readers, alerts and where each stands."""

from __future__ import annotations

from django.db import models

USER = "platform.User"


class Form(models.TextChoices):
    """What a delivery brings."""

    CSV = "csv", "CSV file"
    XLSX = "xlsx", "Excel workbook"
    HTML = "html", "Tables in the mail"
    PDF = "pdf", "PDF"


class Channel(models.TextChoices):
    """Where a delivery goes."""

    MAIL = "mail", "Mail"
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Teams"
    FOLDER = "folder", "Folder of exports"


class Subscription(models.Model):
    """A page with its filters that is sent again and again; when, stands in its schedule."""

    name = models.CharField(max_length=120)
    owner = models.ForeignKey(USER, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    owner_name = models.CharField(max_length=200)
    path = models.CharField(max_length=1000, db_index=True)
    query = models.TextField(blank=True, default="")
    subject = models.CharField(max_length=200, help_text="The page's own name.")
    form = models.CharField(max_length=10, choices=Form.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    addresses = models.JSONField(default=list, blank=True, help_text="Of people without an account.")
    finding = models.ForeignKey(
        "Finding", null=True, blank=True, on_delete=models.PROTECT, related_name="subscriptions"
    )
    schedule_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "subscription"
        verbose_name_plural = "subscriptions"
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class Recipient(models.Model):
    """An account that a subscription is for; it gets its own rows."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="recipients")
    user = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="+")
    left_at = models.DateTimeField(null=True, blank=True, help_text="When the account unsubscribed.")

    class Meta:
        verbose_name = "recipient"
        verbose_name_plural = "recipients"
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("subscription", "user"), name="recipient_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} of {self.subscription_id}"


class DeliveryRun(models.Model):
    """One turn of a subscription: one job."""

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="runs")
    job_id = models.BigIntegerField(unique=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name = "delivery run"
        verbose_name_plural = "delivery runs"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"run {self.pk} of {self.subscription_id}"


class DeliveryState(models.TextChoices):
    """How far one delivery came."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    SKIPPED = "skipped", "Not sent"
    REFUSED = "refused", "Refused"


class Delivery(models.Model):
    """What one recipient got of one run."""

    run = models.ForeignKey(DeliveryRun, on_delete=models.PROTECT, related_name="deliveries")
    user = models.ForeignKey(USER, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    to = models.CharField(max_length=320, help_text="Account, mail address, channel or file.")
    state = models.CharField(
        max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING, db_index=True
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    token = models.CharField(max_length=64, unique=True)
    message_id = models.CharField(max_length=200, blank=True, default="")
    rows = models.BigIntegerField(null=True, blank=True)
    rows_of = models.BigIntegerField(null=True, blank=True)
    file_name = models.CharField(max_length=200, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    data_on = models.DateField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("run", "to"), name="delivery_once"),)

    def __str__(self) -> str:
        return f"{self.to}: {self.state}"


class Finding(models.Model):
    """What somebody reads from a number or a page, and what follows; what became of it stands in its events."""

    title = models.CharField(max_length=200)
    text = models.TextField()
    path = models.CharField(max_length=1000, blank=True, default="")
    query = models.TextField(blank=True, default="")
    subject = models.CharField(max_length=200, blank=True, default="", help_text="The page's own name.")
    value = models.CharField(max_length=200, blank=True, default="", help_text="Exact, at that time.")
    value_text = models.CharField(max_length=300, blank=True, default="")
    facts_version = models.CharField(max_length=40, blank=True, default="")
    data_on = models.DateField(null=True, blank=True)
    owner = models.ForeignKey(USER, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    owner_name = models.CharField(max_length=200)
    action = models.CharField(max_length=500)
    due_on = models.DateField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(USER, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=200)

    class Meta:
        verbose_name = "finding"
        verbose_name_plural = "findings"
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.title


class FindingEventKind(models.TextChoices):
    """What becomes of a finding."""

    DONE = "done", "Done"
    DROPPED = "dropped", "Dropped"
    REOPENED = "reopened", "Opened again"
    MOVED = "moved", "Moved to another day"


class FindingEvent(models.Model):
    """One thing that became of a finding; the latest says where it stands."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=20, choices=FindingEventKind.choices)
    due_on = models.DateField(null=True, blank=True)
    result = models.CharField(max_length=500, blank=True, default="")
    at = models.DateTimeField()
    created_by = models.ForeignKey(USER, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=200)

    class Meta:
        verbose_name = "finding event"
        verbose_name_plural = "finding events"
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.finding_id}"


class FindingReader(models.Model):
    """An account that a finding is for, with its receipts."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="readers")
    user = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="+")
    told_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "finding reader"
        verbose_name_plural = "finding readers"
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("finding", "user"), name="finding_reader_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} of {self.finding_id}"


class Condition(models.TextChoices):
    """When an alert tells."""

    ABOVE = "above", "is above"
    BELOW = "below", "is below"
    CHANGED = "changed", "changes by more than (percent)"
    NOISE = "noise", "moves beyond noise"


class Looked(models.Model):
    """What the last look at a number found, for whom it is looked at."""

    state = models.CharField(max_length=10, default="new")
    reason = models.CharField(max_length=500, blank=True, default="")
    value = models.CharField(max_length=100, blank=True, default="")
    value_text = models.CharField(max_length=200, blank=True, default="")
    previous = models.CharField(max_length=100, blank=True, default="")
    period = models.CharField(
        max_length=40,
        blank=True,
        default="",
        help_text="Label of the period that the value, or a verdict, is of.",
    )
    facts_version = models.CharField(max_length=40, blank=True, default="")
    looked_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class Alert(Looked):
    """A number that somebody wants to hear of when it crosses a threshold."""

    name = models.CharField(max_length=120)
    owner = models.ForeignKey(USER, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    owner_name = models.CharField(max_length=200)
    kpi = models.CharField(max_length=120)
    query = models.TextField(blank=True, default="")
    condition = models.CharField(max_length=10, choices=Condition.choices)
    threshold = models.DecimalField(max_digits=30, decimal_places=6, null=True, blank=True)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.MAIL)
    on_new_data = models.BooleanField(
        default=True, help_text="Whether a turn without new data looks at nothing."
    )
    schedule_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "alert"
        verbose_name_plural = "alerts"
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class AlertRecipient(Looked):
    """Another account that an alert is for: it is looked at again with that account's rights, and kept apart."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="recipients")
    user = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="+")
    left_at = models.DateTimeField(null=True, blank=True, help_text="When the account asked not to be told.")

    class Meta:
        verbose_name = "alert recipient"
        verbose_name_plural = "alert recipients"
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("alert", "user"), name="alert_recipient_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} of {self.alert_id}"

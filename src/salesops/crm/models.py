"""Imports and what was decided about them: mappings, value repairs, which amount counts, links to the source."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from salesops.facts.tables import TABLES
from salesops.platform.decisions import DatedDecision


class Mapping(DatedDecision):
    """How files with these headers become records. Subject: a digest of object and headers."""

    KIND = "mapping"
    FIELDS = ("table", "source", "headers", "columns", "key", "options")
    PERMISSION = "import.run"
    SHAPES_RECORDS = False

    table = models.CharField(max_length=40)
    source = models.CharField(max_length=60, default="crm")
    headers = models.JSONField()
    columns = models.JSONField(
        help_text="Header -> {to, type, format ...}; the form is docs/reference/mapping.md."
    )
    key = models.JSONField(default=list, blank=True)
    options = models.JSONField(default=dict, blank=True)

    class Meta(DatedDecision.Meta):
        verbose_name = "mapping decision"
        verbose_name_plural = "mapping decisions"

    def clean(self) -> None:
        """The table must exist."""
        if self.table not in TABLES:
            raise ValidationError({"table": f"Unknown table {self.table!r}; one of {', '.join(TABLES)}."})


class ValueRepair(DatedDecision):
    """A value to be read as another one. The fact stays as it came. Subject: ``table.column=value``."""

    KIND = "value_repair"
    PERMISSION = "repair.write"
    FIELDS = ("table", "column", "value", "replacement")

    table = models.CharField(max_length=40)
    column = models.CharField(max_length=120)
    value = models.CharField(max_length=500)
    replacement = models.CharField(max_length=500)

    class Meta(DatedDecision.Meta):
        verbose_name = "value repair"
        verbose_name_plural = "value repairs"

    def clean(self) -> None:
        """A repair must change something, in a text column that exists or is a company's own."""
        table = TABLES.get(self.table)
        if table is None:
            raise ValidationError({"table": f"Unknown table {self.table!r}."})
        column = table.by_name.get(self.column)
        if column is None and not self.column.startswith("x_"):
            raise ValidationError({"column": f"{self.table} has no column {self.column!r}."})
        if column is not None and column.type != "text":
            raise ValidationError({"column": "Only text values can be repaired."})
        if self.value == self.replacement:
            raise ValidationError({"replacement": "The repair changes nothing."})

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """Table, column and value."""
        return f"{values.get('table')}.{values.get('column')}={values.get('value')}"


class AmountRule(DatedDecision):
    """Which amount column counts as bookings for a kind of deal. Subject: the kind, or ``all``."""

    KIND = "amount_rule"
    FIELDS = ("deal_kind", "column", "type_values")
    NEEDS_REASON = True

    deal_kind = models.CharField(
        max_length=12, choices=[(k, k) for k in ("all", "new", "renewal", "expansion")], default="all"
    )
    column = models.CharField(max_length=120, default="amount")
    type_values = models.JSONField(
        default=list, blank=True, help_text="Values of the type column that mean this kind of deal."
    )

    class Meta(DatedDecision.Meta):
        verbose_name = "amount rule"
        verbose_name_plural = "amount rules"

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """The kind of deal."""
        return str(values.get("deal_kind", "all"))


class RecordLink(DatedDecision):
    """The web address of a record in its source, with ``{id}`` in it. Subject: ``source/table``."""

    KIND = "record_link"
    FIELDS = ("source", "table", "pattern")

    source = models.CharField(max_length=60)
    table = models.CharField(max_length=40)
    pattern = models.CharField(max_length=500)

    class Meta(DatedDecision.Meta):
        verbose_name = "record link"
        verbose_name_plural = "record links"

    def clean(self) -> None:
        """Only web addresses, with a place for the id."""
        if not self.pattern.startswith(("https://", "http://")) or "{id}" not in self.pattern:
            raise ValidationError(
                {"pattern": "A web address with {id} in it, for example https://crm.example/{id}."}
            )

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """Source and table."""
        return f"{values.get('source')}/{values.get('table')}"


class ImportState(models.TextChoices):
    """Where an import stands."""

    INSPECTED = "inspected", "Waiting for your confirmation"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Import(models.Model):
    """One import: the files given together, what was confirmed of them, what came of it."""

    name = models.CharField(max_length=300)
    state = models.CharField(max_length=12, choices=ImportState.choices, default=ImportState.INSPECTED)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "platform.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=200)
    folder = models.TextField(help_text="Where the files as uploaded are kept.")
    plan = models.JSONField(default=dict, help_text="What was found and proposed, and what was confirmed.")
    report = models.JSONField(default=dict, help_text="What came of it, per table.")
    manifest_id = models.BigIntegerField(null=True, blank=True)
    job = models.ForeignKey(
        "platform.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "import"
        verbose_name_plural = "imports"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"import {self.pk}: {self.name}"

    @property
    def unconfirmed(self) -> bool:
        """Whether it still waits for somebody to confirm what its files mean."""
        return self.state == ImportState.INSPECTED and self.job_id is None

    @property
    def done(self) -> bool:
        """Whether it has landed."""
        return self.state == ImportState.DONE


class QuarantineState(models.TextChoices):
    """Where a refused row stands."""

    WAITING = "waiting", "Waiting"
    REPLAYED = "replayed", "Fixed and imported"
    DISMISSED = "dismissed", "Dismissed"


class QuarantinedRow(models.Model):
    """One row that was refused: where it stands in its file, why, what to do, and its cells as they came."""

    source_import = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="quarantined")
    table = models.CharField(max_length=40)
    file = models.CharField(max_length=300)
    row = models.BigIntegerField()
    column = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(max_length=500)
    fix = models.CharField(max_length=500, blank=True, default="")
    cells = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=QuarantineState.choices, default=QuarantineState.WAITING)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "quarantined row"
        verbose_name_plural = "quarantined rows"
        ordering = ("source_import_id", "file", "row")
        indexes = (models.Index(fields=("state", "table"), name="quarantine_state_table"),)

    def __str__(self) -> str:
        return f"{self.file} row {self.row}: {self.reason}"


class WatchKind(models.TextChoices):
    """Where a watch looks."""

    FOLDER = "folder", "A folder"
    MAILBOX = "mailbox", "A mailbox"


class Watch(models.Model):
    """A folder or mailbox whose files are imported as they come, with what was decided for them."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=8, choices=WatchKind.choices)
    path = models.CharField(
        max_length=500, blank=True, default="", help_text="Folder below SALESOPS_WATCH_ROOT."
    )
    pattern = models.CharField(max_length=200, blank=True, default="*", help_text="Names of files to take.")
    host = models.CharField(max_length=200, blank=True, default="")
    port = models.PositiveIntegerField(default=993)
    tls = models.BooleanField(default=True)
    user = models.CharField(max_length=200, blank=True, default="")
    password_variable = models.CharField(
        max_length=100,
        blank=True,
        default="",
        help_text="Name of the environment variable; never the password.",
    )
    mailbox = models.CharField(max_length=200, blank=True, default="INBOX")
    senders = models.JSONField(
        default=list, blank=True, help_text="Addresses, or @domain, that mails may come from."
    )
    subject_pattern = models.CharField(
        max_length=200, blank=True, default="", help_text="Words with * and ?."
    )
    source = models.CharField(max_length=60, default="crm")
    complete_tables = models.JSONField(
        default=list,
        blank=True,
        help_text="Tables whose files hold every record: what is absent was deleted.",
    )
    mapping = models.JSONField(
        null=True, blank=True, help_text="A mapping; else those confirmed for these headers."
    )
    mail_to = models.JSONField(default=list, blank=True)
    active = models.BooleanField(default=True)
    schedule_id = models.BigIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(
        "platform.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=300, blank=True, default="", help_text="Why the last look failed.")

    class Meta:
        verbose_name = "watch"
        verbose_name_plural = "watches"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ArrivalState(models.TextChoices):
    """Where a file or mail that a watch saw stands."""

    SETTLING = "settling", "Still arriving"
    WAITING = "waiting", "Waiting for its turn"
    TAKEN = "taken", "Being imported"
    DONE = "done", "Imported"
    ASKING = "asking", "Waiting for you"
    FAILED = "failed", "Could not be imported"
    AGAIN = "again", "Came before"


class Arrival(models.Model):
    """One file, or one mail with its attachments, as a watch saw it."""

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="arrivals")
    name = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=ArrivalState.choices, default=ArrivalState.SETTLING)
    size = models.BigIntegerField(default=0)
    changed_ns = models.BigIntegerField(default=0, help_text="The file's own time stamp.")
    digest = models.CharField(max_length=64, blank=True, default="", db_index=True)
    message_id = models.CharField(max_length=300, blank=True, default="")
    kept_at = models.CharField(max_length=500, blank=True, default="", help_text="The copy that is imported.")
    reason = models.CharField(max_length=500, blank=True, default="")
    row = models.ForeignKey(Import, null=True, blank=True, on_delete=models.SET_NULL, related_name="arrivals")
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "arrival"
        verbose_name_plural = "arrivals"
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("watch", "message_id"), condition=~models.Q(message_id=""), name="arrival_mail_once"
            ),
            models.UniqueConstraint(
                fields=("watch", "digest"),
                condition=~models.Q(digest="") & ~models.Q(state="again"),
                name="arrival_content_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

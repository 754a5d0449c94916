"""Meetings held, what was agreed in them, notes of coaching. Rows are only ever added: triggers refuse the rest."""

from __future__ import annotations

from django.db import models

MOST_NOTE = 2000
"""Characters of a note of coaching."""


class Meeting(models.Model):
    """One meeting that was held: from it on the next one asks what changed.

    ``subject`` says whose meeting it was: ``firm``, ``manager/<person>``, ``person/<person>`` or, of an account
    that stands for nobody, ``account/<id>``; ``|<column>:<value>`` follows where it was that of one team.
    """

    subject = models.CharField(max_length=300, db_index=True)
    held_at = models.DateTimeField()
    data_on = models.DateField(help_text="The data's own date in the meeting.")
    manifest_id = models.BigIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(
        "platform.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(max_length=200)

    class Meta:
        verbose_name = "meeting"
        verbose_name_plural = "meetings"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.subject} on {self.held_at:%Y-%m-%d}"


class ActionItem(models.Model):
    """Something that somebody will do by a day. What becomes of it stands in its events."""

    subject = models.CharField(max_length=300, db_index=True, help_text="Whose meeting it was agreed in.")
    text = models.CharField(max_length=500)
    owner_id = models.CharField(
        max_length=200, blank=True, default="", db_index=True, help_text="Person in the data, if it is one."
    )
    owner_name = models.CharField(max_length=200)
    deal_id = models.CharField(max_length=200, blank=True, default="")
    due_on = models.DateField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "platform.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(max_length=200)

    class Meta:
        verbose_name = "action item"
        verbose_name_plural = "action items"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.text} ({self.owner_name}, {self.due_on})"


class EventKind(models.TextChoices):
    """What becomes of an action item."""

    DONE = "done", "Done"
    DROPPED = "dropped", "Dropped"
    REOPENED = "reopened", "Opened again"
    MOVED = "moved", "Moved to another day"


class ActionEvent(models.Model):
    """One thing that became of an action item; the latest says where it stands."""

    item = models.ForeignKey(ActionItem, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    due_on = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")
    at = models.DateTimeField()
    created_by = models.ForeignKey(
        "platform.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(max_length=200)

    class Meta:
        verbose_name = "action item event"
        verbose_name_plural = "action item events"
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.item_id}"


class CoachingNote(models.Model):
    """Something noted about a person: for the two of them, or for its author alone."""

    person_id = models.CharField(
        max_length=200, db_index=True, help_text="Whom it is about, as the data knows them."
    )
    text = models.CharField(max_length=MOST_NOTE)
    shared = models.BooleanField(
        default=True, help_text="Whether the person and their managers read it, or its author alone."
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "platform.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(max_length=200)

    class Meta:
        verbose_name = "coaching note"
        verbose_name_plural = "coaching notes"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"About {self.person_id}, {self.created_at:%Y-%m-%d}"

"""Decisions about the firm itself: currency, zone, calendar, and who reports to whom."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from salesops.platform.decisions import DatedDecision


def _check_zone(value: str) -> None:
    if value not in available_timezones():
        message = f"{value!r} is no IANA time zone; an example is Europe/Berlin."
        raise ValidationError(message)


class Organisation(DatedDecision):
    """Currency, time zone and fiscal calendar of the firm. Its one subject is ``organisation``."""

    KIND = "organisation"
    FIELDS = (
        "name",
        "currency",
        "zone",
        "fiscal_start_month",
        "calendar_pattern",
        "week_start",
        "year_named_by",
    )

    name = models.CharField(max_length=200, blank=True, default="")
    currency = models.CharField(
        max_length=3,
        blank=True,
        default="",
        validators=[RegexValidator(r"^[A-Z]{3}$", "Three capital letters, for example EUR.")],
    )
    zone = models.CharField(max_length=60, default="UTC", validators=[_check_zone])
    fiscal_start_month = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    calendar_pattern = models.CharField(
        max_length=8,
        default="months",
        choices=[(p, p) for p in ("months", "4-4-5", "4-5-4", "5-4-4")],
    )
    week_start = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(6)])
    year_named_by = models.CharField(
        max_length=5, default="end", choices=[("end", "end"), ("start", "start")]
    )

    class Meta(DatedDecision.Meta):
        verbose_name = "organisation decision"
        verbose_name_plural = "organisation decisions"

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """Always the same: one firm a home."""
        return "organisation"


class Position(DatedDecision):
    """Where one person stands from a day on: manager, team, region and role. Subject: the person's id."""

    KIND = "position"
    PERMISSION = "position.write"
    FIELDS = ("person_id", "manager_id", "team", "region", "role")

    person_id = models.CharField(max_length=200)
    manager_id = models.CharField(max_length=200, blank=True, default="")
    team = models.CharField(max_length=200, blank=True, default="")
    region = models.CharField(max_length=200, blank=True, default="")
    role = models.CharField(max_length=80, blank=True, default="")

    class Meta(DatedDecision.Meta):
        verbose_name = "position decision"
        verbose_name_plural = "position decisions"

    def clean(self) -> None:
        """Nobody reports to himself; longer cycles are refused by the service, which sees everyone."""
        if self.person_id and self.person_id == self.manager_id:
            raise ValidationError({"manager_id": "A person can't report to themselves."})

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """The person."""
        return str(values.get("person_id", ""))

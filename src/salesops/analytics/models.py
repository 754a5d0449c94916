"""Decisions about numbers, and comparisons with the CRM's own reports: kept, dated, shown beside the number."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from salesops.analytics.engine.custom import DATES, MEASURES
from salesops.platform.decisions import DatedDecision
from salesops.platform.registries import kpi_definitions


class Reconciliation(models.Model):
    """One comparison of a number here with the same number in the CRM's own report. Never changed."""

    kpi = models.CharField(max_length=80, db_index=True)
    period = models.CharField(max_length=60, blank=True, default="")
    filters = models.JSONField(default=list, blank=True)
    as_of = models.DateField(null=True, blank=True)
    manifest_id = models.BigIntegerField(null=True, blank=True)
    ours = models.CharField(max_length=60, blank=True, default="")
    theirs = models.CharField(max_length=60, blank=True, default="")
    result = models.JSONField(default=dict, help_text="Difference by cause and deal by deal.")
    report_name = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "platform.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(max_length=200)

    class Meta:
        verbose_name = "reconciliation"
        verbose_name_plural = "reconciliations"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.kpi} {self.period}: {self.ours} here, {self.theirs} there"


_MEASURES = list(MEASURES.items())
_UNITS = [
    ("count", "deals"),
    ("money", "money"),
    ("days", "days"),
    ("ratio", "share, in per cent"),
    ("number", "plain number"),
    ("money_per_day", "money per day"),
    ("minutes", "minutes"),
]
_NAME = re.compile(r"[a-z][a-z0-9_]{2,59}")
PAGES = frozenset({"new", "check"})
"""Names that are addresses of pages under /own-numbers/."""


class CustomKpi(DatedDecision):
    """A number that somebody defined: what it measures of which deals. Subject: its name.

    Rules and amounts are texts of the rule language; what they mean is decided by the data they meet.
    """

    KIND = "custom_kpi"
    FIELDS = (
        "title",
        "sentence",
        "measure",
        "of",
        "rule",
        "bottom_measure",
        "bottom_of",
        "bottom_rule",
        "dated_by",
        "unit",
        "direction",
        "owner",
    )
    SHAPES_RECORDS = False

    title = models.CharField(max_length=80)
    sentence = models.CharField(max_length=300, help_text="What it says, in one sentence.")
    measure = models.CharField(max_length=8, choices=_MEASURES)
    of = models.TextField(
        blank=True, default="", max_length=4000, help_text="Amount, rule or number measured."
    )
    rule = models.TextField(blank=True, default="", max_length=4000, help_text="Deals it is taken of.")
    bottom_measure = models.CharField(max_length=8, choices=_MEASURES, blank=True, default="")
    bottom_of = models.TextField(blank=True, default="", max_length=4000)
    bottom_rule = models.TextField(blank=True, default="", max_length=4000)
    dated_by = models.CharField(
        max_length=30, choices=list(DATES.items()), blank=True, default="", help_text="Empty: as they stand."
    )
    unit = models.CharField(max_length=16, choices=_UNITS)
    direction = models.CharField(
        max_length=4, choices=[("up", "More is better"), ("down", "Less is better"), ("none", "Neither")]
    )
    owner = models.CharField(max_length=120, blank=True, default="")

    class Meta(DatedDecision.Meta):
        verbose_name = "own number"
        verbose_name_plural = "own numbers"

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """The name of the number, which no value holds.

        Raises:
            ValidationError: always: the name must be given as the subject.
        """
        raise ValidationError({"subject": "A number of your own needs its name as the subject."})

    def clean(self) -> None:
        """The name is free and one that an address can hold; what is measured is said where it must be, and only there.

        Raises:
            ValidationError: it is not.
        """
        if not _NAME.fullmatch(self.subject):
            raise ValidationError(
                {
                    "subject": "A name has 3 to 60 small letters, digits and underscores, and begins with a letter."
                }
            )
        if self.subject in PAGES:
            raise ValidationError(
                {"subject": f"{self.subject} is the address of a page: choose another name."}
            )
        # An end passes: a number of the catalogue may have taken the name since.
        if self.subject in kpi_definitions and not self.ended:
            message = f"{self.subject} is a number of the catalogue: choose another name."
            raise ValidationError({"subject": message})
        for prefix in ("", "bottom_"):
            measure, of = getattr(self, f"{prefix}measure"), getattr(self, f"{prefix}of").strip()
            if measure in ("", "count") and of:
                raise ValidationError(
                    {f"{prefix}of": "Counting deals takes nothing more: put a condition in the rule."}
                )
            if measure not in ("", "count") and not of:
                raise ValidationError({f"{prefix}of": f"Say of what: {MEASURES[measure].lower()} ..."})
            if (measure in ("", "number")) and getattr(self, f"{prefix}rule").strip():
                raise ValidationError({f"{prefix}rule": "A rule belongs to a measure of the deals."})


def _is_kpi(value: str) -> None:
    if value not in kpi_definitions:
        message = f"There is no number named {value!r}."
        raise ValidationError(message)


class KpiDecision(DatedDecision):
    """Who answers for a number, its target and when it is looked at again. Subject: the number's name."""

    KIND = "kpi"
    FIELDS = ("kpi", "owner", "target", "review_on", "note")
    SHAPES_RECORDS = False

    kpi = models.CharField(max_length=80, validators=[_is_kpi])
    owner = models.CharField(max_length=200, blank=True, default="", help_text="Who answers for the number.")
    target = models.DecimalField(
        max_digits=25,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="In the number's own unit; a share as a fraction, 0.25 = 25 %.",
    )
    review_on = models.DateField(null=True, blank=True, help_text="Day the number is looked at again.")
    note = models.TextField(blank=True, default="", help_text="What it is for, or what was agreed.")

    class Meta(DatedDecision.Meta):
        verbose_name = "number decision"
        verbose_name_plural = "number decisions"

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """The number's name."""
        return str(values.get("kpi", ""))

"""Quota decisions: how much is asked of whom in which period."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models

from salesops.platform.decisions import DatedDecision


class Quota(DatedDecision):
    """One person's quota for one fiscal period. Subject: ``person/period``."""

    KIND = "quota"
    FIELDS = ("person_id", "period", "amount", "currency")
    NEEDS_REASON = True
    PERMISSION = "quota.write"
    SHAPES_RECORDS = False

    person_id = models.CharField(max_length=200)
    period = models.CharField(max_length=40, help_text="Fiscal period label, for example 2026-Q3.")
    amount = models.DecimalField(max_digits=19, decimal_places=4, validators=[MinValueValidator(Decimal(0))])
    currency = models.CharField(max_length=3, blank=True, default="")

    class Meta(DatedDecision.Meta):
        verbose_name = "quota decision"
        verbose_name_plural = "quota decisions"

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """Person and period."""
        return f"{values.get('person_id', '')}/{values.get('period', '')}"

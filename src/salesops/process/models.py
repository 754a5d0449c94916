"""Decisions about the sales process: what each stage of each pipeline means."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from salesops.platform.decisions import DatedDecision


class StageClass(models.TextChoices):
    """What a stage says of the deals in it."""

    OPEN = "open", "Open"
    WON = "won", "Won"
    LOST = "lost", "Lost"
    IGNORED = "ignored", "Left out of every number"


class ForecastCategory(models.TextChoices):
    """Forecast category of the deals in a stage."""

    NONE = "", "None"
    PIPELINE = "pipeline", "Pipeline"
    BEST_CASE = "best_case", "Best case"
    MOST_LIKELY = "most_likely", "Most likely"
    COMMIT = "commit", "Commit"
    CLOSED = "closed", "Closed"
    OMITTED = "omitted", "Omitted"


class Stage(DatedDecision):
    """What one stage of one pipeline means from a day on. Subject: ``pipeline/stage``."""

    KIND = "stage"
    PERMISSION = "pipeline.write"
    FIELDS = (
        "pipeline",
        "stage",
        "stage_class",
        "position",
        "probability",
        "forecast_category",
        "pitched",
        "max_age_days",
        "criteria",
    )

    pipeline = models.CharField(max_length=120, blank=True, default="")
    stage = models.CharField(max_length=160)
    stage_class = models.CharField(max_length=8, choices=StageClass.choices)
    position = models.PositiveSmallIntegerField(
        default=0, help_text="Order in the pipeline, first stage lowest."
    )
    probability = models.DecimalField(
        max_digits=7,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))],
    )
    forecast_category = models.CharField(
        max_length=12, choices=ForecastCategory.choices, blank=True, default=ForecastCategory.NONE
    )
    pitched = models.BooleanField(default=False, help_text="Deals that reached this stage count as pitched.")
    max_age_days = models.PositiveIntegerField(null=True, blank=True)
    criteria = models.TextField(blank=True, default="")

    class Meta(DatedDecision.Meta):
        verbose_name = "stage decision"
        verbose_name_plural = "stage decisions"

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """Pipeline and stage."""
        return f"{values.get('pipeline', '')}/{values.get('stage', '')}"

"""Comparisons with the CRM's own reports: kept, dated, shown beside the number."""

from __future__ import annotations

from django.db import models


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

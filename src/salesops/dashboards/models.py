"""Dashboards and their versions. Rows are only ever added: triggers refuse everything else."""

from __future__ import annotations

from django.db import models


class Dashboard(models.Model):
    """A dashboard: whose it is. What it shows stands in its versions."""

    owner = models.ForeignKey(
        "platform.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    owner_name = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "dashboard"
        verbose_name_plural = "dashboards"
        ordering = ("id",)

    def __str__(self) -> str:
        return f"dashboard {self.pk} of {self.owner_name}"


class DashboardVersion(models.Model):
    """One state of a dashboard; the one with the highest number is in force.

    ``roles`` names the roles it is shared with, each between commas: ``,rep,sales_manager,``; "" for nobody.
    """

    dashboard = models.ForeignKey(Dashboard, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=1000, blank=True, default="")
    roles = models.CharField(max_length=400, blank=True, default="")
    question = models.TextField(blank=True, default="", help_text="Period, team and filters, as an address.")
    tiles = models.JSONField(default=list, blank=True)
    removed = models.BooleanField(default=False, help_text="The dashboard was removed with this version.")
    note = models.CharField(max_length=200, blank=True, default="", help_text="What was changed.")
    at = models.DateTimeField()
    created_by = models.ForeignKey(
        "platform.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(max_length=200)

    class Meta:
        verbose_name = "dashboard version"
        verbose_name_plural = "dashboard versions"
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=("dashboard", "number"), name="dashboard_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"

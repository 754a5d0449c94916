"""The roles of the field: what a person does in the firm."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """Decides pages, actions and how far rows reach."""

    REP = "rep", "Rep"
    SALES_MANAGER = "sales_manager", "Sales manager"
    OPS_REPRESENTATIVE = "ops_representative", "Sales-ops representative"
    OPS_ANALYST = "ops_analyst", "Sales-ops analyst"
    OPS_MANAGER = "ops_manager", "Sales-ops manager"
    OPS_VP = "ops_vp", "VP of sales operations"
    ADMINISTRATOR = "administrator", "Administrator"
    AUDITOR = "auditor", "Auditor"

"""Decisions about who sees what: the rule, overlay assignments, hidden fields."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from salesops.facts.tables import SHARED_BY
from salesops.permissions.engine import masks
from salesops.platform.decisions import DatedDecision


class Visibility(DatedDecision):
    """What widens and what bounds the rows of everybody. Its one subject is ``visibility``."""

    KIND = "visibility"
    FIELDS = ("team_records", "deal_teams", "sharing_tables", "sharing_managers", "operations_see_all")
    NEEDS_REASON = True
    PERMISSION = "access.write"
    SHAPES_RECORDS = False

    team_records = models.BooleanField(
        default=False, help_text="Members of a team see the records of its other members."
    )
    deal_teams = models.BooleanField(
        default=True, help_text="Who works on a deal beside its owner sees it; so do the managers above."
    )
    sharing_tables = models.JSONField(
        default=list, blank=True, help_text="Tables where nobody sees more than the CRM's sharing shows."
    )
    sharing_managers = models.BooleanField(
        default=True, help_text="In the CRM, managers see what those below them see."
    )
    operations_see_all = models.BooleanField(
        default=False, help_text="Sales operations see all records, whatever the CRM shows them."
    )

    class Meta(DatedDecision.Meta):
        verbose_name = "visibility decision"
        verbose_name_plural = "visibility decisions"

    def clean(self) -> None:
        """Sharing governs tables that shares can name."""
        unknown = [t for t in self.sharing_tables if t not in SHARED_BY]
        if not isinstance(self.sharing_tables, list) or unknown:
            raise ValidationError({"sharing_tables": f"Choose among {', '.join(SHARED_BY)}."})

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """Always the same: one rule a firm."""
        return "visibility"


class Overlay(DatedDecision):
    """A specialist assigned to a part of the business from a day on. Subject: ``person:dimension=value``."""

    KIND = "overlay"
    FIELDS = ("person_id", "dimension", "value")
    NEEDS_REASON = True
    PERMISSION = "access.write"
    SHAPES_RECORDS = False

    DIMENSIONS = (
        ("team", "Team of the owner"),
        ("region", "Region of the owner"),
        ("owner", "Owner"),
        ("account", "Account"),
        ("segment", "Segment of the account"),
        ("industry", "Industry of the account"),
        ("country", "Country of the account"),
        ("product", "Product"),
        ("product_family", "Product family"),
    )

    person_id = models.CharField(max_length=200)
    dimension = models.CharField(max_length=20, choices=DIMENSIONS)
    value = models.CharField(max_length=200)

    class Meta(DatedDecision.Meta):
        verbose_name = "overlay assignment"
        verbose_name_plural = "overlay assignments"

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """Person, dimension and value."""
        return f"{values.get('person_id')}:{values.get('dimension')}={values.get('value')}"


class FieldMask(DatedDecision):
    """Columns whose values some roles do not see. Subject: a name for the rule."""

    KIND = "field_mask"
    FIELDS = ("name", "columns", "roles")
    NEEDS_REASON = True
    PERMISSION = "access.write"
    SHAPES_RECORDS = False

    name = models.CharField(max_length=200)
    columns = models.JSONField(help_text="table.column names and groups (amounts, contact_details).")
    roles = models.JSONField(help_text="Roles of accounts, or sales roles of people (SDR ...).")

    class Meta(DatedDecision.Meta):
        verbose_name = "field mask"
        verbose_name_plural = "field masks"

    def clean(self) -> None:
        """Columns that can be hidden, from roles that can be hidden from."""
        problems: dict[str, list[str]] = {}
        if not _texts(self.columns):
            problems["columns"] = ["Name at least one column or group."]
        else:
            found = [masks.refusal(*item.split(".", 1)) for item in self.columns if "." in item]
            found += [
                f"There is no group {item!r}: {', '.join(masks.GROUPS)}."
                for item in self.columns
                if "." not in item and item not in masks.GROUPS
            ]
            if any(found):
                problems["columns"] = [text for text in found if text]
        if not _texts(self.roles):
            problems["roles"] = ["Name at least one role."]
        elif "administrator" in self.roles:
            problems["roles"] = ["Nothing can be hidden from administrators: they decide what is hidden."]
        if problems:
            raise ValidationError(problems)

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """The rule's name."""
        return str(values.get("name", ""))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) and item for item in value)

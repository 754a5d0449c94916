"""Forms of the Data pages, and what the confirm page sends for each file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from salesops.crm.plan_edits import FileEdit
from salesops.crm.plans import FilePlan


class UploadForm(forms.Form):
    """Files are read apart from the form, because there may be several of them."""

    pasted = forms.CharField(
        label="Paste a table",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "textarea-code"}),
        help_text="Copied from a spreadsheet or a report, with its header row.",
    )
    source = forms.CharField(
        label="Name of the system",
        required=False,
        max_length=60,
        help_text="Only needed when records of several systems come together here. Empty: crm.",
    )


class MappingForm(forms.Form):
    """A mapping file."""

    mapping = forms.FileField(label="Mapping file (YAML)", allow_empty_file=True)


def edits_of(data: QueryDict, plans: Sequence[FilePlan]) -> tuple[dict[int, FileEdit], dict[int, list[str]]]:
    """What the confirm page sent, by position of the file, and what can't be read of it.

    A file or column that was not sent is left as it is.
    """
    edits: dict[int, FileEdit] = {}
    faults: dict[int, list[str]] = {}
    for number, plan in enumerate(plans):
        prefix = f"f{number}-"
        if f"{prefix}shown" not in data:
            continue
        day, fault = _day(data.get(f"{prefix}data_on", ""))
        if fault:
            faults.setdefault(number, []).append(f"{plan.name}: {fault}")
        columns: dict[str, tuple[str, str]] = {}
        for place, column in enumerate(plan.columns):
            to = data.get(f"{prefix}c{place}-to")
            if to is not None:
                columns[column.header] = (to, data.get(f"{prefix}c{place}-type", ""))
        edits[number] = FileEdit(
            table=data.get(f"{prefix}table"),
            columns=columns,
            key=_key(data, prefix, plan),
            data_on=day,
            complete=f"{prefix}complete" in data,
            where=data.get(f"{prefix}where"),
            date_order=data.get(f"{prefix}date_order", ""),
            marks=data.get(f"{prefix}marks", ""),
        )
    return edits, faults


def _key(data: QueryDict, prefix: str, plan: FilePlan) -> tuple[str, ...] | None:
    """Chosen key columns; the order that was there before is kept, because the key is made in it."""
    if f"{prefix}key_shown" not in data:
        return None
    places = [int(text) for text in data.getlist(f"{prefix}key") if text.isdecimal()]
    chosen = [plan.columns[place].header for place in places if place < len(plan.columns)]
    return plan.key if set(chosen) == set(plan.key) else tuple(chosen)


def _day(text: str) -> tuple[date | None, str]:
    if not text.strip():
        return None, ""
    try:
        return date.fromisoformat(text.strip()), ""
    except ValueError:
        return None, "write the day as 2026-01-31."


def cells_sent(data: QueryDict, headers: Sequence[str]) -> dict[str, str]:
    """The cells of a quarantined row as a person mended them."""
    sent: dict[str, Any] = {h: data.get(f"cell-{n}") for n, h in enumerate(headers)}
    return {h: value for h, value in sent.items() if value is not None}

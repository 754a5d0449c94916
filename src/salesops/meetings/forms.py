"""Form of an action item."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms

from salesops.meetings.inputs import Owner
from salesops.meetings.models import EventKind
from salesops.meetings.services import MOST_NOTE
from salesops.platform.forms import DayField

MYSELF = "-"
"""Stands for the account itself, where it is no person of the data."""


class ActionForm(forms.Form):
    """What will be done, by whom, by which day."""

    text = forms.CharField(
        label="What",
        max_length=500,
        error_messages={"required": "Say what will be done."},
        widget=forms.TextInput(attrs={"data-new-action": "", "autocomplete": "off"}),
    )
    owner = forms.ChoiceField(label="Who", error_messages={"invalid_choice": "Choose somebody of the list."})
    due_on = DayField(label="By")
    deal = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, *args: Any, owners: Sequence[Owner], me: Owner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = {one.id: one.name for one in owners} | {me.id or MYSELF: me.name}
        mine = me.id or MYSELF
        others = [(one.id, one.name) for one in owners if one.id != mine]
        self.fields["owner"].choices = [(mine, f"{me.name} (you)"), *others]

    @property
    def chosen(self) -> Owner:
        """Who was chosen."""
        key = self.cleaned_data["owner"]
        return Owner("" if key == MYSELF else key, self.names[key])


class WhoseForm(forms.Form):
    """Whose meeting something is sent for."""

    person = forms.CharField(required=False, max_length=200)
    team = forms.CharField(required=False, max_length=200)


class NoteForm(forms.Form):
    """A note about a person."""

    person = forms.CharField(max_length=200, widget=forms.HiddenInput)
    text = forms.CharField(
        label="Note",
        max_length=MOST_NOTE,
        error_messages={"required": "Write a note."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    mine = forms.BooleanField(label="Only I read it", required=False)


class EventForm(forms.Form):
    """What became of an action item."""

    do = forms.ChoiceField(
        choices=EventKind.choices,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Say what became of it."),
    )
    due_on = DayField(required=False)
    note = forms.CharField(required=False, max_length=500)


def first_day(today: date) -> date:
    """The day that a new action is proposed for: a week from today, when people meet again."""
    return date.fromordinal(today.toordinal() + 7)

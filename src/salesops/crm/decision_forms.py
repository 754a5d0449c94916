"""Forms of value repairs, amount rules and record links."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms

from salesops.facts.tables import TABLES
from salesops.platform.forms import DecisionForm

_TITLES = {"opportunities": "Deals", "opportunity_lines": "Deal lines", "opportunity_team": "Deal teams"}
DEAL_KINDS = [
    ("all", "All deals"),
    ("new", "New business"),
    ("renewal", "Renewals"),
    ("expansion", "Expansions"),
]


def table_choices() -> list[tuple[str, str]]:
    """Fact tables as (name, title), deals first."""
    names = sorted(TABLES, key=lambda name: (name != "opportunities", name))
    return [
        (name, _TITLES.get(name, name.replace("_", " ").capitalize())) for name in names if name != "changes"
    ]


class RepairForm(DecisionForm):
    """A misspelt value and what it is read as."""

    table = forms.ChoiceField(label="Records")
    column = forms.CharField(
        max_length=120, widget=forms.TextInput(attrs={"list": "columns", "autocomplete": "off"})
    )
    value = forms.CharField(label="Value as it came", max_length=500, strip=False)
    replacement = forms.CharField(label="Is read as", max_length=500)
    field_order = ("table", "column", "value", "replacement", "starts_on", "reason")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["table"].choices = table_choices()


class AmountForm(DecisionForm):
    """The amount column that counts for a kind of deal."""

    deal_kind = forms.ChoiceField(label="Deals", choices=DEAL_KINDS)
    column = forms.ChoiceField(label="Amount that counts")
    type_values = forms.CharField(
        label="Values of the type column that mean this kind",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line, for example Existing Business. Not needed for all deals.",
    )
    reason = forms.CharField(
        max_length=500, error_messages={"required": "A reason is needed: this touches money."}
    )
    field_order = ("deal_kind", "column", "type_values", "reason", "starts_on")

    def __init__(self, *args: object, columns: Sequence[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["column"].choices = [
            (name, name.removeprefix("x_").replace("_", " ")) for name in columns
        ]

    def clean_type_values(self) -> list[str]:
        """One value a line."""
        return [line.strip() for line in self.cleaned_data["type_values"].splitlines() if line.strip()]


class LinkForm(DecisionForm):
    """The web address of a record in its source."""

    source = forms.CharField(max_length=60, initial="crm", help_text="The source's name as given at import.")
    table = forms.ChoiceField(label="Records")
    pattern = forms.CharField(
        label="Web address", max_length=500, help_text="With {id} where the record's id stands."
    )
    field_order = ("source", "table", "pattern", "starts_on", "reason")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["table"].choices = table_choices()

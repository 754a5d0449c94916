"""Forms of the company and people settings."""

from __future__ import annotations

from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from salesops.platform.forms import DecisionForm
from salesops.platform.paste import read_grid

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

POSITION_COLUMNS = {
    "person": (
        "rep",
        "name",
        "sales rep",
        "sales agent",
        "sales_agent",
        "agent",
        "employee",
        "user",
        "owner",
    ),
    "manager": ("reports to", "boss", "supervisor", "sales manager"),
    "team": ("group", "squad"),
    "region": ("office", "regional office", "regional_office", "territory", "area"),
    "role": ("title", "job title", "position", "job"),
}


class CompanyForm(DecisionForm):
    """Currency, zone and fiscal calendar."""

    name = forms.CharField(max_length=200, required=False, label="Company name")
    currency = forms.CharField(
        max_length=3, required=False, help_text="Three letters, for example EUR. Amounts are shown in it."
    )
    zone = forms.ChoiceField(label="Time zone", help_text="A day begins and ends at its midnight.")
    fiscal_start_month = forms.TypedChoiceField(
        label="Fiscal year starts in", coerce=int, choices=list(enumerate(_MONTHS, start=1))
    )
    calendar_pattern = forms.ChoiceField(
        label="Periods",
        choices=[("months", "Calendar months"), *((p, f"Weeks, {p}") for p in ("4-4-5", "4-5-4", "5-4-4"))],
    )
    week_start = forms.TypedChoiceField(label="Week starts on", coerce=int, choices=list(enumerate(_DAYS)))
    year_named_by = forms.ChoiceField(
        label="A fiscal year is named after",
        choices=[("end", "the calendar year it ends in"), ("start", "the calendar year it starts in")],
    )
    field_order = (
        "name", "currency", "zone", "fiscal_start_month", "calendar_pattern", "week_start", "year_named_by",
        "starts_on", "reason",
    )  # fmt: skip

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["zone"].choices = [(zone, zone) for zone in sorted(available_timezones())]

    def clean_currency(self) -> str:
        """Capitals, however typed."""
        return self.cleaned_data["currency"].strip().upper()


class PositionsForm(DecisionForm):
    """The paste grid of people."""

    grid = forms.CharField(
        label="Rows",
        widget=forms.Textarea(attrs={"rows": 8, "class": "textarea-code", "spellcheck": "false"}),
        strip=False,
        help_text=(
            "Copied from a spreadsheet: person, manager, team, region, role, at least the first two. "
            "A header row may name and reorder them. An empty cell keeps what is in force, - empties it."
        ),
    )
    field_order = ("grid", "starts_on", "reason")

    def clean_grid(self) -> str:
        """Read the rows into ``rows``; the text itself is kept as typed."""
        text = self.cleaned_data["grid"]
        try:
            self.rows = read_grid(text, POSITION_COLUMNS, needed=("person",))
            if not any(name in row for row in self.rows for name in POSITION_COLUMNS if name != "person"):
                raise ValidationError("Paste at least two columns: person and manager, team, region or role.")
        except ValidationError as error:
            raise forms.ValidationError(error.messages) from error
        return text

"""Form of the quotas page."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from salesops.platform.forms import DecisionForm
from salesops.platform.paste import read_grid

QUOTA_COLUMNS = {
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
    "period": ("quarter", "month", "year", "fiscal period"),
    "amount": ("quota", "target", "goal"),
    "currency": ("currency code",),
}


class QuotasForm(DecisionForm):
    """The paste grid of quotas; a reason is always needed, since they touch money."""

    grid = forms.CharField(
        label="Rows",
        widget=forms.Textarea(attrs={"rows": 8, "class": "textarea-code", "spellcheck": "false"}),
        strip=False,
        help_text=(
            "Copied from a spreadsheet: person, period, amount, currency. Periods such as 2026-Q3, "
            "2026-M05 or 2026. Without a currency the firm's counts."
        ),
    )
    reason = forms.CharField(
        max_length=500, error_messages={"required": "A reason is needed: quotas touch money."}
    )
    field_order = ("grid", "reason", "starts_on")

    def clean_grid(self) -> str:
        """Read the rows into ``rows``; the text itself is kept as typed."""
        text = self.cleaned_data["grid"]
        try:
            self.rows = read_grid(text, QUOTA_COLUMNS, needed=("person", "period", "amount"))
        except ValidationError as error:
            raise forms.ValidationError(error.messages) from error
        return text

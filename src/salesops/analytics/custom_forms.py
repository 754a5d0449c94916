"""The form of a number of one's own."""

from __future__ import annotations

from typing import Any

from django import forms

from salesops.analytics.engine.custom import DATES, MEASURES
from salesops.analytics.models import CustomKpi
from salesops.platform.forms import DecisionForm


def _rule(label: str, help_text: str = "", rows: int = 3) -> forms.CharField:
    attrs = {"rows": rows, "class": "textarea-code", "spellcheck": "false", "autocapitalize": "off"}
    return forms.CharField(
        label=label, required=False, max_length=4_000, widget=forms.Textarea(attrs=attrs), help_text=help_text
    )


class CustomKpiForm(DecisionForm):
    """What is measured of which deals, and how it is shown."""

    name = forms.CharField(
        max_length=60,
        help_text="For addresses and files: small letters, digits, underscores. It stays once it is decided.",
        widget=forms.TextInput(attrs={"autocapitalize": "off", "spellcheck": "false"}),
    )
    title = forms.CharField(max_length=80, help_text="What people call it.")
    measure = forms.ChoiceField(label="Measure", choices=list(MEASURES.items()))
    of = _rule(
        "Of what",
        "Sum, average, median: a field, such as amount. Share: a rule. Another number: its name. Counting: empty.",
        2,
    )
    rule = _rule(
        "Of the deals where", "A rule, such as stage_class = 'won' and amount > 10000. Empty: all deals."
    )
    bottom_measure = forms.ChoiceField(
        label="Divided by", required=False, choices=[("", "Nothing"), *MEASURES.items()]
    )
    bottom_of = _rule("Of what, below the line", "", 2)
    bottom_rule = _rule("Of the deals where, below the line")
    dated_by = forms.ChoiceField(
        label="A deal belongs to the period of its",
        required=False,
        choices=[*DATES.items(), ("", "no date: deals as they stand")],
    )
    unit = forms.ChoiceField(
        required=False, choices=[("", "The usual one"), *CustomKpi._meta.get_field("unit").choices]
    )
    direction = forms.ChoiceField(
        label="Better", required=False, choices=[("none", "Neither"), ("up", "More"), ("down", "Less")]
    )
    sentence = forms.CharField(
        label="Definition",
        required=False,
        max_length=300,
        help_text="One sentence. Empty: what the rules say.",
    )
    owner = forms.CharField(required=False, max_length=120, help_text="Who answers for it. Empty: you.")
    field_order = (
        "title", "name", "measure", "of", "rule", "bottom_measure", "bottom_of", "bottom_rule", "dated_by", "unit",
        "direction", "sentence", "owner", "starts_on", "reason",
    )  # fmt: skip

    def __init__(self, *args: Any, new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not new:
            del self.fields["name"]

    def measures(self) -> list[forms.BoundField]:
        """The fields above the line."""
        return [self[name] for name in ("measure", "of", "rule")]

    def divisor(self) -> list[forms.BoundField]:
        """The fields below it."""
        return [self[name] for name in ("bottom_measure", "bottom_of", "bottom_rule")]

    def names(self) -> list[forms.BoundField]:
        """What it is called."""
        return [self[name] for name in ("title", "name") if name in self.fields]

    def shown(self) -> list[forms.BoundField]:
        """How it is shown, and from when."""
        after = ("dated_by", "unit", "direction", "owner", "starts_on", "reason")
        return [self["sentence"], *(self[name] for name in after)]


def values_of(data: dict[str, Any]) -> dict[str, Any]:
    """The decision's values of what a form holds."""
    return {name: data.get(name) or "" for name in CustomKpi.FIELDS}

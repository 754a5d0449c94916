"""Forms of the pipelines and stages page."""

from __future__ import annotations

from django import forms

from salesops.platform.forms import DecisionForm
from salesops.process.models import ForecastCategory, StageClass


class StageForm(forms.Form):
    """One stage in the grid."""

    pipeline = forms.CharField(required=False, widget=forms.HiddenInput, max_length=120)
    stage = forms.CharField(widget=forms.HiddenInput, max_length=160, strip=False)
    stage_class = forms.ChoiceField(
        label="Means", required=False, choices=[("", "Not decided"), *StageClass.choices]
    )
    position = forms.IntegerField(label="Order", min_value=0, max_value=32_000)
    probability = forms.DecimalField(
        label="Probability, %", required=False, min_value=0, max_value=100, max_digits=7, decimal_places=4
    )
    forecast_category = forms.ChoiceField(
        label="Forecast category", required=False, choices=ForecastCategory.choices
    )
    pitched = forms.BooleanField(label="Counts as pitched", required=False)

    def clean_stage_class(self) -> str:
        """A stage that is changed needs a meaning."""
        value = self.cleaned_data["stage_class"]
        if not value and self.has_changed():
            raise forms.ValidationError("Choose what the stage means.")
        return value

    def values(self) -> dict[str, object]:
        """As the decision holds them; the probability as a share."""
        share = self.cleaned_data["probability"]
        return self.cleaned_data | {"probability": None if share is None else share / 100}


StageFormSet = forms.formset_factory(StageForm, extra=0, max_num=2_000, absolute_max=2_000)


class NewStageForm(StageForm):
    """A stage that the data does not have yet, or the first one of a further pipeline."""

    prefix = "new"
    pipeline = forms.CharField(max_length=120, required=False, help_text="A new name makes a new pipeline.")
    stage = forms.CharField(max_length=160)
    stage_class = forms.ChoiceField(label="Means", choices=StageClass.choices)
    field_order = (
        "pipeline",
        "stage",
        "stage_class",
        "position",
        "probability",
        "forecast_category",
        "pitched",
    )


class StagesDecisionForm(DecisionForm):
    """From when, and why, for the whole grid."""

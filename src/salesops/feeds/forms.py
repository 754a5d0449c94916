"""Forms of feeds and of webhooks' targets."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings

from salesops.feeds import inputs, kinds
from salesops.feeds.models import Separator
from salesops.platform.actors import Actor


class FeedForm(forms.Form):
    """A new feed: of a saved view, of a number, or of whatever page an address shows."""

    name = forms.CharField(max_length=120, help_text="What will read it, such as Board sheet.")
    what = forms.ChoiceField(label="What it gives", required=False)
    by = forms.ChoiceField(label="By", required=False, help_text="Of a number: one row for each.")
    period = forms.CharField(
        required=False,
        max_length=40,
        initial="quarter",
        help_text="Of a number: quarter, month or year of the data, which move on with it; all; or 2026-Q3.",
    )
    address = forms.CharField(
        label="Or the address of a page",
        required=False,
        max_length=8_500,
        help_text="Of Pipeline or of one number, with the filters it has there: copy it from the browser.",
    )
    separator = forms.ChoiceField(label="Numbers in CSV", choices=Separator.choices)
    days = forms.IntegerField(label="Days it lasts", min_value=1)

    def __init__(self, *args: Any, actor: Actor, views: list[tuple[int, str]], **kwargs: Any) -> None:
        kwargs["initial"] = {"days": settings.FEED_DAYS} | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        numbers = [(f"number-{name}", title) for name, title in inputs.numbers()]
        saved = [(f"view-{pk}", name) for pk, name in views]
        self.fields["what"].choices = [
            ("", "Choose"),
            *([("Saved views of Pipeline", saved)] if saved else []),
            ("Numbers", numbers),
        ]
        self.fields["by"].choices = [("", "No split: one row"), *inputs.dimensions(actor)]
        self.fields["days"].widget.attrs["max"] = settings.FEED_DAYS

    def clean(self) -> dict[str, Any]:
        """One of both: something chosen, or an address."""
        data = super().clean() or {}
        chosen, address = data.get("what", ""), data.get("address", "").strip()
        if not self.errors and bool(chosen) == bool(address):
            raise forms.ValidationError("Choose what it gives, or paste the address of a page: one of both.")
        if address:
            try:
                data["question"] = inputs.question_at(address)
            except inputs.UnanswerableError as error:
                self.add_error("address", str(error))
        elif chosen.startswith("number-"):
            pairs = [(key, data[key].strip()) for key in ("period", "by") if data.get(key, "").strip()]
            data["question"] = inputs.FeedQuestion("number", urlencode(pairs), chosen.removeprefix("number-"))
        return data


class TargetForm(forms.Form):
    """A new target of webhooks."""

    name = forms.CharField(max_length=120, help_text="What receives it.")
    url = forms.CharField(label="Address", max_length=500, help_text="It begins with https://")
    kinds = forms.MultipleChoiceField(
        label="Tell it of",
        required=False,
        widget=forms.SelectMultiple(attrs={"size": "6"}),
        help_text="None chosen: everything, also what is added later.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kinds"].choices = [(kind.name, f"{kind.name}: {kind.title}") for kind in kinds.known()]

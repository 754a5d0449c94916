"""The form of a new schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

from django import forms

from salesops.platform.job_kinds import Offer

TIMES = [
    ("0 6 * * MON-FRI", "Every working day at 6:00"),
    ("0 6 * * *", "Every day at 6:00"),
    ("0 7 * * MON", "Mondays at 7:00"),
    ("0 7 1 * *", "The first of the month at 7:00"),
    ("0 * * * *", "Every hour"),
    ("", "At another time, as cron"),
]


class AddressesField(forms.CharField):
    """Mail addresses, one a line or parted by commas."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}))
        kwargs.setdefault("required", False)
        kwargs.setdefault("help_text", "Mail addresses, one a line. Empty: nobody is told.")
        super().__init__(**kwargs)

    def clean(self, value: Any) -> list[str]:
        """The addresses; whether they are any is for the service to say."""
        text = super().clean(value) or ""
        return [part.strip() for line in text.splitlines() for part in line.split(",") if part.strip()]


class ScheduleForm(forms.Form):
    """What comes again, when, and who is told."""

    offer = forms.ChoiceField(label="What")
    name = forms.CharField(max_length=120, help_text="Shown in the list and in the mail.")
    times = forms.ChoiceField(label="When", choices=TIMES, required=False)
    cron = forms.CharField(
        label="Cron", max_length=120, required=False,
        help_text="Minute, hour, day of month, month, day of week: 30 6 * * MON-FRI. Only for another time.",
    )  # fmt: skip
    zone = forms.CharField(
        label="Time zone",
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    mail_to = AddressesField(label="Tell")

    def __init__(self, *args: Any, offers: Sequence[Offer], zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offers = {offer.key: offer for offer in offers}
        self.fields["offer"].choices = [(offer.key, offer.title) for offer in offers]
        self.fields["zone"].initial = zone

    def clean(self) -> dict[str, Any]:
        """A time must be given one way or the other; cron written by hand wins."""
        data = super().clean()
        if not self.errors:
            data["cron"] = data.get("cron", "").strip() or data.get("times", "")
            if not data["cron"]:
                self.add_error("cron", "Say when: choose a time, or write it as cron.")
        return data

    def values(self) -> dict[str, Any]:
        """For the service."""
        offer = self.offers[self.cleaned_data["offer"]]
        kept = {name: self.cleaned_data[name] for name in ("name", "cron", "zone", "mail_to")}
        return {**kept, "kind": offer.kind, "params": offer.params}


def zones() -> list[str]:
    """Every IANA zone with a place's name."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")

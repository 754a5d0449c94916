"""What a person may type: subscriptions, findings, alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from salesops.platform.job_forms import TIMES, AddressesField
from salesops.reports.models import Channel, Condition, FindingEventKind, Form

AREA = forms.Textarea(attrs={"rows": 4})


def person_choices(people: Sequence[Any]) -> list[tuple[str, str]]:
    """Accounts as choices: user name and role."""
    return [(str(user.pk), f"{user.get_username()} ({user.get_role_display()})") for user in people]


class TimedForm(forms.Form):
    """When something comes again; cron written by hand wins."""

    times = forms.ChoiceField(label="When", choices=TIMES, required=False)
    cron = forms.CharField(
        label="Cron", max_length=120, required=False,
        help_text="Minute, hour, day of month, month, day of week: 30 6 * * MON-FRI. Only for another time.",
    )  # fmt: skip
    zone = forms.CharField(
        label="Time zone", max_length=64, initial="UTC",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """A time must be given one way or the other."""
        data: dict[str, Any] = super().clean() or {}
        data["cron"] = (data.get("cron") or "").strip() or data.get("times", "")
        data.pop("times", None)
        if not self.errors and not data["cron"]:
            self.add_error("cron", "Say when: choose a time, or write it as cron.")
        return data


class SubscriptionForm(TimedForm):
    """A page that is sent again and again."""

    page = forms.CharField(
        max_length=9_000, help_text="Address of the page with its filters, as the browser shows it after the host."
    )  # fmt: skip
    name = forms.CharField(max_length=120, help_text="Shown in lists and in the mail's subject.")
    form = forms.ChoiceField(label="What is sent", choices=Form.choices)
    channel = forms.ChoiceField(label="Where to", choices=Channel.choices)
    recipients = forms.MultipleChoiceField(
        label="Accounts", required=False, widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text="Each gets the rows that the account may see itself.",
    )  # fmt: skip
    addresses = AddressesField(
        label="Other addresses", help_text="Mail addresses, one a line. They get your rows, and no receipt comes back."
    )  # fmt: skip
    finding = forms.ChoiceField(label="With the finding", required=False)
    field_order = (
        "page", "name", "form", "channel", "recipients", "addresses", "times", "cron", "zone", "finding",
    )  # fmt: skip

    def __init__(
        self, *args: Any, people: Sequence[Any], findings: Sequence[tuple[int, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["recipients"].choices = person_choices(people)
        self.fields["finding"].choices = [("", "none"), *((str(pk), title) for pk, title in findings)]

    def values(self) -> dict[str, Any]:
        """For the service."""
        data = dict(self.cleaned_data)
        finding = data.pop("finding")
        people = [int(pk) for pk in data.pop("recipients")]
        return {**data, "recipients": people, "finding_id": int(finding) if finding else None}


class FindingForm(forms.Form):
    """What somebody reads from a number, and what follows."""

    title = forms.CharField(max_length=200)
    text = forms.CharField(label="What it says", max_length=10_000, widget=AREA)
    page = forms.CharField(
        label="Rests on", max_length=9_000, required=False,
        help_text="Address of a number or page here. Its value is kept as it is now.",
    )  # fmt: skip
    action = forms.CharField(label="What will be done", max_length=500)
    owner = forms.ChoiceField(label="Who does it")
    due_on = forms.DateField(label="By", widget=forms.DateInput(attrs={"type": "date"}))
    readers = forms.MultipleChoiceField(
        required=False, widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text="They are told, and you see who opened it and who took note.",
    )  # fmt: skip

    def __init__(self, *args: Any, people: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = person_choices(people)
        self.fields["owner"].choices = choices
        self.fields["readers"].choices = choices

    def values(self) -> dict[str, Any]:
        """For the service."""
        data = dict(self.cleaned_data)
        owner, readers = int(data.pop("owner")), [int(pk) for pk in data.pop("readers")]
        return {**data, "owner_id": owner, "readers": readers}


class FindingEventForm(forms.Form):
    """What became of a finding."""

    do = forms.ChoiceField(choices=FindingEventKind.choices)
    due_on = forms.DateField(required=False)
    result = forms.CharField(max_length=500, required=False)


class AlertForm(TimedForm):
    """A number, a threshold, and when it is looked at."""

    kpi = forms.ChoiceField(label="Number")
    query = forms.CharField(
        label="Filters", max_length=8_000, required=False,
        help_text="As in the number's address: period=quarter&team=region:West&filter=amount:gt:1000",
    )  # fmt: skip
    name = forms.CharField(max_length=120)
    condition = forms.ChoiceField(label="Tell when it", choices=Condition.choices)
    threshold = forms.DecimalField(
        required=False, max_digits=30, decimal_places=6,
        help_text="In the number's own unit, a share as 0.25; for a change in percent: 10.",
    )  # fmt: skip
    channel = forms.ChoiceField(
        label="Where to", choices=[c for c in Channel.choices if c[0] != Channel.FOLDER]
    )
    recipients = forms.MultipleChoiceField(
        label="Also tell", required=False, widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text="By mail. The number is asked once more for each account, with the rows that it may see itself.",
    )  # fmt: skip
    on_new_data = forms.BooleanField(label="Only when new data has come", required=False, initial=True)
    field_order = (
        "kpi",
        "query",
        "name",
        "condition",
        "threshold",
        "channel",
        "recipients",
        "times",
        "cron",
        "zone",
        "on_new_data",
    )

    def __init__(
        self, *args: Any, kpis: Sequence[tuple[str, str]], people: Sequence[Any], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kpi"].choices = list(kpis)
        self.fields["recipients"].choices = person_choices(people)
        self.fields["times"].choices = [("*/15 * * * *", "Every 15 minutes"), *TIMES]

    def values(self) -> dict[str, Any]:
        """For the service."""
        data = dict(self.cleaned_data)
        return {**data, "recipients": [int(pk) for pk in data["recipients"]]}

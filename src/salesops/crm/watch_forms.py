"""The forms of watched folders and mailboxes."""

from __future__ import annotations

from typing import Any

import yaml
from django import forms
from django.core.exceptions import ValidationError

from salesops.crm.decision_forms import table_choices
from salesops.platform.job_forms import AddressesField
from salesops.platform.yaml_documents import load_plain

OFTEN = [
    ("* * * * *", "Every minute"),
    ("*/5 * * * *", "Every five minutes"),
    ("0 * * * *", "Every hour"),
    ("0 6 * * *", "Every day at 6:00"),
]


class WatchForm(forms.Form):
    """What both kinds are asked."""

    kind = ""
    name = forms.CharField(max_length=120)
    source = forms.CharField(
        label="Name of the system",
        max_length=60,
        initial="crm",
        help_text="As given at import; crm where there is one.",
    )
    complete_tables = forms.MultipleChoiceField(
        label="Files that hold every record", required=False, widget=forms.CheckboxSelectMultiple,
        help_text="What is absent from such a file counts as deleted. Leave all open for reports of some records.",
    )  # fmt: skip
    mapping = forms.CharField(
        label="Mapping (YAML)", required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "textarea-code"}),
        help_text="Empty: the mappings that were confirmed for files with these columns.",
    )  # fmt: skip
    mail_to = AddressesField(label="Report to")
    cron = forms.ChoiceField(label="Look", choices=OFTEN, initial="*/5 * * * *")
    zone = forms.CharField(
        label="Time zone", max_length=64, initial="UTC",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["complete_tables"].choices = table_choices()

    def clean_mapping(self) -> Any:
        """A YAML document, or None."""
        text = self.cleaned_data["mapping"].strip()
        if not text:
            return None
        try:
            return load_plain(text)
        except (ValueError, yaml.YAMLError) as error:
            raise ValidationError(f"This is no mapping: {error}") from error

    def values(self) -> dict[str, Any]:
        """For the service."""
        return {**self.cleaned_data, "kind": self.kind}


class FolderForm(WatchForm):
    """A watched folder."""

    kind = "folder"
    path = forms.CharField(
        label="Folder", max_length=500, help_text="Below the folder in SALESOPS_WATCH_ROOT."
    )
    pattern = forms.CharField(
        label="File names", max_length=200, initial="*", help_text="With * and ?, such as deals_*.csv."
    )
    field_order = ("name", "path", "pattern", "source", "cron", "mail_to")


class MailboxForm(WatchForm):
    """A watched mailbox."""

    kind = "mailbox"
    host = forms.CharField(
        label="IMAP server", max_length=200, help_text="One of those in SALESOPS_WATCH_HOSTS."
    )
    port = forms.IntegerField(initial=993, min_value=1, max_value=65535)
    tls = forms.BooleanField(label="Encrypted (TLS)", required=False, initial=True)
    user = forms.CharField(
        label="User", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password_variable = forms.CharField(
        label="Variable with the password", max_length=100, initial="SALESOPS_WATCH_PASSWORD_",
        help_text="The name of the server's environment variable. The password itself is never kept here.",
    )  # fmt: skip
    mailbox = forms.CharField(label="Mail folder", max_length=200, initial="INBOX")
    senders = forms.CharField(
        label="Senders",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One a line: addresses, or @domain.",
    )
    subject_pattern = forms.CharField(
        label="Subject",
        max_length=200,
        required=False,
        help_text="With * and ?, such as *pipeline report*. Empty: any.",
    )
    field_order = (
        "name",
        "host",
        "port",
        "tls",
        "user",
        "password_variable",
        "mailbox",
        "senders",
        "subject_pattern",
    )

    def clean_senders(self) -> list[str]:
        """One a line."""
        return [line.strip() for line in self.cleaned_data["senders"].splitlines() if line.strip()]


FORMS = {form.kind: form for form in (FolderForm, MailboxForm)}


def initial_of(row: Any, schedule: Any) -> dict[str, Any]:
    """A watch as its form shows it."""
    found = {
        name: getattr(row, name) for form in FORMS.values() for name in form.base_fields if hasattr(row, name)
    }
    found["mail_to"], found["senders"] = "\n".join(row.mail_to), "\n".join(row.senders)
    found["mapping"] = yaml.safe_dump(row.mapping, sort_keys=False, allow_unicode=True) if row.mapping else ""
    if schedule is not None:
        found |= {"cron": schedule.cron, "zone": schedule.zone}
    return found

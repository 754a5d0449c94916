"""Forms of the account and settings pages, and the fields that other rooms' forms share."""

from __future__ import annotations

from typing import Any

from django import forms

from salesops.platform import selectors
from salesops.platform.access import AREAS
from salesops.platform.token_scopes import TOKEN_SCOPES


class DayField(forms.DateField):
    """A calendar day, written as ISO."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
        super().__init__(
            input_formats=["%Y-%m-%d"],
            error_messages={"invalid": "Write the day as 2026-01-31."},
            **kwargs,
        )


class DecisionForm(forms.Form):
    """What every decision is asked: from when, and why."""

    starts_on = DayField(label="From", required=False, help_text="First day in force. Empty: always.")
    reason = forms.CharField(label="Reason", required=False, max_length=500)


class PasswordForm(forms.Form):
    """A new password; the present one is asked for unless a one-time link has just proved who it is."""

    current = forms.CharField(
        label="Current password", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    password = forms.CharField(
        label="New password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters.",
    )

    def __init__(self, *args: Any, ask_current: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not ask_current:
            del self.fields["current"]


class AccountForm(forms.Form):
    """An account's role, person and state."""

    username = forms.CharField(
        max_length=150, help_text="What they sign in with: letters, digits and @ . + - _"
    )
    name = forms.CharField(max_length=200, required=False, label="Full name")
    email = forms.EmailField(required=False, label="E-mail")
    role = forms.ChoiceField()
    person_id = forms.CharField(
        max_length=200,
        required=False,
        label="Person in the CRM",
        help_text="Id of the person whose records this account sees as their own.",
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
    )
    areas = forms.MultipleChoiceField(
        required=False,
        label="Also administers",
        choices=[(name, title) for name, (title, _) in AREAS.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text="An area adds its pages and actions, never rows of the data.",
    )
    active = forms.BooleanField(required=False, initial=True, label="May sign in")

    def __init__(self, *args: Any, new: bool, areas: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not areas:
            del self.fields["areas"]
        self.fields["role"].choices = [("", "Choose a role"), *selectors.role_choices()]
        self.new = new
        if new:
            del self.fields["active"]
        else:
            del self.fields["username"]

    def clean_username(self) -> str:
        """A new account must not turn into a change of an existing one."""
        username = self.cleaned_data["username"]
        if self.new and selectors.account_named(username) is not None:
            raise forms.ValidationError("There is an account of this name already.")
        return username


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(max_length=120, help_text="What will use it.")
    can_write = forms.BooleanField(required=False, label="May also change things")
    scopes = forms.MultipleChoiceField(
        required=False,
        label="Only for",
        choices=[(scope, f"{scope}: {says}") for scope, says in TOKEN_SCOPES.items()],
        widget=forms.SelectMultiple(attrs={"size": "6"}),
        help_text="None chosen: everything that you may do.",
    )
    expires_on = DayField(label="Valid through", required=False, help_text="Empty: until it is revoked.")


class AuditForm(forms.Form):
    """Filters of the audit page."""

    actor = forms.ChoiceField(required=False)
    action = forms.ChoiceField(required=False)
    subject = forms.CharField(required=False, max_length=300)
    first = DayField(required=False, label="From")
    last = DayField(required=False, label="Through")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        actors, actions = selectors.audit_names()
        self.fields["actor"].choices = [("", "Anybody"), *((name, name) for name in actors)]
        self.fields["action"].choices = [("", "Anything"), *((name, name) for name in actions)]

    def wanted(self) -> selectors.AuditFilter:
        """The filter of what was filled in rightly."""
        return selectors.AuditFilter(**{k: v for k, v in self.cleaned_data.items() if v})


class YamlForm(forms.Form):
    """Decisions as a file or as text."""

    file = forms.FileField(required=False, label="YAML file")
    text = forms.CharField(
        required=False,
        label="or YAML text",
        widget=forms.Textarea(attrs={"rows": 12, "class": "textarea-code", "spellcheck": "false"}),
    )
    reason = forms.CharField(
        required=False,
        max_length=500,
        help_text="For decisions about money that carry no reason of their own.",
    )

    def clean_file(self) -> str:
        """The file's text."""
        file = self.cleaned_data.get("file")
        if file is None:
            return ""
        if file.size > 5_000_000:
            raise forms.ValidationError("The file is larger than 5 MB.")
        try:
            return file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise forms.ValidationError("The file is no UTF-8 text.") from error

    def clean(self) -> dict[str, Any]:
        """One of both."""
        data = super().clean()
        if not self.errors and not (data.get("file") or data.get("text", "").strip()):
            raise forms.ValidationError("Choose a file or paste text.")
        return data

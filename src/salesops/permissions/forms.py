"""Forms of the permission settings."""

from __future__ import annotations

from django import forms

from salesops.facts.tables import SHARED_BY
from salesops.permissions.engine import masks
from salesops.platform.forms import DecisionForm
from salesops.platform.roles import Role

_NEEDED = {"required": "A reason is needed: this touches permissions."}


class VisibilityForm(DecisionForm):
    """The firm's rule."""

    team_records = forms.BooleanField(
        required=False, label="Members of a team see each other's records", help_text="Teams: see People."
    )
    deal_teams = forms.BooleanField(
        required=False,
        label="Deal teams see their deals",
        help_text="Members as the CRM exports them: opportunity team members, splits, collaborators.",
    )
    sharing_tables = forms.MultipleChoiceField(
        required=False,
        label="Never more than the CRM shows",
        choices=[(name, name.capitalize()) for name in SHARED_BY],
        widget=forms.CheckboxSelectMultiple,
        help_text="Needs the CRM's shares, groups and members to be imported; what no share names is then hidden.",
    )
    sharing_managers = forms.BooleanField(
        required=False, label="In the CRM, managers see what those below them see"
    )
    operations_see_all = forms.BooleanField(
        required=False, label="Sales operations see all records nevertheless"
    )
    reason = forms.CharField(max_length=500, error_messages=_NEEDED)
    field_order = (
        "team_records", "deal_teams", "sharing_tables", "sharing_managers", "operations_see_all",
        "reason", "starts_on",
    )  # fmt: skip


class OverlayForm(DecisionForm):
    """A specialist's assignment."""

    person = forms.CharField(
        max_length=200,
        help_text="Id, name or e-mail.",
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
    )
    dimension = forms.ChoiceField(label="Sees the records of")
    value = forms.CharField(max_length=200, label="Called", help_text="As it is spelt in the data.")
    reason = forms.CharField(max_length=500, error_messages=_NEEDED)
    field_order = ("person", "dimension", "value", "reason", "starts_on")

    def __init__(self, *args: object, dimensions: list[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["dimension"].choices = dimensions


class MaskForm(DecisionForm):
    """Columns hidden from roles."""

    name = forms.CharField(max_length=200, help_text="A name for the rule.")
    groups = forms.MultipleChoiceField(
        required=False,
        label="Hide",
        choices=list(masks.GROUPS.items()),
        widget=forms.CheckboxSelectMultiple,
    )
    columns = forms.CharField(
        required=False,
        label="and these columns",
        widget=forms.Textarea(attrs={"rows": 3, "class": "textarea-code", "spellcheck": "false"}),
        help_text="One a line, as table.column: opportunities.next_step, accounts.annual_revenue.",
    )
    roles = forms.MultipleChoiceField(label="From", widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(max_length=500, error_messages=_NEEDED)
    field_order = ("name", "groups", "columns", "roles", "reason", "starts_on")

    def __init__(self, *args: object, sales_roles: list[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        accounts = [(role.value, role.label) for role in Role if role != Role.ADMINISTRATOR]
        people = [(name, f"{name} (sales role)") for name in sales_roles]
        self.fields["roles"].choices = [*accounts, *people]

    def clean(self) -> dict[str, object]:
        """Groups and columns as one list."""
        data = super().clean() or self.cleaned_data
        lines = [line.strip() for line in data.get("columns", "").splitlines() if line.strip()]
        wrong = [line for line in lines if "." not in line]
        if wrong:
            self.add_error("columns", f"Write table.column, not {wrong[0]!r}.")
        wanted = [*data.pop("groups", []), *lines]
        if not wanted and not self.errors:
            self.add_error("columns", "Choose a group or name a column.")
        data["columns"] = wanted
        return data


class ExplainForm(forms.Form):
    """Whose access, and which record."""

    account = forms.ChoiceField(label="Account")
    table = forms.ChoiceField(required=False, label="Records")
    record = forms.CharField(max_length=300, required=False, label="Record id")

    def __init__(
        self, *args: object, accounts: list[str], tables: list[tuple[str, str]], **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = [("", "Choose an account"), *((a, a) for a in accounts)]
        self.fields["table"].choices = tables

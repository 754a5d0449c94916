"""The canonical fact tables: grain, key, columns.

One declaration serves the store (schema), the importer (what a file's column may be mapped
to), row security (which column names the owner), the data dictionary page and the reference
documentation. A company's own columns are kept beside these as ``x_<name>`` extras; they are
declared by the mapping decision, not here.

Types: ``text``; ``date`` (a calendar day, never shifted by a time zone); ``instant`` (UTC);
``integer``; ``money`` (DECIMAL(19,4) in the currency of the row's ``currency`` column);
``rate`` (DECIMAL(19,6); a fraction, 0.25 = 25 %); ``boolean``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["text", "date", "instant", "integer", "money", "rate", "boolean"]

EXTRA_PREFIX = "x_"
"""Name prefix of a company's own columns, kept from its files as they came."""


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Attributes:
        name: snake_case name, unique in the table.
        type: one of :data:`ColumnType`.
        meaning: one sentence a sales-ops analyst understands.
        references: the table whose key this column holds, or "".
        label_of: for a display name kept beside a reference (``account_name``): the
            reference column it names (``account_id``). Files without ids carry only this.
    """

    name: str
    type: ColumnType
    meaning: str
    references: str = ""
    label_of: str = ""


@dataclass(frozen=True)
class Table:
    """One canonical table.

    Attributes:
        name: plural snake_case name.
        grain: what one row is.
        columns: business columns, key first. System columns are added by the store.
        key: columns that identify a row.
        label: the column people call a record by; the key where there is none.
        owner: column holding the user id that row security follows, or "".
        parent: ``(table, column)`` whose visibility a row inherits, or None. A table with
            neither owner nor parent is visible to everybody who may read facts.
        restricted: only readers without any bound on rows see the table: it names records of everybody.
        month: date or instant column that partitions a growing table by month, or "".
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)
    label: str = "id"
    owner: str = ""
    parent: tuple[str, str] | None = None
    month: str = ""
    restricted: bool = False
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {c.name: c for c in self.columns})


def _c(name: str, type_: ColumnType, meaning: str, references: str = "", label_of: str = "") -> Column:
    return Column(name, type_, meaning, references, label_of)


_CREATED = (
    _c("created_on", "date", "Day the record was created, where the source gives a day."),
    _c("created_at", "instant", "Instant the record was created, where the source gives a time."),
)
_OWNER = (
    _c("owner_id", "text", "User who owns the record.", "users"),
    _c("owner_name", "text", "Owner as the source spells it.", label_of="owner_id"),
)
_ACCOUNT = (
    _c("account_id", "text", "Account the record belongs to.", "accounts"),
    _c("account_name", "text", "Account as the source spells it.", label_of="account_id"),
)
_PRODUCT = (
    _c("product_id", "text", "Product of the row.", "products"),
    _c("product_name", "text", "Product as the source spells it.", label_of="product_id"),
)
_MONEY = (
    _c("amount", "money", "Amount in the row's currency."),
    _c("currency", "text", "ISO 4217 code; empty where the source names none."),
)
_OPPORTUNITY = _c("opportunity_id", "text", "Opportunity the row belongs to.", "opportunities")
_CONTACT = _c("contact_id", "text", "Contact the row belongs to.", "contacts")

SYSTEM_COLUMNS: tuple[Column, ...] = (
    _c("source", "text", "System the record came from, as named by the mapping."),
    _c("first_seen_on", "date", "Data date of the first file that held the record."),
    _c("last_seen_on", "date", "Data date of the latest file that held the record."),
    _c("import_id", "text", "Import that last wrote the row."),
    _c("source_row", "integer", "Row number in that import's file, counted from 1 at the top of the file."),
    _c("implied", "boolean", "True where no file describes the record and only a reference names it."),
    _c("deleted_on", "date", "Data date of the complete file that no longer held the record."),
)
"""Columns the store adds to every table but ``changes``."""

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        Table(
            "users",
            "One person who sells, manages or works in the CRM.",
            (
                _c("id", "text", "User id, or the name where the source has none."),
                _c("name", "text", "Full name."),
                _c("email", "text", "E-mail address."),
                _c("manager_id", "text", "User this person reports to, as the source says.", "users"),
                _c("manager_name", "text", "Manager as the source spells the name.", label_of="manager_id"),
                _c("team", "text", "Team, as the source says."),
                _c("region", "text", "Region or office."),
                _c("role", "text", "Sales role (SDR, AE, AM, manager ...), as the source says."),
                _c("title", "text", "Job title."),
                _c("is_active", "boolean", "Whether the login is active."),
                _c("hired_on", "date", "First day in the firm."),
                _c("left_on", "date", "Last day in the firm."),
                *_CREATED,
            ),
            label="name",
        ),
        Table(
            "accounts",
            "One customer or prospect company.",
            (
                _c("id", "text", "Account id, or the name where the source has none."),
                _c("name", "text", "Company name."),
                *_OWNER,
                _c("parent_id", "text", "Parent company.", "accounts"),
                _c("parent_name", "text", "Parent company as the source spells it.", label_of="parent_id"),
                _c("type", "text", "Customer, prospect, partner ..."),
                _c("industry", "text", "Industry or sector."),
                _c("segment", "text", "Size segment."),
                _c("employees", "integer", "Number of employees."),
                _c("annual_revenue", "money", "The company's own yearly revenue."),
                _c("website", "text", "Web address."),
                _c("phone", "text", "Phone."),
                _c("city", "text", "City."),
                _c("state", "text", "State or province."),
                _c("country", "text", "Country, as the source spells it."),
                _c("founded_year", "integer", "Year established."),
                _c("currency", "text", "ISO 4217 code of the money columns."),
                *_CREATED,
            ),
            label="name",
            owner="owner_id",
        ),
        Table(
            "contacts",
            "One person at an account.",
            (
                _c("id", "text", "Contact id."),
                _c("name", "text", "Full name."),
                *_ACCOUNT,
                *_OWNER,
                _c("email", "text", "E-mail address."),
                _c("phone", "text", "Phone."),
                _c("title", "text", "Job title."),
                _c("department", "text", "Department."),
                _c("lifecycle_stage", "text", "Lifecycle stage, as the source says."),
                *_CREATED,
            ),
            label="name",
            owner="owner_id",
        ),
        Table(
            "leads",
            "One lead.",
            (
                _c("id", "text", "Lead id."),
                _c("name", "text", "Full name."),
                _c("company", "text", "Company, as entered."),
                *_OWNER,
                _c("email", "text", "E-mail address."),
                _c("phone", "text", "Phone."),
                _c("title", "text", "Job title."),
                _c("status", "text", "Lead status."),
                _c("lead_source", "text", "Where the lead came from."),
                _c("industry", "text", "Industry."),
                _c("country", "text", "Country."),
                _c("is_converted", "boolean", "Whether the lead became an opportunity or contact."),
                _c("converted_on", "date", "Day of conversion."),
                _c("converted_opportunity_id", "text", "Opportunity it became.", "opportunities"),
                *_CREATED,
            ),
            label="name",
            owner="owner_id",
        ),
        Table(
            "opportunities",
            "One sales opportunity (deal).",
            (
                _c("id", "text", "Opportunity id, or a key composed from stable columns."),
                _c("name", "text", "Opportunity name."),
                *_ACCOUNT,
                *_OWNER,
                _c("pipeline", "text", "Pipeline (sales process); empty where there is one."),
                _c("stage", "text", "Stage, as the source spells it."),
                _c("status", "text", "Open, won or lost status where the source keeps one beside the stage."),
                _c("is_closed", "boolean", "Closed flag of the source."),
                _c("is_won", "boolean", "Won flag of the source."),
                _c("type", "text", "New business, renewal, expansion ..., as the source says."),
                _c("forecast_category", "text", "Forecast category, as the source says."),
                *_MONEY,
                _c("list_price", "money", "List price, where the source keeps one beside the amount."),
                _c("quantity", "integer", "Units."),
                _c("probability", "rate", "Win probability the source states, as a fraction."),
                *_CREATED,
                _c("first_interaction_on", "date", "Day of the first interaction with the buyer."),
                _c("close_on", "date", "Close date: expected while open, actual once won or lost."),
                _c("expected_close_on", "date", "Expected close date, where kept apart from the actual one."),
                _c("last_activity_on", "date", "Day of the latest activity the source counted."),
                _c("last_stage_change_on", "date", "Day the stage last changed."),
                _c("last_modified_at", "instant", "Instant of the last edit in the source."),
                _c("next_step", "text", "Next step."),
                *_PRODUCT,
                _c("lead_source", "text", "Where the deal came from."),
                _c("campaign_id", "text", "Primary campaign.", "campaigns"),
                _c("contact_name", "text", "Main contact as the source spells it."),
                _c(
                    "collaborators",
                    "text",
                    "Ids of users who work on the deal beside its owner, with ; between.",
                ),
                _c("loss_reason", "text", "Reason for loss."),
                _c("competitor", "text", "Competitor."),
                _c("region", "text", "Region or territory label on the deal."),
                _c("description", "text", "Free text."),
            ),
            label="name",
            owner="owner_id",
        ),
        Table(
            "opportunity_contacts",
            "One contact's role on one opportunity.",
            (
                _c("id", "text", "Row id, or opportunity and contact."),
                _OPPORTUNITY,
                _CONTACT,
                _c("role", "text", "Decision maker, champion ..."),
                _c("is_primary", "boolean", "Whether this is the main contact."),
            ),
            parent=("opportunities", "opportunity_id"),
        ),
        Table(
            "opportunity_team",
            "One person's part in one opportunity: team member, or credit share (split).",
            (
                _c("id", "text", "Row id, or opportunity, user and role."),
                _OPPORTUNITY,
                _c("user_id", "text", "Person credited.", "users"),
                _c("user_name", "text", "Person as the source spells the name.", label_of="user_id"),
                _c("role", "text", "Role on the deal."),
                _c(
                    "share",
                    "rate",
                    "Share of the credit; the shares of one deal sum to 1, overlays come on top.",
                ),
                _c("is_overlay", "boolean", "Whether the credit comes on top of the full split."),
            ),
            parent=("opportunities", "opportunity_id"),
        ),
        Table(
            "opportunity_lines",
            "One product line of one opportunity.",
            (
                _c("id", "text", "Line id."),
                _OPPORTUNITY,
                *_PRODUCT,
                _c("quantity", "rate", "Units."),
                _c("unit_price", "money", "Price of one unit after discount."),
                _c("list_price", "money", "List price of one unit."),
                _c("discount", "rate", "Discount as a fraction of list."),
                *_MONEY,
            ),
            parent=("opportunities", "opportunity_id"),
        ),
        Table(
            "products",
            "One product of the catalogue.",
            (
                _c("id", "text", "Product id, or the name where the source has none."),
                _c("name", "text", "Product name."),
                _c("code", "text", "Product code."),
                _c("family", "text", "Product family or series."),
                _c("list_price", "money", "List price."),
                _c("currency", "text", "ISO 4217 code of the list price."),
                _c("is_active", "boolean", "Whether the product is sold."),
            ),
            label="name",
        ),
        Table(
            "activities",
            "One call, mail, meeting or task.",
            (
                _c("id", "text", "Activity id."),
                _c("type", "text", "call, email, meeting, task ..."),
                _c("subject", "text", "Subject."),
                *_OWNER,
                *_ACCOUNT,
                _OPPORTUNITY,
                _CONTACT,
                _c("lead_id", "text", "Lead it was with.", "leads"),
                _c("status", "text", "Status."),
                _c("direction", "text", "inbound or outbound."),
                _c("is_automatic", "boolean", "Sent by a machine, not a person."),
                _c("starts_at", "instant", "When it began (or was due)."),
                _c("happened_on", "date", "Day it happened, where the source gives only a day."),
                _c("minutes", "integer", "Duration in minutes."),
            ),
            owner="owner_id",
            label="subject",
            month="starts_at",
        ),
        Table(
            "campaigns",
            "One marketing campaign.",
            (
                _c("id", "text", "Campaign id."),
                _c("name", "text", "Campaign name."),
                _c("type", "text", "Channel or type."),
                _c("starts_on", "date", "First day."),
                _c("ends_on", "date", "Last day."),
                _c("cost", "money", "Actual cost."),
                _c("currency", "text", "ISO 4217 code of the cost."),
            ),
            label="name",
        ),
        Table(
            "touches",
            "One marketing touch of one person.",
            (
                _c("id", "text", "Touch id."),
                _c("campaign_id", "text", "Campaign.", "campaigns"),
                _c("lead_id", "text", "Lead touched.", "leads"),
                _CONTACT,
                *_ACCOUNT,
                _OPPORTUNITY,
                _c("type", "text", "Kind of touch."),
                _c("happened_at", "instant", "When."),
            ),
            parent=("accounts", "account_id"),
            month="happened_at",
        ),
        Table(
            "record_shares",
            "One record that the CRM shows to one user or group: its own sharing.",
            (
                _c("id", "text", "Share id, or record and user or group."),
                _c("object", "text", "Object of the record, where one file holds shares of several."),
                _c("record_id", "text", "Record shared, where one file holds shares of several objects."),
                _c("opportunity_id", "text", "Opportunity shared."),
                _c("account_id", "text", "Account shared."),
                _c("contact_id", "text", "Contact shared."),
                _c("lead_id", "text", "Lead shared."),
                _c("principal_id", "text", "User or group that the record is shared with."),
                _c("access", "text", "Access level: read, edit, all; none shows nothing."),
                _c("reason", "text", "Why it is shared: owner, rule, team, manual ..."),
            ),
            restricted=True,
        ),
        Table(
            "group_members",
            "One member of one group of the CRM (public group, queue, role, territory).",
            (
                _c("id", "text", "Row id, or group and member."),
                _c("group_id", "text", "Group."),
                _c("group_name", "text", "Group as the source spells it."),
                _c("member_id", "text", "User in the group, or a group inside it."),
            ),
            restricted=True,
        ),
        Table(
            "orders",
            "One order.",
            (
                _c("id", "text", "Order id."),
                _OPPORTUNITY,
                *_ACCOUNT,
                *_OWNER,
                _c("status", "text", "Order status."),
                _c("ordered_on", "date", "Order date."),
                *_MONEY,
            ),
            owner="owner_id",
        ),
        Table(
            "invoices",
            "One invoice.",
            (
                _c("id", "text", "Invoice id."),
                _c("order_id", "text", "Order billed.", "orders"),
                *_ACCOUNT,
                _c("issued_on", "date", "Issue date."),
                _c("due_on", "date", "Due date."),
                *_MONEY,
            ),
            parent=("accounts", "account_id"),
        ),
        Table(
            "payments",
            "One payment received.",
            (
                _c("id", "text", "Payment id."),
                _c("invoice_id", "text", "Invoice paid.", "invoices"),
                _c("order_id", "text", "Order paid.", "orders"),
                *_ACCOUNT,
                _c("paid_on", "date", "Day received."),
                *_MONEY,
            ),
            parent=("accounts", "account_id"),
        ),
        Table(
            "contracts",
            "One contract.",
            (
                _c("id", "text", "Contract id."),
                *_ACCOUNT,
                *_OWNER,
                _OPPORTUNITY,
                _c("status", "text", "Contract status."),
                _c("starts_on", "date", "First day."),
                _c("ends_on", "date", "Last day."),
                _c("notice_days", "integer", "Days of notice before the end."),
                *_MONEY,
            ),
            owner="owner_id",
        ),
        Table(
            "spend",
            "One amount of sales or marketing spend in one month.",
            (
                _c("id", "text", "Row id."),
                _c("month_on", "date", "First day of the month it belongs to."),
                _c("function", "text", "sales or marketing."),
                _c("category", "text", "Salaries, tools, events ..."),
                _c("segment", "text", "Segment it served."),
                *_MONEY,
            ),
        ),
        Table(
            "exchange_rates",
            "One currency's rate to another from one day on.",
            (
                _c("id", "text", "From, to and day."),
                _c("from_currency", "text", "ISO 4217 code."),
                _c("to_currency", "text", "ISO 4217 code."),
                _c("valid_on", "date", "First day the rate holds; it holds until the next one."),
                _c("rate", "rate", "Units of the second currency for one unit of the first."),
            ),
        ),
        Table(
            "changes",
            "One change of one field of one record.",
            (
                _c("object", "text", "Table the record belongs to."),
                _c("object_id", "text", "Key of the record."),
                _c("field", "text", "Column that changed."),
                _c("old", "text", "Value before, as canonical text; null where there was none."),
                _c("new", "text", "Value after, as canonical text; null where it was cleared."),
                _c("valid_at", "instant", "When the change was true in the source."),
                _c("recorded_at", "instant", "When this store learned of it."),
                _c("source", "text", "history (the source's own log) or difference (two files compared)."),
                _c("changed_by", "text", "User who made the change, where the source says.", "users"),
                _c("import_id", "text", "Import that wrote the row."),
            ),
            key=("object", "object_id", "field", "valid_at"),
            month="valid_at",
        ),
    )
}
"""Every canonical table by name."""

SHARED_BY: dict[str, tuple[str, tuple[str, ...]]] = {
    "opportunities": ("opportunity_id", ("opportunities", "opportunity", "deal", "deals")),
    "accounts": ("account_id", ("accounts", "account", "company", "companies")),
    "contacts": ("contact_id", ("contacts", "contact")),
    "leads": ("lead_id", ("leads", "lead")),
}
"""Table that the CRM's sharing may govern -> column of ``record_shares`` naming its records, and what its
object is called there."""

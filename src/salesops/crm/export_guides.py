"""Which report to save from which CRM, click by click. Declared texts; menus as the vendors name them.

Vendors move buttons between versions and editions; the steps name what has stayed, and say "or"
where two names are in use.
"""

# ruff: noqa: E501, ISC004 (one step of a recipe is one line)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

What = Literal["deals", "history", "people", "accounts", "products"]

WHAT: Mapping[What, str] = {
    "deals": "Deals",
    "history": "History of stages",
    "people": "People",
    "accounts": "Accounts",
    "products": "Products",
}


@dataclass(frozen=True)
class Guide:
    """How to save one report from one system."""

    what: What
    steps: tuple[str, ...]
    columns: tuple[str, ...] = ()
    rights: str = ""


@dataclass(frozen=True)
class System:
    """One CRM and its reports."""

    key: str
    name: str
    guides: tuple[Guide, ...]

    def guide(self, what: What) -> Guide | None:
        """The report of a kind, where the system has one that users can save."""
        return next((g for g in self.guides if g.what == what), None)


_SALESFORCE_SAVE = (
    "Press Save & Run, then the arrow beside Edit, then Export.",
    "Choose Details Only (best) or Formatted Report, the format CSV or Excel, and save.",
)
_DYNAMICS_SAVE = "On the command bar choose Export to Excel, Static Worksheet; for more than one page, the variant for all pages."
_PIPEDRIVE_SAVE = (
    "Open the list view, remove every filter, and choose the columns by the gear at the right of the header.",
    "Press the three dots above the list, then Export filter results; or account menu, Tools and apps, Export data.",
)

SYSTEMS: Mapping[str, System] = {
    system.key: system
    for system in (
        System(
            "salesforce",
            "Salesforce",
            (
                Guide(
                    "deals",
                    (
                        "Open the Reports tab (App Launcher, Reports) and press New Report.",
                        "Choose the report type Opportunities and press Start Report.",
                        "Under Filters set Show Me to All Opportunities, Close Date to All Time, and Opportunity Status to Any.",
                        "Under Outline, Columns, add the columns below.",
                        *_SALESFORCE_SAVE,
                    ),
                    (
                        "Opportunity ID", "Opportunity Name", "Account Name", "Opportunity Owner", "Stage", "Type", "Amount",
                        "Created Date", "Close Date", "Next Step", "Lead Source", "Last Activity",
                    ),
                ),
                Guide(
                    "history",
                    (
                        "Reports, New Report, and search for the report type Opportunity History "
                        "(or Opportunity Field History, if field tracking is on).",
                        "Set Show Me to All Opportunities and the date range to All Time.",
                        "Add Opportunity ID to the columns.",
                        *_SALESFORCE_SAVE,
                    ),
                    ("Opportunity ID", "Opportunity Name", "From Stage", "To Stage", "Amount", "Close Date", "Last Modified"),
                ),
                Guide(
                    "people",
                    (
                        "Reports, New Report, and choose the report type Users.",
                        "Add the columns below, remove the filter on active users.",
                        *_SALESFORCE_SAVE,
                    ),
                    ("User ID", "Full Name", "Email", "Role", "Manager", "Active"),
                    "Some editions show the Users report type to administrators only; the rep-to-manager list can then be "
                    "pasted under Settings, People.",
                ),
                Guide(
                    "accounts",
                    ("Reports, New Report, report type Accounts.", "Set Show Me to All Accounts.", *_SALESFORCE_SAVE),
                    ("Account ID", "Account Name", "Account Owner", "Industry", "Type", "Billing Country", "Employees"),
                ),
                Guide(
                    "products",
                    ("Reports, New Report, report type Opportunities with Products.", *_SALESFORCE_SAVE),
                    ("Opportunity ID", "Product Name", "Product Code", "Quantity", "Sales Price", "List Price"),
                ),
            ),
        ),
        System(
            "hubspot",
            "HubSpot",
            (
                Guide(
                    "deals",
                    (
                        "Open CRM, Deals, the table view All deals, and clear its filters.",
                        "Press Export (in some accounts under Actions or the table's menu: Export view).",
                        "Choose CSV or XLSX and, under what to include, All properties on records; include associations.",
                        "HubSpot sends the file by e-mail and in the notifications.",
                    ),
                    (
                        "Record ID", "Deal Name", "Deal Stage", "Pipeline", "Deal owner", "Amount", "Create Date", "Close Date",
                        "Deal Type", "Associated Company",
                    ),
                ),
                Guide(
                    "history",
                    (
                        "Export the deals with all properties: the columns named Date entered followed by a stage hold the history.",
                        "If they are missing, add them under Edit columns by searching for Date entered.",
                    ),
                    ("Record ID", "Date entered ... (one column a stage)"),
                ),
                Guide(
                    "people",
                    ("Open Settings, Users & Teams, and press Export users.",),
                    ("Name", "Email", "Team"),
                    "Needs the right to manage users; the rep-to-manager list can be pasted under Settings, People.",
                ),
                Guide("accounts", ("Open CRM, Companies, All companies, press Export, and include all properties.",)),
                Guide("products", ("Open Settings, Objects, Products & Services (or Commerce, Products), and press Export.",)),
            ),
        ),
        System(
            "pipedrive",
            "Pipedrive",
            (
                Guide(
                    "deals",
                    ("Open Deals.", *_PIPEDRIVE_SAVE),
                    (
                        "ID", "Title", "Owner", "Organization", "Stage", "Status", "Value", "Currency", "Deal created",
                        "Expected close date", "Won time", "Lost time", "Lost reason",
                    ),
                ),
                Guide("people", ("Open the account menu, Company settings, Manage users, and save the list.",), (),
                      "Needs an administrator; the rep-to-manager list can be pasted under Settings, People."),
                Guide("accounts", ("Open Contacts, Organizations.", *_PIPEDRIVE_SAVE)),
                Guide("products", ("Open Products.", *_PIPEDRIVE_SAVE)),
            ),
        ),
        System(
            "dynamics",
            "Dynamics 365 Sales",
            (
                Guide(
                    "deals",
                    (
                        "Open the Sales Hub, Opportunities, and choose the view All Opportunities.",
                        "Press Edit columns and add the columns below.",
                        _DYNAMICS_SAVE,
                    ),
                    (
                        "Topic", "Potential Customer", "Owner", "Status", "Status Reason", "Pipeline Phase", "Est. Revenue",
                        "Actual Revenue", "Created On", "Est. Close Date", "Actual Close Date",
                    ),
                ),
                Guide(
                    "history",
                    ("Open one opportunity, Related, Audit History; for all of them ask an administrator for an export of the audit log.",),
                    (),
                    "Auditing must be on.",
                ),
                Guide("people", ("Open Advanced Settings, Security, Users, the view Enabled Users.", _DYNAMICS_SAVE),
                      ("Full Name", "Primary Email", "Manager", "Title"),
                      "Needs a security role that may read users; the rep-to-manager list can be pasted under Settings, People."),
                Guide("accounts", ("Open the Sales Hub, Accounts, the view All Accounts.", _DYNAMICS_SAVE)),
                Guide("products", ("Open the Sales Hub, Products (under App Settings in newer versions), All Products.", _DYNAMICS_SAVE)),
            ),
        ),
        System(
            "plain",
            "Another system or a spreadsheet",
            (
                Guide(
                    "deals",
                    (
                        "Find the list of all deals, opportunities or quotes, and clear its filters, the one on closed deals above all.",
                        "Add the columns below and save the list as CSV or Excel.",
                    ),
                    ("Id", "Name", "Account", "Owner", "Stage", "Amount", "Created", "Closed or expected to close"),
                ),
                Guide(
                    "history",
                    (
                        "Look for a report of stage changes, an audit trail or a field history, with one row per change.",
                        "Without one, import a fresh export every week: the changes are kept from then on. Old dated exports "
                        "become history too; import them together.",
                    ),
                    ("Deal id", "Field", "Old value", "New value", "Changed at"),
                ),
                Guide("people", ("A list of reps with their managers; it can also be pasted under Settings, People.",),
                      ("Name", "E-mail", "Manager", "Team", "Region")),
                Guide("accounts", ("The list of customers and prospects.",), ("Name", "Industry", "Country", "Owner")),
                Guide("products", ("The price list.",), ("Product", "Family", "List price")),
            ),
        ),
    )
}  # fmt: skip
"""Systems by the key under which the importer recognises them; ``plain`` for every other one."""

_REPORTS: Mapping[str, What] = {
    "created_amounts": "history",
    "changes": "history",
    "stage_visits": "history",
    "stage_entries": "history",
    "stage_presence": "history",
    "standing": "history",
    "close_moves": "history",
    "opening": "history",
    "ramp": "people",
    "owner_id": "people",
    "owner_name": "people",
    "manager_name": "people",
    "team": "people",
    "region": "people",
    "industry": "accounts",
    "segment": "accounts",
    "product_name": "products",
    "product_family": "products",
    "list_price": "products",
}


_WITHOUT_GUIDE = frozenset({"activities", "selling_time", "people", "leads", "spend", "revenue", "calendar"})
"""Frames that no report described here brings: what is missing says by itself what to export."""


def report_for(column: str, frame: str = "deals") -> What | None:
    """Which report brings a column that is missing; None where no guide describes one."""
    if frame in _WITHOUT_GUIDE:
        return None
    return _REPORTS.get(frame) or _REPORTS.get(column) or "deals"


def systems(recognised: Sequence[str]) -> list[System]:
    """Systems as a page offers them: those recognised in the imported files first."""
    first = [SYSTEMS[key] for key in dict.fromkeys(recognised) if key in SYSTEMS and key != "plain"]
    return [*first, *(s for s in SYSTEMS.values() if s not in first)]

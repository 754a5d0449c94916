"""Every named page: where it stands in the small firm, and who may open it.

A page that is not listed here fails :func:`test_every_named_page_is_listed`; so adding a page means saying
who sees it, and it is looked at in both themes and at phone width from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.browser.homes import ROLES

ALL = frozenset(ROLES)
OPERATIONS = ALL - {"rep", "sales_manager", "auditor"}
DATA = ALL - {"rep", "sales_manager"}
DECIDERS = OPERATIONS - {"ops_representative"}
AUDITORS = frozenset({"auditor", "administrator", "ops_vp", "ops_manager"})
ADMINISTRATOR = frozenset({"administrator"})
SENDERS = OPERATIONS | {"sales_manager"}
HOOKS = frozenset({"ops_manager", "ops_vp", "administrator"})


@dataclass(frozen=True)
class Named:
    """One named page.

    Attributes:
        path: address; ``{deal}`` and the like stand for what the home knows.
        roles: who gets it; everybody else is refused.
        more: further states of the page that look different, as query strings.
    """

    path: str
    roles: frozenset[str] = ALL
    more: tuple[str, ...] = ()


PAGES: Mapping[str, Named] = {
    "home": Named("/", ALL, ("?period=all&split=manager_name",)),
    "changes": Named("/changes/"),
    "monday": Named("/monday/", ALL, ("?period=2019-Q1", "?about={deal}")),
    "one_to_one": Named("/monday/with/{person}/"),
    "action_items": Named("/actions/", ALL, ("?state=all",)),
    "dashboards": Named("/dashboards/"),
    "dashboard": Named("/dashboards/{dashboard}/", ALL, ("?period=2026-Q3&filter=amount:gt:1000",)),
    "dashboard_ready": Named("/dashboards/ready/leader/"),
    "dashboard_new": Named("/dashboards/new/", ALL - {"auditor"}),
    "dashboard_edit": Named("/dashboards/{dashboard}/edit/", ADMINISTRATOR),
    "dashboard_tile": Named("/dashboards/{dashboard}/tiles/new/?kind=table", ADMINISTRATOR, ("?kind=text",)),
    "numbers": Named("/numbers/", ALL, ("?period=2019-Q1",)),
    "number": Named(
        "/numbers/win_rate_count/", ALL, ("?period=2026-Q3&by=stage&filter=amount:gt:1000&reported=1",)
    ),
    "number_rows": Named("/numbers/won_value/rows/?period=2026-Q3"),
    "own_numbers": Named("/own-numbers/"),
    "own_number_new": Named("/own-numbers/new/", DECIDERS),
    "own_number": Named("/own-numbers/{own_name}/", DECIDERS),
    "number_restated": Named("/numbers/won_value/restated/?period=2026-Q3", ALL, ("?period=all",)),
    "fair_comparison": Named("/fair-comparison/", ALL, ("?period=2026&measure=value_per_month",)),
    "outcomes": Named("/outcomes/", ALL, ("?period=2026-Q3&against=period",)),
    "win_loss": Named("/win-loss/", ALL, ("?period=2026&lost_from=Proposal", "?period=all")),
    "calibration": Named("/calibration/", ALL, ("?on=2026-06-30&by=stage",)),
    "moved": Named("/moved/", ALL, ("?every=quarter",)),
    "replay": Named("/replay/", ALL, ("?day=2026-09-01",)),
    "feeds": Named("/feeds/", ALL - {"auditor"}),
    "all_feeds": Named("/feeds/all/", ADMINISTRATOR),
    "panel": Named("/panel/?record={deal}"),
    "webhooks": Named("/settings/webhooks/", HOOKS),
    "webhook": Named("/settings/webhooks/{webhook}/", HOOKS, ("?state=waiting",)),
    "qbr": Named("/business-review/", ALL, ("?period=2026-Q3",)),
    "subscriptions": Named("/subscriptions/", ALL, ("?page=/pipeline/",)),
    "subscription_new": Named("/subscriptions/new/?page=/pipeline/%3Fstatus%3Dopen", SENDERS),
    "subscription": Named("/subscriptions/{subscription}/", ADMINISTRATOR),
    "subscription_change": Named("/subscriptions/{subscription}/change/", ADMINISTRATOR),
    "delivery": Named("/deliveries/{sent}/", ADMINISTRATOR),
    "findings": Named("/findings/", ALL, ("?state=all",)),
    "finding_new": Named("/findings/new/?page=/numbers/won_value/", SENDERS),
    "finding": Named("/findings/{finding}/", ADMINISTRATOR),
    "alerts": Named("/alerts/", ALL),
    "runs": Named("/runs/"),
    "run": Named("/runs/{run}/", ADMINISTRATOR | {"auditor"}),
    "reconcile": Named("/numbers/won_value/reconcile/", OPERATIONS),
    "reconciled": Named("/numbers/won_value/reconcile/{reconciliation}/", OPERATIONS),
    "pipeline": Named(
        "/pipeline/?size=25", ALL, ("?panel=filter&size=25", "?panel=columns&size=25", "?q=no+such+deal")
    ),
    "deal": Named("/pipeline/{deal}/"),
    "ask": Named(
        "/ask/?q=won+value+by+rep+in+2026+compared+with+2025",
        ALL,
        ("?q=fancy+win+rate", "?q=show+open+deals", "?q=win+rate+except+Narnia", "?q=sales+cycle"),
    ),
    "waterfall": Named("/waterfall/", ALL, ("?close=2026-Q3&from=2026-06-30",)),
    "waterfall_deals": Named("/waterfall/opening/?from=2026-06-30"),
    "inspection": Named("/pipeline-inspection/", ALL, ("?split=owner&period=2026-Q4",)),
    "inspection_deals": Named("/pipeline-inspection/any/", ALL, ("?sort=stage",)),
    "inspection_stays": Named("/pipeline-inspection/time-in-stage/?from=0"),
    "pipeline_accounts": Named("/accounts/"),
    "pipeline_account": Named("/account/{account}/"),
    "data": Named("/data/", DATA),
    "import_new": Named("/data/import/", OPERATIONS),
    "import_confirm": Named("/data/imports/{waiting}/confirm/", DATA),
    "import_detail": Named("/data/imports/{import}/", DATA),
    "data_supports": Named("/data/supports/", DATA),
    "faults": Named("/data/faults/"),
    "fault_rows": Named("/data/faults/DQ12/"),
    "quarantine": Named("/data/quarantine/", DATA),
    "quarantine_row": Named("/data/quarantine/{quarantined}/", DATA),
    "quotas": Named("/plan/quotas/", DATA),
    "settings": Named("/settings/", DATA),
    "company": Named("/settings/company/", DATA),
    "people": Named("/settings/people/", DATA),
    "stages": Named("/settings/stages/", DATA),
    "repairs": Named("/settings/repairs/", DATA),
    "amount_rules": Named("/settings/amounts/", DATA),
    "record_links": Named("/settings/links/", DATA),
    "watches": Named("/settings/watches/", DATA),
    "watch_new": Named("/settings/watches/new/mailbox/", DECIDERS),
    "watch": Named("/settings/watches/{watch}/", DATA),
    "jobs": Named("/jobs/"),
    "schedules": Named("/settings/schedules/", ALL - {"rep", "auditor"}),
    "decisions": Named("/settings/decisions/", DATA),
    "decision_kind": Named("/settings/decisions/quota/", DATA),
    "decision_history": Named("/settings/decisions/record_link/history/?subject=crm/opportunities", DATA),
    "decisions_import": Named("/settings/decisions/import/", DECIDERS),
    "my_account": Named("/settings/me/"),
    "password": Named("/settings/me/password/"),
    "accounts": Named("/settings/accounts/", ADMINISTRATOR),
    "account_new": Named("/settings/accounts/new/", ADMINISTRATOR),
    "account_change": Named("/settings/accounts/{user}/", ADMINISTRATOR),
    "all_tokens": Named("/settings/tokens/", ADMINISTRATOR),
    "visibility": Named("/settings/visibility/", ADMINISTRATOR | {"auditor"}),
    "field_masks": Named("/settings/masks/", ADMINISTRATOR | {"auditor"}),
    "access_explain": Named(
        "/settings/access/",
        ADMINISTRATOR | {"auditor"},
        ("?account=the-rep",),
    ),
    "my_access": Named("/settings/me/access/"),
    "audit": Named("/audit/", AUDITORS),
    "job": Named("/jobs/{job}/", OPERATIONS),
    "mfa_index": Named("/accounts/2fa/"),
    "mfa_activate_totp": Named("/accounts/2fa/totp/activate/"),
    "mfa_add_webauthn": Named("/accounts/2fa/webauthn/add/"),
    "mfa_list_webauthn": Named("/accounts/2fa/webauthn/"),
    "account_logout": Named("/accounts/logout/"),
}
"""Pages of people who are signed in."""

OUTSIDE: Mapping[str, str] = {
    "sign_in": "/sign-in/not-a-link/",
    "account_login": "/accounts/login/",
    "mfa_authenticate": "/accounts/2fa/authenticate/",
    "account_reset_password": "/accounts/password/reset/",
    "account_reset_password_done": "/accounts/password/reset/done/",
    "account_reset_password_from_key": "/accounts/password/reset/key/1-x/",
    "account_reset_password_from_key_done": "/accounts/password/reset/key/done/",
    "account_signup": "/accounts/signup/",
    "account_inactive": "/accounts/inactive/",
    "account_confirm_email": "/accounts/confirm-email/no-key/",
    "account_email_verification_sent": "/accounts/confirm-email/",
}
"""Pages without an account."""

NO_PAGE: Mapping[str, str] = {
    "import_map": "takes a mapping file",
    "import_mapping": "a file",
    "import_reopen": "a form's target",
    "quarantine_dismiss": "a form's target",
    "quarantine_download": "a file",
    "fault_repair": "a form's target",
    "fault_repair_undo": "a form's target",
    "number_keep": "a form's target",
    "dashboard_change": "a form's target",
    "own_number_check": "a form's target",
    "pipeline_view_save": "a form's target",
    "pipeline_view_change": "a form's target",
    "decisions_export": "a file",
    "decision_publish": "a form's target",
    "mcp": "messages of an assistant",
    "feed": "rows for a spreadsheet",
    "feed_revoke": "a form's target",
    "token_revoke": "a form's target",
    "session_end": "a form's target",
    "sessions_end": "a form's target",
    "account_unlock": "a form's target",
    "account_factors": "a form's target",
    "account_sessions": "a form's target",
    "account_token_revoke": "a form's target",
    "account_email": "switched off: administrators keep the addresses",
    "oidc_begin": "a form's target",
    "oidc_return": "where an identity provider sends people back to",
    "mfa_reauthenticate": "leads on where there is no second factor",
    "mfa_reauthenticate_webauthn": "leads on where there is no passkey",
    "mfa_login_webauthn": "for a script",
    "mfa_deactivate_totp": "only with an authenticator app: tested with one",
    "mfa_view_recovery_codes": "only with an authenticator app: tested with one",
    "mfa_generate_recovery_codes": "only with an authenticator app: tested with one",
    "mfa_download_recovery_codes": "a file",
    "mfa_remove_webauthn": "only with a passkey: tested with one",
    "mfa_edit_webauthn": "only with a passkey: tested with one",
    "account_link": "a form's target",
    "job_cancel": "a form's target",
    "job_retry": "a form's target",
    "job_file": "a file",
    "schedule_change": "a form's target",
    "watch_change": "a form's target",
    "fault_scan": "a form's target",
    "subscription_leave": "a form's target",
    "alert": "a form's target",
    "coaching_note": "a form's target",
    "meeting_held": "a form's target",
    "number_decide": "a form's target",
    "actions_send": "a form's target",
    "action_change": "a form's target",
    "health": "for machines",
    "account_change_password": "leads on to setting a first password or to another page",
    "account_set_password": "leads on to changing a password or to another page",
    "account_reauthenticate": "leads on where there is no password",
    "account_confirm_login_code": "leads on: codes are switched off",
}
"""Addresses that answer with no page of their own, and what they are instead."""

FOR_PROGRAMS = "api:"
"""Namespace of the REST API, which has no pages."""


def named() -> Iterator[str]:
    """Every name in the resolver, with its namespace."""

    def walk(patterns: Any, space: str) -> Iterator[str]:
        for entry in patterns:
            if isinstance(entry, URLResolver):
                inner = f"{space}{entry.namespace}:" if entry.namespace else space
                yield from walk(entry.url_patterns, inner)
            elif isinstance(entry, URLPattern) and entry.name:
                yield space + entry.name

    yield from walk(get_resolver().url_patterns, "")

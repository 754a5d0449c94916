"""Every address of the application, and who may get and send what there.

Pages are classified in ``tests/browser/pages.py``, which knows who may open each; here stand those that
are no pages, what may be sent, and the operations of the REST API. An address that stands nowhere fails
``test_every_route_is_classified``.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.browser.pages import ADMINISTRATOR, ALL, DATA, DECIDERS, HOOKS, OPERATIONS, PAGES, Named

AUDITED = ADMINISTRATOR | {"auditor"}
QUOTAS = frozenset({"ops_manager", "ops_vp", "administrator"})
AUDIT = frozenset({"auditor", "administrator", "ops_vp", "ops_manager"})
SCHEDULES = OPERATIONS | {"sales_manager"}
ACTS = ALL - {"auditor"}
MEETS = OPERATIONS | {"sales_manager"}
COACHES = frozenset({"sales_manager", "rep"})
NOBODY: frozenset[str] = frozenset()

ADDED: Mapping[str, Named] = {
    "watches": Named("/settings/watches/", DATA),
    "watch_new": Named("/settings/watches/new/folder/", DECIDERS),
    "jobs": Named("/jobs/", ALL),
    "schedules": Named("/settings/schedules/", SCHEDULES),
    "health": Named("/health/", ALL),
    "decisions_export": Named("/settings/decisions/export/", DATA),
    "quarantine_download": Named("/data/quarantine/download/?file=rejected.csv", DATA),
    "import_mapping": Named("/data/imports/{waiting}/mapping/0/", DATA),
}
"""Addresses to get that the list of pages does not (yet) hold."""


def gets() -> dict[str, Named]:
    """Route -> address and roles that get it."""
    return {**ADDED, **PAGES}


OF_OWNERS = frozenset({"deal", "panel", "pipeline_account", "one_to_one"})
"""Addresses of one record: got by whoever may see the record."""

FILES_AS_THEY_CAME = frozenset({"import_confirm", "quarantine", "quarantine_row", "quarantine_download"})
"""Addresses that show rows of files: closed to an account from which any field is hidden."""

OF_AREAS: Mapping[str, frozenset[str]] = {
    "people": frozenset({"accounts", "account_new", "account_change", "people", "settings"}),
    "pipelines": frozenset({"stages", "settings"}),
    "tokens": frozenset({"all_feeds", "all_tokens", "settings"}),
}
"""Area -> addresses it opens beside those of the role."""

OWN_ACCOUNT = frozenset(
    {
        "account_logout", "account_email", "account_login", "account_inactive", "account_signup",
        "account_reauthenticate", "account_email_verification_sent", "account_change_password",
        "account_set_password", "account_reset_password", "account_confirm_login_code", "account_confirm_email",
        "account_reset_password_from_key_done", "account_reset_password_from_key", "account_reset_password_done",
        "mfa_index", "mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp",
        "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes",
        "mfa_list_webauthn", "mfa_add_webauthn", "mfa_reauthenticate_webauthn", "mfa_remove_webauthn",
        "mfa_edit_webauthn", "mfa_login_webauthn", "oidc_begin", "oidc_return", "sign_in",
    }
)  # fmt: skip
"""Signing in and one's own account: they show nothing but the account itself, whoever asks."""

SENDS: Mapping[str, tuple[str, frozenset[str]]] = {
    "account_change": ("/settings/accounts/{user}/", ADMINISTRATOR),
    "action_change": ("/actions/{action}/", ACTS),
    "action_items": ("/actions/", ACTS),
    "actions_send": ("/actions/send/", MEETS),
    "coaching_note": ("/monday/note/", COACHES),
    "dashboard_new": ("/dashboards/new/", ALL - {"auditor"}),
    "dashboard_edit": ("/dashboards/{dashboard}/edit/", ADMINISTRATOR),
    "dashboard_change": ("/dashboards/{dashboard}/change/", ADMINISTRATOR),
    "dashboard_tile": ("/dashboards/{dashboard}/tiles/won/", ADMINISTRATOR),
    "meeting_held": ("/monday/held/", MEETS),
    "account_factors": ("/settings/accounts/{user}/factors/", ADMINISTRATOR),
    "account_link": ("/settings/accounts/{user}/link/", ADMINISTRATOR),
    "account_new": ("/settings/accounts/new/", ADMINISTRATOR),
    "account_sessions": ("/settings/accounts/{user}/sessions/", ADMINISTRATOR),
    "account_token_revoke": ("/settings/accounts/{user}/tokens/{token}/revoke/", ADMINISTRATOR),
    "account_unlock": ("/settings/accounts/{user}/unlock/", ADMINISTRATOR),
    "all_tokens": ("/settings/tokens/", ADMINISTRATOR),
    "amount_rules": ("/settings/amounts/", DECIDERS),
    "company": ("/settings/company/", DECIDERS),
    "decision_publish": ("/settings/decisions/record_link/{draft}/publish/", DECIDERS),
    "decisions_import": ("/settings/decisions/import/", DECIDERS),
    "fault_repair": ("/data/faults/repair/", DECIDERS),
    "fault_repair_undo": ("/data/faults/repair/undo/", DECIDERS),
    "fault_scan": ("/data/faults/scan/", ALL),
    "field_masks": ("/settings/masks/", ADMINISTRATOR),
    "import_confirm": ("/data/imports/{waiting}/confirm/", OPERATIONS),
    "import_map": ("/data/imports/{waiting}/mapping/", OPERATIONS),
    "import_new": ("/data/import/", OPERATIONS),
    "import_reopen": ("/data/imports/{waiting}/reopen/", OPERATIONS),
    "job_cancel": ("/jobs/{job}/cancel/", OPERATIONS),
    "job_retry": ("/jobs/{job}/retry/", OPERATIONS),
    "my_account": ("/settings/me/", ALL),
    "number_decide": ("/numbers/won_value/decide/", DECIDERS),
    "number_keep": ("/numbers/won_value/keep/", ALL),
    "own_number": ("/own-numbers/large_wins/", DECIDERS),
    "own_number_check": ("/own-numbers/check/", DECIDERS),
    "own_number_new": ("/own-numbers/new/", DECIDERS),
    "password": ("/settings/me/password/", ALL),
    "people": ("/settings/people/", DECIDERS),
    "pipeline_view_change": ("/pipeline-views/{view}/", ADMINISTRATOR),
    "pipeline_view_save": ("/pipeline-views/", ALL),
    "quarantine_dismiss": ("/data/quarantine/dismiss/", OPERATIONS),
    "quarantine_row": ("/data/quarantine/{quarantined}/", OPERATIONS),
    "quotas": ("/plan/quotas/", QUOTAS),
    "reconcile": ("/numbers/won_value/reconcile/", OPERATIONS),
    "record_links": ("/settings/links/", DECIDERS),
    "repairs": ("/settings/repairs/", DECIDERS),
    "feeds": ("/feeds/", ALL - {"auditor"}),
    "feed_revoke": ("/feeds/{feed}/revoke/", ADMINISTRATOR),
    "webhooks": ("/settings/webhooks/", HOOKS),
    "webhook": ("/settings/webhooks/{webhook}/", HOOKS),
    "run": ("/runs/{run}/", AUDITED),
    "schedule_change": ("/settings/schedules/{schedule}/", ADMINISTRATOR),
    "schedules": ("/settings/schedules/", SCHEDULES),
    "session_end": ("/settings/me/sessions/1/end/", NOBODY),
    "sessions_end": ("/settings/me/sessions/end/", ALL),
    "stages": ("/settings/stages/", DECIDERS),
    "alert": ("/alerts/{alert}/", ADMINISTRATOR),
    "alerts": ("/alerts/", SCHEDULES),
    "delivery": ("/deliveries/{sent}/", ADMINISTRATOR),
    "finding": ("/findings/{finding}/", ADMINISTRATOR),
    "finding_new": ("/findings/new/", SCHEDULES),
    "subscription": ("/subscriptions/{subscription}/", ADMINISTRATOR),
    "subscription_change": ("/subscriptions/{subscription}/change/", ADMINISTRATOR),
    "subscription_leave": ("/subscriptions/{subscription}/leave/", ADMINISTRATOR),
    "subscription_new": ("/subscriptions/new/", SCHEDULES),
    "token_revoke": ("/settings/me/tokens/{token}/revoke/", ADMINISTRATOR),
    "visibility": ("/settings/visibility/", ADMINISTRATOR),
    "watch": ("/settings/watches/{watch}/", DECIDERS),
    "watch_change": ("/settings/watches/{watch}/change/", DECIDERS),
    "watch_new": ("/settings/watches/new/folder/", DECIDERS),
}
"""Route -> address and roles that may send to it. Sent to by anybody else, it writes nothing."""

ELSEWHERE: Mapping[str, str] = {
    "job_file": "the files of jobs are a door of their own here",
    "feed": "the secret address of a feed is looked into by test_feeds.py",
    "mcp": "the assistants' door over HTTP is looked into by test_ask_http.py",
    "api:openapi-json": "the description of the API holds no data",
    "api:api-root": "leads nowhere",
    "api:no-such-address": "answers 404",
}
"""Routes that this list leaves to another test, and to which."""

API_GETS: Mapping[str, frozenset[str]] = {
    "/api/v1/accounts": ALL,
    "/api/v1/accounts/{account_id}": ALL,
    "/api/v1/actions": ALL,
    "/api/v1/ask": ALL,
    "/api/v1/audit": AUDIT,
    "/api/v1/dashboards": ALL,
    "/api/v1/dashboards/ready/{ready_name}": ALL,
    "/api/v1/dashboards/{dashboard_id}": ALL,
    "/api/v1/data": DATA,
    "/api/v1/decision-documents": DATA,
    "/api/v1/decision-documents/yaml": DATA,
    "/api/v1/decisions": DATA,
    "/api/v1/decisions/{kind}": DATA,
    "/api/v1/decisions/{kind}/drafts": DATA,
    "/api/v1/decisions/{kind}/history": DATA,
    "/api/v1/faults": ALL,
    "/api/v1/feeds": ALL - {"auditor"},
    "/api/v1/webhook-kinds": HOOKS,
    "/api/v1/webhooks": HOOKS,
    "/api/v1/webhooks/{target_id}/deliveries": HOOKS,
    "/api/v1/faults/{code}/rows": ALL,
    "/api/v1/imports": DATA,
    "/api/v1/imports/{import_id}": DATA,
    "/api/v1/imports/{import_id}/files/{number}/mapping": DATA,
    "/api/v1/inspection": ALL,
    "/api/v1/calibration": ALL,
    "/api/v1/outcomes": ALL,
    "/api/v1/win-loss": ALL,
    "/api/v1/fair-comparison": ALL,
    "/api/v1/inspection/{line}/deals": ALL,
    "/api/v1/jobs": ALL,
    "/api/v1/jobs/{job_id}": OPERATIONS,
    "/api/v1/kpis": ALL,
    "/api/v1/kpis/{name}": ALL,
    "/api/v1/kpis/{name}/reconciliations": OPERATIONS,
    "/api/v1/kpis/{name}/reconciliations/{comparison_id}": OPERATIONS,
    "/api/v1/kpis/{name}/rows": ALL,
    "/api/v1/me": ALL,
    "/api/v1/monday": ALL,
    "/api/v1/notes": ALL,
    "/api/v1/opportunities": ALL,
    "/api/v1/opportunities/{deal_id}": ALL,
    "/api/v1/organisation": DATA,
    "/api/v1/own-numbers": ALL,
    "/api/v1/own-numbers/{own_name}": ALL,
    "/api/v1/people": DATA,
    "/api/v1/quarantine": DATA,
    "/api/v1/quarantine/reasons": DATA,
    "/api/v1/quarantine/{row_id}": DATA,
    "/api/v1/quotas": DATA,
    "/api/v1/records": ALL,
    "/api/v1/records/{table}": ALL,
    "/api/v1/repairs": DATA,
    "/api/v1/runs": ALL,
    "/api/v1/runs/{run}": AUDITED,
    "/api/v1/runs/{run}/replay": AUDITED,
    "/api/v1/schedules": SCHEDULES,
    "/api/v1/alerts": ALL,
    "/api/v1/alerts/received": ALL,
    "/api/v1/findings": ALL,
    "/api/v1/subscriptions": ALL,
    "/api/v1/subscriptions/{subscription_id}/runs": ADMINISTRATOR,
    "/api/v1/tokens": ALL,
    "/api/v1/user-accounts": ADMINISTRATOR,
    "/api/v1/user-accounts/{user_id}": ADMINISTRATOR,
    "/api/v1/views": ALL,
    "/api/v1/views/{view_id}/rows": ALL,
    "/api/v1/waterfall": ALL,
    "/api/v1/waterfall/{bar}/deals": ALL,
    "/api/v1/watches": DATA,
    "/api/v1/watches/{watch_id}": DATA,
    "/api/v1/watches/{watch_id}/arrivals": DATA,
}
"""Operation -> roles that get it."""

API_JOB_FILES = "/api/v1/jobs/{job_id}/files/{number}"
"""The files of jobs: a door of their own."""

API_AREAS: Mapping[str, frozenset[str]] = {
    "people": frozenset({"/api/v1/user-accounts", "/api/v1/user-accounts/{user_id}", "/api/v1/people"}),
}
"""Area -> operations it opens."""

API_RAW = frozenset({"/api/v1/quarantine", "/api/v1/quarantine/reasons", "/api/v1/quarantine/{row_id}"})
"""Operations that show rows of files as they came."""

API_SENDS: Mapping[str, frozenset[str]] = {
    "POST /api/v1/dashboards": ALL - {"auditor"},
    "PATCH /api/v1/dashboards/{dashboard_id}": ADMINISTRATOR,
    "DELETE /api/v1/dashboards/{dashboard_id}": ADMINISTRATOR,
    "DELETE /api/v1/own-numbers/{own_name}": DECIDERS,
    "DELETE /api/v1/schedules/{schedule_id}": ADMINISTRATOR,
    "DELETE /api/v1/tokens/{token_id}": ADMINISTRATOR,
    "DELETE /api/v1/user-accounts/{user_id}/second-factor": ADMINISTRATOR,
    "DELETE /api/v1/views/{view_id}": ADMINISTRATOR,
    "PATCH /api/v1/imports/{import_id}/plan": OPERATIONS,
    "PATCH /api/v1/user-accounts/{user_id}": ADMINISTRATOR,
    "PATCH /api/v1/views/{view_id}": ADMINISTRATOR,
    "POST /api/v1/actions": ACTS,
    "POST /api/v1/actions/{item_id}/events": ACTS,
    "POST /api/v1/meetings": MEETS,
    "POST /api/v1/notes": COACHES,
    "POST /api/v1/decision-documents": DECIDERS,
    "POST /api/v1/decisions/{kind}": DECIDERS,
    "POST /api/v1/decisions/{kind}/drafts/{draft_id}/publish": DECIDERS,
    "POST /api/v1/decisions/{kind}/end": DECIDERS,
    "POST /api/v1/faults/scan": ALL,
    "POST /api/v1/feeds": ALL - {"auditor"},
    "DELETE /api/v1/feeds/{feed_id}": ADMINISTRATOR,
    "POST /api/v1/webhooks": HOOKS,
    "DELETE /api/v1/webhooks/{target_id}": HOOKS,
    "POST /api/v1/webhooks/{target_id}/pause": HOOKS,
    "POST /api/v1/webhooks/{target_id}/ping": HOOKS,
    "POST /api/v1/webhooks/{target_id}/replay": HOOKS,
    "POST /api/v1/webhooks/{target_id}/resume": HOOKS,
    "POST /api/v1/webhooks/{target_id}/deliveries/{delivery_id}/replay": HOOKS,
    "POST /api/v1/imports": OPERATIONS,
    "POST /api/v1/imports/inspect": OPERATIONS,
    "POST /api/v1/imports/{import_id}/confirm": OPERATIONS,
    "POST /api/v1/imports/{import_id}/mapping": OPERATIONS,
    "POST /api/v1/imports/{import_id}/reopen": OPERATIONS,
    "POST /api/v1/jobs/{job_id}/cancel": OPERATIONS,
    "POST /api/v1/jobs/{job_id}/retry": OPERATIONS,
    "POST /api/v1/kpis/{name}/reconciliations": OPERATIONS,
    "POST /api/v1/kpis/{name}/runs": ALL,
    "POST /api/v1/organisation": DECIDERS,
    "POST /api/v1/own-numbers/check": DECIDERS,
    "POST /api/v1/people/positions": DECIDERS,
    "POST /api/v1/quarantine/dismiss": OPERATIONS,
    "PUT /api/v1/own-numbers/{own_name}": DECIDERS,
    "POST /api/v1/quarantine/{row_id}/replay": OPERATIONS,
    "POST /api/v1/quotas": QUOTAS,
    "POST /api/v1/repairs": DECIDERS,
    "POST /api/v1/repairs/undo": DECIDERS,
    "POST /api/v1/schedules": SCHEDULES,
    "POST /api/v1/schedules/{schedule_id}/pause": ADMINISTRATOR,
    "POST /api/v1/schedules/{schedule_id}/resume": ADMINISTRATOR,
    "POST /api/v1/schedules/{schedule_id}/run": ADMINISTRATOR,
    "POST /api/v1/alerts": SCHEDULES,
    "POST /api/v1/alerts/{alert_id}/leave": NOBODY,
    "POST /api/v1/alerts/{alert_id}/look": ADMINISTRATOR,
    "DELETE /api/v1/alerts/{alert_id}": ADMINISTRATOR,
    "POST /api/v1/findings": SCHEDULES,
    "POST /api/v1/findings/{finding_id}/acknowledge": ADMINISTRATOR,
    "POST /api/v1/findings/{finding_id}/events": ADMINISTRATOR,
    "POST /api/v1/subscriptions": SCHEDULES,
    "POST /api/v1/subscriptions/{subscription_id}/leave": ADMINISTRATOR,
    "POST /api/v1/subscriptions/{subscription_id}/run": ADMINISTRATOR,
    "DELETE /api/v1/subscriptions/{subscription_id}": ADMINISTRATOR,
    "POST /api/v1/tokens": ALL,
    "POST /api/v1/user-accounts": ADMINISTRATOR,
    "POST /api/v1/user-accounts/{user_id}/link": ADMINISTRATOR,
    "POST /api/v1/user-accounts/{user_id}/sign-out": ADMINISTRATOR,
    "POST /api/v1/user-accounts/{user_id}/unlock": ADMINISTRATOR,
    "POST /api/v1/views": ALL,
    "DELETE /api/v1/watches/{watch_id}": DECIDERS,
    "PATCH /api/v1/watches/{watch_id}": DECIDERS,
    "POST /api/v1/watches": DECIDERS,
    "POST /api/v1/watches/{watch_id}/look": DECIDERS,
    "POST /api/v1/watches/{watch_id}/pause": DECIDERS,
    "POST /api/v1/watches/{watch_id}/resume": DECIDERS,
}
"""Operation -> roles that may send to it."""

"""Addresses of the account, settings, audit, job and health pages."""

from django.urls import path

from salesops.platform import (
    accounts_pages,
    decision_pages,
    job_pages,
    oidc_pages,
    pages,
    run_pages,
    token_pages,
)

urlpatterns = [
    path("runs/", run_pages.runs, name="runs"),
    path("runs/<str:ref>/", run_pages.run, name="run"),
    path("sign-in/", oidc_pages.oidc_begin, name="oidc_begin"),
    path("sign-in/back/", oidc_pages.oidc_return, name="oidc_return"),
    path("sign-in/<str:token>/", pages.sign_in, name="sign_in"),
    path("settings/", pages.settings, name="settings"),
    path("settings/me/", pages.my_account, name="my_account"),
    path("settings/me/password/", pages.password, name="password"),
    path("settings/me/tokens/<int:pk>/revoke/", pages.token_revoke, name="token_revoke"),
    path("settings/me/sessions/<int:pk>/end/", pages.session_end, name="session_end"),
    path("settings/me/sessions/end/", pages.sessions_end, name="sessions_end"),
    path("settings/tokens/", token_pages.all_tokens, name="all_tokens"),
    path("settings/accounts/", accounts_pages.accounts, name="accounts"),
    path("settings/accounts/new/", accounts_pages.account_new, name="account_new"),
    path("settings/accounts/<int:pk>/", accounts_pages.account_change, name="account_change"),
    path("settings/accounts/<int:pk>/link/", accounts_pages.account_link, name="account_link"),
    path("settings/accounts/<int:pk>/unlock/", accounts_pages.account_unlock, name="account_unlock"),
    path("settings/accounts/<int:pk>/factors/", accounts_pages.account_factors, name="account_factors"),
    path("settings/accounts/<int:pk>/sessions/", accounts_pages.account_sessions, name="account_sessions"),
    path(
        "settings/accounts/<int:pk>/tokens/<int:token>/revoke/",
        accounts_pages.account_token_revoke,
        name="account_token_revoke",
    ),
    path("settings/decisions/", decision_pages.decisions, name="decisions"),
    path("settings/decisions/export/", decision_pages.decisions_export, name="decisions_export"),
    path("settings/decisions/import/", decision_pages.decisions_import, name="decisions_import"),
    path("settings/decisions/<slug:kind>/", decision_pages.decision_kind, name="decision_kind"),
    path("settings/decisions/<slug:kind>/history/", decision_pages.decision_history, name="decision_history"),
    path(
        "settings/decisions/<slug:kind>/<int:pk>/publish/",
        decision_pages.decision_publish,
        name="decision_publish",
    ),
    path("audit/", pages.audit, name="audit"),
    path("jobs/", job_pages.job_list, name="jobs"),
    path("jobs/<int:pk>/", job_pages.job, name="job"),
    path("jobs/<int:pk>/cancel/", job_pages.job_cancel, name="job_cancel"),
    path("jobs/<int:pk>/retry/", job_pages.job_retry, name="job_retry"),
    path("jobs/<int:pk>/files/<int:number>/", job_pages.job_file, name="job_file"),
    path("settings/schedules/", job_pages.schedule_list, name="schedules"),
    path("settings/schedules/<int:pk>/", job_pages.schedule_change, name="schedule_change"),
    path("health/", pages.health, name="health"),
]

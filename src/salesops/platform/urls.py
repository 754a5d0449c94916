"""Addresses of the account, settings, audit, job and health pages."""

from django.urls import path

from salesops.platform import accounts_pages, decision_pages, pages

urlpatterns = [
    path("sign-in/<str:token>/", pages.sign_in, name="sign_in"),
    path("settings/", pages.settings, name="settings"),
    path("settings/me/", pages.my_account, name="my_account"),
    path("settings/me/password/", pages.password, name="password"),
    path("settings/me/tokens/<int:pk>/revoke/", pages.token_revoke, name="token_revoke"),
    path("settings/accounts/", accounts_pages.accounts, name="accounts"),
    path("settings/accounts/new/", accounts_pages.account_new, name="account_new"),
    path("settings/accounts/<int:pk>/", accounts_pages.account_change, name="account_change"),
    path("settings/accounts/<int:pk>/link/", accounts_pages.account_link, name="account_link"),
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
    path("jobs/<int:pk>/", pages.job, name="job"),
    path("jobs/<int:pk>/cancel/", pages.job_cancel, name="job_cancel"),
    path("health/", pages.health, name="health"),
]

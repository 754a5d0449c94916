"""Every address of the application. Wiring only: each domain lists its own pages."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from salesops.project.api import urls as api_urls

urlpatterns = [
    path("", include("salesops.analytics.urls")),
    path("", include("salesops.analytics.support_urls")),
    path("", include("salesops.crm.urls")),
    path("", include("salesops.quality.urls")),
    path("", include("salesops.process.urls")),
    path("", include("salesops.org.urls")),
    path("", include("salesops.permissions.urls")),
    path("", include("salesops.quotas.urls")),
    path("", include("salesops.meetings.urls")),
    path("", include("salesops.performance.urls")),
    path("", include("salesops.dashboards.urls")),
    path("", include("salesops.reports.urls")),
    path("", include("salesops.feeds.urls")),
    path("", include("salesops.ask.urls")),
    path("", include("salesops.platform.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("api/v1/", api_urls),
]
handler500 = "salesops.platform.outage.server_error"
if settings.DEBUG:
    urlpatterns.append(path("ui/", include("salesops.ui.urls")))

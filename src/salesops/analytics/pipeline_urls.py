"""Addresses of the section Pipeline; included by ``analytics/urls.py``.

An account's page stands under ``account/``: below ``accounts/`` are the addresses of signing in and
out, and a company may be called Login.
"""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import get_converters

from salesops.analytics import pipeline_pages
from salesops.analytics.record_keys import RecordKey

if "record" not in get_converters():
    register_converter(RecordKey, "record")

urlpatterns = [
    path("pipeline/", pipeline_pages.pipeline, name="pipeline"),
    path("pipeline/<record:deal_id>/", pipeline_pages.deal, name="deal"),
    path("pipeline-views/", pipeline_pages.view_save, name="pipeline_view_save"),
    path("pipeline-views/<int:pk>/", pipeline_pages.view_change, name="pipeline_view_change"),
    path("accounts/", pipeline_pages.accounts, name="pipeline_accounts"),
    path("account/<record:account_id>/", pipeline_pages.account, name="pipeline_account"),
]

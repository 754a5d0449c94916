"""Addresses of the settings of imported data; included by ``crm/urls.py``."""

from django.urls import path

from salesops.crm import settings_pages as pages

urlpatterns = [
    path("settings/repairs/", pages.repairs, name="repairs"),
    path("settings/amounts/", pages.amount_rules, name="amount_rules"),
    path("settings/links/", pages.record_links, name="record_links"),
]

"""Addresses of the settings of imported data; included by ``crm/urls.py``."""

from django.urls import path

from salesops.crm import settings_pages as pages
from salesops.crm import watch_pages

urlpatterns = [
    path("settings/repairs/", pages.repairs, name="repairs"),
    path("settings/amounts/", pages.amount_rules, name="amount_rules"),
    path("settings/links/", pages.record_links, name="record_links"),
    path("settings/watches/", watch_pages.watches, name="watches"),
    path("settings/watches/new/<slug:kind>/", watch_pages.watch_new, name="watch_new"),
    path("settings/watches/<int:pk>/", watch_pages.watch, name="watch"),
    path("settings/watches/<int:pk>/change/", watch_pages.watch_change, name="watch_change"),
]

"""Addresses of the Data pages and of the settings of imported data."""

from django.urls import include, path

from salesops.crm import pages, quarantine_pages

urlpatterns = [
    path("data/", pages.data, name="data"),
    path("data/import/", pages.import_new, name="import_new"),
    path("data/imports/<int:pk>/", pages.import_detail, name="import_detail"),
    path("data/imports/<int:pk>/confirm/", pages.import_confirm, name="import_confirm"),
    path("data/imports/<int:pk>/mapping/", pages.import_map, name="import_map"),
    path("data/imports/<int:pk>/mapping/<int:number>/", pages.import_mapping, name="import_mapping"),
    path("data/imports/<int:pk>/reopen/", pages.import_reopen, name="import_reopen"),
    path("data/quarantine/", quarantine_pages.quarantine, name="quarantine"),
    path("data/quarantine/dismiss/", quarantine_pages.quarantine_drop, name="quarantine_dismiss"),
    path("data/quarantine/download/", quarantine_pages.quarantine_download, name="quarantine_download"),
    path("data/quarantine/<int:pk>/", quarantine_pages.quarantine_row, name="quarantine_row"),
    path("", include("salesops.crm.settings_urls")),
]

"""Addresses of the permission settings."""

from django.urls import path

from salesops.permissions import pages

urlpatterns = [
    path("settings/visibility/", pages.visibility, name="visibility"),
    path("settings/masks/", pages.field_masks, name="field_masks"),
    path("settings/access/", pages.access_explain, name="access_explain"),
    path("settings/me/access/", pages.my_access, name="my_access"),
]

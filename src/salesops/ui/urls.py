"""URLs of the shell itself: the component gallery. Mount them only when DEBUG is on."""

from __future__ import annotations

from django.urls import path

from salesops.ui import pages

app_name = "ui"
urlpatterns = [path("gallery/", pages.gallery, name="gallery")]

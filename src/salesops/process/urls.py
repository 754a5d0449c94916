"""Address of the pipelines and stages page."""

from django.urls import path

from salesops.process import pages

urlpatterns = [path("settings/stages/", pages.stages, name="stages")]

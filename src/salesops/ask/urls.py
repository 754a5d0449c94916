"""Address of the Ask page."""

from django.urls import path

from salesops.ask import pages

urlpatterns = [path("ask/", pages.ask, name="ask")]

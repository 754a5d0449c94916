"""Addresses of the company and people settings."""

from django.urls import path

from salesops.org import pages

urlpatterns = [
    path("settings/company/", pages.company, name="company"),
    path("settings/people/", pages.people, name="people"),
]

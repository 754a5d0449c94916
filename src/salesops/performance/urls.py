"""Addresses of performance."""

from django.urls import path

from salesops.performance import pages

urlpatterns = [path("fair-comparison/", pages.fair_comparison, name="fair_comparison")]

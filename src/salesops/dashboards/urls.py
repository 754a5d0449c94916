"""Addresses of the dashboards."""

from django.urls import path

from salesops.dashboards import pages

urlpatterns = [
    path("dashboards/", pages.dashboards, name="dashboards"),
    path("dashboards/new/", pages.dashboard_new, name="dashboard_new"),
    path("dashboards/ready/<slug:name>/", pages.dashboard_ready, name="dashboard_ready"),
    path("dashboards/<int:pk>/", pages.dashboard, name="dashboard"),
    path("dashboards/<int:pk>/edit/", pages.dashboard_edit, name="dashboard_edit"),
    path("dashboards/<int:pk>/change/", pages.dashboard_change, name="dashboard_change"),
    path("dashboards/<int:pk>/tiles/<slug:key>/", pages.dashboard_tile, name="dashboard_tile"),
]

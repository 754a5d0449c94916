"""Address of the page that says what the data supports."""

from django.urls import path

from salesops.analytics import support_pages

urlpatterns = [path("data/supports/", support_pages.supports, name="data_supports")]

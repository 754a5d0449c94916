"""Address of the quotas page."""

from django.urls import path

from salesops.quotas import pages

urlpatterns = [path("plan/quotas/", pages.quotas, name="quotas")]

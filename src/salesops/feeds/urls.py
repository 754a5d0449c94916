"""Addresses of feeds."""

from django.urls import path

from salesops.feeds import feed_door, pages, panel_pages, webhook_pages

urlpatterns = [
    path("feed/<path:address>", feed_door.feed, name="feed"),
    path("feeds/", pages.feeds, name="feeds"),
    path("feeds/all/", pages.all_feeds, name="all_feeds"),
    path("feeds/<int:pk>/revoke/", pages.feed_revoke, name="feed_revoke"),
    path("panel/", panel_pages.panel, name="panel"),
    path("settings/webhooks/", webhook_pages.webhooks, name="webhooks"),
    path("settings/webhooks/<int:pk>/", webhook_pages.webhook, name="webhook"),
]

"""Addresses of subscriptions, findings, alerts and the business review."""

from django.urls import path

from salesops.reports import alert_pages, finding_pages, pages, qbr_pages

urlpatterns = [
    path("business-review/", qbr_pages.qbr, name="qbr"),
    path("subscriptions/", pages.subscriptions, name="subscriptions"),
    path("subscriptions/new/", pages.subscription_new, name="subscription_new"),
    path("subscriptions/<int:pk>/", pages.subscription, name="subscription"),
    path("subscriptions/<int:pk>/change/", pages.subscription_change, name="subscription_change"),
    path("subscriptions/<int:pk>/leave/", pages.subscription_leave, name="subscription_leave"),
    path("deliveries/<str:token>/", pages.delivery, name="delivery"),
    path("findings/", finding_pages.findings, name="findings"),
    path("findings/new/", finding_pages.finding_new, name="finding_new"),
    path("findings/<int:pk>/", finding_pages.finding, name="finding"),
    path("alerts/", alert_pages.alerts, name="alerts"),
    path("alerts/<int:pk>/", alert_pages.alert, name="alert"),
]

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "salesops.reports"
    label = "reports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make deliveries known as a kind of job, and put the pages in the menu."""
        from salesops.reports import alerting, delivering
        from salesops.ui import navigation

        delivering.register()
        alerting.register()
        navigation.register("home", "qbr", "Business review", "qbr", "briefcase", 40)
        navigation.register(
            "home", "findings", "Findings", "findings", "sparkles", 45, also=("finding", "finding_new")
        )
        navigation.register(
            "home", "subscriptions", "Subscriptions", "subscriptions", "send", 50,
            also=("subscription", "subscription_new", "subscription_change", "delivery"),
        )  # fmt: skip
        navigation.register("home", "alerts", "Alerts", "alerts", "bell", 55, tab_of="subscriptions")

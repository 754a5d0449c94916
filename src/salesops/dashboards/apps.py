from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    name = "salesops.dashboards"
    label = "dashboards"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the dashboards in the menu, and their check among the kinds of jobs."""
        from salesops.dashboards import jobs
        from salesops.ui import navigation

        jobs.register()
        navigation.register(
            "home",
            "dashboards",
            "Dashboards",
            "dashboards",
            "layout-dashboard",
            17,
            also=("dashboard", "dashboard_ready", "dashboard_new", "dashboard_edit", "dashboard_tile"),
        )

from django.apps import AppConfig


class PerformanceConfig(AppConfig):
    name = "salesops.performance"
    label = "performance"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the comparison in the menu."""
        from salesops.ui import navigation

        navigation.register(
            "home", "fair_comparison", "Fair comparison", "fair_comparison", "users", 27, tab_of="numbers"
        )

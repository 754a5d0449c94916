from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "salesops.analytics"
    label = "analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the catalogue on the shelf that every door reads."""
        from salesops.analytics.engine.catalogue import catalogue
        from salesops.platform import registries

        for kpi in catalogue().values():
            registries.kpi_definitions.register(kpi.name, kpi)
        from salesops.platform.settings_index import holds
        from salesops.ui import navigation

        navigation.register(
            "operations",
            "data_supports",
            "What it supports",
            "data_supports",
            "list-checks",
            35,
            holds("import.view"),
            tab_of="data",
        )

from typing import Any

from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "salesops.quality"
    label = "quality"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the faults beside Data; for those who may not open Data, under Home."""
        from salesops.platform.settings_index import holds
        from salesops.quality import jobs
        from salesops.ui import navigation

        jobs.register()
        sees_data = holds("import.view")

        def sees_own(user: Any) -> bool:
            return bool(user.is_authenticated) and not sees_data(user)

        navigation.register(
            "operations",
            "faults",
            "Faults",
            "faults",
            "list-checks",
            40,
            sees_data,
            tab_of="data",
            also=("fault_rows",),
        )
        navigation.register("home", "own_faults", "Faults in my data", "faults", "list-checks", 80, sees_own)

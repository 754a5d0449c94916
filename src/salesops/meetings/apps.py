from django.apps import AppConfig


class MeetingsConfig(AppConfig):
    name = "salesops.meetings"
    label = "meetings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the Monday page in the menu."""
        from salesops.ui import navigation

        navigation.register(
            "home", "monday", "Monday", "monday", "square-check", 15, also=("one_to_one", "action_items")
        )

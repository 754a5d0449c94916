from django.apps import AppConfig


class ProcessConfig(AppConfig):
    name = "salesops.process"
    label = "process"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the decisions known."""
        from salesops.platform import decisions, registries
        from salesops.platform.settings_index import SettingsPage, add
        from salesops.process import inputs, models

        decisions.register(models.Stage)
        registries.import_summaries.register("opportunities", inputs.known_deals)
        add(
            SettingsPage(
                "Stages",
                "What each stage of each pipeline means: won, lost, open, its order and probability.",
                "stages",
                "git-branch",
                "pipeline.view",
                30,
            )
        )

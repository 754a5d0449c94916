from django.apps import AppConfig


class OrgConfig(AppConfig):
    name = "salesops.org"
    label = "org"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the decisions and the hierarchy known."""
        from salesops.org import models, selectors
        from salesops.platform import decisions, registries
        from salesops.platform.settings_index import SettingsPage, add

        decisions.register(models.Organisation)
        decisions.register(models.Position)
        registries.row_scope_providers.register("hierarchy", selectors.visible_people)
        add(
            SettingsPage(
                "Company",
                "Currency, time zone and fiscal calendar.",
                "company",
                "building-2",
                "decision.view",
                10,
            )
        )
        add(
            SettingsPage(
                "People",
                "Who reports to whom, with team, region and role, from when.",
                "people",
                "users",
                "position.view",
                20,
            )
        )

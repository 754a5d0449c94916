from django.apps import AppConfig


class PermissionsConfig(AppConfig):
    name = "salesops.permissions"
    label = "permissions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the decisions known, lay them on every scope, and put the pages behind Settings."""
        from salesops.permissions import models, selectors
        from salesops.platform import decisions, registries
        from salesops.platform.settings_index import SettingsPage, add
        from salesops.ui import navigation

        for model in (models.Visibility, models.Overlay, models.FieldMask):
            decisions.register(model)
        registries.scope_rules.register("decided", selectors.decided_scope)
        navigation.register(navigation.ACCOUNT, "my_access", "What I see", "my_access", "eye", 15)
        add(
            SettingsPage(
                "Visibility",
                "Who sees which records: teams, deal teams, overlay specialists, the CRM's own sharing.",
                "visibility",
                "eye",
                "access.view",
                92,
            )
        )
        add(
            SettingsPage(
                "Hidden fields",
                "Which fields are hidden from which roles, on every page and in every file.",
                "field_masks",
                "lock",
                "access.view",
                94,
            )
        )
        add(
            SettingsPage(
                "Who sees what",
                "What one account sees, table by table, and why it sees or does not see one record.",
                "access_explain",
                "search",
                "access.view",
                96,
            )
        )

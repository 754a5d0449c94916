from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "salesops.crm"
    label = "crm"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "CRM"

    def ready(self) -> None:
        """Make the decisions and the jobs known."""
        from salesops.crm import jobs, models
        from salesops.platform import decisions
        from salesops.platform.settings_index import SettingsPage, add, holds
        from salesops.ui import navigation, shell

        for model in (models.Mapping, models.ValueRepair, models.AmountRule, models.RecordLink):
            decisions.register(model)
        jobs.register()
        shell.use_import("import_new", holds("import.run"))
        navigation.register(
            "operations",
            "data",
            "Data",
            "data",
            "database",
            10,
            holds("import.view"),
            fallback="home",
            also=("import_detail", "import_confirm", "import_mapping"),
        )
        navigation.register(
            "operations",
            "import_new",
            "Import",
            "import_new",
            "upload",
            20,
            holds("import.run"),
            tab_of="data",
        )
        navigation.register(
            "operations",
            "quarantine",
            "Quarantine",
            "quarantine",
            "archive",
            30,
            holds("file.read"),
            tab_of="data",
            also=("quarantine_row",),
        )
        add(
            SettingsPage(
                "Value repairs",
                "Misspelt values that are read as another one; the record stays as it came.",
                "repairs",
                "wrench",
                "repair.view",
                40,
            )
        )
        add(
            SettingsPage(
                "Amounts",
                "Which amount column counts as bookings, for new, renewal and expansion deals.",
                "amount_rules",
                "badge-dollar-sign",
                "decision.view",
                50,
            )
        )
        add(
            SettingsPage(
                "Record links",
                "The web address of a record in your CRM, so that every record here opens its original.",
                "record_links",
                "external-link",
                "decision.view",
                60,
            )
        )
        add(
            SettingsPage(
                "Watched folders and mailboxes",
                "Where the next exports come in by themselves, and who is told what came of them.",
                "watches",
                "folder-up",
                "import.view",
                70,
            ),
            also=("watch", "watch_new"),
        )

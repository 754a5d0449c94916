from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "salesops.crm"
    label = "crm"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "CRM"

    def ready(self) -> None:
        """Make the decisions and the jobs known."""
        from salesops.crm import jobs, models
        from salesops.platform import decisions, registries
        from salesops.platform.settings_index import SettingsPage, add

        for model in (models.Mapping, models.ValueRepair, models.AmountRule, models.RecordLink):
            decisions.register(model)
        registries.job_kinds.register("import", jobs.import_job)
        add(
            SettingsPage(
                "Value repairs",
                "Misspelt values that are read as another one; the record stays as it came.",
                "repairs",
                "wrench",
                "decision.view",
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

from django.apps import AppConfig


class QuotasConfig(AppConfig):
    name = "salesops.quotas"
    label = "quotas"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the decisions and the KPIs known."""
        from salesops.platform import decisions, registries
        from salesops.platform.settings_index import holds
        from salesops.quotas import inputs, models
        from salesops.quotas.engine import ramp_kpis
        from salesops.quotas.engine.kpis import KPIS
        from salesops.ui import navigation

        decisions.register(models.Quota)
        for kpi in (*KPIS, *ramp_kpis.KPIS):
            registries.kpi_definitions.register(kpi.name, kpi)
        registries.frame_providers.register("quotas", inputs.quotas_frame)
        registries.frame_providers.register("attainment", inputs.attainment)
        registries.frame_providers.register("ramp", inputs.ramp)
        navigation.register("plan", "quotas", "Quotas", "quotas", "target", 20, holds("quota.view"))

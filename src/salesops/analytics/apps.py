from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "salesops.analytics"
    label = "analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the catalogue on the shelf that every door reads."""
        from salesops.analytics import models
        from salesops.analytics.engine.catalogue import catalogue
        from salesops.platform import decisions, registries

        decisions.register(models.KpiDecision)
        decisions.register(models.CustomKpi)
        for kpi in catalogue().values():
            registries.kpi_definitions.register(kpi.name, kpi)
        from salesops.analytics import belongings, number_runs, views_services
        from salesops.analytics.data_age import data_age, versions
        from salesops.analytics.home_ahead import warm_up
        from salesops.platform import job_kinds
        from salesops.platform.settings_index import holds
        from salesops.ui import navigation, shell

        job_kinds.schedule_offers.register("pages", views_services.schedule_offers)
        shell.use_data_age(data_age)
        shell.use_versions(versions)
        number_runs.register()
        registries.warm_ups.register("belongings", belongings.warm_up)
        registries.warm_ups.register("home", warm_up)  # asks for what belongs to the deals that matter
        navigation.register("home", "outcomes", "Outcomes", "outcomes", "target", 24, tab_of="numbers")
        navigation.register("home", "moved", "What moved", "moved", "activity", 25, tab_of="numbers")
        navigation.register("home", "replay", "Replay", "replay", "history", 30)
        shell.use_search("pipeline")
        navigation.register("home", "home", "Home", "home", "house", 10, also=("changes",))
        navigation.register(
            "home",
            "numbers",
            "Numbers",
            "numbers",
            "chart-column",
            20,
            also=(
                "number",
                "number_rows",
                "reconcile",
                "reconciled",
                "own_numbers",
                "own_number",
                "own_number_new",
            ),
        )
        navigation.register(
            "pipeline",
            "pipeline",
            "Pipeline",
            "pipeline",
            "funnel",
            10,
            also=("deal", "pipeline_view_change"),
        )
        navigation.register(
            "pipeline",
            "waterfall",
            "Waterfall",
            "waterfall",
            "chart-column",
            15,
            tab_of="pipeline",
            also=("waterfall_deals",),
        )
        navigation.register(
            "pipeline",
            "inspection",
            "Inspection",
            "inspection",
            "list-checks",
            12,
            tab_of="pipeline",
            also=("inspection_deals", "inspection_stays"),
        )
        navigation.register(
            "pipeline", "calibration", "Calibration", "calibration", "target", 17, tab_of="pipeline"
        )
        navigation.register("pipeline", "win_loss", "Win-loss", "win_loss", "trophy", 18, tab_of="pipeline")
        navigation.register(
            "pipeline",
            "pipeline_accounts",
            "Accounts",
            "pipeline_accounts",
            "building-2",
            20,
            tab_of="pipeline",
            also=("pipeline_account",),
        )
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

from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "salesops.feeds"
    label = "feeds"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the pages in their menus, and make webhooks' kinds and their job known.

        Raises:
            ValueError: SALESOPS_WEBHOOK_NETWORKS names something that is no network.
        """
        from django.conf import settings

        from salesops.feeds import jobs, kinds, services, webhook_services
        from salesops.feeds.engine.addresses import networks
        from salesops.platform.settings_index import SettingsPage, add, holds
        from salesops.ui import navigation

        networks(settings.WEBHOOK_NETWORKS)
        kinds.register()
        jobs.register()
        navigation.register(
            navigation.ACCOUNT,
            "feeds",
            "Feeds",
            "feeds",
            "file-spreadsheet",
            18,
            holds(services.MAKE),
            also=("all_feeds",),
        )
        add(
            SettingsPage(
                "Webhooks",
                "Programs elsewhere that are told of imports, decisions, actions and meetings.",
                "webhooks",
                "send",
                webhook_services.MANAGE,
                92,
            ),
            also=("webhook",),
        )

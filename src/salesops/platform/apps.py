from django.apps import AppConfig


class PlatformConfig(AppConfig):
    name = "salesops.platform"
    label = "platform"
    verbose_name = "Platform"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the account menu's pages and this room's settings in their places."""
        from salesops.platform import file_runs, mail, page_files, posting, signin_settings
        from salesops.platform.safekeeping import jobs as backups
        from salesops.platform.settings_index import SettingsPage, add, holds
        from salesops.ui import navigation

        signin_settings.check()
        backups.register()
        mail.register()
        posting.register()
        page_files.register()
        file_runs.register()
        account = navigation.ACCOUNT
        navigation.register(
            account, "my_account", "Your account", "my_account", "user", 10, also=("password",)
        )
        navigation.register(
            account, "settings", "Settings", "settings", "settings", 20, holds("settings.view")
        )
        navigation.register(account, "jobs", "Jobs", "jobs", "clock", 15, also=("job",))
        navigation.register(account, "runs", "Runs", "runs", "history", 16, also=("run",))
        navigation.register(account, "audit", "Audit", "audit", "scroll-text", 30, holds("audit.view"))
        add(
            SettingsPage(
                "Decisions",
                "Everything decided so far: what is in force, its history, drafts, YAML export and import.",
                "decisions",
                "history",
                "decision.view",
                80,
            ),
            also=("decision_kind", "decision_history", "decisions_import"),
        )
        add(
            SettingsPage(
                "Schedules",
                "What comes again by itself: scans, exports, frozen pages, watched folders and mailboxes.",
                "schedules",
                "clock",
                "schedule.write",
                85,
            )
        )
        add(
            SettingsPage(
                "API tokens",
                "Tokens of all accounts: what they are for, when they were used, and an end to them.",
                "all_tokens",
                "key-round",
                "token.manage",
                91,
            )
        )
        add(
            SettingsPage(
                "Accounts",
                "Who may sign in, with which role, standing for which person.",
                "accounts",
                "users",
                "people.manage",
                90,
            ),
            also=("account_new", "account_change", "account_link"),
        )

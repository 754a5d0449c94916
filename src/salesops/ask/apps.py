from django.apps import AppConfig


class AskConfig(AppConfig):
    name = "salesops.ask"
    label = "ask"

    def ready(self) -> None:
        """Take the box at the top of every page."""
        from salesops.ui import shell

        shell.use_search("ask")

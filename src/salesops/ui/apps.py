"""Django application of the page shell and its components."""

from __future__ import annotations

from django.apps import AppConfig


class UiConfig(AppConfig):
    """The `ui` app: templates, static files and template tags; it owns no tables."""

    name = "salesops.ui"
    label = "ui"
    verbose_name = "User interface"

"""The WSGI application that ``salesops serve`` runs."""

import os

from salesops.project.loading import loading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.project.settings")

with loading():
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()

    # Settings and apps must be ready before all of these.
    from django.urls import get_resolver

    from salesops.platform import second_person
    from salesops.process.inputs import keep_copies

    second_person.check_settings()

    # Now, not at the first request: what prepares the newest facts begins next and would slow it down.
    _ = get_resolver().url_patterns

if address := os.environ.get("SALESOPS_WELCOME"):
    from salesops.project.welcome import welcome

    welcome(address)

keep_copies()

if os.environ.get("SALESOPS_WORKER"):
    # After the application: settings and apps must be ready before a job can be claimed.
    from salesops.platform.worker import Worker

    Worker().start()

if os.environ.get("SALESOPS_SUPERVISOR"):
    from salesops.project.orphans import end_with_parent

    end_with_parent(int(os.environ["SALESOPS_SUPERVISOR"]))

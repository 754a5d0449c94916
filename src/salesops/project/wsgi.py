"""The WSGI application that ``salesops serve`` runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.project.settings")
application = get_wsgi_application()

from salesops.process.inputs import keep_copies  # noqa: E402 - settings and apps must be ready before

keep_copies()

if os.environ.get("SALESOPS_WORKER"):
    # After the application: settings and apps must be ready before a job can be claimed.
    from salesops.platform.worker import Worker

    Worker().start()

if os.environ.get("SALESOPS_SUPERVISOR"):
    from salesops.project.orphans import end_with_parent

    end_with_parent(int(os.environ["SALESOPS_SUPERVISOR"]))

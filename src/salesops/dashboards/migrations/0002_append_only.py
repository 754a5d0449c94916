"""A dashboard and its versions are only ever added to."""

from __future__ import annotations

from django.db import migrations

from salesops.platform.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [("dashboards", "0001_initial")]

    operations = [append_only("dashboards_dashboard", "dashboards_dashboardversion")]

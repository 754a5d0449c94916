"""A comparison with the CRM's report is evidence: it only ever gets company, never changes."""

from __future__ import annotations

from django.db import migrations

from salesops.platform.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [("analytics", "0001_initial")]

    operations = [append_only("analytics_reconciliation")]

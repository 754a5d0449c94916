"""What became of a finding only grows; a finding itself stays as it was written."""

from django.db import migrations

from salesops.platform.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]

    operations = [append_only("reports_finding", "reports_findingevent")]

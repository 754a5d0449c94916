"""What was noted about people is only ever added to."""

from __future__ import annotations

from django.db import migrations

from salesops.platform.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [("meetings", "0003_coaching_notes")]

    operations = [append_only("meetings_coachingnote")]

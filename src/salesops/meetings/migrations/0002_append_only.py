"""What was agreed in a meeting, and what became of it, is only ever added to."""

from __future__ import annotations

from django.db import migrations

from salesops.platform.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [("meetings", "0001_initial")]

    operations = [append_only("meetings_meeting", "meetings_actionitem", "meetings_actionevent")]

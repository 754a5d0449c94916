from django.db import migrations

from salesops.platform.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("permissions", "0001_initial")]
    operations = [append_only("permissions_visibility", "permissions_overlay", "permissions_fieldmask")]

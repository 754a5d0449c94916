from django.db import migrations

from salesops.platform.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial")]
    operations = [append_only("crm_mapping", "crm_valuerepair", "crm_amountrule", "crm_recordlink")]

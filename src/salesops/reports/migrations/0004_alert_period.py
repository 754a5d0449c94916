from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reports", "0003_alert_value_text")]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="period",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Label of the period that the value, or a verdict, is of.",
                max_length=40,
            ),
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The columns that the volume guard and the delivery board count by."""

    atomic = False
    dependencies = [("interactions", "0004_digests")]

    operations = [
        AddIndexConcurrently(
            model_name="progressemail",
            index=models.Index(fields=["week"], name="progress_email_week"),
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """A client's pinned entries are found without reading all of its others."""

    atomic = False
    dependencies = [("interactions", "0015_index_of_referral_follow_ups")]

    operations = [
        AddIndexConcurrently(
            model_name="interaction",
            index=models.Index(
                fields=["client", "-occurred_at", "-id"],
                name="interaction_pinned",
                condition=models.Q(("archived_at__isnull", True), ("is_pinned", True)),
            ),
        ),
    ]

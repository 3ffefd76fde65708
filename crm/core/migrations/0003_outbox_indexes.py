from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the blast guard counts by, and what a provider's notice is found by."""

    atomic = False
    dependencies = [("core", "0002_delivery_guards")]

    operations = [
        AddIndexConcurrently(
            model_name="outboxmail",
            index=models.Index(
                condition=models.Q(("contact_id__isnull", False), ("is_automatic", True)),
                fields=["contact_id", "planned_for"],
                name="outbox_automatic",
            ),
        ),
        AddIndexConcurrently(
            model_name="outboxmail",
            index=models.Index(
                condition=models.Q(("provider_id", ""), _negated=True), fields=["provider_id"], name="outbox_provider"
            ),
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    """Indexes for the volume guard's counts and for finding the mail of a provider's notice."""

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
        AddIndexConcurrently(
            model_name="outboxmail",
            index=models.Index(Lower("to_address"), name="outbox_address"),
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Counting the clients that somebody may see reads this index alone instead of the wide table."""

    atomic = False
    dependencies = [("clients", "0027_contracts_by_number")]

    operations = [
        AddIndexConcurrently(
            model_name="client",
            index=models.Index(
                fields=["id"],
                include=["is_restricted", "owner"],
                name="client_seen",
                condition=models.Q(("archived_at__isnull", True)),
            ),
        ),
    ]

import django.db.models.expressions
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The indexes by which the search finds the clients last spoken to first, and opportunities by the beginning of their title."""

    atomic = False
    dependencies = [("clients", "0021_referrals")]

    operations = [
        AddIndexConcurrently(
            model_name="clientfacts",
            index=models.Index(
                django.db.models.expressions.OrderBy(models.F("last_contact_at"), descending=True, nulls_last=True),
                django.db.models.expressions.OrderBy(models.F("client"), descending=True),
                name="facts_recent",
            ),
        ),
        AddIndexConcurrently(
            model_name="opportunity",
            index=models.Index(
                models.F("search_key"),
                models.F("id"),
                condition=models.Q(("archived_at__isnull", True)),
                name="opportunity_title",
            ),
        ),
    ]

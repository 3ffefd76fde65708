from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What roll-ups ask of all interactions is read from an index, which is a tenth of the table. It does what that of the timeline did."""

    atomic = False
    dependencies = [("interactions", "0018_survey_rules_with_a_segment")]

    operations = [
        AddIndexConcurrently(
            model_name="interaction",
            index=models.Index(
                condition=models.Q(("archived_at__isnull", True)),
                fields=["client", "-occurred_at", "-id"],
                include=[
                    "engagement",
                    "author",
                    "visibility",
                    "channel",
                    "direction",
                    "duration_minutes",
                    "sentiment",
                ],
                name="interaction_of_client",
            ),
        ),
        RemoveIndexConcurrently(model_name="interaction", name="interaction_timeline"),
    ]

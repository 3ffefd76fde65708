from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index by which a client's timeline finds the follow-ups that were entered."""

    atomic = False
    dependencies = [("interactions", "0010_words_of_fields")]

    operations = [
        AddIndexConcurrently(
            model_name="followup",
            index=models.Index(
                fields=["client", "-created_at"],
                name="follow_up_client_made",
                condition=models.Q(source_kind__in=["", "rule"]),
            ),
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The follow-ups of a referral are found while others read and write the table."""

    atomic = False
    dependencies = [("interactions", "0014_words_of_texts")]

    operations = [
        AddIndexConcurrently(
            model_name="followup",
            index=models.Index(
                fields=["source_id"], name="follow_up_referral", condition=models.Q(("source_kind", "referral"))
            ),
        ),
    ]

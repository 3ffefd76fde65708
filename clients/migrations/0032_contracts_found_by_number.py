from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F

from crm.core.base.models import Folded


class Migration(migrations.Migration):
    """The search finds contracts by their own number. Built while others read and write."""

    atomic = False
    dependencies = [("clients", "0031_duplicates")]

    operations = [
        AddIndexConcurrently(
            model_name="contract",
            index=GinIndex(
                OpClass(Folded(F("number")), name="gin_trgm_ops"),
                name="contract_number",
                condition=models.Q(("number", ""), _negated=True),
            ),
        ),
    ]

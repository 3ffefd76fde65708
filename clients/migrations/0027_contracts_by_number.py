from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F

from crm.core.base.models import Folded


class Migration(migrations.Migration):
    """The search finds contracts by name and by their number in another system. Built while others read and write."""

    atomic = False
    dependencies = [("clients", "0026_cover_version")]

    operations = [
        AddIndexConcurrently(
            model_name="contract",
            index=GinIndex(OpClass(Folded(F("name")), name="gin_trgm_ops"), name="contract_search"),
        ),
        AddIndexConcurrently(
            model_name="externalid",
            index=models.Index(fields=["value"], name="external_id_contract", condition=models.Q(("kind", "contract"))),
        ),
    ]

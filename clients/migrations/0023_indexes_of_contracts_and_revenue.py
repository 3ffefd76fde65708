from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The indexes of invoices and contracts on tables that have rows already: they are built while others read and write."""

    atomic = False
    dependencies = [("clients", "0022_search")]

    operations = [
        AddIndexConcurrently(
            model_name="revenueline",
            index=models.Index(fields=["invoice"], name="revenue_invoice", condition=models.Q(("invoice__isnull", False))),
        ),
        AddIndexConcurrently(
            model_name="contract", index=models.Index(fields=["notice_date", "id"], name="contract_notice")
        ),
        AddIndexConcurrently(
            model_name="contract",
            index=models.Index(
                fields=["-start_date", "-id"],
                name="contract_newest",
                condition=models.Q(("archived_at__isnull", True)),
            ),
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

import clients.records.models


class Migration(migrations.Migration):
    """The index by which an import finds a client if it knows neither id nor address."""

    atomic = False
    dependencies = [("clients", "0004_status_periods_of_unknown_start")]

    operations = [
        AddIndexConcurrently(
            model_name="client",
            index=models.Index(
                clients.records.models.Domain(models.F("website")),
                condition=models.Q(("website", ""), _negated=True),
                name="client_domain",
            ),
        ),
    ]

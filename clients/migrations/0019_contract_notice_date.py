from datetime import date

from django.db import migrations, models
from django.db.models import Case, F, Value, When

PLAUSIBLE = (Value(date(1900, 1, 1), models.DateField()), Value(date(2200, 12, 31), models.DateField()))


def column():
    return models.GeneratedField(
        expression=Case(
            When(renewal_date__range=PLAUSIBLE, then=F("renewal_date") - F("notice_days")),
            output_field=models.DateField(),
        ),
        output_field=models.DateField(verbose_name="notice by"),
        db_persist=True,
    )


class Migration(migrations.Migration):
    """The last day for notice. A renewal date that no contract has, which older versions took, has none."""

    dependencies = [("clients", "0018_invoices")]

    operations = [
        migrations.AddField("contract", "notice_date", column()),
        migrations.AddField("contractevent", "notice_date", column()),
    ]

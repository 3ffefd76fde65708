from django.db import migrations, models
from django.db.models import Count, F, OuterRef, Q, Subquery


def empty_rates(apps, schema_editor):
    """A rate of 1 in a foreign currency was the default of a field that nobody had filled: the amount counted as the firm's own.
    From here on it has none, is in no sum, and is listed for review."""
    firm = apps.get_model("core", "FirmSettings").objects.filter(pk=1).first()
    own = firm.currency if firm else "EUR"
    for name in ("Contract", "RevenueLine"):
        apps.get_model("clients", name).objects.exclude(currency=own).filter(rate=1).update(
            rate=None, version=F("version") + 1
        )
    count_again(apps, schema_editor)


def give_rates(apps, schema_editor):
    for name in ("Contract", "RevenueLine"):
        apps.get_model("clients", name).objects.filter(rate=None).update(rate=1, version=F("version") + 1)


def count_again(apps, schema_editor):
    """The facts of those clients: as of today by the database's clock; the daily run makes it the firm's."""
    line, facts = apps.get_model("clients", "RevenueLine"), apps.get_model("clients", "ClientFacts")
    concerned = facts.objects.filter(client__in=line.objects.filter(rate=None).values("client"))
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT (current_date - interval '12 months')::date + 1, current_date + 1")
        start, end = cursor.fetchone()
    within = line.objects.filter(client=OuterRef("pk"), date__gte=start, date__lt=end).order_by().values("client")
    found = within.annotate(total=models.Sum("amount_firm"), missing=Count("pk", filter=Q(rate=None)))
    for facts_of in concerned.annotate(
        total=Subquery(found.values("total")), missing=Subquery(found.values("missing"))
    ).iterator():
        facts.objects.filter(pk=facts_of.pk).update(
            revenue_12m=facts_of.total or 0, unrated_12m=facts_of.missing or 0
        )


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0008_exchange_rates"),
        ("core", "0001_initial"),
    ]

    operations = [migrations.RunPython(empty_rates, give_rates)]

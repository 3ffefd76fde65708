from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

ACCOUNT_MAILS = ("account", "invitation", "reset", "login")


def rank_what_waits(apps, schema_editor):
    waiting = ("planned", "held", "pending", "leased", "sending", "uncertain")
    mails = apps.get_model("core", "OutboxMail").objects.using(schema_editor.connection.alias)
    mails.filter(kind__in=ACCOUNT_MAILS, state__in=waiting).update(rank=0)


class Migration(migrations.Migration):
    """Mails that open an account are claimed before all others."""

    atomic = False
    dependencies = [
        ('core', '0007_what_an_installation_is_bound_to'),
    ]

    operations = [
        migrations.AddField(
            model_name='outboxmail',
            name='rank',
            field=models.PositiveSmallIntegerField(db_default=1, default=1, help_text='0 goes before all others: mails that open an account'),
        ),
        migrations.RunPython(rank_what_waits, migrations.RunPython.noop),
        AddIndexConcurrently(
            model_name='outboxmail',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['rank', 'next_attempt_at', 'id'], name='outbox_claim'),
        ),
    ]

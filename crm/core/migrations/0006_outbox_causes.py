from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_selected_rows_and_their_undo'),
    ]

    operations = [
        migrations.AddField(
            model_name='outboxmail',
            name='cause_id',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='outboxmail',
            name='cause_kind',
            field=models.CharField(blank=True, db_default='', default='', help_text='model of the row it is about; empty for an earlier mail', max_length=60),
        ),
        migrations.AddIndex(
            model_name='outboxmail',
            index=models.Index(condition=models.Q(('cause_id__isnull', False)), fields=['cause_kind', 'cause_id'], name='outbox_cause'),
        ),
    ]

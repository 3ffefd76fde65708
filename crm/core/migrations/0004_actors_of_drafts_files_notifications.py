import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0003_outbox_indexes'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='draft',
            name='draft_once',
        ),
        migrations.AddField(
            model_name='draft',
            name='contact_id',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='notification',
            name='contact_id',
            field=models.BigIntegerField(blank=True, help_text='whom it is for, when no colleague', null=True),
        ),
        migrations.AddField(
            model_name='storedfile',
            name='contact_id',
            field=models.BigIntegerField(blank=True, help_text='who brought it, when no colleague', null=True),
        ),
        migrations.AlterField(
            model_name='draft',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='notification',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='draft',
            constraint=models.UniqueConstraint(fields=('user', 'contact_id', 'kind', 'client_id', 'record'), name='draft_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='draft',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('contact_id__isnull', False), ('user__isnull', False), _negated=True), models.Q(('contact_id__isnull', True), ('user__isnull', True), _negated=True)), name='draft_one_owner'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('contact_id__isnull', False), ('user__isnull', False), _negated=True), models.Q(('contact_id__isnull', True), ('user__isnull', True), _negated=True)), name='notification_one_addressee'),
        ),
        migrations.AddConstraint(
            model_name='storedfile',
            constraint=models.CheckConstraint(condition=models.Q(('contact_id__isnull', False), ('user__isnull', False), _negated=True), name='stored_file_one_owner'),
        ),
    ]

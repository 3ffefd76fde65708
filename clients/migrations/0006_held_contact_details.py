import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clients', '0005_client_domain_index'),
        ('pghistory', '0007_auto_20250421_0444'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HeldDetails',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('details', models.JSONField(default=dict)),
                ('refused_at', models.DateTimeField(help_text='the address bounced or complained: no more mail', null=True)),
                ('changed_at', models.DateTimeField()),
                ('confirmed_at', models.DateTimeField(help_text='somebody who sees the client decided to keep them', null=True)),
                ('affiliation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='held', to='clients.affiliation')),
                ('changed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='HeldDetailsEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('details', models.JSONField(default=dict)),
                ('refused_at', models.DateTimeField(help_text='the address bounced or complained: no more mail', null=True)),
                ('changed_at', models.DateTimeField()),
                ('confirmed_at', models.DateTimeField(help_text='somebody who sees the client decided to keep them', null=True)),
                ('affiliation', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.affiliation')),
                ('changed_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='clients.helddetails')),
            ],
            options={
                'abstract': False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='helddetails',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_helddetailsevent" ("affiliation_id", "changed_at", "changed_by_id", "confirmed_at", "details", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "refused_at") VALUES (NEW."affiliation_id", NEW."changed_at", NEW."changed_by_id", NEW."confirmed_at", NEW."details", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."refused_at"); RETURN NULL;', hash='1301040150047ba0ebe5d1d24dbebbc1ee46a692', operation='INSERT', pgid='pgtrigger_insert_insert_c841b', table='clients_helddetails', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='helddetails',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_helddetailsevent" ("affiliation_id", "changed_at", "changed_by_id", "confirmed_at", "details", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "refused_at") VALUES (NEW."affiliation_id", NEW."changed_at", NEW."changed_by_id", NEW."confirmed_at", NEW."details", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."refused_at"); RETURN NULL;', hash='fd347b6ed1345413f241d14ef8451d88d0e17028', operation='UPDATE', pgid='pgtrigger_update_update_2ff33', table='clients_helddetails', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='helddetails',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_helddetailsevent" ("affiliation_id", "changed_at", "changed_by_id", "confirmed_at", "details", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "refused_at") VALUES (OLD."affiliation_id", OLD."changed_at", OLD."changed_by_id", OLD."confirmed_at", OLD."details", OLD."id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."refused_at"); RETURN NULL;', hash='2941b9bb9ef13b9d4cc8c012d2aef3e316bf170c', operation='DELETE', pgid='pgtrigger_delete_delete_24d8f', table='clients_helddetails', when='AFTER')),
        ),
    ]

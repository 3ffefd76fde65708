import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """A client imported without a start date is left out of retention."""

    dependencies = [
        ('clients', '0003_next_step_title_read_from_its_follow_up'),
        ('core', '0006_outbox_causes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='statusperiod',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='statusperiod',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='statusperiod',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='statusperiod',
            name='is_start_unknown',
            field=models.BooleanField(db_default=False, default=False, help_text='imported without a day: the period began on or before `start_date`'),
        ),
        migrations.AddField(
            model_name='statusperiodevent',
            name='is_start_unknown',
            field=models.BooleanField(db_default=False, default=False, help_text='imported without a day: the period began on or before `start_date`'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='statusperiod',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_statusperiodevent" ("client_id", "created_at", "end_date", "id", "is_start_unknown", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "start_date", "status") VALUES (NEW."client_id", NEW."created_at", NEW."end_date", NEW."id", NEW."is_start_unknown", NEW."note", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reason", NEW."start_date", NEW."status"); RETURN NULL;', hash='be20cdc46db3a8713ca0a11225fd783acf4a38ba', operation='INSERT', pgid='pgtrigger_insert_insert_b2983', table='clients_statusperiod', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='statusperiod',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_statusperiodevent" ("client_id", "created_at", "end_date", "id", "is_start_unknown", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "start_date", "status") VALUES (NEW."client_id", NEW."created_at", NEW."end_date", NEW."id", NEW."is_start_unknown", NEW."note", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reason", NEW."start_date", NEW."status"); RETURN NULL;', hash='655475bb6bbd3f1507c5eacf1e31d75f9ff3c860', operation='UPDATE', pgid='pgtrigger_update_update_b1ce9', table='clients_statusperiod', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='statusperiod',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_statusperiodevent" ("client_id", "created_at", "end_date", "id", "is_start_unknown", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "start_date", "status") VALUES (OLD."client_id", OLD."created_at", OLD."end_date", OLD."id", OLD."is_start_unknown", OLD."note", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."reason", OLD."start_date", OLD."status"); RETURN NULL;', hash='ccc7261d74e440274eaad5d5da9ca9567d737d8b', operation='DELETE', pgid='pgtrigger_delete_delete_3fd02', table='clients_statusperiod', when='AFTER')),
        ),
    ]

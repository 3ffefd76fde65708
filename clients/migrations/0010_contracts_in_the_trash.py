import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clients', '0009_foreign_amounts_without_a_rate'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='contract',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='contract',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='contract',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='contract',
            name='archived_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='contractevent',
            name='archived_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contract',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_contractevent" ("archived_at", "change_reason", "client_id", "created_at", "currency", "end_date", "id", "is_auto_renewed", "is_free", "name", "notice_days", "period", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "renewal_date", "replaces_id", "service_id", "start_date", "updated_at", "value", "version") VALUES (NEW."archived_at", NEW."change_reason", NEW."client_id", NEW."created_at", NEW."currency", NEW."end_date", NEW."id", NEW."is_auto_renewed", NEW."is_free", NEW."name", NEW."notice_days", NEW."period", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."rate", NEW."renewal_date", NEW."replaces_id", NEW."service_id", NEW."start_date", NEW."updated_at", NEW."value", NEW."version"); RETURN NULL;', hash='d112b2235447a4a3e497c0b04d881221283c2e22', operation='INSERT', pgid='pgtrigger_insert_insert_283cc', table='clients_contract', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contract',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_contractevent" ("archived_at", "change_reason", "client_id", "created_at", "currency", "end_date", "id", "is_auto_renewed", "is_free", "name", "notice_days", "period", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "renewal_date", "replaces_id", "service_id", "start_date", "updated_at", "value", "version") VALUES (NEW."archived_at", NEW."change_reason", NEW."client_id", NEW."created_at", NEW."currency", NEW."end_date", NEW."id", NEW."is_auto_renewed", NEW."is_free", NEW."name", NEW."notice_days", NEW."period", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."rate", NEW."renewal_date", NEW."replaces_id", NEW."service_id", NEW."start_date", NEW."updated_at", NEW."value", NEW."version"); RETURN NULL;', hash='e3a4b79cb351f4893ed7bd08339977496f00fa9d', operation='UPDATE', pgid='pgtrigger_update_update_439f8', table='clients_contract', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contract',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_contractevent" ("archived_at", "change_reason", "client_id", "created_at", "currency", "end_date", "id", "is_auto_renewed", "is_free", "name", "notice_days", "period", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "renewal_date", "replaces_id", "service_id", "start_date", "updated_at", "value", "version") VALUES (OLD."archived_at", OLD."change_reason", OLD."client_id", OLD."created_at", OLD."currency", OLD."end_date", OLD."id", OLD."is_auto_renewed", OLD."is_free", OLD."name", OLD."notice_days", OLD."period", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."rate", OLD."renewal_date", OLD."replaces_id", OLD."service_id", OLD."start_date", OLD."updated_at", OLD."value", OLD."version"); RETURN NULL;', hash='daf8462fd504ec96eaad87bf3f234b2eebd87966', operation='DELETE', pgid='pgtrigger_delete_delete_7d221', table='clients_contract', when='AFTER')),
        ),
    ]

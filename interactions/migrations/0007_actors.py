import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clients', '0003_next_step_title_read_from_its_follow_up'),
        ('interactions', '0006_contact_due'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='commitment',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='commitment',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='commitment',
            name='delete_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='decision',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='decision',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='decision',
            name='delete_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='followup',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='followup',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='followup',
            name='delete_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='interaction',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='interaction',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='interaction',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='commitment',
            name='closed_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='commitment',
            name='closed_by_contact',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='commitmentevent',
            name='closed_by',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='commitmentevent',
            name='closed_by_contact',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='decision',
            name='author_contact',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='decisionevent',
            name='author_contact',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='followup',
            name='author_contact',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='followup',
            name='closed_by_contact',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='followupevent',
            name='author_contact',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='followupevent',
            name='closed_by_contact',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='interaction',
            name='author_contact',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='interactionevent',
            name='author_contact',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.contact'),
        ),
        migrations.AlterField(
            model_name='decision',
            name='author',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='decisionevent',
            name='author',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='followup',
            name='author',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='followupevent',
            name='author',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='interaction',
            name='author',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='interactions', to=settings.AUTH_USER_MODEL, verbose_name='logged by'),
        ),
        migrations.AlterField(
            model_name='interactionevent',
            name='author',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='logged by'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='commitment',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "interactions_commitmentevent" ("client_id", "closed_at", "closed_by_contact_id", "closed_by_id", "contact_id", "created_at", "decision_id", "due_date", "id", "interaction_id", "is_demo", "is_shared", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "side", "state", "text", "updated_at", "version") VALUES (NEW."client_id", NEW."closed_at", NEW."closed_by_contact_id", NEW."closed_by_id", NEW."contact_id", NEW."created_at", NEW."decision_id", NEW."due_date", NEW."id", NEW."interaction_id", NEW."is_demo", NEW."is_shared", NEW."owner_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."side", NEW."state", NEW."text", NEW."updated_at", NEW."version"); RETURN NULL;', hash='60e5e661dc88680f4f4a4cbd775d11d8a0669006', operation='INSERT', pgid='pgtrigger_insert_insert_d6fa9', table='interactions_commitment', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='commitment',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "interactions_commitmentevent" ("client_id", "closed_at", "closed_by_contact_id", "closed_by_id", "contact_id", "created_at", "decision_id", "due_date", "id", "interaction_id", "is_demo", "is_shared", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "side", "state", "text", "updated_at", "version") VALUES (NEW."client_id", NEW."closed_at", NEW."closed_by_contact_id", NEW."closed_by_id", NEW."contact_id", NEW."created_at", NEW."decision_id", NEW."due_date", NEW."id", NEW."interaction_id", NEW."is_demo", NEW."is_shared", NEW."owner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."side", NEW."state", NEW."text", NEW."updated_at", NEW."version"); RETURN NULL;', hash='d499a31f4ad7df085fb0e3292085e6cb93b612be', operation='UPDATE', pgid='pgtrigger_update_update_62664', table='interactions_commitment', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='commitment',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "interactions_commitmentevent" ("client_id", "closed_at", "closed_by_contact_id", "closed_by_id", "contact_id", "created_at", "decision_id", "due_date", "id", "interaction_id", "is_demo", "is_shared", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "side", "state", "text", "updated_at", "version") VALUES (OLD."client_id", OLD."closed_at", OLD."closed_by_contact_id", OLD."closed_by_id", OLD."contact_id", OLD."created_at", OLD."decision_id", OLD."due_date", OLD."id", OLD."interaction_id", OLD."is_demo", OLD."is_shared", OLD."owner_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."side", OLD."state", OLD."text", OLD."updated_at", OLD."version"); RETURN NULL;', hash='eb1f6e9dbf8f4796014103b3b1f52cdad39dbbd4', operation='DELETE', pgid='pgtrigger_delete_delete_bcb23', table='interactions_commitment', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "interactions_decisionevent" ("author_contact_id", "author_id", "client_id", "confirmed_at", "contact_id", "created_at", "decided_date", "id", "interaction_id", "is_demo", "is_shared", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text", "updated_at", "version") VALUES (NEW."author_contact_id", NEW."author_id", NEW."client_id", NEW."confirmed_at", NEW."contact_id", NEW."created_at", NEW."decided_date", NEW."id", NEW."interaction_id", NEW."is_demo", NEW."is_shared", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."text", NEW."updated_at", NEW."version"); RETURN NULL;', hash='1dfca86198638d9dbb4d6639b9f826441f171e7f', operation='INSERT', pgid='pgtrigger_insert_insert_80ec8', table='interactions_decision', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "interactions_decisionevent" ("author_contact_id", "author_id", "client_id", "confirmed_at", "contact_id", "created_at", "decided_date", "id", "interaction_id", "is_demo", "is_shared", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text", "updated_at", "version") VALUES (NEW."author_contact_id", NEW."author_id", NEW."client_id", NEW."confirmed_at", NEW."contact_id", NEW."created_at", NEW."decided_date", NEW."id", NEW."interaction_id", NEW."is_demo", NEW."is_shared", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."text", NEW."updated_at", NEW."version"); RETURN NULL;', hash='c90402655d6dc727dab107d8fdc64bd6f53a6ede', operation='UPDATE', pgid='pgtrigger_update_update_1e5c4', table='interactions_decision', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "interactions_decisionevent" ("author_contact_id", "author_id", "client_id", "confirmed_at", "contact_id", "created_at", "decided_date", "id", "interaction_id", "is_demo", "is_shared", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text", "updated_at", "version") VALUES (OLD."author_contact_id", OLD."author_id", OLD."client_id", OLD."confirmed_at", OLD."contact_id", OLD."created_at", OLD."decided_date", OLD."id", OLD."interaction_id", OLD."is_demo", OLD."is_shared", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."text", OLD."updated_at", OLD."version"); RETURN NULL;', hash='168620320b52bc421da8b3c6f3bbb164635590b1', operation='DELETE', pgid='pgtrigger_delete_delete_9f75c', table='interactions_decision', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='followup',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "interactions_followupevent" ("assignee_id", "author_contact_id", "author_id", "client_id", "closed_at", "closed_by_contact_id", "closed_by_id", "contact_id", "created_at", "due_at", "due_date", "due_time", "id", "is_demo", "note", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "remind_at", "reminder_number", "rrule", "snoozed_until", "source_id", "source_kind", "state", "time_zone", "title", "updated_at", "version") VALUES (NEW."assignee_id", NEW."author_contact_id", NEW."author_id", NEW."client_id", NEW."closed_at", NEW."closed_by_contact_id", NEW."closed_by_id", NEW."contact_id", NEW."created_at", NEW."due_at", NEW."due_date", NEW."due_time", NEW."id", NEW."is_demo", NEW."note", NEW."outcome", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."priority", NEW."remind_at", NEW."reminder_number", NEW."rrule", NEW."snoozed_until", NEW."source_id", NEW."source_kind", NEW."state", NEW."time_zone", NEW."title", NEW."updated_at", NEW."version"); RETURN NULL;', hash='a855629e9c3809bdd3b11378df8403339e5f887d', operation='INSERT', pgid='pgtrigger_insert_insert_5786a', table='interactions_followup', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='followup',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "interactions_followupevent" ("assignee_id", "author_contact_id", "author_id", "client_id", "closed_at", "closed_by_contact_id", "closed_by_id", "contact_id", "created_at", "due_at", "due_date", "due_time", "id", "is_demo", "note", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "remind_at", "reminder_number", "rrule", "snoozed_until", "source_id", "source_kind", "state", "time_zone", "title", "updated_at", "version") VALUES (NEW."assignee_id", NEW."author_contact_id", NEW."author_id", NEW."client_id", NEW."closed_at", NEW."closed_by_contact_id", NEW."closed_by_id", NEW."contact_id", NEW."created_at", NEW."due_at", NEW."due_date", NEW."due_time", NEW."id", NEW."is_demo", NEW."note", NEW."outcome", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."priority", NEW."remind_at", NEW."reminder_number", NEW."rrule", NEW."snoozed_until", NEW."source_id", NEW."source_kind", NEW."state", NEW."time_zone", NEW."title", NEW."updated_at", NEW."version"); RETURN NULL;', hash='eb25b014296b6600664b2078b4e238bc3975a56e', operation='UPDATE', pgid='pgtrigger_update_update_7c060', table='interactions_followup', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='followup',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "interactions_followupevent" ("assignee_id", "author_contact_id", "author_id", "client_id", "closed_at", "closed_by_contact_id", "closed_by_id", "contact_id", "created_at", "due_at", "due_date", "due_time", "id", "is_demo", "note", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "remind_at", "reminder_number", "rrule", "snoozed_until", "source_id", "source_kind", "state", "time_zone", "title", "updated_at", "version") VALUES (OLD."assignee_id", OLD."author_contact_id", OLD."author_id", OLD."client_id", OLD."closed_at", OLD."closed_by_contact_id", OLD."closed_by_id", OLD."contact_id", OLD."created_at", OLD."due_at", OLD."due_date", OLD."due_time", OLD."id", OLD."is_demo", OLD."note", OLD."outcome", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."priority", OLD."remind_at", OLD."reminder_number", OLD."rrule", OLD."snoozed_until", OLD."source_id", OLD."source_kind", OLD."state", OLD."time_zone", OLD."title", OLD."updated_at", OLD."version"); RETURN NULL;', hash='31544b4cfd25f8aa71cfd32192fa213a5e3b8b39', operation='DELETE', pgid='pgtrigger_delete_delete_94a69', table='interactions_followup', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='interaction',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "interactions_interactionevent" ("archived_at", "author_contact_id", "author_id", "body", "channel", "client_id", "created_at", "direction", "duration_minutes", "id", "is_demo", "is_pinned", "occurred_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "sentiment", "subject", "updated_at", "version", "visibility") VALUES (NEW."archived_at", NEW."author_contact_id", NEW."author_id", NEW."body", NEW."channel", NEW."client_id", NEW."created_at", NEW."direction", NEW."duration_minutes", NEW."id", NEW."is_demo", NEW."is_pinned", NEW."occurred_at", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."sentiment", NEW."subject", NEW."updated_at", NEW."version", NEW."visibility"); RETURN NULL;', hash='035cac7d41eef16f66e473edc35c5c547e02f068', operation='INSERT', pgid='pgtrigger_insert_insert_35397', table='interactions_interaction', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='interaction',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "interactions_interactionevent" ("archived_at", "author_contact_id", "author_id", "body", "channel", "client_id", "created_at", "direction", "duration_minutes", "id", "is_demo", "is_pinned", "occurred_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "sentiment", "subject", "updated_at", "version", "visibility") VALUES (NEW."archived_at", NEW."author_contact_id", NEW."author_id", NEW."body", NEW."channel", NEW."client_id", NEW."created_at", NEW."direction", NEW."duration_minutes", NEW."id", NEW."is_demo", NEW."is_pinned", NEW."occurred_at", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."sentiment", NEW."subject", NEW."updated_at", NEW."version", NEW."visibility"); RETURN NULL;', hash='5b17f24d749dd6bf7ca2a6e4f3bb96dd254a3f0f', operation='UPDATE', pgid='pgtrigger_update_update_99134', table='interactions_interaction', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='interaction',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "interactions_interactionevent" ("archived_at", "author_contact_id", "author_id", "body", "channel", "client_id", "created_at", "direction", "duration_minutes", "id", "is_demo", "is_pinned", "occurred_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "sentiment", "subject", "updated_at", "version", "visibility") VALUES (OLD."archived_at", OLD."author_contact_id", OLD."author_id", OLD."body", OLD."channel", OLD."client_id", OLD."created_at", OLD."direction", OLD."duration_minutes", OLD."id", OLD."is_demo", OLD."is_pinned", OLD."occurred_at", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."sentiment", OLD."subject", OLD."updated_at", OLD."version", OLD."visibility"); RETURN NULL;', hash='da9114723ba51f719c71bfe6a6ae1168794e6af8', operation='DELETE', pgid='pgtrigger_delete_delete_b79e2', table='interactions_interaction', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='commitment',
            constraint=models.CheckConstraint(condition=models.Q(('closed_by__isnull', False), ('closed_by_contact__isnull', False), _negated=True), name='commitment_closed_by_one'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('author__isnull', False), ('author_contact__isnull', False), _negated=True), models.Q(('author__isnull', True), ('author_contact__isnull', True), _negated=True)), name='decision_author_is_one'),
        ),
        migrations.AddConstraint(
            model_name='followup',
            constraint=models.CheckConstraint(condition=models.Q(('author__isnull', False), ('author_contact__isnull', False), _negated=True), name='follow_up_author_is_one'),
        ),
        migrations.AddConstraint(
            model_name='followup',
            constraint=models.CheckConstraint(condition=models.Q(('closed_by__isnull', False), ('closed_by_contact__isnull', False), _negated=True), name='follow_up_closed_by_one'),
        ),
        migrations.AddConstraint(
            model_name='interaction',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('author__isnull', False), ('author_contact__isnull', False), _negated=True), models.Q(('author__isnull', True), ('author_contact__isnull', True), _negated=True)), name='interaction_author_is_one'),
        ),
    ]

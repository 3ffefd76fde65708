import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clients', '0003_next_step_title_read_from_its_follow_up'),
        ('onboarding', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='task',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='task',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='task',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='task',
            name='done_by_contact',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='taskcomment',
            name='author_contact',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.contact'),
        ),
        migrations.AddField(
            model_name='taskevent',
            name='done_by_contact',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.contact'),
        ),
        migrations.AlterField(
            model_name='taskcomment',
            name='author',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='task',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "onboarding_taskevent" ("after_id", "assignee_id", "blocked_reason", "contact_id", "created_at", "done_at", "done_by_contact_id", "done_by_id", "done_when", "due_date", "evidence", "id", "instructions", "is_client_visible", "is_due_fixed", "is_mandatory", "key", "offset_days", "owner_role", "owner_side", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phase_id", "plan_id", "position", "state", "title", "updated_at", "version") VALUES (NEW."after_id", NEW."assignee_id", NEW."blocked_reason", NEW."contact_id", NEW."created_at", NEW."done_at", NEW."done_by_contact_id", NEW."done_by_id", NEW."done_when", NEW."due_date", NEW."evidence", NEW."id", NEW."instructions", NEW."is_client_visible", NEW."is_due_fixed", NEW."is_mandatory", NEW."key", NEW."offset_days", NEW."owner_role", NEW."owner_side", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."phase_id", NEW."plan_id", NEW."position", NEW."state", NEW."title", NEW."updated_at", NEW."version"); RETURN NULL;', hash='d69c1da624c6cc48996bc85562898922ab17cf8b', operation='INSERT', pgid='pgtrigger_insert_insert_29aa7', table='onboarding_task', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='task',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "onboarding_taskevent" ("after_id", "assignee_id", "blocked_reason", "contact_id", "created_at", "done_at", "done_by_contact_id", "done_by_id", "done_when", "due_date", "evidence", "id", "instructions", "is_client_visible", "is_due_fixed", "is_mandatory", "key", "offset_days", "owner_role", "owner_side", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phase_id", "plan_id", "position", "state", "title", "updated_at", "version") VALUES (NEW."after_id", NEW."assignee_id", NEW."blocked_reason", NEW."contact_id", NEW."created_at", NEW."done_at", NEW."done_by_contact_id", NEW."done_by_id", NEW."done_when", NEW."due_date", NEW."evidence", NEW."id", NEW."instructions", NEW."is_client_visible", NEW."is_due_fixed", NEW."is_mandatory", NEW."key", NEW."offset_days", NEW."owner_role", NEW."owner_side", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."phase_id", NEW."plan_id", NEW."position", NEW."state", NEW."title", NEW."updated_at", NEW."version"); RETURN NULL;', hash='bda3b280b813f632ba408c7b057a78bb4505e848', operation='UPDATE', pgid='pgtrigger_update_update_a70ad', table='onboarding_task', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='task',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "onboarding_taskevent" ("after_id", "assignee_id", "blocked_reason", "contact_id", "created_at", "done_at", "done_by_contact_id", "done_by_id", "done_when", "due_date", "evidence", "id", "instructions", "is_client_visible", "is_due_fixed", "is_mandatory", "key", "offset_days", "owner_role", "owner_side", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phase_id", "plan_id", "position", "state", "title", "updated_at", "version") VALUES (OLD."after_id", OLD."assignee_id", OLD."blocked_reason", OLD."contact_id", OLD."created_at", OLD."done_at", OLD."done_by_contact_id", OLD."done_by_id", OLD."done_when", OLD."due_date", OLD."evidence", OLD."id", OLD."instructions", OLD."is_client_visible", OLD."is_due_fixed", OLD."is_mandatory", OLD."key", OLD."offset_days", OLD."owner_role", OLD."owner_side", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."phase_id", OLD."plan_id", OLD."position", OLD."state", OLD."title", OLD."updated_at", OLD."version"); RETURN NULL;', hash='1f41d8a356a6a88f391083b65147867ff8dd231d', operation='DELETE', pgid='pgtrigger_delete_delete_f6c76', table='onboarding_task', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='task',
            constraint=models.CheckConstraint(condition=models.Q(('done_by__isnull', False), ('done_by_contact__isnull', False), _negated=True), name='task_done_by_one'),
        ),
        migrations.AddConstraint(
            model_name='taskcomment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('author__isnull', False), ('author_contact__isnull', False), _negated=True), models.Q(('author__isnull', True), ('author_contact__isnull', True), _negated=True)), name='task_comment_author'),
        ),
    ]

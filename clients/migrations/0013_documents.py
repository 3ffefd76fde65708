import crm.core.base.models
import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clients', '0012_opportunities'),
        ("core", "0010_words_of_fields"),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='Document',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('title', models.CharField(max_length=160, verbose_name='title')),
                ('kind', models.CharField(choices=[('contract', 'Contract'), ('engagement', 'Engagement letter'), ('authority', 'Power of attorney'), ('identity', 'Identification'), ('letter', 'Correspondence'), ('financial', 'Financial statement'), ('tax', 'Tax'), ('report', 'Report'), ('minutes', 'Minutes'), ('certificate', 'Certificate'), ('other', 'Other')], default='other', max_length=12, verbose_name='kind')),
                ('expiry_date', models.DateField(blank=True, null=True, verbose_name='expires on')),
                ('is_shared', models.BooleanField(default=False, verbose_name='may be shared with the client')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('number', models.PositiveIntegerField(default=1, editable=False, verbose_name='version')),
                ('uploaded_at', models.DateTimeField(editable=False, verbose_name='uploaded')),
                ('search_key', models.GeneratedField(db_persist=True, expression=crm.core.base.models.Folded(models.F('title')), output_field=models.TextField())),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='documents', to='clients.client', verbose_name='client')),
                ('file', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.storedfile')),
            ],
            options={
                'verbose_name': 'document',
                'ordering': ['-uploaded_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='DocumentEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('title', models.CharField(max_length=160, verbose_name='title')),
                ('kind', models.CharField(choices=[('contract', 'Contract'), ('engagement', 'Engagement letter'), ('authority', 'Power of attorney'), ('identity', 'Identification'), ('letter', 'Correspondence'), ('financial', 'Financial statement'), ('tax', 'Tax'), ('report', 'Report'), ('minutes', 'Minutes'), ('certificate', 'Certificate'), ('other', 'Other')], default='other', max_length=12, verbose_name='kind')),
                ('expiry_date', models.DateField(blank=True, null=True, verbose_name='expires on')),
                ('is_shared', models.BooleanField(default=False, verbose_name='may be shared with the client')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('number', models.PositiveIntegerField(default=1, editable=False, verbose_name='version')),
                ('uploaded_at', models.DateTimeField(editable=False, verbose_name='uploaded')),
                ('search_key', models.GeneratedField(db_persist=True, expression=crm.core.base.models.Folded(models.F('title')), output_field=models.TextField())),
                ('client', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.client', verbose_name='client')),
                ('file', models.ForeignKey(db_constraint=False, editable=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='core.storedfile')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='clients.document')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='DocumentVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(verbose_name='version')),
                ('remark', models.CharField(blank=True, max_length=200, verbose_name='what changed')),
                ('document', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='clients.document')),
                ('file', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.storedfile')),
            ],
            options={
                'verbose_name': 'version of a document',
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='DocumentVersionEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('number', models.PositiveIntegerField(verbose_name='version')),
                ('remark', models.CharField(blank=True, max_length=200, verbose_name='what changed')),
                ('document', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.document')),
                ('file', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='core.storedfile')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='clients.documentversion')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddIndex(
            model_name='document',
            index=models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['client', '-uploaded_at', '-id'], name='document_client'),
        ),
        migrations.AddIndex(
            model_name='document',
            index=models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['-uploaded_at', '-id'], name='document_newest'),
        ),
        migrations.AddIndex(
            model_name='document',
            index=models.Index(condition=models.Q(('archived_at__isnull', True), ('expiry_date__isnull', False)), fields=['expiry_date', 'id'], name='document_expiry'),
        ),
        migrations.AddIndex(
            model_name='document',
            index=models.Index(models.F('search_key'), models.F('id'), condition=models.Q(('archived_at__isnull', True)), name='document_title'),
        ),
        migrations.AddIndex(
            model_name='document',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('search_key'), name='gin_trgm_ops'), name='document_search'),
        ),
        migrations.AddConstraint(
            model_name='document',
            constraint=models.CheckConstraint(condition=models.Q(('title', ''), _negated=True), name='document_title_given', violation_error_message='Enter a title.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='document',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_documentevent" ("archived_at", "client_id", "created_at", "expiry_date", "file_id", "id", "is_shared", "kind", "note", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "title", "updated_at", "uploaded_at", "version") VALUES (NEW."archived_at", NEW."client_id", NEW."created_at", NEW."expiry_date", NEW."file_id", NEW."id", NEW."is_shared", NEW."kind", NEW."note", NEW."number", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."title", NEW."updated_at", NEW."uploaded_at", NEW."version"); RETURN NULL;', hash='7a30f69149ee538a5abe90503e756cbbbf857117', operation='INSERT', pgid='pgtrigger_insert_insert_3e19e', table='clients_document', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='document',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_documentevent" ("archived_at", "client_id", "created_at", "expiry_date", "file_id", "id", "is_shared", "kind", "note", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "title", "updated_at", "uploaded_at", "version") VALUES (NEW."archived_at", NEW."client_id", NEW."created_at", NEW."expiry_date", NEW."file_id", NEW."id", NEW."is_shared", NEW."kind", NEW."note", NEW."number", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."title", NEW."updated_at", NEW."uploaded_at", NEW."version"); RETURN NULL;', hash='d9613c63656fe4aa208097678bd011d4524e7258', operation='UPDATE', pgid='pgtrigger_update_update_d6840', table='clients_document', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='document',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_documentevent" ("archived_at", "client_id", "created_at", "expiry_date", "file_id", "id", "is_shared", "kind", "note", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "title", "updated_at", "uploaded_at", "version") VALUES (OLD."archived_at", OLD."client_id", OLD."created_at", OLD."expiry_date", OLD."file_id", OLD."id", OLD."is_shared", OLD."kind", OLD."note", OLD."number", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."title", OLD."updated_at", OLD."uploaded_at", OLD."version"); RETURN NULL;', hash='dd048ffd4f92f6557c3ba6f4917d6840fa327192', operation='DELETE', pgid='pgtrigger_delete_delete_7c098', table='clients_document', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='documentversion',
            constraint=models.UniqueConstraint(fields=('document', 'number'), name='document_version_once'),
        ),
        migrations.AddConstraint(
            model_name='documentversion',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='document_version_counts_from_one'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='documentversion',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_documentversionevent" ("document_id", "file_id", "id", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "remark") VALUES (NEW."document_id", NEW."file_id", NEW."id", NEW."number", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."remark"); RETURN NULL;', hash='04b17061a5f75a50629eac8a7704428db00dfb26', operation='INSERT', pgid='pgtrigger_insert_insert_edeec', table='clients_documentversion', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='documentversion',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_documentversionevent" ("document_id", "file_id", "id", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "remark") VALUES (NEW."document_id", NEW."file_id", NEW."id", NEW."number", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."remark"); RETURN NULL;', hash='a069375894996433cebc93b751aa388aed355464', operation='UPDATE', pgid='pgtrigger_update_update_fbbb6', table='clients_documentversion', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='documentversion',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_documentversionevent" ("document_id", "file_id", "id", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "remark") VALUES (OLD."document_id", OLD."file_id", OLD."id", OLD."number", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."remark"); RETURN NULL;', hash='eb640dd4f2ef30bd481ce747edea24d8bdb99a1d', operation='DELETE', pgid='pgtrigger_delete_delete_6fe7e', table='clients_documentversion', when='AFTER')),
        ),
    ]

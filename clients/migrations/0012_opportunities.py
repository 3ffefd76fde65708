import crm.core.base.models
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.math
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("clients", "0011_words_of_fields"),
        ('pghistory', '0007_auto_20250421_0444'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PipelineEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('position', models.PositiveSmallIntegerField(default=0, editable=False)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Stage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('position', models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='position')),
                ('probability', models.PositiveSmallIntegerField(default=50, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(100)], verbose_name='probability, %')),
                ('rotting_days', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3650)], verbose_name='rotting after, days')),
            ],
            options={
                'verbose_name': 'stage',
                'ordering': ['pipeline', 'position', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='StageChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entered_at', models.DateTimeField()),
                ('left_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['entered_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='StageEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('position', models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='position')),
                ('probability', models.PositiveSmallIntegerField(default=50, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(100)], verbose_name='probability, %')),
                ('rotting_days', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3650)], verbose_name='rotting after, days')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Opportunity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('title', models.CharField(max_length=160, verbose_name='title')),
                ('kind', models.CharField(choices=[('new', 'New business'), ('renewal', 'Renewal'), ('upsell', 'Upsell'), ('cross_sell', 'Cross-sell')], default='new', max_length=10, verbose_name='kind')),
                ('stage_since', models.DateTimeField(editable=False, verbose_name='in the stage since')),
                ('value', models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='value')),
                ('currency', models.CharField(max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}$', 'Three letters, such as EUR.')], verbose_name='currency')),
                ('rate', models.DecimalField(blank=True, decimal_places=8, help_text="firm's currency per unit", max_digits=16, null=True, validators=[django.core.validators.MinValueValidator(Decimal('1E-8'))], verbose_name='rate')),
                ('probability', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(100)], verbose_name='probability, %')),
                ('has_own_probability', models.BooleanField(default=False, editable=False)),
                ('expected_close', models.DateField(verbose_name='expected close')),
                ('next_step', models.CharField(blank=True, max_length=200, verbose_name='next step')),
                ('description', models.TextField(blank=True, verbose_name='notes')),
                ('opened_date', models.DateField(verbose_name='opened')),
                ('renewal_date', models.DateField(blank=True, editable=False, null=True, verbose_name='renewal')),
                ('state', models.CharField(choices=[('open', 'Open'), ('won', 'Won'), ('lost', 'Lost')], default='open', max_length=5, verbose_name='state')),
                ('reason', models.CharField(blank=True, choices=[('price', 'Price'), ('competitor', 'Chose someone else'), ('budget', 'No budget'), ('timing', 'Bad timing'), ('no_decision', 'No decision'), ('not_a_fit', 'Not a fit'), ('contract_ended', 'Contract ended'), ('other', 'Other')], max_length=14, verbose_name='reason')),
                ('outcome_note', models.CharField(blank=True, max_length=300, verbose_name='what happened')),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='closed')),
                ('value_firm', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Cast(django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(models.F('value'), '*', models.F('rate')), 2), models.DecimalField(decimal_places=2, max_digits=16)), output_field=models.DecimalField(decimal_places=2, max_digits=16))),
                ('weighted_firm', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Cast(django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('value'), '*', models.F('rate')), '*', models.F('probability')), '/', models.Value(Decimal('100'))), 2), models.DecimalField(decimal_places=2, max_digits=16)), output_field=models.DecimalField(decimal_places=2, max_digits=16))),
                ('search_key', models.GeneratedField(db_persist=True, expression=crm.core.base.models.Folded(models.F('title')), output_field=models.TextField())),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='opportunities', to='clients.client', verbose_name='client')),
                ('contract', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='opportunities', to='clients.contract', verbose_name='contract')),
                ('made_contract', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='clients.contract')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('service', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='clients.service', verbose_name='service')),
            ],
            options={
                'verbose_name': 'opportunity',
                'verbose_name_plural': 'opportunities',
                'ordering': ['expected_close', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Pipeline',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('position', models.PositiveSmallIntegerField(default=0, editable=False)),
            ],
            options={
                'verbose_name': 'pipeline',
                'ordering': ['position', 'pk'],
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='pipeline_name_unique', violation_error_message='A pipeline with this name already exists.')],
            },
        ),
        migrations.CreateModel(
            name='OpportunityEvent',
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
                ('kind', models.CharField(choices=[('new', 'New business'), ('renewal', 'Renewal'), ('upsell', 'Upsell'), ('cross_sell', 'Cross-sell')], default='new', max_length=10, verbose_name='kind')),
                ('stage_since', models.DateTimeField(editable=False, verbose_name='in the stage since')),
                ('value', models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='value')),
                ('currency', models.CharField(max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}$', 'Three letters, such as EUR.')], verbose_name='currency')),
                ('rate', models.DecimalField(blank=True, decimal_places=8, help_text="firm's currency per unit", max_digits=16, null=True, validators=[django.core.validators.MinValueValidator(Decimal('1E-8'))], verbose_name='rate')),
                ('probability', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(100)], verbose_name='probability, %')),
                ('has_own_probability', models.BooleanField(default=False, editable=False)),
                ('expected_close', models.DateField(verbose_name='expected close')),
                ('next_step', models.CharField(blank=True, max_length=200, verbose_name='next step')),
                ('description', models.TextField(blank=True, verbose_name='notes')),
                ('opened_date', models.DateField(verbose_name='opened')),
                ('renewal_date', models.DateField(blank=True, editable=False, null=True, verbose_name='renewal')),
                ('state', models.CharField(choices=[('open', 'Open'), ('won', 'Won'), ('lost', 'Lost')], default='open', max_length=5, verbose_name='state')),
                ('reason', models.CharField(blank=True, choices=[('price', 'Price'), ('competitor', 'Chose someone else'), ('budget', 'No budget'), ('timing', 'Bad timing'), ('no_decision', 'No decision'), ('not_a_fit', 'Not a fit'), ('contract_ended', 'Contract ended'), ('other', 'Other')], max_length=14, verbose_name='reason')),
                ('outcome_note', models.CharField(blank=True, max_length=300, verbose_name='what happened')),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='closed')),
                ('value_firm', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Cast(django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(models.F('value'), '*', models.F('rate')), 2), models.DecimalField(decimal_places=2, max_digits=16)), output_field=models.DecimalField(decimal_places=2, max_digits=16))),
                ('weighted_firm', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Cast(django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('value'), '*', models.F('rate')), '*', models.F('probability')), '/', models.Value(Decimal('100'))), 2), models.DecimalField(decimal_places=2, max_digits=16)), output_field=models.DecimalField(decimal_places=2, max_digits=16))),
                ('search_key', models.GeneratedField(db_persist=True, expression=crm.core.base.models.Folded(models.F('title')), output_field=models.TextField())),
                ('client', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.client', verbose_name='client')),
                ('contract', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.contract', verbose_name='contract')),
                ('made_contract', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.contract')),
                ('owner', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='clients.opportunity')),
                ('service', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.service', verbose_name='service')),
                ('pipeline', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.pipeline', verbose_name='pipeline')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='opportunity',
            name='pipeline',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='clients.pipeline', verbose_name='pipeline'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pipeline',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_pipelineevent" ("archived_at", "created_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "updated_at", "version") VALUES (NEW."archived_at", NEW."created_at", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."position", NEW."updated_at", NEW."version"); RETURN NULL;', hash='b5263a5f57b010b6673b2b37120bf5302d1edc9d', operation='INSERT', pgid='pgtrigger_insert_insert_e3593', table='clients_pipeline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pipeline',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_pipelineevent" ("archived_at", "created_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "updated_at", "version") VALUES (NEW."archived_at", NEW."created_at", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."position", NEW."updated_at", NEW."version"); RETURN NULL;', hash='4c9cdc39687612f085fcc59e0138847210c054bb', operation='UPDATE', pgid='pgtrigger_update_update_db425', table='clients_pipeline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pipeline',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_pipelineevent" ("archived_at", "created_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "updated_at", "version") VALUES (OLD."archived_at", OLD."created_at", OLD."id", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."position", OLD."updated_at", OLD."version"); RETURN NULL;', hash='622fb8c29bb5aac60f9ae3aba006d686449b06e4', operation='DELETE', pgid='pgtrigger_delete_delete_0f177', table='clients_pipeline', when='AFTER')),
        ),
        migrations.AddField(
            model_name='pipelineevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='pipelineevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='clients.pipeline'),
        ),
        migrations.AddField(
            model_name='stage',
            name='pipeline',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stages', to='clients.pipeline', verbose_name='pipeline'),
        ),
        migrations.AddField(
            model_name='opportunityevent',
            name='stage',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.stage', verbose_name='stage'),
        ),
        migrations.AddField(
            model_name='opportunity',
            name='stage',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='clients.stage', verbose_name='stage'),
        ),
        migrations.AddField(
            model_name='stagechange',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='stagechange',
            name='opportunity',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stage_changes', to='clients.opportunity'),
        ),
        migrations.AddField(
            model_name='stagechange',
            name='stage',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.stage'),
        ),
        migrations.AddField(
            model_name='stageevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='stageevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='clients.stage'),
        ),
        migrations.AddField(
            model_name='stageevent',
            name='pipeline',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.pipeline', verbose_name='pipeline'),
        ),
        migrations.AddConstraint(
            model_name='stage',
            constraint=models.UniqueConstraint(models.F('pipeline'), django.db.models.functions.text.Lower('name'), condition=models.Q(('archived_at__isnull', True)), name='stage_name_unique', violation_error_message='This pipeline already has a stage with this name.'),
        ),
        migrations.AddConstraint(
            model_name='stage',
            constraint=models.CheckConstraint(condition=models.Q(('probability__lte', 100)), name='stage_probability_percent'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stage',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_stageevent" ("archived_at", "created_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pipeline_id", "position", "probability", "rotting_days", "updated_at", "version") VALUES (NEW."archived_at", NEW."created_at", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."pipeline_id", NEW."position", NEW."probability", NEW."rotting_days", NEW."updated_at", NEW."version"); RETURN NULL;', hash='519d2870316b2470bf30b4b1369a60e0f175c751', operation='INSERT', pgid='pgtrigger_insert_insert_39c40', table='clients_stage', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stage',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_stageevent" ("archived_at", "created_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pipeline_id", "position", "probability", "rotting_days", "updated_at", "version") VALUES (NEW."archived_at", NEW."created_at", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."pipeline_id", NEW."position", NEW."probability", NEW."rotting_days", NEW."updated_at", NEW."version"); RETURN NULL;', hash='bb566fdaa489fd9ac4e7378a8ee72a44e0ed76db', operation='UPDATE', pgid='pgtrigger_update_update_17aaa', table='clients_stage', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stage',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_stageevent" ("archived_at", "created_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pipeline_id", "position", "probability", "rotting_days", "updated_at", "version") VALUES (OLD."archived_at", OLD."created_at", OLD."id", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."pipeline_id", OLD."position", OLD."probability", OLD."rotting_days", OLD."updated_at", OLD."version"); RETURN NULL;', hash='a483811b5bc20a0d732a5a718655846904ad2117', operation='DELETE', pgid='pgtrigger_delete_delete_f43af', table='clients_stage', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='opportunity',
            index=models.Index(condition=models.Q(('archived_at__isnull', True), ('state', 'open')), fields=['stage', 'expected_close', 'id'], name='opportunity_stage_open'),
        ),
        migrations.AddIndex(
            model_name='opportunity',
            index=models.Index(condition=models.Q(('archived_at__isnull', True), ('state', 'open')), fields=['owner', 'expected_close', 'id'], name='opportunity_owner_open'),
        ),
        migrations.AddIndex(
            model_name='opportunity',
            index=models.Index(fields=['client', 'state'], name='opportunity_client'),
        ),
        migrations.AddIndex(
            model_name='opportunity',
            index=models.Index(fields=['expected_close', 'id'], name='opportunity_expected'),
        ),
        migrations.AddIndex(
            model_name='opportunity',
            index=models.Index(condition=models.Q(('state', 'open'), _negated=True), fields=['-closed_at', '-id'], name='opportunity_closed'),
        ),
        migrations.AddIndex(
            model_name='opportunity',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('search_key'), name='gin_trgm_ops'), name='opportunity_search'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.CheckConstraint(condition=models.Q(('title', ''), _negated=True), name='opportunity_title_given', violation_error_message='Enter a title.'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.CheckConstraint(condition=models.Q(('value__gte', 0)), name='opportunity_value_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.CheckConstraint(condition=models.Q(('rate__gt', 0)), name='opportunity_rate_positive'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.CheckConstraint(condition=models.Q(('probability__lte', 100)), name='opportunity_probability_percent'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='opportunity_closed_at'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), ('state', 'lost'), _negated=True), name='opportunity_lost_says_why'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.UniqueConstraint(condition=models.Q(('renewal_date__isnull', False)), fields=('contract', 'renewal_date'), name='opportunity_once_a_renewal'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='opportunity',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_opportunityevent" ("archived_at", "client_id", "closed_at", "contract_id", "created_at", "currency", "description", "expected_close", "has_own_probability", "id", "kind", "made_contract_id", "next_step", "opened_date", "outcome_note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pipeline_id", "probability", "rate", "reason", "renewal_date", "service_id", "stage_id", "stage_since", "state", "title", "updated_at", "value", "version") VALUES (NEW."archived_at", NEW."client_id", NEW."closed_at", NEW."contract_id", NEW."created_at", NEW."currency", NEW."description", NEW."expected_close", NEW."has_own_probability", NEW."id", NEW."kind", NEW."made_contract_id", NEW."next_step", NEW."opened_date", NEW."outcome_note", NEW."owner_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."pipeline_id", NEW."probability", NEW."rate", NEW."reason", NEW."renewal_date", NEW."service_id", NEW."stage_id", NEW."stage_since", NEW."state", NEW."title", NEW."updated_at", NEW."value", NEW."version"); RETURN NULL;', hash='477dd432b820f0852b660e724895fb974f68da96', operation='INSERT', pgid='pgtrigger_insert_insert_92566', table='clients_opportunity', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='opportunity',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_opportunityevent" ("archived_at", "client_id", "closed_at", "contract_id", "created_at", "currency", "description", "expected_close", "has_own_probability", "id", "kind", "made_contract_id", "next_step", "opened_date", "outcome_note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pipeline_id", "probability", "rate", "reason", "renewal_date", "service_id", "stage_id", "stage_since", "state", "title", "updated_at", "value", "version") VALUES (NEW."archived_at", NEW."client_id", NEW."closed_at", NEW."contract_id", NEW."created_at", NEW."currency", NEW."description", NEW."expected_close", NEW."has_own_probability", NEW."id", NEW."kind", NEW."made_contract_id", NEW."next_step", NEW."opened_date", NEW."outcome_note", NEW."owner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."pipeline_id", NEW."probability", NEW."rate", NEW."reason", NEW."renewal_date", NEW."service_id", NEW."stage_id", NEW."stage_since", NEW."state", NEW."title", NEW."updated_at", NEW."value", NEW."version"); RETURN NULL;', hash='0cc0814ff1519e815f273a8933207e0c58505fc7', operation='UPDATE', pgid='pgtrigger_update_update_2cb89', table='clients_opportunity', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='opportunity',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_opportunityevent" ("archived_at", "client_id", "closed_at", "contract_id", "created_at", "currency", "description", "expected_close", "has_own_probability", "id", "kind", "made_contract_id", "next_step", "opened_date", "outcome_note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pipeline_id", "probability", "rate", "reason", "renewal_date", "service_id", "stage_id", "stage_since", "state", "title", "updated_at", "value", "version") VALUES (OLD."archived_at", OLD."client_id", OLD."closed_at", OLD."contract_id", OLD."created_at", OLD."currency", OLD."description", OLD."expected_close", OLD."has_own_probability", OLD."id", OLD."kind", OLD."made_contract_id", OLD."next_step", OLD."opened_date", OLD."outcome_note", OLD."owner_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."pipeline_id", OLD."probability", OLD."rate", OLD."reason", OLD."renewal_date", OLD."service_id", OLD."stage_id", OLD."stage_since", OLD."state", OLD."title", OLD."updated_at", OLD."value", OLD."version"); RETURN NULL;', hash='43e7fbf463731c1104168e053a9c768f7a6bcdb6', operation='DELETE', pgid='pgtrigger_delete_delete_77915', table='clients_opportunity', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='stagechange',
            constraint=models.UniqueConstraint(condition=models.Q(('left_at__isnull', True)), fields=('opportunity',), name='opportunity_in_one_stage'),
        ),
        migrations.AddConstraint(
            model_name='stagechange',
            constraint=models.CheckConstraint(condition=models.Q(('left_at__isnull', True), ('left_at__gte', models.F('entered_at')), _connector='OR'), name='stage_left_after_entered'),
        ),
    ]


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
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clients', '0017_custom_fields'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('number', models.CharField(max_length=40, verbose_name='number')),
                ('invoice_date', models.DateField(verbose_name='invoice date')),
                ('due_date', models.DateField(verbose_name='due date')),
                ('net', models.DecimalField(decimal_places=2, max_digits=14, verbose_name='net')),
                ('tax', models.DecimalField(decimal_places=2, default=0, max_digits=14, verbose_name='tax')),
                ('gross', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax')), output_field=models.DecimalField(decimal_places=2, max_digits=14, verbose_name='gross'))),
                ('currency', models.CharField(max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}$', 'Three letters, such as EUR.')], verbose_name='currency')),
                ('rate', models.DecimalField(blank=True, decimal_places=8, help_text="firm's currency per unit", max_digits=16, null=True, validators=[django.core.validators.MinValueValidator(Decimal('1E-8'))], verbose_name='rate')),
                ('paid', models.DecimalField(db_default=0, decimal_places=2, default=0, editable=False, max_digits=14, verbose_name='paid')),
                ('net_firm', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Cast(django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(models.F('net'), '*', models.F('rate')), 2), models.DecimalField(decimal_places=2, max_digits=16)), output_field=models.DecimalField(decimal_places=2, max_digits=16))),
                ('gross_firm', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Cast(django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax')), '*', models.F('rate')), 2), models.DecimalField(decimal_places=2, max_digits=16)), output_field=models.DecimalField(decimal_places=2, max_digits=16))),
                ('open_firm', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Cast(django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax')), '-', models.F('paid')), '*', models.F('rate')), 2), models.DecimalField(decimal_places=2, max_digits=16)), output_field=models.DecimalField(decimal_places=2, max_digits=16))),
                ('voided_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='voided')),
                ('void_reason', models.CharField(blank=True, max_length=200, verbose_name='why it is void')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('search_key', models.GeneratedField(db_persist=True, expression=crm.core.base.models.Folded(models.F('number')), output_field=models.TextField())),
            ],
            options={
                'verbose_name': 'invoice',
                'ordering': ['-invoice_date', '-id'],
            },
        ),
        migrations.CreateModel(
            name='InvoiceEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('number', models.CharField(max_length=40, verbose_name='number')),
                ('invoice_date', models.DateField(verbose_name='invoice date')),
                ('due_date', models.DateField(verbose_name='due date')),
                ('net', models.DecimalField(decimal_places=2, max_digits=14, verbose_name='net')),
                ('tax', models.DecimalField(decimal_places=2, default=0, max_digits=14, verbose_name='tax')),
                ('gross', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax')), output_field=models.DecimalField(decimal_places=2, max_digits=14, verbose_name='gross'))),
                ('currency', models.CharField(max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}$', 'Three letters, such as EUR.')], verbose_name='currency')),
                ('rate', models.DecimalField(blank=True, decimal_places=8, help_text="firm's currency per unit", max_digits=16, null=True, validators=[django.core.validators.MinValueValidator(Decimal('1E-8'))], verbose_name='rate')),
                ('paid', models.DecimalField(db_default=0, decimal_places=2, default=0, editable=False, max_digits=14, verbose_name='paid')),
                ('net_firm', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Cast(django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(models.F('net'), '*', models.F('rate')), 2), models.DecimalField(decimal_places=2, max_digits=16)), output_field=models.DecimalField(decimal_places=2, max_digits=16))),
                ('gross_firm', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Cast(django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax')), '*', models.F('rate')), 2), models.DecimalField(decimal_places=2, max_digits=16)), output_field=models.DecimalField(decimal_places=2, max_digits=16))),
                ('open_firm', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Cast(django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax')), '-', models.F('paid')), '*', models.F('rate')), 2), models.DecimalField(decimal_places=2, max_digits=16)), output_field=models.DecimalField(decimal_places=2, max_digits=16))),
                ('voided_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='voided')),
                ('void_reason', models.CharField(blank=True, max_length=200, verbose_name='why it is void')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('search_key', models.GeneratedField(db_persist=True, expression=crm.core.base.models.Folded(models.F('number')), output_field=models.TextField())),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('paid_date', models.DateField(verbose_name='date')),
                ('amount', models.DecimalField(decimal_places=2, max_digits=14, verbose_name='amount')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
            ],
            options={
                'verbose_name': 'payment',
                'ordering': ['paid_date', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='PaymentEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('paid_date', models.DateField(verbose_name='date')),
                ('amount', models.DecimalField(decimal_places=2, max_digits=14, verbose_name='amount')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
            ],
            options={
                'abstract': False,
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='revenueline',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='revenueline',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='revenueline',
            name='delete_delete',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='revenueline',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_revenuelineevent" ("amount", "client_id", "created_at", "currency", "date", "id", "invoice_id", "kind", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "reference", "service_id", "updated_at", "version") VALUES (NEW."amount", NEW."client_id", NEW."created_at", NEW."currency", NEW."date", NEW."id", NEW."invoice_id", NEW."kind", NEW."note", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."rate", NEW."reference", NEW."service_id", NEW."updated_at", NEW."version"); RETURN NULL;', hash='3ba0d3e66e82e96e30fc805460b7189d5191e051', operation='INSERT', pgid='pgtrigger_insert_insert_7e0a9', table='clients_revenueline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='revenueline',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_revenuelineevent" ("amount", "client_id", "created_at", "currency", "date", "id", "invoice_id", "kind", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "reference", "service_id", "updated_at", "version") VALUES (NEW."amount", NEW."client_id", NEW."created_at", NEW."currency", NEW."date", NEW."id", NEW."invoice_id", NEW."kind", NEW."note", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."rate", NEW."reference", NEW."service_id", NEW."updated_at", NEW."version"); RETURN NULL;', hash='438fcd09da1bc972473bc0e9e046bac22393c37d', operation='UPDATE', pgid='pgtrigger_update_update_04430', table='clients_revenueline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='revenueline',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_revenuelineevent" ("amount", "client_id", "created_at", "currency", "date", "id", "invoice_id", "kind", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "reference", "service_id", "updated_at", "version") VALUES (OLD."amount", OLD."client_id", OLD."created_at", OLD."currency", OLD."date", OLD."id", OLD."invoice_id", OLD."kind", OLD."note", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."rate", OLD."reference", OLD."service_id", OLD."updated_at", OLD."version"); RETURN NULL;', hash='51ec29a4428700a4a03a34707962f93dfc365106', operation='DELETE', pgid='pgtrigger_delete_delete_b1a74', table='clients_revenueline', when='AFTER')),
        ),
        migrations.AddField(
            model_name='invoice',
            name='client',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invoices', to='clients.client', verbose_name='client'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='engagement',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='invoices', to='clients.engagement', verbose_name='engagement'),
        ),
        migrations.AddField(
            model_name='revenueline',
            name='invoice',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='revenue_lines', to='clients.invoice', verbose_name='invoice'),
        ),
        migrations.AddField(
            model_name='revenuelineevent',
            name='invoice',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.invoice', verbose_name='invoice'),
        ),
        migrations.AddField(
            model_name='invoiceevent',
            name='client',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.client', verbose_name='client'),
        ),
        migrations.AddField(
            model_name='invoiceevent',
            name='engagement',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.engagement', verbose_name='engagement'),
        ),
        migrations.AddField(
            model_name='invoiceevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='invoiceevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='clients.invoice'),
        ),
        migrations.AddField(
            model_name='payment',
            name='invoice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='payments', to='clients.invoice', verbose_name='invoice'),
        ),
        migrations.AddField(
            model_name='paymentevent',
            name='invoice',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clients.invoice', verbose_name='invoice'),
        ),
        migrations.AddField(
            model_name='paymentevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='paymentevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='clients.payment'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['client', '-invoice_date', '-id'], name='invoice_client'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['-invoice_date', '-id'], name='invoice_newest'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('archived_at__isnull', True), ('voided_at__isnull', True), models.Q(('paid', models.F('gross')), _negated=True)), fields=['due_date', 'id'], name='invoice_unpaid'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['due_date', 'id'], name='invoice_due'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('archived_at__isnull', True), ('voided_at__isnull', True), models.Q(('paid', models.F('gross')), _negated=True)), fields=['client', 'due_date'], name='invoice_client_unpaid'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('engagement__isnull', False)), fields=['engagement', '-invoice_date', '-id'], name='invoice_engagement'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('rate__isnull', True)), fields=['invoice_date'], name='invoice_without_rate'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('search_key'), name='gin_trgm_ops'), name='invoice_search'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('number', ''), _negated=True), name='invoice_number_given', violation_error_message='Enter a number.'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('number'), condition=models.Q(('archived_at__isnull', True)), name='invoice_number_unique', violation_error_message='This number is already in use.'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('due_date__gte', models.F('invoice_date'))), name='invoice_due_after_its_date', violation_error_message='It cannot be due before its date.'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('net__gte', 0), ('tax__gte', 0)), models.Q(('net__lte', 0), ('tax__lte', 0)), _connector='OR'), name='invoice_tax_has_the_sign_of_net', violation_error_message='Net and tax of an invoice are both positive, those of a credit note both negative.'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('rate__gt', 0)), name='invoice_rate_positive'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('paid__gte', 0), ('paid__lte', django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax')))), models.Q(('paid__gte', django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax'))), ('paid__lte', 0)), _connector='OR'), name='invoice_not_paid_beyond_its_total', violation_error_message='More has been paid than this total.'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('voided_at__isnull', True), ('paid', 0), _connector='OR'), name='invoice_void_has_no_payment', violation_error_message='Remove its payments first.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoice',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_invoiceevent" ("archived_at", "client_id", "created_at", "currency", "due_date", "engagement_id", "id", "invoice_date", "net", "note", "number", "paid", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "tax", "updated_at", "version", "void_reason", "voided_at") VALUES (NEW."archived_at", NEW."client_id", NEW."created_at", NEW."currency", NEW."due_date", NEW."engagement_id", NEW."id", NEW."invoice_date", NEW."net", NEW."note", NEW."number", NEW."paid", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."rate", NEW."tax", NEW."updated_at", NEW."version", NEW."void_reason", NEW."voided_at"); RETURN NULL;', hash='24b411b96d19e23a37acbb6fd3810925816fa9b5', operation='INSERT', pgid='pgtrigger_insert_insert_64550', table='clients_invoice', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoice',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_invoiceevent" ("archived_at", "client_id", "created_at", "currency", "due_date", "engagement_id", "id", "invoice_date", "net", "note", "number", "paid", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "tax", "updated_at", "version", "void_reason", "voided_at") VALUES (NEW."archived_at", NEW."client_id", NEW."created_at", NEW."currency", NEW."due_date", NEW."engagement_id", NEW."id", NEW."invoice_date", NEW."net", NEW."note", NEW."number", NEW."paid", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."rate", NEW."tax", NEW."updated_at", NEW."version", NEW."void_reason", NEW."voided_at"); RETURN NULL;', hash='ef01bd0a009f6ed1a2ddd54b492c640273d33c0a', operation='UPDATE', pgid='pgtrigger_update_update_4b5c3', table='clients_invoice', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoice',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_invoiceevent" ("archived_at", "client_id", "created_at", "currency", "due_date", "engagement_id", "id", "invoice_date", "net", "note", "number", "paid", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "tax", "updated_at", "version", "void_reason", "voided_at") VALUES (OLD."archived_at", OLD."client_id", OLD."created_at", OLD."currency", OLD."due_date", OLD."engagement_id", OLD."id", OLD."invoice_date", OLD."net", OLD."note", OLD."number", OLD."paid", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."rate", OLD."tax", OLD."updated_at", OLD."version", OLD."void_reason", OLD."voided_at"); RETURN NULL;', hash='73f2bc8b48fd41558ca21364151bca6d372e1918', operation='DELETE', pgid='pgtrigger_delete_delete_78daa', table='clients_invoice', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='payment_not_zero', violation_error_message='Enter an amount.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='payment',
            trigger=pgtrigger.compiler.Trigger(name='paid_is_the_sum', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF TG_OP <> 'INSERT' THEN\n                        UPDATE clients_invoice SET paid = paid - OLD.amount, version = version + 1, updated_at = now()\n                        WHERE id = OLD.invoice_id;\n                    END IF;\n                    IF TG_OP <> 'DELETE' THEN\n                        UPDATE clients_invoice SET paid = paid + NEW.amount, version = version + 1, updated_at = now()\n                        WHERE id = NEW.invoice_id;\n                    END IF;\n                    RETURN NULL;\n                ", hash='037bc2e1fa23160378bfee2d1bf7e626a59f079d', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_paid_is_the_sum_55238', table='clients_payment', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='payment',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_paymentevent" ("amount", "created_at", "id", "invoice_id", "note", "paid_date", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."amount", NEW."created_at", NEW."id", NEW."invoice_id", NEW."note", NEW."paid_date", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='3f376091bc62d80fcbf354283ed1aacbb282a698', operation='INSERT', pgid='pgtrigger_insert_insert_ac34b', table='clients_payment', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='payment',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clients_paymentevent" ("amount", "created_at", "id", "invoice_id", "note", "paid_date", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."amount", NEW."created_at", NEW."id", NEW."invoice_id", NEW."note", NEW."paid_date", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='944aabe9378685e046333273e64ae2016dff5130', operation='UPDATE', pgid='pgtrigger_update_update_919af', table='clients_payment', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='payment',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clients_paymentevent" ("amount", "created_at", "id", "invoice_id", "note", "paid_date", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."amount", OLD."created_at", OLD."id", OLD."invoice_id", OLD."note", OLD."paid_date", _pgh_attach_context(), NOW(), \'delete\', OLD."id"); RETURN NULL;', hash='b65f7f4a697a8f6c998713da25196f4f71f09610', operation='DELETE', pgid='pgtrigger_delete_delete_3c932', table='clients_payment', when='AFTER')),
        ),
    ]

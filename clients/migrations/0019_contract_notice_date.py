
import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clients', '0018_invoices'),
    ]

    operations = [
        migrations.AddField(
            model_name='contract',
            name='notice_date',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(models.F('renewal_date'), '-', models.F('notice_days')), output_field=models.DateField(verbose_name='notice by')),
        ),
        migrations.AddField(
            model_name='contractevent',
            name='notice_date',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(models.F('renewal_date'), '-', models.F('notice_days')), output_field=models.DateField(verbose_name='notice by')),
        ),
        migrations.AddIndex(
            model_name='contract',
            index=models.Index(fields=['notice_date', 'id'], name='contract_notice'),
        ),
        migrations.AddIndex(
            model_name='contract',
            index=models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['-start_date', '-id'], name='contract_newest'),
        ),
    ]

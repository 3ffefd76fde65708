from decimal import Decimal

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clients', '0006_held_contact_details'),
    ]

    operations = [
        migrations.AddField(
            model_name='clientfacts',
            name='unrated_12m',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='revenue lines of these twelve months that have no rate and are not in the sum'),
        ),
        migrations.AlterField(
            model_name='contract',
            name='rate',
            field=models.DecimalField(blank=True, decimal_places=8, help_text="firm's currency per unit", max_digits=16, null=True, validators=[django.core.validators.MinValueValidator(Decimal('1E-8'))], verbose_name='rate'),
        ),
        migrations.AlterField(
            model_name='contractevent',
            name='rate',
            field=models.DecimalField(blank=True, decimal_places=8, help_text="firm's currency per unit", max_digits=16, null=True, validators=[django.core.validators.MinValueValidator(Decimal('1E-8'))], verbose_name='rate'),
        ),
        migrations.AlterField(
            model_name='revenueline',
            name='rate',
            field=models.DecimalField(blank=True, decimal_places=8, help_text="firm's currency per unit", max_digits=16, null=True, validators=[django.core.validators.MinValueValidator(Decimal('1E-8'))], verbose_name='rate'),
        ),
        migrations.AlterField(
            model_name='revenuelineevent',
            name='rate',
            field=models.DecimalField(blank=True, decimal_places=8, help_text="firm's currency per unit", max_digits=16, null=True, validators=[django.core.validators.MinValueValidator(Decimal('1E-8'))], verbose_name='rate'),
        ),
        migrations.AddIndex(
            model_name='contract',
            index=models.Index(condition=models.Q(('rate__isnull', True)), fields=['start_date', 'client'], name='contract_without_rate'),
        ),
        migrations.AddIndex(
            model_name='revenueline',
            index=models.Index(condition=models.Q(('rate__isnull', True)), fields=['client', 'date'], name='revenue_without_rate'),
        ),
    ]

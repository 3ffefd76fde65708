from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0008_account_mails_go_first'),
    ]

    operations = [
        migrations.AlterField(
            model_name='job',
            name='state',
            field=models.CharField(choices=[('ready', 'Being prepared'), ('queued', 'Waiting'), ('checking', 'Being checked'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='ready', max_length=10),
        ),
    ]

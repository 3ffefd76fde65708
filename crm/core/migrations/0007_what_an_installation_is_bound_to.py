from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0006_outbox_causes'),
    ]

    operations = [
        migrations.AddField(
            model_name='installation',
            name='base_url',
            field=models.CharField(blank=True, db_default='', default='', help_text='the address it sends for', max_length=300),
        ),
        migrations.AddField(
            model_name='installation',
            name='database',
            field=models.CharField(blank=True, db_default='', default='', help_text="its number in the server and the seal's transaction", max_length=100),
        ),
        migrations.AddField(
            model_name='installation',
            name='place',
            field=models.TextField(blank=True, db_default='', default='', help_text='where the data folder lies that it lies in'),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    """For forms and the API; nothing changes in the table, and what is longer already stays."""

    dependencies = [
        ('interactions', '0008_causes_of_mails'),
    ]

    operations = [
        migrations.AlterField(
            model_name='interaction',
            name='body',
            field=models.TextField(blank=True, help_text='Markdown', max_length=50000, verbose_name='summary'),
        ),
        migrations.AlterField(
            model_name='interactionevent',
            name='body',
            field=models.TextField(blank=True, help_text='Markdown', max_length=50000, verbose_name='summary'),
        ),
    ]

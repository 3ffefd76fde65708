from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0022_moves"),
    ]

    operations = [
        migrations.AddField(
            model_name="importmove",
            name="undone",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text="jobs whose undo the undo of the move has started",
            ),
        ),
        migrations.AlterField(
            model_name="importmove",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "Being prepared"),
                    ("running", "Running"),
                    ("paused", "Paused"),
                    ("done", "Done"),
                    ("undoing", "Being undone"),
                    ("undone", "Undone"),
                ],
                default="draft",
                max_length=10,
            ),
        ),
    ]

"""The function that makes the indexes of custom fields may be run by the application's role alone (crm/core/base/grants.py grants
it), and gives back the lock timeout that it found."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("crm.core.migrations.0014_custom_fields").INDEXES.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
NOW = BEFORE.replace("    held text;", "    held text;\n    before text := current_setting('lock_timeout');").replace(
    "set_config('lock_timeout', '0', true)", "set_config('lock_timeout', before, true)"
)
KIND = "core_custom_index(text, bigint, text, text, boolean)"


class Migration(migrations.Migration):
    dependencies = [("core", "0014_custom_fields")]

    operations = [
        migrations.RunSQL(NOW, BEFORE),
        migrations.RunSQL(f"REVOKE ALL ON FUNCTION {KIND} FROM PUBLIC", f"GRANT EXECUTE ON FUNCTION {KIND} TO PUBLIC"),
    ]

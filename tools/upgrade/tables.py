"""The structure of the tables, which must be identical in an upgraded and a fresh database."""

# each returns (name, definition); the order of columns may differ, because a later column comes last
CATALOGUE = """
    SELECT 'column ' || table_name || '.' || column_name,
        concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default, is_identity, generation_expression)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint ' || conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger ' || tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function ' || oid::regprocedure, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


def read(connection) -> dict[str, str]:
    with connection, connection.cursor() as cursor:
        cursor.execute(CATALOGUE)
        return dict(cursor.fetchall())


def differences(upgraded: dict[str, str], fresh: dict[str, str]) -> list[str]:
    """A line for everything that one of the two lacks or has differently."""
    lines = [f"{name}: a fresh database has none" for name in sorted(upgraded.keys() - fresh.keys())]
    lines += [f"{name}: an upgraded database has none" for name in sorted(fresh.keys() - upgraded.keys())]
    both = sorted(upgraded.keys() & fresh.keys())
    return lines + [
        f"{name}: {upgraded[name]} after an upgrade, {fresh[name]} in a fresh database"
        for name in both
        if upgraded[name] != fresh[name]
    ]

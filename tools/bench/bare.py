"""Tables without their triggers, foreign keys and indexes during a bulk load in one transaction.

Indexes and constraints are recreated at the end, which checks all rows at once instead of one by one. Readers of the
tables wait meanwhile.
"""

from django.db import models

INDEXES = """
    SELECT i.relname, pg_get_indexdef(i.oid) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    WHERE x.indrelid = %s::regclass AND NOT x.indisprimary AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.oid)"""
CONSTRAINTS = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('f', 'x')"
TRIGGERS = "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"


class Bare:
    """`with Bare(cursor, models): …` as the owner of the tables."""

    def __init__(self, cursor, loaded: list[type[models.Model]]):
        self.cursor = cursor
        self.tables = [model._meta.db_table for model in loaded]
        self.again: list[str] = []

    def __enter__(self):
        # checks that are pending for rows written before would bar the changes
        self.cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        constraints, indexes = [], []
        for table in self.tables:
            self.cursor.execute(TRIGGERS, [table])
            if self.cursor.fetchone()[0]:
                self.cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
                self.again.append(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')
            self.cursor.execute(CONSTRAINTS, [table])
            for name, definition in self.cursor.fetchall():
                self.cursor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"')
                constraints.append(f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}')
            self.cursor.execute(INDEXES, [table])
            for name, definition in self.cursor.fetchall():
                self.cursor.execute(f'DROP INDEX "{name}"')
                indexes.append(definition)
        self.again = indexes + constraints + self.again
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for statement in self.again:
                self.cursor.execute(statement)

"""Migration operations of our own, beside Django's."""

from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation


class CreateModels(Operation):
    """Creates several models in one step. A model comes after the models it refers to.

    After each `CreateModel` Django rebuilds the classes of all related models. With a hundred models that refer to each
    other, the migration spends nearly all its time on that. Here it happens once.
    """

    def __init__(self, operations: list[CreateModel]):
        self.operations = operations

    def state_forwards(self, app_label, state):
        # drops the cached classes, as Django's clear_delayed_apps_cache does; they are rebuilt on first use
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        for operation in reversed(self.operations):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self):
        return f"Create {len(self.operations)} models"

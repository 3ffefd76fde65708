"""What our migrations are written with beside Django's own operations."""

from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation


class CreateModels(Operation):
    """Several models in one step, each after those that it refers to.

    Django makes the classes of all related models anew after each `CreateModel`; for a hundred models that refer to each other
    this is nearly all that the migration does. Here it happens once."""

    def __init__(self, operations: list[CreateModel]):
        self.operations = operations

    def state_forwards(self, app_label, state):
        # as Django's clear_delayed_apps_cache forgets the classes: they are made again when they are asked for
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

import pytest
from django.db import connection, transaction


@pytest.fixture(scope="module")
def scene(django_db_setup, django_db_blocker):
    """The access table's people and rows, built once for a module as the application's role; each test rolls back what it did."""
    from tools.testing import access  # models can be imported once the apps are loaded

    with django_db_blocker.unblock():
        block = transaction.atomic()
        block.__enter__()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE rapport_app")
        yield access.Scene()
        transaction.set_rollback(True)
        block.__exit__(None, None, None)

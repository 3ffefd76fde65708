"""The database is as empty after a transactional test as before it, and the next one may write again."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from crm.core.users.models import Team, User
from tools.testing import emptying


class Case:
    def _databases_names(self, include_mirrors):
        return ["default"]


def rows_by_table() -> dict[str, int]:
    with connection.cursor() as cursor:
        names = [info.name for info in connection.introspection.get_table_list(cursor) if info.type == "t"]
        counted = {}
        for name in names:
            cursor.execute(f'SELECT count(*) FROM "{name}"')
            counted[name] = cursor.fetchone()[0]
    return {name: number for name, number in counted.items() if number and name not in emptying.KEPT}


@pytest.mark.django_db(transaction=True)
def test_nothing_is_left_and_triggers_are_back():
    kinds = set(ContentType.objects.values_list("pk", flat=True))
    for _round in range(2):
        Team.objects.create(name="North")
        User.objects.create(email="ada@example.com", name="Ada")
        assert "core_teamevent" in rows_by_table(), "history is written"
        emptying.after_test(Case())
        assert rows_by_table() == {}
    assert set(ContentType.objects.values_list("pk", flat=True)) == kinds

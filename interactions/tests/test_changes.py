"""The change feed of the API: a copy that is kept with it stays equal to a full read."""

import threading
from datetime import date

import pytest
from django.db import connection, transaction
from django.test import Client as Browser
from django.utils import timezone

from clients.records.services.clients import archive_client, restrict_client, update_client
from crm.core.base.principals import SYSTEM, acting
from tools.testing.factories.clients import make_client, make_contact, make_line, make_team, make_user

pytestmark = pytest.mark.django_db(transaction=True)


class Copy:
    """What somebody outside keeps of one resource."""

    def __init__(self, user, resource):
        self.http, self.resource, self.rows, self.cursor = Browser(), resource, {}, ""
        self.told, self.restarts, self.ids = [], 0, set()
        self.http.force_login(user)

    def ask(self, **more):
        asked = {"resource": self.resource, **more} | ({"cursor": self.cursor} if self.cursor else {})
        return self.http.get("/api/v1/changes", asked)

    def poll(self, size=3):
        self.told = []
        for _page in range(500):
            answer = self.ask(page_size=size)
            if answer.status_code == 410:
                self.rows, self.cursor, self.restarts = {}, "", self.restarts + 1
                continue
            assert answer.status_code == 200, answer.content
            self._keep(answer.json())
            if not answer.json()["has_more"]:
                return self
        raise AssertionError("it never ends")

    def _keep(self, body):
        self.cursor = body["cursor"]
        for row in body["results"]:
            self.told.append(row["id"])
            self.ids.add(row["id"])
            self.rows.pop(row["id"], None)
            if not row["deleted"]:
                self.rows[row["id"]] = row["record"]

    def full(self):
        """Every row, read anew from the start."""
        other = Copy.__new__(Copy)
        other.__dict__ |= {**self.__dict__, "rows": {}, "cursor": "", "told": [], "ids": set()}
        return other.poll(size=200).rows

    def agrees(self):
        assert self.rows == self.full()
        return True


def test_a_copy_gets_every_row_and_then_what_changed(marta):
    first, second = make_client(owner=marta, name="Kestrel"), make_client(owner=marta, name="Heron")
    copy = Copy(marta, "clients").poll(size=1)
    assert {row["name"] for row in copy.rows.values()} == {"Kestrel", "Heron"}
    assert "facts" not in copy.rows[first.pk]
    assert copy.poll().told == []
    update_client(acting(marta), client=first, city="Turku")
    assert copy.poll().told == [first.pk] and copy.rows[first.pk]["city"] == "Turku"
    archive_client(acting(marta), client=second, now=timezone.now())
    assert copy.poll().told == [second.pk] and set(copy.rows) == {first.pk}
    assert copy.agrees()

"""Whose client it was when something was done decides what the timeline says. In transactions of their own, because the database dates
what it records."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clients.cover.services import arrange_cover
from clients.records.services.clients import restrict_client, unrestrict_client, update_client
from crm.core.base.principals import acting
from crm.core.firm.queries import firm_today
from tools.testing.factories.interactions import log, make_client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def cover(marta, otto):
    now = timezone.now()
    start, end = firm_today(now), firm_today(now) + timedelta(days=2)
    return arrange_cover(acting(marta), absent=marta, covering=otto, start_date=start, end_date=end, now=now)


def call(otto, row, body):
    now = timezone.now()
    log(actor=otto, client=row, body=body, occurred_at=now, now=now)


def as_cover(client, reader, row):
    client.force_login(reader)
    return client.get(row.get_absolute_url()).content.decode().count("Otto Berg, covering for Marta Kallio")


def test_a_client_that_somebody_else_had_then(client, marta, otto, manager):
    row = make_client(owner=manager)
    call(otto, row, "Hers then")
    assert as_cover(client, manager, row) == 0
    update_client(acting(manager), client=row, owner=marta)
    assert as_cover(client, manager, row) == 0
    call(otto, row, "Martas now")
    assert as_cover(client, manager, row) == 1
    update_client(acting(manager), client=row, owner=manager)
    assert as_cover(client, manager, row) == 0, "the words name the account manager of today"


def test_a_client_that_was_restricted_then(client, marta, otto, manager):
    row = make_client(owner=marta)
    call(otto, row, "As cover")
    restrict_client(acting(marta), client=row, users=[otto])
    call(otto, row, "As one who is named")
    assert as_cover(client, marta, row) == 1
    unrestrict_client(acting(marta), client=row)
    assert as_cover(client, marta, row) == 1

"""The history says in whose place somebody acted. In transactions of their own, because the database dates what it records."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clients.cover.services import arrange_cover, end_cover
from clients.records.services.clients import restrict_client, update_client
from crm.core.base.principals import acting
from crm.core.firm.queries import firm_today
from crm.core.history.queries import read
from tools.testing.factories.clients import make_client

pytestmark = pytest.mark.django_db(transaction=True)


def arrange(absent, covering):
    now = timezone.now()
    today = firm_today(now)
    end = today + timedelta(days=2)
    return arrange_cover(acting(absent), absent=absent, covering=covering, start_date=today, end_date=end, now=now)


def said(aino):
    """{the industry that was written: (who, in whose place)}"""
    entries = read(acting(aino), label="clients.client").entries
    return {
        str(c.after): (entry.who, entry.for_whom) for entry in entries for c in entry.changes if c.field == "industry"
    }


def test_only_what_was_done_to_their_clients_while_it_ran(client, marta, otto, sini, aino):
    northwind, own = make_client(owner=marta), make_client(owner=otto, name="Otto Oy")
    update_client(acting(otto), client=northwind, industry="Before")
    cover = arrange(marta, otto)
    update_client(acting(otto), client=northwind, industry="During")
    update_client(acting(sini), client=northwind, industry="Managers")
    update_client(acting(otto), client=own, industry="Own")
    end_cover(acting(marta), cover=cover, now=timezone.now())
    update_client(acting(otto), client=northwind, industry="Ended")
    assert said(aino) == {
        "Before": ("Otto Berg", ""),
        "During": ("Otto Berg", "covering for Marta Kallio"),
        "Managers": ("Sini Ranta", ""),
        "Own": ("Otto Berg", ""),
        "Ended": ("Otto Berg", ""),
    }
    client.force_login(aino)
    assert "Otto Berg, covering for Marta Kallio" in client.get("/settings/history/").content.decode()


def test_whose_client_it_was_then_decides(marta, otto, sini, aino):
    northwind = make_client(owner=marta)
    arrange(marta, otto)
    update_client(acting(otto), client=northwind, industry="Hers")
    update_client(acting(sini), client=northwind, owner=sini)
    update_client(acting(otto), client=northwind, industry="Sinis")
    assert said(aino) == {"Hers": ("Otto Berg", "covering for Marta Kallio"), "Sinis": ("Otto Berg", "")}


def test_a_restricted_client_is_not_worked_on_in_their_place(marta, otto, aino):
    northwind = make_client(owner=marta)
    restrict_client(acting(marta), client=northwind, users=[otto, aino])
    arrange(marta, otto)
    update_client(acting(otto), client=northwind, industry="Named")
    assert said(aino) == {"Named": ("Otto Berg", "")}

"""The palette in a browser: steps, answers that come too late, keyboard, a phone."""

import pytest
from django.utils import timezone

from tools.testing.factories.clients import make_client, make_contact, make_firm, make_user
from tools.testing.factories.interactions import make_call

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marta(transactional_db):
    make_firm(time_zone="Europe/Helsinki")
    marta = make_user(name="Marta Kallio")
    northlight = make_client(owner=marta, name="Northlight Advisory", city="Helsinki")
    make_contact(actor=marta, client=northlight, first_name="Elina", last_name="Northman")
    make_call(actor=marta, client=northlight, body="They asked about the northern branch.", occurred_at=timezone.now())
    make_client(owner=marta, name="Halden Oy")
    return marta

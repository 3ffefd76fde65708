"""An address that bounced is seen at the person, and told to who looks after them."""

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.contacts.models import ContactEmail
from crm.core.base.principals import SYSTEM
from crm.core.mail.models import Suppression
from crm.core.mail.services import suppression
from crm.core.notifications.models import Notification
from tools.testing.factories.clients import make_client, make_contact, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def marta():
    return make_user()


def stop(address, reason="bounce"):
    return suppression.stop_address(SYSTEM, address=address, reason=reason, detail="550", now=timezone.now())


def test_a_bounce_is_seen_at_the_person_and_told_once(marta, client):
    northwind = make_client(owner=marta)
    elina = make_contact(actor=marta, client=northwind, emails=[("work", "Elina@northwind.example")])
    stop("elina@NORTHWIND.example")
    stop("elina@northwind.example")
    told = Notification.objects.get()
    assert (told.user, told.client_id, told.url) == (marta, northwind.pk, elina.get_absolute_url())
    client.force_login(marta)
    assert "Rejected and suppressed" in client.get(elina.get_absolute_url()).content.decode()


def test_lifting_it_lets_mail_through_again(marta):
    elina = make_contact(actor=marta, client=make_client(owner=marta), emails=[("work", "elina@northwind.example")])
    row = stop("elina@northwind.example")
    suppression.release_address(SYSTEM, row=row, now=timezone.now())
    assert ContactEmail.objects.get(contact=elina).refused_at is None
    assert not Suppression.objects.exists()


def test_other_addresses_are_left_alone(marta):
    make_contact(actor=marta, client=make_client(owner=marta), emails=[("work", "elina@northwind.example")])
    stop("kai@northwind.example")
    assert ContactEmail.objects.get().refused_at is None
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("email", "e" * 250 + "@northwind.example", "At most 254 characters. This has 268."),
        ("phone", "+358 40 " + "1" * 40, "At most 40 characters. This has 48."),
    ],
)
def test_a_detail_that_is_too_long_is_kept_and_the_form_says_so(marta, client, name, typed, said):
    elina = make_contact(actor=marta, client=make_client(owner=marta))
    client.force_login(marta)
    url = reverse("clients:edit_contact", args=[elina.pk])
    answer = client.post(url, {"last_name": "Koski", name: typed, f"{name}_label": "work"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'value="{typed}"' in page and said in page

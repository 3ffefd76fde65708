"""The links that call a number: in E.164, with the country of the client, else the firm's."""

import pytest
from django.urls import reverse

from clients.phones import tel_href
from tools.testing.factories.clients import make_client, make_contact, make_firm, make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("number", "country", "href"),
    [
        ("040 123 4567", "FI", "tel:+358401234567"),
        ("(09) 123 4567", "fi", "tel:+35891234567"),
        ("030 901820", "DE", "tel:+4930901820"),
        ("+44 20 7946 0018", "FI", "tel:+442079460018"),
        ("0044 20 7946 0018", "FI", "tel:+442079460018"),
        ("+44 (0)20 7946 0018", "", "tel:+442079460018"),
        ("112", "FI", "tel:112"),  # not to be called abroad
        ("ask for Jari", "FI", "tel:askforJari"),
        ("12 34", "FI", "tel:1234"),
        ("040 123 4567", "XX", "tel:0401234567"),
    ],
)
def test_a_number_is_called_with_its_country(number, country, href):
    assert tel_href(number, country) == href


def test_without_a_country_it_is_the_firms():
    make_firm(holiday_country="SE")
    assert tel_href("08-123 456 78") == "tel:+46812345678"


def test_every_page_calls_with_the_country_and_shows_what_was_typed(client):
    make_firm(holiday_country="FI")
    marta = make_user()
    berlin = make_client(owner=marta, name="Berlin Bau", country="DE", phone="030 901820")
    elina = make_contact(actor=marta, client=berlin, phones=[("work", "030 901821")])
    client.force_login(marta)
    addresses = {
        reverse("clients:contacts"): ["901821"],
        elina.get_absolute_url(): ["901821"],
        reverse("clients:people", args=[berlin.pk]): ["901821"],
        berlin.get_absolute_url(): ["901820", "901821"],
    }
    for address, numbers in addresses.items():
        page = client.get(address).content.decode()
        for number in numbers:
            assert f'href="tel:+4930{number}"' in page, address
        assert 'href="tel:0' not in page, address
    assert ">030 901821</a>" in client.get(elina.get_absolute_url()).content.decode()

"""Linking a person with another client, without JavaScript: by the name as people see it."""

import pytest

from tools.testing.factories.clients import make_client, make_contact, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def marta():
    return make_user()


@pytest.mark.parametrize(
    ("first", "last", "typed"),
    [("Elina", "Saari", " elina SAARI "), ("", "Saari", "Saari"), ("Elina", "", "Elina"), ("100%", "Oy", "100% Oy")],
)
def test_a_person_is_found_by_the_name_as_it_is_shown(client, marta, first, last, typed):
    elina = make_contact(actor=marta, client=make_client(owner=marta, name="Alder"), first_name=first, last_name=last)
    make_contact(actor=marta, client=make_client(owner=marta, name="Ceder"), first_name="Elina", last_name="Saarinen")
    northwind = make_client(owner=marta, name="Northwind")
    client.force_login(marta)
    answer = client.post(f"/clients/{northwind.pk}/people/link/", {"contact": "", "contact-typed": typed})
    assert answer.status_code == 302, answer.content.decode()
    assert elina.affiliations.filter(client=northwind).exists()
    wrong = client.post(f"/clients/{northwind.pk}/people/link/", {"contact": "", "contact-typed": "Elina Saa"})
    assert wrong.status_code == 422 and "Nothing is called “Elina Saa”." in wrong.text

"""Contacts are found by a part of any of their addresses, wherever one searches, through the gate and by index."""

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from clients.contacts.models import Contact
from clients.contacts.queries import find_contacts
from clients.contacts.services import archive_contact
from clients.listing.filters import search
from clients.records.models import Client, ClientFacts
from clients.records.services.clients import grant_access, restrict_client
from crm.core.base.principals import acting
from crm.core.firm.choices import AccountManagersSee
from crm.core.firm.models import FirmSettings
from crm.core.search import sources
from tools.testing.factories.clients import make_client, make_contact

pytestmark = pytest.mark.django_db
MAILS = [("work", "elina@northwind.example"), ("private", "Saari.E_1969@post.example")]
FIRST, SECOND = (
    ("elina@", "ELINA@northw", "@northwind.ex"),
    ("saari.e", "SAARI.E_19", "1969@post", "e_1969", "@post.exam"),
)


def find(source, principal, text, limit=8):
    return [hit for group in sources.find(principal, text, limit=limit, only=source) for hit in group.hits]


def find_people(principal, text, limit):
    return find("contacts", principal, text, limit)


def find_clients(principal, text, limit):
    return find("clients", principal, text, limit)


def seen(model, user):
    return model.objects.visible_to(acting(user))


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta, name="Fjord Oy")


@pytest.fixture
def elina(marta, northwind):
    make_contact(
        actor=marta, client=northwind, first_name="Jari", last_name="Koski", emails=[("work", "jari@koski.example")]
    )
    return make_contact(actor=marta, client=northwind, emails=MAILS)


@pytest.mark.parametrize("typed", [*FIRST, *SECOND])
def test_a_contact_is_found_by_part_of_any_address(client, marta, elina, typed):
    client.force_login(marta)
    page = client.get(reverse("clients:contacts"), {"q": typed}).context["page"]
    assert [row.pk for row in page.rows] == [elina.pk]
    hits = find_people(acting(marta), typed, 8)
    assert [(hit.title, hit.detail) for hit in hits] == [("Elina Saari", MAILS[typed in SECOND][1])]


@pytest.mark.parametrize("typed", ["elin", "saari elina", "Säari", "el"])
def test_names_are_found_as_before(marta, elina, typed):
    assert [hit.title for hit in find_people(acting(marta), typed, 8)] == ["Elina Saari"]


@pytest.mark.parametrize("typed", ["northwind.ex", "example", "xample"])
def test_without_an_at_sign_a_domain_is_no_part(marta, elina, typed):
    assert find_people(acting(marta), typed, 8) == [], "half of all addresses would be found"


@pytest.mark.parametrize("typed", ["e%1969", "eX1969", "elina@post"])
def test_signs_stand_for_themselves(marta, elina, typed):
    assert find_people(acting(marta), typed, 8) == []


@pytest.mark.parametrize("typed", ["elina@", "saari.e_1969@p", "1969@post.example"])
def test_a_client_is_found_by_the_address_of_a_contact(client, marta, northwind, elina, typed):
    make_client(owner=marta, name="Another")
    client.force_login(marta)
    page = client.get(reverse("clients:list"), {"q": typed}).context["page"]
    assert [row.pk for row in page.rows] == [northwind.pk]
    assert [hit.pk for hit in find_clients(acting(marta), typed, 8)] == [northwind.pk]


def test_a_domain_alone_finds_no_client_by_its_contacts(marta, elina):
    assert find_clients(acting(marta), "@post.example", 8) == []


def test_neither_through_a_client_that_is_out_of_sight_nor_by_an_archived_contact(marta, otto, aino, northwind, elina):
    restrict_client(acting(aino), client=northwind)
    assert find_people(acting(otto), "saari.e_", 8) == [] == find_clients(acting(otto), "saari.e_1969@post", 8)
    assert find_clients(acting(marta), "saari.e_1969@post", 8)
    archive_contact(acting(marta), contact=elina, now=timezone.now())
    assert find_people(acting(marta), "saari.e_", 8) == [] == find_clients(acting(marta), "saari.e_1969@post", 8)


@pytest.mark.parametrize(
    ("rows", "indexes"),
    [
        (lambda marta: find_contacts(seen(Contact, marta), "1969@p"), {"contact_email_search"}),
        (lambda marta: find_contacts(seen(Contact, marta), "saari.e"), {"contact_email_search", "contact_search"}),
        (lambda marta: search(seen(Client, marta), "1969@p"), {"contact_email_search", "client_search"}),
    ],
)
def test_each_search_reads_its_indexes(marta, rows, indexes):
    with connection.cursor() as cursor:
        for way in ("seqscan", "indexscan", "nestloop"):  # which a few rows are read by
            cursor.execute(f"SET LOCAL enable_{way} = off")
    plan = rows(marta).explain()
    assert {name for name in indexes if name in plan} == indexes, plan


@pytest.mark.parametrize("sees", AccountManagersSee.values)
def test_ones_own_come_first_also_when_others_fill_the_list(marta, otto, sees):
    FirmSettings.objects.update(account_managers_see=sees)
    own = make_client(owner=marta, name="Fjord Own")
    jari = make_contact(actor=marta, client=own, first_name="Jari", last_name="Own")
    for n in range(4):
        other = make_client(owner=otto, name=f"Fjord {n}")
        make_contact(actor=otto, client=other, first_name="Jari", last_name=f"K{n}")
        grant_access(acting(otto), client=other, user=marta)
    ClientFacts.objects.exclude(client=own).update(last_contact_at=timezone.now())
    assert find_clients(acting(marta), "fjord", 2)[0].pk == own.pk
    assert find_people(acting(marta), "jari", 2)[0].pk == jari.pk

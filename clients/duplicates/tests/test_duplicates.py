"""Possible duplicates: who is found and why, who sees them, what people say about them, and the measured file."""

import os
from pathlib import Path

import pytest
from django.core.management import call_command

from clients.contacts.services import affiliate
from clients.duplicates import scoring
from clients.duplicates.measuring import measure
from clients.duplicates.models import ClientDuplicate, ContactDuplicate
from clients.duplicates.near import near_clients
from clients.duplicates.scoring import LIKELY, Details, likeness
from clients.duplicates.services import dismiss_duplicate, find_duplicates
from clients.records.models import Client
from clients.records.services.clients import archive_client, update_client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from tools.testing.factories.clients import NOW, make_client, make_contact

SAMPLES = Path(os.environ.get("RAPPORT_SAMPLE_DATA", Path(__file__).parents[4] / "shared" / "data"))
pytestmark = pytest.mark.django_db


def clients(actor=None):
    """{(name, name): reasons} of the open pairs that somebody sees."""
    rows = ClientDuplicate.objects.visible_to(actor or SYSTEM).open()
    return {(row.first.name, row.second.name): row.reasons for row in rows}


def restricted(owner, name):
    client = make_client(owner=owner, name=name)
    Client.objects.filter(pk=client.pk).update(is_restricted=True)
    return client


@pytest.mark.parametrize(
    ("first", "second", "reasons"),
    [
        ({"name": "Alder Oy"}, {"name": "Alder"}, ["name"]),
        ({"name": "Café Alder"}, {"name": "cafe alder ltd"}, ["name"]),
        ({"name": "Northern Timber"}, {"name": "Nothern Timber", "city": "Oslo"}, None),
        ({"name": "Northern Timber", "city": "Oslo"}, {"name": "Nothern Timber", "city": "Oslo"}, ["near_name"]),
        (
            {"name": "Alder", "email": "Info@alder.fi"},
            {"name": "Group of Alder", "email": "info@ALDER.fi"},
            ["mail", "domain"],
        ),
        (
            {"name": "Alder Wood", "website": "https://www.alder.fi/x"},
            {"name": "Alder Woods", "email": "a@alder.fi"},
            ["domain", "near_name"],
        ),
        (
            {"name": "Birch & Co", "phone": "+358 40 123 4567"},
            {"name": "Birch and Co", "phone": "+358401234567"},
            ["phone", "name"],
        ),
        (
            {"name": "Cedarwood", "street": "Mill road 5", "postal_code": "00100", "city": "Helsinki"},
            {"name": "Cedar wood", "street": "Mill road 5", "postal_code": "00100", "city": "Helsinki"},
            ["near_name", "address"],
        ),
        ({"name": "Alder", "city": "Oslo"}, {"name": "Alder", "city": "Bergen"}, None),
        ({"name": "Alder", "email": "a@gmail.com"}, {"name": "Birch", "email": "b@gmail.com"}, None),
        ({"name": "Alder", "website": "group.example"}, {"name": "Birch", "website": "group.example"}, None),
    ],
)
def test_who_is_found_and_why(first, second, reasons, marta):
    for values in (first, second):
        update_client(acting(marta), client=make_client(owner=marta), **values)
    find_duplicates(NOW)
    assert clients() == ({(first["name"], second["name"]): reasons} if reasons else {})


def test_people_are_found_in_any_order_of_their_names(marta):
    alder, birch = make_client(owner=marta, name="Alder"), make_client(owner=marta, name="Birch")
    make_contact(actor=marta, client=alder, first_name="Elina", last_name="Saari")
    make_contact(actor=marta, client=birch, first_name="Saari", last_name="Elina", emails=[("work", "e@birch.example")])
    make_contact(actor=marta, client=birch, first_name="Elias", last_name="Saarinen")
    find_duplicates(NOW)
    (row,) = ContactDuplicate.objects.all()
    assert (row.first.name, row.second.name, row.reasons) == ("Elina Saari", "Saari Elina", ["near_name"])


def test_a_shared_client_out_of_sight_is_no_reason(marta, ines):
    alder, birch, hidden = (make_client(owner=ines, name=name) for name in ("Alder", "Birch", "Cedar"))
    for client, last_name in ((alder, "Saari"), (birch, "Saario")):
        contact = make_contact(actor=ines, client=client, first_name="Elina", last_name=last_name)
        affiliate(acting(ines), contact=contact, client=hidden)
    find_duplicates(NOW)
    seen = ContactDuplicate.objects.get()
    assert seen.reasons == ["client", "near_name"]
    Client.objects.filter(pk=hidden.pk).update(is_restricted=True)
    find_duplicates(NOW)
    assert [(row.reasons, row.score < seen.score) for row in ContactDuplicate.objects.visible_to(acting(marta))] == [
        (["near_name"], True)
    ]


def test_a_client_and_its_parent_are_two(marta):
    parent = make_client(owner=marta, name="Alder")
    update_client(acting(marta), client=make_client(owner=marta, name="Alder Oy"), parent=parent)
    find_duplicates(NOW)
    assert clients() == {}


def test_nobody_learns_of_a_client_out_of_sight(client, marta, ines):
    make_client(owner=marta, name="Alder")
    hidden = restricted(ines, "Alder Oy")
    find_duplicates(NOW)
    assert clients() and clients(acting(ines)) and not clients(acting(marta))
    client.force_login(marta)
    page = client.get("/clients/duplicates/").content.decode()
    assert "Alder Oy" not in page and "No possible duplicates" in page
    row = ClientDuplicate.objects.get()
    assert client.post(f"/clients/duplicates/{row.pk}/dismiss/").status_code == 404
    assert near_clients(acting(marta), {1: {"name": "Alder Oy"}})[1].name == "Alder"
    Client.objects.filter(pk=hidden.pk).update(is_restricted=False)
    assert clients(acting(marta))
    archive_client(acting(ines), client=hidden, now=NOW)
    assert not clients(acting(marta))


def test_what_was_dismissed_is_asked_again_only_when_it_changes(client, marta):
    first = make_client(owner=marta, name="Alder")
    make_client(owner=marta, name="Alder Oy")
    find_duplicates(NOW)
    row = ClientDuplicate.objects.get()
    client.force_login(marta)
    assert "Not a duplicate" in client.get("/clients/duplicates/").content.decode()
    assert client.post(f"/clients/duplicates/{row.pk}/dismiss/").status_code == 302
    with pytest.raises(ServiceError):
        dismiss_duplicate(acting(marta), pair=row, now=NOW)
    update_client(acting(marta), client=first, industry="Timber")
    find_duplicates(NOW)
    assert clients() == {}
    assert "Ask again" in client.get("/clients/duplicates/?dismissed=1").content.decode()
    update_client(acting(marta), client=first, email="info@alder.example")
    find_duplicates(NOW)
    assert clients() == {("Alder", "Alder Oy"): ["name"]}
    client.post(f"/clients/duplicates/{row.pk}/dismiss/")
    client.post(f"/clients/duplicates/{row.pk}/reopen/")
    assert clients()


def test_a_pair_that_no_longer_looks_alike_goes(marta):
    first = make_client(owner=marta, name="Alder")
    make_client(owner=marta, name="Alder Oy")
    find_duplicates(NOW)
    update_client(acting(marta), client=first, name="Spruce")
    assert find_duplicates(NOW) == 0
    assert not ClientDuplicate.objects.exists()


def test_contacts_are_warned_about_while_typing(client, marta, ines):
    seen, hidden = make_client(owner=marta, name="Alder"), restricted(ines, "Birch")
    make_contact(
        actor=marta, client=seen, first_name="Elina", last_name="Saari", emails=[("work", "elina@alder.example")]
    )
    make_contact(
        actor=ines, client=hidden, first_name="Elina", last_name="Saari", emails=[("work", "elina@birch.example")]
    )
    client.force_login(marta)
    assert "/contacts/similar/" in client.get("/contacts/new/").content.decode()
    for query in ("first_name=Elina&last_name=Sari", "first_name=E&last_name=Saari&email=ELINA@alder.example"):
        text = client.get(f"/contacts/similar/?{query}").content.decode()
        assert text.count("Elina Saari") == 1, query
    assert "Same email" in text
    assert client.get("/contacts/similar/?first_name=Jan&last_name=Novak").content.decode().strip() == ""
    assert "Elina" not in client.get("/contacts/similar/?email=elina@birch.example").content.decode()


def test_more_details_in_common_never_score_less():
    base = Details(1, name="alder")
    other = Details(2, name="alder", mails=frozenset({"a"}), phones=frozenset({"b"}), postal_code="1", city="oslo")
    assert likeness(base, other).score >= LIKELY
    assert likeness(other, other).score >= likeness(base, other).score
    assert set(likeness(other, other).reasons) <= scoring.REASONS.keys()


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"sample files are not at {SAMPLES} (RAPPORT_SAMPLE_DATA)")
def test_on_a_file_of_known_duplicates(capsys):
    path = SAMPLES / "duplicates" / "febrl1.csv"
    found = measure(path)
    assert found.pairs == 500 and found.precision >= 0.98 and found.recall >= 0.95, found
    call_command("find_duplicates", measure=path)
    assert "precision 1.000" in capsys.readouterr().out

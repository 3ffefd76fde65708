"""Who referred a client, in the file of clients."""

import pytest

from clients.contacts.services import create_contact
from clients.listing.lists import CLIENTS
from clients.records.models import Client
from clients.records.services.clients import restrict_client
from clients.referrals.models import Referral
from clients.referrals.services import add_referral, archive_referral, restore_referral
from crm.core.base.principals import SYSTEM, acting
from crm.core.importing.recognising import OWN_SYSTEM
from tools.testing.factories.clients import NOW, make_client, make_user
from tools.testing.importing import counts, remarks, run

pytestmark = pytest.mark.django_db
HEAD = "Id,Name,Referred by clients by ID,Referred by\n"


def load(ines, *lines):
    given = {"referred_by_external_id": "Referred by clients by ID", "referred_by": "Referred by"}
    data = (HEAD + "\n".join(lines)).encode()
    return run(ines, "clients", data, mapping=given)


def referrals():
    rows = Referral.objects.order_by("client__name", "pk").select_related("by_client", "by_contact")
    return [(row.client.name, row.referrer) for row in rows]


@pytest.fixture
def elina(ines):
    return create_contact(
        acting(ines),
        client=make_client(owner=ines, name="Harbor"),
        first_name="Elina",
        last_name="Saari",
        emails=[("work", "elina@harbor.example")],
    )


def test_clients_contacts_and_others_and_the_same_file_changes_nothing(ines, elina):
    lines = (
        "1,Alder,2; 3,",
        "2,Birch,,Bank, Helsinki; Elina@Harbor.example".replace("Bank, Helsinki", "Bank of Aland"),
    )
    lines = (*lines, "3,Cedar,,")
    assert counts(load(ines, *lines)) == {"created": 3}
    wanted = [("Alder", "Birch"), ("Alder", "Cedar"), ("Birch", "Bank of Aland"), ("Birch", "Elina Saari")]
    assert referrals() == wanted
    assert counts(load(ines, *lines)) == {"unchanged": 3}
    assert referrals() == wanted


def test_a_known_client_gets_those_it_lacks(ines):
    load(ines, "1,Alder,,Bank", "2,Birch,,")
    assert counts(load(ines, "1,Alder,2,bank; Lawyer")) == {"updated": 1}
    assert sorted(referrals()) == [("Alder", "Bank"), ("Alder", "Birch"), ("Alder", "Lawyer")]


def test_what_is_not_found_is_said_and_the_client_comes_in(ines):
    job = load(ines, "1,Alder,9; 1,nobody@nowhere.example")
    assert counts(job) == {"created": 1} and referrals() == []
    said = " ".join(text for _line, texts in remarks(job) for text in texts)
    assert "No client has the ID “9”" in said and "cannot refer itself" in said
    assert "No contact has the address “nobody@nowhere.example”" in said


def test_who_is_out_of_sight_is_as_if_not_there(ines, elina):
    otto = make_user(name="Otto Berg")
    secret = make_client(owner=otto, name="Basalt")
    create_contact(
        acting(otto), client=secret, first_name="Eva", last_name="Lind", emails=[("work", "eva@basalt.example")]
    )
    restrict_client(acting(otto), client=secret)
    job = load(ines, "1,Alder,,eva@basalt.example")
    assert referrals() == [] and "No contact has the address" in str(remarks(job))


def test_our_own_export_comes_back_unchanged(client, ines, elina):
    load(ines, "1,Alder,2,elina@harbor.example", "2,Birch,,Bank")
    client.force_login(ines)
    kind = next(key for key in CLIENTS.file_kinds if key not in ("csv", "xlsx"))
    file = b"".join(client.get(f"/clients/export/?as={kind}").streaming_content)
    assert b"elina@harbor.example" in file
    assert counts(run(ines, "clients", file, system=OWN_SYSTEM)) == {"unchanged": Client.objects.count()}
    Referral.objects.filter(by_source="").delete()
    assert counts(run(ines, "clients", file, system=OWN_SYSTEM)) == {
        "updated": 1,
        "unchanged": Client.objects.count() - 1,
    }
    assert referrals() == [("Alder", "Birch"), ("Alder", "Elina Saari"), ("Birch", "Bank")]
    assert Referral.objects.visible_to(SYSTEM).count() == 3


def test_a_ring_found_after_the_last_row_is_a_remark_and_the_rest_comes_in(ines):
    alder = make_client(owner=ines, name="Alder", email="a@alder.example")
    make_client(owner=ines, name="Birch", email="b@birch.example", parent=alder)
    head = "Id,Name,E-mail,Part of (id),Referred by clients by ID\n"
    lines = ("1,Alder,a@alder.example,2,", "2,Birch,b@birch.example,,", "3,Cedar,,,4", "4,Dogwood,,,")
    given = {"referred_by_external_id": "Referred by clients by ID"}
    job = run(ines, "clients", (head + "\n".join(lines)).encode(), mapping=given)
    assert job.state == "done" and referrals() == [("Cedar", "Dogwood")]
    [(line, texts)] = remarks(job)
    assert line == 2 and "A client cannot be its own parent." in str(texts) and job.report["remarks"] == 1
    alder.refresh_from_db()
    assert alder.parent is None


def test_names_that_need_quotes_come_back_as_they_are(client, ines):
    alder = make_client(owner=ines, name="Alder")
    names = ["Smith; Sons", "info@bank.example", "Bank @ Aland", '"The" Bank; Oy', "Plain"]
    for name in names:
        add_referral(acting(ines), client=alder, by_source=name, now=NOW)
    client.force_login(ines)
    kind = next(key for key in CLIENTS.file_kinds if key not in ("csv", "xlsx"))
    file = b"".join(client.get(f"/clients/export/?as={kind}").streaming_content)
    assert counts(run(ines, "clients", file, system=OWN_SYSTEM)) == {"unchanged": 1}
    Referral.objects.all().delete()
    job = run(ines, "clients", file, system=OWN_SYSTEM)
    assert counts(job) == {"updated": 1} and remarks(job) == []
    assert sorted(name for _client, name in referrals()) == sorted(names)


def test_an_address_of_several_contacts_is_said(ines, elina):
    other = make_client(owner=ines, name="Alder")
    create_contact(
        acting(ines), client=other, first_name="Eero", last_name="S", emails=[("work", "elina@harbor.example")]
    )
    said = str(remarks(load(ines, "1,Birch,,elina@harbor.example")))
    assert "Several contacts have the address “elina@harbor.example”" in said and referrals() == []


@pytest.mark.parametrize("lines", [("1,Alder,2,Bank", "2,Birch,,"), ("2,Birch,,", "1,Alder,2,Bank")])
def test_what_was_archived_as_a_mistake_does_not_come_back(ines, lines):
    load(ines, *lines)
    for row in Referral.objects.all():
        archive_referral(acting(ines), referral=row, now=NOW)
    job = load(ines, *lines)
    assert counts(job) == {"unchanged": 2}
    assert not Referral.objects.kept().exists()
    said = str(remarks(job))
    assert "by “Bank” is archived" in said and "by “Birch” is archived" in said and "under Referrals" in said
    restore_referral(acting(ines), referral=Referral.objects.get(by_source="Bank"))
    assert "Bank" not in str(remarks(load(ines, *lines)))

"""A field of the firm's own that names a client, in files: by ID or exact name, of those that the importer sees."""

import pytest

from clients.contacts.models import Contact
from clients.contacts.services import create_contact
from clients.importing.ids import own_id
from clients.records.models import Client
from clients.records.services.clients import restrict_client, update_client
from crm.core.base.principals import SYSTEM, acting
from crm.core.fields.custom.services import create_field
from crm.core.importing import kinds
from crm.core.importing.recognising import OWN_SYSTEM
from tools.testing.factories.clients import make_client, make_user
from tools.testing.importing import as_csv, counts, remarks, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(ines):
    for record in ("client", "contact"):
        create_field(SYSTEM, record=record, label="Bank", kind="client")
    return make_client(owner=ines, name="Nordbanken")


def load(ines, *lines, system="books"):
    return run(ines, "clients", "\n".join(("Id,Name,Bank", *lines)).encode(), system=system)


def named():
    names = dict(Client.objects.values_list("pk", "name"))
    return {row.name: names.get(row.cf_bank) for row in Client.objects.order_by("name") if row.cf_bank}


def test_by_exact_name_by_the_id_of_the_system_and_by_our_own(ines, bank):
    load(ines, "77,Bank of Aland,")
    lines = ("1,Alder,nordbanken", "2,Birch,77", f"3,Cedar,{own_id('client', bank.pk)}")
    job = load(ines, *lines)
    assert counts(job) == {"created": 3} and remarks(job) == []
    assert named() == {"Alder": "Nordbanken", "Birch": "Bank of Aland", "Cedar": "Nordbanken"}
    assert counts(load(ines, *lines)) == {"unchanged": 3}
    assert counts(load(ines, "1,Alder,Bank of Aland")) == {"updated": 1}
    assert counts(load(ines, "1,Alder,")) == {"unchanged": 1}
    assert named()["Alder"] == "Bank of Aland"


def test_what_is_unknown_or_ambiguous_is_said_and_nothing_is_guessed(ines, bank):
    load(ines, "1,Alder,Nordbanken")
    for _n in range(2):
        make_client(owner=ines, name="Twin Oy")
    job = load(ines, "1,Alder,Nordbank", "2,Birch,Twin Oy")
    assert counts(job) == {"unchanged": 1, "created": 1}
    said = str(remarks(job))
    assert "no client has the ID or the name “Nordbank”" in said
    assert "more than one client is called “Twin Oy”" in said
    assert named() == {"Alder": "Nordbanken"}


def test_who_is_out_of_sight_is_as_if_not_there(ines, bank):
    Client.objects.filter(pk=bank.pk).update(is_restricted=True, owner=make_user(name="Other"))
    job = load(ines, "1,Alder,Nordbanken", f"2,Birch,{own_id('client', bank.pk)}")
    assert counts(job) == {"created": 2} and named() == {}
    assert str(remarks(job)).count("no client has the ID or the name") == 2


def test_one_further_down_in_the_file_is_named_after_the_last_row(ines, bank):
    job = load(ines, "1,Alder,2", "2,Birch,1", "3,Cedar,3")
    assert counts(job) == {"created": 3} and remarks(job) == []
    assert named() == {"Alder": "Birch", "Birch": "Alder", "Cedar": "Cedar"}


def test_our_own_export_comes_back_unchanged(ines, bank):
    hidden = make_client(owner=ines, name="Hidden bank")
    for name, to in (("Alder", bank), ("Birch", hidden), ("Cedar", None)):
        update_client(acting(ines), client=make_client(owner=ines, name=name), cf_bank=to and to.pk)
    create_contact(acting(ines), client=bank, first_name="Eero", last_name="Salo", cf_bank=bank.pk)
    restrict_client(SYSTEM, client=hidden, users=[], reason="Barrier")
    Client.objects.filter(pk=hidden.pk).update(owner=make_user(name="Other"))
    for key, n in (("clients", 4), ("contacts", 1)):
        text = as_csv(kinds.get(key).export(acting(ines)))
        assert own_id("client", bank.pk) in text and own_id("client", hidden.pk) not in text
        job = run(ines, key, text.encode(), system=OWN_SYSTEM)
        assert counts(job) == {"unchanged": n} and remarks(job) == []
    assert named()["Birch"] == "Hidden bank"
    assert Contact.objects.get().cf_bank == bank.pk

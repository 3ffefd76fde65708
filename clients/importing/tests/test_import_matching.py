"""Which client or person a row of a file means."""

import pytest

from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.importing import running
from tools.testing.factories.clients import make_client, make_contact
from tools.testing.importing import counts, prepare, remarks, run

pytestmark = pytest.mark.django_db


OFFICE = b"First name,Last name,Email\nEva,Huber,office@linden.example\nJan,Wolf,office@linden.example\n"


BRANCHES = b"""Name,Website,Email
Halden Berlin,https://www.halden.example,
Halden Hamburg,halden.example,
Koski Oulu,,info@koski.example
Koski Turku,,info@koski.example
"""


def test_a_name_alone_is_no_match_and_says_so(ines):
    make_client(owner=ines, name="Beta")
    job = run(ines, "clients", b"Id,Name\n77,Beta\n")
    assert counts(job) == {"created": 1}
    assert "already exists" in remarks(job)[0][1][0]


def test_a_domain_is_a_match_but_not_for_another_id_of_the_same_system(ines):
    make_client(owner=ines, name="Beta", website="https://www.beta.example/home")
    assert counts(run(ines, "clients", b"Id,Name,Website\n1,Beta,beta.example\n")) == {"updated": 1}
    assert counts(run(ines, "clients", b"Id,Name,Website\n2,Beta Norway,beta.example\n")) == {"created": 1}


def test_rows_of_one_file_that_share_a_domain_or_a_mail_stay_apart(ines):
    job = run(ines, "clients", BRANCHES)
    assert counts(job) == {"created": 4}
    assert "same website or email" in remarks(job)[0][1][0]
    before = list(Client.objects.order_by("pk").values_list("name", "version"))
    assert [name for name, _version in before] == ["Halden Berlin", "Halden Hamburg", "Koski Oulu", "Koski Turku"]
    assert counts(run(ines, "clients", BRANCHES)) == {"unchanged": 4}
    assert list(Client.objects.order_by("pk").values_list("name", "version")) == before


def test_of_several_with_one_domain_the_name_decides(ines):
    run(ines, "clients", BRANCHES)
    changed = BRANCHES.replace(b"Name,Website", b"City,Name,Website").replace(b"\nHalden", b"\nOslo,Halden")
    changed = changed.replace(b"\nKoski", b"\nOslo,Koski")
    assert counts(run(ines, "clients", changed)) == {"updated": 4}
    assert set(Client.objects.values_list("name", "city")) == {
        (name, "Oslo") for name in ("Halden Berlin", "Halden Hamburg", "Koski Oulu", "Koski Turku")
    }


def test_two_people_who_share_a_mailbox_stay_two(ines):
    assert counts(run(ines, "contacts", OFFICE)) == {"created": 2}
    assert counts(run(ines, "contacts", OFFICE)) == {"unchanged": 2}
    changed = OFFICE.replace(b"Email", b"Email,Background").replace(b".example\n", b".example,Met at the fair\n")
    assert counts(run(ines, "contacts", changed)) == {"updated": 2}
    assert set(Contact.objects.values_list("first_name", "notes")) == {
        ("Eva", "Met at the fair"),
        ("Jan", "Met at the fair"),
    }


@pytest.mark.parametrize(("answer", "outcome"), [("confirmed", "updated"), ("left_out", "failed"), ("", "failed")])
def test_a_client_is_renamed_only_where_that_was_confirmed(ines, answer, outcome):
    run(ines, "clients", b"Id,Name\n1,Alpha\n")
    job = run(ines, "clients", b"Id,Name\n1,Omega\n", questions=answer)
    assert counts(job) == {outcome: 1}
    assert "“Alpha” would be renamed to “Omega”" in str(job.report["rows"][outcome])
    assert Client.objects.get().name == ("Omega" if outcome == "updated" else "Alpha")


def warned(actor, kind, data):
    """{line: texts} of the preview."""
    report = running.preview(prepare(actor, kind, data.encode()))
    return {row["number"]: row["texts"] for row in report["rows"]["remarks"]}


def test_a_near_duplicate_is_named_with_its_reason(marta, ines):
    make_client(owner=marta, name="Northern Timber Oy", city="Oslo", phone="+358401234567")
    hidden = make_client(owner=ines, name="Hidden Glass")
    type(hidden).objects.filter(pk=hidden.pk).update(is_restricted=True)
    rows = ("Nothern Timber,Oslo,", "North Timber,Bergen,+358 40 1234567", "Hidden Glass,,", "Birch,,")
    found = warned(marta, "clients", "Name,City,Phone\n" + "\n".join(rows))
    assert found == {
        2: ["May be a duplicate of “Northern Timber Oy”: similar name."],
        3: ["May be a duplicate of “Northern Timber Oy”: same phone number · similar name."],
    }
    found = warned(ines, "clients", "Name,City,Phone\nHidden Glass Ltd,,\n")
    assert found == {2: ["May be a duplicate of “Hidden Glass”: same name."]}


def test_a_person_of_another_client_is_named_too(marta):
    client = make_client(owner=marta, name="Alder")
    make_contact(actor=marta, client=client, first_name="Elina", last_name="Saari")
    make_client(owner=marta, name="Birch")
    found = warned(marta, "contacts", "First name,Last name,Client\nElina,Saari,Birch\nJan,Novak,Birch\n")
    assert found == {2: ["May be a duplicate of “Elina Saari”: same name."]}

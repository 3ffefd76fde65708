"""Each kind of file is taken back so that every table is as before."""

import pytest

from clients.catalogue.models import Service
from clients.engagements.models import EngagementKind
from clients.importing.tests.test_undo import changed_since, snapshot, undo
from crm.core.importing import kinds, parts
from interactions.log.models import Interaction
from tools.testing.factories.clients import make_client, make_contact
from tools.testing.importing import counts, run

pytestmark = pytest.mark.django_db
FILES = {
    "contacts": (
        "Id,First name,Last name,E-mail,Phone,Client\n1,Ada,Alder,ada@a.example,+358401234567,Northwind\n"
        "2,Bo,Birch,bo@b.example,,Northwind\n",
        "Id,First name,Last name,E-mail,Phone,Client\n1,Ada,Alder-Smith,ada@new.example,,Northwind\n3,Cy,Cedar,,,Northwind\n",
    ),
    "contracts": (
        "Id,Client,Service,Value,Currency,Period,Start\n1,Northwind,Payroll,100,EUR,month,2026-01-01\n",
        "Id,Client,Service,Value,Currency,Period,Start\n1,Northwind,Payroll,100,EUR,month,2026-02-01\n"
        "2,Northwind,Payroll,50,EUR,month,2026-01-01\n",
    ),
    "revenue": (
        "Id,Client,Date,Amount\n1,Northwind,2026-10-01,100\n2,Northwind,2026-10-02,50\n",
        "Id,Client,Date,Amount\n1,Northwind,2026-10-01,120\n3,Northwind,2026-11-02,50\n",
    ),
    "invoices": (
        "Id,Client,Number,Date,Due date,Net,Tax,Paid\n1,Northwind,A-1,2026-10-01,2026-10-15,100,24,0\n",
        "Id,Client,Number,Date,Due date,Net,Tax,Paid\n1,Northwind,A-1,2026-10-01,2026-10-30,100,24,60\n"
        "2,Northwind,A-2,2026-10-01,2026-10-15,100,24,124\n",
    ),
    "engagements": (
        "Id,Client,Matter,Type,Status,Opened on\n1,Northwind,Sale,Litigation,Open,2026-05-04\n",
        "Id,Client,Matter,Type,Status,Opened on\n1,Northwind,Sale,Litigation,Closing,2026-05-04\n2,Northwind,Lease,,Open,2026-05-04\n",
    ),
    "opportunities": (
        "Id,Client,Title,Stage,Amount,Close date\n1,Northwind,Payroll,Proposal,100,2027-01-31\n",
        "Id,Client,Title,Stage,Amount,Close date\n1,Northwind,Payroll,Negotiation,120,2027-01-31\n2,Northwind,Audit,Lead,,2027-01-31\n",
    ),
    "interactions": (
        "Id,Client,Date,Type,Notes,Email\n1,Northwind,2026-11-02 10:00,Call,Scope,elina@northwind.example\n",
        "Id,Client,Date,Type,Notes,Email\n1,Northwind,2026-11-03 10:00,Call,Price,\n2,Northwind,2026-11-04 10:00,Meeting,Met,\n",
    ),
    "follow-ups": (
        "Id,Client,Title,Due\n1,Northwind,Call back,2026-12-01\n",
        "Id,Client,Title,Due\n1,Northwind,Call Elina back,2026-12-02\n2,Northwind,Send the offer,2026-12-03\n",
    ),
    "survey-responses": ("Id,Client,Email,Date,NPS\n1,Northwind,elina@northwind.example,2026-11-01,9\n", ""),
}


def test_the_ids_of_every_kind_of_record_go_with_it():
    known = {part.where["kind"] for part in parts.parts if part.key.startswith("external_id.")}
    assert {kind.of for kind in kinds.kinds() if kind.of} <= known


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_file(kind, marta):
    northwind = make_client(owner=marta, name="Northwind")
    make_contact(actor=marta, client=northwind, emails=[("work", "elina@northwind.example")])
    EngagementKind.objects.create(name="Litigation")
    Service.objects.create(name="Payroll")
    empty = snapshot()
    first, second = FILES[kind]
    job = run(marta, kind, first.encode())
    assert counts(job).keys() == {"created"}, job.report
    between = snapshot()
    assert between != empty
    if second:
        again = run(marta, kind, second.encode())
        assert counts(again) == {"created": 1, "updated": 1}, again.report
        assert undo(marta, again)[1] == {}
        assert changed_since(between) == set()
    assert undo(marta, job)[1] == {}
    assert changed_since(empty) == set()


def test_a_client_somebody_talked_to_is_kept(marta, otto):
    job = run(marta, "clients", b"Id,Name\n1,Alder\n")
    files = "Id,Client,Date,Type,Notes\n1,Alder,2026-11-02 10:00,Call,Scope\n"
    run(otto, "interactions", files.encode())
    Interaction.objects.update(visibility="private")
    assert undo(marta, job)[1] == {"Alder": "Something was added to it since the import."}
    Interaction.objects.update(visibility="firm")
    job.refresh_from_db()
    assert undo(marta, job)[1] == {"Alder": "Used since the import: interaction."}

"""A file that corrects what is known already is checked as one that brings something new: the preview says what the run does."""

import pytest

from clients.catalogue.services import create_service
from clients.importing.tests.test_planner import told
from crm.core.base.principals import acting
from crm.core.importing import running
from tools.testing.factories.clients import make_user
from tools.testing.importing import counts, prepare, run

pytestmark = pytest.mark.django_db
# {name: (kind, the first file, the file that corrects it, {line: what is wrong with it})}
CORRECTIONS = {
    "clients": (
        "clients",
        "Id,Name,Website,Email,Status,Status since\n"
        "1,Alder,alder.example,office@alder.example,active,2024-01-01\n"
        "2,Birch,birch.example,,active,2024-01-01\n"
        "3,Cedar,cedar.example,,active,2024-01-01\n"
        "4,Dogwood,,,active,2024-01-01\n",
        "Id,Name,Website,First name,Last name,Contact phone\n"
        "1,Alder,,Ada,Lee,12\n"
        "2,Birch,https://birch.example/new,Bo,Berg,+358 40 123\n",
        {2: "phone number"},
    ),
    "status": (
        "clients",
        "Id,Name,Status history\n"
        "1,Alder,2020-01-01 prospect; 2021-01-01 active; 2024-01-01 former (price)\n"
        "2,Birch,2021-01-01 active\n"
        "3,Cedar,2021-01-01 active\n"
        "4,Dogwood,2021-01-01 active\n",
        "Id,Name,Status,Status since\n"
        "1,Alder,active,2022-01-01\n"
        "2,Birch,active,2099-01-01\n"
        "3,Cedar,paused,2023-01-01\n"
        "4,Dogwood,active,2020-01-01\n",
        {2: "has had this status since", 3: "future"},
    ),
    "status history": (
        "clients",
        "Id,Name,Status history\n1,Alder,2021-01-01 active\n2,Birch,2021-01-01 active\n",
        "Id,Name,Status history\n1,Alder,2099-01-01 active\n2,Birch,2020-01-01 prospect; 2021-01-01 active\n",
        {2: "does not cover today"},
    ),
    "contracts": (
        "contracts",
        "Id,Client,Service,Value,From,Until\n"
        "1,Zeta,Audit,5,2026-01-01,2026-06-01\n2,Zeta,Audit,5,2026-01-01,\n3,Zeta,Audit,5,2026-01-01,\n",
        "Id,Client,Service,Value,From,Until\n"
        "1,Zeta,Audit,5,2026-01-01,2025-01-01\n2,Zeta,Audit,5.123456789,2026-01-01,\n3,Zeta,Audit,6,2026-01-01,\n",
        {2: "after the start", 3: "decimal"},
    ),
    "revenue": (
        "revenue",
        "Id,Client,Date,Amount\n1,Zeta,2026-01-05,5\n2,Zeta,2026-01-05,5\n3,Zeta,2026-01-05,5\n",
        "Id,Client,Date,Amount,Reference\n"
        "1,Zeta,2026-01-05,5.123456789,\n2,Zeta,2026-01-05,5,\n3,Zeta,2026-01-06,5,R3\n",
        {2: "Amount, net of tax: Ensure that there are no more than 2 decimal"},
    ),
    "contacts": (
        "contacts",
        "Id,First name,Last name,Client,Email,Phone\n"
        "1,Ada,Lee,Zeta,ada@zeta.example,\n2,Bo,Berg,Zeta,bo@zeta.example,\n3,Cy,Dahl,Zeta,,\n",
        "Id,First name,Last name,Client,Email,Phone,Left on\n"
        "1,Ada,Lee,Zeta,,12,\n2,Bo,Berg,Zeta,,+358 40 123,\n3,Cy,Dahl,Zeta,cy@zeta.example,,\n",
        {2: "phone number"},
    ),
    "rates": (
        "rates",
        "Day,Currency,Rate\n2026-01-05,USD,0.9\n",
        "Day,Currency,Rate\n"
        "2026-01-05,EUR,1\n2199-01-05,USD,0.9\n2026-01-06,USD,0.000000001\n2026-01-07,USD,999999999\n2026-01-05,USD,0.91\n",
        {2: "own currency", 3: "future day", 4: "greater than or equal|above zero", 5: "digits"},
    ),
}


@pytest.mark.parametrize("name", CORRECTIONS)
def test_a_correction_that_is_refused_is_refused_in_the_preview(ines, name):
    kind, first, second, wrong = CORRECTIONS[name]
    actor = make_user(name="Ada Admin", roles=["admin", "manager", "account_manager"])
    create_service(acting(actor), name="Audit")
    run(actor, "clients", b"Id,Name\nZ,Zeta\n")
    assert "failed" not in counts(run(actor, kind, first.encode()))
    preview = running.preview(prepare(actor, kind, second.encode()))
    ran = run(actor, kind, second.encode())
    assert told(ran.report) == told(preview)
    failed = {row["number"]: " ".join(row["texts"]) for row in preview["rows"]["failed"]}
    assert failed.keys() == wrong.keys(), failed
    for line, words in wrong.items():
        assert any(word in failed[line] for word in words.split("|")), failed[line]
    assert preview["counts"]["updated"] >= 1, told(preview)

"""Engagements from files: matched by id and number, created, updated, moved; the export comes back unchanged."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from clients.engagements.models import Engagement
from clients.engagements.services.kinds import create_engagement_kind
from clients.engagements.services.records import close_engagement, restrict_engagement
from clients.importing import ENGAGEMENTS
from crm.core.base.principals import SYSTEM, acting
from crm.core.fields.custom import services as custom
from crm.core.firm.services import update_firm
from crm.core.importing import kinds
from crm.core.importing.permissions import may_import_kind
from tools.testing.factories.clients import make_client
from tools.testing.factories.engagements import make_engagement
from tools.testing.importing import as_csv, counts, remarks, run

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta, name="Northwind")


def test_they_come_in_and_the_same_file_changes_nothing(marta, otto, aino, northwind):
    create_engagement_kind(acting(aino), name="Litigation")
    data = (
        "Id,Client,Matter number,Matter,Type,Lead,Team,Status,Opened on,Closed on,Budget,Currency\n"
        f"7,Northwind,2026-0007,Sale of the mill,litigation,{otto.email},{marta.email},Open,2026-05-04,,12000,EUR\n"
        "8,Northwind,,Lease,,,,Intake,,,,\n"
        "9,Northwind,Old/1,Old case,,,,Closed,2025-01-02,2025-09-30,,\n"
    ).encode()
    job = run(marta, "engagements", data)
    assert counts(job) == {"created": 3}, job.report
    mill, lease, old = (Engagement.objects.get(title=title) for title in ("Sale of the mill", "Lease", "Old case"))
    assert (mill.number, mill.kind.name, mill.lead, mill.state) == ("2026-0007", "Litigation", otto, "open")
    assert (mill.opened_date, mill.budget, list(mill.team.all())) == (date(2026, 5, 4), Decimal(12000), [marta])
    assert (lease.number, lease.state, lease.opened_date, lease.lead) == ("2026-0008", "intake", None, marta)
    assert (old.state, old.closed_date) == ("closed", date(2025, 9, 30))
    assert [change.state for change in old.state_changes.all()] == ["closed"]
    before = list(Engagement.objects.order_by("pk").values_list("pk", "version", "updated_at"))
    assert counts(run(marta, "engagements", data)) == {"unchanged": 3}
    assert list(Engagement.objects.order_by("pk").values_list("pk", "version", "updated_at")) == before


def test_a_number_finds_the_engagement_and_its_changes_are_written(marta, otto, northwind):
    mill = make_engagement(actor=marta, client=northwind, now=NOW)
    data = f"Client,Number,Title,Team,Status,Budget\nNorthwind,2026-0001,Sale of the yard,{otto.email},Closing,900\n"
    assert counts(run(marta, "engagements", data.encode())) == {"updated": 1}
    mill.refresh_from_db()
    assert (mill.title, mill.state, mill.budget, list(mill.team.all())) == (
        "Sale of the yard",
        "closing",
        Decimal(900),
        [otto],
    )
    assert counts(run(marta, "engagements", data.encode())) == {"unchanged": 1}


def test_what_cannot_be_is_said(marta, northwind):
    close_engagement(SYSTEM, engagement=make_engagement(actor=marta, client=northwind, now=NOW), now=NOW)
    make_client(owner=marta, name="Eastwind")
    data = (
        "Client,Number,Title,Type,Lead,Status\n"
        "Northwind,2026-0001,Sale of the mill,Unknown,Nobody,Closing\n"
        "Eastwind,2026-0001,Theirs,,,\n"
        "Northwind,X/1,,,,\n"
    )
    job = run(marta, "engagements", data.encode(), mapping={"lead": "Lead"})
    assert counts(job) == {"unchanged": 1, "failed": 2}
    said = " ".join(text for _line, texts in remarks(job) for text in texts)
    assert "cannot move from Closed to Closing" in said and "No kind is called “Unknown”" in said
    assert "No colleague is called “Nobody”" in said


def test_the_export_comes_back_unchanged(marta, otto, aino, northwind):
    custom.create_field(acting(aino), record="engagement", label="Court", kind="text")
    make_engagement(actor=marta, client=northwind, now=NOW, team=[otto], budget=Decimal(5), cf_court="Turku")
    closed = make_engagement(actor=marta, client=northwind, title="Old case", state="intake", now=NOW)
    close_engagement(SYSTEM, engagement=closed, now=NOW)
    hidden = make_engagement(actor=marta, client=northwind, title="Secret", now=NOW)
    restrict_engagement(SYSTEM, engagement=hidden, now=NOW)
    text = as_csv(ENGAGEMENTS.export(acting(marta)))
    assert "Turku" in text and "Secret" in text
    assert "Secret" not in as_csv(ENGAGEMENTS.export(acting(otto)))
    job = run(marta, "engagements", text.encode(), system="rapport")
    assert counts(job) == {"unchanged": 3}, job.report


def test_no_import_where_the_firm_does_not_use_them(marta, aino):
    assert may_import_kind(acting(marta), kinds.get("engagements"))
    update_firm(acting(aino), engagement_word="off")
    assert not may_import_kind(acting(marta), kinds.get("engagements"))
    for kind in ("interactions", "invoices", "contracts", "revenue"):
        assert "engagement" not in {column.name for column in kinds.get(kind).columns}

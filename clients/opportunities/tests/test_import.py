"""Opportunities from another system: stages by name, how they ended, the same file twice, and our own export."""

import csv
import io

import pytest

from clients.importing.opportunities import OPPORTUNITIES
from clients.opportunities.models import Opportunity
from crm.core.base.principals import acting
from tools.testing.factories.clients import make_client
from tools.testing.factories.opportunities import make_opportunity, stages
from tools.testing.importing import counts, run

pytestmark = pytest.mark.django_db
FILE = (
    "Id,Account name,Opportunity name,Type,Stage,Amount,Close date,Probability (%),Opportunity owner\n"
    "1,Northwind Advisory,Payroll,New business,Proposal,12000,2027-01-31,60,Otto Berg\n"
    "2,Northwind Advisory,Audit,Renewal,Closed Won,5000,2026-03-31,,\n"
    "3,Northwind Advisory,Tax,Upsell,Closed Lost,,2026-04-30,,Nobody Here\n"
    "4,Northwind Advisory,Advice,New business,Pitching,900,2027-02-28,,\n"
    "5,Unknown Ltd,Advice,New business,Lead,900,2027-02-28,,\n"
)


@pytest.fixture
def northwind(marta, otto):
    return make_client(owner=marta)


def test_a_file_of_another_system_and_the_same_file_again(marta, otto, northwind):
    job = run(marta, "opportunities", FILE.encode())
    rows = {row.title: row for row in Opportunity.objects.all()}
    assert set(rows) == {"Payroll", "Audit", "Tax", "Advice"}
    payroll = rows["Payroll"]
    assert (payroll.stage, payroll.owner, payroll.probability) == (stages()[2], otto, 60)
    assert (rows["Audit"].state, rows["Audit"].kind, rows["Audit"].closed_at.year) == ("won", "renewal", 2026)
    assert (rows["Tax"].state, rows["Tax"].reason, rows["Tax"].value) == ("lost", "other", None)
    assert (rows["Advice"].stage, rows["Advice"].probability) == (stages()[0], 10)
    assert counts(job) == {"created": 4, "failed": 1}
    run(marta, "opportunities", FILE.encode())
    assert Opportunity.objects.count() == 4 and set(Opportunity.objects.values_list("version", flat=True)) == {1}


def test_a_correction_moves_a_known_one(marta, northwind):
    run(marta, "opportunities", FILE.encode())
    run(marta, "opportunities", FILE.replace("Proposal,12000", "Negotiation,15000").encode())
    row = Opportunity.objects.get(title="Payroll")
    assert (row.stage, row.value, row.stage_changes.count()) == (stages()[3], 15000, 2)


def test_our_own_export_comes_back_unchanged(marta, northwind):
    make_opportunity(actor=marta, client=northwind, next_step="Call")
    make_opportunity(actor=marta, client=northwind, title="Own", probability=70, value=None)
    text = io.StringIO()
    csv.writer(text).writerows(OPPORTUNITIES.export(acting(marta)))
    run(marta, "opportunities", text.getvalue().encode(), system="rapport")
    assert set(Opportunity.objects.values_list("version", flat=True)) == {1}

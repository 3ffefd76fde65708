"""Renewals appear by themselves, once, and follow what becomes of the contract."""

from datetime import date, timedelta

import pytest

from clients.opportunities.models import Opportunity
from clients.opportunities.services.outcomes import lose_opportunity
from clients.opportunities.services.renewals import AHEAD, update_renewals
from clients.records.services.clients import archive_client
from clients.revenue.services.contracts import archive_contract, change_price, update_contract
from crm.core.base.principals import SYSTEM, acting
from tools.testing.factories.clients import NOW, TODAY, make_client
from tools.testing.factories.opportunities import make_contract

pytestmark = pytest.mark.django_db
RENEWS = TODAY + AHEAD + timedelta(days=30)  # with thirty days of notice: due today


@pytest.fixture
def contract(marta):
    return make_contract(actor=marta, client=make_client(owner=marta), renewal_date=RENEWS, notice_days=30)


def run(today=TODAY):
    return update_renewals(SYSTEM, today=today, now=NOW + (today - TODAY))


def test_one_appears_sixty_days_before_the_notice_date_and_only_once(contract, marta):
    assert run(TODAY - timedelta(days=1)) == 0
    assert run() == 1
    assert run() == 0
    made = Opportunity.objects.get()
    assert (made.kind, made.contract, made.owner, made.renewal_date) == ("renewal", contract, marta, RENEWS)
    assert made.expected_close == RENEWS - timedelta(days=30) and made.value == 1200
    lose_opportunity(acting(marta), opportunity=made, reason="price", now=NOW)
    assert run() == 0
    update_contract(acting(marta), contract=contract, renewal_date=RENEWS + timedelta(days=365))
    assert run(TODAY + timedelta(days=365)) == 1  # of the next period


@pytest.mark.parametrize(
    "changed",
    [
        {"renewal_date": TODAY},
        {"renewal_date": None},
        {"end_date": RENEWS - timedelta(days=1)},
        {"notice_days": 29},
    ],
)
def test_none_for_a_contract_that_is_not_due(contract, marta, changed):
    update_contract(acting(marta), contract=contract, **changed)
    assert run() == 0


def test_none_for_what_is_archived(contract, marta):
    archive_client(acting(marta), client=contract.client, now=NOW)
    assert run() == 0


def test_a_new_price_keeps_the_renewal_and_makes_no_second_one(contract, marta):
    run()
    after = change_price(acting(marta), contract=contract, value=200, start_date=TODAY, reason="More work")
    assert run() == 1
    row = Opportunity.objects.get()
    assert (row.contract, row.value, row.state) == (after, 2400, "open")
    assert run() == 0


def test_a_contract_that_ends_otherwise_closes_it(contract, marta):
    run()
    update_contract(acting(marta), contract=contract, end_date=TODAY + timedelta(days=10))
    assert run() == 1
    row = Opportunity.objects.get()
    assert (row.state, row.reason) == ("lost", "contract_ended")


def test_an_archived_contract_closes_it(contract, marta):
    run()
    archive_contract(acting(marta), contract=contract, now=NOW)
    run()
    assert Opportunity.objects.get().state == "lost"


def test_one_that_renews_by_itself_is_won_on_its_day(contract, marta):
    update_contract(acting(marta), contract=contract, is_auto_renewed=True)
    run()
    run(RENEWS - timedelta(days=1))
    assert Opportunity.objects.get().state == "open"
    run(RENEWS)
    assert Opportunity.objects.get().state == "won"


def test_a_contract_of_a_year_has_one_each_year(contract, marta):
    run()
    assert date(2026, 11, 20) == TODAY and Opportunity.objects.get().title == "Renewal 2027: Payroll"

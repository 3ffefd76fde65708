"""Contracts and revenue of engagements: they name one, none that is restricted, at every door and in the database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from clients.catalogue.models import Service
from clients.engagements.models import Engagement
from clients.engagements.services.records import restrict_engagement, unrestrict_engagement
from clients.importing import CONTRACTS, REVENUE
from clients.invoices.models import Invoice
from clients.invoices.services.records import create_invoice, update_invoice
from clients.opportunities.models import Opportunity
from clients.opportunities.services.outcomes import win_opportunity
from clients.opportunities.services.records import create_opportunity, update_opportunity
from clients.opportunities.services.renewals import update_renewals
from clients.revenue.fields import CONTRACT_FIELDS
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.services.contracts import (
    archive_contract,
    change_price,
    create_contract,
    restore_contract,
    update_contract,
)
from clients.revenue.services.lines import (
    add_revenue_line,
    delete_revenue_line,
    undelete_revenue_line,
    update_revenue_line,
)
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.bulk.targets import targets_of
from crm.core.firm.services import update_firm
from crm.core.history.queries import read
from tools.testing.factories.clients import make_client
from tools.testing.factories.engagements import make_engagement
from tools.testing.importing import as_csv, counts, remarks, run

pytestmark = pytest.mark.django_db
NOW, TODAY = datetime(2026, 11, 20, 10, 0, tzinfo=UTC), date(2026, 11, 20)


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta, name="Northwind")


@pytest.fixture
def mill(marta, northwind):
    return make_engagement(actor=marta, client=northwind, now=NOW, budget=Decimal(1000))


@pytest.fixture
def hidden(marta, northwind):
    made = make_engagement(actor=marta, client=northwind, title="Merger", now=NOW)
    return restrict_engagement(SYSTEM, engagement=made, now=NOW)


@pytest.fixture
def tax(db):
    return Service.objects.create(name="Tax")


@pytest.fixture
def browser(client, marta):
    client.force_login(marta)
    return client


def contract(marta, northwind, tax, **fields):
    given = {"service": tax, "value": Decimal(100), "start_date": date(2026, 1, 1)}
    return create_contract(acting(marta), client=northwind, **given | fields)


def line(marta, northwind, **fields):
    given = {"date": date(2026, 11, 2), "amount": Decimal(250), "today": TODAY}
    return add_revenue_line(acting(marta), client=northwind, **given | fields)


def invoice(marta, northwind, **fields):
    given = {"number": "R-1", "invoice_date": date(2026, 11, 1), "net": Decimal(90)}
    return create_invoice(acting(marta), client=northwind, **given | fields)


def test_its_page_shows_contracts_revenue_and_the_budget(browser, marta, northwind, mill, tax):
    contract(marta, northwind, tax, name="Retainer", engagement=mill)
    line(marta, northwind, engagement=mill, reference="Stage one")
    line(marta, northwind, reference="Something else")
    page = browser.get(f"/engagements/{mill.pk}/in/finance/").content.decode()
    assert "Retainer" in page and "Stage one" in page and "Something else" not in page
    assert "25 % used" in page and "€750.00" in page.replace("\xa0", " ")
    line(marta, northwind, engagement=mill, amount=Decimal(900))
    assert "Over budget" in browser.get(f"/engagements/{mill.pk}/in/finance/").content.decode()
    assert browser.get(f"/engagements/{mill.pk}/in/nothing/").status_code == 404


def test_forms_lists_and_the_api_name_it(browser, marta, northwind, mill, hidden, tax):
    form = browser.get(f"/clients/{northwind.pk}/contracts/add/?engagement={mill.pk}")
    offered = [str(label) for _value, label in form.context["form"].fields["engagement"].choices]
    assert any("Sale of the mill" in label for label in offered) and not any("Merger" in label for label in offered)
    row, booked = contract(marta, northwind, tax, engagement=mill), line(marta, northwind, engagement=mill)
    contract(marta, northwind, tax)
    line(marta, northwind)
    for url, pk in (("/api/v1/contracts/", row.pk), ("/api/v1/revenue/", booked.pk)):
        found = browser.get(f"{url}?engagement={mill.pk}").json()["results"]
        assert [(each["id"], each["engagement"]) for each in found] == [(pk, mill.pk)]
        wrong = browser.patch(f"{url}{pk}/", {"engagement": hidden.pk}, content_type="application/json")
        assert wrong.status_code == 400 and "restricted" in wrong.json()["fields"]["engagement"][0]
    assert ">1 contract<" in browser.get(f"/contracts/?engagement={mill.pk}").content.decode()
    assert ">1 line<" in browser.get(f"/revenue/?engagement={mill.pk}").content.decode()
    assert mill.number in b"".join(browser.get("/contracts/export/").streaming_content).decode()
    assert mill.number in b"".join(browser.get("/revenue/export/").streaming_content).decode()


def test_from_its_page_one_comes_back_to_it(browser, northwind, mill, tax):
    url = f"/clients/{northwind.pk}/contracts/add/?engagement={mill.pk}"
    data = {"service": tax.pk, "value": "10", "currency": "EUR", "period": "month", "start_date": "2026-01-01"}
    made = browser.post(url, data | {"engagement": mill.pk, "notice_days": "0"})
    assert made.status_code == 302 and made.url == f"/engagements/{mill.pk}/in/finance/"


def test_no_contract_and_no_revenue_names_a_restricted_one(marta, northwind, hidden, tax):
    row, booked = contract(marta, northwind, tax), line(marta, northwind)
    bill = invoice(marta, northwind, engagement=hidden)
    me = acting(marta)
    for give in (
        lambda: contract(marta, northwind, tax, engagement=hidden),
        lambda: line(marta, northwind, engagement=hidden),
        lambda: update_contract(me, contract=row, engagement=hidden),
        lambda: update_revenue_line(me, line=booked, engagement=hidden, today=TODAY),
        lambda: line(marta, northwind, invoice=bill),
        lambda: update_revenue_line(me, line=booked, invoice=bill, today=TODAY),
    ):
        with pytest.raises(ServiceError, match="restricted"):
            give()
    assert Contract.objects.count() == RevenueLine.objects.count() == 1


def test_many_contracts_are_not_given_one_at_once(browser, marta, northwind, mill, tax):
    row = contract(marta, northwind, tax)
    asked = browser.post("/contracts/select/", {"action": "contracts.edit", "ids": [row.pk]})
    offered = dict(asked.context["form"].fields["fields"].choices)
    assert "service" in offered and "engagement" not in offered


def test_no_field_about_engagements_is_edited_of_many_where_the_firm_has_none(db):
    assert "engagement" in targets_of(CONTRACT_FIELDS)
    update_firm(SYSTEM, engagement_word="off")
    assert "engagement" not in targets_of(CONTRACT_FIELDS) and "service" in targets_of(CONTRACT_FIELDS)


def test_one_with_money_is_not_restricted_until_it_is_taken_off(browser, marta, northwind, mill, tax):
    row = contract(marta, northwind, tax, engagement=mill)
    booked = line(marta, northwind, invoice=invoice(marta, northwind, engagement=mill))
    assert booked.engagement == mill  # that of its invoice
    update_revenue_line(acting(marta), line=booked, engagement=None, today=TODAY)
    with pytest.raises(ServiceError, match="1 contract, 1 revenue line"):
        restrict_engagement(acting(marta), engagement=mill, now=NOW)
    said = browser.post(f"/engagements/{mill.pk}/restrict/", follow=True).content.decode()
    assert "First take them off: 1 contract, 1 revenue line" in said
    assert browser.post(f"/api/v1/engagements/{mill.pk}/restrict/").status_code == 400
    update_contract(acting(marta), contract=row, engagement=None)
    update_revenue_line(acting(marta), line=booked, invoice=None, today=TODAY)
    assert restrict_engagement(acting(marta), engagement=mill, now=NOW).is_restricted


def test_an_archived_contract_lets_go_of_one_that_is_restricted(marta, northwind, mill, tax):
    row = contract(marta, northwind, tax, engagement=mill)
    archive_contract(acting(marta), contract=row, now=NOW)
    assert restrict_engagement(acting(marta), engagement=mill, now=NOW).is_restricted
    row.refresh_from_db()
    assert row.engagement is None and row.archived_at is not None
    assert restore_contract(acting(marta), contract=row).archived_at is None


def test_an_invoice_with_revenue_does_not_move_to_a_restricted_one(marta, northwind, hidden):
    bill = invoice(marta, northwind)
    line(marta, northwind, invoice=bill)
    with pytest.raises(ServiceError, match="restricted"):
        update_invoice(acting(marta), invoice=bill, engagement=hidden)
    other = invoice(marta, northwind, number="R-2")
    assert update_invoice(acting(marta), invoice=other, engagement=hidden).engagement == hidden


def test_the_database_holds_the_rule_by_itself(marta, northwind, mill, hidden, tax):
    row, booked = contract(marta, northwind, tax), line(marta, northwind)
    bill = invoice(marta, northwind, engagement=hidden)
    open_bill = invoice(marta, northwind, number="R-2", engagement=mill)
    named = line(marta, northwind, invoice=open_bill)
    RevenueLine.objects.filter(pk=named.pk).update(engagement=None)
    for rows, values in (
        (Contract.objects.filter(pk=row.pk), {"engagement": hidden}),
        (RevenueLine.objects.filter(pk=booked.pk), {"engagement": hidden}),
        (RevenueLine.objects.filter(pk=booked.pk), {"invoice": bill}),
        (Invoice.objects.filter(pk=open_bill.pk), {"engagement": hidden}),
        (Engagement.objects.filter(pk=mill.pk), {"is_restricted": True}),
    ):
        with pytest.raises(IntegrityError, match="no restricted engagement"), transaction.atomic():
            rows.update(**values)
    Contract.objects.filter(pk=row.pk).update(engagement=mill)
    Engagement.objects.filter(pk=hidden.pk).update(is_restricted=False)
    assert RevenueLine.objects.filter(pk=booked.pk).update(invoice=bill) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_restrict_and_book_at_once_one_is_refused(marta):
    northwind = make_client(owner=marta)
    for turn in range(4):
        mill = make_engagement(actor=marta, client=northwind, title=f"Work {turn}", now=NOW)

        def attempt(act):
            try:
                act()
            except ServiceError:
                return False
            finally:
                connection.close()
            return True

        acts = [
            lambda mill=mill: restrict_engagement(SYSTEM, engagement=mill, now=NOW),
            lambda mill=mill: line(marta, northwind, engagement=mill),
        ]
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(attempt, acts))
        mill.refresh_from_db()
        assert done.count(True) == 1
        assert mill.is_restricted != RevenueLine.objects.filter(engagement=mill).exists()


def test_a_deleted_line_comes_back_without_what_was_restricted_since(marta, northwind, mill):
    booked = line(marta, northwind, invoice=invoice(marta, northwind, engagement=mill))
    pk = booked.pk
    delete_revenue_line(acting(marta), line=booked, today=TODAY)
    restrict_engagement(SYSTEM, engagement=mill, now=NOW)
    back = undelete_revenue_line(acting(marta), client=northwind, line_id=pk, today=TODAY)
    assert (back.engagement, back.invoice, back.amount) == (None, None, Decimal(250))


def test_a_new_price_keeps_the_engagement(marta, northwind, mill, tax):
    row = contract(marta, northwind, tax, engagement=mill)
    made = change_price(acting(marta), contract=row, value=Decimal(5), start_date=date(2026, 6, 1), reason="Index")
    assert made.engagement == mill


def won(marta, northwind, engagement, tax, **how):
    row = create_opportunity(
        acting(marta),
        client=northwind,
        title="Sell the family silver",
        expected_close=date(2027, 1, 1),
        engagement=engagement,
        now=NOW,
    )
    return win_opportunity(acting(marta), opportunity=row, now=NOW, value=Decimal(70), service=tax, **how)


def test_what_is_won_in_a_restricted_one_does_not_say_its_title(marta, northwind, mill, hidden, tax):
    new = won(marta, northwind, mill, tax, with_contract="new").made_contract
    assert (new.engagement, new.name) == (mill, "Sell the family silver")
    new = won(marta, northwind, hidden, tax, with_contract="new").made_contract
    assert (new.engagement, new.name) == (None, "")
    before = contract(marta, northwind, tax)
    priced = won(marta, northwind, hidden, tax, with_contract="price", contract=before).made_contract
    assert priced.change_reason == "Won"


def text_of_history(user, label):
    return repr([entry.__dict__ for entry in read(acting(user), label=label).entries])


def test_what_was_won_before_it_was_restricted_forgets_the_title(marta, otto, northwind, mill, tax):
    made = won(marta, northwind, mill, tax, with_contract="new", renewal_date=date(2027, 1, 5)).made_contract
    update_contract(acting(marta), contract=made, engagement=None)
    update_renewals(SYSTEM, today=TODAY, now=NOW)
    before = contract(marta, northwind, tax)
    priced = won(marta, northwind, mill, tax, with_contract="price", contract=before).made_contract
    named = won(marta, northwind, mill, tax, with_contract="new").made_contract
    update_contract(acting(marta), contract=named, engagement=None, name="Advice")
    assert "silver" in text_of_history(otto, "clients.contract")
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    for row in (made, priced, named):
        row.refresh_from_db()
    assert (made.name, priced.change_reason, named.name) == ("", "Won", "Advice")
    renewal = made.opportunities.get()
    assert renewal.title == "Renewal 2027: Tax" and renewal in Opportunity.objects.visible_to(acting(otto))
    for label in ("clients.contract", "clients.opportunity"):
        assert "silver" not in text_of_history(otto, label)
    assert "silver" in text_of_history(marta, "clients.contract")


def test_a_title_that_was_corrected_later_is_forgotten_too(marta, northwind, mill, tax):
    deal = won(marta, northwind, mill, tax, with_contract="new")
    made = deal.made_contract
    update_contract(acting(marta), contract=made, engagement=None)
    update_opportunity(acting(marta), opportunity=deal, title="Sell it all", now=NOW)
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    made.refresh_from_db()
    assert made.name == ""


def test_those_that_replace_what_was_won_forget_the_title_too(marta, otto, northwind, mill, tax):
    dates = {"start_date": date(2026, 1, 5), "renewal_date": date(2027, 1, 5)}
    made = won(marta, northwind, mill, tax, with_contract="new", **dates).made_contract
    made = update_contract(acting(marta), contract=made, engagement=None)
    newer = made
    for n in (1, 2):
        start = made.start_date + timedelta(days=30 * n)
        newer = change_price(acting(marta), contract=newer, value=Decimal(5), start_date=start, reason="Index")
    update_renewals(SYSTEM, today=TODAY, now=NOW)
    assert newer.name == "Sell the family silver" and newer.opportunities.get().title.endswith(newer.name)
    assert "silver" in text_of_history(otto, "clients.contract")
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert set(Contract.objects.values_list("name", flat=True)) == {""}
    assert newer.opportunities.get().title == "Renewal 2027: Tax"
    for label in ("clients.contract", "clients.opportunity"):
        assert "silver" not in text_of_history(otto, label)
    assert "silver" in text_of_history(marta, "clients.contract")


def test_an_earlier_version_stays_as_hidden_as_the_engagement_it_named(marta, otto, northwind, mill, tax):
    row = contract(marta, northwind, tax, engagement=mill, name="Before")
    update_contract(acting(marta), contract=row, engagement=None, name="After")
    assert len(read(acting(otto), label="clients.contract").entries) == 2
    restrict_engagement(SYSTEM, engagement=mill, now=NOW)
    assert not read(acting(otto), label="clients.contract").entries  # the second says nothing without the first
    assert len(read(acting(marta), label="clients.contract").entries) == 2
    unrestrict_engagement(SYSTEM, engagement=mill, now=NOW)
    assert len(read(acting(otto), label="clients.contract").entries) == 2


@pytest.mark.parametrize("kind", ["contracts", "revenue"])
def test_files_name_it_by_its_number(marta, northwind, mill, hidden, tax, kind):
    head = {"contracts": "Id,Client,Service,Value,Start,Matter", "revenue": "Id,Client,Service,Amount,Date,Matter"}[
        kind
    ]
    data = f"{head}\n1,Northwind,Tax,10,2026-01-01,{mill.number}\n2,Northwind,Tax,20,2026-01-01,{hidden.number}\n"
    job = run(marta, kind, data.encode())
    assert counts(job) == {"created": 2}, job.report
    model = {"contracts": Contract, "revenue": RevenueLine}[kind]
    assert [row.engagement for row in model.objects.order_by("pk")] == [mill, None]
    assert "is restricted" in str(remarks(job))
    assert counts(run(marta, kind, data.encode())) == {"unchanged": 2}
    text = as_csv({"contracts": CONTRACTS, "revenue": REVENUE}[kind].export(acting(marta)))
    assert mill.number in text and hidden.number not in text
    assert counts(run(marta, kind, text.encode(), system="rapport")) == {"unchanged": 2}


def test_off_leaves_no_column_filter_or_parameter(browser, aino, marta, northwind, mill, tax):
    contract(marta, northwind, tax, engagement=mill)
    line(marta, northwind, engagement=mill)
    for url in ("/contracts/", "/revenue/", "/invoices/", "/opportunities/"):
        assert "engagement" in browser.get(url).context["listing"].declared.offered
    update_firm(acting(aino), engagement_word="off")
    for url in ("/contracts/", "/revenue/", "/invoices/", "/opportunities/", "/documents/", "/follow-ups/"):
        page = browser.get(f"{url}?engagement={mill.pk}")
        assert "engagement" not in page.context["listing"].declared.offered, url
        assert "engagement" not in page.context["listing"].values, url
    for name in ("contracts", "revenue", "opportunities", "invoices", "interactions", "follow-ups"):
        assert browser.get(f"/api/v1/{name}/?engagement={mill.pk}").status_code == 400, name
        assert all("engagement" not in row for row in browser.get(f"/api/v1/{name}/").json()["results"]), name
    assert mill.number not in b"".join(browser.get("/contracts/export/").streaming_content).decode()
    assert 'name="engagement"' not in browser.get(f"/clients/{northwind.pk}/contracts/add/").content.decode()

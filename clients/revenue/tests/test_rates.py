"""No amount in a foreign currency without a rate, and none counts one to one."""

from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.urls import reverse

from clients.catalogue.models import Service
from clients.currencies.models import ExchangeRate
from clients.currencies.pricing import rate_on
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.queries import recurring, revenue_by_service
from clients.revenue.services.contracts import create_contract, update_contract
from clients.revenue.services.lines import (
    delete_revenue_line,
    refresh_revenue_facts,
    undelete_revenue_line,
    update_revenue_line,
)
from clients.revenue.services.rates import delete_rate, set_rate
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import get_firm
from crm.core.firm.services import update_firm
from tools.testing.factories.clients import TODAY, make_client, make_firm, make_line, make_user
from tools.testing.importing import counts, run

DAY = date(2026, 3, 2)
pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    make_firm(currency="EUR")
    return make_user(name="Ada Admin", roles=["admin", "account_manager"])


@pytest.fixture
def harbour(ada):
    return make_client(owner=ada, name="Harbour Lights")


@pytest.fixture
def service():
    return Service.objects.create(name="Advice")


def enter(ada, currency, rate, day=DAY):
    return set_rate(acting(ada), day=day, currency=currency, rate=Decimal(rate), today=TODAY)


def unrated(client, amount="1000000", currency="JPY", day=DAY):
    """As the upgrade leaves it."""
    line = RevenueLine.objects.create(client=client, date=day, amount=Decimal(amount), currency=currency)
    refresh_revenue_facts(client_ids=[client.pk], today=TODAY)
    return line


def test_a_foreign_amount_without_a_rate_is_refused(ada, harbour, service):
    with pytest.raises(ServiceError, match="no JPY rate for 2 Mar 2026") as caught:
        make_line(actor=ada, client=harbour, amount="1000000", currency="JPY", date=DAY)
    assert caught.value.field == "rate"
    with pytest.raises(ServiceError, match="no JPY rate"):
        create_contract(
            acting(ada), client=harbour, service=service, value=Decimal(1000), currency="JPY", start_date=DAY
        )
    assert not RevenueLine.objects.exists() and not Contract.objects.exists()


def test_the_rate_of_the_day_is_taken(ada, harbour):
    enter(ada, "JPY", "0.006", DAY)
    line = make_line(actor=ada, client=harbour, amount="1000000", currency="jpy", date=DAY)
    assert (line.rate, RevenueLine.objects.get().amount_firm) == (Decimal("0.006"), Decimal("6000.00"))
    harbour.facts.refresh_from_db()
    assert (harbour.facts.revenue_12m, harbour.facts.unrated_12m) == (Decimal("6000.00"), 0)


@pytest.mark.parametrize(("later", "rate"), [(0, "0.9"), (30, "0.9"), (31, None), (-1, None)])
def test_a_rate_holds_for_a_month_and_not_before(ada, later, rate):
    enter(ada, "USD", "0.9")
    assert rate_on("USD", DAY + timedelta(days=later)) == (Decimal(rate) if rate else None)


def test_the_newest_rate_counts(ada):
    enter(ada, "USD", "0.9")
    enter(ada, "USD", "0.8", DAY + timedelta(days=5))
    assert rate_on("USD", DAY + timedelta(days=4)) == Decimal("0.9")
    assert rate_on("USD", DAY + timedelta(days=9)) == Decimal("0.8")


def test_another_currency_does_not_keep_the_rate_of_the_first(ada, harbour):
    line = make_line(actor=ada, client=harbour, amount="1000000", date=DAY)
    with pytest.raises(ServiceError, match="no JPY rate"):
        update_revenue_line(acting(ada), line=line, currency="JPY", today=TODAY)
    enter(ada, "JPY", "0.006")
    row = update_revenue_line(acting(ada), line=line, currency="JPY", today=TODAY)
    assert RevenueLine.objects.get(pk=row.pk).amount_firm == Decimal("6000.00")
    row = update_revenue_line(acting(ada), line=row, currency="EUR", today=TODAY)
    assert RevenueLine.objects.get(pk=row.pk).amount_firm == Decimal("1000000.00")


def test_nor_does_a_contract(ada, harbour, service):
    enter(ada, "USD", "0.9")
    contract = create_contract(acting(ada), client=harbour, service=service, value=Decimal(100), start_date=DAY)
    update_contract(acting(ada), contract=contract, currency="USD")
    assert Contract.objects.get().monthly_value == 90


def test_the_rate_of_the_day_follows_the_day_and_one_that_was_entered_stays(ada, harbour, service):
    enter(ada, "USD", "0.9")
    enter(ada, "USD", "0.8", DAY + timedelta(days=60))
    line = make_line(actor=ada, client=harbour, amount="100", currency="USD", date=DAY)
    typed = make_line(actor=ada, client=harbour, amount="100", currency="USD", date=DAY, rate=Decimal("0.7"))
    contract = create_contract(acting(ada), client=harbour, service=service, value=100, currency="USD", start_date=DAY)
    later = DAY + timedelta(days=61)
    assert update_revenue_line(acting(ada), line=line, date=later, today=TODAY).amount_firm == 80
    assert update_revenue_line(acting(ada), line=typed, date=later, today=TODAY).rate == Decimal("0.7")
    assert update_contract(acting(ada), contract=contract, start_date=later).rate == Decimal("0.8")
    given = {"date": DAY, "rate": Decimal("0.75")}
    assert update_revenue_line(acting(ada), line=line, today=TODAY, **given).rate == Decimal("0.75")
    with pytest.raises(ServiceError, match="no USD rate") as caught:
        update_contract(acting(ada), contract=contract, start_date=DAY + timedelta(days=200))
    assert caught.value.field == "rate"


@pytest.mark.parametrize(("rate", "after"), [("0.90000000", "0.8"), ("0.85", "0.85")])
def test_the_form_takes_the_rate_of_another_day(client, ada, harbour, rate, after):
    enter(ada, "USD", "0.9")
    enter(ada, "USD", "0.8", DAY + timedelta(days=60))
    client.force_login(ada)
    line = make_line(actor=ada, client=harbour, amount="100", currency="USD", date=DAY)
    given = {"date": "2026-05-02", "amount": "100", "currency": "USD", "rate": rate, "kind": "fee", "version": 1}
    assert client.post(reverse("clients:edit_line", args=[harbour.pk, line.pk]), given).status_code == 302
    assert RevenueLine.objects.get().rate == Decimal(after)


def test_the_form_takes_the_days_rate_for_another_currency(client, ada, harbour):
    enter(ada, "USD", "0.9")
    client.force_login(ada)
    line = make_line(actor=ada, client=harbour, amount="100", date=DAY)
    url = reverse("clients:edit_line", args=[harbour.pk, line.pk])
    given = {
        "date": "2026-03-02",
        "amount": "100",
        "currency": "USD",
        "rate": "1.00000000",
        "kind": "fee",
        "version": 1,
    }
    assert client.post(url, given).status_code == 302
    line.refresh_from_db()
    assert (line.currency, line.rate) == ("USD", Decimal("0.9"))
    page = client.post(url, given | {"currency": "JPY", "rate": "0.90000000", "version": line.version})
    assert page.status_code == 422
    assert "There is no JPY rate" in page.content.decode()


def test_an_unrated_amount_is_in_no_sum_and_every_sum_says_so(ada, harbour, service):
    make_line(actor=ada, client=harbour, amount="100", date=DAY)
    unrated(harbour)
    harbour.facts.refresh_from_db()
    assert (harbour.facts.revenue_12m, harbour.facts.unrated_12m) == (Decimal(100), 1)
    (total,) = revenue_by_service(harbour, date(2026, 1, 1), date(2027, 1, 1))
    assert (total.amount, total.without_rate) == (Decimal(100), 1)
    contract = Contract(service=service, value=Decimal(5), currency="JPY", start_date=DAY, period="month")
    assert (recurring([contract], TODAY).amount, recurring([contract], TODAY).without_rate) == (0, 1)


def test_pages_say_what_is_not_added(client, ada, harbour):
    unrated(harbour)
    client.force_login(ada)
    page = client.get(reverse("clients:revenue", args=[harbour.pk])).content.decode()
    assert "1 amount without a rate is not added." in page and "no rate" in page
    assert "1 without a rate" in client.get(reverse("clients:list")).content.decode()
    assert "1 revenue line" in client.get(reverse("clients:rates")).content.decode()
    assert "Harbour Lights" in client.get(reverse("clients:lines_without_rate")).content.decode()


def test_a_rate_that_is_entered_reaches_the_amounts_that_waited(ada, harbour, service):
    line = unrated(harbour)
    other = unrated(harbour, day=DAY - timedelta(days=40))
    contract = Contract.objects.create(
        client=harbour, service=service, value=Decimal(1000), currency="JPY", start_date=DAY + timedelta(days=3)
    )
    enter(ada, "JPY", "0.006")
    for row in (line, other, contract):
        row.refresh_from_db()
    assert (line.rate, other.rate, contract.rate) == (Decimal("0.006"), None, Decimal("0.006"))
    assert line.version == 2
    harbour.facts.refresh_from_db()
    assert (harbour.facts.revenue_12m, harbour.facts.unrated_12m) == (Decimal(6000), 1)


def test_a_corrected_rate_leaves_amounts_that_have_one(ada, harbour):
    enter(ada, "USD", "0.9")
    line = make_line(actor=ada, client=harbour, amount="100", currency="USD", date=DAY)
    row, outcome = enter(ada, "USD", "0.8")
    assert (outcome, row.version, RevenueLine.objects.get(pk=line.pk).rate) == ("updated", 2, Decimal("0.9"))
    assert enter(ada, "USD", "0.8")[1] == "unchanged"
    delete_rate(acting(ada), rate=row)
    assert not ExchangeRate.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"currency": "EUR"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"rate": Decimal(0)}, "rate"),
        ({"day": TODAY + timedelta(days=1)}, "day"),
        ({"day": date(1800, 1, 1)}, "day"),
    ],
)
def test_what_is_no_rate_is_refused(ada, given, field):
    with pytest.raises(ServiceError) as caught:
        set_rate(acting(ada), **{"day": DAY, "currency": "USD", "rate": Decimal("0.9"), "today": TODAY} | given)
    assert caught.value.field == field
    assert not ExchangeRate.objects.exists()


def test_only_admins_enter_rates(ada):
    marta = make_user(name="Marta Manager", roles=["manager"])
    with pytest.raises(PermissionDenied):
        enter(marta, "USD", "0.9")


def test_the_pages_of_rates(client, ada):
    client.force_login(ada)
    given = {"day": "2026-03-02", "currency": "USD", "rate": "0.9"}
    assert client.post(reverse("clients:rate_add"), given).status_code == 302
    row = ExchangeRate.objects.get()
    assert (row.base, row.rate) == ("EUR", Decimal("0.9"))
    assert "0.9" in client.get(reverse("clients:rates")).content.decode()
    assert client.post(reverse("clients:rate", args=[row.pk]), {"rate": "x"}).status_code == 422
    assert client.post(reverse("clients:rate", args=[row.pk]), {"rate": "0.85"}).status_code == 302
    assert ExchangeRate.objects.get().rate == Decimal("0.85")
    assert client.post(reverse("clients:rate_delete", args=[row.pk])).status_code == 302
    assert not ExchangeRate.objects.exists()


# --- the firm's currency


def test_the_firms_currency_is_refused_where_a_days_rate_is_missing(ada, harbour):
    make_line(actor=ada, client=harbour, amount="100", date=DAY)
    make_line(actor=ada, client=harbour, amount="100", date=DAY + timedelta(days=60))
    enter(ada, "USD", "0.8")
    with pytest.raises(ServiceError, match="no USD rate for 1 day with amounts: 1 May 2026") as caught:
        update_firm(acting(ada), currency="USD")
    assert caught.value.field == "currency"
    assert get_firm().currency == "EUR"
    assert {line.rate for line in RevenueLine.objects.all()} == {1}


def test_the_page_of_settings_says_why(client, ada, harbour):
    make_line(actor=ada, client=harbour, amount="100", date=DAY)
    client.force_login(ada)
    page = client.get(reverse("core:settings"))
    given = {name: value for name, value in page.context["form"].initial.items() if value is not None}
    page = client.post(reverse("core:settings"), given | {"currency": "USD", "version": get_firm().version})
    assert page.status_code == 422
    assert "There is no USD rate for 1 day" in page.content.decode()
    assert FirmSettings.objects.get().currency == "EUR"


def test_every_amount_is_expressed_at_the_rate_of_its_own_day(ada, harbour, service):
    later = DAY + timedelta(days=60)
    enter(ada, "USD", "0.8")
    enter(ada, "USD", "0.5", later)
    enter(ada, "GBP", "1.2")
    lines = [
        make_line(actor=ada, client=harbour, amount="100", date=DAY),
        make_line(actor=ada, client=harbour, amount="100", date=later),
        make_line(actor=ada, client=harbour, amount="100", date=DAY, currency="GBP"),
        make_line(actor=ada, client=harbour, amount="100", date=DAY, currency="USD"),
        unrated(harbour, "100", "JPY"),
    ]
    contract = create_contract(acting(ada), client=harbour, service=service, value=Decimal(100), start_date=DAY)
    update_firm(acting(ada), currency="USD")
    found = [RevenueLine.objects.get(pk=line.pk).amount_firm for line in lines]
    assert found == [Decimal(125), Decimal(200), Decimal(150), Decimal(100), None]
    assert Contract.objects.get(pk=contract.pk).monthly_value == 125
    harbour.facts.refresh_from_db()
    assert (harbour.facts.revenue_12m, harbour.facts.unrated_12m) == (Decimal(575), 1)
    assert rate_on("GBP", DAY) == Decimal("1.5")
    assert rate_on("EUR", later) == Decimal(2)


@pytest.mark.django_db(transaction=True)
def test_a_line_that_was_deleted_before_comes_back_at_the_rate_of_its_day(ada, harbour):
    enter(ada, "USD", "0.8")
    line = make_line(actor=ada, client=harbour, amount="100", date=DAY)
    number = line.pk
    delete_revenue_line(acting(ada), line=line, today=TODAY)
    update_firm(acting(ada), currency="USD")
    back = undelete_revenue_line(acting(ada), client=harbour, line_id=number, today=TODAY)
    assert RevenueLine.objects.get(pk=back.pk).amount_firm == Decimal(125)


def test_there_and_back_again(ada, harbour):
    enter(ada, "USD", "0.8")
    line = make_line(actor=ada, client=harbour, amount="100", date=DAY)
    update_firm(acting(ada), currency="USD")
    update_firm(acting(ada), currency="EUR")
    assert RevenueLine.objects.get(pk=line.pk).amount_firm == Decimal(100)


# --- imports


def test_an_import_takes_the_currency_beside_the_amount(ada, harbour):
    enter(ada, "USD", "0.9", date(2026, 3, 1))
    data = b"Client;Date;Amount\nHarbour Lights;2026-03-02;US$ 100.00\nHarbour Lights;2026-03-02;12.50 EUR\n"
    assert counts(run(ada, "revenue", data)) == {"created": 2}
    found = RevenueLine.objects.order_by("amount").values_list("amount", "currency", "rate")
    assert list(found) == [(Decimal("12.50"), "EUR", 1), (Decimal("100.00"), "USD", Decimal("0.9"))]


def test_and_refuses_what_it_cannot_read_as_money(ada, harbour):
    rows = ["12abc34", "10%", "$ 5", "100 JPY"]
    data = "Client;Date;Amount\n" + "".join(f"Harbour Lights;2026-03-02;{text}\n" for text in rows)
    job = run(ada, "revenue", data.encode())
    assert counts(job) == {"failed": 4}
    said = " ".join(text for entry in job.report["rows"]["failed"] for text in entry["texts"])
    for part in ("not a number", "a percentage", "several currencies", "no JPY rate"):
        assert part in said


def test_a_rate_of_0925_is_not_925(ada, harbour):
    data = b"Client;Date;Amount;Currency;Rate\nHarbour Lights;2026-03-02;100,50;USD;0,925\n"
    assert counts(run(ada, "revenue", data)) == {"created": 1}
    assert RevenueLine.objects.get().amount_firm == Decimal("92.96")


def test_a_corrected_rate_in_a_file_is_a_change(ada, harbour):
    data = "Id;Client;Date;Amount;Currency;Rate\n7;Harbour Lights;2026-03-02;100.50;USD;{}\n"
    run(ada, "revenue", data.format("0.9").encode())
    assert counts(run(ada, "revenue", data.format("0.8").encode())) == {"updated": 1}
    assert RevenueLine.objects.get().rate == Decimal("0.8")


def test_rates_come_from_a_file(ada, harbour):
    line = unrated(harbour)
    data = b"Date;Currency;Rate\n2026-03-02;JPY;0,006\n2026-03-02;$;0,9\n2026-03-02;EUR;1\n"
    job = run(ada, "rates", data)
    assert counts(job) == {"created": 1, "failed": 2}, "an ambiguous dollar sign, and the firm's own currency"
    assert counts(run(ada, "rates", data)) == {"unchanged": 1, "failed": 2}
    line.refresh_from_db()
    assert line.amount_firm == Decimal("6000.00")


def test_and_as_central_banks_state_them(ada):
    run(ada, "rates", b"Date,Currency,Units\n2026-03-02,USD,1.25\n")
    assert rate_on("USD", DAY) == Decimal("0.8")


@pytest.mark.parametrize(
    ("word", "period"),
    [("monthly", "month"), ("Annual", "year"), ("jaarlijks", "year"), ("vierteljährlich", "quarter")],
)
def test_billing_periods_as_other_systems_call_them(ada, harbour, service, word, period):
    data = f"Client;Service;Value;Start;Period\nHarbour Lights;Advice;100;2026-03-02;{word}\n"
    assert counts(run(ada, "contracts", data.encode())) == {"created": 1}
    assert Contract.objects.get().period == period


# --- the upgrade


def test_the_upgrade_empties_the_rates_that_nobody_gave(ada, harbour, service):
    make_line(actor=ada, client=harbour, amount="100", date=TODAY)
    wrong = RevenueLine.objects.create(client=harbour, date=TODAY, amount=1000000, currency="JPY", rate=1)
    given = RevenueLine.objects.create(client=harbour, date=TODAY, amount=100, currency="USD", rate=Decimal("0.9"))
    contract = Contract.objects.create(
        client=harbour, service=service, value=5000, currency="JPY", rate=1, start_date=TODAY
    )
    harbour.facts.__class__.objects.filter(pk=harbour.pk).update(revenue_12m=1000190)
    migration = import_module("clients.migrations.0009_foreign_amounts_without_a_rate")
    with connection.schema_editor(atomic=False) as editor:
        migration.empty_rates(apps, editor)
        for row in (wrong, given, contract):
            row.refresh_from_db()
        assert (wrong.rate, wrong.amount_firm, given.rate, contract.rate) == (None, None, Decimal("0.9"), None)
        assert (wrong.version, given.version) == (2, 1)
        assert RevenueLine.objects.without_rate().get() == wrong
        migration.give_rates(apps, editor)
    wrong.refresh_from_db()
    assert wrong.amount_firm == 1000000


def test_the_system_may_convert_too(ada, harbour):
    """A restricted client's amounts are the firm's like any other."""
    enter(ada, "USD", "0.8")
    line = make_line(actor=ada, client=harbour, amount="100", date=DAY)
    harbour.__class__.objects.filter(pk=harbour.pk).update(is_restricted=True)
    update_firm(SYSTEM, currency="USD")
    assert RevenueLine.objects.get(pk=line.pk).amount_firm == Decimal(125)

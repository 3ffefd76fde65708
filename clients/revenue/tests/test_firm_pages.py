"""The firm's contracts and their calendar, contracts that renew by themselves, and revenue by month."""

import csv
import io
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from clients.opportunities.models import Opportunity
from clients.opportunities.services.renewals import update_renewals
from clients.records.services.clients import restrict_client
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.services.contracts import (
    archive_contract,
    change_price,
    check_contract,
    renew_contracts,
    update_contract,
)
from clients.revenue.services.lines import add_revenue_line
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.listing.models import BulkChange
from tools.testing.factories.clients import NOW, TODAY, make_client, make_user
from tools.testing.factories.core import make_token
from tools.testing.factories.opportunities import make_contract, make_service
from tools.testing.importing import counts, run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def frozen(time_machine):
    time_machine.move_to(NOW)


@pytest.fixture
def browser(client, marta):
    client.force_login(marta)
    return client


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta)


@pytest.fixture
def audit(db):
    return make_service("Audit")


def shown(answer):
    body = b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def contract(actor, client, service, name, **fields):
    return make_contract(actor=actor, client=client, service=service, name=name, **fields)


# Contracts that renew by themselves


@pytest.mark.parametrize(
    ("renewal", "after"),
    [
        (date(2026, 11, 20), date(2027, 11, 20)),
        (date(2026, 11, 21), date(2026, 11, 21)),
        (date(2023, 3, 1), date(2027, 3, 1)),
        (date(2024, 2, 29), date(2027, 2, 28)),
    ],
)
def test_the_renewal_date_moves_on_to_the_next_year(marta, northwind, audit, renewal, after):
    row = contract(
        marta, northwind, audit, "A", start_date=date(2022, 1, 1), renewal_date=renewal, is_auto_renewed=True
    )
    before = (row.value, row.start_date, row.end_date)
    renew_contracts(SYSTEM, today=TODAY)
    assert renew_contracts(SYSTEM, today=TODAY) == []
    row.refresh_from_db()
    assert row.renewal_date == after and (row.value, row.start_date, row.end_date) == before


@pytest.mark.parametrize(
    ("renewal", "today", "after"),
    [
        (date(2024, 2, 29), date(2026, 11, 20), date(2027, 2, 28)),
        (date(2027, 2, 28), date(2027, 2, 28), date(2028, 2, 29)),
        (date(2027, 2, 28), date(2028, 2, 28), date(2028, 2, 29)),
        (date(2028, 2, 29), date(2028, 2, 29), date(2029, 2, 28)),
    ],
)
def test_what_began_on_a_leap_day_renews_on_leap_days(marta, northwind, audit, renewal, today, after):
    days = {"start_date": date(2024, 2, 29), "renewal_date": renewal}
    contract(marta, northwind, audit, "A", is_auto_renewed=True, **days)
    renew_contracts(SYSTEM, today=today)
    assert Contract.objects.get().renewal_date == after


LEAP = [date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29), date(2029, 2, 28)]


def renewed(row, days):
    """Where the renewal date stands after each of these days."""
    found = []
    for day in days:
        renew_contracts(SYSTEM, today=day)
        row.refresh_from_db()
        found.append(row.renewal_date)
    return found


def test_a_renewal_on_a_leap_day_comes_back_to_it_whenever_the_contract_began(marta, northwind, audit):
    days = {"start_date": date(2022, 5, 1), "renewal_date": date(2024, 2, 29)}
    row = contract(marta, northwind, audit, "A", is_auto_renewed=True, **days)
    assert renewed(row, [date(2024, 2, 29), *LEAP[:4]]) == LEAP


def test_it_comes_back_through_a_new_price_too(marta, northwind, audit):
    days = {"start_date": date(2022, 5, 1), "renewal_date": date(2024, 2, 29)}
    row = contract(marta, northwind, audit, "A", is_auto_renewed=True, **days)
    assert renewed(row, [date(2024, 2, 29)]) == LEAP[:1]
    new = change_price(acting(marta), contract=row, value=Decimal(9), start_date=date(2025, 1, 1), reason="Index")
    assert renewed(new, LEAP[:4]) == LEAP[1:]


@pytest.mark.parametrize("before", [date(2028, 2, 29), date(2026, 3, 1)])
def test_a_28_february_that_somebody_chose_stays(marta, northwind, audit, before):
    row = contract(marta, northwind, audit, "A", start_date=date(2022, 5, 1), renewal_date=before, is_auto_renewed=True)
    update_contract(acting(marta), contract=row, renewal_date=date(before.year, 2, 28))
    last = [date(year, 2, 28) for year in range(before.year, 2029)]
    assert renewed(row, last)[-1] == date(2029, 2, 28) and renewed(row, [date(2031, 2, 28)]) == [date(2032, 2, 28)]


def test_others_keep_theirs(marta, northwind, audit):
    passed = {"renewal_date": date(2026, 11, 1)}
    rows = [
        contract(marta, northwind, audit, "By hand", **passed),
        contract(marta, northwind, audit, "Ended", end_date=date(2026, 11, 2), is_auto_renewed=True, **passed),
        contract(marta, northwind, audit, "Ends first", end_date=date(2027, 6, 1), is_auto_renewed=True, **passed),
        contract(marta, northwind, audit, "Trash", is_auto_renewed=True, **passed),
    ]
    archive_contract(acting(marta), contract=rows[-1], now=NOW)
    assert renew_contracts(SYSTEM, today=TODAY) == []
    assert {row.renewal_date for row in Contract.objects.all()} == {date(2026, 11, 1)}


def test_the_renewal_is_won_before_the_date_moves_and_the_next_one_opens_in_its_time(marta, northwind, audit):
    row = contract(marta, northwind, audit, "A", renewal_date=date(2026, 11, 20), notice_days=30, is_auto_renewed=True)
    update_renewals(SYSTEM, today=date(2026, 9, 1), now=NOW)
    update_renewals(SYSTEM, today=TODAY, now=NOW)
    row.refresh_from_db()
    assert row.renewal_date == date(2027, 11, 20)
    assert [(each.state, each.renewal_date) for each in Opportunity.objects.all()] == [("won", date(2026, 11, 20))]
    update_renewals(SYSTEM, today=date(2027, 9, 1), now=NOW)
    assert Opportunity.objects.filter(state="open").get().renewal_date == date(2027, 11, 20)


def test_a_renewal_that_is_noticed_late_was_won_on_its_day(marta, northwind, audit):
    """As after the upgrade, which wins the renewals that were left open."""
    contract(marta, northwind, audit, "A", renewal_date=date(2026, 6, 20), is_auto_renewed=True)
    update_renewals(SYSTEM, today=date(2026, 5, 1), now=NOW - timedelta(days=200))
    update_renewals(SYSTEM, today=TODAY, now=NOW)
    won = Opportunity.objects.get(state="won")
    assert won.closed_at.date() == date(2026, 6, 20) and won.stage_changes.get().left_at == won.closed_at
    moved = contract(marta, northwind, audit, "B", renewal_date=date(2026, 6, 20), is_auto_renewed=True)
    update_renewals(SYSTEM, today=date(2026, 5, 1), now=NOW - timedelta(days=200))
    Opportunity.objects.filter(contract=moved).update(stage_since=NOW - timedelta(days=3))
    update_renewals(SYSTEM, today=TODAY, now=NOW)
    assert Opportunity.objects.get(contract=moved).closed_at == NOW - timedelta(days=3)


# Dates that no contract has

ABSURD = [("renewal_date", date(1, 1, 5)), ("renewal_date", date(9999, 12, 31)), ("end_date", date(9999, 12, 31))]
ABSURD += [("start_date", date(1, 1, 5)), ("renewal_date", date(1899, 12, 31)), ("renewal_date", date(2201, 1, 1))]


@pytest.mark.parametrize(("name", "day"), ABSURD)
def test_a_date_that_no_contract_has_is_refused_at_its_field(browser, marta, northwind, audit, name, day):
    row = contract(marta, northwind, audit, "A")
    for refused in (
        lambda: contract(marta, northwind, audit, "B", **{name: day}),
        lambda: update_contract(acting(marta), contract=row, **{name: day}),
        lambda: check_contract(row, **{name: day}),
    ):
        with pytest.raises(ServiceError, match="too far away") as caught:
            refused()
        assert caught.value.field == name
    given = {"service": audit.pk, "value": "5", "currency": "EUR", "period": "month", "start_date": "2026-01-01"}
    given |= {"notice_days": "30", name: day.isoformat()}
    page = browser.post(f"/clients/{northwind.pk}/contracts/{row.pk}/", given)
    assert page.status_code == 422 and page.context["form"].errors[name] == ["This date is too far away."]
    given |= {"client": northwind.pk}
    token = {"HTTP_AUTHORIZATION": f"Token {make_token(user=marta)[1]}"}
    answer = browser.post("/api/v1/contracts", given, content_type="application/json", **token)
    assert answer.status_code == 400 and name in str(answer.json())
    assert Contract.objects.get().version == 1


def test_an_import_refuses_the_row_alone(marta, northwind, audit):
    head = b"Id,Client,Service,Value,From,Renewal,Notice\n"
    rows = b"1,Northwind,Audit,5,2026-01-01,0001-01-05,30\n2,Northwind,Audit,5,2026-01-01,2027-01-01,30\n"
    northwind.__class__.objects.filter(pk=northwind.pk).update(name="Northwind")
    assert counts(run(marta, "contracts", head + rows)) == {"failed": 1, "created": 1}
    assert Contract.objects.get().renewal_date == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("renewal_date", date(1, 1, 5)),
        ("renewal_date", date(1, 12, 31)),
        ("renewal_date", date(9999, 12, 31)),
        ("start_date", date(1, 1, 5)),
        ("end_date", date(9999, 12, 31)),
    ],
)
@pytest.mark.parametrize("notice", [0, 32767])
def test_a_row_that_has_one_from_before_breaks_nothing(browser, marta, northwind, audit, name, day, notice):
    row = contract(marta, northwind, audit, "Old", is_auto_renewed=True)
    good = contract(marta, northwind, audit, "Good", renewal_date=TODAY, notice_days=30, is_auto_renewed=True)
    Contract.objects.filter(pk=row.pk).update(**{name: day}, notice_days=notice)
    row.refresh_from_db()
    good.refresh_from_db()
    assert row.notice_date is None and good.notice_date == TODAY - timedelta(days=30)
    at = f"/clients/{northwind.pk}"
    pages = ["/contracts/", "/contracts/export/?as=csv", "/contracts/renewals/", f"{at}/revenue/", f"{at}/history/"]
    for url in [*pages, f"{at}/contracts/{row.pk}/"]:
        answer = browser.get(url)
        assert answer.status_code == 200 and shown(answer), url
    assert [*Contract.pgh_event_models["update"].objects.filter(pgh_obj_id=row.pk)]
    update_renewals(SYSTEM, today=TODAY, now=NOW)
    good.refresh_from_db()
    assert good.renewal_date == date(2027, 11, 20)


# The calendar


def test_the_calendar_opens_to_exactly_the_contracts_it_counts(browser, marta, northwind, audit):
    for n, days in enumerate((10, 20, 40, 75, 200, 400)):
        contract(
            marta,
            northwind,
            audit,
            f"C{n}",
            renewal_date=TODAY + timedelta(days=days + 30),
            notice_days=30,
            value="100",
        )
    contract(marta, northwind, audit, "Ends", end_date=TODAY + timedelta(days=70))
    contract(
        marta,
        northwind,
        audit,
        "Ends before it renews",
        renewal_date=TODAY + timedelta(days=90),
        end_date=TODAY + timedelta(days=50),
    )
    contract(marta, northwind, audit, "Over", renewal_date=TODAY + timedelta(days=9), end_date=TODAY)
    page = browser.get("/contracts/renewals/")
    assert [row.name for row in page.context["nearest"]] == ["C0", "C1", "C2"]
    assert (page.context["due_n"], page.context["due"].amount) == (3, 3600)
    assert browser.get(page.context["due_url"]).context["page"].total == 3
    seen = 0
    for each in page.context["months"]:
        assert len(each["events"]) == each["month"].n
        for total in each["totals"]:
            found = browser.get(total["url"]).context
            assert (found["page"].total, found["sums"].amount) == (total["n"], total["total"].amount)
            seen += total["n"]
    assert seen == 5 + 5 + 2
    text = shown(page)
    assert "10 days" in text and "€3,600" in text and "Over" not in text
    later = browser.get("/contracts/renewals/?month=2027-11")
    assert "C5" in shown(later) and "C1" not in shown(later).split("Earlier")[1]
    assert browser.get("/contracts/renewals/?month=nonsense").status_code == 200


def test_the_calendar_is_narrowed_and_shows_what_has_no_rate(browser, marta, otto, northwind, audit):
    soon = {"renewal_date": TODAY + timedelta(days=40), "notice_days": 10}
    contract(marta, northwind, audit, "Mine", **soon)
    contract(otto, make_client(owner=otto, name="Other"), make_service("Payroll"), "Theirs", **soon)
    lacking = contract(marta, northwind, audit, "Dollars", currency="USD", rate=Decimal("0.9"), **soon)
    Contract.objects.filter(pk=lacking.pk).update(rate=None)
    text = shown(browser.get("/contracts/renewals/?owner=me"))
    assert "Mine" in text and "Theirs" not in text and "1 amount without a rate is not added." in text
    assert "Theirs" in shown(
        browser.get(f"/contracts/renewals/?service={Contract.objects.get(name='Theirs').service_id}")
    )


def test_the_list_of_contracts(browser, marta, northwind, audit):
    contract(marta, northwind, audit, "Now", value="50", period="quarter")
    contract(marta, northwind, audit, "Later", start_date=TODAY + timedelta(days=9))
    contract(marta, northwind, audit, "Gone", end_date=TODAY)
    for state, wanted in (
        ("current", {"Now"}),
        ("coming", {"Later"}),
        ("ended", {"Gone"}),
        ("running", {"Now", "Later"}),
    ):
        assert {row.name for row in browser.get(f"/contracts/?state={state}").context["page"].rows} == wanted
    assert browser.get("/contracts/?state=current").context["sums"].amount == 200


def test_a_restricted_client_is_in_none_of_it(client, marta, otto, northwind, audit):
    secret = make_client(owner=otto, name="Secret Ltd")
    contract(otto, secret, audit, "Hush", value="777", renewal_date=TODAY + timedelta(days=30))
    add_revenue_line(acting(otto), client=secret, date=TODAY, amount=Decimal(777), service=audit, today=TODAY)
    restrict_client(acting(otto), client=secret, users=[])
    client.force_login(make_user(name="Aino Admin", roles=("admin", "manager")))
    for url in (
        "/contracts/",
        "/contracts/renewals/",
        "/contracts/export/?as=csv",
        "/revenue/",
        "/revenue/by-month/",
        "/revenue/by-month/?by=client",
        "/revenue/by-month/export/?as=csv",
        f"/revenue/by-month/?client={secret.pk}",
    ):
        assert not re.search(r"Secret|Hush|777|9,324", shown(client.get(url))), url


# Revenue by month


@pytest.fixture
def booked(marta, otto, northwind, audit):
    other = make_client(owner=otto, name="Other")
    for owner, who, day, amount, service in (
        (marta, northwind, date(2026, 11, 3), 100, audit),
        (marta, northwind, date(2026, 11, 9), 11, None),
        (marta, northwind, date(2025, 12, 1), 40, audit),
        (marta, northwind, date(2025, 11, 30), 999, audit),
        (otto, other, date(2026, 10, 31), 500, audit),
    ):
        add_revenue_line(acting(owner), client=who, date=day, amount=Decimal(amount), service=service, today=TODAY)
    line = add_revenue_line(
        acting(marta), client=northwind, date=TODAY, amount=Decimal(5), currency="USD", rate=Decimal(1), today=TODAY
    )
    RevenueLine.objects.filter(pk=line.pk).update(rate=None)


@pytest.mark.parametrize("by", ["service", "client"])
def test_every_number_opens_its_lines(browser, booked, by):
    page = browser.get(f"/revenue/by-month/?by={by}")
    sums = page.context["sums"]["line"]
    assert (sums.total, sums.without_rate, sums.cells[-1], sums.cells[-2], sums.cells[0]) == (651, 1, 111, 500, 40)
    for row in [*page.context["rows"], page.context["sums"]]:
        for cell in row["cells"]:
            if cell["amount"]:
                assert browser.get(cell["url"]).context["sums"].amount == cell["amount"]
        found = browser.get(row["url"]).context
        assert (found["sums"].amount, found["sums"].without_rate) == (row["line"].total, row["line"].without_rate)
    assert "1 amount without a rate is not added." in shown(page)
    assert browser.get(page.context["without_url"]).context["page"].total == 1


def test_it_is_narrowed_moved_and_written_to_a_file(browser, booked, northwind):
    assert browser.get("/revenue/by-month/?owner=me").context["sums"]["line"].total == 151
    earlier = browser.get("/revenue/by-month/?until=2025-11").context["sums"]["line"]
    assert earlier.total == earlier.cells[-1] == 999
    answer = browser.get("/revenue/by-month/export/?as=csv&by=client")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert rows[0][:2] == ["Client", "2025-12"] and rows[0][-2:] == ["Total", "Amounts without a rate"]
    assert [(row[0], row[-2], row[-1]) for row in rows[1:]] == [
        ("Other", "500.00", "0"),
        (northwind.name, "151.00", "1"),
        ("Total", "651.00", "1"),
    ]
    assert browser.get("/revenue/by-month/export/?as=xlsx").status_code == 200
    assert browser.get("/revenue/by-month/export/?as=pdf").status_code == 404


def test_the_smaller_rows_are_in_the_total(browser, marta, audit):
    for n in range(53):
        client = make_client(owner=marta, name=f"Client {n}")
        RevenueLine.objects.create(client=client, date=TODAY, amount=n + 1, currency="EUR", rate=1, service=audit)
    page = browser.get("/revenue/by-month/?by=client")
    assert len(page.context["rows"]) == 50 and page.context["left_out"] == 3
    assert page.context["sums"]["line"].total == 53 * 54 / 2 and "3 smaller ones are in the total." in shown(page)


def test_many_contracts_are_edited_but_not_their_price(client, marta):
    owner, service = make_client(owner=marta, name="Halden"), make_service()
    rows = [
        make_contract(actor=marta, client=owner, service=service, start_date=date(2026, 1, 1), end_date=end)
        for end in (None, date(2027, 1, 1))
    ]
    client.force_login(marta)
    url = "/contracts/select/"
    chosen = {"action": "contracts.edit", "ids": [row.pk for row in rows]}
    offered = client.post(url, chosen).text
    assert 'value="notice_days"' in offered and 'value="value"' not in offered and 'value="is_free"' not in offered
    told = {"confirmed": "1", "fields": ["notice_days", "renewal_date"]}
    told |= {
        "how-notice_days": "set",
        "to-notice_days": "30",
        "how-renewal_date": "set",
        "to-renewal_date": "2026-12-31",
    }
    answer = client.post(url, chosen | told, follow=True)
    assert "2 changed" in answer.text
    assert {*Contract.objects.values_list("notice_days", "renewal_date")} == {(30, date(2026, 12, 31))}
    rows[0].refresh_from_db()
    update_contract(acting(marta), contract=rows[0], seen_version=rows[0].version, notice_days=60)
    page = client.post(reverse("core:undo-selected", args=[BulkChange.objects.get().pk]), follow=True)
    assert "1 restored" in page.text and "1 not changed: changed again since" in page.text
    assert [*Contract.objects.order_by("pk").values_list("notice_days", flat=True)] == [60, rows[1].notice_days]


def test_an_end_before_the_start_is_refused_for_its_contract_alone(client, marta):
    owner, service = make_client(owner=marta, name="Halden"), make_service()
    early, late = (
        make_contract(actor=marta, client=owner, service=service, start_date=date(year, 1, 1)) for year in (2025, 2027)
    )
    client.force_login(marta)
    told = {"action": "contracts.edit", "ids": [early.pk, late.pk], "confirmed": "1"}
    told |= {"fields": ["end_date"], "how-end_date": "set", "to-end_date": "2026-06-01"}
    page = client.post("/contracts/select/", told, follow=True)
    assert "1 changed" in page.text and "The end date must be after the start date." in page.text
    assert [*Contract.objects.order_by("pk").values_list("end_date", flat=True)] == [date(2026, 6, 1), None]


def test_in_force_is_one_rule_for_the_database_and_for_a_row(marta, northwind, audit):
    rows = [
        contract(marta, northwind, audit, "Open", start_date=date(2026, 1, 1)),
        contract(marta, northwind, audit, "Ends", start_date=date(2026, 1, 1), end_date=date(2026, 3, 1)),
        contract(marta, northwind, audit, "Trash", start_date=date(2026, 1, 1)),
    ]
    archive_contract(acting(marta), contract=rows[-1], now=NOW)
    for day in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 1)):
        held = {row.name for row in Contract.objects.all() if row.is_in_force_on(day)}
        assert held == {*Contract.objects.in_force_on(day).values_list("name", flat=True)}
        assert "Trash" not in held and ("Ends" in held) == (date(2026, 1, 1) <= day < date(2026, 3, 1))

"""The list of invoices, an invoice's page, its forms, the cards, the files, the API, and the barrier of a restricted engagement."""

import csv
import io
import json
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest

from clients.engagements.services.records import restrict_engagement
from clients.importing.invoices import INVOICES
from clients.importing.revenue import REVENUE
from clients.invoices.models import Invoice, Payment
from clients.records.services.clients import restrict_client
from clients.revenue.services.lines import add_revenue_line
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import forget_firm
from crm.core.listing import paging
from crm.core.search import sources
from tools.testing.factories.clients import NOW, TODAY, make_client, make_user
from tools.testing.factories.core import make_token
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.invoices import ISSUED, make_invoice
from tools.testing.importing import counts, run

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


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
def row(marta, northwind):
    return make_invoice(actor=marta, client=northwind)


def shown(answer):
    body = b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_each_number_of_the_aging_is_the_length_of_its_list(browser, marta, northwind):
    for n, days in enumerate((-5, 3, 40, 75, 200, 300)):
        day = TODAY - timedelta(days=days)
        make_invoice(actor=marta, client=northwind, number=f"A{n}", net="100", tax="0", invoice_date=day, due_date=day)
    make_invoice(actor=marta, client=northwind, number="P", net="7", tax="0", paid="7")
    lacking = make_invoice(
        actor=marta, client=northwind, number="USD", net="9", tax="0", currency="USD", rate=Decimal("0.9")
    )
    Invoice.objects.filter(pk=lacking.pk).update(rate=None)
    page = browser.get("/invoices/")
    assert page.context["page"].total == 8
    for age in page.context["ages"]:
        if age["part"].n:
            assert browser.get(age["url"]).context["page"].total == age["part"].n, age
    sums = page.context["sums"]
    assert browser.get(page.context["unpaid_url"]).context["page"].total == sums.all.n == 7
    assert browser.get(page.context["overdue_url"]).context["page"].total == sums.overdue.n == 6
    assert browser.get(page.context["left_out_url"]).context["page"].total == sums.all.no_rate == 1
    text = shown(page)
    assert "€600.00" in text and "€500.00 overdue" in text and "1 without a rate is not in the sums" in text
    assert "$9" in text and "By currency" in text


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {"DUE", "LATE", "PART", "PAID", "VOID"}),
        ("status=unpaid", {"DUE", "LATE", "PART"}),
        ("status=due", {"DUE", "PART"}),
        ("status=overdue", {"LATE"}),
        ("status=part_paid", {"PART"}),
        ("status=paid", {"PAID"}),
        ("status=void", {"VOID"}),
        ("q=late", {"LATE"}),
        ("date_from=2026-11-01", {"DUE", "PART", "PAID", "VOID"}),
        ("due_before=2026-11-10", {"LATE"}),
        ("currency=USD", {"PART"}),
        ("owner=me&status=overdue", {"LATE"}),
    ],
)
def test_the_list_is_filtered(browser, marta, northwind, query, wanted):
    day = date(2026, 11, 5)
    make_invoice(actor=marta, client=northwind, number="DUE", invoice_date=day)
    make_invoice(actor=marta, client=northwind, number="LATE")
    dollars = {"currency": "USD", "rate": Decimal("0.9")}
    make_invoice(actor=marta, client=northwind, number="PART", invoice_date=day, paid="5", **dollars)
    make_invoice(actor=marta, client=northwind, number="PAID", invoice_date=day, paid="1240")
    void = make_invoice(actor=marta, client=northwind, number="VOID", invoice_date=day)
    Invoice.objects.filter(pk=void.pk).update(voided_at=NOW)
    found = browser.get(f"/invoices/?{query}").context["page"].rows
    assert {row.number for row in found} == wanted


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_list_as_a_file(browser, row, kind):
    answer = browser.get(f"/invoices/export/?as={kind}")
    body = b"".join(answer.streaming_content)
    assert answer.status_code == 200 and (kind == "xlsx" or b"INV-1" in body and b"Overdue" in body)


def test_a_new_one_keeps_what_was_typed_when_it_is_refused(browser, northwind, row):
    data = {"client": northwind.pk, "number": "INV-1", "invoice_date": "2026-11-10", "net": "100", "note": "Fixed fee"}
    data |= {"currency": "EUR"}
    refused = browser.post("/invoices/new/", data)
    assert refused.status_code == 422 and "Fixed fee" in refused.content.decode()
    assert "already in use" in refused.content.decode() and Invoice.objects.count() == 1
    browser.post("/invoices/new/", data | {"number": "INV-2"})
    made = Invoice.objects.get(number="INV-2")
    assert (made.gross, made.due_date, made.tax) == (100, date(2026, 12, 10), 0)


def test_a_stale_edit_is_asked_about(browser, row):
    url = f"/invoices/{row.pk}/edit/"
    data = {"number": "INV-1", "invoice_date": "2026-10-01", "due_date": "2026-10-31", "net": "1000", "tax": "240"}
    data |= {"currency": "EUR", "rate": "1", "note": "Mine", "initial-note": "", "version": row.version}
    Invoice.objects.filter(pk=row.pk).update(note="Theirs", version=row.version + 1)
    answer = browser.post(url, data)
    assert answer.status_code == 409 and "Theirs" in answer.content.decode()
    row.refresh_from_db()
    assert row.note == "Theirs"


def test_payments_are_recorded_in_a_dialog_and_taken_back(browser, row):
    url = f"/invoices/{row.pk}/payments/add/"
    form = browser.get(url, headers=HTMX | {"HX-Target": "remote-dialog-body"}).content.decode()
    assert "€1,240.00 is open." in form and "<html" not in form
    refused = browser.post(url, {"amount": "5000", "paid_date": "2026-11-01", "note": "Bank"})
    assert refused.status_code == 422 and "Only €1,240.00 is open." in refused.content.decode()
    assert "Bank" in refused.content.decode()
    browser.post(url, {"amount": "240", "paid_date": "2026-11-01", "note": "Bank"})
    page = shown(browser.get(f"/invoices/{row.pk}/"))
    assert "€240.00" in page and "€1,000.00" in page and "Bank" in page
    payment = Payment.objects.get()
    browser.post(f"/invoices/{row.pk}/payments/{payment.pk}/remove/")
    assert not Payment.objects.exists()
    browser.post(f"/invoices/{row.pk}/payments/{payment.pk}/restore/")
    assert Payment.objects.get().pk == payment.pk


def test_a_second_click_or_a_colleague_with_the_same_statement_is_asked(browser, row):
    url, htmx = f"/invoices/{row.pk}/payments/add/", HTMX | {"HX-Target": "remote-dialog-body"}
    assert 'name="version" value="1"' in browser.get(url, headers=htmx).content.decode()
    Invoice.objects.filter(pk=row.pk).update(note="About the invoice")
    given = {"amount": "400", "paid_date": "2026-11-01", "note": "Statement 7", "version": "1"}
    browser.post(url, given, headers=htmx)
    again = browser.post(url, given, headers=htmx)
    page = again.content.decode()
    assert again.status_code == 409 and Payment.objects.count() == 1
    assert "€840.00 is open." in page and "Statement 7" in page and "changed this while" in page
    assert 'name="version" value="2"' in page and "About the invoice" not in page
    browser.post(url, given | {"version": "2"}, headers=htmx)
    assert Payment.objects.count() == 2


def test_void_and_back(browser, row):
    url = f"/invoices/{row.pk}/void/"
    assert browser.post(url, {"reason": "x", "version": 99}).status_code == 409
    browser.post(url, {"reason": "Sent twice", "version": row.version})
    page = shown(browser.get(f"/invoices/{row.pk}/"))
    assert "Sent twice" in page and "Record a payment" not in page
    browser.post(f"/invoices/{row.pk}/reinstate/")
    assert "Record a payment" in shown(browser.get(f"/invoices/{row.pk}/"))


def test_the_cards_of_client_and_engagement(browser, marta, northwind, row):
    card = shown(browser.get(f"/clients/{northwind.pk}/panels/invoices/"))
    assert "€1,240.00 open" in card and "€1,240.00 overdue" in card and "INV-1" in card
    mill = make_engagement(actor=marta, client=northwind)
    make_invoice(actor=marta, client=northwind, number="MILL-1", engagement=mill)
    page = shown(browser.get(f"{mill.get_absolute_url()}in/finance/"))
    assert "MILL-1" in page and "INV-1" not in page


def test_a_line_shows_its_invoice(browser, marta, northwind, row):
    add_revenue_line(acting(marta), client=northwind, date=ISSUED, amount=Decimal(5), invoice=row, today=TODAY)
    for url in (f"/clients/{northwind.pk}/revenue/", "/revenue/"):
        assert f'href="/invoices/{row.pk}/"' in browser.get(url).content.decode()
    assert "€5.00" in shown(browser.get(f"/invoices/{row.pk}/"))
    form = browser.get(f"/clients/{northwind.pk}/revenue/{northwind.revenue_lines.get().pk}/").content.decode()
    assert f'<option value="{row.pk}" selected>INV-1</option>' in form


# The barrier


@pytest.fixture
def hidden(marta, northwind, row):
    """An invoice of a restricted engagement that Marta leads, with a payment."""
    mill = make_engagement(actor=marta, client=northwind)
    hush = make_invoice(
        actor=marta, client=northwind, number="HUSH-7", net="777000", tax="0", paid="111", engagement=mill
    )
    restrict_engagement(SYSTEM, engagement=mill, now=NOW)
    return hush


def test_a_restricted_engagement_hides_its_invoices_at_every_door(client, marta, otto, northwind, row, hidden):
    client.force_login(otto)
    assert list(Payment.objects.visible_to(acting(otto))) == []
    urls = [
        "/invoices/",
        "/invoices/export/?as=csv",
        f"/invoices/?engagement={hidden.engagement_id}",
        f"/clients/{northwind.pk}/panels/invoices/",
        f"/clients/{northwind.pk}/revenue/",
        f"/clients/{northwind.pk}/revenue/export/?as=csv",
        "/revenue/",
        f"/revenue/?invoice={hidden.pk}",
        "/revenue/export/?as=csv",
        "/api/v1/invoices",
        f"/api/v1/invoices?engagement={hidden.engagement_id}",
        "/search/?q=HUSH",
    ]
    for url in urls:
        answer = client.get(url)
        assert answer.status_code == 200, url
        assert not re.search(r"HUSH-7|777|111", shown(answer)), url
    assert client.get("/invoices/").context["sums"].all.amount == 1240
    assert client.get(f"/api/v1/revenue?invoice={hidden.pk}").json()["results"] == []
    assert sources.find(acting(otto), "HUSH-7") == [] and sources.find(acting(marta), "HUSH-7") != []
    for path in ("", "edit/", "void/", "payments/add/"):
        assert client.get(f"/invoices/{hidden.pk}/{path}").status_code == 404
    for path in ("", "/payments"):
        assert client.get(f"/api/v1/invoices/{hidden.pk}{path}").status_code == 404
    files = [*INVOICES.export(acting(otto)), *REVENUE.export(acting(otto))]
    assert "HUSH-7" not in str(files) and "HUSH-7" in str([*INVOICES.export(acting(marta))])
    seen = Invoice.objects.history_visible_to(acting(otto)).filter(pgh_obj_id=hidden.pk)
    assert not seen.filter(engagement__isnull=False).exists()


def test_a_restricted_client_hides_its_invoices(client, marta, otto, row):
    secret = make_client(owner=otto, name="Secret Ltd")
    make_invoice(actor=otto, client=secret, number="S-1", net="777000", tax="0")
    restrict_client(acting(otto), client=secret, users=[])
    client.force_login(make_user(name="Aino Admin", roles=("admin", "manager")))
    for url in ("/invoices/", f"/invoices/?client={secret.pk}", "/invoices/export/?as=csv", "/api/v1/invoices"):
        assert not re.search(r"S-1|Secret|777", shown(client.get(url))), url


# Files


FILE = (
    "Invoice ID,Account name,Invoice number,Invoice date,Due date,Total,VAT,Currency,Amount paid,Payment date,Status\n"
    "1,Northwind Advisory,R-1,2026-09-01,2026-09-15,124.00,24.00,,124.00,2026-09-10,Paid\n"
    "2,Northwind Advisory,R-2,2026-09-01,2026-09-15,100.00,,,40.00,2026-09-10,Partially paid\n"
    "3,Northwind Advisory,R-3,2026-09-01,,50.00,,,,,Cancelled\n"
    "4,Northwind Advisory,R-4,2026-09-01,2026-09-15,50.00,,,60.00,,Paid\n"
)


def test_a_file_of_another_system_the_same_again_and_more_paid(marta, northwind):
    job = run(marta, "invoices", FILE.encode())
    assert counts(job) == {"created": 3, "failed": 1}
    rows = {row.number: row for row in Invoice.objects.all()}
    assert [(rows[n].net, rows[n].tax, rows[n].paid) for n in ("R-1", "R-2")] == [(100, 24, 124), (100, 0, 40)]
    assert rows["R-3"].is_void and rows["R-3"].due_date == date(2026, 10, 1)
    assert rows["R-1"].payments.get().paid_date == date(2026, 9, 10)
    run(marta, "invoices", FILE.encode())
    assert Payment.objects.count() == 2
    run(marta, "invoices", FILE.replace("40.00,2026-09-10,Partially", "100.00,2026-10-10,Partially").encode())
    assert [row.amount for row in rows["R-2"].payments.all()] == [40, 60]
    run(marta, "invoices", FILE.encode())
    assert Payment.objects.count() == 3


def test_our_own_export_comes_back_unchanged(marta, northwind, row):
    mill = make_engagement(actor=marta, client=northwind)
    make_invoice(actor=marta, client=northwind, number="M-1", engagement=mill, paid="10", note="By bank\ntransfer")
    make_invoice(actor=marta, client=northwind, number="C-1", net="-10", tax="-2.40")
    make_invoice(actor=marta, client=northwind, number="USD", net="9", currency="USD", rate=Decimal("0.9"))
    void = make_invoice(actor=marta, client=northwind, number="V-1")
    Invoice.objects.filter(pk=void.pk).update(voided_at=NOW)
    add_revenue_line(acting(marta), client=northwind, date=ISSUED, amount=Decimal(5), invoice=row, today=TODAY)
    before = list(Invoice.objects.order_by("pk").values())
    for kind, declared in (("invoices", INVOICES), ("revenue", REVENUE)):
        text = io.StringIO()
        csv.writer(text).writerows(declared.export(acting(marta)))
        job = run(marta, kind, text.getvalue().encode(), system="rapport")
        assert set(counts(job)) == {"unchanged"}, job.report
    assert list(Invoice.objects.order_by("pk").values()) == before and Payment.objects.count() == 1


# The API


def test_the_api_enters_changes_pays_voids_and_archives(client, marta, northwind):
    client.defaults["HTTP_AUTHORIZATION"] = f"Token {make_token(user=marta)[1]}"
    json_body = {"content_type": "application/json"}
    given = {"client": northwind.pk, "number": "API-1", "invoice_date": "2026-11-01", "net": "100.00", "tax": "24.00"}
    given["external_ids"] = [{"system": "books", "value": "77"}]
    made = client.post("/api/v1/invoices", given, **json_body)
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["gross"], row["status"], row["due_date"], row["paid"]) == ("124.00", "due", "2026-12-01", "0.00")
    at = f"/api/v1/invoices/{row['id']}"
    again = client.post("/api/v1/invoices", given, **json_body)
    assert (again.status_code, again.json()["id"]) == (200, row["id"])
    changed = client.patch(at, json.dumps({"note": "x"}), headers={"If-Match": made["ETag"]}, **json_body)
    assert changed.status_code == 200
    assert (
        client.patch(at, json.dumps({"note": "y"}), headers={"If-Match": made["ETag"]}, **json_body).status_code == 412
    )
    assert client.patch(at, json.dumps({"gross": "1"}), **json_body).status_code == 400
    paid = client.post(f"{at}/payments", {"paid_date": "2026-11-10", "amount": "24.00"}, **json_body)
    assert paid.status_code == 201 and client.get(at).json()["status"] == "part_paid"
    stale = client.post(
        f"{at}/payments", {"paid_date": "2026-11-10", "amount": "24"}, headers={"If-Match": made["ETag"]}, **json_body
    )
    assert stale.status_code == 412
    assert client.post(f"{at}/payments", {"paid_date": "2026-11-10", "amount": "900"}, **json_body).status_code == 400
    assert client.post(f"{at}/void", {}, **json_body).status_code == 400
    assert client.delete(f"{at}/payments/{paid.json()['id']}").status_code == 204
    assert client.post(f"{at}/void", {"reason": "Twice"}, **json_body).json()["status"] == "void"
    assert client.post(f"{at}/reinstate", **json_body).json()["status"] == "due"
    assert client.delete(at).status_code == 204 and client.get("/api/v1/invoices").json()["results"] == []
    assert client.post(f"{at}/restore", **json_body).status_code == 200
    found = client.get("/api/v1/invoices?status=unpaid&external_id=books:77").json()["results"]
    assert [each["number"] for each in found] == ["API-1"]


def test_the_page_tells_who_recorded_and_removed_each_payment(client, marta, otto, row):
    for who, amount in ((marta, 40), (otto, 60)):
        client.force_login(who)
        client.post(f"/invoices/{row.pk}/payments/add/", {"amount": amount, "paid_date": "2026-11-02", "note": "Bank"})
    first, second = Payment.objects.order_by("pk")
    client.post(f"/invoices/{row.pk}/payments/{first.pk}/remove/")
    page = client.get(row.get_absolute_url())
    told = [(paid.by, paid.amount, paid.removed_by) for paid in page.context["payments"]]
    assert told == [("Marta Kallio", 40, "Otto Berg"), ("Otto Berg", 60, "")]
    text = shown(page)
    assert "Removed by Otto Berg" in text and "Restore the payment of 2 Nov 2026" in page.content.decode()
    client.post(f"/invoices/{row.pk}/payments/{first.pk}/restore/")
    row.refresh_from_db()
    assert row.paid == 100 and "Removed by" not in shown(client.get(row.get_absolute_url()))


def test_the_filter_dialog_asks_for_client_and_engagement(browser, marta, northwind, row):
    other = make_client(owner=marta, name="Alder")
    engagement = make_engagement(actor=marta, client=other, title="Audit 2026")
    make_invoice(actor=marta, client=other, number="AUDIT", engagement=engagement)
    query = f"client={other.pk}&engagement={engagement.pk}"
    form = browser.get(f"/invoices/filters/?{query}").content.decode()
    assert 'data-combobox-url="/clients/options/"' in form and 'data-combobox-url="/engagements/options/"' in form
    assert f'<option value="{other.pk}" selected>Alder' in form
    assert [found.number for found in browser.get(f"/invoices/?{query}").context["page"].rows] == ["AUDIT"]
    found = browser.get("/engagements/options/?q=audit").json()["results"]
    assert [(each["value"], each["sub"]) for each in found] == [(engagement.pk, "Alder · Open")]
    assert browser.get("/engagements/options/").json()["results"][0]["value"] == engagement.pk
    FirmSettings.objects.update(engagement_word="off")
    forget_firm()
    form = browser.get("/invoices/filters/").content.decode()
    assert "/clients/options/" in form and "/engagements/options/" not in form


def test_the_sums_of_a_long_list_come_after_it(browser, marta, northwind, row, monkeypatch):
    make_invoice(actor=marta, client=northwind, number="OPEN", net="100", tax="0", due_date=TODAY + timedelta(days=3))
    monkeypatch.setattr(paging, "COUNT_CAP", 1)
    answer = browser.get("/invoices/?status=unpaid")
    url = answer.context["sums_url"]
    assert url == "/invoices/sums/?status=unpaid" and f'hx-get="{url}"' in answer.content.decode()
    assert "sums" not in answer.context
    for headers in ({}, HTMX):
        part = browser.get(url, headers=headers)
        assert "€1,340.00" in shown(part) and "Billed €1,100.00 net" in shown(part)
        assert ("<html" in part.content.decode()) is (headers == {})
    assert browser.get("/invoices/?status=unpaid&owner=me&q=open").context["sums"].all.n == 1

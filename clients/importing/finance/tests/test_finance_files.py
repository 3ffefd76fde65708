"""Files of finance programs come in as invoices and revenue lines."""

import codecs
import csv
import io
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from clients.invoices.models import Invoice
from clients.records.models import Client, ExternalId
from clients.revenue.models import RevenueLine
from crm.core.base.errors import ServiceError
from crm.core.importing import readers
from crm.core.importing.tabular import UnreadableTable
from tools.testing.importing import counts, prepare, run
from tools.testing.workbooks import workbook

pytestmark = pytest.mark.django_db


def tables(data, name="a.txt"):
    return readers.tables(name, data)


def cells(table, *names):
    """The cells under these names; a column with nothing in it is not there."""
    rows = [dict(zip(table.header, row.cells, strict=True)) for row in table.read()]
    return [tuple(row.get(name, "") for name in names) for row in rows]


def both(actor, data, name="a.txt", **given):
    """The counts of both imports of a file."""
    given = {"system": "", "name": name} | given
    return [counts(run(actor, kind, data, **given)) for kind in ("invoices", "revenue")]


# LEDES

FIELDS = (
    "INVOICE_DATE|INVOICE_NUMBER|CLIENT_ID|LAW_FIRM_MATTER_ID|INVOICE_TOTAL|BILLING_START_DATE|BILLING_END_DATE|"
    "INVOICE_DESCRIPTION|LINE_ITEM_NUMBER|EXP/FEE/INV_ADJ_TYPE|LINE_ITEM_NUMBER_OF_UNITS|LINE_ITEM_ADJUSTMENT_AMOUNT|"
    "LINE_ITEM_TOTAL|LINE_ITEM_DATE|LINE_ITEM_TASK_CODE|LINE_ITEM_EXPENSE_CODE|LINE_ITEM_ACTIVITY_CODE|TIMEKEEPER_ID|"
    "LINE_ITEM_DESCRIPTION|LAW_FIRM_ID|LINE_ITEM_UNIT_COST|TIMEKEEPER_NAME|TIMEKEEPER_CLASSIFICATION|CLIENT_MATTER_ID"
)


def ledes_line(
    number, total, position, kind, amount, *, client="C1", matter="M-1", day="20240305", text="Draft, reviewed"
):
    return (
        f"{day}|{number}|{client}|{matter}|{total}|20240201|20240229|For services|{position}|{kind}|1|0|{amount}|20240210|"
        f"L100|||T1|{text}|98-1|{amount}|Vaara, Ines|PT|"
    )


def ledes(*lines, end="[]\r\n"):
    return end.join(["LEDES1998B", FIELDS, *lines, ""]).encode()


TWO = (
    ledes_line("700", "150.50", 1, "F", "120.50"),
    ledes_line("700", "150.50", 2, "E", "30"),
    ledes_line("701", "-40.00", 1, "F", "-40.00", day="20240405"),
)


@pytest.fixture
def alpha(ines):
    run(ines, "clients", b"Id,Name,Status\nC1,Alpha,active\n", system="ledes")
    return Client.objects.get()


@pytest.mark.parametrize("end", ["[]\r\n", "[]\n", "[] \r\n", "\n"])
def test_ledes_is_read_with_any_end_of_line(end):
    invoices, lines = tables(ledes(*TWO, end=end))
    assert cells(invoices, "ID", "Client ID", "Number", "Invoice date", "Net", "Matter") == [
        ("700", "C1", "700", "20240305", "150.50", "M-1"),
        ("701", "C1", "701", "20240405", "-40.00", "M-1"),
    ]
    assert cells(lines, "ID", "Invoice", "Date", "Amount", "Kind") == [
        ("700/1", "700", "20240305", "120.50", "fee"),
        ("700/2", "700", "20240305", "30.00", "expense"),
        ("701/1", "701", "20240405", "-40.00", "refund"),
    ]
    assert [row.number for row in lines.read()] == [3, 4, 5]


def test_a_table_has_the_columns_that_the_file_fills():
    invoices, lines = tables(ledes(*TWO))
    assert invoices.header == ["ID", "Client ID", "Number", "Invoice date", "Net", "Matter", "Note"]
    assert lines.header == ["ID", "Client ID", "Invoice", "Date", "Amount", "Kind", "Matter", "Note"]
    assert "Client" in tables(ledes(ledes_line("1", "1", 1, "F", "1", client="")))[0].header  # needed, to be mapped


def test_ledes_comes_in_twice_and_changes_nothing_the_second_time(ines, alpha):
    told = {"defaults": {"currency": "EUR"}}
    assert both(ines, ledes(*TWO), **told) == [{"created": 2}, {"created": 3}]
    assert Invoice.objects.get(number="701").net == -40
    assert RevenueLine.objects.aggregate(all=Sum("amount"))["all"] == Decimal("110.50")
    assert {line.invoice.number for line in RevenueLine.objects.select_related("invoice")} == {"700", "701"}
    assert RevenueLine.objects.get(amount=-40).kind == "refund"
    assert both(ines, ledes(*TWO), **told) == [{"unchanged": 2}, {"unchanged": 3}]
    overlap = ledes(TWO[2], ledes_line("702", "10", 1, "F", "10", day="20240505"))
    assert both(ines, overlap, **told) == [{"created": 1, "unchanged": 1}, {"created": 1, "unchanged": 1}]
    assert set(ExternalId.objects.filter(system="ledes", kind="invoice").values_list("value", flat=True)) == {
        "700",
        "701",
        "702",
    }


def test_ledes_names_no_currency_so_it_is_asked(ines, alpha):
    with pytest.raises(ServiceError, match="file does not say") as refused:
        prepare(ines, "invoices", ledes(*TWO), name="a.txt", system="")
    assert refused.value.field == "default_currency"


def test_a_matter_number_finds_the_client(ines, alpha):
    run(ines, "engagements", b"Client,Number,Name\nAlpha,M-77,Merger\n")
    data = ledes(ledes_line("800", "5", 1, "F", "5", client="unknown", matter="M-77"))
    assert both(ines, data, defaults={"currency": "EUR"}) == [{"created": 1}, {"created": 1}]
    invoice = Invoice.objects.get()
    assert (invoice.client, invoice.engagement.number) == (alpha, "M-77")
    lost = ledes(ledes_line("801", "5", 1, "F", "5", client="unknown", matter="M-0"))
    assert both(ines, lost, defaults={"currency": "EUR"}) == [{"failed": 1}, {"failed": 1}]


def test_half_a_ledes_file_fails_what_is_cut(ines, alpha):
    data = ledes(*TWO[:2])[:-60]
    invoices, lines = tables(data)
    assert "cut off" in [*lines.read()][1].problem
    assert "Line 4 of this invoice" in [*invoices.read()][0].problem
    assert both(ines, data, defaults={"currency": "EUR"}) == [{"failed": 1}, {"created": 1, "failed": 1}]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (TWO[0].replace("|F|", "|F|F|"), "25 fields instead of 24"),
        (TWO[0].replace("120.50", "a lot"), "not a clear amount"),
        (TWO[0].replace("120.50", "1,234"), "not a clear amount"),
        (TWO[0].replace("Draft", "Dr\0aft"), "not text"),
    ],
)
def test_a_wrong_line_of_ledes_says_why(line, why):
    data = codecs.BOM_UTF8 + ledes(line)  # without it a NUL in a file refuses all of it
    assert why in [*tables(data)[1].read()][0].problem


def test_invoice_lines_that_contradict_each_other_fail_the_invoice():
    (row,) = tables(ledes(TWO[0], TWO[1].replace("150.50", "99")))[0].read()
    assert "contradicts the other lines" in row.problem


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"LEDES1998BI V2[]\r\n", "1998BI"),
        (b"LEDES1998B[]\r\n", "names no columns"),
        (b"LEDES1998B[]\r\na|b[]\r\n", "names no columns"),
    ],
)
def test_another_ledes_is_refused_with_what_to_do(data, why):
    with pytest.raises(UnreadableTable, match=why):
        tables(data)


def test_the_command_takes_ledes(ines, alpha, tmp_path, capsys):
    path = tmp_path / "a.txt"
    path.write_bytes(ledes(*TWO))
    with pytest.raises(CommandError, match="--table: Invoices, Revenue lines"):
        call_command("import_csv", "clients", str(path), owner=ines.email)
    for kind, said in (("invoices", "2 created"), ("revenue", "3 created")):
        call_command("import_csv", kind, str(path), owner=ines.email, set=["currency=EUR"])
        assert said in capsys.readouterr().out


# Xero

XERO = [
    *("ContactName", "EmailAddress", "POAddressLine1", "InvoiceNumber", "Reference", "InvoiceDate", "DueDate", "Total"),
    *(
        "TaxTotal",
        "InvoiceAmountPaid",
        "InvoiceAmountDue",
        "InventoryItemCode",
        "Description",
        "Quantity",
        "UnitAmount",
    ),
    *("Discount", "LineAmount", "AccountCode", "TaxType", "TaxAmount", "Currency", "Type", "Sent", "Status"),
]


def xero_row(number, total, tax, line, line_tax, **more):
    row = {"ContactName": "Alpha", "InvoiceNumber": number, "InvoiceDate": "2024-03-05", "DueDate": "2024-04-04"}
    row |= {"Total": total, "TaxTotal": tax, "LineAmount": line, "TaxAmount": line_tax, "Currency": "EUR"}
    return row | {"Type": "Sales invoice", "Status": "Awaiting Payment", "Description": "Advice"} | more


def xero(*rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, XERO)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


XERO_ROWS = [
    xero_row("INV-1", "124.00", "24.00", "60.00", "14.40", InvoiceAmountPaid="24.00"),
    xero_row("INV-1", "124.00", "24.00", "40.00", "9.60", InvoiceAmountPaid="24.00", Description="Course"),
    xero_row("INV-2", "124.00", "24.00", "124.00", "24.00", InvoiceAmountPaid="0.00"),  # its lines hold the tax
    xero_row("CN-1", "62.00", "12.00", "50.00", "12.00", Type="Sales credit note", Description="Back"),
    xero_row("INV-3", "10.00", "0.00", "10.00", "0.00", Status="Draft"),
    xero_row("INV-4", "10.00", "0.00", "10.00", "0.00", Status="Voided"),
]


def test_xero_comes_in_with_tax_credit_notes_and_payments(ines, alpha):
    data = xero(*XERO_ROWS)
    assert both(ines, data, name="a.csv") == [{"created": 4}, {"created": 4}]
    found = {
        invoice.number: (invoice.net, invoice.tax, invoice.paid, invoice.is_void) for invoice in Invoice.objects.all()
    }
    assert found == {
        "INV-1": (100, 24, 24, False),
        "INV-2": (100, 24, 0, False),
        "CN-1": (-50, -12, 0, False),
        "INV-4": (10, 0, 0, True),
    }
    lines = RevenueLine.objects.order_by("pk").values_list("invoice__number", "amount", "note")
    assert [*lines] == [
        ("INV-1", 60, "Advice"),
        ("INV-1", 40, "Course"),
        ("INV-2", 100, "Advice"),
        ("CN-1", -50, "Back"),
    ]
    assert both(ines, data, name="a.csv") == [{"unchanged": 4}, {"unchanged": 4}]
    overlap = xero(*XERO_ROWS[2:4], xero_row("INV-5", "7.00", "0.00", "7.00", "0.00"))
    assert both(ines, overlap, name="a.csv") == [{"created": 1, "unchanged": 2}, {"created": 1, "unchanged": 2}]


def test_drafts_of_xero_are_left_out_and_said():
    invoices, _lines = tables(xero(*XERO_ROWS), "a.csv")
    assert invoices.remarks == ("Lines skipped because they are drafts: 1.",)
    assert invoices.must_ask == ()


def test_the_currency_of_xero_is_that_of_the_file(ines, alpha):
    data = xero(xero_row("INV-9", "10.00", "0.00", "10.00", "0.00", Currency="USD"))
    first, _second = both(ines, data, name="a.csv")
    assert first == {"failed": 1}  # no rate is known, and none is made up
    without = xero(xero_row("INV-9", "10.00", "0.00", "10.00", "0.00", Currency=""))
    assert tables(without, "a.csv")[0].must_ask == ("currency",)


def test_tax_lines_are_no_revenue():
    data = xero(xero_row("INV-1", "24", "4", "20", "0"), xero_row("INV-1", "24", "4", "4", "0", Description="VAT 20%"))
    invoices, lines = tables(data, "a.csv")
    assert cells(lines, "Amount") == [("20.00",)]
    assert cells(invoices, "Net", "Tax") == [("20.00", "4.00")]


def test_signs_that_are_no_text_fail_a_line_of_xero_and_its_invoice():
    rows = [xero_row(f"INV-{n}", "1", "0", "1", "0", Reference="x" * 100) for n in range(20)]
    data = codecs.BOM_UTF8 + xero(*rows, xero_row("INV-99", "1", "0", "1", "0", Description="a\0b"))
    invoices, lines = tables(data, "a.csv")
    assert ["not text" in row.problem for row in lines.read()] == [False] * 20 + [True]
    assert ["not text" in row.problem for row in invoices.read()] == [False] * 20 + [True]


def test_too_many_lines_are_refused(settings):
    settings.IMPORT_MAX_ROWS = 3
    with pytest.raises(UnreadableTable, match="more than 3 rows"):
        tables(xero(*[xero_row(f"INV-{n}", "1", "0", "1", "0") for n in range(4)]), "a.csv")
    with pytest.raises(UnreadableTable, match="more than 3 rows"):
        tables(ledes(*[ledes_line(f"{n}", "1", 1, "F", "1") for n in range(4)]))


def test_a_workbook_of_xero_is_the_same():
    rows = [XERO, *([row.get(name) for name in XERO] for row in XERO_ROWS)]
    invoices, lines = tables(workbook(Sales=rows), "a.xlsx")
    assert (invoices.key, invoices.total, lines.key, lines.total) == ("Sales/invoices", 4, "Sales/lines", 4)


# QuickBooks

LIST = """Rapport Test Firm
Invoice List
"January - March, 2024"

Date,Transaction type,Num,Customer,Memo/Description,Due date,Amount,Open balance
03/15/2024,Invoice,1001,Alpha,Advice,04/14/2024,"1,200.00",200.00
03/16/2024,Payment,,Alpha,,,-1000.00,0.00
03/20/2024,Credit memo,1002,Alpha,Too much,,100.00,-100.00
Total,,,,,,"1,300.00",

"Tuesday, April 2, 2024 09:00 AM GMTZ"
"""
DETAIL = """Rapport Test Firm
Sales by Customer Detail
2024

,Date,Transaction type,Num,Product/Service,Memo/Description,Quantity,Sales price,Amount,Balance
Alpha,,,,,,,,,
,03/15/2024,Invoice,1001,Services:Advice,March,1,1200.00,"1,200.00","1,200.00"
,03/15/2024,Invoice,1001,Sales tax,VAT,,,240.00,"1,440.00"
,03/20/2024,Credit memo,1002,Services:Advice,Back,1,100.00,100.00,"1,340.00"
Total for Alpha,,,,,,,,"$1,340.00",
TOTAL,,,,,,,,"$1,340.00",
"""


def test_a_list_of_invoices_from_quickbooks(ines, alpha):
    (invoices,) = tables(LIST.encode(), "a.csv")
    assert cells(invoices, "Client", "Number", "Net", "Paid") == [
        ("Alpha", "1001", "1200.00", "1000.00"),
        ("Alpha", "1002", "-100.00", "0.00"),
    ]
    assert "such as payments: 1." in invoices.remarks[0]
    assert invoices.must_ask == ("currency",)
    for expected in ({"created": 2}, {"unchanged": 2}):
        job = run(ines, "invoices", LIST.encode(), name="a.csv", system="", defaults={"currency": "EUR"})
        assert counts(job) == expected


def test_sales_by_customer_from_quickbooks(ines, alpha):
    invoices, lines = tables(DETAIL.encode(), "a.csv")
    assert cells(invoices, "Client", "Number", "Net") == [("Alpha", "1001", "1200.00"), ("Alpha", "1002", "-100.00")]
    assert cells(lines, "ID", "Amount", "Service") == [("1001/1", "1200.00", "Advice"), ("1002/1", "-100.00", "Advice")]
    told = {"defaults": {"currency": "EUR"}, "name": "a.csv"}
    assert both(ines, DETAIL.encode(), **told) == [{"created": 2}, {"created": 2}]
    assert both(ines, DETAIL.encode(), **told) == [{"unchanged": 2}, {"unchanged": 2}]


def test_a_report_of_open_balances_is_what_is_open():
    text = (
        "Firm\nOpen Invoices\n2024\n\nDate,Num,Customer,Memo/Description,Open Balance\n03/15/2024,1001,Alpha,x,200.00\n"
    )
    (invoices,) = tables(text.encode(), "a.csv")
    assert cells(invoices, "Number", "Net", "Paid") == [("1001", "200.00", "")]


def test_a_plain_table_of_invoices_is_no_report():
    (table,) = tables(b"Date,Num,Customer,Amount\n2024-03-15,1,Alpha,5\n", "a.csv")
    assert (table.key, table.kind) == ("", "")

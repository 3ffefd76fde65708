"""What the history says about money: of which line, and only what somebody changed."""

from datetime import date

import pytest

from clients.revenue.services.lines import update_revenue_line
from crm.core.base.principals import acting
from crm.core.history.queries import read
from tools.testing.factories.clients import TODAY, make_client, make_line
from tools.testing.factories.invoices import make_invoice

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_line_is_told_apart_from_the_others_of_its_client(marta):
    northwind = make_client(owner=marta, name="Northwind")
    make_line(actor=marta, client=northwind, date=date(2026, 11, 1))
    make_line(actor=marta, client=northwind, date=date(2026, 10, 1))
    entries = read(acting(marta), label="clients.revenueline").entries
    assert [entry.title for entry in entries] == ["Northwind · Fee, 1 Oct 2026", "Northwind · Fee, 1 Nov 2026"]


def test_what_the_database_computes_is_no_change_of_its_own(marta):
    northwind = make_client(owner=marta)
    line = make_line(actor=marta, client=northwind, amount="100")
    update_revenue_line(acting(marta), line=line, today=TODAY, amount=120)
    (change,) = read(acting(marta), label="clients.revenueline").entries[0].changes
    assert (str(change.field), change.before, change.after) == ("amount, net of tax", "100.00", "120.00")
    make_invoice(actor=marta, client=northwind, paid="500")
    fields = {str(c.field) for entry in read(acting(marta), label="clients.invoice").entries for c in entry.changes}
    assert fields <= {"paid"}

"""Notices of overdue invoices: once for each due date, and closed when nothing is overdue any more."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clients.cover.queries import readers_of, with_covering
from clients.engagements.models import open_to_all_q
from clients.engagements.queries import owner_sees_q
from clients.invoices.models import Invoice
from crm.core.firm.queries import firm_today
from crm.core.notifications.notices import RowNotice
from crm.core.ui.formatting import money_exact

LATE = timedelta(days=7)  # after its due date an invoice is still announced, in case nothing ran over a holiday


def _overdue(ids: Iterable[int]) -> Iterable[Invoice]:
    return Invoice.objects.kept().overdue(firm_today(timezone.now())).filter(pk__in=ids)


OVERDUE = RowNotice("invoice-overdue", readers_of, by=("due_date",), still=_overdue)


def tell_of_overdue(today: date, last: date | None) -> int:
    """Tell the account manager, and who covers for them, of each invoice that has become overdue since the last run. One that was long
    overdue when it was entered only shows in the lists. Returns how many. It first closes unread notices of invoices that were settled, or
    got another due date, during the last run.
    """
    OVERDUE.close_settled()
    rows = (
        Invoice.objects.kept()
        .overdue(today)
        .filter(owner_sees_q(), due_date__gte=(last or today) - LATE, gross__gt=0)
        .filter(client__archived_at=None, client__owner__is_active=True)
        .select_related("client__owner")
        .order_by("due_date", "pk")
    )
    return OVERDUE.tell(OVERDUE.untold(with_covering(rows, today, also=open_to_all_q())), _words)


def _words(invoice: Invoice) -> str:
    words = {
        "number": invoice.number,
        "client": invoice.client.name,
        "amount": money_exact(invoice.open_amount, invoice.currency),
        "day": date_format(invoice.due_date, "j M Y"),
    }
    return _("Invoice %(number)s is overdue: %(amount)s were due on %(day)s · %(client)s") % words

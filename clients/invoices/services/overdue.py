"""Notices of overdue invoices: once for each due date, and closed when nothing is overdue any more."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clients.engagements.queries import owner_sees_q
from clients.invoices.models import Invoice
from crm.core.firm.queries import firm_today
from crm.core.notifications.models import Notification
from crm.core.ui.formatting import money_exact

KIND = "invoice-overdue"
LATE = timedelta(days=7)  # after its due date an invoice is still announced, in case nothing ran over a holiday
AT_ONCE = 500


def tell_of_overdue(today: date, last: date | None) -> int:
    """Tell the account manager of each invoice that has become overdue since the last run: the notification's unique key is the memory. An
    invoice that was long overdue when it was entered only shows in the lists. Returns how many. It first closes unread notices of invoices
    that were settled, or got another due date, during the last run.
    """
    _close_settled(Notification.objects.filter(kind=KIND))
    key = Concat(Value(f"{KIND}:"), Cast("pk", CharField()), Value(":"), Cast("due_date", CharField()))
    told = Notification.objects.filter(key=OuterRef("notice"))
    rows = (
        Invoice.objects.kept()
        .overdue(today)
        .filter(owner_sees_q(), due_date__gte=(last or today) - LATE, gross__gt=0)
        .filter(client__archived_at=None, client__owner__is_active=True)
        .annotate(notice=key)
        .exclude(Exists(told))
        .select_related("client")
        .order_by("due_date", "pk")
    )
    found = [_notice(row) for row in rows]
    Notification.objects.bulk_create(found, ignore_conflicts=True, batch_size=AT_ONCE)
    return len(found)


def _notice(invoice: Invoice) -> Notification:
    words = {
        "number": invoice.number,
        "client": invoice.client.name,
        "amount": money_exact(invoice.open_amount, invoice.currency),
        "day": date_format(invoice.due_date, "j M Y"),
    }
    return Notification(
        user_id=invoice.client.owner_id,
        client_id=invoice.client_id,
        kind=KIND,
        key=_key(invoice),
        text=(_("Invoice %(number)s is overdue: %(amount)s were due on %(day)s · %(client)s") % words)[:300],
        url=invoice.get_absolute_url(),
    )


def _key(invoice: Invoice) -> str:
    return f"{KIND}:{invoice.pk}:{invoice.due_date}"


def close_notices(invoice_ids: Iterable[int]) -> None:
    """Close the notices of those invoices that are not overdue any more, or since another day. Services call it after they have written
    invoices or payments."""
    of_these = [Q(key__startswith=f"{KIND}:{pk}:") for pk in set(invoice_ids)]
    if of_these:
        _close_settled(Notification.objects.filter(Q(*of_these, _connector=Q.OR)))


def _close_settled(notices: QuerySet[Notification]) -> None:
    now = timezone.now()
    unread = set(notices.filter(read_at=None).values_list("key", flat=True))
    if not unread:
        return
    ids = {int(key.split(":")[1]) for key in unread}
    overdue = {_key(row) for row in Invoice.objects.kept().overdue(firm_today(now)).filter(pk__in=ids)}
    Notification.objects.filter(key__in=unread - overdue, read_at=None).update(read_at=now)


def reopen_notice(invoice: Invoice) -> None:
    """The notice is unread again: what had closed it was taken back, and the invoice is overdue."""
    row = Invoice.objects.kept().overdue(firm_today(timezone.now())).filter(pk=invoice.pk).first()
    if row is not None:
        Notification.objects.filter(key=_key(row)).update(read_at=None)

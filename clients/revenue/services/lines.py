"""Revenue lines, and the fact with their sum over twelve months."""

from collections.abc import Iterable, Sequence
from copy import copy
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _

from clients import permissions
from clients.catalogue.models import Service
from clients.checks import clean_fields, only_known
from clients.currencies.pricing import apply_price, check_currency
from clients.engagements.models import Engagement
from clients.engagements.services.records import check_money_of
from clients.invoices.models import Invoice
from clients.invoices.services.records import check_invoice_of
from clients.records.facts import lock_facts
from clients.records.models import Client
from clients.revenue.choices import RevenueKind
from clients.revenue.fields import REVENUE_FIELDS
from clients.revenue.models import RevenueLine
from crm.core.base.dates import add_months, is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.models import fresh, insert
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.firm.queries import currency_at, get_firm

MOST = Decimal(10) ** 12  # of one line, in the firm's currency


def twelve_months(today: date) -> tuple[date, date]:
    """[start, end) of the twelve months up to and including today."""
    return add_months(today, -12) + timedelta(days=1), today + timedelta(days=1)


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def add_revenue_line(
    principal: Principal,
    *,
    client: Client,
    date: date,
    amount: Decimal,
    currency: str | None = None,
    rate: Decimal | int | None = None,
    service: Service | None = None,
    kind: str = RevenueKind.FEE,
    invoice: Invoice | None = None,
    engagement: Engagement | None = None,
    reference: str = "",
    note: str = "",
    today: date,
) -> RevenueLine:
    """Book revenue, net of tax. A refund is negative. `currency` defaults to the firm's, `rate` to the day's (the
    firm's currency per unit). Without an engagement it has that of its invoice. Raises ServiceError (field rate) if there is none, (fields
    invoice, engagement) for one of another client or that is restricted.
    """
    check_invoice_of(principal, invoice, client)
    engagement = engagement or (invoice.engagement if invoice else None)
    check_money_of(principal, engagement, client)
    values = {"date": date, "amount": amount, "currency": currency, "rate": rate}
    values |= {"service": service, "kind": kind, "invoice": invoice, "reference": reference, "note": note}
    values["engagement"] = engagement
    return add_revenue_lines(principal, rows=[new_line(client, **values)], today=today)[0]


def new_line(client: Client, **fields) -> RevenueLine:
    """A checked line that is not saved yet. Raises ServiceError."""
    line = fresh(RevenueLine, client=client)
    _apply(line, fields)
    return line


def check_line(line: RevenueLine, **fields) -> None:
    """Raises ServiceError for what `update_revenue_line` would refuse."""
    _apply(copy(line), fields)


@service(may=permissions.may_edit_clients_of, why=permissions.IN_TRASH)
def add_revenue_lines(principal: Principal, *, rows: Sequence[RevenueLine], today: date) -> list[RevenueLine]:
    """Book these lines, made by `new_line`, in one statement; the sums of their clients in another. All or none."""
    made = insert(rows)
    refresh_revenue_facts(client_ids={line.client_id for line in made}, today=today)
    return made


@service(may=permissions.may_change_line, why=permissions.IN_TRASH)
def update_revenue_line(
    principal: Principal, *, line: RevenueLine, seen_version: int | None = None, today: date, **fields
) -> RevenueLine:
    """Correct a line. Raises StaleWrite, ServiceError."""
    row = RevenueLine.objects.select_for_update(of=("self",)).select_related("client").get(pk=line.pk)
    check_invoice_of(principal, fields.get("invoice"), row.client)
    check_money_of(principal, fields.get("engagement"), row.client)
    changed = _apply(row, fields)
    save_version(row, fields=changed, seen=seen_version, merges=False)
    row.refresh_from_db(fields=["amount_firm"])
    refresh_revenue_facts(client_ids=[row.client_id], today=today)
    return row


@service(may=permissions.may_change_line, why=permissions.IN_TRASH)
def delete_revenue_line(principal: Principal, *, line: RevenueLine, today: date) -> None:
    """Delete a wrong line; the history keeps it."""
    line.delete()
    refresh_revenue_facts(client_ids=[line.client_id], today=today)


def _apply(line: RevenueLine, fields: dict) -> list[str]:
    """Set and check the fields; the names of those that are to be saved."""
    only_known(fields, REVENUE_FIELDS.edited)
    changed = apply_price(line, fields)
    if not is_plausible(line.date):
        raise ServiceError(_("This date is too far away."), field="date")
    check_currency(line, line.date)
    if line.kind == RevenueKind.REFUND and line.amount > 0:
        raise ServiceError(_("A refund is a negative amount."), field="amount")
    clean_fields(line, {*fields, "currency", "rate"})
    if abs(line.amount * (line.rate or 0)) >= MOST:
        raise ServiceError(_("The amount is too large."), field="amount")
    return changed


@transaction.atomic
def refresh_revenue_facts(*, client_ids: Iterable[int], today: date) -> int:
    """Sum up the last twelve months of these clients, and count the lines that have no rate; writes and counts only
    clients whose sum changed.
    """
    client_ids = list(client_ids)
    start, end = twelve_months(today)
    lock_facts(client_ids=client_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE clients_clientfacts AS f SET revenue_12m = s.total, unrated_12m = s.unrated
            FROM (
                SELECT own.client_id, coalesce(sum(l.amount_firm), 0) AS total,
                       count(l.id) FILTER (WHERE l.amount_firm IS NULL) AS unrated
                FROM clients_clientfacts own
                LEFT JOIN clients_revenueline l ON l.client_id = own.client_id AND l.date >= %s AND l.date < %s
                WHERE own.client_id = ANY(%s)
                GROUP BY own.client_id
            ) s
            WHERE f.client_id = s.client_id AND (f.revenue_12m, f.unrated_12m) <> (s.total, s.unrated)
            """,
            [start, end, client_ids],
        )
        return cursor.rowcount


def move_revenue_window(*, since: date | None, today: date) -> int:
    """Move the twelve months from `since` (None: unknown) to `today`: refresh the clients with lines that entered or
    left the window.
    """
    if since is None:
        ids = set(Client.objects.values_list("pk", flat=True))
    else:
        (old_start, old_end), (start, end) = twelve_months(since), twelve_months(today)
        fell_out = RevenueLine.objects.between(min(old_start, start), max(old_start, start))
        came_in = RevenueLine.objects.between(min(old_end, end), max(old_end, end))
        ids = {*fell_out.values_list("client_id", flat=True), *came_in.values_list("client_id", flat=True)}
    ordered, changed = sorted(ids), 0
    for at in range(0, len(ordered), 5000):
        changed += refresh_revenue_facts(client_ids=ordered[at : at + 5000], today=today)
    return changed


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def undelete_revenue_line(principal: Principal, *, client: Client, line_id: int, today: date) -> RevenueLine:
    """Restore a deleted line as it was. If the firm has changed its currency since, it gets its day's rate; an engagement that was
    restricted since, or an invoice of one, it names no longer. Raises ServiceError if it is not deleted, or unknown.
    """
    if RevenueLine.objects.filter(pk=line_id, client=client).exists():  # another client's line counts as unknown
        raise ServiceError(_("This line already exists."))
    last = (
        RevenueLine.pgh_event_models["delete"]  # type: ignore[attr-defined]
        .objects.filter(pgh_obj_id=line_id, client=client)
        .order_by("-pgh_id")
        .first()
    )
    if last is None:
        raise ServiceError(_("Not found in the history."))
    line = RevenueLine(
        pk=line_id,
        client=client,
        version=last.version + 1,
        **{name: getattr(last, name) for name in REVENUE_FIELDS.edited},
    )
    if line.engagement is not None and line.engagement.is_restricted:
        line.engagement = None
    if line.invoice is not None and line.invoice.engagement is not None and line.invoice.engagement.is_restricted:
        line.invoice = None
    if line.rate is not None and currency_at(last.pgh_created_at) != get_firm().currency:
        line.rate = None
        check_currency(line, line.date)
    line.save(force_insert=True)
    refresh_revenue_facts(client_ids=[client.pk], today=today)
    return line

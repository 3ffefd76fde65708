"""The list of invoices, with what is open of those it shows; and what the API filters by."""

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from clients import permissions
from clients.invoices.choices import AGE_WORDS, FILTERED, INVOICE_TONES, InvoiceStatus
from clients.invoices.fields import INVOICE_FIELDS
from clients.invoices.models import Invoice
from clients.invoices.queries import billed, invoices_of, open_sums
from clients.invoices.services.records import archive_invoice, restore_invoice
from clients.records.queries import matching
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing import filters
from crm.core.listing.empty import Empty
from crm.core.listing.pages import Column, ListPage, View
from crm.core.listing.selection import trash_actions
from crm.core.templatetags.ui import badge
from crm.core.ui.formatting import money, money_exact, short_day
from crm.core.users.models import User

BY_DUE_DATE = ("unpaid", InvoiceStatus.DUE, InvoiceStatus.OVERDUE, InvoiceStatus.PART_PAID)


class InvoiceFilters(filters.TrashFilters):
    catalogue = INVOICE_FIELDS
    q = filters.Search(method="search", label=_("number"))
    status = filters.Choice(
        choices=FILTERED, method="by_status", label=_("Status"), empty_label=_("Any status"), chip=_("Status is")
    )
    age = filters.Choice(
        choices=list(AGE_WORDS.items()),
        method="by_age",
        label=_("Days overdue"),
        empty_label=_("Any"),
        chip=_("Overdue:"),
    )
    owner = filters.PersonId(
        "client__owner",
        label=_("Account manager"),
        chip=_("Account manager is"),
        named=User,
        offers=lambda found: filters.people(found, User.objects.active()),
        any_label=_("Any account manager"),
    )
    unrated = filters.Yes(
        method="only_unrated",
        label=_("Not in totals"),
        help_text=_("In a currency without a rate"),
        chip=_("Rate"),
        said=lambda value, principal: _("missing"),
    )

    def search(self, rows, name, value):
        return matching(rows, value)

    def by_status(self, rows, name, value):
        return rows.standing(value, firm_today(self.now))

    def by_age(self, rows, name, value):
        return rows.aged(value, firm_today(self.now))

    def only_unrated(self, rows, name, value: bool):
        return rows.without_rate() if value else rows


ACTIONS = trash_actions("invoices", Invoice, "invoice", archive_invoice, restore_invoice)


def decorate(rows, listing):
    """Set what each row shows."""
    describe(rows, firm_today(listing.now))


def describe(rows, today):
    """The same for rows that stand elsewhere: `status`, `status_badge`, `gross_words`, `open_words`, `due_words`, `is_overdue`, `late_words`."""
    own = get_firm().currency
    badges = {
        status: badge(status.label, INVOICE_TONES[status], dot=status != InvoiceStatus.VOID) for status in InvoiceStatus
    }
    for row in rows:
        row.status = row.status_on(today)
        row.status_badge = badges[row.status]
        row.is_overdue = row.status == InvoiceStatus.OVERDUE
        row.days_late = max(0, (today - row.due_date).days) if row.is_overdue else 0
        row.late_words = ngettext("%(n)d day late", "%(n)d days late", row.days_late) % {"n": row.days_late}
        row.due_words = short_day(row.due_date, today)
        row.gross_words = amount_words(row.gross, row.gross_firm, row.currency, own)
        row.open_words = "" if not row.open_amount else money_exact(row.open_amount, row.currency)


def amount_words(amount, in_firms, currency, own):
    """In its own currency, the firm's beneath it; an amount without a rate says so."""
    if currency == own:
        return money_exact(amount, own)
    if in_firms is None:
        return format_html(
            '{}<span class="sub text-amber">{}</span>', money_exact(amount, currency), gettext("no rate")
        )
    return format_html('{}<span class="sub">{}</span>', money_exact(amount, currency), money_exact(in_firms, own))


SUMS_IN_PAGE = 1_000  # invoices


def _more(listing):
    """The sums of a short list; those of a longer one come after the page, as they read every row."""
    may_create = permissions.may_create(listing.principal)
    total = listing.page.total
    if total is None or listing.page.is_capped or total > SUMS_IN_PAGE:
        return {"sums_url": listing.beside("sums"), "may_create": may_create}
    return {**sums_of(listing), "may_create": may_create}


def sums_of(listing) -> dict[str, Any]:
    """The variables of `clients/invoices/sums.html`."""
    own, today = get_firm().currency, firm_today(listing.now)
    found = open_sums(listing.rows, today)
    return {
        "sums": found,
        "ages": [_age(listing, part) for part in found.ages],
        "currency": own,
        "currencies": [money(each.amount, each.currency) for each in found.currencies] if _is_mixed(found, own) else [],
        "overdue_url": address(listing, status=InvoiceStatus.OVERDUE.value),
        "unpaid_url": address(listing, status="unpaid"),
        "left_out_url": address(listing, status="unpaid", unrated="1"),
        "billed": billed(listing.rows),
    }


def _is_mixed(found, own) -> bool:
    return any(each.currency != own for each in found.currencies)


def _age(listing, part) -> dict[str, Any]:
    return {
        "label": AGE_WORDS[part.key],
        "part": part,
        "is_chosen": listing.values.get("age") == part.key,
        "url": address(listing, age=part.key, status=""),
    }


def address(listing, **values):
    """The list with these filters besides those it has."""
    query = listing.given.copy()
    for name in ("cursor", "view", *values):
        query.pop(name, None)
    query.update({name: value for name, value in values.items() if value})
    return f"{listing.url}?{query.urlencode()}"


INVOICES = ListPage(
    url_name="clients:invoices",
    title=_("Invoices"),
    template="clients/invoices/list.html",
    rows=invoices_of,
    select=lambda rows: rows.select_related("client"),
    decorate=decorate,
    filters=InvoiceFilters,
    bar=("status",),
    panel=(
        "client",
        "engagement",
        "age",
        "owner",
        "date_from",
        "date_before",
        "due_from",
        "due_before",
        "currency",
        "unrated",
        "archived",
    ),
    view_by=("status", "owner", "archived"),
    search_label=_("Search invoices"),
    search_hint=_("Number"),
    sorts={"newest": "-invoice_date"},
    default_sort=lambda values: "due_date" if values.get("status") in BY_DUE_DATE or values.get("age") else "newest",
    views=(
        View(_("All"), {}),
        View(_("Unpaid"), {"status": "unpaid"}),
        View(_("Overdue"), {"status": InvoiceStatus.OVERDUE.value}),
        View(_("My clients, unpaid"), {"status": "unpaid", "owner": "me"}),
        View(_("Archived"), {"archived": "1"}),
    ),
    columns=(
        INVOICE_FIELDS["number"].in_list(),
        INVOICE_FIELDS["client"].in_list(),
        INVOICE_FIELDS["invoice_date"].in_list(css="num", first="desc"),
        INVOICE_FIELDS["due_date"].in_list(css="num"),
        Column("status", _("Status"), lambda row: str(row.status.label)),
        INVOICE_FIELDS["net"].in_list(is_in_file_only=True),
        INVOICE_FIELDS["tax"].in_list(is_in_file_only=True),
        INVOICE_FIELDS["gross"].in_list(css="num"),
        Column("open", _("Open"), lambda row: row.open_amount, css="num"),
        INVOICE_FIELDS["paid"].in_list(is_in_file_only=True),
        INVOICE_FIELDS["currency"].in_list(is_in_file_only=True),
        INVOICE_FIELDS["rate"].in_list(is_in_file_only=True),
        INVOICE_FIELDS["gross_firm"].in_list(is_in_file_only=True),
        INVOICE_FIELDS["open_firm"].in_list(is_in_file_only=True),
        INVOICE_FIELDS["engagement"].in_list(is_in_file_only=True),
    ),
    fields=INVOICE_FIELDS,
    noun=lambda n, text: ngettext("%(n)s invoice", "%(n)s invoices", n) % {"n": text},
    words={"due": _("Due"), "open": _("Open")},
    more=_more,
    empty=Empty(
        icon="receipt",
        title=_("No invoices yet"),
        text=_(
            "What you billed to clients, what was paid and what is overdue. Add invoices here or import them from your accounting system."
        ),
        action=_("New invoice"),
        url_name="clients:invoice_new",
        may=permissions.may_create,
        no_match=_("No invoice matches"),
    ),
    actions=ACTIONS,
    file_name="invoices",
)

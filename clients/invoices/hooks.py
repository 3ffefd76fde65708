"""What invoices offer to the kernel, to the client's page and to that of an engagement; `clients/hooks.py` imports it."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients import permissions, registry
from clients.engagements.cards import list_card
from clients.engagements.models import named_q, no_link_to
from clients.invoices.finding import find_invoices, invoice_hit
from clients.invoices.lists import describe
from clients.invoices.models import Invoice
from clients.invoices.queries import open_sums
from clients.invoices.services.overdue import tell_of_overdue
from crm.core.base import gate
from crm.core.firm.queries import firm_today, get_firm
from crm.core.search import sources as search
from crm.core.ui import navigation
from crm.core.work.schedule import Job, periodic

ON_CARD = 5

# Handlers


def seen_notifications(principal):
    """Notifications that lead to no invoice of a restricted engagement that is out of the principal's sight."""
    if principal.is_system:
        return Q()
    return no_link_to(Invoice.objects.exclude(named_q(principal)), "/invoices/")


@registry.panel("invoices", "side", 66, "clients/invoices/card.html", title=_("Invoices"), is_late=True)
def invoices_card(principal, client, now):
    """What is due and overdue, and the unpaid ones that were due first."""
    today = firm_today(now)
    rows = Invoice.objects.visible_to(principal).kept().filter(client=client.pk)
    found = list(rows.unpaid().order_by("due_date", "pk")[: ON_CARD + 1])
    describe(found, today)
    sums = open_sums(rows, today) if found else None
    return {"found": found[:ON_CARD], "sums": sums, "currency": get_firm().currency}


@list_card(
    "invoices",
    "finance-side",
    40,
    "clients/invoices/engagement_rows.html",
    title=_("Invoices"),
    empty=_("No invoices yet."),
    all_of_them="clients:invoices",
    add="clients:invoice_new_for",
    add_text=_("Add"),
    shown=ON_CARD,
    describe=lambda found, now: describe(found, firm_today(now)),
)
def engagement_invoices(principal, engagement, now):
    rows = Invoice.objects.visible_to(principal).kept().filter(engagement=engagement.pk)
    return rows.order_by("-invoice_date", "-pk")


# Wiring
gate.rules.register(gate.Rule("clients.invoices", "core.Notification", seen_notifications))
periodic.register(Job("clients.invoices", tell_of_overdue, _("Overdue invoices"), daily="clients:overdue-invoices"))
navigation.register(
    navigation.NavEntry("finance", _("Finance"), "clients:invoices", "receipt", 56, also=("/contracts/", "/revenue/"))
)
search.register(search.Source("invoices", _("Invoices"), 47, find_invoices, invoice_hit, list_url="clients:invoices"))
search.palette.register(
    search.Command(
        "new-invoice",
        _("New invoice"),
        "clients:invoice_new",
        "plus-lg",
        _("add create bill"),
        order=22,
        shown=permissions.may_create,
    )
)

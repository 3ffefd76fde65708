"""One invoice: its page, the form about it, void and trash."""

from django.contrib import messages
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions
from clients.invoices.fields import INVOICE_FIELDS
from clients.invoices.forms import InvoiceForm, NewInvoiceForm, VoidForm
from clients.invoices.lists import describe
from clients.invoices.models import Invoice
from clients.invoices.queries import line_rows, payments_of
from clients.invoices.services import records
from clients.page.dialogs import record_dialog, trail_of
from clients.page.queries import load_open_client
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number
from crm.core.firm.queries import firm_today, get_firm
from crm.core.ui.actions import form_action
from crm.core.ui.dialogs import crumbs
from crm.core.ui.formatting import money_exact
from crm.core.ui.htmx import back_to, go, posted

PAGE = ("client", "client__owner", "engagement")


@Kept
def _invoice(principal, *, pk: int):
    return Invoice.objects.visible_to(principal).select_related(*PAGE).filter(pk=pk)


def load_invoice(principal, pk: int) -> Invoice:
    """404 for one that is out of sight."""
    return _invoice.one(principal, pk=pk)


def load_to_change(request, pk: int) -> Invoice:
    row = load_invoice(request.principal, pk)
    require(permissions.may_change_invoice(request.principal, row), permissions.INVOICE_IN_TRASH)
    return row


@require_GET
def show(request, pk):
    row, now = load_invoice(request.principal, pk), timezone.now()
    describe([row], firm_today(now))
    context = {
        "invoice": row,
        "crumbs": crumbs(*_trail(row), row.number),
        "now": now,
        "payments": payments_of(row),
        "lines": line_rows(row),
        "own": get_firm().currency,
        "paid_words": money_exact(row.paid, row.currency),
        "net_words": money_exact(row.net, row.currency),
        "tax_words": money_exact(row.tax, row.currency),
        "shown": INVOICE_FIELDS.facts(row),
        "may_edit": permissions.may_change_invoice(request.principal, row),
        "may_restore": permissions.may_restore_invoice(request.principal, row),
    }
    return render(request, "clients/invoices/invoice.html", context)


@require_http_methods(["GET", "POST"])
def create(request, client_id=None):
    """A new one, of the client that the address names or that is chosen."""
    client = load_open_client(request.principal, client_id) if client_id else None
    initial = {"client": client, "currency": get_firm().currency, "invoice_date": firm_today(timezone.now())}
    initial["engagement"] = whole_number(request.GET.get("engagement"))
    form = NewInvoiceForm(posted(request), user=request.user, client=client, initial=initial)
    outcome = form_action(request, form, lambda: records.create_invoice(request.principal, **form.cleaned_data))
    if outcome.is_done:
        messages.success(request, _("Invoice added"))
        return go(request, outcome.result.get_absolute_url())
    back = client.get_absolute_url() if client else reverse("clients:invoices")
    return _form_page(request, form, outcome, _("New invoice"), back)


@require_http_methods(["GET", "POST"])
def edit(request, pk):
    row = load_to_change(request, pk)
    form = InvoiceForm(posted(request), principal=request.principal, client=row.client, instance=row)

    def act():
        seen = form.seen_version()
        return records.update_invoice(request.principal, invoice=row, seen_version=seen, **form.cleaned_data)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, row.get_absolute_url())
    return _form_page(request, form, outcome, row.number, row.get_absolute_url())


def _form_page(request, form, outcome, title, back):
    trail = [{"label": _("Invoices"), "url": reverse("clients:invoices")}, {"label": title}]
    context = {"form": form, "title": title, "back_url": back, "conflict": outcome.conflict, "trail": trail}
    return render(request, "form_page.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
def void(request, pk):
    row = load_to_change(request, pk)
    form = VoidForm(posted(request), initial={"version": row.version})

    def act():
        seen, reason = form.seen_version(), form.cleaned_data["reason"]
        return records.void_invoice(
            request.principal, invoice=row, reason=reason, seen_version=seen, now=timezone.now()
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        undo = reverse("clients:invoice_reinstate", args=[row.pk])
        messages.success(request, _("%(number)s is void") % {"number": row.number}, extra_tags=f"undo:{undo}")
        return go(request, row.get_absolute_url())
    return dialog(request, row, form, outcome, title=_("Void the invoice"), submit=_("Void"))


@require_POST
def reinstate(request, pk):
    row = load_to_change(request, pk)
    try:
        records.reinstate_invoice(request.principal, invoice=row)
    except (ServiceError, StaleWrite) as error:
        messages.error(request, str(error.message))
    else:
        messages.success(request, _("%(number)s counts again") % {"number": row.number})
    return go(request, row.get_absolute_url())


@require_POST
def archive(request, pk):
    row = records.archive_invoice(request.principal, invoice=load_invoice(request.principal, pk), now=timezone.now())
    undo = reverse("clients:invoice_restore", args=[row.pk])
    messages.success(request, _("Invoice archived"), extra_tags=f"undo:{undo}")
    return go(request, "clients:invoices")


@require_POST
def restore(request, pk):
    row = load_invoice(request.principal, pk)
    try:
        records.restore_invoice(request.principal, invoice=row)
    except ServiceError as error:
        messages.error(request, str(error.message))
    else:
        messages.success(request, _("Invoice restored"))
    return go(request, back_to(request, row.get_absolute_url()))


def _trail(row):
    return trail_of(row, _("Invoices"), "clients:invoices")


def dialog(request, row, form, outcome, *, title, submit):
    told = {"title": title, "submit": submit, "lead": row.client.name}
    return record_dialog(request, row, form, outcome, name=row.number, within=_trail(row), **told)

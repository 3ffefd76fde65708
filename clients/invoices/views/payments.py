"""What was paid of an invoice: recorded, and taken back."""

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clients.invoices.forms import PaymentForm
from clients.invoices.models import Payment
from clients.invoices.services import payments
from clients.invoices.views.record import dialog, load_invoice, load_to_change
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import firm_today
from crm.core.ui.actions import form_action
from crm.core.ui.formatting import money_exact
from crm.core.ui.htmx import go, posted


@require_http_methods(["GET", "POST"])
def add(request, pk):
    row, today = load_to_change(request, pk), firm_today(timezone.now())
    initial = {"amount": row.open_amount, "paid_date": today, "version": row.version}
    form = PaymentForm(posted(request), invoice=row, initial=initial)

    def act():
        seen = form.seen_version()
        return payments.record_payment(
            request.principal, invoice=row, today=today, seen_version=seen, **form.cleaned_data
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        undo = reverse("clients:payment_remove", args=[row.pk, outcome.result.pk])
        words = _("%(amount)s recorded") % {"amount": money_exact(outcome.result.amount, row.currency)}
        messages.success(request, words, extra_tags=f"undo:{undo}")
        return go(request, row.get_absolute_url())
    if outcome.conflict:
        row.refresh_from_db(fields=["paid", "gross"])
        form.say_open(row)
    return dialog(request, row, form, outcome, title=_("Record a payment"), submit=_("Record"))


@require_POST
def remove(request, pk, payment_id):
    row = load_invoice(request.principal, pk)
    payment = get_object_or_404(Payment.objects.select_related("invoice__client"), invoice=row, pk=payment_id)
    payments.remove_payment(request.principal, payment=payment)
    undo = reverse("clients:payment_restore", args=[row.pk, payment_id])
    messages.success(request, _("Payment removed"), extra_tags=f"undo:{undo}")
    return go(request, row.get_absolute_url())


@require_POST
def restore(request, pk, payment_id):
    row, today = load_invoice(request.principal, pk), firm_today(timezone.now())
    try:
        payments.restore_payment(request.principal, invoice=row, payment_id=payment_id, today=today)
    except ServiceError as error:
        messages.error(request, str(error.message))
    else:
        messages.success(request, _("Payment restored"))
    return go(request, row.get_absolute_url())

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.currencies.forms import PricedForm
from clients.engagements.forms import offer_engagements
from clients.engagements.models import open_to_all_q
from clients.invoices.fields import INVOICE_FIELDS
from clients.invoices.models import Invoice
from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.ui.formatting import money_exact
from crm.core.ui.forms import DateInput, Form, Layout, Maybe, Row, SearchedField

OFFERED = 200
ABOUT = Row("number", "invoice_date", "due_date", "net", "tax", "currency", "rate")


class InvoiceForm(PricedForm):
    catalogue = INVOICE_FIELDS
    layout = Layout(ABOUT, Maybe("engagement"), "note")

    def __init__(self, *args, principal, client: Client | None, **kwargs):
        super().__init__(*args, **kwargs)
        offer_engagements(self, principal=principal, client=client, present=self.instance.engagement_id)


class NewInvoiceForm(InvoiceForm):
    """A new one says its client."""

    catalogue = INVOICE_FIELDS
    layout = Layout("client", ABOUT, Maybe("engagement"), "note")

    client = SearchedField(Client.objects.none(), url="/clients/options/", label=_("Client"))

    def __init__(self, *args, user, client: Client | None, **kwargs):
        super().__init__(*args, principal=acting(user), client=client, **kwargs)
        self.fields["client"].queryset = Client.objects.visible_to(acting(user)).kept()


class PaymentForm(Form):
    merges = compared = False
    layout = Layout(Row("amount", "paid_date"), "note")

    amount = forms.DecimalField(label=_("Amount"), max_digits=14, decimal_places=2)
    paid_date = forms.DateField(label=_("Paid on"), widget=DateInput)
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def __init__(self, *args, invoice: Invoice, **kwargs):
        super().__init__(*args, **kwargs)
        self.say_open(invoice)

    def say_open(self, invoice: Invoice) -> None:
        left = money_exact(invoice.open_amount, invoice.currency)
        self.fields["amount"].help_text = _("%(left)s is open.") % {"left": left}


class VoidForm(Form):
    merges = False

    reason = forms.CharField(label=_("Why"), max_length=200, required=False)


def offer_invoices(form: forms.Form, *, principal, client: Client | None, present: int | None = None) -> None:
    """Let a form of revenue choose among the client's invoices that are not void, the newest first, and the `present` one.
    Where there is none, or the present one is out of sight, it does not ask, and the record keeps what it has."""
    seen = Invoice.objects.visible_to(principal).filter(open_to_all_q(), client=client) if client else None
    rows = Invoice.objects.none() if seen is None else seen
    kept = rows.kept().filter(voided_at__isnull=True)
    found = list(kept.order_by("-invoice_date", "-pk")[:OFFERED])
    if present and present not in {row.pk for row in found}:
        found = [*rows.filter(pk=present), *found]
        if not found or found[0].pk != present:
            found = []
    if not found:
        del form.fields["invoice"]
        return
    field = form.fields["invoice"]
    field.queryset = rows
    field.choices = [("", "—"), *((row.pk, str(row)) for row in found)]

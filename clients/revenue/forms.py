from django import forms
from django.utils.translation import gettext_lazy as _

from clients.currencies.forms import PricedForm
from clients.currencies.models import LEAST_RATE
from clients.engagements.forms import offer_engagements
from clients.invoices.forms import offer_invoices
from clients.revenue.fields import CONTRACT_FIELDS, REVENUE_FIELDS
from crm.core.base.places import currency_choices
from crm.core.fields.forms import CustomSections
from crm.core.ui.forms import DateInput, Form, Layout, Maybe, Row

PERHAPS = ("engagement", "invoice")  # asked for where the client has some


class RevenueForm(PricedForm):
    catalogue = REVENUE_FIELDS
    layout = Layout(Row(*(Maybe(name) if name in PERHAPS else name for name in REVENUE_FIELDS.group("form"))))

    def __init__(self, *args, principal, client, **kwargs):
        super().__init__(*args, **kwargs)
        present = self.instance.engagement_id
        offer_engagements(self, principal=principal, client=client, present=present, is_money=True)
        offer_invoices(self, principal=principal, client=client, present=self.instance.invoice_id)


class ContractForm(PricedForm):
    catalogue = CONTRACT_FIELDS
    layout = Layout(
        Row(*(Maybe(name) if name in PERHAPS else name for name in CONTRACT_FIELDS.group("form"))), CustomSections()
    )

    def __init__(self, *args, principal, client, **kwargs):
        super().__init__(*args, **kwargs)
        present = self.instance.engagement_id
        offer_engagements(self, principal=principal, client=client, present=present, is_money=True)
        self.add_custom(principal)


class RateForm(Form):
    """A new rate; of an existing one only the rate can be changed."""

    layout = Layout(Row())

    day = forms.DateField(label=_("Day"), widget=DateInput())
    currency = forms.ChoiceField(label=_("Currency"), choices=lambda: currency_choices())
    rate = forms.DecimalField(label=_("Rate"), max_digits=16, decimal_places=8, min_value=LEAST_RATE)

    def __init__(self, *args, own: str, rate=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["rate"].help_text = _("%(currency)s for one unit.") % {"currency": own}
        if rate is not None:
            del self.fields["day"], self.fields["currency"]
            self.fields["rate"].initial = rate.rate.normalize()
        else:
            self.fields["currency"].choices = [pair for pair in currency_choices() if pair[0] != own]


class PriceForm(Form):
    layout = Layout(Row())

    value = forms.DecimalField(label=_("New value"), max_digits=14, decimal_places=2, min_value=0)
    start_date = forms.DateField(label=_("From"), widget=DateInput())
    reason = forms.CharField(label=_("Why"), max_length=200)

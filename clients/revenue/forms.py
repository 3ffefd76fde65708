from django import forms
from django.utils.translation import gettext_lazy as _

from clients.revenue.fields import CONTRACT_FIELDS, REVENUE_FIELDS
from crm.core.fields.forms import CatalogueForm
from crm.core.ui.forms import DateInput, Form, Layout, Row


class RevenueForm(CatalogueForm):
    catalogue = REVENUE_FIELDS
    layout = Layout(Row(*REVENUE_FIELDS.group("form")))

    def clean_currency(self):
        return self.cleaned_data["currency"].upper() or None


class ContractForm(RevenueForm):
    catalogue = CONTRACT_FIELDS
    layout = Layout(Row(*CONTRACT_FIELDS.group("form")))


class PriceForm(Form):
    layout = Layout(Row())

    value = forms.DecimalField(label=_("New value"), max_digits=14, decimal_places=2, min_value=0)
    start_date = forms.DateField(label=_("From"), widget=DateInput())
    reason = forms.CharField(label=_("Why"), max_length=200)

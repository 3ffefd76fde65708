from django import forms
from django.utils.translation import gettext_lazy as _

from clients.revenue.fields import CONTRACT_FIELDS, REVENUE_FIELDS
from clients.revenue.models import LEAST_RATE
from crm.core.base.places import currency_choices
from crm.core.fields.forms import CatalogueForm, CustomSections
from crm.core.ui.forms import DateInput, Form, Layout, Row


class RevenueForm(CatalogueForm):
    catalogue = REVENUE_FIELDS
    layout = Layout(Row(*REVENUE_FIELDS.group("form")))

    def clean_currency(self):
        return self.cleaned_data["currency"].upper() or None

    def clean(self):
        """If the currency changes but the rate does not, the rate is the old currency's: drop it, so that the day's
        rate applies.
        """
        values = super().clean()
        if "currency" in self.changed_data and "rate" not in self.changed_data:
            values["rate"] = None
        return values


class ContractForm(RevenueForm):
    catalogue = CONTRACT_FIELDS
    layout = Layout(Row(*CONTRACT_FIELDS.group("form")), CustomSections())


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

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Service
from clients.revenue.models import Contract, RevenueLine
from crm.core.ui.forms import DateInput, Form, Layout, RecordForm, Row


class _PriceForm(RecordForm):
    """A row with a service and an amount in a currency."""

    layout = Layout(Row())
    optional = ("currency", "rate")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["service"].queryset = Service.objects.filter(Q(archived_at=None) | Q(pk=self.instance.service_id))
        for name in self.optional:
            self.fields[name].required = False

    def clean_currency(self):
        return self.cleaned_data["currency"].upper() or None

    def clean_rate(self):
        return self.cleaned_data["rate"] or 1


class RevenueForm(_PriceForm):
    class Meta:
        model = RevenueLine
        fields = ["date", "amount", "currency", "rate", "kind", "service", "reference", "note"]
        widgets = {"date": DateInput()}
        help_texts = {
            "amount": _("A refund is negative."),
            "rate": _("Firm's currency for one unit; 1 for the firm's own."),
        }


class ContractForm(_PriceForm):
    optional = ("currency", "rate", "notice_days")

    class Meta:
        model = Contract
        fields = [
            "service",
            "name",
            "value",
            "currency",
            "rate",
            "period",
            "start_date",
            "end_date",
            "renewal_date",
            "notice_days",
            "is_free",
            "is_auto_renewed",
        ]
        widgets = {"start_date": DateInput(), "end_date": DateInput(), "renewal_date": DateInput()}
        help_texts = {
            "end_date": _("The first day it is no longer in force."),
            "rate": _("Firm's currency for one unit; 1 for the firm's own."),
        }

    def clean_notice_days(self):
        return self.cleaned_data["notice_days"] or 0


class PriceForm(Form):
    layout = Layout(Row())

    value = forms.DecimalField(label=_("New value"), max_digits=14, decimal_places=2, min_value=0)
    start_date = forms.DateField(label=_("From"), widget=DateInput())
    reason = forms.CharField(label=_("Why"), max_length=200)

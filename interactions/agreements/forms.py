from django import forms
from django.utils.translation import gettext_lazy as _

from clients.engagements.forms import offer_engagements
from clients.engagements.models import Engagement
from clients.engagements.words import ONE
from crm.core.fields.forms import UserField
from crm.core.ui.forms import DateInput, Form, Layout, Maybe, Row
from interactions.agreements.choices import CommitmentState, Side
from interactions.agreements.models import TEXT_AT_MOST
from interactions.fields import contact_field


class DecisionForm(Form):
    text = forms.CharField(
        max_length=TEXT_AT_MOST, label=_("What was agreed"), widget=forms.Textarea(attrs={"rows": 3})
    )
    decided_date = forms.DateField(label=_("On"), widget=DateInput)
    engagement = forms.ModelChoiceField(Engagement.objects.none(), required=False, label=ONE)
    is_shared = forms.BooleanField(required=False, label=_("Shared with the client"))

    def __init__(self, *args, client, principal, **kwargs):
        super().__init__(*args, **kwargs)
        offer_engagements(self, principal=principal, client=client)
        self.fields["contact"] = contact_field(client)
        self.fields["contact"].label = _("Agreed by")


class CommitmentForm(Form):
    layout = Layout("text", Row("side", "due_date"), "owner", Maybe("engagement"), "is_shared", "contact")

    text = forms.CharField(max_length=300, label=_("Commitment"), widget=forms.TextInput(attrs={"autocomplete": "off"}))
    side = forms.ChoiceField(choices=Side.choices, label=_("Side"), initial=Side.FIRM)
    due_date = forms.DateField(required=False, label=_("Due"), widget=DateInput)
    owner = UserField(required=False, label=_("Our owner"), empty_label=_("Me"))
    engagement = forms.ModelChoiceField(Engagement.objects.none(), required=False, label=ONE)
    is_shared = forms.BooleanField(required=False, label=_("Shared with the client"))

    def __init__(self, *args, client, principal, **kwargs):
        super().__init__(*args, **kwargs)
        offer_engagements(self, principal=principal, client=client)
        self.fields["contact"] = contact_field(client)
        self.fields["contact"].label = _("Their owner")


class SettleForm(Form):
    state = forms.ChoiceField(choices=CommitmentState.choices)


class CadenceForm(Form):
    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=3650,
        label=_("Contact at least every (days)"),
        help_text=_("Leave empty to use the tier's target."),
    )

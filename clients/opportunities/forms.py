from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Service
from clients.currencies.forms import PricedForm
from clients.engagements.forms import offer_engagements
from clients.opportunities.choices import LostReason, WonContract
from clients.opportunities.fields import OPPORTUNITY_FIELDS
from clients.opportunities.models import Opportunity, Stage
from clients.records.models import Client
from clients.revenue.choices import BillingPeriod
from clients.revenue.models import Contract
from crm.core.base.principals import acting
from crm.core.base.reading import whole_number
from crm.core.fields.forms import CustomSections
from crm.core.listing.filters import MAX_ID
from crm.core.ui.forms import DateInput, Form, Layout, Maybe, More, Row, SearchedField, When

ABOUT = Row("kind", "owner", "value", "currency", "expected_close", "service")
RARELY = More(_("More"), Row("probability", "rate", "contract", "opened_date"), Maybe("engagement"), "description")


class OpportunityForm(PricedForm):
    """An opportunity of a client. An empty probability is the stage's."""

    catalogue = OPPORTUNITY_FIELDS
    layout = Layout("title", ABOUT, "next_step", CustomSections(), RARELY)

    def __init__(self, *args, user, client: Client | None, **kwargs):
        super().__init__(*args, **kwargs)
        offer_engagements(self, principal=acting(user), client=client, present=self.instance.engagement_id)
        contracts = Contract.objects.kept().select_related("service")
        self.fields["contract"].queryset = contracts.filter(client=client) if client else contracts.none()
        self.fields["contract"].help_text = _("The contract that this renews or extends.")
        self.fields["owner"].empty_label = None if self.instance.pk else _("The client’s account manager")
        self.fields["owner"].required = bool(self.instance.pk)
        if self.instance.pk:
            self.initial["probability"] = self.value_in(self.instance, "probability")

    def value_in(self, row, name):
        if name == "probability" and not row.has_own_probability:
            return None
        return super().value_in(row, name)

    def clean(self):
        values = super().clean()
        if "probability" in self.fields and "probability" not in self.errors:
            values["probability"] = self.cleaned_data.get("probability")
        return values


class NewOpportunityForm(OpportunityForm):
    """A new one says its client and its stage."""

    catalogue = OPPORTUNITY_FIELDS
    layout = Layout("client", "title", Row("stage"), ABOUT, "next_step", CustomSections(), RARELY)

    client = SearchedField(Client.objects.none(), url="/clients/options/", label=_("Client"))

    def __init__(self, *args, user, client: Client | None, **kwargs):
        super().__init__(*args, user=user, client=client, **kwargs)
        self.fields["client"].queryset = Client.objects.visible_to(acting(user)).kept()
        self.fields["stage"].queryset = offered_stages()
        self.fields["stage"].empty_label = None
        chosen = self.fields["client"].queryset.filter(pk=whole_number(self.data.get("client"))).first()
        if chosen is not None:  # of a form that comes back
            self.fields["contract"].queryset = (
                self.fields["contract"].queryset.model.objects.kept().filter(client=chosen)
            )


def offered_stages():
    rows = Stage.objects.kept().filter(pipeline__archived_at=None).select_related("pipeline")
    return rows.order_by("pipeline__position", "pipeline", "position", "pk")


class MoveForm(Form):
    merges = False

    stage = forms.ModelChoiceField(Stage.objects.none(), label=_("Stage"), empty_label=None, widget=forms.RadioSelect)

    def __init__(self, *args, opportunity: Opportunity, **kwargs):
        super().__init__(*args, initial={"stage": opportunity.stage_id, "version": opportunity.version}, **kwargs)
        stages = offered_stages()
        self.fields["stage"].queryset = stages
        if len({stage.pipeline_id for stage in stages}) > 1:
            self.fields["stage"].label_from_instance = lambda stage: f"{stage.pipeline} · {stage}"


class DropForm(forms.Form):
    """What a drag on the board posts: the card, the column and the version that was on the card."""

    moved = forms.IntegerField(min_value=1, max_value=MAX_ID)
    list = forms.IntegerField(min_value=1, max_value=MAX_ID)
    version = forms.IntegerField(min_value=1, max_value=MAX_ID)


class WonForm(Form):
    """What becomes of the contracts, and a word on how it went."""

    merges = False
    layout = Layout(
        "with_contract",
        When("with_contract=new", "service"),
        When("with_contract=price renew", "contract"),
        When("with_contract=new price", Row("value", "start_date")),
        When("with_contract=new", "period"),
        When("with_contract=new price renew", "renewal_date"),
        "outcome_note",
    )

    with_contract = forms.ChoiceField(label=_("Contract"), choices=WonContract)
    service = forms.ModelChoiceField(Service.objects.kept(), label=_("Service"), required=False)
    contract = forms.ModelChoiceField(Contract.objects.none(), label=_("Which contract"), required=False)
    value = forms.DecimalField(label=_("Value"), max_digits=14, decimal_places=2, min_value=Decimal(0), required=False)
    start_date = forms.DateField(label=_("From"), widget=DateInput(), required=False)
    period = forms.ChoiceField(label=_("Paid"), choices=BillingPeriod, required=False)
    renewal_date = forms.DateField(label=_("Next renewal"), widget=DateInput(), required=False)
    outcome_note = forms.CharField(label=_("How it was won"), max_length=300, required=False)

    def __init__(self, *args, opportunity: Opportunity, **kwargs):
        super().__init__(*args, **kwargs)
        contracts = Contract.objects.kept().filter(client=opportunity.client_id).select_related("service")
        self.fields["contract"].queryset = contracts
        if not contracts:
            self.fields["with_contract"].choices = [
                pair for pair in WonContract.choices if pair[0] in (WonContract.NONE, WonContract.NEW)
            ]
        self.initial = {
            "version": opportunity.version,
            "service": opportunity.service_id,
            "contract": opportunity.contract_id,
            "period": BillingPeriod.YEAR,
            "value": opportunity.value,
        } | self.initial

    def values(self):
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}


class LostForm(Form):
    merges = False
    layout = Layout("reason", "outcome_note")

    reason = forms.ChoiceField(
        label=_("Why was it lost?"),
        choices=LostReason,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose why it was lost.")},
    )
    outcome_note = forms.CharField(label=_("In a few words"), max_length=300, required=False)


class PipelineForm(Form):
    name = forms.CharField(label=_("Name"), max_length=80, error_messages={"required": _("Enter a name.")})


class StageForm(Form):
    layout = Layout("name", Row("probability", "rotting_days"))

    name = forms.CharField(label=_("Name"), max_length=80, error_messages={"required": _("Enter a name.")})
    probability = forms.IntegerField(label=_("Probability, %"), min_value=0, max_value=100, initial=50)
    rotting_days = forms.IntegerField(
        label=_("Rotting after, days"),
        min_value=1,
        max_value=3650,
        required=False,
        help_text=_("Marked on the board once it has been in the stage for longer. Leave empty for never."),
    )


class RemoveStageForm(Form):
    to = forms.ModelChoiceField(
        Stage.objects.none(),
        label=_("Move its open opportunities to"),
        help_text=_("Closed ones keep the stage in their history."),
        error_messages={"required": _("Choose another stage of this pipeline for its open opportunities.")},
    )

    def __init__(self, *args, stage: Stage, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = stage.pipeline.stages.kept().exclude(pk=stage.pk)

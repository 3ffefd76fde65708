from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.engagements.choices import EngagementState, PartyRole
from clients.engagements.fields import ENGAGEMENT_FIELDS
from clients.engagements.models import Engagement, EngagementParty
from clients.engagements.queries import OFFERED, current_of
from clients.engagements.services.records import BEGINS_AS
from clients.engagements.words import is_on
from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.fields.forms import CatalogueForm, CustomSections, UserField
from crm.core.ui.forms import Asks, DateInput, Form, Layout, ModelForm, Row, SearchedField
from crm.core.users.models import User


def offer_engagements(
    form: Any, *, principal: Any, client: Client | None, present: int | None = None, is_money: bool = False
) -> None:
    """Let the form choose among the client's current engagements, and the `present` one. Without any it does not ask. `is_money`: a contract
    or revenue, which is of no restricted one."""
    if client is None or not is_on():
        del form.fields["engagement"]
        return
    found = _offered(principal, client, present).order_by("-created_at", "-pk")[:OFFERED] if present else None
    found = list(found) if found is not None else current_of(principal, client)
    found = [row for row in found if not (is_money and row.is_restricted)]
    if not found:
        del form.fields["engagement"]
        return
    field = form.fields["engagement"]
    if form.is_bound:
        field.queryset = _offered(principal, client, present)
    field.choices = [("", "—"), *((row.pk, str(row)) for row in found)]


def _offered(principal: Any, client: Client, present: int | None) -> QuerySet:
    rows = Engagement.objects.visible_to(principal).filter(client=client)
    kept = rows.kept().current()
    return rows.filter(Q(pk=present) | Q(pk__in=kept.values("pk"))) if present else kept


class EngagementForm(CatalogueForm):
    catalogue = ENGAGEMENT_FIELDS
    layout = Layout(
        "title",
        Row("number", "kind", "lead", "opened_date"),
        Row("budget", "currency"),
        CustomSections(),
        "description",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["kind"].empty_label = _("No kind")
        if self.instance.pk:
            self.fields["number"].required = True
            self.fields["lead"].required = True


class NewEngagementForm(EngagementForm):
    """A new one says its client, whether it is open yet, and who works on it."""

    catalogue = ENGAGEMENT_FIELDS
    layout = Layout(
        "client",
        "title",
        Row("number", "kind", "lead", "state", "opened_date"),
        "team",
        Row("budget", "currency"),
        CustomSections(),
        "description",
    )

    client = SearchedField(Client.objects.none(), url="/clients/options/", label=_("Client"))
    state = forms.ChoiceField(
        label=_("State"), choices=[(state, state.label) for state in BEGINS_AS], initial=EngagementState.OPEN
    )
    team = forms.ModelMultipleChoiceField(
        User.objects.active(),
        label=_("Team"),
        required=False,
        widget=forms.SelectMultiple(attrs={"data-combobox": ""}),
    )

    def __init__(self, *args, user, number: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["client"].queryset = Client.objects.visible_to(acting(user)).kept()
        self.fields["lead"].required = self.fields["opened_date"].required = False
        self.fields["lead"].empty_label = _("The client’s account manager")
        self.fields["number"].help_text = _("Leave empty for %(number)s.") % {"number": number}

    def clean(self):
        data = super().clean()
        if data.get("state") == EngagementState.INTAKE:
            data["opened_date"] = None
        return data


class CloseForm(Asks, Form):
    """Closing asks about what is still open."""

    merges = False

    closed_date = forms.DateField(label=_("Closed on"), widget=DateInput)

    def __init__(self, *args, open_ends: list[str], **kwargs):
        super().__init__(*args, **kwargs)
        self.open_ends = open_ends

    def clean(self):
        data = super().clean()
        if self.open_ends and not self.errors:
            words = ", ".join(self.open_ends)
            text = _("Still open: %(left)s. They stay as they are. Send again to close it.") % {"left": words}
            self.ask(words, text)
        return data


class SeatForm(Form):
    user = UserField(
        label=_("Colleague"),
        empty_label=_("Type a name"),
        widget=forms.Select(attrs={"data-combobox": ""}),
        error_messages={"required": _("Choose a colleague.")},
    )


class PartyForm(ModelForm):
    layout = Layout(Row("role", "contact"), Row("outside_name", "note"))

    role = forms.ChoiceField(label=_("Role"), choices=PartyRole)

    class Meta:
        model = EngagementParty
        fields = ["role", "contact", "outside_name", "note"]

    def __init__(self, *args, client: Client, **kwargs):
        super().__init__(*args, **kwargs)
        people = Contact.objects.kept().filter(affiliations__client=client).distinct()
        self.fields["contact"].queryset = people.order_by("name_key", "pk")
        self.fields["contact"].required = False
        self.fields["contact"].empty_label = _("Nobody of this client")
        self.fields["outside_name"].label = _("Or somebody else, by name")

    def _post_clean(self):
        """The service checks the constraints, with their messages."""


class KindForm(Form):
    name = forms.CharField(label=_("Name"), max_length=80, error_messages={"required": _("Enter a name.")})

import re

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Tag
from clients.fields import CountryField, LanguageField, UserField, ZoneField
from clients.phones import bare_digits
from clients.records.choices import LeavingReason, Status
from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.ui.forms import DateInput, Form, Group, Layout, Part, RecordForm, Row, When, names_in
from crm.core.users.models import Team, User

WEBSITE = re.compile(r"(?:https?://)?[^\s/.@]+(?:\.[^\s/.@]+)+(?:[/?#]\S*)?", re.IGNORECASE)
GROUPS = (
    Group(_("Who they are"), Row("kind", "relationship", "parent", "industry", "website", "source"), id="group-1"),
    Group(
        _("How they reach us, and we them"),
        Row("email", "phone", "preferred_channel", "salutation", "language", "time_zone"),
        id="group-2",
    ),
    Group(_("Address"), Row("street", "postal_code", "city", "region", "country"), id="group-3"),
    Group(_("Who looks after them"), Row("team", "tier", "tags"), id="group-4"),
    Group(_("In their words"), Row("goals", "expectations", "notes", css="stack"), id="group-5"),
)
HEAD = (Row("name", "owner"), Part("clients/page/similar_slot.html"))


class ClientForm(RecordForm):
    """Every field of a client. A new one also says its status and since when."""

    layout = Layout(Group("", *HEAD), *GROUPS)

    owner = UserField(label=_("Account manager"))
    team = forms.ModelChoiceField(queryset=Team.objects.filter(archived_at=None), label=_("Team"), required=False)
    tags = forms.ModelMultipleChoiceField(
        queryset=Tag.objects.all(),
        label=_("Tags"),
        required=False,
        widget=forms.SelectMultiple(attrs={"data-combobox": ""}),
    )
    country = CountryField(label=_("Country"), required=False)
    time_zone = ZoneField(
        label=_("Time zone"), required=False, help_text=_("For times of calls and of progress emails")
    )

    language = LanguageField(
        label=_("Language"), required=False, help_text=_("Mails to them are written in it; else in the firm's")
    )

    class Meta:
        model = Client
        fields = names_in(*HEAD, *GROUPS)
        widgets = {
            "goals": forms.Textarea(attrs={"rows": 3}),
            "expectations": forms.Textarea(attrs={"rows": 3}),
            "notes": forms.Textarea(attrs={"rows": 3}),
        }
        help_texts = {"parent": _("The client this one belongs to, if any")}

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["language"].keep(self.instance.language)
        if self.instance.pk:
            self.fields["owner"].queryset = User.objects.filter(Q(is_active=True) | Q(pk=self.instance.owner_id))
            self.fields["team"].queryset = Team.objects.filter(Q(archived_at=None) | Q(pk=self.instance.team_id))
        self.fields["parent"].queryset = Client.objects.visible_to(acting(user)).kept().exclude(pk=self.instance.pk)
        self.hides_parent = (
            bool(self.instance.parent_id)
            and not self.fields["parent"].queryset.filter(pk=self.instance.parent_id).exists()
        )
        self.fields["parent"].widget = ParentSelect(
            self._parent_choice(), attrs={"data-combobox": "", "data-combobox-url": "/clients/options/"}
        )

    def _parent_choice(self):
        value = self.data.get(self.add_prefix("parent")) if self.is_bound else self.instance.parent_id
        known = (
            self.fields["parent"].queryset.filter(pk=value).values_list("pk", "name")
            if value and str(value).isdigit()
            else []
        )
        return [("", _("Nobody")), *known]

    def clean_phone(self):
        number = self.cleaned_data["phone"]
        if number and len(bare_digits(number)) < 3:
            raise forms.ValidationError(_("“%(number)s” is not a phone number.") % {"number": number})
        return number

    def clean_website(self):
        site = self.cleaned_data["website"].strip()
        if site and not WEBSITE.fullmatch(site):
            raise forms.ValidationError(_("Write the address as in www.example.com."))
        return site

    def service_fields(self) -> dict:
        """What was changed (all of it for a new client), ready for the service."""
        names = self.changed_data if self.instance.pk else list(self.fields)
        if self.hides_parent and self.cleaned_data.get("parent") is None:  # nobody clears a parent they cannot see
            names = [name for name in names if name != "parent"]
        return {
            name: self.cleaned_data[name] for name in names if name in self.Meta.fields and name in self.cleaned_data
        }


class ParentSelect(forms.Select):
    def __init__(self, choices, attrs=None):
        super().__init__(attrs=attrs)
        self.fixed = choices

    @property
    def choices(self):
        return self.fixed

    @choices.setter
    def choices(self, value):
        """Ignored: a field would set every client. The combobox asks for those that match what is typed."""


class NewClientForm(ClientForm):
    layout = Layout(
        Group("", *HEAD, Row("status", "status_start", When("status=former", "reason"), css="grid-3")), *GROUPS
    )

    status = forms.ChoiceField(label=_("Status"), choices=Status.choices, initial=Status.PROSPECT)
    status_start = forms.DateField(label=_("Since"), widget=DateInput())
    reason = forms.ChoiceField(
        label=_("Reason of leaving"), required=False, choices=[("", "—"), *LeavingReason.choices]
    )


class StatusForm(Form):
    layout = Layout(Row("status", "start_date"), When("status=former", "reason"), "note")

    status = forms.ChoiceField(label=_("New status"), choices=Status.choices)
    start_date = forms.DateField(
        label=_("From"),
        widget=DateInput(),
        help_text=_("May lie in the past, or in the future: then it changes by itself on that day."),
        localize=False,
    )
    reason = forms.ChoiceField(
        label=_("Reason of leaving"), required=False, choices=[("", _("Choose")), *LeavingReason.choices]
    )
    note = forms.CharField(
        label=_("In their words"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


class AccessForm(Form):
    """Somebody who may see a restricted client besides its owner."""

    user = UserField(label=_("Who else may see it"), required=False)
    reason = forms.CharField(label=_("Why"), required=False, max_length=200)


class FactForm(ClientForm):
    """One of the fields that are edited in place on the client's page."""

    def __init__(self, *args, name, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields = {name: self.fields[name]}

import re

from django import forms
from django.utils.translation import gettext_lazy as _

from clients import permissions
from clients.phones import bare_digits
from clients.records.choices import LeavingReason, Status
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.fields.forms import CatalogueForm, CustomSections, UserField
from crm.core.ui.forms import (
    DateInput,
    Form,
    Group,
    Helper,
    Layout,
    More,
    Part,
    Row,
    When,
    names_in,
    part_of,
)

WEBSITE = re.compile(r"(?:https?://)?[^\s/.@]+(?:\.[^\s/.@]+)+(?:[/?#]\S*)?", re.IGNORECASE)
GROUPS = tuple(
    Group(title, Row(*CLIENT_FIELDS.group(name), css=css), id=f"group-{name}")
    for title, name, css in (
        (_("About"), "who", "grid-2"),
        (_("Contact details"), "reach", "grid-2"),
        (_("Address"), "address", "grid-2"),
        (_("Ownership"), "care", "grid-2"),
        (_("Goals and expectations"), "words", "stack"),
    )
)
HEAD = (Row("name", "owner"), Part("clients/page/similar_slot.html"))


def check_phone(number: str) -> str:
    if number and len(bare_digits(number)) < 3:
        raise forms.ValidationError(_("“%(number)s” is not a phone number.") % {"number": number})
    return number


def check_website(site: str) -> str:
    site = site.strip()
    if site and not WEBSITE.fullmatch(site):
        raise forms.ValidationError(_("Enter an address such as www.example.com."))
    return site


class ClientForm(CatalogueForm):
    """Every field of a client. A new one also has a status and its start date."""

    catalogue = CLIENT_FIELDS
    layout = Layout(Group("", *HEAD), *GROUPS, CustomSections())

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user
        self.add_custom(acting(user))
        if self.instance.pk and not permissions.may_reassign(acting(user), self.instance):
            self.fields["team"].disabled, self.fields["team"].help_text = True, permissions.MOVE
        self.fields["parent"].queryset = Client.objects.visible_to(acting(user)).kept().exclude(pk=self.instance.pk)
        self.hides_parent = (
            bool(self.instance.parent_id)
            and not self.fields["parent"].queryset.filter(pk=self.instance.parent_id).exists()
        )
        self.unseen = ("parent",) if self.hides_parent else ()

    def clean_phone(self):
        return check_phone(self.cleaned_data["phone"])

    def clean_website(self):
        return check_website(self.cleaned_data["website"])

    def service_fields(self) -> dict:
        """The changed fields (all for a new client), ready for the service."""
        names = self.changed_data if self.instance.pk else list(self.fields)
        if (
            self.hides_parent and self.cleaned_data.get("parent") is None
        ):  # a parent that the user cannot see must not be cleared
            names = [name for name in names if name != "parent"]
        own = {*(self._meta.fields or ()), *self.custom_names}
        return {name: self.cleaned_data[name] for name in names if name in own and name in self.cleaned_data}


FURTHER = (
    Group(
        _("About"),
        Row(*(name for name in CLIENT_FIELDS.group("who") if name != "website"), "status_start"),
        id="group-who",
    ),
    *GROUPS[1:],
)


class NewClientForm(ClientForm):
    """The main fields of a new client; the `rest` is collapsed."""

    layout = Layout(
        Group(
            "",
            Row("name", "website"),
            Part("clients/page/similar_slot.html"),
            Row("owner", "status"),
            When("status=former", "reason"),
            CustomSections(required=True),
        )
    )

    @property
    def rest(self) -> Helper:
        wrong = self.is_bound and not self.errors.keys().isdisjoint({*names_in(*FURTHER), *self.custom_names})
        return part_of(Layout(More(_("More fields"), *FURTHER, CustomSections(required=False), open=wrong)))

    status = forms.ChoiceField(label=_("Status"), choices=Status.choices, initial=Status.PROSPECT)
    status_start = forms.DateField(label=_("Since"), widget=DateInput())
    reason = forms.ChoiceField(
        label=_("Reason for leaving"), required=False, choices=[("", "—"), *LeavingReason.choices]
    )


class FirstContactForm(Form):
    """The first contact of a new client; may be empty."""

    layout = Layout(Group(_("First contact"), Row("first_name", "last_name", "email", "title"), id="first-contact"))

    first_name = forms.CharField(label=_("First name"), required=False, max_length=80)
    last_name = forms.CharField(label=_("Last name"), required=False, max_length=80)
    email = forms.EmailField(label=_("Email"), required=False, max_length=254)
    title = forms.CharField(label=_("Job title"), required=False, max_length=120)

    def clean(self):
        data = super().clean()
        if (data.get("email") or data.get("title")) and not (data.get("first_name") or data.get("last_name")):
            self.add_error("last_name", _("Enter a first or last name."))
        return data

    def contact_fields(self) -> dict | None:
        """The arguments of `create_contact`; None without a contact."""
        data = self.cleaned_data
        if not (data["first_name"] or data["last_name"]):
            return None
        return {name: data[name] for name in ("first_name", "last_name", "title")} | {
            "emails": [("work", data["email"])] if data["email"] else []
        }


class StatusForm(Form):
    layout = Layout(Row("status", "start_date"), When("status=former", "reason"), "note")

    status = forms.ChoiceField(label=_("New status"), choices=Status.choices)
    start_date = forms.DateField(
        label=_("From"),
        widget=DateInput(),
        help_text=_("Can be in the past or future. A future status starts automatically on that day."),
        localize=False,
    )
    reason = forms.ChoiceField(
        label=_("Reason for leaving"), required=False, choices=[("", _("Choose")), *LeavingReason.choices]
    )
    note = forms.CharField(
        label=_("Reason in their words"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


class AccessForm(Form):
    """Another colleague who may see a restricted client."""

    user = UserField(label=_("Also visible to"), required=False)
    reason = forms.CharField(label=_("Why"), required=False, max_length=200)


class FactForm(ClientForm):
    """One field, edited in place on the client's page."""

    def __init__(self, *args, name, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields = {name: self.fields[name]} if name in self.fields else {}

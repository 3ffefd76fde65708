from dataclasses import dataclass

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, validate_email
from django.db.models import Model
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.choices import ContactLabel, Purpose
from clients.contacts.fields import CONTACT_FIELDS, PLACE_FIELDS
from clients.contacts.models import Contact, ContactEmail, ContactPhone
from clients.phones import bare_digits
from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.fields.forms import CatalogueForm, CustomSections
from crm.core.templatetags.ui_forms import too_long
from crm.core.ui.forms import Clash, Form, Layout, Maybe, Part, Row, SearchedField

SPARE = 1  # empty rows offered after the filled ones


def _too_long(text: str, model: type[Model], name: str) -> str:
    """The form's message for a text too long for the column; "" if it fits."""
    try:
        MaxLengthValidator(model._meta.get_field(name).max_length)(text)
    except ValidationError as error:
        return too_long(error) or error.messages[0]
    return ""


@dataclass
class AddressRow:
    label: str
    text: str
    error: str = ""

    def __str__(self):
        return f"{self.label} {self.text}"


class ContactForm(CatalogueForm):
    """A contact with any number of mail addresses and phones: repeated fields `email`, `email_label`, `phone`, `phone_label`; the first
    of each is the main one. The button `more` asks for further rows instead of saving."""

    catalogue = CONTACT_FIELDS
    layout = Layout(
        Row("first_name", "last_name"),
        Part("clients/contacts/similar_slot.html"),
        Part("clients/contacts/addresses.html"),
        Row(*CONTACT_FIELDS.group("about")[:-1]),
        CONTACT_FIELDS.group("about")[-1],
        CustomSections(),
    )
    labels = ContactLabel.choices

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._read_rows()
        self.spare = SPARE

    def _read_rows(self):
        self.emails = self._rows("email", "address", "emails")
        self.phones = self._rows("phone", "number", "phones")

    def check_again(self):
        self._read_rows()
        super().check_again()

    @property
    def seen_values(self) -> SafeString:
        """With the addresses as they were shown, `label text` each."""
        seen = super().seen_values
        if not seen:
            return seen
        shown = {"email": self.emails, "phone": self.phones}
        names = [
            (name, row)
            for name, rows in shown.items()
            for row in (self.data.getlist(f"initial-{name}") if self.is_bound else map(str, rows))
        ]
        return seen + format_html_join("", '<input type="hidden" name="initial-{}" value="{}">', names)

    def merge_onto(self, current):
        clashes = super().merge_onto(current)
        for name, label, attribute, saved in (
            ("email", _("Emails"), "address", current.emails.all()),
            ("phone", _("Phones"), "number", current.phones.all()),
        ):
            theirs = [str(AddressRow(row.label, getattr(row, attribute))) for row in saved]
            mine = [str(row) for row in self._rows(name, "", "")]
            seen = self.data.getlist(f"initial-{name}")
            if mine == seen:
                self._put_rows(name, theirs)
            elif theirs not in (seen, mine):
                inputs = format_html_join(
                    "", '<input type="hidden" name="theirs-{}" value="{}">', [(name, row) for row in theirs]
                )
                clashes.append(Clash(name, label, ", ".join(theirs), ", ".join(mine), inputs))
            self.data.setlist(f"initial-{name}", theirs)
        self.check_again()
        return clashes

    def take_theirs(self):
        super().take_theirs()
        for name in ("email", "phone"):
            if self.data.get(f"keep-{name}") == "theirs":
                self.data = self.data.copy()
                self._put_rows(name, self.data.getlist(f"theirs-{name}"))
                self.check_again()

    def _put_rows(self, name, rows):
        pairs = [row.partition(" ") for row in rows]
        self.data.setlist(name, [text for _label, _space, text in pairs])
        self.data.setlist(f"{name}_label", [label for label, _space, _text in pairs])

    def _rows(self, name, attribute, relation):
        if self.is_bound:
            texts, labels = self.data.getlist(name)[:30], self.data.getlist(f"{name}_label")
            return [
                AddressRow(labels[n] if n < len(labels) else "work", text.strip())
                for n, text in enumerate(texts)
                if text.strip()
            ]
        if not self.instance.pk:
            return []
        return [AddressRow(row.label, getattr(row, attribute)) for row in getattr(self.instance, relation).all()]

    @property
    def wants_rows(self) -> bool:
        return self.is_bound and "more" in self.data

    def add_rows(self) -> None:
        """Show the form again with the input and more empty rows, without validation."""
        self.spare = SPARE + 2
        self._errors = forms.utils.ErrorDict()

    def email_rows(self) -> list[AddressRow]:
        return self.emails + [AddressRow("work", "")] * self.spare

    def phone_rows(self) -> list[AddressRow]:
        return self.phones + [AddressRow("mobile" if self.phones else "work", "")] * self.spare

    def clean(self):
        data = super().clean()
        for row in self.emails:
            row.error = _too_long(row.text, ContactEmail, "address")
            try:
                validate_email(row.text)
            except ValidationError:
                row.error = row.error or _("“%(address)s” is not an email address.") % {"address": row.text}
        for row in self.phones:
            row.error = _too_long(row.text, ContactPhone, "number")
            if len(bare_digits(row.text)) < 3:
                row.error = row.error or _("“%(number)s” is not a phone number.") % {"number": row.text}
        if not data.get("first_name") and not data.get("last_name"):
            self.add_error("last_name", _("Enter a first or last name."))
        if wrong := [row.error for row in [*self.emails, *self.phones] if row.error]:
            raise ValidationError(wrong)
        return data

    @property
    def name(self) -> str:
        return f"{self.cleaned_data['first_name']} {self.cleaned_data['last_name']}".strip()

    def service_fields(self) -> dict:
        return self.cleaned_data | {
            "emails": [(row.label, row.text) for row in self.emails],
            "phones": [(row.label, row.text) for row in self.phones],
        }


class PlaceForm(CatalogueForm):
    """A contact's affiliation with one client."""

    catalogue = PLACE_FIELDS
    layout = Layout(Row("title", "decision_role"), Row("is_primary", "is_billing", css="cluster"), Maybe("left_date"))

    def __init__(self, *args, with_left=False, **kwargs):
        super().__init__(*args, **kwargs)
        if not with_left:
            del self.fields["left_date"]


class LinkForm(CatalogueForm):
    catalogue = PLACE_FIELDS
    layout = Layout(Row("contact", "title", "decision_role", css="grid-3"))

    contact = SearchedField(
        Contact.objects.none(),
        url="/contacts/options/",
        label=gettext_lazy("Person"),
        empty_label=gettext_lazy("Type a name"),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["contact"].queryset = Contact.objects.visible_to(acting(user)).kept()


class ClientChoiceForm(Form):
    """The client a new contact belongs to."""

    client = SearchedField(
        Client.objects.none(),
        url="/clients/options/",
        required=False,
        label=gettext_lazy("Client"),
        empty_label=gettext_lazy("None"),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["client"].queryset = Client.objects.visible_to(acting(user)).kept()


class ConsentForm(forms.Form):
    purpose = forms.ChoiceField(choices=Purpose.choices)
    is_given = forms.TypedChoiceField(
        choices=[("1", gettext_lazy("email consent")), ("0", gettext_lazy("no email consent"))],
        coerce=lambda v: v == "1",
    )
    source = forms.CharField(label=gettext_lazy("Source"), required=False, max_length=120)


class HeldForm(forms.Form):
    use = forms.ChoiceField(
        choices=[("new", gettext_lazy("the new details")), ("old", gettext_lazy("the earlier ones"))]
    )

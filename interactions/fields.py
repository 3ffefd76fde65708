"""Fields that several forms of this app share."""

from datetime import UTC, datetime
from functools import partial

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from crm.core.ui.forms import DateTimeInput
from crm.core.users.models import User


class WallTimeField(forms.DateTimeField):
    """A local date and time in the user's zone, read as everywhere: an hour that does not exist moves forward, one that
    happens twice is the first."""

    widget = DateTimeInput

    def to_python(self, value):
        if value in self.empty_values or isinstance(value, datetime):
            return super().to_python(value)
        try:
            parsed = parse_datetime(str(value).strip())
        except ValueError:
            parsed = None
        if parsed is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        if timezone.is_naive(parsed):
            parsed = parsed.replace(tzinfo=timezone.get_current_timezone(), fold=0)
        try:
            return parsed.astimezone(UTC)
        except OverflowError as error:  # the year 1, or 9999, across a zone
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


PeopleField = partial(forms.ModelMultipleChoiceField, widget=forms.CheckboxSelectMultiple)
PersonField = forms.ModelChoiceField


def contacts_of(client):
    """Everybody who is or was a contact of the client, for validating what was chosen."""
    return Contact.objects.filter(affiliations__client=client).distinct()


def current_contacts_of(client):
    """Those to choose from, the main contact first."""
    current = Contact.objects.kept().filter(affiliations__client=client, affiliations__left_date__isnull=True)
    return current.order_by("-affiliations__is_primary", "affiliations__id")


def colleagues():
    return User.objects.active()


def contact_field(client, **kwargs):
    return PersonField(
        queryset=current_contacts_of(client), required=False, label=_("With"), empty_label=_("Nobody named"), **kwargs
    )

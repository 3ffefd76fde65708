"""Fields that several forms of this app share."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact


def contacts_of(client):
    """Everybody who is or was a contact of the client, for validating what was chosen."""
    return Contact.objects.filter(affiliations__client=client).distinct()


def current_contacts_of(client):
    """Those to choose from, the main contact first."""
    current = Contact.objects.kept().filter(affiliations__client=client, affiliations__left_date__isnull=True)
    return current.order_by("-affiliations__is_primary", "affiliations__id")


def contact_field(client, **kwargs):
    return forms.ModelChoiceField(
        queryset=current_contacts_of(client), required=False, label=_("With"), empty_label=_("No contact"), **kwargs
    )

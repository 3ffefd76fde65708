"""Bulk actions on clients and contacts."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Tag
from clients.contacts.models import Contact
from clients.contacts.services import archive_contact, restore_contact
from clients.records.models import Client
from clients.records.services.clients import archive_client, restore_client, update_client
from crm.core.base.errors import ServiceError
from crm.core.listing.selection import NO_CHANGE, Action, actions, hand_over, outside_trash, trash_actions


class TagForm(forms.Form):
    tag = forms.ModelChoiceField(Tag.objects.all(), label=_("Tag"))


def _give(principal, client, now, owner):
    update_client(principal, client=client, seen_version=None, owner=owner)


def _tag(principal, client, values, now):
    tags = list(client.tags.all())
    if values["tag"] in tags:
        raise ServiceError(NO_CHANGE)
    update_client(principal, client=client, seen_version=None, tags=[*tags, values["tag"]])
    return values["tag"].pk


def _untag(principal, client, before, now):
    update_client(principal, client=client, seen_version=None, tags=list(client.tags.exclude(pk=before)))


CLIENTS = (
    hand_over("clients.reassign", _("Reassign"), Client, _give, _("Account manager"), "owner", fits=outside_trash),
    actions.register(Action("clients.tag", _("Add a tag"), Client, _tag, _untag, "tag", TagForm, fits=outside_trash)),
    *trash_actions("clients", Client, "client", archive_client, restore_client),
)
CONTACTS = trash_actions("contacts", Contact, "contact", archive_contact, restore_contact)

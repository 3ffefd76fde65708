"""Bulk actions on clients and contacts."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Tag
from clients.contacts.fields import CONTACT_FIELDS
from clients.contacts.models import Contact
from clients.contacts.services import archive_contact, restore_contact, update_contact
from clients.records.fields import CLIENT_FIELDS
from clients.records.forms import check_phone, check_website
from clients.records.models import Client
from clients.records.services.clients import archive_client, lock_parents, restore_client, update_client
from crm.core.base.errors import ServiceError
from crm.core.bulk.editing import bulk_edit
from crm.core.listing.selection import NO_CHANGE, Action, actions, hand_over, outside_trash, trash_actions


class TagForm(forms.Form):
    tag = forms.ModelChoiceField(Tag.objects.all(), label=_("Tag"))


def _give(principal, client, now, owner):
    update_client(principal, client=client, seen_version=client.seen_version, owner=owner)


def _tag(principal, client, values, now):
    tags = list(client.tags.all())
    if values["tag"] in tags:
        raise ServiceError(NO_CHANGE)
    update_client(principal, client=client, seen_version=client.version, tags=[*tags, values["tag"]])
    return values["tag"].pk


def _untag(principal, client, before, now):
    update_client(principal, client=client, seen_version=client.version, tags=list(client.tags.exclude(pk=before)))


def _write(principal, client, *, seen_version, now, **fields):
    return update_client(principal, client=client, seen_version=seen_version, **fields)


def _write_contact(principal, contact, *, seen_version, now, **fields):
    return update_contact(principal, contact=contact, seen_version=seen_version, **fields)


EDIT = bulk_edit(
    "clients.edit",
    CLIENT_FIELDS,
    _write,
    but=("name",),
    checks={"phone": check_phone, "website": check_website},
    locks={"parent": lock_parents},
)
CLIENTS = (
    EDIT,
    hand_over("clients.reassign", _("Reassign"), Client, _give, _("Account manager"), "owner", fits=outside_trash),
    actions.register(Action("clients.tag", _("Add tag"), Client, _tag, _untag, "tag", TagForm, fits=outside_trash)),
    *trash_actions("clients", Client, "client", archive_client, restore_client),
)
CONTACTS = (
    bulk_edit("contacts.edit", CONTACT_FIELDS, _write_contact, but=("first_name", "last_name")),
    *trash_actions("contacts", Contact, "contact", archive_contact, restore_contact),
)

"""Wires merges into the rest of the app; `clients/hooks.py` imports it."""

from functools import partial

from django.utils.translation import gettext_lazy as _

from clients import registry
from clients.contacts.models import Contact
from clients.merging import whole  # noqa: F401  registers itself
from clients.merging.queries import seen_successor, successor
from clients.permissions import may_create
from clients.records.models import Client
from crm.core.search import sources as search


def find(model, principal, pk):
    return seen_successor(principal, model, pk)


def is_merged(model, pk):
    return successor(model, pk) != pk


for model in (Client, Contact):
    registry.successors.register(
        registry.Successor(model._meta.label_lower, partial(find, model), partial(is_merged, model))
    )
for key, label, url_name in (
    ("merges", _("Merged clients"), "clients:merges"),
    ("contact-merges", _("Merged contacts"), "clients:contact_merges"),
):
    search.palette.register(search.Command(key, label, url_name, "copy", _("merge undo duplicate"), shown=may_create))

"""Wires merges into the rest of the app; `clients/hooks.py` imports it."""

from functools import partial

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients import registry
from clients.contacts.models import Contact
from clients.merging import whole  # noqa: F401  registers itself
from clients.merging.queries import contexts_of, merged_into, seen_successor, successor, successors_of
from clients.permissions import may_create
from clients.records.models import Client
from crm.core.search import sources as search


def find(model, principal, pk):
    return seen_successor(principal, model, pk)


def is_merged(model, pk):
    return successor(model, pk) != pk


def taken_in(model, principal, pk):
    page = "clients:merge_page" if model is Client else "clients:contact_merge_page"
    return [(str(merge), reverse(page, args=[merge.pk]), merge.away_id) for merge in merged_into(principal, model, pk)]


for model in (Client, Contact):
    asked = (partial(each, model) for each in (find, is_merged, taken_in, contexts_of, successors_of))
    registry.successors.register(registry.Successor(model._meta.label_lower, *asked))
registry.contact_panels.register(
    registry.ContactPanel(
        "merges",
        90,
        "clients/merging/taken_in.html",
        lambda principal, contact, now: {"merges": taken_in(Contact, principal, contact.pk)},
    )
)
for key, label, url_name in (
    ("merges", _("Merged clients"), "clients:merges"),
    ("contact-merges", _("Merged contacts"), "clients:contact_merges"),
):
    search.palette.register(search.Command(key, label, url_name, "copy", _("merge undo duplicate"), shown=may_create))

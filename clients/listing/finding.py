"""Clients and contacts as the search and the palette find them."""

from clients.contacts.models import Contact
from clients.contacts.queries import find_contacts
from clients.listing.filters import search as search_clients
from clients.records.models import Client
from crm.core.search.sources import Hit


def find_clients(principal, text, limit):
    """Clients whose name begins with the text first."""
    rows = (
        search_clients(Client.objects.visible_to(principal).kept(), text)
        .select_related("facts")
        .order_by("name_key", "pk")
    )
    hits = sorted(rows[: limit * 2], key=lambda client: not client.name.lower().startswith(text.lower()))[:limit]
    return [_client_hit(client) for client in hits]


def find_recent(principal, client_ids):
    """The visible clients among the ids, in their order."""
    found = Client.objects.visible_to(principal).kept().select_related("facts").in_bulk(client_ids)
    return [_client_hit(found[pk]) for pk in client_ids if pk in found]


def clients_named(principal, text, client_ids, limit):
    """What a command is about: clients by name, without one those looked at last."""
    return find_clients(principal, text, limit) if text else find_recent(principal, client_ids[:limit])


def _client_hit(client):
    words = (client.facts.get_status_display(), client.city)
    return Hit(
        title=client.name,
        url=client.get_absolute_url(),
        kind="client",
        icon="building",
        detail=" · ".join(str(word) for word in words if word),
        pk=client.pk,
    )


def find_people(principal, text, limit):
    rows = find_contacts(Contact.objects.visible_to(principal).kept(), text).order_by("name_key", "pk")
    people = rows.prefetch_related("emails")[:limit]
    return [
        Hit(
            title=p.name,
            url=p.get_absolute_url(),
            kind="contact",
            icon="person",
            detail=next((m.address for m in p.emails.all()), ""),
        )
        for p in people
    ]

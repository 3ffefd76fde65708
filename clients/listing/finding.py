"""Search for clients and contacts in the search page and the palette."""

from clients.contacts.models import Contact
from clients.contacts.queries import find_contacts
from clients.listing.filters import search as search_clients
from clients.records.choices import Status
from clients.records.models import Client
from crm.core.search.sources import Hit


def find_clients(principal, text, limit):
    """Clients; those whose name begins with the text come first."""
    rows = (
        search_clients(Client.objects.visible_to(principal).kept(), text)
        .select_related("facts")
        .order_by("name_key", "pk")
    )
    hits = sorted(rows[: limit * 2], key=lambda client: not client.name.lower().startswith(text.lower()))[:limit]
    return [_client_hit(client) for client in hits]


def find_recent(principal, client_ids):
    """The visible clients among the ids, in the same order."""
    found = Client.objects.visible_to(principal).kept().select_related("facts").in_bulk(client_ids)
    return [_client_hit(found[pk]) for pk in client_ids if pk in found]


def clients_named(principal, text, client_ids, limit):
    """The clients a command can apply to: by name, or without a text the recent ones, then the user's own that are not
    former.
    """
    if text:
        return find_clients(principal, text, limit)
    hits = find_recent(principal, client_ids[:limit])
    return hits + _own(principal, [hit.pk for hit in hits], limit - len(hits)) if len(hits) < limit else hits


def _own(principal, besides, limit):
    rows = Client.objects.visible_to(principal).kept().filter(owner=principal.user_id).exclude(pk__in=besides)
    rows = rows.exclude(facts__status=Status.FORMER).select_related("facts")
    return [_client_hit(client) for client in rows.order_by("name_key", "pk")[:limit]]


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
            detail=_address_shown(p, text),
        )
        for p in people
    ]


def _address_shown(contact, text):
    """The address that was found, else the main one."""
    found = [mail.address for mail in contact.emails.all()]
    return next((address for address in found if text.lower() in address.lower()), found[0] if found else "")

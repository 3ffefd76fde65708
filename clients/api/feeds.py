"""The records of clients in the change feed, and what decides who sees them."""

from functools import partial
from typing import Any

from django.db.models import Q

from clients.api import documents, engagements, invoices, opportunities, views
from clients.contacts.models import Affiliation, Contact
from clients.engagements.models import Engagement, EngagementTeam, named_q
from clients.gate import circumstances as sight
from clients.gate import visible_q
from clients.records.models import Client, ClientAccess
from crm.core.api.changes import versions
from crm.core.api.feeds import Circumstance, Feed, Gate, Ids, Watch, circumstances, feeds
from crm.core.base import gate

NOBODY = Q(pk__in=[])
SIGHT_OF_CLIENT = ("owner_id", "team_id", "is_restricted", "archived_at")


def events(model: Any) -> Any:
    return model.pgh_event_model.objects


def open_clients(principal: Any) -> Any:
    """Versions of clients that were in the principal's sight, by the rule of the firm that holds now: another one starts a copy again."""
    return events(Client).filter(visible_q(principal, key="pgh_obj_id"))


def seen_clients(principal: Any, ids: Ids, base_of: Any) -> Ids:
    """Those that were open to the principal, or named them, at the base or since."""
    named = events(ClientAccess).filter(user=principal.user_id, pgh_id__gt=base_of(ClientAccess), client_id__in=ids)
    since = versions(Client, ids, base_of(Client))
    seen = open_clients(principal).filter(pgh_id__in=since)
    return {*named.values_list("client_id", flat=True), *seen.values_list("pgh_obj_id", flat=True)}


def at_seen_clients(principal: Any, rows: Any) -> Q:
    """The condition that a version in `rows` is of a client that the principal sees, or saw last before it was deleted."""
    named = {pk for pk in rows.order_by().values_list("client_id", flat=True).distinct() if pk is not None}
    gone = named - {*Client.objects.filter(pk__in=named).values_list("pk", flat=True)}
    last = open_clients(principal).filter(pgh_obj_id__in=gone, pgh_label="delete")
    seen = {*last.values_list("pgh_obj_id", flat=True)} if gone else set()
    return Q(client_id__in=gate.visible_client_ids(principal)) | (Q(client_id__in=seen) if seen else NOBODY)


def seen_engagements(principal: Any, ids: Ids, base_of: Any) -> Ids:
    seats = events(EngagementTeam).filter(user=principal.user_id, engagement_id__in=ids)
    since = versions(Engagement, ids, base_of(Engagement))
    seen = events(Engagement).filter(Q(is_restricted=False) | Q(lead=principal.user_id), pgh_id__in=since)
    return {*seats.values_list("engagement_id", flat=True), *seen.values_list("pgh_obj_id", flat=True)}


def open_versions(model: Any, principal: Any) -> Any:
    """Versions of rows that the principal may see as far as their engagement goes."""
    is_of_engagement = any(field.name == "engagement" for field in model._meta.fields)
    return events(model).filter(named_q(principal)) if is_of_engagement else events(model).all()


def was_seen(model: Any, principal: Any, ids: Ids, base: int, read: Any = open_versions, without: Q = NOBODY) -> Ids:
    """Rows of a client of which a version since the copy's, or that one, was in the principal's sight. `without`: those without a client."""
    rows = read(model, principal).filter(pgh_id__in=versions(model, ids, base))
    seen = rows.filter(without | at_seen_clients(principal, rows))
    return {*seen.values_list("pgh_obj_id", flat=True)}


def was_seen_client(principal: Any, ids: Ids, base: int) -> Ids:
    """Archived ones that the principal still sees, and deleted ones."""
    there = {*Client.objects.filter(pk__in=ids).values_list("pk", flat=True)}
    archived = {*Client.objects.visible_to(principal).filter(pk__in=there).values_list("pk", flat=True)}
    gone = open_clients(principal).filter(pgh_id__in=versions(Client, ids - there, base))
    return archived | {*gone.values_list("pgh_obj_id", flat=True)}


def was_seen_contact(principal: Any, ids: Ids, base: int) -> Ids:
    """Those who are, or were, at a client that the principal sees, and those whom they entered."""
    there = events(Affiliation).filter(contact_id__in=ids)
    places = there.filter(at_seen_clients(principal, there))
    mine = events(Contact).filter(pgh_obj_id__in=ids)
    mine = (
        mine.exclude(pgh_obj_id__in=there.values("contact_id"))
        if principal.sees_all
        else mine.filter(created_by=principal.user_id)
    )
    return {*places.values_list("contact_id", flat=True), *mine.values_list("pgh_obj_id", flat=True)}


WATCHES = (Watch(Client, fields=SIGHT_OF_CLIENT), Watch(ClientAccess, "client_id", whose="user_id"))
CLIENT = Gate("client", WATCHES, seen_clients)
ENGAGEMENT = Gate(
    "engagement",
    (
        Watch(Engagement, fields=("is_restricted", "lead_id")),
        Watch(EngagementTeam, "engagement_id", whose="user_id"),
    ),
    seen_engagements,
)
ITSELF = Gate("pk", WATCHES, seen_clients)
PARENT = Gate("parent", WATCHES, seen_clients, hides=False)
AT_CLIENT = Gate("affiliations__client", WATCHES, seen_clients)
OWN_TEAM = Gate("pk", ENGAGEMENT.watches, seen_engagements)


def of_client(key: str, viewset: Any, *gates: Gate, **more: Any) -> None:
    """Register records of clients: the gate of the client and these decide who sees them."""
    model = viewset.queryset.model
    feeds.register(Feed(key, viewset, (CLIENT, *gates), more.pop("was_seen", partial(was_seen, model)), **more))


circumstances.register(Circumstance("clients", sight))
feeds.register(Feed("clients", views.ClientViewSet, (ITSELF, PARENT), was_seen_client, left_out=("facts",)))
feeds.register(Feed("contacts", views.ContactViewSet, (AT_CLIENT,), was_seen_contact))
of_client("contracts", views.ContractViewSet)
of_client("revenue", views.RevenueViewSet, ENGAGEMENT)
of_client("engagements", engagements.EngagementViewSet, OWN_TEAM)
of_client("invoices", invoices.InvoiceViewSet, ENGAGEMENT, left_out=("status",))
of_client("opportunities", opportunities.OpportunityViewSet, ENGAGEMENT)
of_client("documents", documents.DocumentViewSet, ENGAGEMENT)

"""The client of a page, and what the page loads with it."""

from datetime import date

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import Http404

from clients import permissions, registry
from clients.catalogue.models import Tag
from clients.cover.queries import covers_of
from clients.records.models import Client
from crm.core.base.kept import Kept
from crm.core.base.permissions import require


def page_clients(principal) -> QuerySet:
    """Clients with everything that the header of their page shows, in one statement. `parent_name` is None for a parent out of sight."""
    related = Client.objects.visible_to(principal).order_by()
    parent = related.filter(pk=OuterRef("parent_id")).values("name")
    below = related.filter(parent=OuterRef("pk"), archived_at__isnull=True)
    tags = Tag.objects.filter(clients=OuterRef("pk")).order_by("name").values("name")
    return (
        Client.objects.visible_to(principal)
        .select_related("facts", "owner", "team", "archived_by")
        .annotate(tag_names=ArraySubquery(tags), covers=covers_of("owner"))
        .annotate(parent_name=Subquery(parent), has_children=Exists(below))
    )


@Kept
def _client(principal, *, client_id: int) -> QuerySet:
    return page_clients(principal).filter(pk=client_id)


def load_client(principal, client_id: int) -> Client:
    """The client for its page; 404 if the user may not see it. Raises MovedRecord for one that was merged into another."""
    try:
        client = _client.one(principal, client_id=client_id)
    except Http404:
        registry.lead_on(principal, Client, client_id, "client_id")
        raise
    if client.is_archived:
        registry.lead_on(principal, Client, client_id, "client_id")
    found = [] if client.is_restricted else client.covers
    client.covers = [{**cover, "until": date.fromisoformat(cover["until"])} for cover in found]
    client.is_covered = principal.user_id in {cover["id"] for cover in client.covers}
    return client


def load_open_client(principal, client_id: int) -> Client:
    """The client for a form about it; 404 if the user may not see it, 403 if it is archived."""
    client = load_client(principal, client_id)
    require(permissions.may_edit(principal, client), permissions.IN_TRASH)
    return client

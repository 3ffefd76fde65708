"""The client of a page, and what the page reads along with it."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.http import Http404

from clients import permissions, registry
from clients.catalogue.models import Tag
from clients.records.models import Client, StatusPeriod
from clients.records.statuses import PERIOD_COLUMNS, PERIODS_AT_MOST
from crm.core.base.kept import Kept
from crm.core.base.parts import rows_along
from crm.core.base.permissions import require


def page_clients(principal) -> QuerySet:
    """Clients with everything that the header of their page shows, in one statement."""
    tags = Tag.objects.filter(clients=OuterRef("pk")).order_by("name").values("name")
    return (
        Client.objects.visible_to(principal)
        .select_related("facts", "owner", "team", "archived_by")
        .annotate(tag_names=ArraySubquery(tags))
    )


def page_part(principal) -> dict[str, Any]:
    """The status periods are read along with the client."""
    periods = StatusPeriod.objects.filter(client=OuterRef("pk")).order_by("start_date")
    return {"part_periods": rows_along(periods, *PERIOD_COLUMNS, limit=PERIODS_AT_MOST)}


@Kept
def _client(principal, *, client_id: int) -> QuerySet:
    along = {name: part for source in registry.page_parts for name, part in source.annotations(principal).items()}
    return page_clients(principal).annotate(**along).filter(pk=client_id)


def load_client(principal, client_id: int) -> Client:
    """The client for its page; 404 when the user may not see it."""
    found = _client.rows(principal, client_id=client_id)
    if not found:
        raise Http404
    return found[0]


def load_open_client(principal, client_id: int) -> Client:
    """The client for a form about it; 404 when the user may not see it, 403 when it is archived."""
    client = load_client(principal, client_id)
    require(permissions.may_edit(principal, client), permissions.IN_TRASH)
    return client

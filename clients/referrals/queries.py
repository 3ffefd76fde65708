"""Reads about referrals: of a client, by a referrer, and what each referrer is worth."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Lower

from clients.contacts.models import Contact
from clients.records.choices import ACTIVE_STATUSES, Status
from clients.records.models import Client
from clients.referrals.models import Referral

STILL_CLIENTS = (*ACTIVE_STATUSES, Status.ONBOARDING, Status.PAUSED)


def referrals_of(principal: Any, client_id: int) -> QuerySet:
    """Who referred the client, the latest first."""
    rows = Referral.objects.visible_to(principal).kept().filter(client=client_id)
    return rows.select_related("client", "by_client", "by_contact")


def brought_by(principal: Any, **referrer: int) -> QuerySet:
    """The referrals by a client (`by_client`) or a contact (`by_contact`)."""
    rows = Referral.objects.visible_to(principal).counted().filter(**referrer)
    return rows.select_related("client__facts", "by_client", "by_contact")


def add_referrers(principal: Any, clients: Iterable[Client]) -> None:
    """Set `referred_by` on each client: the names of those who referred it and whom the principal sees."""
    rows = Referral.objects.visible_to(principal).kept().filter(client__in=clients)
    names = defaultdict(list)
    for row in rows.select_related("by_client", "by_contact").order_by("pk"):
        names[row.client_id].append(row.referrer)
    for client in clients:
        client.referred_by = ", ".join(names.get(client.pk, ()))  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Referrer:
    """What somebody brought, in the firm's currency over the last twelve months. `unrated`: revenue lines without a rate, not in the sum.
    `query`: the filter of the client list with the same clients.
    """

    name: str
    kind: str
    url: str
    brought: int
    still: int
    revenue: Decimal
    unrated: int
    query: dict[str, Any]


def referrers(principal: Any, *, first: int = 0, last: int | None = None) -> list[Referrer]:
    """Those who brought clients, by revenue, of what the principal sees; all, or those from place `first` up to `last`. A client with several
    referrers counts for each. Four statements.
    """
    rows = Referral.objects.visible_to(principal).counted().order_by()
    sums = (
        rows.annotate(source=Lower("by_source"))
        .values("by_client", "by_contact", "source")
        .annotate(
            brought=Count("client", distinct=True),
            still=Count("client", distinct=True, filter=Q(client__facts__status__in=STILL_CLIENTS)),
            revenue=Sum("client__facts__revenue_12m"),
            unrated=Sum("client__facts__unrated_12m"),
        )
        .order_by("-revenue", "-brought", "by_client", "by_contact", "source")[first:last]
    )
    found = list(sums)
    clients = Client.objects.in_bulk([row["by_client"] for row in found if row["by_client"]])
    contacts = Contact.objects.in_bulk([row["by_contact"] for row in found if row["by_contact"]])
    named = rows.alias(source=Lower("by_source")).filter(source__in={row["source"] for row in found} - {""})
    sources = {name.lower(): name for name in named.values_list("by_source", flat=True)}
    return [_referrer(row, clients, contacts, sources) for row in found]


def _referrer(row: dict[str, Any], clients: dict, contacts: dict, sources: dict[str, str]) -> Referrer:
    who = clients.get(row["by_client"]) or contacts.get(row["by_contact"])
    kind = "client" if row["by_client"] else "contact" if row["by_contact"] else "source"
    name = who.name if who else sources.get(row["source"], row["source"])
    value = name if kind == "source" else row[f"by_{kind}"]
    return Referrer(
        name=name,
        kind=kind,
        url=who.get_absolute_url() if who else "",
        query={f"referred_by_{kind}": value},
        revenue=row["revenue"] or Decimal(0),
        unrated=row["unrated"] or 0,
        brought=row["brought"],
        still=row["still"],
    )

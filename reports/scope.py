"""The clients a KPI covers: those the principal may see, narrowed by the page's filters."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q

from clients.records.choices import ACTIVE_STATUSES
from clients.records.models import Client, StatusPeriod
from crm.core.base.principals import SYSTEM, Principal
from crm.core.firm.models import FirmSettings

STATUS, REVENUE = "status", "revenue"


@dataclass(frozen=True)
class InSegment:
    """A segment, and what its rule says about a client to whoever reads the report."""

    pk: int
    condition: Q


@dataclass(frozen=True)
class Scope:
    """Owner, team, tier and segment are as of today. `basis` defines "active". The system's scope is the whole firm."""

    firm: FirmSettings
    today: date
    principal: Principal = SYSTEM
    basis: str = STATUS
    owner: Any = None
    team: Any = None
    tier: str = ""
    segment: InSegment | None = None

    def clients(self):
        """Clients the principal may see, without one-off customers and without archived ones."""
        return self.everybody().ongoing()

    def of_unknown_start(self, day: date):
        """Clients that were imported after `day` without the day they became active: their earlier status is unknown.
        The basis of revenue does not need it.
        """
        if self.basis == REVENUE:
            return self.clients().none()
        came = StatusPeriod.objects.filter(
            client=OuterRef("pk"), is_start_unknown=True, start_date__gt=day, status__in=ACTIVE_STATUSES
        )
        return self.clients().filter(Exists(came))

    def everybody(self):
        """Clients and one-off customers the principal may see, without archived ones."""
        found = Client.objects.visible_to(self.principal).kept()
        if self.owner is not None:
            found = found.filter(owner=self.owner)
        if self.team is not None:
            found = found.filter(team=self.team)
        if self.tier:
            found = found.filter(tier=self.tier)
        if self.segment is not None:
            inside = Client.objects.filter(self.segment.condition)
            found = found.filter(pk__in=inside.values("pk"))  # by itself: KPIs annotate what they count
        return found

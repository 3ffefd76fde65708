"""Of which clients a number is made: what the principal may see, narrowed by the filters of the page."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from clients.records.models import Client
from crm.core.base.principals import SYSTEM, Principal
from crm.core.firm.models import FirmSettings

STATUS, REVENUE = "status", "revenue"


@dataclass(frozen=True)
class Scope:
    """Owner, team and tier are today's. `basis` says what "active" rests on. The system's scope is the whole firm."""

    firm: FirmSettings
    today: date
    principal: Principal = SYSTEM
    basis: str = STATUS
    owner: Any = None
    team: Any = None
    tier: str = ""

    def clients(self):
        """Clients the principal may see, without one-off customers and without archived ones."""
        return self.everybody().ongoing()

    def everybody(self):
        """Clients and one-off customers the principal may see, without archived ones."""
        found = Client.objects.visible_to(self.principal).kept()
        if self.owner is not None:
            found = found.filter(owner=self.owner)
        if self.team is not None:
            found = found.filter(team=self.team)
        if self.tier:
            found = found.filter(tier=self.tier)
        return found

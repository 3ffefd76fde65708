"""Which clients a number is made of: those the principal may see, narrowed by the filters of the page."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from clients.records.models import Client
from crm.core.base.principals import Principal
from crm.core.firm.models import FirmSettings

STATUS, REVENUE = "status", "revenue"


@dataclass(frozen=True)
class Scope:
    """Owner, team and tier are those of today. `basis`: what "active" rests on where a number knows two of them. SYSTEM as
    principal gives the whole firm's numbers."""

    principal: Principal
    firm: FirmSettings
    today: date
    basis: str = STATUS
    owner: Any = None
    team: Any = None
    tier: str = ""

    def clients(self):
        """Clients the principal may see, without one-off customers and without archived ones."""
        found = Client.objects.visible_to(self.principal).kept().ongoing()
        if self.owner is not None:
            found = found.filter(owner=self.owner)
        if self.team is not None:
            found = found.filter(team=self.team)
        if self.tier:
            found = found.filter(tier=self.tier)
        return found

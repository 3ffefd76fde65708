"""Clients going quiet: no contact for longer than their cadence, or without one for longer than the firm's days of their tier."""

from datetime import datetime

from django.db.models import QuerySet

from clients.records.choices import Tier
from clients.records.models import Client
from crm.core.firm.queries import firm_today, get_firm


def tier_days(tier: str) -> int:
    """The firm's days for a tier; a client without a tier counts as C."""
    firm = get_firm()
    return {str(Tier.A): firm.cadence_days_a, str(Tier.B): firm.cadence_days_b}.get(tier, firm.cadence_days_c)


def cadence_days(client: Client) -> int:
    """The client's own cadence in days, or its tier's. One query if `cadence` is not loaded."""
    own = getattr(client, "cadence", None)
    return own.days if own else tier_days(client.tier)


def going_quiet(queryset: QuerySet, now: datetime) -> QuerySet:
    """The quiet clients of the queryset, the longest overdue first."""
    return queryset.quiet(firm_today(now)).order_by("facts__contact_due_at", "facts__client")  # type: ignore[attr-defined]

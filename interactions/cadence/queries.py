"""Who is going quiet: no contact for longer than the client's cadence, or else the firm's number for its tier."""

from datetime import datetime, timedelta

from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, IntegerField, Q, Value, When

from clients.records.choices import ACTIVE_STATUSES, Status, Tier
from clients.records.models import Client
from crm.core.firm.queries import get_firm

WATCHED = (*ACTIVE_STATUSES, Status.ONBOARDING)


def tier_days(tier: str) -> int:
    """The firm's number for a tier; a client without one is treated as C."""
    firm = get_firm()
    return {Tier.A: firm.cadence_days_a, Tier.B: firm.cadence_days_b}.get(tier, firm.cadence_days_c)


def cadence_days(client: Client) -> int:
    """The client's own cadence, else its tier's. One query where `cadence` is not loaded."""
    own = getattr(client, "cadence", None)
    return own.days if own else tier_days(client.tier)


def is_quiet(facts, tier: str, now: datetime, days: int | None = None) -> bool:
    """Whether the last contact lies further back than the cadence (`days`, else the tier's). A served client never
    contacted is quiet; one not served at present is not."""
    if facts is None or facts.status not in WATCHED:
        return False
    if facts.last_contact_at is None:
        return True
    return now - facts.last_contact_at > timedelta(days=days or tier_days(tier))


def going_quiet(queryset, now: datetime):
    """Clients of the queryset that are quiet, longest silence first, those never contacted last (so that one index gives the
    order); annotated with `cadence_limit` (days)."""
    firm = get_firm()
    tiers = Case(
        When(tier=Tier.A, then=Value(firm.cadence_days_a)),
        When(tier=Tier.B, then=Value(firm.cadence_days_b)),
        default=Value(firm.cadence_days_c),
    )
    limit = Case(When(cadence__isnull=False, then=F("cadence__days")), default=tiers, output_field=IntegerField())
    span = ExpressionWrapper(F("cadence_limit") * Value(timedelta(days=1)), output_field=DurationField())
    latest = ExpressionWrapper(Value(now) - span, output_field=DateTimeField())
    silent = Q(facts__last_contact_at__isnull=True) | Q(facts__last_contact_at__lt=latest)
    rows = queryset.filter(facts__status__in=WATCHED).annotate(cadence_limit=limit).filter(silent)
    return rows.order_by("facts__last_contact_at", "facts__client")

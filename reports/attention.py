"""Clients that need somebody: read from the facts, no score involved."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, F, Func, IntegerField, Q, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.choices import OnboardingState, Status
from reports.scope import Scope

SERVED = (Status.ONBOARDING, Status.ACTIVE, Status.AT_NOTICE)
LOW_NPS = 6
NPS_AGE = timedelta(days=365)


@dataclass(frozen=True)
class Need:
    client: Any
    reasons: list[str]
    badge: str
    tone: str


def needing(scope: Scope, now: datetime):
    """Clients at notice, with a stuck or late onboarding, a low last NPS answer, or no contact within their cadence; `weight`
    says how much speaks for it."""
    conditions = _conditions(scope.firm, now)
    weight = sum(
        (
            Case(When(condition, then=Value(value)), default=Value(0), output_field=IntegerField())
            for condition, value in conditions.values()
        ),
        Value(0),
    )
    anyone = Q()
    for condition, _value in conditions.values():
        anyone |= condition
    found = scope.clients().filter(facts__status__in=SERVED).filter(anyone)
    return found.annotate(weight=weight).select_related("facts", "cadence", "owner")


def _conditions(firm, now) -> dict[str, tuple[Q, int]]:
    facts = "facts__"
    own = Q(
        cadence__isnull=False,
        **{
            f"{facts}last_contact_at__lt": Func(
                Value(now),
                F("cadence__days"),
                template="%(expressions)s",
                arg_joiner=" - INTERVAL '1 day' * ",
                output_field=DateTimeField(),
            )
        },
    )
    quiet = own
    for tier, days in (("A", firm.cadence_days_a), ("B", firm.cadence_days_b), ("C", firm.cadence_days_c)):
        whose = Q(tier=tier) if tier != "C" else ~Q(tier__in=["A", "B"])
        quiet |= whose & Q(cadence__isnull=True, **{f"{facts}last_contact_at__lt": now - timedelta(days=days)})
    return {
        "notice": (Q(**{f"{facts}status": Status.AT_NOTICE}), 8),
        "stuck": (Q(**{f"{facts}onboarding_state": OnboardingState.STUCK}), 5),
        "behind": (Q(**{f"{facts}onboarding_state": OnboardingState.BEHIND}), 3),
        "nps": (Q(**{f"{facts}nps_score__lte": LOW_NPS, f"{facts}nps_at__gte": now - NPS_AGE}), 4),
        "quiet": (quiet, 2),
    }


def explain(client, firm, now: datetime) -> Need:
    """In words, and the gravest of it as a badge."""
    facts, reasons, badges = client.facts, [], []
    if facts.status == Status.AT_NOTICE:
        reasons.append(_("At notice"))
        badges.append((_("At notice"), "red"))
    if facts.onboarding_state == OnboardingState.STUCK:
        reasons.append(_("Onboarding stuck"))
        badges.append((_("Stuck"), "red"))
    elif facts.onboarding_state == OnboardingState.BEHIND:
        reasons.append(_("Onboarding behind"))
        badges.append((_("Behind"), "amber"))
    if facts.last_contact_at is not None:
        days = (now - facts.last_contact_at).days
        if days >= cadence_of(client, firm):
            reasons.append(ngettext("No contact for %(n)d day", "No contact for %(n)d days", days) % {"n": days})
            badges.append((ngettext("%(n)d day", "%(n)d days", days) % {"n": days}, "amber"))
    if facts.nps_score is not None and facts.nps_score <= LOW_NPS and facts.nps_at and facts.nps_at >= now - NPS_AGE:
        reasons.append(_("NPS %(score)d") % {"score": facts.nps_score})
        badges.append((_("NPS %(score)d") % {"score": facts.nps_score}, "red"))
    badge, tone = badges[0] if badges else ("", "")
    shown = [reason for reason in reasons if reason != badge] or reasons
    return Need(client, shown, badge, tone)


def cadence_of(client, firm) -> int:
    own = getattr(client, "cadence", None)
    return (
        own.days if own else {"A": firm.cadence_days_a, "B": firm.cadence_days_b}.get(client.tier, firm.cadence_days_c)
    )

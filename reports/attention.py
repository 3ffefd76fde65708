"""Clients that need somebody: read from the facts, no score involved."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, F, Func, IntegerField, Q, Value, When
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.records.choices import OnboardingState, Status
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
    """In words, the gravest first, and the sort of the gravest as a badge."""
    signs = [
        sign
        for sign in (_notice(client), _onboarding(client), _low_answer(client, now), _silence(client, firm, now))
        if sign
    ]
    badge, tone = signs[0][1:] if signs else ("", "")
    return Need(client, [reason for reason, _badge, _tone in signs], badge, tone)


def _notice(client):
    if client.facts.status != Status.AT_NOTICE:
        return None
    since = client.facts.status_since
    text = _("At notice since %(day)s") % {"day": date_format(since, "j M")} if since else _("At notice")
    return text, _("At notice"), "red"


def _onboarding(client):
    facts = client.facts
    done = _("%(done)d of %(all)d tasks") % {"done": facts.onboarding_done, "all": facts.onboarding_total}
    if facts.onboarding_state == OnboardingState.STUCK:
        return _("Onboarding stuck at %(done)s") % {"done": done}, _("Stuck"), "red"
    if facts.onboarding_state == OnboardingState.BEHIND:
        return _("Onboarding behind at %(done)s") % {"done": done}, _("Behind"), "amber"
    return None


def _low_answer(client, now):
    facts = client.facts
    if facts.nps_score is None or facts.nps_score > LOW_NPS or not facts.nps_at or facts.nps_at < now - NPS_AGE:
        return None
    day = date_format(timezone.localtime(facts.nps_at), "j M")
    return _("NPS %(score)d on %(day)s") % {"score": facts.nps_score, "day": day}, _("Low NPS"), "red"


def _silence(client, firm, now):
    if client.facts.last_contact_at is None:
        return None
    days = (now - client.facts.last_contact_at).days
    if days < cadence_of(client, firm):
        return None
    return ngettext("No contact for %(n)d day", "No contact for %(n)d days", days) % {"n": days}, _("Quiet"), "amber"


def cadence_of(client, firm) -> int:
    own = getattr(client, "cadence", None)
    return (
        own.days if own else {"A": firm.cadence_days_a, "B": firm.cadence_days_b}.get(client.tier, firm.cadence_days_c)
    )

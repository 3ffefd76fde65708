"""Clients that need attention, based on their facts, without a score."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, DecimalField, ExpressionWrapper, F, IntegerField, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.records.choices import SERVED_STATUSES, OnboardingState, Status
from clients.records.models import is_quiet
from crm.core.firm.queries import firm_today
from crm.core.listing.paging import Sort
from crm.core.ui.formatting import short_day
from reports.scope import Scope

BY_URGENCY = Sort("urgency", descending=True)
LOW_NPS = 6
MORE_THAN_ANY_REVENUE = 10**14
NPS_AGE = timedelta(days=365)


@dataclass(frozen=True)
class Need:
    client: Any
    reasons: list[str]
    badge: str
    tone: str


def needing(scope: Scope, now: datetime):
    """Clients at notice, with a stuck or late onboarding, a low last NPS answer, or no contact within their cadence,
    including one-off customers, as on Today. `urgency` sorts them by the weight of the reasons, then by revenue.
    """
    conditions = _conditions(now)
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
    found = scope.everybody().filter(facts__status__in=SERVED_STATUSES).filter(anyone)
    money = DecimalField(max_digits=20, decimal_places=2)
    urgency = ExpressionWrapper(weight * Value(MORE_THAN_ANY_REVENUE) + F("facts__revenue_12m"), output_field=money)
    return found.annotate(urgency=urgency).select_related("facts", "owner")


def _conditions(now) -> dict[str, tuple[Q, int]]:
    facts = "facts__"
    return {
        "notice": (Q(**{f"{facts}status": Status.AT_NOTICE}), 8),
        "stuck": (Q(**{f"{facts}onboarding_state": OnboardingState.STUCK}), 5),
        "behind": (Q(**{f"{facts}onboarding_state": OnboardingState.BEHIND}), 3),
        "nps": (Q(**{f"{facts}nps_score__lte": LOW_NPS, f"{facts}nps_at__gte": now - NPS_AGE}), 4),
        "quiet": (is_quiet(firm_today(now)), 2),
    }


def explain(client, now: datetime) -> Need:
    """The reasons as text, the most serious first; the badge is the first one's."""
    signs = [
        sign
        for sign in (_notice(client, now), _onboarding(client), _low_answer(client, now), _silence(client, now))
        if sign
    ]
    badge, tone = signs[0][1:] if signs else ("", "")
    return Need(client, [reason for reason, _badge, _tone in signs], badge, tone)


def _notice(client, now):
    if client.facts.status != Status.AT_NOTICE:
        return None
    since = client.facts.status_since
    text = _("At notice since %(day)s") % {"day": short_day(since, firm_today(now))} if since else _("At notice")
    return text, _("At notice"), "red"


def _onboarding(client):
    facts = client.facts
    done = _("%(done)d of %(all)d tasks") % {"done": facts.onboarding_done, "all": facts.onboarding_total}
    if facts.onboarding_state == OnboardingState.STUCK:
        return _("Onboarding stuck: %(done)s") % {"done": done}, _("Stuck"), "red"
    if facts.onboarding_state == OnboardingState.BEHIND:
        return _("Onboarding behind: %(done)s") % {"done": done}, _("Behind"), "amber"
    return None


def _low_answer(client, now):
    facts = client.facts
    if facts.nps_score is None or facts.nps_score > LOW_NPS or not facts.nps_at or facts.nps_at < now - NPS_AGE:
        return None
    day = short_day(timezone.localtime(facts.nps_at), firm_today(now))
    return _("NPS %(score)d on %(day)s") % {"score": facts.nps_score, "day": day}, _("Low NPS"), "red"


def _silence(client, now):
    today = firm_today(now)
    if not client.facts.is_quiet(today):
        return None
    days = client.facts.days_since_contact(today)
    if days is None:
        return _("Not contacted yet"), _("Quiet"), "amber"
    return ngettext("No contact for %(n)d day", "No contact for %(n)d days", days) % {"n": days}, _("Quiet"), "amber"

"""For machines: what is measured. /healthz and /readyz are answered by crm/core/middleware.py."""

from ipaddress import ip_address

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from rest_framework.exceptions import APIException

from crm.core.api.authentication import TokenAuthentication
from crm.core.listing.paging import count_capped
from crm.core.mail.choices import MailState
from crm.core.mail.delivery import health as delivery
from crm.core.mail.models import OutboxMail
from crm.core.status import health

COUNTED = [state for state in MailState if state not in (MailState.SENT, MailState.CANCELLED)]


@login_not_required
@require_safe
def metrics(request):
    """Prometheus text, for this machine itself or an admin's token or session; for others it is not there."""
    if not _may_measure(request):
        raise Http404
    return HttpResponse(generate_latest(_measure(timezone.now())), content_type=CONTENT_TYPE_LATEST)


def _may_measure(request) -> bool:
    if _is_loopback(request):
        return True
    if request.user.is_authenticated:
        return request.user.is_admin
    try:
        found = TokenAuthentication().authenticate(request)
    except APIException:
        return False
    return found is not None and found[0].is_admin


def _is_loopback(request) -> bool:
    """Called from this machine, and not through a proxy on it."""
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"))
    try:
        return not forwarded and ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _measure(now) -> CollectorRegistry:
    registry = CollectorRegistry()
    ready = Gauge("rapport_ready", "1 when the part is there", ["part"], registry=registry)
    findings = health.look(now)
    for finding in (finding for finding in findings if finding.is_vital):
        ready.labels(finding.name).set(finding.is_good)
    if not all(finding.is_good for finding in findings if finding.name in ("database", "migrations")):
        return registry
    mails = Gauge("rapport_outbox_mails", "Mails by state (counted up to 10000)", ["state"], registry=registry)
    for state in COUNTED:
        mails.labels(state.value).set(count_capped(OutboxMail.objects.filter(state=state))[0])
    Gauge("rapport_outbox_oldest_due_seconds", "How long the oldest due mail has waited", registry=registry).set(
        health.outbox_age(now)
    )
    _measure_sending(registry, now)
    beats = Gauge(
        "rapport_heartbeat_age_seconds", "Seconds since recurring work last finished", ["name"], registry=registry
    )
    for name, age in health.heartbeat_ages(now).items():
        beats.labels(name).set(age)
    return registry


def _measure_sending(registry: CollectorRegistry, now) -> None:
    """What the alert rules of docs/operators/running.md are made of."""
    health = delivery.look(now)
    for name, words, value in (
        ("rapport_relay_away", "1 while the mail server cannot be reached", health.is_relay_away),
        ("rapport_outbox_uncertain", "Mails that need a decision (up to 100)", health.uncertain),
        ("rapport_outbox_dead_24h", "Mails that failed for good in the last 24 hours (up to 1000)", health.dead),
        (
            "rapport_tick_troubles",
            "Parts of the tick that failed, or did nothing though they should",
            len(health.troubles),
        ),
    ):
        Gauge(name, words, registry=registry).set(value)
    if health.last_tick:
        age = (now - health.last_tick).total_seconds()
        Gauge("rapport_tick_age_seconds", "Seconds since the last tick", registry=registry).set(age)

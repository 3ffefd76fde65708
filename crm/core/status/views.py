"""Metrics for machines. /healthz and /readyz are answered by crm/core/middleware.py."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from crm.core.listing.counting import count_capped
from crm.core.mail.choices import MailState
from crm.core.mail.delivery import health as delivery
from crm.core.mail.models import OutboxMail
from crm.core.status import callers, health

COUNTED = [state for state in MailState if state not in (MailState.SENT, MailState.CANCELLED)]


@login_not_required
@require_safe
def metrics(request):
    """Prometheus text, for this machine or an admin's token or session; 404 for others."""
    if not callers.may_read_details(request, request.user):
        raise Http404
    return HttpResponse(generate_latest(_measure(timezone.now())), content_type=CONTENT_TYPE_LATEST)


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
    """The metrics used by the alert rules in docs/operators/running.md."""
    sending = delivery.look(now)
    for name, words, value in (
        (
            "rapport_mail_hold",
            "1 while no mail leaves from this database: it was copied or restored",
            bool(sending.hold),
        ),
        ("rapport_blast_questions", "Planners that ask before they plan far more than usual", sending.questions),
        ("rapport_jobs_late", "Imports that have waited for more than five minutes (up to 100)", sending.late_jobs),
        ("rapport_free_bytes", "What is left on the disk of the data folder", health.free_space()),
        ("rapport_relay_away", "1 while the mail server cannot be reached", sending.is_relay_away),
        ("rapport_outbox_uncertain", "Mails that need a decision (up to 100)", sending.uncertain),
        ("rapport_outbox_dead_24h", "Mails that failed for good in the last 24 hours (up to 1000)", sending.dead),
        (
            "rapport_tick_troubles",
            "Parts of the tick that failed, or did nothing though they should",
            len(sending.troubles),
        ),
    ):
        Gauge(name, words, registry=registry).set(value)
    if sending.last_tick:
        age = (now - sending.last_tick).total_seconds()
        Gauge("rapport_tick_age_seconds", "Seconds since the last tick", registry=registry).set(age)

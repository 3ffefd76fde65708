"""Queries on status periods."""

from datetime import datetime, time

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients import registry
from clients.records.models import Client, StatusPeriod
from crm.core.base.kept import Kept, once
from crm.core.base.principals import SYSTEM
from crm.core.firm.queries import firm_today, firm_zone

PERIODS_AT_MOST = 1000


@Kept
def _periods(principal, *, client_id: int):
    return StatusPeriod.objects.filter(client=client_id).order_by("start_date")[:PERIODS_AT_MOST]


def periods_of(client: Client) -> list[StatusPeriod]:
    """The status periods of a client that the caller may see, oldest first. Read once for a client object."""
    return once(client, "periods", lambda: _periods.rows(SYSTEM, client_id=client.pk))


@registry.panel("status", "side", 90, "clients/page/status_card.html", title=gettext_lazy("Status"), is_late=True)
def status_card(principal, client: Client, now: datetime):
    return {"periods": periods_of(client), "today": firm_today(now)}


def status_items(principal, client: Client, ask: registry.TimelineAsk) -> list[registry.TimelineItem]:
    """Status changes as quiet timeline entries."""
    if ask.is_narrowed:
        return []
    zone, items, earlier = firm_zone(), [], None
    for period in periods_of(client):
        at = datetime.combine(period.start_date, time(), zone)
        if ask.before is None or at < ask.before:
            title = _status_title(period, earlier)
            items.append(
                registry.TimelineItem(at, f"status-{period.pk}", "status", title, "flag", tone="quiet", object=period)
            )
        earlier = period
    return items[::-1][: ask.limit]


def _status_title(period, earlier):
    words = {"status": period.get_status_display(), "before": earlier.get_status_display() if earlier else ""}
    text = _("Status changed from %(before)s to %(status)s") % words if earlier else _("Status: %(status)s") % words
    return f"{text} ({period.get_reason_display()})" if period.reason else text

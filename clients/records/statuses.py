"""Reads of the status periods."""

from datetime import datetime, time

from django.utils.translation import gettext as _

from clients import registry
from clients.records.models import Client, StatusPeriod
from crm.core.base.parts import rows_from
from crm.core.firm.queries import firm_zone

PERIOD_COLUMNS = ("id", "client_id", "status", "start_date", "end_date", "reason", "note")
PERIODS_AT_MOST = 1000


def periods_of(client: Client) -> list[StatusPeriod]:
    """The client's status periods, oldest first. Read once for a client object, along with it on its pages."""
    if not hasattr(client, "_periods"):
        along = hasattr(client, "part_periods")
        found = rows_from(StatusPeriod, client.part_periods) if along else client.status_periods.order_by("start_date")  # type: ignore[attr-defined]
        client._periods = list(found)  # type: ignore[attr-defined]
    return client._periods  # type: ignore[attr-defined]


def status_items(principal, client: Client, before: datetime | None, limit: int) -> list[registry.TimelineItem]:
    """Changes of status, as quiet entries of the timeline."""
    zone, items, earlier = firm_zone(), [], None
    for period in periods_of(client):
        at = datetime.combine(period.start_date, time(), zone)
        if before is None or at < before:
            title = _status_title(period, earlier)
            items.append(
                registry.TimelineItem(at, f"status-{period.pk}", "status", title, "flag", tone="quiet", object=period)
            )
        earlier = period
    return items[::-1][:limit]


def _status_title(period, earlier):
    words = {"status": period.get_status_display(), "before": earlier.get_status_display() if earlier else ""}
    text = _("Status changed from %(before)s to %(status)s") % words if earlier else _("Status: %(status)s") % words
    return f"{text} ({period.get_reason_display()})" if period.reason else text

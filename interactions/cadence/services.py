"""How often we contact a client, and the day by which the next contact is due."""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from clients.records.choices import SERVED_STATUSES
from clients.records.models import Client, ClientFacts
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.firm.queries import get_firm
from crm.core.work import jobs, schedule
from interactions import permissions
from interactions.cadence.models import Cadence

AT_ONCE = 10_000  # clients
DAILY = "interactions:contact-due"  # heartbeat of the daily run over all clients


@service(may=permissions.may_change_client, why=permissions.IN_TRASH)
def set_cadence(principal: Principal, *, client: Client, days: int | None) -> Cadence | None:
    """Contact at least every `days` days (1 to 3650); None: as often as the firm's tier says. Raises ServiceError (field days)."""
    if days is None:
        Cadence.objects.filter(client=client).delete()
        refresh_contact_due(client_ids=[client.pk])
        return None
    if not 1 <= days <= 3650:
        raise ServiceError(_("Enter a number of days from 1 to 3650."), field="days")
    cadence = Cadence.objects.update_or_create(client=client, defaults={"days": days})[0]
    refresh_contact_due(client_ids=[client.pk])
    return cadence


# The day counts from the last contact in the firm's calendar, else from the start of the time served. It is computed
# from the updated row, not from a join with itself: if someone else changes a row at the same time, the new values
# count.
DAY = """
    CASE WHEN facts.status = ANY(%(served)s) THEN
        coalesce((facts.last_contact_at AT TIME ZONE %(zone)s)::date, facts.active_since, facts.status_since)
        + coalesce(own.days, CASE client.tier WHEN 'A' THEN %(a)s WHEN 'B' THEN %(b)s ELSE %(c)s END)::int
    END
"""
DUE = f"""
    UPDATE clients_clientfacts AS facts SET contact_due_at = {DAY}
    FROM clients_client client LEFT JOIN interactions_cadence own ON own.client_id = client.id
    WHERE client.id = facts.client_id AND facts.contact_due_at IS DISTINCT FROM {DAY}
        AND (%(ids)s::bigint[] IS NULL OR facts.client_id = ANY(%(ids)s::bigint[]))
"""


def refresh_contact_due(*, client_ids: Iterable[int] | None = None) -> int:
    """Set the day by which these clients (None: all) should hear from us. Returns how many days changed.

    Never contacted: the start of the present time as a client, plus the cadence. Not served at present: no day.
    """
    firm = get_firm()
    values: dict[str, Any] = {
        "served": [str(status) for status in SERVED_STATUSES],
        "zone": firm.time_zone,
        "a": firm.cadence_days_a,
        "b": firm.cadence_days_b,
        "c": firm.cadence_days_c,
        "ids": None if client_ids is None else list(client_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(DUE, values)
        return cursor.rowcount


def refresh_all_contact_due() -> None:
    """Set the day of every client: at once for up to AT_ONCE clients, in the background above that.

    The work is marked as not done today, so the next tick does it if its message was lost.
    """
    if ClientFacts.objects.all()[: AT_ONCE + 1].count() <= AT_ONCE:
        refresh_contact_due()
        return
    schedule.do_again(DAILY)
    jobs.enqueue("interactions.tasks.refresh_contact_due")

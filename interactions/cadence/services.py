"""How often a client wants to hear from us, and so the day by which they should."""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from clients.records.choices import SERVED_STATUSES
from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.firm.queries import get_firm
from interactions import permissions
from interactions.cadence.models import Cadence


@service(may=permissions.may_change_client, why=permissions.IN_TRASH)
def set_cadence(principal: Principal, *, client: Client, days: int | None) -> Cadence | None:
    """Contact at least every `days` days; None: as the firm's number for the tier says. Raises ServiceError (field days)."""
    if days is None:
        Cadence.objects.filter(client=client).delete()
        refresh_contact_due(client_ids=[client.pk])
        return None
    if not 1 <= days <= 3650:
        raise ServiceError(_("Give a number of days from 1 to 3650."), field="days")
    cadence = Cadence.objects.update_or_create(client=client, defaults={"days": days})[0]
    refresh_contact_due(client_ids=[client.pk])
    return cadence


# the last contact, else the start of the time served, in the firm's calendar, and the client's own days or its tier's on top
DUE = """
    UPDATE clients_clientfacts AS facts SET contact_due_at = due.day
    FROM (
        SELECT f.client_id, CASE WHEN f.status = ANY(%(served)s) THEN
            coalesce((f.last_contact_at AT TIME ZONE firm.time_zone)::date, f.active_since, f.status_since)
            + coalesce(own.days, CASE c.tier WHEN 'A' THEN firm.cadence_days_a WHEN 'B' THEN firm.cadence_days_b
                                             ELSE firm.cadence_days_c END)::int
        END AS day
        FROM clients_clientfacts f
        JOIN clients_client c ON c.id = f.client_id
        LEFT JOIN interactions_cadence own ON own.client_id = f.client_id
        CROSS JOIN (SELECT time_zone, cadence_days_a, cadence_days_b, cadence_days_c FROM (VALUES (%(zone)s, %(a)s, %(b)s, %(c)s))
                    AS given (time_zone, cadence_days_a, cadence_days_b, cadence_days_c)) firm
        WHERE %(ids)s::bigint[] IS NULL OR f.client_id = ANY(%(ids)s::bigint[])
    ) due
    WHERE facts.client_id = due.client_id AND facts.contact_due_at IS DISTINCT FROM due.day
"""


def refresh_contact_due(*, client_ids: Iterable[int] | None = None) -> int:
    """Work out anew by which day these clients (None: all) should hear from us, in one statement; how many days changed.

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

"""What this app brings into a progress email: shared interactions, decisions and commitments."""

from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from crm.core.dates import local_date
from crm.core.queries import get_firm
from interactions.choices import CommitmentState, Side
from interactions.models import Commitment, Decision, Interaction

AT_MOST = 12
AHEAD = timedelta(days=14)


def shared_interactions(client, start: datetime, end: datetime) -> list[str]:
    rows = (
        Interaction.objects.filter(client=client)
        .kept()
        .shared()
        .between(start, end)
        .order_by("occurred_at", "id")[:AT_MOST]
    )
    return [
        _("%(day)s: %(what)s")
        % {"day": say_day(row.occurred_at), "what": row.subject or row.body.strip().split("\n")[0]}
        for row in rows
    ]


def kept_promises(client, start: datetime, end: datetime) -> list[str]:
    rows = Commitment.objects.filter(
        client=client, is_shared=True, state=CommitmentState.KEPT, closed_at__gte=start, closed_at__lt=end
    )
    return [row.text for row in rows.order_by("closed_at", "id")[:AT_MOST]]


def shared_decisions(client, start: datetime, end: datetime) -> list[str]:
    rows = (
        Decision.objects.filter(client=client)
        .shared()
        .filter(decided_date__gte=day_of(start, client), decided_date__lt=day_of(end, client) + timedelta(days=1))
    )
    # a decision of the first day was in the email before unless it was written down after that one's cut-off
    return [
        row.text
        for row in rows.order_by("decided_date", "id")[:AT_MOST]
        if row.created_at >= start or row.decided_date > day_of(start, client)
    ]


def our_promises(client, start: datetime, end: datetime) -> list[str]:
    return _open_promises(client, end, Side.FIRM)


def their_promises(client, start: datetime, end: datetime) -> list[str]:
    return _open_promises(client, end, Side.CLIENT)


def _open_promises(client, end: datetime, side: str) -> list[str]:
    until = day_of(end, client) + AHEAD
    rows = Commitment.objects.filter(client=client, is_shared=True, state=CommitmentState.OPEN, side=side).exclude(
        due_date__gt=until
    )
    return [with_day(row.text, row.due_date) for row in rows.order_by("due_date", "id")[:AT_MOST]]


def with_day(text: str, day: date | None) -> str:
    """“Send the price, by Fri 27 Nov”."""
    return _("%(what)s, by %(day)s") % {"what": text, "day": say_day(day)} if day else text


def say_day(day: date | datetime) -> str:
    if isinstance(day, datetime):
        day = timezone.localtime(day)
    return date_format(day, pgettext("date format", "D j M"))


def day_of(moment: datetime, client) -> date:
    return local_date(moment, client.time_zone or get_firm().time_zone)

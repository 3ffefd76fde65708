"""Planners of weekly mails ask before they write far more than usual: what `crm.core.services.blast` is told."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import dropwhile

from django.db.models import Count

from crm.core.dates import iso_week, local_date, local_to_utc, week_day
from crm.core.queries import get_firm
from crm.core.services import blast
from interactions.choices import InvitationSource
from interactions.models import ProgressEmail, SurveyInvitation

WEEKS = 8


def closed_weeks(wanted: Iterable[str]) -> frozenset[str]:
    """Weeks of progress emails that may not be planned now. `wanted`: the week of each email that would be written."""
    closed = set()
    for week, more in Counter(wanted).items():
        before = weeks_before(week)
        found = ProgressEmail.objects.filter(week__in=[*before, week]).order_by().values_list("week")
        counts = dict(found.annotate(number=Count("pk")))
        if not blast.may_plan(
            kind="progress", week=week, wanted=counts.get(week, 0) + more, history=_history(counts, before)
        ):
            closed.add(week)
    return frozenset(closed)


def may_plan_surveys(day: date, more: int) -> bool:
    """Whether a rule may write `more` invitations for the week of a day."""
    zone, week = get_firm().time_zone, iso_week(day)
    before = weeks_before(week)
    since = local_to_utc(week_day(before[0], 0), datetime.min.time(), zone)
    until = local_to_utc(week_day(week, 0) + timedelta(days=7), datetime.min.time(), zone)
    times = SurveyInvitation.objects.filter(source=InvitationSource.RULE, send_at__gte=since, send_at__lt=until)
    counts = Counter(iso_week(local_date(at, zone)) for at in times.values_list("send_at", flat=True).iterator())
    return blast.may_plan(kind="survey", week=week, wanted=counts[week] + more, history=_history(counts, before))


def are_surveys_left_out(day: date) -> bool:
    """An admin was asked about the week of this day and said no."""
    return blast.is_left_out(kind="survey", week=iso_week(day))


def weeks_before(week: str) -> list[str]:
    """The eight weeks before one, oldest first."""
    monday = week_day(week, 0)
    return [iso_week(monday - timedelta(days=7 * n)) for n in range(WEEKS, 0, -1)]


def _history(counts: dict[str, int], weeks: list[str]) -> list[int]:
    """How many there were in each week, without the weeks before the first."""
    return list(dropwhile(lambda number: not number, (counts.get(week, 0) for week in weeks)))

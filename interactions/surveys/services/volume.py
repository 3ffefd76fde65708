"""The volume guard of surveys asked by the rule."""

from collections import Counter
from datetime import date, datetime, timedelta

from crm.core.base.dates import iso_week, local_date, local_to_utc, week_day
from crm.core.firm.queries import get_firm
from crm.core.mail.services import volume
from interactions.surveys.choices import InvitationSource
from interactions.surveys.models import SurveyInvitation
from interactions.volume import history_of, weeks_before


def may_plan_surveys(day: date, more: int) -> bool:
    """Whether a rule may create `more` invitations for the week of this day."""
    zone, week = get_firm().time_zone, iso_week(day)
    before = weeks_before(week)
    since = local_to_utc(week_day(before[0], 0), datetime.min.time(), zone)
    until = local_to_utc(week_day(week, 0) + timedelta(days=7), datetime.min.time(), zone)
    times = SurveyInvitation.objects.filter(source=InvitationSource.RULE, send_at__gte=since, send_at__lt=until)
    counts = Counter(iso_week(local_date(at, zone)) for at in times.values_list("send_at", flat=True).iterator())
    return volume.may_plan(kind="survey", week=week, wanted=counts[week] + more, history=history_of(counts, before))


def are_surveys_left_out(day: date) -> bool:
    """Whether an admin refused the invitations of the week of this day."""
    return volume.is_left_out(kind="survey", week=iso_week(day))

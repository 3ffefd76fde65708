"""The rule that asks automatically. Its job creates the invitations of the next 36 hours."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import F, Min, QuerySet
from django.db.models.functions import Mod
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.listing.filters import ClientFilters
from clients.records.models import Client
from clients.segments.compile import narrow, reader_of
from clients.segments.models import Segment
from clients.segments.queries import broken_words
from clients.segments.rules import read as read_rule
from crm.core.base.dates import add_months, local_date, local_to_utc
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.queries import get_firm
from crm.core.listing.filters import query_of
from crm.core.notifications.services import tell
from crm.core.users.choices import Role
from crm.core.users.models import Team, User
from interactions import permissions
from interactions.surveys import emails
from interactions.surveys.audience import audience
from interactions.surveys.choices import Asked, InvitationState
from interactions.surveys.models import Survey, SurveyInvitation, SurveyRule
from interactions.surveys.services.mailing import invitation_for, save_new
from interactions.surveys.services.volume import are_surveys_left_out, may_plan_surveys

HORIZON = timedelta(hours=36)
EAST = timedelta(hours=14)  # the zone where a day begins first
CATCH_UP = timedelta(days=7)
SURVEY_FIELDS = ("question", "mail_subject", "mail_text", "pause_days", "answer_days")
RULE_FIELDS = ("is_active", "every_months", "send_time", "who", "statuses", "tiers", "team", "owner", "segment")


@service(may=permissions.may_send_surveys)
def set_survey(principal: Principal, *, survey: Survey, seen_version: int | None = None, **words) -> Survey:
    """Set the question, the words of the mail, the pause, and how long an answer is taken.

    Raises ServiceError (fields question, mail_subject, mail_text), StaleWrite."""
    row = Survey.objects.select_for_update().get(pk=survey.pk)
    for name in SURVEY_FIELDS:
        if name in words:
            setattr(row, name, words[name].strip() if isinstance(words[name], str) else words[name])
    if not row.question:
        raise ServiceError(_("Enter the question."), field="question")
    if len(row.mail_subject.splitlines()) > 1:
        raise ServiceError(_("Enter a subject on one line."), field="mail_subject")
    emails.check_words(row.mail_subject, row.mail_text)
    save_version(row, fields=list(SURVEY_FIELDS), seen=seen_version)
    return row


@service(may=permissions.may_send_surveys)
def set_rule(
    principal: Principal,
    *,
    survey: Survey,
    is_active: bool,
    every_months: int = 6,
    send_time: time = time(10, 0),
    who: str = Asked.MAIN,
    statuses: list[str] | None = None,
    tiers: list[str] | None = None,
    team: Team | None = None,
    owner: User | None = None,
    segment: Segment | None = None,
    now: datetime,
) -> SurveyRule:
    """Set who is asked automatically and when, from tomorrow on. Switching it off skips what is planned.

    Raises ServiceError (fields every_months, statuses, segment)."""
    if not 1 <= every_months <= 36:
        raise ServiceError(_("1 to 36 months."), field="every_months")
    if not statuses:
        raise ServiceError(_("Choose at least one status."), field="statuses")
    if is_active and (why := trouble_of(segment)):
        raise ServiceError(why, field="segment")
    values = (is_active, every_months, send_time, who, statuses, tiers or [], team, owner, segment)
    Survey.objects.select_for_update().get(pk=survey.pk)
    row = SurveyRule.objects.filter(survey=survey).first()
    was_active = row is not None and row.is_active
    row = row or SurveyRule(survey=survey)
    for name, value in zip(RULE_FIELDS, values, strict=True):
        setattr(row, name, value)
    if not was_active:
        row.planned_until = local_date(now, get_firm().time_zone)
    if row.pk:
        save_version(row, fields=[*RULE_FIELDS, "planned_until"], seen=None)
    else:
        row.save()
    if was_active and not is_active:
        _take_back(survey)
    return row


def _take_back(survey: Survey) -> None:
    """What is planned has no mail yet."""
    planned = SurveyInvitation.objects.filter(survey=survey, source="rule", state=InvitationState.PLANNED)
    planned.update(state=InvitationState.SKIPPED, skip_reason=_("The rule was turned off."))


def plan_surveys(now: datetime) -> int:
    """Periodic job: create the invitations due in the next 36 hours. Idempotent. Returns how many."""
    rules = SurveyRule.objects.filter(is_active=True, survey__archived_at__isnull=True).select_related("survey")
    due = [rule for rule in rules.select_related("segment") if next(days_to_plan(rule, now), None)]
    return sum(plan_rule(rule=rule, now=now) for rule in due)


def trouble_of(segment: Segment | None) -> str:
    """Why a rule with this segment asks nobody; "" while it may ask."""
    if segment is None:
        return ""
    if segment.is_archived or not segment.is_shared:
        words = _(
            "The segment “%(name)s” was deleted, or is no longer shared. Nobody is surveyed until another is chosen."
        )
        return words % {"name": segment.name}
    parsed = read_rule(segment.rule)
    if not parsed.is_sound:
        return broken_words(segment, parsed)
    if rolled_up := next((leaf for leaf in parsed.root.leaves() if leaf.criterion.is_personal), None):
        words = _(
            "The segment “%(name)s” asks “%(field)s”, which counts what its reader may see. A survey has no reader. "
            "Nobody is surveyed until another is chosen."
        )
        return words % {"name": segment.name, "field": rolled_up.criterion.label}
    return ""


def _tell_of_trouble(rule: SurveyRule, trouble: str) -> None:
    """Notify those who can choose another segment, once until the rule is saved, or has asked again."""
    who = User.objects.active().filter(roles__overlap=[Role.MANAGER, Role.ADMIN])
    url = f"{reverse('interactions:survey-settings')}?survey={rule.survey_id}"
    for user in who:
        key = f"survey-rule:{rule.pk}:{rule.segment_id}:{rule.version}:{rule.planned_until}:{user.pk}"
        tell(SYSTEM, user, kind="survey_rule", key=key, text=trouble, url=url)


def days_to_plan(rule: SurveyRule, now: datetime) -> Iterator[date]:
    """The days to plan whose hour is within the horizon in some zone; after an outage at most a week back."""
    day = (now - CATCH_UP).date()
    if rule.planned_until:
        day = max(day, rule.planned_until + timedelta(days=1))
    while datetime.combine(day, rule.send_time, UTC) - EAST <= now + HORIZON:
        yield day
        day += timedelta(days=1)


@transaction.atomic
def plan_rule(*, rule: SurveyRule, now: datetime) -> int:
    """Create the invitations of one rule for the days within the horizon. Returns how many. While its segment is gone the days stay
    open."""
    if trouble := trouble_of(rule.segment):
        _tell_of_trouble(rule, trouble)
        return 0
    calendar, made = WorkingCalendar.of(get_firm()), 0
    for day in days_to_plan(rule, now):
        rows = _invitations_of(rule, day, calendar, now)
        if may_plan_surveys(day, len(rows)):
            made += save_new(rows)
        elif not are_surveys_left_out(day):
            break  # an admin is asked first; the day stays open
        SurveyRule.objects.filter(pk=rule.pk).exclude(planned_until__gte=day).update(planned_until=day)
        rule.planned_until = day
    return made


def _invitations_of(rule: SurveyRule, day: date, calendar: WorkingCalendar, now: datetime) -> list[SurveyInvitation]:
    clients = clients_of_day(rule, day, now)
    workday, period = calendar.on_or_after(day), period_of(day, rule.every_months)[2]
    firm_zone, batch, rows = get_firm().time_zone, uuid.uuid4(), []
    found = audience(clients, survey=rule.survey, who=rule.who, when=_at(workday, rule, firm_zone), period=period)
    for person in found.people:
        zone_name = person.time_zone or firm_zone
        send_at = _at(workday, rule, zone_name)
        later = workday
        while send_at < now:  # after an outage, at the same hour of a later working day
            later = calendar.on_or_after(later + timedelta(days=1))
            send_at = _at(later, rule, zone_name)
        rows.append(invitation_for(SYSTEM, person, rule.survey, period=period, send_at=send_at, batch=batch))
    return rows


def _at(day: date, rule: SurveyRule, zone_name: str) -> datetime:
    """The rule's hour on that day. One skipped by a clock change moves forward; of a doubled one, the first counts."""
    return local_to_utc(day, rule.send_time, zone_name)


def period_of(day: date, months: int) -> tuple[date, date, str]:
    """(start, end, name) of the period of a day, end excluded; the name is like 2026-07+6."""
    index = (day.year * 12 + day.month - 1) // months * months
    start = date(index // 12, index % 12 + 1, 1)
    return start, add_months(start, months), f"{start:%Y-%m}+{months}"


def matching_clients(rule: SurveyRule, now: datetime):
    """The clients the rule is about, without restricted ones: a rule sees only what every colleague sees."""
    clients: QuerySet = Client.objects.filter(is_restricted=False)
    if rule.segment is not None:
        if trouble_of(rule.segment):
            return clients.none()
        clients = narrow(clients, read_rule(rule.segment.rule), reader_of(SYSTEM, now, me=rule.segment.owner_id))
    return ClientFilters(query_of(rule.client_filter()), principal=SYSTEM, now=now).apply(clients)


def first_day(rule: SurveyRule, now: datetime) -> date | None:
    """The next working day, from tomorrow on, on which the rule asks at least one client; None if no client matches."""
    today = local_date(now, get_firm().time_zone)
    start, end, _name = period_of(today, rule.every_months)
    for since, until in ((start, end), period_of(end, rule.every_months)[:2]):
        turns = matching_clients(rule, now).order_by().annotate(turn=Mod(F("pk"), (until - since).days))
        turn = turns.filter(turn__gt=(today - since).days).aggregate(first=Min("turn"))["first"]
        if turn is not None:
            return WorkingCalendar.of(get_firm()).on_or_after(since + timedelta(days=turn))
    return None


def clients_of_day(rule: SurveyRule, day: date, now: datetime):
    """The clients whose day it is: id modulo the days of the period."""
    start, end, _name = period_of(day, rule.every_months)
    turn = F("pk") % (end - start).days
    return matching_clients(rule, now).alias(turn=turn).filter(turn=(day - start).days)

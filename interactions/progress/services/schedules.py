"""The schedule of weekly progress emails, and the emails planned by it."""

from collections.abc import Iterable, Iterator
from datetime import datetime, time
from typing import Any

from django.db import transaction
from django.db.models import Max, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from clients.contacts.models import Affiliation, Contact
from clients.contacts.queries import address_at, held_for
from clients.records.choices import Status
from clients.records.models import Client
from crm.core.base.dates import iso_week
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.secret_links import new_salt
from crm.core.base.services import service
from crm.core.base.states import advance
from crm.core.base.versions import save_version
from crm.core.firm.queries import get_firm
from interactions import permissions
from interactions.log.choices import Channel
from interactions.progress.choices import PROGRESS, OnHoliday, ProgressState, WhenNothing
from interactions.progress.days import Days
from interactions.progress.models import ProgressEmail, ProgressRecipient, ProgressSchedule
from interactions.progress.services.volume import closed_weeks
from interactions.progress.times import (
    COVERS_AT_MOST,
    FIRST_COVERS,
    HORIZON,
    Times,
    candidate_days,
    first_open_week,
    next_week_of,
    times_of,
)
from interactions.recording.services import log_interaction

SCHEDULE_FIELDS = (
    "is_active",
    "weekday",
    "deadline_time",
    "time_zone",
    "lead_minutes",
    "is_review_needed",
    "when_nothing",
    "on_holiday",
)
MOMENTS = ("draft_at", "send_at", "deadline_at", "expires_at")


@service(may=permissions.may_change_client, why=permissions.IN_TRASH)
def set_schedule(
    principal: Principal,
    *,
    client: Client,
    recipients: Iterable[Contact],
    weekday: int = 4,
    deadline_time: time = time(12, 0),
    time_zone: str = "",
    is_review_needed: bool = True,
    when_nothing: str = WhenNothing.SHORT,
    on_holiday: str = OnHoliday.SEND,
    lead_minutes: int = 180,
    is_active: bool = True,
    seen_version: int | None = None,
    now: datetime,
) -> ProgressSchedule:
    """Set when and to whom. Planned emails move with it; a week never gets a second email.

    `time_zone` "" is the client's, else the firm's. Raises ServiceError (field recipients), StaleWrite.
    """
    contacts = list(recipients)
    _check_recipients(client, contacts, is_active)
    values = {
        "is_active": is_active,
        "weekday": weekday,
        "deadline_time": deadline_time,
        "time_zone": time_zone or client.time_zone or get_firm().time_zone,
        "lead_minutes": lead_minutes,
        "is_review_needed": is_review_needed,
        "when_nothing": when_nothing,
        "on_holiday": on_holiday,
    }
    schedule, days = ProgressSchedule.objects.select_for_update().filter(client=client).first(), Days()
    if schedule is None:
        schedule = ProgressSchedule(client=client, **values)
        schedule.next_week = first_open_week(schedule, now, days)
        schedule.save()
    else:
        for name, value in values.items():
            setattr(schedule, name, value)
        schedule.next_week = first_open_week(schedule, now, days)
        save_version(schedule, fields=[*SCHEDULE_FIELDS, "next_week"], seen=seen_version)
    _set_recipients(schedule, contacts)
    _move_open(schedule, now, days)
    plan_schedule(schedule=schedule, now=now, days=days)
    return schedule


def _check_recipients(client: Client, contacts: list[Contact], is_active: bool) -> None:
    if is_active and not contacts:
        raise ServiceError(_("Choose at least one recipient."), field="recipients")
    possible = set(possible_recipients(client).values_list("pk", flat=True))
    if strangers := [contact.name for contact in contacts if contact.pk not in possible]:
        raise ServiceError(
            _("%(names)s: no longer at this client, or no email address.") % {"names": ", ".join(strangers)},
            field="recipients",
        )


def possible_recipients(client: Client):
    """The client's current contacts with an address that takes mail, by name."""
    current = Affiliation.objects.filter(client=client).current()
    current = current.alias(address=address_at(held_for(affiliation=OuterRef("pk")))).filter(address__isnull=False)
    return Contact.objects.filter(pk__in=current.values("contact_id")).order_by("name_key", "pk")


def _set_recipients(schedule: ProgressSchedule, contacts: list[Contact]) -> None:
    """The row of a recipient who opted out is kept, so that removing and adding them again does not undo it."""
    wanted = {contact.pk for contact in contacts}
    schedule.recipients.filter(stopped_at__isnull=True).exclude(contact__in=wanted).delete()
    present = set(schedule.recipients.values_list("contact_id", flat=True))
    for pk in sorted(wanted - present):
        ProgressRecipient.objects.create(schedule=schedule, contact_id=pk, salt=new_salt())


def _move_open(schedule: ProgressSchedule, now: datetime, days: Days) -> None:
    """Unsent emails get the new times, unless those have passed; a schedule switched off skips them."""
    for email in ProgressEmail.objects.select_for_update().filter(
        client_id=schedule.client_id, state__in=PROGRESS.open
    ):
        times = times_of(schedule, email.week, days)
        values: dict[str, Any] = {"time_zone": schedule.time_zone, "is_review_needed": schedule.is_review_needed}
        skipped = "" if schedule.is_active else _("The schedule was turned off.")
        if schedule.is_active and times.deadline_at > now and times.send_at > email.covers_from:
            values |= _moments(email, times)
            skipped = "" if email.is_edited else times.skipped  # a setting must not discard what someone wrote
        if skipped:
            advance(email, to=ProgressState.SKIPPED, states=PROGRESS, skip_reason=skipped, **values)
        else:
            ProgressEmail.objects.filter(pk=email.pk).update(updated_at=timezone.now(), **values)


def _moments(email: ProgressEmail, times: Times) -> dict[str, Any]:
    values = {name: getattr(times, name) for name in MOMENTS} | {"moved_reason": times.moved}
    return values | {"covers_to": times.send_at} if email.state == ProgressState.PLANNED else values


def plan_progress(now: datetime) -> int:
    """Periodic job: create the emails due in the next 36 hours. Idempotent. Returns how many."""
    days, window = Days(), candidate_days(now)
    due = days.moved_to(window)
    for day in window:
        due |= Q(weekday=day.weekday(), next_week__lte=iso_week(day))
    rows = (
        ProgressSchedule.objects.running()
        .exclude(client__facts__status=Status.FORMER)
        .filter(due)
        .select_related("client")
    )
    schedules = [row for row in rows.iterator(chunk_size=500) if _is_due(row, now, days)]
    closed = closed_weeks(_next_weeks(schedules, now, days))
    return sum(plan_schedule(schedule=schedule, now=now, days=days, closed=closed) for schedule in schedules)


def _is_due(schedule: ProgressSchedule, now: datetime, days: Days) -> bool:
    week = schedule.next_week or first_open_week(schedule, now, days)
    return times_of(schedule, week, days).send_at <= now + HORIZON


def _next_weeks(schedules: Iterable[ProgressSchedule], now: datetime, days: Days) -> Iterator[str]:
    """The week of the next email of each."""
    for schedule in schedules:
        times = times_of(schedule, schedule.next_week or first_open_week(schedule, now, days), days)
        if times.expires_at > now:
            yield times.week


def plan_schedule(
    *, schedule: ProgressSchedule, now: datetime, days: Days | None = None, closed: frozenset[str] = frozenset()
) -> int:
    """Create the emails of one schedule that are due within the horizon. `closed`: weeks that wait for an admin's approval.
    Returns how many."""
    days = days or Days()
    if not schedule.is_active or not _is_due(schedule, now, days):
        return 0  # most are not due yet and cost no statement
    return _plan_weeks(schedule, now, days, closed)


@transaction.atomic
def _plan_weeks(schedule: ProgressSchedule, now: datetime, days: Days, closed: frozenset[str]) -> int:
    made, week = 0, schedule.next_week or first_open_week(schedule, now, days)
    for _step in range(60):  # a schedule left alone for a year catches up in one go
        times = times_of(schedule, week, days)
        if times.send_at > now + HORIZON or week in closed:
            break
        if times.expires_at > now:
            made += _plan_week(schedule, times)
        week = next_week_of(week)
    if week != schedule.next_week:
        ProgressSchedule.objects.filter(pk=schedule.pk, next_week=schedule.next_week).update(next_week=week)
        schedule.next_week = week
    return made


def _plan_week(schedule: ProgressSchedule, times: Times) -> int:
    """The row of one week; a week without an email because of a holiday gets a skipped row, which can be restored."""
    row = ProgressEmail(
        client_id=schedule.client_id,
        week=times.week,
        covers_from=covers_from(schedule.client_id, times.send_at),
        covers_to=times.send_at,
        time_zone=schedule.time_zone,
        is_review_needed=schedule.is_review_needed,
        is_demo=schedule.client.is_demo,
        state=ProgressState.SKIPPED if times.skipped else ProgressState.PLANNED,
        skip_reason=times.skipped[:200],
        moved_reason=times.moved[:200],
        **{name: getattr(times, name) for name in MOMENTS},
    )
    before = ProgressEmail.objects.filter(client_id=schedule.client_id, week=times.week).exists()
    ProgressEmail.objects.bulk_create([row], ignore_conflicts=True)
    return int(not before)


def covers_from(client_id: int, send_at: datetime) -> datetime:
    """The cut-off of the last email sent, at most 28 days back; a week back for the first."""
    last = ProgressEmail.objects.filter(client_id=client_id, state=ProgressState.SENT, covers_to__lt=send_at).aggregate(
        last=Max("covers_to")
    )["last"]
    return max(last, send_at - COVERS_AT_MOST) if last else send_at - FIRST_COVERS


@service(may=permissions.may_change_recipient, why=permissions.IN_TRASH)
def resume_recipient(
    principal: Principal, *, recipient: ProgressRecipient, note: str, now: datetime
) -> ProgressRecipient:
    """Send emails again to a contact who had opted out. The note says who asked for it and goes on the client's timeline.

    Raises ServiceError (field note)."""
    if not note.strip():
        raise ServiceError(_("Say who asked and when."), field="note")
    recipient = (
        ProgressRecipient.objects.select_for_update().select_related("schedule__client", "contact").get(pk=recipient.pk)
    )
    if recipient.stopped_at is None:
        return recipient
    recipient.stopped_at = None
    recipient.save(update_fields=["stopped_at"])
    log_interaction(
        principal,
        client=recipient.schedule.client,
        channel=Channel.NOTE,
        occurred_at=now,
        now=now,
        body=note,
        is_automatic=True,
        subject=_("Progress emails go to %(name)s again") % {"name": recipient.contact.name},
    )
    return recipient

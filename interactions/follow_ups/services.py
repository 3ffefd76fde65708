"""Follow-ups: tasks for a client, due at a local wall time.

A reminder goes out one hour before a due time, or at 08:00 in the assignee's zone on a due day without one. If that has
passed, at the due time; if that has passed too, at once. A snoozed follow-up reminds when its snooze ends.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from clients.contacts.models import Affiliation, Contact
from clients.engagements.models import Engagement
from clients.engagements.services.records import check_engagement_of, sees_engagement
from clients.gate import may_see
from clients.records.models import Client
from crm.core.base.actors import actor_columns, set_actor
from crm.core.base.dates import is_plausible, local_date, local_to_utc
from crm.core.base.errors import ServiceError
from crm.core.base.models import insert
from crm.core.base.principals import SYSTEM, Principal, acting
from crm.core.base.services import service
from crm.core.base.states import transition
from crm.core.base.versions import save_version
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.queries import get_firm, user_zone
from crm.core.notifications.services import Handed, tell_both
from crm.core.users.models import User
from interactions import permissions
from interactions.follow_ups import recurrence
from interactions.follow_ups.choices import FOLLOW_UP, FollowUpState, Priority
from interactions.follow_ups.facts import refresh_next_step
from interactions.follow_ups.fields import FOLLOW_UP_FIELDS
from interactions.follow_ups.models import FollowUp

END_OF_DAY = time(17, 0)
MORNING = time(8, 0)
CLOSED = ("outcome", "closed_at", "closed_by_id", "closed_by_contact_id")  # what closing says


@service(may=permissions.may_add_follow_up, why=permissions.IN_TRASH)
def create_follow_up(
    principal: Principal,
    *,
    client: Client | None,
    title: str,
    due_date: date,
    due_time: time | None = None,
    time_zone: str = "",
    assignee: User | None = None,
    contact: Contact | None = None,
    engagement: Engagement | None = None,
    priority: int = Priority.NORMAL,
    note: str = "",
    rrule: str = "",
    source_kind: str = "",
    source_id: int | None = None,
    wants_reminder: bool = True,
    now: datetime,
    is_demo: bool = False,
) -> FollowUp:
    """Create a follow-up, due at the end of the working day (17:00) unless a time is given. `time_zone`: "" for the
    assignee's own. Raises ServiceError (fields title, assignee, rrule)."""
    assignee = assignee or principal.user
    check_engagement_of(principal, engagement, client)
    about = {"client": client, "engagement": engagement}
    _check(principal, **about, title=title, assignee=assignee, contact=contact, due_date=due_date)
    follow_up = FollowUp(
        **about,
        contact=contact,
        title=title.strip(),
        note=note,
        assignee=assignee,
        **actor_columns(principal, "author", "author_contact_id"),
        due_date=due_date,
        due_time=due_time,
        time_zone=time_zone or user_zone(assignee).key,
        rrule=recurrence.normalise(rrule, due_date),
        priority=priority,
        source_kind=source_kind,
        source_id=source_id,
        is_demo=is_demo,
    )
    _set_due(follow_up)
    follow_up.remind_at = reminder_moment(follow_up, now) if wants_reminder else None
    follow_up.save()
    if principal.user is not None and not is_demo:
        tell_both(principal, _handed(follow_up), old=None, new=assignee)
    return _changed(follow_up)


def new_follow_up(
    principal: Principal,
    *,
    client: Client,
    title: str,
    due_date: date,
    assignee: User,
    state: str = FollowUpState.OPEN,
    closed_at: datetime | None = None,
    now: datetime,
    **fields,
) -> FollowUp:
    """A follow-up of a file that is not saved yet. One that is due in the future reminds; what was due or done in the other system does
    not. Raises ServiceError (fields title, due_date).
    """
    if not title.strip():
        raise ServiceError(_("Say what needs doing."), field="title")
    if not is_plausible(due_date):
        raise ServiceError(_("This date is too far away."), field="due_date")
    row = FollowUp(
        client=client,
        title=title.strip(),
        due_date=due_date,
        assignee=assignee,
        state=state,
        closed_at=closed_at,
        time_zone=fields.pop("time_zone", "") or user_zone(assignee).key,
        **actor_columns(principal, "author", "author_contact_id"),
        **fields,
    )
    if closed_at is not None:
        set_actor(row, principal, "closed_by", "closed_by_contact_id")
    _set_due(row)
    row.remind_at = reminder_moment(row, now) if row.state == FollowUpState.OPEN and row.due_at > now else None
    return row


@service(may=permissions.may_edit_clients_of, why=permissions.IN_TRASH)
def record_follow_ups(principal: Principal, *, rows: Sequence[FollowUp]) -> list[FollowUp]:
    """Save these follow-ups, made by `new_follow_up`, in one statement, and their clients' next step in another. Nobody is told."""
    made = insert(rows)
    refresh_next_step(client_ids={row.client_id for row in made if row.client_id})
    return made


@service(may=permissions.may_change_follow_up, why=permissions.IN_TRASH)
def update_follow_up(
    principal: Principal,
    *,
    follow_up: FollowUp,
    now: datetime,
    seen_version: int | None = None,
    is_told: bool = True,
    **fields,
) -> FollowUp:
    """Change what, when or who; a new time or assignee means a new reminder. The new and the previous assignee are
    notified, unless the caller does that (`is_told`). Raises StaleWrite, ServiceError.
    """
    follow_up = _locked(follow_up)
    had_it = follow_up.assignee
    if unknown := set(fields) - set(FOLLOW_UP_FIELDS.edited):
        raise TypeError(f"not fields of a follow-up that are edited: {sorted(unknown)}")
    before, old_rule = (follow_up.due_at, follow_up.assignee_id), follow_up.rrule
    check_engagement_of(principal, fields.get("engagement"), follow_up.client)
    for name, value in fields.items():
        setattr(follow_up, name, value)
    _check(
        principal,
        client=follow_up.client,
        engagement=follow_up.engagement,
        title=follow_up.title,
        assignee=follow_up.assignee,
        contact=follow_up.contact if "contact" in fields else None,
        due_date=follow_up.due_date,
    )
    follow_up.time_zone = follow_up.time_zone or user_zone(follow_up.assignee).key
    if follow_up.rrule != old_rule:
        follow_up.rrule = recurrence.normalise(follow_up.rrule, follow_up.due_date)

    def derive() -> list[str]:
        _set_due(follow_up)
        if before != (follow_up.due_at, follow_up.assignee_id) and follow_up.state in FOLLOW_UP.open:
            follow_up.snoozed_until = None
            follow_up.remind_at = reminder_moment(follow_up, now)
        return ["due_at", "snoozed_until", "remind_at"]

    save_version(follow_up, fields=FOLLOW_UP_FIELDS.edited, seen=seen_version, derive=derive)
    if is_told and follow_up.assignee != had_it and follow_up.state in FOLLOW_UP.open:
        tell_both(principal, _handed(follow_up), old=had_it, new=follow_up.assignee)
    return _changed(follow_up)


def _handed(follow_up: FollowUp) -> Handed:
    url = reverse("interactions:follow-up", args=[follow_up.pk])
    return Handed("follow-up", follow_up.pk, follow_up.version, follow_up.title, url, follow_up.client)


def reassign_follow_up(
    principal: Principal,
    *,
    follow_up: FollowUp,
    assignee: User,
    now: datetime,
    seen_version: int | None = None,
    is_told: bool = True,
) -> FollowUp:
    """Reassign it to someone who may see the client; they are notified, and get their own reminder."""
    return update_follow_up(
        principal, follow_up=follow_up, assignee=assignee, now=now, seen_version=seen_version, is_told=is_told
    )


@service(may=permissions.may_change_follow_up, why=permissions.IN_TRASH)
def move_due(
    principal: Principal,
    *,
    follow_up: FollowUp,
    due_date: date,
    snoozed_until: datetime | None = None,
    now: datetime,
    seen_version: int | None = None,
) -> FollowUp:
    """Set the day it is due, and wake it; an undo lets it sleep on. Raises StaleWrite, ServiceError (field due_date)."""
    follow_up = _locked(follow_up)
    FOLLOW_UP.expect(follow_up, *FOLLOW_UP.open)
    if not is_plausible(due_date):
        raise ServiceError(_("This date is too far away."), field="due_date")
    follow_up.due_date = due_date

    def derive() -> list[str]:
        _set_due(follow_up)
        follow_up.snoozed_until = snoozed_until
        follow_up.remind_at = snoozed_until or reminder_moment(follow_up, now)
        return ["due_at", "snoozed_until", "remind_at"]

    save_version(follow_up, fields=["due_date"], seen=seen_version, derive=derive)
    return _changed(follow_up)


@service(may=permissions.may_change_follow_up, why=permissions.IN_TRASH)
def snooze_follow_up(principal: Principal, *, follow_up: FollowUp, until: datetime, now: datetime) -> FollowUp:
    """Hide it until then; the due date stays. Raises ServiceError (field until) for a past time."""
    follow_up = _locked(follow_up)
    FOLLOW_UP.expect(follow_up, *FOLLOW_UP.open)
    if until <= now:
        raise ServiceError(_("Choose a time in the future."), field="until")
    if not is_plausible(until):
        raise ServiceError(_("This date is too far away."), field="until")
    follow_up.snoozed_until = follow_up.remind_at = until
    save_version(follow_up, fields=["snoozed_until", "remind_at"], seen=None)
    return _changed(follow_up)


@service(may=permissions.may_change_follow_up, why=permissions.IN_TRASH)
def complete_follow_up(principal: Principal, *, follow_up: FollowUp, outcome: str = "", now: datetime) -> FollowUp:
    """Complete it; a repeating one creates its next occurrence. Idempotent."""
    follow_up = _locked(follow_up)
    if follow_up.state == FollowUpState.DONE:
        return follow_up
    _close(follow_up, FollowUpState.DONE, principal, outcome, now)
    if follow_up.rrule:
        _repeat(follow_up, now)
    return _changed(follow_up)


@service(may=permissions.may_change_follow_up, why=permissions.IN_TRASH)
def cancel_follow_up(principal: Principal, *, follow_up: FollowUp, reason: str = "", now: datetime) -> FollowUp:
    """Cancel it; a repeating one ends. Idempotent."""
    follow_up = _locked(follow_up)
    if follow_up.state == FollowUpState.CANCELLED:
        return follow_up
    _close(follow_up, FollowUpState.CANCELLED, principal, reason, now)
    return _changed(follow_up)


@service(may=permissions.may_change_follow_up, why=permissions.IN_TRASH)
def reopen_follow_up(principal: Principal, *, follow_up: FollowUp, now: datetime) -> FollowUp:
    """Undo completing or cancelling. The next occurrence that completing created is cancelled, unless someone changed
    it; `taken_back` of the result is that one, or None.
    """
    follow_up = _locked(follow_up)
    if follow_up.state == FollowUpState.OPEN:
        return follow_up
    fresh = None
    if follow_up.state == FollowUpState.DONE and follow_up.rrule:
        fresh = _take_back_repeat(principal, follow_up, now)
    _open(follow_up, reminder_moment(follow_up, now) if follow_up.due_at > now else None)
    follow_up.taken_back = fresh  # type: ignore[attr-defined]
    return _changed(follow_up)


@service(may=permissions.may_change_follow_up, why=permissions.IN_TRASH)
def close_as_before(
    principal: Principal,
    *,
    follow_up: FollowUp,
    was: FollowUp,
    taken_back: FollowUp | None = None,
) -> FollowUp:
    """Undo reopening: closed as `was`, by whom and when it was. Nothing repeats; the occurrence that reopening took back is open again,
    with its reminder, unless someone changed it. Raises ServiceError."""
    follow_up = _locked(follow_up)
    with transition(follow_up, to=was.state, states=FOLLOW_UP, only_from=FollowUpState.OPEN, is_locked=True):
        for name in CLOSED:
            setattr(follow_up, name, getattr(was, name))
        follow_up.snoozed_until = follow_up.remind_at = None
    if taken_back is not None:
        rows = FollowUp.objects.filter(pk=taken_back.pk, version=taken_back.version, state=FollowUpState.CANCELLED)
        for fresh in rows.select_for_update():
            _open(fresh, taken_back.remind_at)
    return _changed(follow_up)


def _open(follow_up: FollowUp, remind_at: datetime | None) -> None:
    with transition(follow_up, to=FollowUpState.OPEN, states=FOLLOW_UP, is_locked=True):
        follow_up.closed_at, follow_up.outcome = None, ""
        set_actor(follow_up, SYSTEM, "closed_by", "closed_by_contact_id")
        follow_up.remind_at = remind_at


def _locked(follow_up: FollowUp) -> FollowUp:
    rows = FollowUp.objects.select_for_update(of=("self",)).select_related(
        "client", "assignee", "contact", "engagement"
    )
    return rows.get(pk=follow_up.pk)


def _check(principal, *, client, engagement, title, assignee, contact, due_date) -> None:
    if not title.strip():
        raise ServiceError(_("Say what needs doing."), field="title")
    if not is_plausible(due_date):
        raise ServiceError(_("This date is too far away."), field="due_date")
    if contact is not None and (
        client is None or not Affiliation.objects.filter(client=client, contact=contact).exists()
    ):
        raise ServiceError(_("This person is not a contact at this client."), field="contact")
    if not assignee.is_active:
        raise ServiceError(
            _("%(name)s can no longer sign in. Choose someone else.") % {"name": assignee.name}, field="assignee"
        )
    if client is not None and assignee != principal.user and not may_see(acting(assignee), client):
        raise ServiceError(_("%(name)s cannot see this client.") % {"name": assignee.name}, field="assignee")
    if assignee != principal.user and not sees_engagement(assignee, engagement):
        raise ServiceError(_("%(name)s cannot see this.") % {"name": assignee.name}, field="assignee")


def _set_due(follow_up: FollowUp) -> None:
    follow_up.due_at = local_to_utc(follow_up.due_date, follow_up.due_time or END_OF_DAY, follow_up.time_zone)


def reminder_moment(follow_up: FollowUp, now: datetime) -> datetime:
    morning = local_to_utc(follow_up.due_date, MORNING, user_zone(follow_up.assignee).key)
    moment = follow_up.due_at - timedelta(hours=1) if follow_up.due_time else morning
    return moment if moment > now else max(follow_up.due_at, now)


def _close(follow_up, state, principal, outcome, now) -> None:
    with transition(follow_up, to=state, states=FOLLOW_UP, is_locked=True):
        follow_up.outcome, follow_up.closed_at = outcome, now
        set_actor(follow_up, principal, "closed_by", "closed_by_contact_id")
        follow_up.snoozed_until = follow_up.remind_at = None


def _repeat(done: FollowUp, now) -> None:
    today = local_date(now, done.time_zone)
    calendar = WorkingCalendar.of(get_firm())
    found = recurrence.following(done.rrule, after=max(done.due_date, today), start=done.due_date, calendar=calendar)
    if found is None:
        return
    day, rule = found
    fresh = FollowUp(
        client=done.client,
        engagement=done.engagement,
        contact=done.contact,
        title=done.title,
        note=done.note,
        assignee=done.assignee,
        author=done.author,
        author_contact=done.author_contact,
        due_date=day,
        due_time=done.due_time,
        time_zone=done.time_zone,
        rrule=rule,
        priority=done.priority,
        source_kind=done.source_kind,
        source_id=done.source_id,
        is_demo=done.is_demo,
    )
    _set_due(fresh)
    fresh.remind_at = reminder_moment(fresh, now)
    fresh.save()


def _take_back_repeat(principal, follow_up, now) -> FollowUp | None:
    fresh = (
        FollowUp.objects.select_for_update()
        .filter(
            client=follow_up.client,
            engagement=follow_up.engagement_id,
            title=follow_up.title,
            assignee=follow_up.assignee,
            state=FollowUpState.OPEN,
            version=1,
            due_date__gt=follow_up.due_date,
            id__gt=follow_up.pk,
        )
        .exclude(rrule="")
        .order_by("id")
        .first()
    )
    if fresh is not None:
        remind_at = fresh.remind_at
        _close(fresh, FollowUpState.CANCELLED, principal, "", now)
        fresh.remind_at = remind_at  # what it had, for undo
    return fresh


def _changed(follow_up: FollowUp) -> FollowUp:
    if follow_up.client_id is not None:
        refresh_next_step(client_ids=[follow_up.client_id])
    return follow_up

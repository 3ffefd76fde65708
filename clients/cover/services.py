"""Cover during an absence: arranged, changed, ended early, resumed."""

from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clients.checks import check_constraints, clean_fields, only_known
from clients.cover import permissions
from clients.cover.models import Cover
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import check_version, save_version
from crm.core.firm.queries import firm_today
from crm.core.notifications.models import Notification
from crm.core.notifications.services import tell
from crm.core.users.models import User

LONGEST = timedelta(days=366)
CHANGED = ("covering", "start_date", "end_date", "note")


@service(may=permissions.may_arrange, why=permissions.OWN_ABSENCE)
def arrange_cover(
    principal: Principal,
    *,
    absent: User,
    covering: User,
    start_date: date,
    end_date: date,
    note: str = "",
    now: datetime,
    is_demo: bool = False,
) -> Cover:
    """From `start_date` until `end_date` begins, in the firm's time zone, `covering` sees and works with the clients of `absent`. Both are
    notified. Raises ServiceError (fields absent, covering, start_date, end_date, note).
    """
    row = Cover(absent=absent, covering=covering, start_date=start_date, end_date=end_date, note=note)
    row.arranged_by, row.is_demo = principal.user, is_demo
    _check(row, firm_today(now))
    row.save()
    if not is_demo:
        _tell_both(principal, row, "arranged")
    return row


@service(may=permissions.may_change, why=permissions.OWN_COVER)
def update_cover(
    principal: Principal, *, cover: Cover, seen_version: int | None = None, now: datetime, **fields: Any
) -> Cover:
    """Change its days, its note and who covers; all who cover or covered, and the absent colleague, are notified. What was done under it
    stays done in the absent colleague's place: a first day that has come is fixed, and another colleague takes over with a cover of
    their own, which is returned. Raises StaleWrite, ServiceError (fields covering, start_date, end_date, note; code "closed" when it is over
    or was ended).
    """
    only_known(fields, CHANGED)
    row, today = _locked(cover), firm_today(now)
    check_version(row, seen_version)
    _check_not_over(row, now)
    if row.ended_at is not None:
        raise ServiceError(_("This cover was ended. Resume it first."), code="closed")
    before = {name: getattr(row, name) for name in CHANGED}
    began = row.has_begun(today)
    for name, value in fields.items():
        setattr(row, name, value)
    row.note = row.note.strip()
    if {name: getattr(row, name) for name in CHANGED} == before:
        return row
    _check_first_day(row, before["start_date"], today)
    if row.has_begun(today) and (not began or row.covering != before["covering"]):
        return _take_over(principal, row, cover, now)
    _check(row, today)
    save_version(row, fields=CHANGED, seen=None)
    if row.covering != before["covering"]:
        _tell(principal, row, before["covering"], f"changed:{row.version}", _("You no longer cover for %(absent)s"))
    _tell_both(principal, row, f"changed:{row.version}")
    return row


def _take_over(principal: Principal, wanted: Cover, cover: Cover, now: datetime) -> Cover:
    """The cover as it was ends, and one as it is wanted begins at the same moment."""
    row, today = _locked(cover), firm_today(now)
    row.ended_at, row.ended_by = now, principal.user
    save_version(row, fields=["ended_at", "ended_by"], seen=None)
    made = Cover(absent=row.absent, covering=wanted.covering, start_date=today, end_date=wanted.end_date)
    made.note, made.arranged_by = wanted.note, principal.user
    _check(made, today)
    made.save()
    if made.covering != row.covering:
        _tell(principal, row, row.covering, f"ended:{now.isoformat()}", _("You no longer cover for %(absent)s"))
    _tell_both(principal, made, "arranged")
    return made


@service(may=permissions.may_change, why=permissions.OWN_COVER)
def end_cover(principal: Principal, *, cover: Cover, now: datetime) -> Cover:
    """End it now; one that has not begun never begins. Both are notified. Twice changes nothing. Raises ServiceError (code "closed") when
    it is over.
    """
    row = _locked(cover)
    if row.ended_at is None:
        _check_not_over(row, now)
        row.ended_at, row.ended_by = now, principal.user
        save_version(row, fields=["ended_at", "ended_by"], seen=None)
        _tell_both(principal, row, f"ended:{now.isoformat()}")
    return row


@service(may=permissions.may_change, why=permissions.OWN_COVER)
def resume_cover(principal: Principal, *, cover: Cover, now: datetime) -> Cover:
    """Undo of ending it early. Raises ServiceError: field covering for somebody disabled, start_date where they cover on these days by now;
    code "closed" when it is over.
    """
    row = _locked(cover)
    if row.ended_at is None:
        return row
    _check_not_over(row, now)
    _check_people(row.absent, row.covering)
    told = Notification.objects.filter(key__startswith=f"cover:{row.pk}:ended:{row.ended_at.isoformat()}:")
    row.ended_at = row.ended_by = None
    _check_overlap(row)
    save_version(row, fields=["ended_at", "ended_by"], seen=None)
    unread = told.filter(read_at__isnull=True)
    if unread.count() == told.count():
        unread.delete()
    else:
        _tell_both(principal, row, f"resumed:{now.isoformat()}")
    return row


def _locked(cover: Cover) -> Cover:
    return Cover.objects.select_for_update(of=("self",)).select_related("absent", "covering").get(pk=cover.pk)


def _check(row: Cover, today: date) -> None:
    """All that is said about people and days before a cover is saved."""
    row.note = row.note.strip()
    _check_people(row.absent, row.covering)
    for name in ("start_date", "end_date"):
        if not is_plausible(getattr(row, name)):
            raise ServiceError(_("This date is too far away."), field=name)
    if row.end_date <= row.start_date:
        raise ServiceError(_("They must be back after the first day away."), field="end_date")
    if row.is_over(today):
        raise ServiceError(_("These days are in the past. Choose a day after today."), field="end_date")
    if row.end_date - row.start_date > LONGEST:
        raise ServiceError(_("A cover lasts a year at most. Reassign the clients instead."), field="end_date")
    clean_fields(row, ["note"])
    _check_overlap(row)
    check_constraints(row, field="covering")


def _check_overlap(row: Cover) -> None:
    rows = Cover.objects.filter(absent=row.absent, covering=row.covering, ended_at__isnull=True).exclude(pk=row.pk)
    other = rows.filter(start_date__lt=row.end_date, end_date__gt=row.start_date).order_by("start_date").first()
    if other is not None:
        text = _(
            "%(covering)s already covers for %(absent)s from %(start)s until %(end)s. Change that absence instead."
        )
        raise ServiceError(text % _words(other), field="start_date")


def _check_first_day(row: Cover, before: date, today: date) -> None:
    if row.start_date == before:
        return
    if before <= today:
        raise ServiceError(_("This cover has begun, so its first day stays."), field="start_date")
    if row.start_date < today:
        raise ServiceError(_("This day is in the past. Choose today or a later day."), field="start_date")


def _check_people(absent: User, covering: User) -> None:
    for user, field in ((absent, "absent"), (covering, "covering")):
        if not user.is_active:
            raise ServiceError(
                _("%(name)s can no longer sign in. Choose someone else.") % {"name": user.name}, field=field
            )
    if not covering.roles:
        raise ServiceError(_("%(name)s has no role and sees no clients.") % {"name": covering.name}, field="covering")


def _check_not_over(row: Cover, now: datetime) -> None:
    if row.is_over(firm_today(now)):
        raise ServiceError(_("This cover is over."), code="closed")


def _words(row: Cover) -> dict[str, Any]:
    return {
        "absent": row.absent.name,
        "covering": row.covering.name,
        "start": date_format(row.start_date, "j M"),
        "end": date_format(row.end_date, "j M Y"),
    }


def _tell_both(principal: Principal, row: Cover, what: str) -> None:
    if what.startswith("ended"):
        texts = {
            row.absent: _("%(covering)s no longer covers for you"),
            row.covering: _("You no longer cover for %(absent)s"),
        }
    elif what.startswith("changed"):
        texts = {
            row.absent: _("Changed: %(covering)s covers for you from %(start)s until %(end)s"),
            row.covering: _("Changed: you cover for %(absent)s from %(start)s until %(end)s"),
        }
    else:
        texts = {
            row.absent: _("%(covering)s covers for you from %(start)s until %(end)s"),
            row.covering: _("You cover for %(absent)s from %(start)s until %(end)s"),
        }
    for user, text in texts.items():
        _tell(principal, row, user, what, text)


def _tell(principal: Principal, row: Cover, user: User, what: str, text: str) -> None:
    key = f"cover:{row.pk}:{what}:{user.pk}"
    tell(principal, user, kind="cover", key=key, text=text % _words(row), url=reverse("clients:covers"))

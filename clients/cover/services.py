"""Cover during an absence: arranged, ended early, resumed."""

from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clients.checks import check_constraints, clean_fields
from clients.cover import permissions
from clients.cover.models import Cover
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.firm.queries import firm_today
from crm.core.notifications.models import Notification
from crm.core.notifications.services import tell
from crm.core.users.models import User

LONGEST = timedelta(days=366)


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
    _check_people(absent, covering)
    if not is_plausible(start_date):
        raise ServiceError(_("This date is too far away."), field="start_date")
    if end_date <= firm_today(now):
        raise ServiceError(_("This absence is already over."), field="end_date")
    if end_date - start_date > LONGEST:
        raise ServiceError(_("A cover lasts a year at most. Reassign the clients instead."), field="end_date")
    row = Cover(absent=absent, covering=covering, start_date=start_date, end_date=end_date, note=note.strip())
    row.arranged_by, row.is_demo = principal.user, is_demo
    clean_fields(row, ["note"])
    check_constraints(row, field="end_date" if end_date <= start_date else "covering")
    row.save()
    if not is_demo:
        _tell_both(principal, row, "arranged")
    return row


@service(may=permissions.may_end, why=permissions.OWN_COVER)
def end_cover(principal: Principal, *, cover: Cover, now: datetime) -> Cover:
    """End it now; one that has not begun never begins. Both are notified. Twice changes nothing. Raises ServiceError (code "closed") when
    it is over.
    """
    row = _locked(cover)
    if row.ended_at is None:
        _check_not_over(row, now)
        row.ended_at, row.ended_by = now, principal.user
        row.save(update_fields=["ended_at", "ended_by"])
        _tell_both(principal, row, f"ended:{now.isoformat()}")
    return row


@service(may=permissions.may_end, why=permissions.OWN_COVER)
def resume_cover(principal: Principal, *, cover: Cover, now: datetime) -> Cover:
    """Undo of ending it early. Raises ServiceError: field covering for somebody disabled, or who covers on these days by now; code "closed"
    when it is over.
    """
    row = _locked(cover)
    if row.ended_at is None:
        return row
    _check_not_over(row, now)
    _check_people(row.absent, row.covering)
    told = Notification.objects.filter(key__startswith=f"cover:{row.pk}:ended:{row.ended_at.isoformat()}:")
    row.ended_at = row.ended_by = None
    check_constraints(row, field="covering")
    row.save(update_fields=["ended_at", "ended_by"])
    unread = told.filter(read_at__isnull=True)
    if unread.count() == told.count():
        unread.delete()
    else:
        _tell_both(principal, row, f"resumed:{now.isoformat()}")
    return row


def _locked(cover: Cover) -> Cover:
    return Cover.objects.select_for_update(of=("self",)).select_related("absent", "covering").get(pk=cover.pk)


def _check_people(absent: User, covering: User) -> None:
    for user, field in ((absent, "absent"), (covering, "covering")):
        if not user.is_active:
            raise ServiceError(
                _("%(name)s can no longer sign in. Choose someone else.") % {"name": user.name}, field=field
            )
    if not covering.roles:
        raise ServiceError(_("%(name)s has no role and sees no clients.") % {"name": covering.name}, field="covering")


def _check_not_over(row: Cover, now: datetime) -> None:
    if row.end_date <= firm_today(now):
        raise ServiceError(_("This cover is over."), code="closed")


def _tell_both(principal: Principal, row: Cover, what: str) -> None:
    words: dict[str, Any] = {
        "absent": row.absent.name,
        "covering": row.covering.name,
        "start": date_format(row.start_date, "j M"),
        "end": date_format(row.end_date, "j M Y"),
    }
    if what.startswith("ended"):
        texts = {
            row.absent: _("%(covering)s no longer covers for you"),
            row.covering: _("You no longer cover for %(absent)s"),
        }
    else:
        texts = {
            row.absent: _("%(covering)s covers for you from %(start)s until %(end)s"),
            row.covering: _("You cover for %(absent)s from %(start)s until %(end)s"),
        }
    for user, text in texts.items():
        key = f"cover:{row.pk}:{what}:{user.pk}"
        tell(principal, user, kind="cover", key=key, text=text % words, url=reverse("clients:covers"))

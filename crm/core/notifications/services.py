"""Notifications of users, shown on their own page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.notifications.models import Notification
from crm.core.users.models import User


@service(may=None)
def mark_read(principal: Principal, *, notification: Notification, now: datetime) -> Notification:
    """Mark one's own notification as read. Keeps the time of the first reading."""
    Notification.objects.own(principal).filter(pk=notification.pk, read_at__isnull=True).update(read_at=now)
    notification.refresh_from_db(fields=["read_at"])
    return notification


@service(may=None)
def mark_all_read(principal: Principal, *, now: datetime) -> int:
    return Notification.objects.own(principal).filter(read_at__isnull=True).update(read_at=now)


def tell(principal: Principal, user: User, *, kind: str, key: str, text: str, url: str) -> None:
    """Notify a colleague once per key of something that concerns no client; never the one who did it."""
    if _is_told(principal, user):
        told = {"user": user, "kind": kind, "text": text[:300], "url": url}
        Notification.objects.get_or_create(key=key, defaults=told)


@dataclass(frozen=True)
class Handed:
    """A reassignment from one colleague to another: `kind` and `pk` name the row, `version` the change."""

    kind: str
    pk: int
    version: int
    title: str
    url: str
    client: Any = None

    @property
    def key(self) -> str:
        return f"handed:{self.kind}:{self.pk}"


def tell_both(principal: Principal, handed: Handed, *, old: User | None, new: User | None) -> None:
    """Notify the new and the previous assignee, but never the person who reassigned it. If someone reassigns it before
    reading their notification, that notification is deleted.
    """
    unread = Notification.objects.filter(Q(key__startswith=f"{handed.key}:"), read_at__isnull=True)
    was_unread = old is not None and unread.filter(user=old).delete()[0] > 0
    words = {"who": _name(principal), "title": handed.title, "new": new.name if new else _("nobody")}
    if new is not None and _is_told(principal, new):
        _tell(handed, new, _("%(who)s assigned “%(title)s” to you") % words)
    if old is not None and not was_unread and _is_told(principal, old):
        _tell(handed, old, _("%(who)s reassigned “%(title)s” to %(new)s") % words)


def tells_once(words: Callable[[int], str], url_name: str, field: str) -> Callable[..., None]:
    """The `afterwards` of a bulk action: one notification for the colleague in the form's `field`; `words(n)` contains
    %(who)s.
    """

    def afterwards(principal: Principal, change: Any, values: dict[str, Any]) -> None:
        user = values[field]
        text = words(len(change.rows)) % {"who": _name(principal)}
        key = f"handed:{change.action}:{change.pk}:{user.pk}"
        tell(principal, user, kind="handed", key=key, text=text, url=reverse(url_name))

    return afterwards


def _name(principal: Principal) -> str:
    return principal.user.name if principal.user else _("Rapport")


def _is_told(principal: Principal, user: User) -> bool:
    return user.is_active and user.pk != principal.user_id


def _tell(handed: Handed, user: User, text: str) -> None:
    client = handed.client
    Notification.objects.get_or_create(
        key=f"{handed.key}:{handed.version}:{user.pk}",
        defaults={
            "user": user,
            "client_id": client.pk if client else None,
            "kind": "handed",
            "text": (f"{text} · {client.name}" if client else text)[:300],
            "url": handed.url,
        },
    )

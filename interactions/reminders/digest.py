"""The morning mail: what the Today page shows, as lines of text.

A section of Today is in the mail when a writer is registered for it (`register`, in the `hooks.py` of its app): the writer gets
what the section's `build` returned and makes a `Part` of it, or None.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.core.base.dates import day_start
from crm.core.base.principals import Principal, acting
from crm.core.base.registry import Registry
from crm.core.firm.queries import user_zone
from crm.core.notifications.models import Notification
from crm.core.users.models import User
from interactions.follow_ups.models import FollowUp
from interactions.reading.choices import ReadKind
from interactions.reading.models import ReadMark
from interactions.reminders.models import Told
from interactions.today import sections

NEWS_AT_MOST = 10


@dataclass(frozen=True)
class Line:
    """`url` is an address of this site, without the host; `about` the row that it tells of, if it may name an engagement."""

    text: str
    sub: str = ""
    url: str = ""
    about: Any = None


@dataclass(frozen=True)
class Part:
    """`short`: the word for the number of lines in the subject (“overdue”), "" to leave it out. `more_url`: the page
    with the rest, if not all lines are included.
    """

    title: str
    lines: list[Line]
    short: str = ""
    more_url: str = ""
    order: int = 50
    records: list[Any] = field(default_factory=list)

    @property
    def count_text(self) -> str:
        return f"{len(self.lines)}+" if self.more_url else str(len(self.lines))


@dataclass(frozen=True)
class PartWriter:
    """Writes the part of the section of Today with this key from that section's data."""

    key: str
    write: Callable[[dict[str, Any]], Part | None]


writers: Registry[PartWriter] = Registry("part of the digest")


def build(principal: Principal, now: datetime) -> list[Part]:
    """The parts that are not empty, in the user's zone; without what the user may not see or has opened today."""
    with timezone.override(user_zone(principal.user)):
        found = _follow_ups(principal.user, now)
        for section in sections.sections:
            writer = writers.get(section.key)
            data = section.build(principal, now) if writer else None
            part = writer.write(data) if writer and data is not None else None
            if part is not None and part.lines:
                found.append(part)
        news = _news(principal.user)
        return [part for part in [*found, news] if part.lines]


def _follow_ups(user: User, now: datetime) -> list[Part]:
    groups = sections.follow_up_groups(acting(user), now)
    marks = ReadMark.objects.filter(user=user, kind=ReadKind.FOLLOW_UP, read_at__gte=day_start(now))
    read = set(marks.values_list("record_id", flat=True))
    listed = reverse("interactions:follow-ups")
    coming = [row for _day, rows in groups["coming"] for row in rows]
    parts = (
        (_("Overdue"), groups["overdue"], _("overdue"), "overdue", groups["more_overdue"], True),
        (_("Due today"), groups["today"], _("due today"), "today", False, False),
        (_("Next seven days"), coming, _("upcoming"), "coming", groups["more_coming"], True),
    )
    return [
        Part(
            title,
            [_follow_up_line(row, with_day) for row in rows if row.pk not in read],
            short,
            f"{listed}?show={show}" if more else "",
        )
        for title, rows, short, show, more, with_day in parts
    ]


def _follow_up_line(row: FollowUp, with_day: bool) -> Line:
    day = [date_format(row.local_day, "D j M")] if with_day else []
    hour = [date_format(timezone.localtime(row.due_at), "H:i")] if row.due_time else []
    who = [row.client.name] if row.client else []
    return Line(
        row.title,
        " · ".join([*who, *filter(None, [", ".join(day + hour)])]),
        reverse("interactions:follow-up", args=[row.pk]),
        row,
    )


def _news(user: User) -> Part:
    """Notifications that were neither read nor mailed."""
    mentioned = Told.objects.filter(kind=ReadKind.NOTIFICATION).values("record_id")
    unread = Notification.objects.visible_to(acting(user)).filter(read_at__isnull=True).exclude(pk__in=mentioned)
    rows = list(unread.order_by("-pk")[: NEWS_AT_MOST + 1])
    shown = rows[:NEWS_AT_MOST]
    more = reverse("core:notifications") if len(rows) > NEWS_AT_MOST else ""
    return Part(_("New"), [Line(row.text, url=row.url) for row in shown], _("new"), more, records=shown)


# Writers of this app's own sections


def quiet_part(data: dict[str, Any]) -> Part | None:
    is_more = len(data["clients"]) >= sections.QUIET_AT_MOST
    return Part(_("Going quiet"), list(_quiet_lines(data["clients"])), _("going quiet"), data["url"] if is_more else "")


def cover_part(data: dict[str, Any]) -> Part | None:
    """What is due for those whom the reader covers, each line with their name."""
    more = f"{reverse('interactions:follow-ups')}?who=all&covered=1" if data["has_more"] else ""
    lines = [_covered_line(row) for card in data["cards"] for row in card["rows"]]
    return Part(_("Covering for colleagues"), lines, _("to cover"), more)


def _covered_line(row: FollowUp) -> Line:
    line = _follow_up_line(row, with_day=True)
    return replace(line, sub=" · ".join([_("for %(name)s") % {"name": row.assignee.name}, line.sub]))


def _quiet_lines(clients: Iterable[Any]) -> Iterable[Line]:
    for client in clients:
        days = client.silent_days
        said = _("no contact for %(n)d days") % {"n": days} if days is not None else _("never contacted")
        yield Line(client.name, _with_whom(said, client), client.get_absolute_url())


def _with_whom(text: str, row: Any) -> str:
    """With the colleague whom the reader covers for."""
    return " · ".join(filter(None, [text, getattr(row, "for_whom", "")]))


def progress_part(data: dict[str, Any]) -> Part | None:
    url = reverse("interactions:progress-emails") if data.get("has_more") else ""
    lines = [
        Line(
            email.client.name,
            _with_whom(
                _("sends %(when)s") % {"when": date_format(timezone.localtime(email.send_at), "D j M, H:i")}, email
            ),
            reverse("interactions:progress", args=[email.pk]),
        )
        for email in data["emails"]
    ]
    return Part(_("Progress emails to review"), lines, _("to review"), url)

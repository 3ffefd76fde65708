"""The timeline, merged from all sources."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clients import registry
from clients.records.models import Client

TIMELINE_PAGE = 20


@dataclass(frozen=True)
class Narrowing:
    """What a timeline is narrowed to: words, one colleague or contact, one engagement, and [since, until)."""

    text: str = ""
    user_id: int | None = None
    contact_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    engagement_id: int | None = None

    def __bool__(self) -> bool:
        return self != EVERYTHING


EVERYTHING = Narrowing()


@dataclass
class TimelinePage:
    """`groups`: [(heading, items)]; the heading is "" if the previous page already showed it. `older`: cursor or ""."""

    groups: list[tuple[str, list[registry.TimelineItem]]] = field(default_factory=list)
    older: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.groups


def timeline(
    principal,
    client: Client,
    *,
    kind: str = "",
    before: datetime | None = None,
    narrowing: Narrowing = EVERYTHING,
    now: datetime,
    limit: int = TIMELINE_PAGE,
) -> TimelinePage:
    """What happened with the client, newest first, merged from every registered source of the kind ("" for all)."""
    end = min(filter(None, (before, narrowing.until)), default=None)
    who = (narrowing.user_id, narrowing.contact_id, narrowing.engagement_id)
    ask = registry.TimelineAsk(end, limit + 1, kind, narrowing.text, *who)
    items: list[registry.TimelineItem] = []
    for source in registry.timeline_sources:
        if not kind or kind in dict(source.kinds):
            items += [item for item in source.items(principal, client, ask) if not kind or item.kind == kind]
    if narrowing.since:
        items = [item for item in items if item.at >= narrowing.since]
    # sources return pinned entries with the first page only, whatever their age
    pinned = [item for item in items if item.is_pinned]
    items = [item for item in items if not item.is_pinned]
    items.sort(key=lambda item: (item.at, item.key), reverse=True)
    shown = items[:limit]
    if len(items) > limit:  # entries of the same moment stay on one page, so that the cursor loses none
        shown += [item for item in items[limit:] if item.at == shown[-1].at]
    page = TimelinePage(older=shown[-1].at.isoformat() if len(items) > len(shown) else "")
    if pinned:
        page.groups.append((_("Pinned"), sorted(pinned, key=lambda item: item.at, reverse=True)))
    last = heading_of(before, now) if before else None
    for item in shown:
        heading = heading_of(item.at, now)
        if not page.groups or heading != last:
            page.groups.append(("" if heading == last else heading, []))
        last = heading
        page.groups[-1][1].append(item)
    return page


def moment_of(text: str) -> datetime | None:
    """Raises ValueError for anything but a datetime with its offset."""
    if not text:
        return None
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def heading_of(moment: datetime, now: datetime) -> str:
    """“This week”, “Last week”, “Earlier in November”, “October 2026”, in the reader's zone."""
    day, today = timezone.localtime(moment).date(), timezone.localtime(now).date()
    monday = today - timedelta(days=today.weekday())
    if day > today:
        return _("Ahead")
    if day >= monday:
        return _("This week")
    if day >= monday - timedelta(days=7):
        return _("Last week")
    if (day.year, day.month) == (today.year, today.month):
        return _("Earlier in %(month)s") % {"month": date_format(day, "F")}
    return date_format(day, pgettext("date format", "F Y"))


def shared_templates() -> list[str]:
    """Those that the entries of a source share; the page includes each once."""
    return [source.shared for source in registry.timeline_sources if source.shared]


def timeline_kinds() -> list[tuple[str, Any]]:
    return [pair for source in registry.timeline_sources for pair in source.kinds]

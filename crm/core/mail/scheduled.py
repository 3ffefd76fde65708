"""Email of the next 36 hours: apps register the sources in their `hooks.py`.

A source is a QuerySet and the field with the time its rows are due; this module merges the sources by time and pages
through them. The source decides what the page shows of a row and whether it can be skipped.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from crm.core.base.registry import Registry
from crm.core.users.models import User

HORIZON = timedelta(hours=36)
SIZE = 50
LAST = 2**63 - 1


class BadCursor(ValueError):
    """The cursor in the address is invalid."""


@dataclass(frozen=True)
class Row:
    """One line of the page. `url` is the page to read and edit it, "" if the user may not see its content."""

    what: str
    to: str
    state: str
    tone: str = ""
    detail: str = ""
    url: str = ""
    is_skipped: bool = False
    may_skip: bool = False


@dataclass(frozen=True)
class Source:
    """`rows(user, now, mine)`: unsent rows, and skipped ones that can be restored, among those the user may see;
    `mine`: only the user's own. `visible(user)`: the same rows unfiltered, to find the one to act on. `show(row, user,
    now)` costs no query. `skip` and its undo `restore` are optional services (actor, row, now) that check permissions.
    """

    key: str
    label: Any
    order: int
    moment: str
    rows: Callable[[User, datetime, bool], QuerySet]
    visible: Callable[[User], QuerySet]
    show: Callable[[Any, User, datetime], Row]
    skip: Callable[[User, Any, datetime], Any] | None = None
    restore: Callable[[User, Any, datetime], Any] | None = None


@dataclass(frozen=True)
class Entry:
    at: datetime
    source: Source
    pk: int
    row: Row


@dataclass
class Page:
    entries: list[Entry] = field(default_factory=list)
    next_cursor: str = ""


sources: Registry[Source] = Registry("source of scheduled mails")
register = sources.register
find = sources.get


def page(principal, now: datetime, *, mine: bool, only: str = "", cursor: str = "", size: int = SIZE) -> Page:
    """The rows due up to 36 hours from now, overdue ones first; one statement a source. Raises BadCursor."""
    after = _decode(cursor) if cursor else None
    until, found = now + HORIZON, []
    for source in sources:
        if only in ("", source.key):
            rows = source.rows(principal, now, mine).filter(**{f"{source.moment}__lt": until})
            if after:
                rows = rows.filter(_beyond(source, *after))
            found += [
                (getattr(row, source.moment), source, row) for row in rows.order_by(source.moment, "pk")[: size + 1]
            ]
    found.sort(key=lambda item: (item[0], item[1].order, item[2].pk))
    entries = [Entry(at, source, row.pk, source.show(row, principal, now)) for at, source, row in found[:size]]
    return Page(entries, _encode(entries[-1]) if len(found) > size else "")


def _beyond(source: Source, at: datetime, order: int, pk: int) -> Q:
    """What comes after (at, order, pk) in the order of all sources."""
    last = pk if source.order == order else (LAST if source.order < order else -1)
    return Q(**{f"{source.moment}__gt": at}) | Q(**{source.moment: at, "pk__gt": last})


def _encode(entry: Entry) -> str:
    raw = json.dumps([entry.at.isoformat(), entry.source.order, entry.pk])
    return urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, int, int]:
    try:
        at, order, pk = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not 0 <= int(pk) <= LAST or not 1970 <= moment.year <= 2200:
            raise BadCursor(cursor)
        return moment, int(order), int(pk)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadCursor(cursor) from error

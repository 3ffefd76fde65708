"""The main navigation: apps register entries in their `hooks.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet, Value
from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.translation import gettext as _

from crm.core.base.kept import Kept
from crm.core.base.querysets import CountOf
from crm.core.base.registry import Registry
from crm.core.ui.formatting import capped
from crm.core.ui.htmx import add_event
from crm.core.users.models import User

Check = Callable[[Any], bool]
Counted = list[tuple[QuerySet, str]]
COUNTED = 99


@dataclass(frozen=True)
class NavEntry:
    """`shown(user)` says for whom. `count(user, now)` returns [(rows, tone)], with rows served by an index; the first
    non-empty one is shown as a number in that tone, “99+” above 99. One statement counts for the whole navigation.
    `letter`: the key that opens the page after `g`. The entry is current on its page and the pages below it, and where
    the URL begins with one of `also`.
    """

    key: str
    label: Any
    url_name: str
    icon: str
    order: int
    group: str = "main"
    letter: str = ""
    also: tuple[str, ...] = ()
    shown: Check = lambda user: True
    count: Callable[[Any, Any], Counted] | None = None

    @cached_property
    def url(self) -> str:
        return reverse(self.url_name)


entries: Registry[NavEntry] = Registry("navigation entry")
register = entries.register


def _counted(principal, now) -> QuerySet:
    """One row that alternates text and number: an entry's key and tone, then the count."""
    cells: list[Any] = [Value(" "), Value(0)]
    for entry in entries.shown(principal):
        for rows, tone in entry.count(principal, now) if entry.count else []:
            cells += [Value(f"{entry.key} {tone}"), CountOf(rows[: COUNTED + 1])]
    return User.objects.filter(pk=principal.user_id).values_list(*cells)


_statement = Kept(_counted)


def numbers(principal, now) -> dict[str, tuple[int, str]]:
    """{key: (number, tone)} of the entries with something to count, in one statement."""
    found: dict[str, tuple[int, str]] = {}
    for row in _statement.rows(principal, now=now):
        for name, number in zip(row[::2], row[1::2], strict=True):
            key, _space, tone = name.partition(" ")
            if number:
                found.setdefault(key, (number, tone))
    return found


def show_numbers(response: HttpResponse, principal, now) -> HttpResponse:
    """Have the open page show the numbers as they are after a change (static/js/navigation.js)."""
    said = {key: (capped(number, COUNTED), tone) for key, (number, tone) in numbers(principal, now).items()}
    return add_event(response, "navNumbers", {"numbers": said})


def current_at(path: str) -> NavEntry | None:
    """The entry that a page belongs to: the one with the longest matching URL prefix."""
    begins = {begin: entry for entry in entries for begin in (entry.url, *entry.also) if path.startswith(begin)}
    return begins[max(begins, key=len)] if begins else None


def build(principal, now, path: str) -> dict[str, Any]:
    """For the page at `path`: {"main": [item], "setup": [item], "settings": [item], "bell": [item], "shape": str,
    "filling": {name: text}}; item = {key, label, url, icon, letter, count, tone, current}.

    `settings` are the other settings pages; `bell` is beside the firm's mark. Equal shapes mean equal rendering but for
    the `filling` of its holes (crm/core/templatetags/ui_shell.py).
    """
    groups: dict[str, Any] = {"main": [], "setup": [], "settings": [], "bell": []}
    current = current_at(path)
    is_setting = current is not None and current.group == "settings"
    counted = numbers(principal, now)
    for entry in entries.shown(principal):
        count, tone = counted.get(entry.key) or (None, "")
        groups[entry.group].append(
            {
                "key": entry.key,
                "label": entry.label,
                "url": entry.url,
                "icon": entry.icon,
                "letter": entry.letter,
                "count": count,
                "tone": tone,
                "current": entry is current or (is_setting and entry.key == "settings"),
            }
        )
    items = [item for group in groups.values() for item in group]
    groups["shape"] = " ".join(f"{item['key']}{'*' if item['current'] else ''} {item['label']}" for item in items)
    groups["filling"] = {"name": conditional_escape(principal.user.name or principal.user.email), **_filling(items)}
    return groups


def _filling(items: list[dict[str, Any]]) -> dict[str, str]:
    """The numbers of the entries, as the holes of the layout show them."""
    found: dict[str, str] = {}
    for item in items:
        if item["count"]:
            words = capped(item["count"], COUNTED)
            tone = f" nav-count-{item['tone']}" if item["tone"] else ""
            found[f"count {item['key']}"] = format_html('<span class="nav-count{}">{}</span>', tone, words)
            found[f"bell {item['key']}"] = format_html('<span class="bell-count" aria-hidden="true">{}</span>', words)
            found[f"label {item['key']}"] = conditional_escape(_("Notifications: %(n)s unread") % {"n": words})
        else:
            found[f"label {item['key']}"] = conditional_escape(item["label"])
    return found

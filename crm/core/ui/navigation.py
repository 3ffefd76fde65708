"""The main navigation: apps register entries in their `hooks.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import IntegerField, QuerySet, Subquery
from django.urls import reverse

from crm.core.base.registry import Registry
from crm.core.users.models import User

Check = Callable[[Any], bool]
Counted = list[tuple[QuerySet, str]]


@dataclass(frozen=True)
class NavEntry:
    """`shown(user)` says for whom. `count(user, now)` gives [(rows, tone)], rows with a limit and served by an index: the first
    that are any are shown as a number in that tone. All numbers of the navigation are one statement.
    `letter`: the key that opens the page after `g`."""

    key: str
    label: Any
    url_name: str
    icon: str
    order: int
    group: str = "main"
    letter: str = ""
    shown: Check = lambda user: True
    count: Callable[[Any, Any], Counted] | None = None


entries: Registry[NavEntry] = Registry("navigation entry")
register = entries.register


class _CountOf(Subquery):
    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def numbers(principal, wanted: dict[str, Counted]) -> dict[str, tuple[int, str] | None]:
    """{key: (number, tone) or None}, in one statement."""
    counts = [_CountOf(rows.values("pk")) for stretches in wanted.values() for rows, _tone in stretches]
    if not counts:
        return {}
    values = iter(User.objects.filter(pk=principal.user_id).values_list(*counts)[0])
    found: dict[str, tuple[int, str] | None] = {}
    for key, stretches in wanted.items():
        numbered = [(next(values), tone) for _rows, tone in stretches]
        found[key] = next((pair for pair in numbered if pair[0]), None)
    return found


def build(principal, now, current: str) -> dict[str, list[dict[str, Any]]]:
    """{"main": [item], "setup": [item], "settings": [item], "bell": [item]}; item = {key, label, url, icon,
    letter, count, tone, current}.

    `settings` are further pages of the settings; `bell` stands beside the firm's mark.
    """
    groups: dict[str, list[dict[str, Any]]] = {"main": [], "setup": [], "settings": [], "bell": []}
    in_settings = current in entries and entries[current].group == "settings"
    shown = entries.shown(principal)
    counted = numbers(principal, {entry.key: entry.count(principal, now) for entry in shown if entry.count})
    for entry in shown:
        count, tone = counted.get(entry.key) or (None, "")
        groups[entry.group].append(
            {
                "key": entry.key,
                "label": entry.label,
                "url": reverse(entry.url_name),
                "icon": entry.icon,
                "letter": entry.letter,
                "count": count,
                "tone": tone,
                "current": current == entry.key or (in_settings and entry.key == "settings"),
            }
        )
    return groups

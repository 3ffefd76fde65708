"""Search over everything a user may see: apps register sources in their `hooks.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from crm.core.base.registry import Registry
from crm.core.ui import navigation


@dataclass(frozen=True)
class Hit:
    title: str
    url: str
    kind: str
    icon: str
    detail: str = ""


@dataclass(frozen=True)
class Source:
    """`find(user, text, limit)` gives hits through `visible_to(user)`, best first; one or two indexed queries."""

    key: str
    label: Any
    order: int
    find: Callable[[Any, str, int], list[Hit]]


@dataclass(frozen=True)
class Action:
    """A page or action found by its name. `shown(user)` says for whom; `words` are further names people use for it."""

    label: Any
    url_name: str
    icon: str
    words: Any = ""
    shown: Callable[[Any], bool] = lambda user: True

    @property
    def key(self) -> str:
        return self.url_name


sources: Registry[Source] = Registry("search source")
actions: Registry[Action] = Registry("action in search")
register = sources.register
register_action = actions.register  # pages of the navigation are found anyway
_recent: list[Callable[[Any, list[int]], list[Hit]]] = []


def find(principal, text: str, *, limit: int = 8) -> list[tuple[Source, list[Hit]]]:
    """Hits by source, empty sources left out. An empty text finds nothing."""
    text = text.strip()[:100]
    if not text:
        return []
    found = ((source, source.find(principal, text, limit)) for source in sources)
    return [(source, hits) for source, hits in found if hits]


def register_recent(find: Callable[[Any, list[int]], list[Hit]]) -> None:
    """`find(user, client_ids)` gives the clients among the ids that the user may see, in their order, in one query."""
    _recent[:] = [find]


def recent(principal, client_ids: list[int]) -> list[Hit]:
    return _recent[0](principal, client_ids) if _recent and client_ids else []


def pages(principal, text: str, *, limit: int = 6) -> list[Hit]:
    """Pages and actions whose name holds every word of the text."""
    words = text.casefold().split()
    known: list[Any] = [*navigation.entries.shown(principal), *actions.shown(principal)]
    found = [
        entry
        for entry in known
        if words and all(word in f"{entry.label} {getattr(entry, 'words', '')}".casefold() for word in words)
    ]
    return [
        Hit(title=str(entry.label), url=reverse(entry.url_name), kind="page", icon=entry.icon)
        for entry in found[:limit]
    ]

"""What other apps show on a client's page: they register panels, tabs and timeline sources in their `hooks.py`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Panel:
    """A piece of the client's page. `slot`: "strip" (a cell of the metric strip), "main" (above the timeline, such as the
    composer) or "side" (a card). `context(user, client, now)` gives the template's variables, or None to show nothing;
    `client`, `request`, `now` and `user` are added. At most two indexed queries each."""

    key: str
    slot: str
    order: int
    template: str
    context: Callable[[Any, Any, datetime], dict[str, Any] | None]


@dataclass(frozen=True)
class Tab:
    """A page of its own beside the timeline: `url_name` takes the client's id as `client_id`. `count(user, client)` may
    be None, or give a number from facts already loaded."""

    key: str
    label: Any
    url_name: str
    order: int
    count: Callable[[Any, Any], int | None] | None = None


@dataclass(frozen=True)
class TimelineItem:
    """One entry. `tone`: "main" or "quiet" (system events). `template` renders `item.object`; without one, `title` is shown."""

    at: datetime
    key: str
    kind: str
    title: str
    icon: str
    tone: str = "main"
    template: str = ""
    object: Any = None
    is_pinned: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TimelineSource:
    """`items(user, client, before, limit)` gives at most `limit` TimelineItems with at < before (None: now and later too),
    newest first, in at most two indexed queries (prefetches counted). `kinds`: [(key, label)] for the filter."""

    key: str
    kinds: list[tuple[str, Any]]
    items: Callable[[Any, Any, datetime | None, int], list[TimelineItem]]


_panels: dict[str, Panel] = {}
_tabs: dict[str, Tab] = {}
_sources: dict[str, TimelineSource] = {}


def register_panel(panel: Panel) -> None:
    _panels[panel.key] = panel


def register_tab(tab: Tab) -> None:
    _tabs[tab.key] = tab


def register_timeline(source: TimelineSource) -> None:
    _sources[source.key] = source


def panels(slot: str) -> list[Panel]:
    return sorted((p for p in _panels.values() if p.slot == slot), key=lambda p: p.order)


def tabs() -> list[Tab]:
    return sorted(_tabs.values(), key=lambda t: t.order)


def timeline_sources() -> list[TimelineSource]:
    return list(_sources.values())


@dataclass(frozen=True)
class ListAction:
    """What can be done with the clients a list shows: a page that reads the list's own query parameters."""

    key: str
    label: Any
    url_name: str
    shown: Callable[[Any], bool] = lambda user: True


_list_actions: dict[str, ListAction] = {}


def register_list_action(action: ListAction) -> None:
    _list_actions[action.key] = action


def list_actions(principal) -> list[ListAction]:
    return [action for action in _list_actions.values() if action.shown(principal)]


_rebuilders: dict[str, Callable[[list[int], datetime], None]] = {}


def register_facts_rebuilder(key: str, rebuild: Callable[[list[int], datetime], None]) -> None:
    """`rebuild(client_ids, now)` computes the app's own fields of ClientFacts anew for these clients, in a few statements."""
    _rebuilders[key] = rebuild


def facts_rebuilders() -> list[Callable[[list[int], datetime], None]]:
    return list(_rebuilders.values())


_page_parts: dict[str, Callable[[Any], dict[str, Any]]] = {}


def register_page_part(key: str, annotations: Callable[[Any], dict[str, Any]]) -> None:
    """`annotations(user)` gives {name: expression} read along with the client of a page, in the same statement: a few rows of
    an indexed subquery each, only what the user may see. Panels and timeline sources find them on the client."""
    _page_parts[key] = annotations


def page_annotations(principal) -> dict[str, Any]:
    return {name: expression for build in _page_parts.values() for name, expression in build(principal).items()}

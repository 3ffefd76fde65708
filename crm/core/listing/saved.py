"""The views of a list as its page shows them: which one is open, whether it was changed, what can be done with it."""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from django.http import QueryDict
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext as _

from crm.core.base.reading import whole_number
from crm.core.listing import permissions
from crm.core.listing.filters import query_of
from crm.core.listing.queries import Saved

NONE = "none"  # view=none: no view, whatever the list opens with
TABS = 6  # of saved views; the rest stands in a menu
TRANSPORT = {"cursor", "as", "next"}  # what an address may carry besides


def address_of(name: str, key: str) -> str:
    """Of a page about a list, made once."""
    return _made_once(get_script_prefix(), name, key)


@lru_cache(maxsize=1000)
def _made_once(prefix: str, name: str, key: str) -> str:
    return reverse(name, args=[key])


def is_plain(query: QueryDict) -> bool:
    """An address that names a view alone: it means what the view says now."""
    return set(query) - TRANSPORT == {"view"}


def filled(view: Saved) -> QueryDict:
    """The query that a view stands for."""
    found = query_of({"view": view.pk} | view.query)
    for name, value in (("sort", view.sort), ("group", view.group), ("board", view.board)):
        if value:
            found[name] = value
    return found


class Views:
    """Of one Listing."""

    def __init__(self, listing: Any):
        self.listing = listing

    def meant(self, query: QueryDict, *, opens: bool) -> QueryDict:
        """The query that an address stands for: without one, what the reader's list opens with (`opens`: the page itself is asked)."""
        if opens and not query:
            return self._start()
        if query.get("view") == NONE and set(query) - TRANSPORT != {"view"}:
            query = query.copy()
            del query["view"]
            return query
        if is_plain(query) and (view := self._named(query)):
            found = filled(view)
            for name in TRANSPORT & set(query):
                found[name] = str(query[name])
            return found
        return query

    def _start(self) -> QueryDict:
        own = self.listing.own
        if view := own.view(own.start_view):
            return filled(view)
        query = QueryDict(own.start_query or (own.last_query if self.listing.declared.remembers else ""), mutable=True)
        view = self._named(query)
        if is_plain(query):
            return filled(view) if view else QueryDict()
        if view is None:
            query.pop("view", None)
        return query

    def _named(self, query: Mapping[str, Any]) -> Saved | None:
        return self.listing.own.view(whole_number(query.get("view", "")))

    @cached_property
    def current(self) -> Saved | None:
        """The view that the address began with."""
        return self._named(self.listing.given) if "view" in self.listing.given else None

    @cached_property
    def is_missing(self) -> bool:
        """The address names one that the reader does not have."""
        return self.listing.given.get("view", NONE) != NONE and self.current is None

    @cached_property
    def gone(self) -> list[str]:
        """What the view says and the list does not know any more."""
        view, declared = self.current, self.listing.declared
        if view is None:
            return []
        names = [name for name in view.query if name not in self.listing.filters.base_filters]
        return names + [key for key, _width in view.columns if key not in declared.offered]

    @cached_property
    def is_modified(self) -> bool:
        """The list shows something else than its view."""
        view, listing = self.current, self.listing
        if view is None:
            return False
        sorts = view.sort if view.sort in listing.declared.own_sorts else listing.usual_sort
        return (
            listing.choices(view.query) != listing.choices(dict(listing.given.lists()))
            or sorts != listing.sort_key
            or (view.group if view.group in listing.declared.own_groups else "") != listing.group_key
            or (view.board if view.board in listing.declared.own_boards else "") != listing.board_key
            or [c.key for c in listing.columns] != [c.key for c in listing.columns_of([k for k, _w in view.columns])]
        )

    @property
    def said(self) -> dict[str, Any]:
        """What the list shows, as a view keeps it: query, sort, group, board, columns."""
        listing = self.listing
        query = {name: listing.raw(name) for name in listing.filters.values}
        columns = [] if listing.wanted is None else [[c.key, listing.width_of(c.key)] for c in listing.choosable]
        arranged = {"sort": listing.sort_key, "group": listing.group_key, "board": listing.board_key}
        return {"query": query, "columns": columns} | arranged

    @property
    def leaving(self) -> str:
        """How the list is left: the view as it stands, or the query; a search is over when the page is."""
        if self.current and not self.is_modified:
            return f"view={self.current.pk}"
        rest = self.listing.given.copy()
        for name in (*TRANSPORT, "q", *(["view"] if rest.get("view") == NONE else [])):
            rest.pop(name, None)
        return rest.urlencode()

    # What the page shows

    @cached_property
    def tabs(self) -> list[dict[str, Any]]:
        """The ready-made ones, then one's own and those of others."""
        ready, saved = self._ready, self.listing.own.views if self.listing.has_views else []
        shown = [view for n, view in enumerate(saved) if n < TABS or view is self.current]
        return ready + [self._tab(view) for view in shown] if ready or saved else []

    @cached_property
    def more(self) -> list[dict[str, Any]]:
        return [self._tab(view) for view in self.listing.own.views[TABS:] if view is not self.current]

    @cached_property
    def _ready(self) -> list[dict[str, Any]]:
        listing = self.listing
        if not listing.declared.views:
            whole = {"label": listing.title, "url": listing.plain_url, "current": listing.shows_all}
            return [whole] if listing.has_views and listing.own.views else []
        by = listing.declared.view_by
        present = listing.choices(dict(listing.given.lists()), by)
        return [
            {
                "label": view.label,
                "url": f"{listing.url}?{query_of(view.query).urlencode()}" if view.query else listing.plain_url,
                "current": self.current is None and listing.choices(view.query, by) == present,
                "count": view.count(listing) if view.count else None,
            }
            for view in listing.declared.views
        ]

    def _tab(self, view: Saved) -> dict[str, Any]:
        by_other = view.owner_id != self.listing.principal.user_id
        title = _("Shared by %(who)s") % {"who": view.owner_name} if by_other else ""
        if view.is_shared and not by_other:
            title = _("Shared with everyone")
        return {
            "label": view.name,
            "url": self.url_of(view),
            "current": view is self.current,
            "icon": "people" if view.is_shared else "",
            "title": title,
        }

    def url_of(self, view: Saved) -> str:
        return f"{self.listing.url}?{filled(view).urlencode()}"

    @property
    def may_change(self) -> bool:
        view = self.current
        return view is not None and permissions.may_change_view(self.listing.principal, view)

    @property
    def may_save_as(self) -> bool:
        """There is something to keep: a changed view, or a choice that no ready-made view is."""
        listing = self.listing
        if self.current:
            return self.is_modified
        arranged = bool(listing.group_key or listing.board_key)
        is_chosen = arranged or listing.is_narrowed or bool(listing.given.get("sort"))
        return is_chosen and (arranged or not any(tab["current"] for tab in self._ready))

    def address(self, name: str) -> str:
        """Of a page about the list's views, for what is shown."""
        return f"{address_of(f'core:{name}', self.listing.declared.key)}?{self.listing.query}"

    @property
    def new_url(self) -> str:
        return self.address("list-view-new")

    @property
    def save_url(self) -> str:
        return f"{reverse('core:list-view-save', args=[self.current.pk])}?{self.listing.query}" if self.current else ""

    @property
    def reset_url(self) -> str:
        return self.url_of(self.current) if self.current else self.listing.plain_url

    @cached_property
    def menu(self) -> list[dict[str, Any]]:
        """What can be done with the views."""
        view, own = self.current, self.listing.own
        items: list[dict[str, Any]] = []
        if view and self.may_change:
            items.append(
                {
                    "label": _("Rename or share"),
                    "url": reverse("core:list-view", args=[view.pk]),
                    "icon": "pencil",
                    "dialog": True,
                }
            )
        items.append({"label": _("Save as a new view"), "url": self.new_url, "icon": "plus", "dialog": True})
        if view or any(tab["current"] for tab in self._ready):
            items.append(self._start_item())
        if own.views:
            items.append({"label": _("All views"), "url": self.address("list-views"), "icon": "list"})
        if view and self.may_change:
            delete = reverse("core:list-view-delete", args=[view.pk])
            items.append({"label": _("Delete view"), "url": delete, "icon": "trash", "post": True, "danger": True})
        return items

    def _start_item(self) -> dict[str, Any]:
        own, view = self.listing.own, self.current
        query = self._ready_query
        is_start = (
            own.start_view == view.pk if view else bool(query) and own.start_query == query and not own.start_view
        )
        url = address_of("core:list-start", self.listing.declared.key)
        if is_start:
            return {"label": _("Stop opening with this view"), "url": url, "icon": "check2", "post": True}
        named = f"view={view.pk}" if view else query_of({"query": query}).urlencode()
        return {"label": _("Open this list with this view"), "url": f"{url}?{named}", "icon": "eye", "post": True}

    @property
    def _ready_query(self) -> str:
        """The query of what is shown without a saved view: the list can open with that too."""
        rest = self.listing.given.copy()
        for name in (*TRANSPORT, "q", "view"):
            rest.pop(name, None)
        return rest.urlencode() or f"view={NONE}"

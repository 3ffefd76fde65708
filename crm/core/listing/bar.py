"""What stands above a list: its filters and chips, what it can be grouped by, its number of rows, what was left out of its address."""

from collections.abc import Container, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.listing.addresses import joined
from crm.core.listing.empty import Empty
from crm.core.listing.filters import ListFilters, query_of
from crm.core.listing.saved import NONE
from crm.core.listing.shown import Columns
from crm.core.ui.formatting import in_sentence


class Bar(Columns):
    """Of one Listing."""

    data: QueryDict
    filters: ListFilters
    values: dict[str, Any]
    usual: dict[str, Any]
    board_key: str
    rows: Any
    lifted: tuple[str, ...]
    group_key: str

    @property
    def chips(self) -> list[dict[str, str]]:
        """The filters that are set and shown nowhere else, each with the URL of the list without it."""
        elsewhere = ("q", *self.declared.bar, *self.declared.segments, *self.declared.view_by)
        return [
            chip | {"remove_url": self._url("", self._without(chip["name"], "cursor"))}
            for chip in self.filters.chips(elsewhere)
        ]

    def raw(self, name: str) -> list[str]:
        """The values of a filter as the address, or the list by itself, has them."""
        found = self.data.getlist(name) or query_of({name: self.usual.get(name, "")}).getlist(name)
        return [value for value in dict.fromkeys(map(str, found)) if value]

    def choices(self, query: Mapping[str, Any], by: Sequence[str] = ()) -> list[tuple[str, str]]:
        """The filters of a query (those named `by`, or all), with what stands by itself: where it is the same, the list is."""
        names: Container[str] = by or self.filters.base_filters
        pairs = [
            (key, str(each))
            for key, value in (self.usual | dict(query)).items()
            if key in names
            for each in (value if isinstance(value, list | tuple) else [value])
        ]
        return sorted(pair for pair in pairs if pair[1])

    @cached_property
    def remark(self) -> str:
        """What was left out of the address, in words; "" for nothing."""
        said = [self.filters.remark] if self.filters.remark else []
        gone = [*self.saved.gone] if self.has_views else []
        gone += [key for key in self.wanted or () if key not in self.declared.offered and key not in gone]
        asked = self.given.get("sort")
        if asked and asked not in self.declared.own_sorts:
            gone.append(asked)
        if self.given.get("group") and not self.group_key and self.declared.groups:
            gone.append(str(self.given["group"]))
        if self.given.get("board") and not self.board_key and self.declared.boards:
            gone.append(str(self.given["board"]))
        if self.has_views and self.saved.is_missing:
            said.append(gettext("This view is not there any more, or not shared with you."))
        if gone:
            said.append(
                gettext("Left out, no longer there: %(names)s") % {"names": ", ".join(name[:40] for name in gone)}
            )
        return " · ".join(said)

    @property
    def views(self) -> list[dict[str, Any]]:
        return self.saved.tabs

    @cached_property
    def layouts(self) -> list[dict[str, Any]]:
        """How it can be shown, as links: the list, then its boards. [] where it has none."""
        if not self.declared.boards:
            return []
        rest = self._without("board", "cursor")
        links = [{"label": _("List"), "url": self._url("", rest), "current": not self.board_key}]
        for board in self.declared.own_boards.values():
            label = gettext("Board by %(what)s") % {"what": in_sentence(str(board.group.label))}
            links.append(
                {"label": label, "url": joined("", rest, f"board={board.key}"), "current": board.key == self.board_key}
            )
        return links

    @property
    def layout_words(self) -> str:
        return str(next((item["label"] for item in self.layouts if item["current"]), ""))

    @cached_property
    def groups(self) -> list[dict[str, Any]]:
        """What it can be grouped by, as links; the first is none. [] where it cannot."""
        if not self.declared.groups:
            return []
        rest = self._without("group", "cursor")
        links = [{"label": _("No groups"), "url": self._url("", rest), "current": not self.group_key}]
        for group in self.declared.own_groups.values():
            url = joined("", rest, f"group={group.key}")
            links.append({"label": group.label, "url": url, "current": group.key == self.group_key})
        return links

    @property
    def group_words(self) -> str:
        if not self.group:
            return gettext("Group")
        return gettext("By %(what)s") % {"what": in_sentence(str(self.group.label))}

    @cached_property
    def hidden(self) -> list[tuple[str, str]]:
        """What the search form must keep: everything in the URL that is not one of its own fields."""
        asked = {"q", "cursor", *self.declared.bar, *self.declared.segments} - {*self.lifted}
        pairs = [(name, value) for name, values in self.given.lists() if name not in asked for value in values if value]
        return [pair for pair in pairs if pair != ("view", NONE)]

    @property
    def has_search(self) -> bool:
        return "q" in self.filters.base_filters

    @cached_property
    def bar(self):
        return self.filters.shown_form(self.declared.bar)

    @cached_property
    def panel(self):
        return self.filters.shown_form(self.panel_names)

    @property
    def panel_names(self) -> tuple[str, ...]:
        """The filters behind “Filter”: those of the declaration, and those of the firm's own fields."""
        return (*self.declared.panel, *self.filters.custom) if self.declared.panel else ()

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form of all filters must keep, because it has no field for it."""
        return [(name, value) for name, value in self.hidden + self._searched if name not in self.panel_names]

    @property
    def _searched(self) -> list[tuple[str, str]]:
        return [("q", self.values["q"])] if self.values.get("q") else []

    @property
    def segments(self) -> list[dict[str, Any]]:
        found = []
        for name in self.declared.segments:
            if name in self.lifted:
                continue
            chosen = self.filters.one(name)
            items = [
                {"value": key, "label": label, "is_chosen": key == self.values.get(name)}
                for key, label in chosen.extra["choices"]
            ]
            found.append({"name": name, "label": chosen.label, "items": items})
        return found

    @property
    def has_repeats(self) -> bool:
        """A row stands in the list once for each of its groups."""
        return bool(self.group and not self.board and self.group.is_many(self.rows.model))

    @cached_property
    def count_text(self) -> str:
        total = self.page.total
        if total is None or self.declared.noun is None:
            return ""
        words = self.declared.noun(total, self.page.total_text)
        if self.has_repeats:
            words = gettext("%(words)s, each in all of its groups") % {"words": words}
        if self.declared.sort_words is None:
            return words
        return _("%(words)s · sorted by %(what)s") % {"words": words, "what": self.sort_label}

    @property
    def empty(self) -> Empty:
        declared = self.declared.empty
        return declared if isinstance(declared, Empty) else Empty(title=declared)

    @property
    def empty_url(self) -> str:
        return self.empty.url(self.principal)

    @property
    def sort_label(self) -> str:
        """What it is sorted by, within a sentence; "" where nothing names it."""
        labels = {column.key: column.label for column in self.declared.offered.values()}
        return in_sentence(str((labels | dict(self.declared.sort_words or {})).get(self.sort_key.lstrip("-"), "")))

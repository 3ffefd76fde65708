"""The addresses of a list: its pages, views, groups, files and the pages beside it."""

from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from crm.core.listing.filters import query_of
from crm.core.listing.groups import Group, Section
from crm.core.listing.saved import NONE, address_of, is_plain


def joined(url: str, *queries: str) -> str:
    """A URL with the non-empty parts of its query."""
    query = "&".join(filter(None, queries))
    return f"{url}?{query}" if query else url


class Addresses:
    """Of one Listing."""

    declared: Any
    kwargs: dict[str, Any]
    given: QueryDict
    saved: Any
    has_views: bool
    is_filled: bool
    sort_key: str
    page: Any
    group: Any
    actions: Any
    columns_of: Any

    @cached_property
    def url(self) -> str:
        return reverse(self.declared.url_name, kwargs=self.kwargs)

    @cached_property
    def query(self) -> str:
        """The URL's query without the cursor."""
        return self._without("cursor")

    def _without(self, *names: str) -> str:
        rest = self.given.copy()
        for name in names:
            rest.pop(name, None)
        return rest.urlencode()

    def _url(self, url: str, query: str) -> str:
        """An address that means exactly this query: where it says nothing, or names a view alone, it says so."""
        if self.has_views and not query:
            query = f"view={NONE}"
        elif self.has_views and is_plain(QueryDict(query)):
            query += f"&sort={self.sort_key}" if self.saved.current else ""
        return f"{url}?{query}" if query else url or "?"

    @cached_property
    def previous_url(self) -> str:
        return self._page_url(self.page.previous_cursor)

    @cached_property
    def next_url(self) -> str:
        return self._page_url(self.page.next_cursor)

    def _page_url(self, cursor: str | None) -> str:
        return joined("", self.query, f"cursor={cursor}") if cursor else ""

    @property
    def plain_url(self) -> str:
        """The list without any filters, even if it opens with a saved view."""
        return self._url(self.url, "")

    @property
    def otherwise(self) -> str:
        """What a form of filters says where nothing is chosen."""
        return f"view={NONE}" if self.has_views else ""

    @property
    def address(self) -> str:
        """What the page shows, where its own address does not say it."""
        return self.shown_url if self.is_filled else ""

    @property
    def columns_url(self) -> str:
        """Where its columns are chosen."""
        if not self.declared.has_columns:
            return ""
        url = address_of("core:list-columns", self.declared.key)
        return joined(url, self.query, query_of({"next": self.shown_url}).urlencode())

    @property
    def widths_url(self) -> str:
        return address_of("core:list-widths", self.declared.key) if self.declared.has_columns else ""

    def with_columns(self, keys: list[str]) -> str:
        """The address of the list with these columns, a change of its view; []: the list's own."""
        rest = QueryDict(self._without("columns", "cursor", "next"), mutable=True)
        saved = self.saved.current
        same = saved is not None and self.columns_of(keys) == self.columns_of([key for key, _width in saved.columns])
        if not same:
            rest["columns"] = ",".join(keys or [c.key for c in self.columns_of(None)[1:] if not c.is_fixed])
        return self._url(self.url, rest.urlencode())

    def beside(self, suffix: str) -> str:
        """The URL of the list's filters, export or select page, with the current query."""
        return joined(reverse(f"{self.declared.url_name}-{suffix}", kwargs=self.kwargs), self.query)

    @property
    def shown_url(self) -> str:
        return self._url(self.url, self.query)

    @property
    def count_url(self) -> str:
        """The list with its exact number, which it does not count by itself."""
        return joined(self.shown_url, "count=all") if "?" not in self.shown_url else f"{self.shown_url}&count=all"

    @property
    def board_url(self) -> str:
        """The board that a card is moved on."""
        return self._url(self.url, self._without("cursor", "to", "was", "column", "at"))

    @property
    def panel_url(self) -> str:
        return self.beside("filters") if self.declared.panel else ""

    def section_url(self, section: Section, group: Group | None = None) -> str:
        """The list with the rows of one group alone."""
        group = group or self.group
        if not group or not group.filter or section.value in (None, ""):
            return ""
        return joined(
            "", self._without(group.filter, "group", "board", "closed", "cursor"), f"{group.filter}={section.key}"
        )

    @cached_property
    def files(self) -> list[dict[str, Any]]:
        """[{label, url}] of the files the list can be exported to."""
        if not self.declared.file_name:
            return []
        url = reverse(f"{self.declared.url_name}-export", kwargs=self.kwargs)
        kinds = self.declared.file_kinds.items()
        return [{"label": label, "url": joined(url, self.query, f"as={kind}")} for kind, label in kinds]

    @property
    def select_url(self) -> str:
        return self.beside("select") if self.actions else ""

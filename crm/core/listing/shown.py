"""The columns that a list shows: those of the declaration, of a view or of the reader, and the head of its table."""

from functools import cached_property
from typing import Any

from crm.core.listing.addresses import Addresses, joined
from crm.core.listing.columns import TITLE_WIDTH, USUAL_WIDTH, Column, in_order
from crm.core.listing.queries import Own, kept_of


class Columns(Addresses):
    """Of one Listing."""

    principal: Any
    board: Any

    @cached_property
    def own(self) -> Own:
        """What the reader keeps of the list."""
        is_kept = self.declared.has_views or self.declared.has_columns
        return kept_of(self.principal, self.declared.key) if is_kept else Own()

    @cached_property
    def wanted(self) -> list[str] | None:
        """The keys of the columns that somebody chose: the address, the view, the reader; None for the list's own."""
        if not self.declared.has_columns:
            return None
        if self.given.get("columns"):
            return str(self.given["columns"]).split(",")
        if self.has_views and self.saved.current:
            return [key for key, _width in self.saved.current.columns] or None
        return self.own.columns or None

    def columns_of(self, keys: list[str] | None) -> list[Column]:
        return in_order(self.declared.offered, self.declared.usual, keys or None)

    @cached_property
    def columns(self) -> list[Column]:
        """Those of the page, in their order."""
        return self.columns_of(self.wanted)

    @cached_property
    def shown_columns(self) -> list[Column]:
        """Those of the page; of a board what its cards show."""
        return self.columns_of(list(self.declared.card_columns)) if self.board else self.columns

    @cached_property
    def keys(self) -> frozenset[str]:
        """Of the columns of the page, or of the file that is made."""
        return frozenset(column.key for column in self.shown_columns)

    @property
    def choosable(self) -> list[Column]:
        """The columns of the page that can be hidden and moved."""
        return [column for column in self.columns[1:] if not column.is_fixed]

    @cached_property
    def file_columns(self) -> list[Column]:
        """Exactly those of the page; where nobody chose, with those that stand in a file alone."""
        columns = self.columns
        if self.wanted is None:
            columns = [column for column in self.declared.columns if not column.is_extra and column.is_used()]
        return [column for column in columns if column.value]

    @cached_property
    def widths(self) -> dict[str, int]:
        """Pixels by column, the reader's own before those of the view."""
        view = self.saved.current if self.has_views else None
        return {key: width for key, width in (view.columns if view else ()) if width} | self.own.widths

    def width_of(self, key: str) -> int | None:
        return self.widths.get(key)

    @property
    def span(self) -> int:
        """Columns of the table, with that of the boxes."""
        return len(self.columns) + bool(self.actions)

    @property
    def table_class(self) -> str:
        """Somebody chose its columns, or their widths."""
        return " is-chosen is-sized" if self.widths else " is-chosen" if self.wanted else ""

    @cached_property
    def heads(self) -> list[dict[str, Any]]:
        """The table's head, sorts as addresses."""
        return [self._head(column, place) for place, column in enumerate(self.columns)]

    def _head(self, column: Column, place: int) -> dict[str, Any]:
        head = {"label": column.label, "css": column.css, "is_quiet": column.is_quiet, "direction": "", "url": ""}
        head |= {"key": column.key, "is_sizable": self.declared.has_columns and not column.is_fixed, "width": None}
        if self.widths and not column.is_fixed:
            head["width"] = self.width_of(column.key) or (USUAL_WIDTH if place else TITLE_WIDTH)
        if column.key in self.declared.own_sorts:
            key = column.key
            head["direction"] = {key: "ascending", f"-{key}": "descending"}.get(self.sort_key, "")
            goes_down = head["direction"] == "ascending" or (not head["direction"] and column.first == "desc")
            head["url"] = joined("", self._without("cursor", "sort"), f"sort={'-' if goes_down else ''}{key}")
        return head

"""One list for one request: what its address asks, its rows and groups, the table of a file.

What it shows besides: `shown.py` (columns), `bar.py` (above the list), `addresses.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from crm.core.listing import selection, services
from crm.core.listing.addresses import joined
from crm.core.listing.bar import Bar
from crm.core.listing.boards import Shown, board_of_column
from crm.core.listing.columns import Column, load
from crm.core.listing.filters import query_of
from crm.core.listing.groups import Group, Section, in_groups, paginate_groups, sections_of
from crm.core.listing.paging import Page, Sort, ordered, paginate
from crm.core.listing.queries import Own
from crm.core.listing.saved import Views
from crm.core.ui.htmx import came_from

FILE_CHUNK = 1000
CLOSED = "~"  # before the key of a collapsed group, which may be empty
KIT_CARD = "listing/cards.html"


class Listing(Bar):
    """One list (`declared`, a ListPage) for one principal's request."""

    def __init__(
        self,
        declared: Any,
        principal: Any,
        query: QueryDict,
        now: datetime,
        kwargs: Mapping[str, Any] | None = None,
        *,
        opens: bool = False,
        own: Own | None = None,
    ):
        if own is not None:
            self.own = own
        self.declared, self.principal, self.now = declared, principal, now
        self.kwargs, self._known = dict(kwargs or {}), {}
        self.counts_all = query.get("count") == "all"
        if "count" in query:
            query = query.copy()
            query.pop("count")
        self.has_views = declared.has_views and principal.is_user
        self.saved = Views(self)
        asked, query = query, self.saved.meant(query, opens=opens) if self.has_views else query
        self.given, self.is_filled = query, opens and bool(query) and query is not asked
        board, group = query.get("board", ""), query.get("group", "")
        self.board_key = board if board and board in declared.own_boards else ""
        self.group_key = group if group and group in declared.own_groups else ""
        self.lifted = declared.own_boards[self.board_key].lifts if self.board_key else ()
        self.column_of = None if self.board_key else board_of_column(declared.boards, query)
        gone = self.column_of.lifts if self.column_of else self.lifted
        defaults = {name: value for name, value in declared.defaults(principal).items() if name not in gone}
        wanted = {name: value for name, value in defaults.items() if not (callable(value) and query.get(name))}
        self.usual = {name: found for name, value in wanted.items() if (found := self._default(value))}
        data = query.copy()
        for name in self.lifted:
            data.pop(name, None)
        for name, value in self.usual.items():
            if not query.get(name):
                data[name] = value
        self.data = data
        self.filters = declared.filters(data, principal=principal, now=now)
        self.filters.leave_out_unseen()
        self.values = self.filters.values
        for name in self.filters.refused.keys() & defaults.keys():
            self.values[name] = self.usual[name] = self.usual.get(name) or self._default(defaults[name])
        self.usual_sort = (
            declared.default_sort(self.values) if declared.default_sort else next(iter(declared.own_sorts))
        )
        self.sort_key = sort if (sort := query.get("sort", "")) in declared.own_sorts else self.usual_sort

    def _default(self, value: Any) -> Any:
        return value(self.principal) if callable(value) else value

    def memo(self, call: Callable[..., Any], *args: Any) -> Any:
        """`call(*args)`, once for this list."""
        if call not in self._known:
            self._known[call] = call(*args)
        return self._known[call]

    @property
    def title(self):
        return self.declared.title

    @property
    def sort(self) -> Sort:
        return self.declared.own_sorts[self.sort_key]

    @cached_property
    def rows(self) -> QuerySet:
        """The rows of all pages."""
        rows = self.filters.apply(self.declared.rows(self.principal, **self.kwargs))
        if board := self.board.board if self.board else self.column_of:
            rows = board.narrow(rows)
        if self.sort.expression is not None and self.sort.field not in rows.query.annotations:
            rows = rows.annotate(**{self.sort.field: self.sort.computed(self.principal, self.now)})
        if self.sort.pk != "pk":  # an inner join, so that the other table's index can sort
            rows = rows.filter(**{f"{self.sort.field.rpartition('__')[0]}__isnull": False})
        return rows

    @cached_property
    def page(self) -> Page:
        """Raises BadCursor."""
        page = self._page()
        if self.counts_all and page.is_capped:
            page.total, page.is_capped = self.rows.count(), False
        return page

    def _page(self) -> Page:
        declared = self.declared
        if self.board:
            page = self.board.page
            self.decorate(page.rows)
            return page
        rows, cursor = self.loaded(self.columns), self.given.get("cursor", "")
        if self.group:
            page = paginate_groups(
                rows,
                self.group,
                self.sections,
                sort=self.sort,
                cursor=cursor,
                size=declared.size,
                closed=self.closed,
            )
            for row in page.rows:
                row.group_heads = [self._group_head(head) for head in getattr(row, "group_heads", ())]
            page.heads_below = [self._group_head(head) for head in page.heads_below]
        else:
            page = paginate(rows, sort=self.sort, cursor=cursor, size=declared.size, counted=declared.is_counted)
        self._decorate(page.rows, self.columns)
        return page

    def decorate(self, cards: list[Any]) -> None:
        """Set what the cards of its board show."""
        self._decorate(cards, self.shown_columns)
        if self.board and self.declared.card == KIT_CARD:
            self.board.decorate(cards)

    @cached_property
    def board(self) -> Shown | None:
        board = self.declared.own_boards.get(self.board_key)
        return Shown(self, board.at(self.now)) if board else None

    @cached_property
    def group(self) -> Group | None:
        group = self.declared.own_groups.get(self.group_key)
        return group.at(self.now) if group else None

    @cached_property
    def sections(self) -> list[Section]:
        """The groups of the list that have rows, with how many."""
        return sections_of(self.rows, self.group) if self.group else []

    @cached_property
    def closed(self) -> list[str]:
        """The keys of the groups that are collapsed."""
        return [key.removeprefix(CLOSED) for key in self.given.getlist("closed")] if self.group else []

    def _group_head(self, section: Section) -> dict[str, Any]:
        """A head between the rows: its words, the list of the group alone, and what collapses or opens it."""
        is_closed = section.key in self.closed
        keys = [key for key in self.closed if key != section.key] if is_closed else [*self.closed, section.key]
        rest = self._without("closed", "cursor")
        closed = query_of({"closed": [f"{CLOSED}{key}" for key in keys]}).urlencode()
        told = {
            "label": section.label,
            "n": section.n,
            "is_capped": section.is_capped,
            "url": self.section_url(section),
            "is_closed": is_closed,
        }
        return told | {"toggle_url": joined("", rest, closed)}

    def loaded(self, columns: list[Column]) -> QuerySet:
        rows, reads = self.declared.select(self.rows), self.declared.reads
        if reads and self.sort.field not in rows.query.annotations:
            reads = (*reads, self.sort.field)  # which a cursor names
        return load(rows, columns, reads)

    def _decorate(self, rows: list[Any], columns: list[Column]) -> None:
        if self.declared.decorate:
            self.declared.decorate(rows, self)
        for column in columns:
            if column.decorate:
                column.decorate(rows, self)

    def table(self) -> Iterator[list[Any]]:
        """Head and rows of a file. What refuses does so here, not within the file."""
        columns = self.file_columns
        self.keys = frozenset(column.key for column in columns)
        rows = self.loaded(columns)
        in_order = lambda part: ordered(part, self.sort).iterator(chunk_size=FILE_CHUNK)  # noqa: E731
        if not self.group:
            return self._lines(in_order(rows), columns)
        if self.has_repeats or self.group.key not in self.keys:
            columns = [Column("group", self.group.label, lambda row: row.group_label), *columns]
        return self._lines(in_groups(rows, self.group, self.sections, in_order), columns)

    def _lines(self, rows: Iterator[Any], columns: list[Column]) -> Iterator[list[Any]]:
        yield [str(column.file_label or column.label) for column in columns]
        while chunk := list(islice(rows, FILE_CHUNK)):
            self._decorate(chunk, columns)
            yield from ([column.value(row) for column in columns] for row in chunk)  # type: ignore[misc]

    @property
    def is_narrowed(self) -> bool:
        """Whether the user narrowed the list beyond its defaults."""
        return any(value not in (self.usual.get(name), [self.usual.get(name)]) for name, value in self.values.items())

    def remember(self, request: HttpRequest) -> None:
        """How the reader left the list, where they chose something on it; a link from elsewhere changes nothing."""
        declared = self.declared
        if not (self.has_views and declared.remembers and self.principal.may_write and request.method == "GET"):
            return
        if request.path == self.url and came_from(request) == self.url and self.saved.leaving != self.own.last_query:
            services.remember_query(self.principal, list_key=declared.key, query=self.saved.leaving)

    @property
    def shows_all(self) -> bool:
        return not (self.is_narrowed or self.saved.current)

    @cached_property
    def actions(self) -> list["selection.Action"]:
        """The actions on selected rows."""
        return [action for action in self.declared.actions if action.may(self.principal) and action.fits(self.values)]

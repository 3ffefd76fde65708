"""A list page as one declaration: it gives page, chips, views, sorts, cursor, files and bulk actions.

How to write one: docs/developers/lists.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.core.base.permissions import require
from crm.core.base.registry import Registry
from crm.core.listing import moving, selection
from crm.core.listing.boards import Board
from crm.core.listing.columns import Column
from crm.core.listing.files import table_file
from crm.core.listing.filters import ListFilters, query_of
from crm.core.listing.groups import Group
from crm.core.listing.listing import KIT_CARD, Listing
from crm.core.listing.paging import BadCursor, Sort
from crm.core.ui.htmx import go, is_fragment

# What the address of a list says besides its filters
OWN_PARAMETERS = {
    "board",
    "closed",
    "column",
    "columns",
    "count",
    "cursor",
    "group",
    "next",
    "sort",
    "to",
    "view",
    "was",
}
FILES = {"csv": _("CSV"), "xlsx": _("Excel (XLSX)")}


@dataclass(frozen=True)
class View:
    """A predefined view: filters, and a sort if needed. `count(listing)` is shown beside its name."""

    label: Any
    query: Mapping[str, Any] = field(default_factory=dict)
    count: Callable[[Listing], int | str] | None = None


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """`rows(principal)` are the rows the principal may see; parameters of the URL are passed by keyword. All other
    attributes are optional.

    `sorts`: key → column (“-” before it: the last first) or Sort, besides those of the columns; the first is the default, "-key"
    turns one round. `default_sort(values)` chooses another for a choice of filters. `defaults(principal)`: filters that are set
    when the address does not name them; a value that costs a query is a function of the principal. `bar`: the filters in the bar
    above the list; `segments`: those shown as switches there; `panel`: those in the dialog behind “Filter”.
    `select(rows)`: what the page loads with its rows besides what its columns say; `reads`: the columns of the database that each
    row needs besides those of its columns, where the page shall load nothing else. `decorate(rows, listing)`: sets what each row shows. `more(listing)`:
    more context. `noun(n, text)`: the count in words, from its number and its text. `empty`: what stands there without rows,
    a title or an Empty.
    `template` is for what the kit does not draw: cells with marks, buttons of the page.
    `columns`: those it has; `fields`: the catalogue whose other fields people may add; `groups`: what it may be grouped by, besides the firm's own choices.
    `boards`: how it is shown as a board, `custom_board(entry)` for a choice of the firm's own; `card`: the template of the cards of a
    column, `card_columns` the columns that they show.
    People choose columns (`has_columns`) and keep views (`has_views`); the list opens as they left it (`remembers`), but where
    its number in the navigation says what it opens with.
    """

    url_name: str
    title: Any
    rows: Callable[..., QuerySet]
    template: str = "listing/page.html"
    empty: Any = _("Nothing here yet")
    filters: type[ListFilters] = ListFilters
    sorts: Mapping[str, Sort | str] = field(default_factory=dict)
    default_sort: Callable[[dict[str, Any]], str] | None = None
    defaults: Callable[[Any], dict[str, Any]] = lambda principal: {}
    views: Sequence[View] = ()
    view_by: tuple[str, ...] = ()  # the filters that define a view; all of them if empty
    segments: tuple[str, ...] = ()
    bar: tuple[str, ...] = ()
    panel: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    fields: Any = None
    groups: tuple[Group, ...] = ()
    boards: tuple[Board, ...] = ()
    custom_board: Callable[[Any], Board] | None = None
    card: str = KIT_CARD
    card_columns: tuple[str, ...] = ()
    has_columns: bool = True
    has_views: bool = True
    remembers: bool = True
    search_label: Any = ""
    search_hint: Any = ""
    select: Callable[[QuerySet], QuerySet] = lambda rows: rows
    reads: tuple[str, ...] = ()
    decorate: Callable[[list[Any], Listing], None] | None = None
    more: Callable[[Listing], dict[str, Any]] | None = None
    words: Mapping[str, Any] = field(default_factory=dict)  # words that rows use, looked up once per page
    noun: Callable[[int, str], str] | None = None
    sort_words: Mapping[str, Any] | None = None  # shown beside the count, if not the column's label; None: not shown
    may: Callable[[Any], bool] = lambda principal: True
    size: int = 25
    is_counted: bool = True
    actions: tuple["selection.Action", ...] = ()
    file_name: str = ""  # of CSV and XLSX; empty: no files
    file_kinds: Mapping[str, Any] = field(default_factory=lambda: FILES)  # the first is the default
    other_file: Callable[[Listing], Iterator[list[Any]]] | None = None  # head and rows of another kind of file

    def __post_init__(self):
        if taken := OWN_PARAMETERS & {*self.filters.base_filters}:  # type: ignore[misc]
            raise ImproperlyConfigured(f"{self.url_name}: the kit has parameters of these names: {sorted(taken)}")
        list_pages.register(self)

    @property
    def key(self) -> str:
        return self.url_name

    @cached_property
    def _own_offered(self) -> dict[str, Column]:
        own = {column.key: column for column in self.columns}
        others = self.fields.columns() if self.fields is not None else ()
        return own | {column.key: column for column in others if column.key not in own}

    @property
    def custom(self) -> Mapping[str, Any]:
        """The firm's own fields of the rows, by name."""
        return self.fields.custom if self.fields is not None else {}

    @property
    def offered(self) -> dict[str, Column]:
        """Every column that people may choose, by key: those of the declaration, then the other fields of its catalogue."""
        own = {key: column for key, column in self._own_offered.items() if column.is_used()}
        return own | {name: field.offered() for name, field in custom.items()} if (custom := self.custom) else own

    @property
    def usual(self) -> list[Column]:
        """Those of the page, unless somebody chooses others."""
        return [column for column in self._usual if column.is_used()]

    @cached_property
    def _usual(self) -> list[Column]:
        return [column for column in self.columns if not (column.is_in_file_only or column.is_extra)]

    @property
    def own_groups(self) -> dict[str, Group]:
        made = {group.key: group for group in self.groups}
        return made | self._custom_groups if made else made

    @property
    def _custom_groups(self) -> dict[str, Group]:
        return {name: field.in_groups() for name, field in self.custom.items() if field.is_grouped}

    @property
    def own_boards(self) -> dict[str, Board]:
        made = {board.key: board for board in self.boards}
        if self.custom_board is None:
            return made
        return made | {name: self.custom_board(self.custom[name]) for name in self._custom_groups}

    def understood(self, query: Mapping[str, Any], principal: Any, now: datetime) -> dict[str, Any]:
        """The filters of {name: [values]} that the list can read."""
        return self.filters(query_of(query), principal=principal, now=now).values

    @property
    def own_sorts(self) -> dict[str, Sort]:
        """Each sort, the default first, and its reverse."""
        made = {name: field.sort for name, field in self.custom.items() if field.sort}
        turned = {f"-{name}": sort.turned() for name, sort in made.items()}
        return self._own_sorts | made | turned if made else self._own_sorts

    @cached_property
    def _own_sorts(self) -> dict[str, Sort]:
        given = dict(self.sorts) | {column.key: column.sort for column in self._own_offered.values() if column.sort}
        sorts = {
            key: Sort(sort.lstrip("-"), sort[0] == "-") if isinstance(sort, str) else sort
            for key, sort in given.items()
        }
        return sorts | {f"-{key}": sort.turned() for key, sort in sorts.items()}

    def urls(self, route: str, name: str, *, show: Callable[..., Any] | None = None) -> list[Any]:
        """The list's URLs: `route`, and below it filters/, export/ and select/ if it has them. `show`: a custom view of
        the page that calls `answer`.
        """
        page = [path(route, show, name=name)] if show else []
        found: list[tuple[str, Callable[..., Any], str]] = [] if show else [(route, self.show, name)]
        if self.panel:
            found.append((f"{route}filters/", self.show_panel, f"{name}-filters"))
        if self.file_name:
            found.append((f"{route}export/", self.export, f"{name}-export"))
        if self.actions:
            found.append((f"{route}select/", self.act, f"{name}-select"))
        if self.boards:
            found.append((f"{route}board/cards/", self.cards, f"{name}-cards"))
            found.append((f"{route}board/drop/", self.drop, f"{name}-drop"))
            found.append((f"{route}board/<int:card>/move/", self.move, f"{name}-move"))
        return page + [path(address, self._view(answer), name=key) for address, answer, key in found]

    def _view(self, answer):
        is_form = answer == self.move
        methods = require_POST if answer in (self.act, self.drop) else require_safe
        methods = require_http_methods(["GET", "POST"]) if is_form else methods
        return methods(lambda request, **kwargs: answer(request, **kwargs))

    def of(self, request, **kwargs) -> Listing:
        """The list for a request; `kwargs` come from its URL. 403 if the user may not see it."""
        require(self.may(request.principal))
        opens = self._is_opened(request, kwargs)
        return Listing(self, request.principal, request.GET, timezone.now(), kwargs, opens=opens)

    def _is_opened(self, request: HttpRequest, kwargs: Mapping[str, Any]) -> bool:
        """The page itself is asked, not a part of it, a file or its filters."""
        is_page = request.method in ("GET", "HEAD") and not is_fragment(request)
        return is_page and request.path == reverse(self.url_name, kwargs=dict(kwargs))

    def show(self, request, **kwargs):
        return self.answer(request, self.of(request, **kwargs))

    def answer(self, request, listing: Listing, *, status: int = 200, within: str = "", **context):
        """The page; `context` comes from a custom view. `within`: the template of a page that includes the list as {{
        list }}.
        """
        try:
            page = listing.page
        except BadCursor:
            return go(request, listing.shown_url)
        listing.remember(request)
        context |= {"listing": listing, "page": page, "now": listing.now, "is_grouped": bool(listing.group)}
        context["words"] = {name: str(word) for name, word in self.words.items()}
        context["shell"] = "listing/part.html" if within or is_fragment(request) else "base.html"
        context |= self.more(listing) if self.more else {}
        if not within or is_fragment(request):
            return render(request, self.template, context, status=status)
        part = render_to_string(self.template, context, request)
        return render(request, within, context | {"list": part}, status=status)

    def show_panel(self, request, **kwargs):
        """The form of all filters: a dialog over the list, or a page of its own without JavaScript."""
        template = "listing/panel_form.html" if is_fragment(request) else "listing/panel.html"
        listing = self.of(request, **kwargs)
        if kwargs:
            listing.rows  # noqa: B018  a record of the address that is out of sight is 404
        return render(request, template, {"listing": listing})

    def export(self, request, **kwargs):
        kind, listing = request.GET.get("as", next(iter(self.file_kinds))), self.of(request, **kwargs)
        if kind not in self.file_kinds:
            raise Http404
        rows = listing.table() if kind in FILES else self.other_file(listing)  # type: ignore[misc]
        return table_file(rows, name=self.file_name, kind="xlsx" if kind == "xlsx" else "csv")

    def act(self, request, **kwargs):
        listing = self.of(request, **kwargs)
        if kwargs:
            listing.rows  # noqa: B018  a record of the address that is out of sight is 404, whatever was chosen
        return selection.act(request, listing) or redirect(listing.shown_url)

    def cards(self, request, **kwargs):
        return moving.cards(request, self.of(request, **kwargs))

    def drop(self, request, **kwargs):
        return moving.drop(request, self.of(request, **kwargs))

    def move(self, request, **kwargs):
        card = kwargs.pop("card")
        return moving.move(request, self.of(request, **kwargs), card)


list_pages: Registry[ListPage] = Registry("list page")

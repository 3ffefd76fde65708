"""A list page as one declaration: it gives page, chips, views, sorts, cursor, files and bulk actions.

How to write one: docs/developers/lists.md.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.core.base.permissions import require
from crm.core.base.registry import Registry
from crm.core.listing import moving, selection, services
from crm.core.listing.boards import Board, Shown
from crm.core.listing.columns import TITLE_WIDTH, USUAL_WIDTH, Column, in_order, load
from crm.core.listing.files import table_file
from crm.core.listing.filters import ListFilters, query_of
from crm.core.listing.groups import Group, Section, in_groups, paginate_groups, sections_of
from crm.core.listing.paging import BadCursor, Page, Sort, ordered, paginate
from crm.core.listing.queries import Own, kept_of
from crm.core.listing.saved import NONE, Views, address_of, is_plain
from crm.core.ui.formatting import in_sentence
from crm.core.ui.htmx import came_from, go, is_fragment

FILE_CHUNK = 1000
# What the address of a list says besides its filters
OWN_PARAMETERS = {"board", "closed", "column", "columns", "cursor", "group", "next", "sort", "to", "view", "was"}
CLOSED = "~"  # before the key of a collapsed group, which may be empty
FILES = {"csv": _("CSV"), "xlsx": _("Excel (XLSX)")}


@dataclass(frozen=True)
class View:
    """A predefined view: filters, and a sort if needed. `count(listing)` is shown beside its name."""

    label: Any
    query: Mapping[str, Any] = field(default_factory=dict)
    count: Callable[["Listing"], int | str] | None = None


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
    more context. `noun(n, text)`: the count in words, from its number and its text. `empty`: what stands there without rows.
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
    card: str = "listing/cards.html"
    card_columns: tuple[str, ...] = ()
    has_columns: bool = True
    has_views: bool = True
    remembers: bool = True
    search_label: Any = ""
    search_hint: Any = ""
    select: Callable[[QuerySet], QuerySet] = lambda rows: rows
    reads: tuple[str, ...] = ()
    decorate: Callable[[list[Any], "Listing"], None] | None = None
    more: Callable[["Listing"], dict[str, Any]] | None = None
    words: Mapping[str, Any] = field(default_factory=dict)  # words that rows use, looked up once per page
    noun: Callable[[int, str], str] | None = None
    sort_words: Mapping[str, Any] | None = None  # shown beside the count, if not the column's label; None: not shown
    may: Callable[[Any], bool] = lambda principal: True
    size: int = 25
    is_counted: bool = True
    actions: tuple["selection.Action", ...] = ()
    file_name: str = ""  # of CSV and XLSX; empty: no files
    file_kinds: Mapping[str, Any] = field(default_factory=lambda: FILES)  # the first is the default
    other_file: Callable[["Listing"], Iterator[list[Any]]] | None = None  # head and rows of another kind of file

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

    def of(self, request, **kwargs) -> "Listing":
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

    def answer(self, request, listing: "Listing", *, status: int = 200, within: str = "", **context):
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


def _joined(url: str, *queries: str) -> str:
    """A URL with the non-empty parts of its query."""
    query = "&".join(filter(None, queries))
    return f"{url}?{query}" if query else url


class Listing:
    """One list for one principal's request."""

    def __init__(
        self,
        declared: ListPage,
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
        self.has_views = declared.has_views and principal.is_user
        self.saved = Views(self)
        asked, query = query, self.saved.meant(query, opens=opens) if self.has_views else query
        self.given, self.is_filled = query, opens and bool(query) and query is not asked
        defaults = declared.defaults(principal)
        wanted = {name: value for name, value in defaults.items() if not (callable(value) and query.get(name))}
        self.usual = {name: found for name, value in wanted.items() if (found := self._default(value))}
        data = query.copy()
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
        board, group = query.get("board", ""), query.get("group", "")
        self.board_key = board if board and board in declared.own_boards else ""
        self.group_key = group if group and group in declared.own_groups else ""
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
        if self.sort.expression is not None:
            rows = rows.annotate(**{self.sort.field: self.sort.expression})
        if self.sort.pk != "pk":  # an inner join, so that the other table's index can sort
            rows = rows.filter(**{f"{self.sort.field.rpartition('__')[0]}__isnull": False})
        return rows

    @cached_property
    def page(self) -> Page:
        """Raises BadCursor."""
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
        if self.board and self.declared.card == ListPage.card:
            self.board.decorate(cards)

    @cached_property
    def board(self) -> Shown | None:
        board = self.declared.own_boards.get(self.board_key)
        return Shown(self, board) if board else None

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
                {"label": label, "url": _joined("", rest, f"board={board.key}"), "current": board.key == self.board_key}
            )
        return links

    @property
    def layout_words(self) -> str:
        return str(next((item["label"] for item in self.layouts if item["current"]), ""))

    @property
    def group(self) -> Group | None:
        return self.declared.own_groups.get(self.group_key)

    @cached_property
    def sections(self) -> list[Section]:
        """The groups of the list that have rows, with how many."""
        return sections_of(self.rows, self.group) if self.group else []

    @cached_property
    def groups(self) -> list[dict[str, Any]]:
        """What it can be grouped by, as links; the first is none. [] where it cannot."""
        if not self.declared.groups:
            return []
        rest = self._without("group", "cursor")
        links = [{"label": _("No groups"), "url": self._url("", rest), "current": not self.group_key}]
        for group in self.declared.own_groups.values():
            url = _joined("", rest, f"group={group.key}")
            links.append({"label": group.label, "url": url, "current": group.key == self.group_key})
        return links

    @property
    def group_words(self) -> str:
        if not self.group:
            return gettext("Group")
        return gettext("By %(what)s") % {"what": in_sentence(str(self.group.label))}

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
        told = {"label": section.label, "n": section.n, "url": self.section_url(section), "is_closed": is_closed}
        return told | {"toggle_url": _joined("", rest, closed)}

    def section_url(self, section: Section, group: Group | None = None) -> str:
        """The list with the rows of one group alone."""
        group = group or self.group
        if not group or not group.filter or section.value in (None, ""):
            return ""
        return _joined(
            "", self._without(group.filter, "group", "board", "closed", "cursor"), f"{group.filter}={section.key}"
        )

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

    # Columns

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

    def table(self) -> Iterator[list[Any]]:
        """Head and rows of a file. What refuses does so here, not within the file."""
        columns = self.file_columns
        self.keys = frozenset(column.key for column in columns)
        rows = self.loaded(columns)
        in_order = lambda part: ordered(part, self.sort).iterator(chunk_size=FILE_CHUNK)  # noqa: E731
        if not self.group:
            return self._lines(in_order(rows), columns)
        if self.group.key not in self.keys:
            columns = [Column("group", self.group.label, lambda row: row.group_label), *columns]
        return self._lines(in_groups(rows, self.group, self.sections, in_order), columns)

    def _lines(self, rows: Iterator[Any], columns: list[Column]) -> Iterator[list[Any]]:
        yield [str(column.file_label or column.label) for column in columns]
        while chunk := list(islice(rows, FILE_CHUNK)):
            self._decorate(chunk, columns)
            yield from ([column.value(row) for column in columns] for row in chunk)  # type: ignore[misc]

    # What the page shows

    @cached_property
    def query(self) -> str:
        """The URL's query without the cursor."""
        return self._without("cursor")

    def _without(self, *names: str) -> str:
        rest = self.given.copy()
        for name in names:
            rest.pop(name, None)
        return rest.urlencode()

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

    @property
    def address(self) -> str:
        """What the page shows, where its own address does not say it."""
        return self.shown_url if self.is_filled else ""

    @property
    def shows_all(self) -> bool:
        return not (self.is_narrowed or self.saved.current)

    def remember(self, request: HttpRequest) -> None:
        """How the reader left the list, where they chose something on it; a link from elsewhere changes nothing."""
        declared = self.declared
        if not (self.has_views and declared.remembers and self.principal.may_write and request.method == "GET"):
            return
        if request.path == self.url and came_from(request) == self.url and self.saved.leaving != self.own.last_query:
            services.remember_query(self.principal, list_key=declared.key, query=self.saved.leaving)

    @property
    def is_narrowed(self) -> bool:
        """Whether the user narrowed the list beyond its defaults."""
        return any(value not in (self.usual.get(name), [self.usual.get(name)]) for name, value in self.values.items())

    @cached_property
    def hidden(self) -> list[tuple[str, str]]:
        """What the search form must keep: everything in the URL that is not one of its own fields."""
        asked = {"q", "cursor", *self.declared.bar, *self.declared.segments}
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
    def segments(self) -> list[dict[str, Any]]:
        found = []
        for name in self.declared.segments:
            chosen = self.filters.one(name)
            items = [
                {"value": key, "label": label, "is_chosen": key == self.values.get(name)}
                for key, label in chosen.extra["choices"]
            ]
            found.append({"name": name, "label": chosen.label, "items": items})
        return found

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
            head["url"] = _joined("", self._without("cursor", "sort"), f"sort={'-' if goes_down else ''}{key}")
        return head

    @cached_property
    def count_text(self) -> str:
        total = self.page.total
        if total is None or self.declared.noun is None:
            return ""
        words = self.declared.noun(total, self.page.total_text)
        if self.declared.sort_words is None:
            return words
        return _("%(words)s · sorted by %(what)s") % {"words": words, "what": self.sort_label}

    @property
    def sort_label(self) -> str:
        """What it is sorted by, within a sentence; "" where nothing names it."""
        labels = {column.key: column.label for column in self.declared.offered.values()}
        return in_sentence(str((labels | dict(self.declared.sort_words or {})).get(self.sort_key.lstrip("-"), "")))

    @cached_property
    def previous_url(self) -> str:
        return self._page_url(self.page.previous_cursor)

    @cached_property
    def next_url(self) -> str:
        return self._page_url(self.page.next_cursor)

    def _page_url(self, cursor: str | None) -> str:
        return _joined("", self.query, f"cursor={cursor}") if cursor else ""

    @cached_property
    def url(self) -> str:
        return reverse(self.declared.url_name, kwargs=self.kwargs)

    def _url(self, url: str, query: str) -> str:
        """An address that means exactly this query: where it says nothing, or names a view alone, it says so."""
        if self.has_views and not query:
            query = f"view={NONE}"
        elif self.has_views and is_plain(QueryDict(query)):
            query += f"&sort={self.sort_key}" if self.saved.current else ""
        return f"{url}?{query}" if query else url or "?"

    @property
    def plain_url(self) -> str:
        """The list without a choice, whatever it opens with."""
        return self._url(self.url, "")

    @property
    def otherwise(self) -> str:
        """What a form of filters says where nothing is chosen."""
        return f"view={NONE}" if self.has_views else ""

    @property
    def columns_url(self) -> str:
        """Where its columns are chosen."""
        if not self.declared.has_columns:
            return ""
        url = address_of("core:list-columns", self.declared.key)
        return _joined(url, self.query, query_of({"next": self.shown_url}).urlencode())

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
        return _joined(reverse(f"{self.declared.url_name}-{suffix}", kwargs=self.kwargs), self.query)

    @property
    def shown_url(self) -> str:
        return self._url(self.url, self.query)

    @property
    def board_url(self) -> str:
        """The board that a card is moved on."""
        return self._url(self.url, self._without("cursor", "to", "was", "column"))

    @property
    def panel_url(self) -> str:
        return self.beside("filters") if self.declared.panel else ""

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form of all filters must keep, because it has no field for it."""
        return [(name, value) for name, value in self.hidden + self._searched if name not in self.panel_names]

    @property
    def _searched(self) -> list[tuple[str, str]]:
        return [("q", self.values["q"])] if self.values.get("q") else []

    @cached_property
    def files(self) -> list[dict[str, Any]]:
        """[{label, url}] of the files the list can be exported to."""
        if not self.declared.file_name:
            return []
        url = reverse(f"{self.declared.url_name}-export", kwargs=self.kwargs)
        kinds = self.declared.file_kinds.items()
        return [{"label": label, "url": _joined(url, self.query, f"as={kind}")} for kind, label in kinds]

    @property
    def select_url(self) -> str:
        return self.beside("select") if self.actions else ""

    @cached_property
    def actions(self) -> list["selection.Action"]:
        """The actions on selected rows."""
        return [action for action in self.declared.actions if action.may(self.principal) and action.fits(self.values)]

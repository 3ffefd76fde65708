"""A list page as one declaration: it gives page, chips, views, sorts, cursor, files and bulk actions.

How to write one: docs/developers/lists.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.http import Http404, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from crm.core.base.permissions import require
from crm.core.base.registry import Registry
from crm.core.listing import selection
from crm.core.listing.files import table_file
from crm.core.listing.filters import ListFilters, query_of
from crm.core.listing.paging import BadCursor, Page, Sort, ordered, paginate
from crm.core.ui.formatting import in_sentence
from crm.core.ui.htmx import go, is_fragment

FILE_CHUNK = 1000
FILES = {"csv": _("CSV"), "xlsx": _("Excel (XLSX)")}


@dataclass(frozen=True)
class Column:
    """Its header on the page, its cells in a file. `key` names its `sort` in URLs. `value(row)` returns the cell of a
    file as a plain value; None: the column is on the page only (buttons, marks). `first`: the direction of the first
    click. `cell(row)` gives the words of its cell on the page, which the kit then draws after the cells of the row's
    own template; `href(row)` makes that cell the row's title, a link. `loads`: the path of the column in the database
    that stands behind it.

    Where a field stands behind it, the catalogue makes it: `CLIENT_FIELDS["tier"].in_list()`."""

    key: str
    label: Any
    value: Callable[[Any], Any] | None = None
    css: str = ""
    first: str = "asc"
    sort: Sort | None = None
    is_quiet: bool = False  # its header is for screen readers only
    is_in_file_only: bool = False
    file_label: Any = ""  # if its header in a file is different
    cell: Callable[[Any], Any] | None = None
    href: Callable[[Any], str] | None = None
    loads: str = ""


class Cell(NamedTuple):
    """A cell that the kit renders."""

    text: Any
    label: Any
    css: str
    url: str


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

    `sorts`: key → column (“-” for descending) or Sort, in addition to those of the columns; the first is the default,
    "-key" reverses one. `default_sort(values)` chooses another for given filters. `defaults(principal)`: filters set if
    the URL does not name them; a value that costs a query is a function of the principal. `bar`: the filters in the bar
    above the list; `segments`: those shown there as switches; `panel`: those in the dialog behind “Filter”.
    `select(rows)`: what the page loads with its rows. `decorate(rows, listing)`: sets display attributes on each row.
    `more(listing)`: more context. `noun(n, text)`: the count in words, from the number and its text. `empty`: the text
    of an empty list. `template` renders what the kit does not: cells with marks, buttons of the page.
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
    search_label: Any = ""
    search_hint: Any = ""
    select: Callable[[QuerySet], QuerySet] = lambda rows: rows
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
        list_pages.register(self)

    @property
    def key(self) -> str:
        return self.url_name

    @cached_property
    def written(self) -> list[Column]:
        """The columns whose cells the row's template renders; they come first."""
        return [column for column in self.columns if not (column.is_in_file_only or column.cell)]

    @cached_property
    def drawn(self) -> list[Column]:
        """The columns that the kit renders."""
        return [column for column in self.columns if column.cell and not column.is_in_file_only]

    @cached_property
    def loaded(self) -> list[str]:
        """The database columns that a restrictive `select` must load for the list."""
        return [column.loads for column in self.columns if column.loads]

    @cached_property
    def own_sorts(self) -> dict[str, Sort]:
        """Each sort, the default first, and its reverse."""
        given = dict(self.sorts) | {column.key: column.sort for column in self.columns if column.sort}
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
        found = [] if show else [(route, self.show, name)]
        if self.panel:
            found.append((f"{route}filters/", self.show_panel, f"{name}-filters"))
        if self.file_name:
            found.append((f"{route}export/", self.export, f"{name}-export"))
        if self.actions:
            found.append((f"{route}select/", self.act, f"{name}-select"))
        return page + [path(address, self._view(answer), name=key) for address, answer, key in found]

    def _view(self, answer):
        methods = require_POST if answer == self.act else require_safe
        return methods(lambda request, **kwargs: answer(request, **kwargs))

    def of(self, request, **kwargs) -> "Listing":
        """The list for a request; `kwargs` come from its URL. 403 if the user may not see it."""
        require(self.may(request.principal))
        return Listing(self, request.principal, request.GET, timezone.now(), kwargs)

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
        context |= {"listing": listing, "page": page, "now": listing.now}
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
        return render(request, template, {"listing": self.of(request, **kwargs)})

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
    ):
        self.declared, self.principal, self.given, self.now = declared, principal, query, now
        self.kwargs, self._known = dict(kwargs or {}), {}
        defaults = declared.defaults(principal)
        wanted = {name: value for name, value in defaults.items() if not (callable(value) and query.get(name))}
        self.usual = {name: found for name, value in wanted.items() if (found := self._default(value))}
        data = query.copy()
        for name, value in self.usual.items():
            if not query.get(name):
                data[name] = value
        self.filters = declared.filters(data, principal=principal, now=now)
        self.values = self.filters.values
        for name in self.filters.refused.keys() & defaults.keys():
            self.values[name] = self.usual[name] = self.usual.get(name) or self._default(defaults[name])
        asked = query.get("sort", "")
        if asked not in declared.own_sorts:
            asked = declared.default_sort(self.values) if declared.default_sort else next(iter(declared.own_sorts))
        self.sort_key = asked

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
        if self.sort.pk != "pk":  # an inner join, so that the other table's index can sort
            rows = rows.filter(**{f"{self.sort.field.rpartition('__')[0]}__isnull": False})
        return rows

    @cached_property
    def page(self) -> Page:
        """Raises BadCursor."""
        declared = self.declared
        page = paginate(
            declared.select(self.rows),
            sort=self.sort,
            cursor=self.given.get("cursor", ""),
            size=declared.size,
            counted=declared.is_counted,
        )
        if declared.decorate:
            declared.decorate(page.rows, self)
        for row in page.rows if declared.drawn else ():
            row.cells = [self._cell(column, row) for column in declared.drawn]
        return page

    def _cell(self, column: Column, row: Any) -> Cell:
        return Cell(column.cell(row), column.label, column.css, column.href(row) if column.href else "")  # type: ignore[misc]

    def table(self) -> Iterator[list[Any]]:
        """Head and rows of a file. Errors are raised here, not while the file is written."""
        return self._lines(ordered(self.declared.select(self.rows), self.sort).iterator(chunk_size=FILE_CHUNK))

    def _lines(self, rows: Iterator[Any]) -> Iterator[list[Any]]:
        columns = [column for column in self.declared.columns if column.value]
        yield [str(column.file_label or column.label) for column in columns]
        while chunk := list(islice(rows, FILE_CHUNK)):
            if self.declared.decorate:
                self.declared.decorate(chunk, self)
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
            chip | {"remove_url": f"?{self._without(chip['name'], 'cursor')}"} for chip in self.filters.chips(elsewhere)
        ]

    @property
    def is_narrowed(self) -> bool:
        """Whether the user narrowed the list beyond its defaults."""
        return any(value not in (self.usual.get(name), [self.usual.get(name)]) for name, value in self.values.items())

    @cached_property
    def hidden(self) -> list[tuple[str, str]]:
        """What the search form must keep: everything in the URL that is not one of its own fields."""
        asked = {"q", "cursor", *self.declared.bar, *self.declared.segments}
        return [(name, value) for name, values in self.given.lists() if name not in asked for value in values if value]

    @property
    def has_search(self) -> bool:
        return "q" in self.declared.filters.base_filters

    @cached_property
    def bar(self):
        return self.filters.shown_form(self.declared.bar)

    @cached_property
    def panel(self):
        return self.filters.shown_form(self.declared.panel)

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

    @cached_property
    def views(self) -> list[dict[str, Any]]:
        """As components/views.html takes them."""
        names = self.declared.view_by or tuple(self.declared.filters.base_filters)

        def chosen(query: Mapping[str, Any]) -> list[tuple[str, str]]:
            pairs = query_of(self.usual | dict(query)).lists()
            return sorted((key, value) for key, values in pairs if key in names for value in values if value)

        present = chosen(dict(self.given.lists()))
        return [
            {
                "label": view.label,
                "url": self.url + (f"?{query_of(view.query).urlencode()}" if view.query else ""),
                "current": chosen(view.query) == present,
                "count": view.count(self) if view.count else None,
            }
            for view in self.declared.views
        ]

    @cached_property
    def heads(self) -> list[dict[str, Any]]:
        """The table's headers, with the URLs of their sorts."""
        return [self._head(column) for column in (*self.declared.written, *self.declared.drawn)]

    def _head(self, column: Column) -> dict[str, Any]:
        head = {"label": column.label, "css": column.css, "is_quiet": column.is_quiet, "direction": "", "url": ""}
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
        key = self.sort_key.lstrip("-")
        labels = {column.key: column.label for column in self.declared.columns} | dict(self.declared.sort_words)
        return _("%(words)s · sorted by %(what)s") % {"words": words, "what": in_sentence(str(labels[key]))}

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

    def beside(self, suffix: str) -> str:
        """The URL of the list's filters, export or select page, with the current query."""
        return _joined(reverse(f"{self.declared.url_name}-{suffix}", kwargs=self.kwargs), self.query)

    @property
    def shown_url(self) -> str:
        return _joined(self.url, self.query)

    @property
    def panel_url(self) -> str:
        return self.beside("filters") if self.declared.panel else ""

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form of all filters must keep, because it has no field for it."""
        return [(name, value) for name, value in self.hidden + self._searched if name not in self.declared.panel]

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

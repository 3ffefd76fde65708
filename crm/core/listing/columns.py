"""A column of a list: its head and cells on the page, its cells in a file, and what has to be loaded for them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.core.base.registry import always
from crm.core.listing.paging import Sort

NOTHING = "—"
LONGEST = 160  # characters of a cell that the kit draws
TITLE = '<th scope="row" class="cell-title"><a class="row-title" href="{}">{}</a></th>'
CELL = '<td{}{} data-label="{}">{}</td>'
QUIET = format_html('<span class="text-3rd">{}</span>', NOTHING)
LEAST_WIDTH, MOST_WIDTH, USUAL_WIDTH, TITLE_WIDTH = 40, 900, 150, 280


@dataclass(frozen=True)
class Column:
    """`key` names it, and its `sort`, in addresses. `value(row)` gives the cell of a file as a plain value; None: it stands on
    the page alone (buttons, marks). `first`: the direction of the first click.

    On the page the row's template writes its cell, `{% cell "key" %}<td>…</td>{% endcell %}`; else the kit draws it: the words of
    `cell(row)`, or of its value. `href(row)` makes it the title of its row, a link; `link(row)` makes its words a link.
    `is_in_file_only`: not on the page, and `is_extra`: neither there nor in a file, until somebody chooses it.

    What is loaded for it, with the page and only while it is shown: `loads` are columns of the database (`facts__status`), `joins`
    and `prefetches` related rows, `decorate(rows, listing)` sets on each row what needs a statement of its own.

    Where a field stands behind it, the catalogue makes it: `CLIENT_FIELDS["tier"].in_list()`."""

    key: str
    label: Any
    value: Callable[[Any], Any] | None = None
    css: str = ""
    first: str = "asc"
    sort: Sort | None = None
    is_quiet: bool = False  # its head is for screen readers only
    is_in_file_only: bool = False
    is_extra: bool = False
    file_label: Any = ""  # where its head says something else in a file
    choice_label: Any = ""  # or where columns are chosen
    cell: Callable[[Any], Any] | None = None
    href: Callable[[Any], str] | None = None
    link: Callable[[Any], str] | None = None
    loads: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    prefetches: tuple[str, ...] = ()
    decorate: Callable[[list[Any], Any], None] | None = None
    is_used: Callable[[], bool] = always  # a firm may not use what it is about: then nobody is offered it

    @property
    def is_fixed(self) -> bool:
        """Buttons of a row: always there, the last."""
        return self.is_quiet and self.value is None

    def words(self, row: Any) -> Any:
        """What its cell says."""
        return self.cell(row) if self.cell else said(self.value(row)) if self.value else ""

    def drawn(self, row: Any) -> SafeString:
        """Its cell as the kit draws it."""
        text = self.words(row)
        if self.href:
            return format_html(TITLE, self.href(row), text)
        told = ""
        if text == NOTHING:
            text = QUIET
        elif isinstance(text, str) and len(text) > LONGEST:
            text, told = f"{text[: LONGEST - 1]}…", format_html(' title="{}"', text)
        if text is not QUIET and self.link and (url := self.link(row)):
            text = format_html('<a href="{}">{}</a>', url, text)
        css = " ".join(filter(None, (self.css, "is-nothing" if text is QUIET else "")))
        return format_html(CELL, format_html(' class="{}"', css) if css else "", told, self.label, text)


def said(value: Any) -> Any:
    """A plain value in words."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "j M Y, H:i")
    return date_format(value, "j M Y") if isinstance(value, date) else value


def load(rows: QuerySet, columns: Iterable[Column], reads: tuple[str, ...] = ()) -> QuerySet:
    """`rows` with what these columns show. `reads`: what each row needs besides; where it is given, nothing else is loaded."""
    columns = list(columns)
    joins = {name for column in columns for name in column.joins}
    prefetches = dict.fromkeys(name for column in columns for name in column.prefetches)
    if joins:
        rows = rows.select_related(*sorted(joins))
    if prefetches:
        rows = rows.prefetch_related(*prefetches)
    if reads:
        rows = rows.only(*reads, *(name for column in columns for name in column.loads))
    return rows


def in_order(known: Mapping[str, Column], usual: list[Column], wanted: list[str] | None) -> list[Column]:
    """The columns of a page: the title, those `wanted` (None: the usual ones) in their order, the buttons of a row."""
    title = next((column for column in usual if column.href), usual[0] if usual else None)
    chosen = usual if wanted is None else [known[key] for key in dict.fromkeys(wanted) if key in known]
    middle = [column for column in chosen if column is not title and not column.is_fixed]
    return [*([title] if title else []), *middle, *(column for column in usual if column.is_fixed)]

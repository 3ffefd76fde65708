"""A list as a board: a column for each group, with the first cards of each in the list's order, moved by dragging or in a dialog.

A move is the registered action of one row (`selection.py`): its service, its permission, its undo. Uses: docs/developers/lists.md.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.versions import who_saved
from crm.core.listing.columns import NOTHING as EMPTY
from crm.core.listing.groups import Group, Section, annotated, count, rows_of, sections_of
from crm.core.listing.models import BulkChange
from crm.core.listing.paging import Page, Sort, count_page, paginate
from crm.core.listing.selection import Action, new_change

CARDS = 20  # of a column, at a time
MOST_COLUMNS = 24
SHOWN_AT = "at"
NOTHING = "-"  # the column of rows without a value, in addresses


@dataclass(frozen=True, kw_only=True)
class Board:
    """`group`: what its columns are. `action` moves one row, with `values(to, given, now)`: `to` is the value of the new column, None
    for none, `given` what the form asked. `form`: a MoveForm with more fields; a drag to a column that `asks(key)` opens it, filled with
    `initial(row)`. `who(row)`:
    who moved it last, where that is not who saved the row. `may_be_empty`: there is a column of rows without a value, even if there
    are none. `lifts`: the list's filters that its columns take the place of. `sorts`: the order in a column, by its key, where it is
    not the list's. `narrow(rows)`: those of the list that have a place on it."""

    group: Group
    action: Action
    values: Callable[[Any, dict[str, Any], datetime], dict[str, Any]]
    form: Any = None
    asks: Callable[[str], bool] = lambda key: True
    initial: Callable[[Any], dict[str, Any]] = lambda row: {}
    who: Callable[[Any], str] = who_saved
    may_be_empty: bool = False
    lifts: tuple[str, ...] = ()
    sorts: Mapping[str, Sort] = field(default_factory=dict)
    narrow: Callable[[Any], Any] = lambda rows: rows

    @property
    def key(self) -> str:
        return self.group.key

    def at(self, now: datetime) -> "Board":
        return replace(self, group=self.group.at(now)) if self.group.parts else self


@dataclass
class Column:
    """`key`: of its group in addresses; `url`: the list of its rows alone; `more_url`: its next cards."""

    key: str
    label: str
    n: int
    cards: list[Any] = field(default_factory=list)
    url: str = ""
    more_url: str = ""
    is_capped: bool = False
    ask_url: str = ""  # what a drag to it opens, {id} for the number of the row


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def key_of(value: Any) -> str:
    return NOTHING if value in (None, "") else str(value)


class Shown:
    """The board of one Listing."""

    head = ""  # a template beside the head of a column
    event = "listChanged"

    def __init__(self, listing: Any, board: Board):
        self.listing, self.board = listing, board

    @property
    def label(self) -> Any:
        return self.board.group.label

    @property
    def key(self) -> str:
        """What its columns are: a card need not repeat it."""
        return self.board.key

    @property
    def cards_template(self) -> str:
        return self.listing.declared.card

    @cached_property
    def sections(self) -> list[Section]:
        """The columns: those of a choice in its order, else the groups that have rows."""
        found = self._found()
        if self.board.group.choices is None:
            return found
        by_key = {key_of(section.value): section for section in found}
        made = [
            by_key.pop(key_of(value), Section(value, str(label), 0))
            for value, label in self.board.group.choices()
            if value not in (None, "")
        ]
        if self.board.may_be_empty and NOTHING not in by_key:
            by_key[NOTHING] = Section(None, _("None"), 0)
        return [*made, *by_key.values()]

    def _found(self) -> list[Section]:
        """The groups that have rows, those that are shown with their numbers."""
        rows, group = self.listing.rows, self.board.group
        found = sections_of(rows, group, all_of_them=group.choices is not None)
        count(rows, group, found[:MOST_COLUMNS])
        return [section for section in found if section.n != 0]

    @cached_property
    def rows(self) -> Any:
        """Of all columns, with what the cards show."""
        return self.listing.loaded(self.listing.shown_columns)

    @cached_property
    def columns(self) -> list[Column]:
        return [self._column(section) for section in self.sections[:MOST_COLUMNS]]

    @property
    def more_columns(self) -> int:
        return max(0, len(self.sections) - MOST_COLUMNS)

    @property
    def page(self) -> Page:
        """The cards of all columns, for what decorates rows."""
        rows = [card for column in self.columns for card in column.cards]
        page = Page(rows, None, None)
        if any(section.n is None or section.is_capped for section in self.sections):
            count_page(page, self.listing.rows)
        else:
            page.total = sum(section.n or 0 for section in self.sections)
        return page

    def _column(self, section: Section) -> Column:
        made = Column(key_of(section.value), section.label, section.n or 0, is_capped=section.is_capped)
        made.ask_url = self.ask_url if self.board.asks(made.key) else ""
        made.url = self.listing.section_url(section, self.board.group)
        if section.n:
            made.cards, made.more_url = self.cards(section)
        return made

    def cards(self, section: Section, cursor: str = "") -> tuple[list[Any], str]:
        """(cards of a column, the address of those after them). Raises BadCursor."""
        rows, listing = rows_of(self.rows, self.board.group, section), self.listing
        sort = self.board.sorts.get(key_of(section.value), listing.sort)
        page = paginate(rows, sort=sort, cursor=cursor, size=CARDS, counted=False)
        for row in page.rows:
            row.board_key = key_of(section.value)
        if not page.next_cursor:
            return page.rows, ""
        query = urlencode({"column": key_of(section.value), "cursor": page.next_cursor})
        return page.rows, f"{listing.beside('cards')}&{query}"

    def decorate(self, rows: list[Any]) -> None:
        """Set what the kit's own card shows of each row."""
        title, *rest = [column for column in self.listing.shown_columns if not column.is_fixed]
        shown = [column for column in rest if column.key != self.board.key and (column.cell or column.value)]
        for row in rows:
            row.card_url = title.href(row) if title.href else row.get_absolute_url()
            row.card_title = title.words(row)
            row.card_facts = [text for column in shown if (text := column.words(row)) not in ("", EMPTY)]

    def column(self, key: str) -> Section | None:
        return next((section for section in self.sections if key_of(section.value) == key), None)

    @property
    def drop_url(self) -> str:
        return self._seen(self.listing.beside("drop"))

    def _seen(self, url: str) -> str:
        """With when the board was shown, for what is said of a card that is not there any more."""
        return f"{url}{'&' if '?' in url else '?'}{urlencode({SHOWN_AT: milliseconds(self.listing.now)})}"

    @cached_property
    def move_url(self) -> list[str]:
        """Where one card is moved in a dialog: what stands before the number of the row, and after it."""
        kwargs = self.listing.kwargs | {"card": 0}
        before, _zero, after = reverse(f"{self.listing.declared.url_name}-move", kwargs=kwargs).rpartition("0")
        return [before, self._seen(f"{after}?{self.listing.query}")]

    @property
    def ask_url(self) -> str:
        """Where a drag asks what the move needs."""
        return "{id}".join(self.move_url) if self.board.form else ""


def board_of_column(boards: Iterable[Board], query: Any) -> Board | None:
    """The board of which a list shows one column alone, as the head of the column links to it."""
    made = (board for board in boards if board.group.filter and query.get(board.group.filter))
    return next((board for board in made if board.lifts and not any(query.get(name) for name in board.lifts)), None)


def present_key(row: Any, group: Group) -> str:
    rows = annotated(type(row)._default_manager.filter(pk=row.pk), group)
    return key_of(rows.values_list(group.path, flat=True).first())


def targets(board: Board) -> list[tuple[str, str]]:
    """[(key, label)] of the columns that a card can be moved to."""
    made = [(key_of(value), str(label)) for value, label in board.group.targets() if value not in (None, "")]
    return [*made, (NOTHING, _("None"))] if board.may_be_empty else made


def value_of(board: Board, key: str) -> Any:
    """The value of a column. Raises ServiceError for one that the board does not have."""
    known = dict(targets(board))
    if key not in known:
        is_there = any(part.key == key for part in board.group.known)
        words = _("Cards cannot be moved to this column.") if is_there else _("This column is not there any more.")
        raise ServiceError(words, field="to")
    if key == NOTHING:
        return None
    return int(key) if board.group.choices is None else key


@transaction.atomic
def move(
    principal: Any, board: Board, row: Any, *, to: str, was: str, given: dict[str, Any], now: datetime, url: str = ""
) -> BulkChange:
    """Move a row to another column; what undoes it is saved. Raises StaleWrite if it is not in the column any more where it was
    seen, or not on the board, and what its action refuses."""
    this = type(row)._default_manager.filter(pk=row.pk)
    this.select_for_update(of=("self",)).get()
    if not board.narrow(this).exists() or present_key(row, board.group) != was:
        raise StaleWrite(_("Someone else has moved this card."), current=row, who=board.who(row))
    row.seen_version = board.action.seen(row)
    values = board.values(value_of(board, to), given, now)
    before = board.action.act(principal, row, values, now)
    change = new_change(principal, board.action, [row.pk], values, now, url=url)
    change.rows = [[row.pk, before]]
    if board.action.undo:
        change.save()
    return change

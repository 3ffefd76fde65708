"""Import kinds: apps register theirs in `hooks.py`; the wizard and `manage.py import_csv` know no kind by name."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.reading import Conventions, read_moment
from crm.core.base.registry import Registry, always

CREATED, UPDATED, UNCHANGED, FAILED = OUTCOMES = ("created", "updated", "unchanged", "failed")
CONFIRMED, LEFT_OUT = "confirmed", "left_out"  # what is to become of rows that ask a question
CREATE, UPDATE, BOTH = MODES = ("create", "update", "")  # what an import does with records
Values = dict[str, Any]
Context = dict[str, Any]


PEOPLE = "people"  # the vocabulary of colleagues


@dataclass(frozen=True)
class Vocabulary:
    """The words that a column may hold here. Any other word in the file is asked about once per file, and
    remembered under `key` for the system it came from.

    `options()` are [(what a cell says, label)]. `is_read`: the column's parser knows more words than those. `also` are words
    that the kind understands besides. `split` takes a cell with several apart; `is_made`: the import itself adds an unknown
    one.
    """

    key: str
    options: Callable[[], Iterable[tuple[Any, Any]]]
    is_read: bool = False
    also: tuple[str, ...] = ()
    split: Callable[[str], list[str]] | None = None
    is_made: bool = False


@dataclass(frozen=True)
class Creator:
    """How a word of a vocabulary (its `key`) is added: `create(principal, text)`."""

    key: str
    may: Callable[[Any], bool]
    create: Callable[[Any, str], Any]


creators: Registry[Creator] = Registry("creator of words")


@dataclass(frozen=True)
class Column:
    """A field that a file's column may fill. `aliases` are folded header names that suggest it. `parse(text,
    conventions)` returns the value or raises ValueError with a message; `asks` is what its column must decide first
    (`deciding.decide`). `choices` are for questions asked once for all rows. `vocabulary`: what it may say; unknown words are
    matched once for the whole file. `is_client`: it names a client. An unreadable value fails the row; in a lenient column it is
    left out with a remark (`values["left_out"]`).
    """

    name: str
    label: Any
    aliases: tuple[str, ...] = ()
    is_required: bool = False
    parse: Callable[[str, Conventions], Any] | None = None
    choices: Callable[[], list[tuple[str, Any]]] | None = None
    help_text: Any = ""
    is_lenient: bool = False
    vocabulary: Vocabulary | None = None
    is_client: bool = False
    is_used: Callable[[], bool] = always

    @property
    def asks(self) -> str:
        return getattr(self.parse, "asks", "")

    @property
    def has_time(self) -> bool:
        """Whether a cell says a time of day, which needs a zone."""
        return getattr(self.parse, "read", None) is read_moment


class OpenColumns(Sequence[Column]):
    """Columns of a kind of file as they are at the moment: those about something that the firm uses, and `more` of its own fields."""

    def __init__(self, own: Iterable[Column], more: Callable[[], Iterable[Column]] = tuple):
        self.own, self.more = tuple(own), more

    def _now(self) -> list[Column]:
        return [column for column in (*self.own, *self.more()) if column.is_used()]

    def __getitem__(self, place: Any) -> Any:
        return self._now()[place]

    def __iter__(self) -> Iterator[Column]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())


Change = tuple[Any, Any, Any, Callable[[Any], str]]  # a field's label, before, after, words


@dataclass
class Plan:
    """The intended write of one row. The preview shows it, the run applies it.

    `outcome` is one of OUTCOMES; `messages` say why it fails, `warnings` what is left out or odd. `target` names the
    record or client it belongs to, `url` links there. `changes` are told by `change`, or by a function that is asked only when
    the plan is shown. `question`
    must be confirmed before the row may be written. `write` is the input of the kind's `apply`. `waits`: in a preview, it belongs to
    what an earlier file brings, so its changes are what the file says. `is_of_new`: its record is one that this import creates.
    `is_left_out`: the import leaves the row alone, so nothing that waits for the last row is written of it (`waiting`).
    """

    number: int = 0
    outcome: str = CREATED
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    target: str = ""
    url: str | Callable[[], str] = ""
    changes: list[Change | Callable[[], Iterable[Change]]] = field(default_factory=list)
    question: str = ""
    values: Values = field(default_factory=dict)
    write: Any = None
    waits: bool = False
    is_of_new: bool = False
    is_left_out: bool = False

    def change(self, label: Any, before: Any, after: Any, words: Callable[[Any], str] = str) -> None:
        self.changes.append((label, before, after, words))

    def settle(self) -> "Plan":
        """Set the outcome of a row whose record exists: updated if something changes."""
        self.outcome = UPDATED if self.changes else UNCHANGED
        return self

    def fail(self, *messages: str) -> "Plan":
        self.outcome, self.changes, self.write = FAILED, [], None
        self.messages += messages
        return self

    def shown(self) -> dict[str, Any]:
        """As text, for a page."""
        said = [
            [str(label), "" if before in (None, "") else words(before), "" if after in (None, "") else words(after)]
            for change in self.changes
            for label, before, after, words in (change() if callable(change) else [change])
        ]
        return {
            "number": self.number,
            "outcome": self.outcome,
            "target": self.target[:200],
            "url": self.url() if callable(self.url) else self.url,
            "changes": [[part[:200] for part in change] for change in said],
            "texts": [*self.messages, *filter(None, [self.question]), *self.warnings],
            "is_question": bool(self.question),
        }


Remarks = Iterable[tuple[Plan, str]]


class Waits(ServiceError):
    """Raised for a row of a preview that belongs to what another file brings, which runs first: `target`, by name."""

    def __init__(self, target: str):
        super().__init__(_("Comes with another file, which is imported first."))
        self.target = target


@dataclass(frozen=True)
class ImportKind:
    """A kind of file.

    `prepare(principal, rows, context)` looks up what a chunk of rows may refer to, one query per kind of look-up.
    `plan(principal, values, context)` returns the Plan of one row; it uses only what was looked up and the results of
    earlier rows, writes nothing, and may raise ServiceError. `lock(plans)` is called first in the transaction of a chunk.
    `apply(principal, plans, context)` writes the plans of a
    chunk together through services; if it raises, the chunk is retried row by row. `finish(principal, context)` does
    what must wait for the last row, and answers remarks on rows that were written. `survey(texts, context)` sees each row's cells of the
    columns `surveyed` before planning begins.

    `defaults` are the columns that may be answered once for all rows (such as status), `must_ask` those of them that
    are required if the file has no such column. `needs`: at least one column of each of these groups. `ids` are the
    columns that hold ids of another system. `turn`: of several files, those with a
    lower one come first; `of`: the records that it brings. `export(principal)` returns head and rows of a file that this
    kind can read back. `match_note` tells people how rows are recognised;
    `preview_note(total)` what a preview of so many rows leaves out.
    """

    key: str
    label: Any
    columns: Sequence[Column]
    plan: Callable[[Any, Values, Context], Plan]
    apply: Callable[[Any, list[Plan], Context], None]
    prepare: Callable[[Any, list[Values], Context], None]
    lock: Callable[[list[Plan]], None] = lambda plans: None
    finish: Callable[[Any, Context], Remarks] = lambda principal, context: ()
    survey: Callable[[dict[str, str], Context], None] = lambda texts, context: None
    surveyed: tuple[str, ...] = ()
    export: Callable[[Any], Iterable[list[Any]]] | None = None
    defaults: tuple[str, ...] = ()
    must_ask: tuple[str, ...] = ()
    needs: tuple[tuple[str, ...], ...] = ()
    ids: tuple[str, ...] = ("external_id",)
    may_import: Callable[[Any], bool] = lambda user: True
    match_note: Any = ""
    preview_note: Callable[[int], str] = lambda total: ""
    turn: int = 50
    of: str = ""


def identity(values: Values) -> str:
    """How a row is recognised: by its id in the file, else by its content."""
    return values.get("external_id") or f"row:{values['row_key']}"


_kinds: Registry[ImportKind] = Registry("kind of import")
register = _kinds.register


def get(key: str) -> ImportKind:
    """Raises KeyError for an unknown kind."""
    return _kinds[key]


def kinds() -> list[ImportKind]:
    return list(_kinds)

"""Import kinds: apps register theirs in `hooks.py`; the wizard and `manage.py import_csv` know no kind by name."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from crm.core.base.reading import Conventions
from crm.core.base.registry import Registry

CREATED, UPDATED, UNCHANGED, FAILED = OUTCOMES = ("created", "updated", "unchanged", "failed")
CONFIRMED, LEFT_OUT = "confirmed", "left_out"  # what is to become of rows that ask a question
Values = dict[str, Any]
Context = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A field a file's column may fill. `aliases` are folded header names it is guessed from. `parse(text, conventions)` gives the
    value or raises ValueError with a sentence; what its column has to decide before (`reading.decide`) it `asks`. `choices` for
    questions asked once for all rows. `is_person`: names a colleague,
    so that names we do not know can be matched once for the whole file.
    A value that cannot be read fails the row; in a lenient column it is left out with a remark (`values["left_out"]`)."""

    name: str
    label: Any
    aliases: tuple[str, ...] = ()
    is_required: bool = False
    parse: Callable[[str, Conventions], Any] | None = None
    choices: Callable[[], list[tuple[str, Any]]] | None = None
    help_text: Any = ""
    is_lenient: bool = False
    is_person: bool = False

    @property
    def asks(self) -> str:
        return getattr(self.parse, "asks", "")


@dataclass
class Plan:
    """What one row becomes: the intended write. The preview shows it, the run applies it.

    `outcome` is one of OUTCOMES; `messages` say why it fails, `warnings` what is left out or odd. `target` names the record or the
    client it lands on, `url` leads there. `changes` are (field's label, before, after, words). `question` is something that
    must be confirmed before the row may be written. `write` is what the kind's `apply` needs."""

    number: int = 0
    outcome: str = CREATED
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    target: str = ""
    url: str = ""
    changes: list[tuple[Any, Any, Any, Callable[[Any], str]]] = field(default_factory=list)
    question: str = ""
    values: Values = field(default_factory=dict)
    write: Any = None

    def change(self, label: Any, before: Any, after: Any, words: Callable[[Any], str] = str) -> None:
        self.changes.append((label, before, after, words))

    def settle(self) -> "Plan":
        """The outcome of a row whose record is here: updated where something changes."""
        self.outcome = UPDATED if self.changes else UNCHANGED
        return self

    def fail(self, *messages: str) -> "Plan":
        self.outcome, self.changes, self.write = FAILED, [], None
        self.messages += messages
        return self

    def shown(self) -> dict[str, Any]:
        """For a page, in words."""
        said = [
            [str(label), "" if before in (None, "") else words(before), "" if after in (None, "") else words(after)]
            for label, before, after, words in self.changes
        ]
        return {
            "number": self.number,
            "outcome": self.outcome,
            "target": self.target[:200],
            "url": self.url,
            "changes": [[part[:200] for part in change] for change in said],
            "texts": [*self.messages, *filter(None, [self.question]), *self.warnings],
            "is_question": bool(self.question),
        }


@dataclass(frozen=True)
class ImportKind:
    """A kind of file.

    `prepare(principal, rows, context)` looks up what a chunk of rows may mean, one query for each kind of look-up.
    `plan(principal, values, context)` gives the Plan of one row; it reads nothing but what was looked up and what earlier rows of the
    file became, writes nothing, and may raise ServiceError. `apply(principal, plans, context)` writes the plans of a chunk together
    through services; it raises for the whole chunk, which is then tried row by row. `finish(principal, context)` does what has to
    wait for the last row. `survey(texts, context)` sees each row's cells before anything is planned.

    `defaults` are the columns that may be answered once for all rows (such as status), `must_ask` those of them that the page insists
    on where the file has no such column. `needs`: of each of these groups at least one column. `ids` are the columns that hold ids of
    another system. `export(principal)` gives head and rows of a file that this kind reads back. `match_note` tells people how rows are
    recognised."""

    key: str
    label: Any
    columns: tuple[Column, ...]
    plan: Callable[[Any, Values, Context], Plan]
    apply: Callable[[Any, list[Plan], Context], None]
    prepare: Callable[[Any, list[Values], Context], None]
    finish: Callable[[Any, Context], None] = lambda principal, context: None
    survey: Callable[[dict[str, str], Context], None] = lambda texts, context: None
    export: Callable[[Any], Iterable[list[Any]]] | None = None
    defaults: tuple[str, ...] = ()
    must_ask: tuple[str, ...] = ()
    needs: tuple[tuple[str, ...], ...] = ()
    ids: tuple[str, ...] = ("external_id",)
    may_import: Callable[[Any], bool] = lambda user: True
    match_note: Any = ""

    def people(self) -> Iterator[Column]:
        return (column for column in self.columns if column.is_person)


def identity(values: Values) -> str:
    """What a row is recognised by: its id in the file, else its content."""
    return values.get("external_id") or f"row:{values['row_key']}"


_kinds: Registry[ImportKind] = Registry("kind of import")
register = _kinds.register


def get(key: str) -> ImportKind:
    """Raises KeyError for an unknown kind."""
    return _kinds[key]


def kinds() -> list[ImportKind]:
    return list(_kinds)

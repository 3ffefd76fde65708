"""Import kinds: apps register theirs in `hooks.py`; the wizard and `manage.py import_csv` know no kind by name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crm.core.base.reading import Conventions
from crm.core.base.registry import Registry


@dataclass(frozen=True)
class Column:
    """A field a file's column may fill. `aliases` are folded header names it is guessed from. `parse(text, conventions)` gives the
    value or raises ValueError with a sentence; what its column has to decide before (`reading.decide`) it `asks`. `choices` for
    questions asked once for all rows.
    A value that cannot be read fails the row; in a lenient column it is left out with a remark (`values["left_out"]`)."""

    name: str
    label: Any
    aliases: tuple[str, ...] = ()
    is_required: bool = False
    parse: Callable[[str, Conventions], Any] | None = None
    choices: Callable[[], list[tuple[str, Any]]] | None = None
    help_text: Any = ""
    is_lenient: bool = False

    @property
    def asks(self) -> str:
        return getattr(self.parse, "asks", "")


@dataclass
class RowResult:
    """What became of one row: "created", "updated", "unchanged" or "failed" with messages; `warnings` for what was left out.
    `new` is a checked row that waits for the kind's `create`."""

    outcome: str
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    new: Any = None


@dataclass(frozen=True)
class ImportKind:
    """`save(principal, values, context)` writes one row through the services, inside its own savepoint, and gives a RowResult.
    A kind with `create(principal, [(values, new)], context)` only checks new rows in `save` and writes all of a batch together
    through a service that takes a list; a row that shares one of its `keys` with one that waits is saved after it.
    `check(principal, values, context)` says the same without writing (for the preview). `defaults` are the columns that may be
    answered once for all rows (such as status), `must_ask` those of them that the page insists on where the file has no such
    column. `prepare(principal, rows, context)` may load what many rows need, once per batch. `match_note` tells people how rows are
    recognised."""

    key: str
    label: Any
    columns: tuple[Column, ...]
    save: Callable[[Any, dict[str, Any], dict[str, Any]], RowResult]
    check: Callable[[Any, dict[str, Any], dict[str, Any]], RowResult]
    defaults: tuple[str, ...] = ()
    must_ask: tuple[str, ...] = ()
    keys: Callable[[dict[str, Any]], set[str]] = lambda values: {identity(values)}
    create: Callable[[Any, list[tuple[dict[str, Any], Any]], dict[str, Any]], None] | None = None
    prepare: Callable[[Any, list[dict[str, Any]], dict[str, Any]], None] | None = None
    may_import: Callable[[Any], bool] = lambda user: True
    match_note: Any = ""


def identity(values: dict[str, Any]) -> str:
    """What a row is recognised by: its id in the file, else its content."""
    return values.get("external_id") or f"row:{values['row_key']}"


_kinds: Registry[ImportKind] = Registry("kind of import")
register = _kinds.register


def get(key: str) -> ImportKind:
    """Raises KeyError for an unknown kind."""
    return _kinds[key]


def kinds() -> list[ImportKind]:
    return list(_kinds)

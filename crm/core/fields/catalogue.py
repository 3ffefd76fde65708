"""The catalogue of a record: one entry for each of its fields, from which import, API, history, inline edit and lists are made.

A field that is not named there is internal, with the reason; `crm/tests/test_fields.py` walks the models.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from django.db.models import Model
from django.utils.text import capfirst

from crm.core.fields.types import TEXT, Type, type_of
from crm.core.importing.kinds import Column

# What the rows of any record have besides its fields.
COMMON = {
    "id": "the database's key",
    "version": "counts the edits",
    "created_at": "written by the database",
    "updated_at": "written by the database",
    "archived_at": "set by moving it to the trash and back",
    "is_demo": "tells the rows of the demo firm",
    "name_key": "computed from the name",
    "search_key": "computed from what is searched",
}
READ = {"read_only": True}
# Classes of personal data: facts of the business, what names or reaches a person, words that may say anything of anybody.
BUSINESS, PERSONAL, FREE_WORDS = "business", "personal", "free words"


@dataclass(frozen=True)
class Field:
    """Label and type are the column's own unless said otherwise. `source` is the path or function that gives the value, if it
    does not stand under its name.

    Import: `aliases` are headers it is recognised by, `cell` and `header` name its column where that is called otherwise,
    `is_imported=False` for what no file brings. API: `api` are arguments of the serializer's field, READ for one that is only
    answered, None for one that is not there. `sort` is the column that lists sort by. `is_inline`: edited in place on its page.
    `is_fixed`: given when the record is made, never changed.
    """

    name: str
    label: Any = ""
    type: Type = TEXT
    source: str | Callable[[Any], Any] = ""
    privacy: str = BUSINESS
    aliases: tuple[str, ...] = ()
    cell: str = ""
    header: Any = ""
    help_text: Any = ""
    is_required: bool = False
    is_lenient: bool = False
    is_imported: bool = True
    api: dict[str, Any] | None = field(default_factory=dict)
    sort: str = ""
    is_inline: bool = False
    is_fixed: bool = False
    column: Any = None

    def of(self, column: Any) -> "Field":
        """The field with what its column in the database says."""
        label = self.label or capfirst(column.verbose_name)
        return replace(self, column=column, label=label, type=type_of(column) if self.type is TEXT else self.type)

    def raw(self, row: Any) -> Any:
        return self.source(row) if callable(self.source) else attrgetter(self.source or self.name)(row)

    def value(self, row: Any) -> Any:
        """For a cell of a file: text, number, day, moment or None."""
        return self.type.plain(self.raw(row))

    def text(self, row: Any) -> str:
        """In words, for a page."""
        return self.type.words(self.raw(row))

    def import_column(self) -> Column:
        return Column(
            self.cell or self.name,
            self.header or self.label,
            self.aliases,
            is_required=self.is_required,
            parse=self.type.read,
            choices=self.type.choices,
            help_text=self.help_text,
            is_lenient=self.is_lenient,
        )


class Catalogue(dict[str, Field]):
    """The fields of a model by name, in the order in which the API answers them. `internal`: column → why it is no field.

    `edited` are the columns that people change, `cells` those of them that a cell of a file fills without looking up another
    row, `inline` the fields that are edited in place on the record's page.
    """

    def __init__(self, model: Any, *fields: Field, internal: dict[str, str] | None = None):
        self.model, self.internal = model, COMMON | (internal or {})
        columns = {column.name: column for column in [*model._meta.fields, *model._meta.many_to_many]}
        super().__init__({f.name: f.of(columns[f.name]) if f.name in columns else f for f in fields})
        own = [field for field in self.values() if field.column is not None and not field.column.many_to_many]
        edited = [field for field in own if not field.is_fixed and field.api not in (None, READ)]
        self.edited = tuple(field.name for field in edited)
        self.cells = tuple(field.name for field in edited if field.is_imported and not field.column.is_relation)
        self.inline = {field.name for field in edited if field.is_inline}
        _catalogues[model] = self

    def import_columns(self) -> tuple[Column, ...]:
        return tuple(field.import_column() for field in self.values() if field.is_imported)


_catalogues: dict[type[Model], Catalogue] = {}


def type_in(model: type[Model], column: Any) -> Type:
    """The type of a model's column: its catalogue's, else the column's own."""
    known = _catalogues[model].get(column.name) if model in _catalogues else None
    return known.type if known else type_of(column)

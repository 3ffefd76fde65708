"""The catalogue of a record: one entry per field.

Forms, lists, filters, files, import, API, inline edit, history and the facts on the record's page are built from it. A
column without an entry is internal, with a reason; `crm/tests/test_fields.py` walks the models.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from typing import Any

from django.db.models import Model, Prefetch, prefetch_related_objects
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from crm.core.base.registry import always
from crm.core.fields.types import AMOUNT, DAY, MOMENT, NOTHING, TEXT, WHOLE, Type, several, type_of
from crm.core.importing import kinds
from crm.core.listing import filters
from crm.core.listing.columns import Column
from crm.core.listing.groups import Group
from crm.core.listing.paging import Sort
from crm.core.ui.formatting import in_sentence
from crm.core.users.models import User

# Columns that every record has besides its fields.
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
# Classes of personal data: business facts, what identifies or reaches a person, free text that may say anything about
# anyone.
BUSINESS, PERSONAL, FREE_WORDS = "business", "personal", "free words"


@dataclass(frozen=True)
class Field:
    """Label and type are the column's own unless said otherwise. `source` is the path or function that gives the value, if it
    does not stand under its name; `reads` are the columns and related rows that a function looks at. `group`: the group of the form that it stands in.

    Form (crm/core/fields/forms.py): `hint` is the text below it; `is_optional` may be left empty although the column
    may not (the column's default is used); `input` holds arguments of its form field, or a function that makes one.
    Page: a field with a group is listed among the facts on the record's page; `href(row)` makes it a link;
    `is_on_page=False` if the page shows it elsewhere.

    Lists: `key` is its name in URLs, if different. `filter` is a kind of filter, or several by name. `sort` is for
    columns with an index.

    Import: `aliases` are headers it is recognised by; `cell` and `header` name its column, if different;
    `is_imported=False` if files cannot hold it. API: `api` holds arguments of the serializer field; READ makes it
    read-only, None leaves it out. `is_inline`: edited in place on its page. `is_fixed`: set when the record is created,
    never changed. `is_used()`: asked wherever the field is offered; a firm may not use what it is about.
    """

    name: str
    label: Any = ""
    type: Type = TEXT
    source: str | Callable[[Any], Any] = ""
    reads: tuple[str, ...] = ()
    privacy: str = BUSINESS
    group: str = ""
    hint: Any = ""
    input: Any = None
    is_optional: bool = False
    href: Callable[[Any], str] | None = None
    is_on_page: bool = True
    key: str = ""
    filter: Any = None
    sort: Sort | None = None
    aliases: tuple[str, ...] = ()
    cell: str = ""
    header: Any = ""
    help_text: Any = ""
    is_required: bool = False
    is_lenient: bool = False
    is_imported: bool = True
    api: dict[str, Any] | None = field(default_factory=dict)
    is_inline: bool = False
    is_fixed: bool = False
    is_used: Callable[[], bool] = always
    column: Any = None
    model: Any = None

    def of(self, column: Any) -> "Field":
        """The field, completed from its database column."""
        label = self.label or capfirst(column.verbose_name)
        return replace(self, column=column, label=label, type=type_of(column) if self.type is TEXT else self.type)

    def raw(self, row: Any) -> Any:
        return self.source(row) if callable(self.source) else attrgetter(self.source or self.name)(row)

    def value(self, row: Any) -> Any:
        """For a cell of a file: text, number, date, datetime or None."""
        return self.type.plain(self.raw(row))

    def text(self, row: Any) -> str:
        """As text, for a page."""
        return self.type.words(self.raw(row))

    def listed(self, row: Any) -> Any:
        """For a list's file: as `value`, but related rows by name."""
        is_link = self.column is not None and self.column.is_relation and self.type.say
        return self.type.say(self.raw(row)) if is_link else self.value(row)  # type: ignore[misc]

    def in_list(self, label: Any = "", **told: Any) -> Column:
        """Its column in a list; `told` are further words of a Column."""
        made: dict[str, Any] = {"value": self.listed, "cell": self.text, "link": self.href, "sort": self.sort}
        made |= {"css": self._css, "is_used": self.is_used}
        return Column(self.key or self.name, label or self.label, **made | self._loading() | told)

    @property
    def _css(self) -> str:
        return "num" if self.type in (AMOUNT, WHOLE) else "nowrap" if self.type in (DAY, MOMENT) else ""

    def _loading(self) -> dict[str, tuple[str, ...]]:
        """What a list has to load to show it."""
        if self.column is not None and self.column.many_to_many:
            return {"prefetches": (self.name,)}
        if self.column is not None and self.column.is_relation:
            shown = {column.name for column in self.column.related_model._meta.fields} & {self.type.shows}
            return {"loads": (self.name, *(f"{self.name}__{name}" for name in shown)), "joins": (self.name,)}
        if self.reads or callable(self.source):
            many = {r.name for r in self.model._meta.get_fields() if r.one_to_many or r.many_to_many}
            return {
                "loads": tuple(path for path in self.reads if path not in many),
                "prefetches": tuple(path for path in self.reads if path in many),
            }
        path = (self.source or self.name).replace(".", "__")
        return {"loads": (path,), "joins": (path.rpartition("__")[0],) if "__" in path else ()}

    def in_groups(self) -> Group:
        """Its groups of a list: of a field with few values, or of rows that are linked."""
        is_link = self.column is not None and self.column.is_relation
        path = self.source.replace(".", "__") if isinstance(self.source, str) and self.source else self.name
        return Group(
            self.key or self.name,
            self.label,
            path,
            None if is_link else self.type.choices,
            f"{path}__{self.type.shows}" if is_link else "",
            next(iter(self.filters()), ""),
            self._linked if is_link and self.type.rows else None,
            say=None if is_link else self.type.say,
        )

    def _linked(self) -> list[tuple[Any, Any]]:
        """[(id, name)] of the rows that may be linked."""
        return list(self.type.rows().values_list("pk", self.type.shows))  # type: ignore[misc]

    def offered(self) -> Column:
        """Its column in a list that offers every field. Of the rows it links to, only those are named that the reader sees."""
        is_link = self.column is not None and self.column.is_relation
        if not is_link or not hasattr(self.column.related_model._default_manager, "visible_to"):
            return self.in_list(is_extra=True)
        return self.in_list(
            is_extra=True,
            value=self._names_seen,
            cell=lambda row: self._names_seen(row) or NOTHING,
            link=None,
            decorate=self._load_seen,
            loads=() if self.column.many_to_many else (self.name,),
            joins=(),
            prefetches=(),
        )

    def _load_seen(self, rows: list[Any], listing: Any) -> None:
        seen = self.column.related_model._default_manager.visible_to(listing.principal)
        prefetch_related_objects(rows, Prefetch(self.name, seen, to_attr=f"seen_{self.name}"))

    def _names_seen(self, row: Any) -> str:
        found = getattr(row, f"seen_{self.name}")
        return "; ".join(map(str, found)) if isinstance(found, list) else str(found or "")

    def filters(self) -> dict[str, Any]:
        """The filters of lists and the API."""
        several = self.filter if isinstance(self.filter, dict) else {self.key or self.name: self.filter}
        found = {name: self._made(name, kind) for name, kind in several.items() if kind}
        for made in found.values():
            made.is_used = self.is_used
        return found

    def _made(self, name: str, kind: Any) -> Any:
        path = self.source.replace(".", "__") if isinstance(self.source, str) and self.source else self.name
        told: dict[str, Any] = {"label": self.label, "chip": format_lazy("{} {}", self.label, _("is"))}
        if not isinstance(kind, type):
            made = copy(kind)
            made.field_name = made.field_name or (name if made.method else path)
            made.chip = made.chip or told["chip"]
            made.label = made._label or self.label  # `label` would query the model
            return made
        if issubclass(kind, filters.Choice | filters.Choices) and self.type.choices:
            told["choices"] = [pair for pair in self.type.choices() if pair[0] != ""]
        elif issubclass(kind, filters.ModelChoice):
            told["queryset"] = self.type.rows
        elif issubclass(kind, filters.Id):
            told["named"] = self.column.related_model
            told["offers"] = partial(_people if kind is filters.PersonId else _offered, self)
        return kind(path, **told)

    def import_column(self) -> kinds.Column:
        return kinds.Column(
            self.cell or self.name,
            self.header or self.label,
            self.aliases,
            is_required=self.is_required,
            parse=self.type.read,
            choices=self.type.choices,
            help_text=self.help_text,
            is_lenient=self.is_lenient,
            vocabulary=self._vocabulary(),
            is_used=self.is_used,
        )

    def _vocabulary(self) -> kinds.Vocabulary | None:
        """What a cell of a file may say, where that is a few words: colleagues, choices, rows that the firm keeps as a list."""
        split = several if self.column is not None and self.column.many_to_many else None
        if self.type.choices:
            key = self.type.words_key or f"{self.model._meta.model_name if self.model else ''}.{self.name}"
            return kinds.Vocabulary(key, self.type.choices, is_read=not self.type.words_key, split=split)
        if self.type.words_key:
            return kinds.Vocabulary(self.type.words_key, self._named, split=split)
        return None

    def _named(self) -> list[tuple[Any, Any]]:
        """[(what a cell says, name)] of the rows that may be linked; a code says them as well."""
        rows = self.type.rows()  # type: ignore[misc]
        return [(getattr(row, "code", "") or str(row), str(row)) for row in rows]


@dataclass(frozen=True)
class Fact:
    """A field of one row, for a page."""

    field: Field
    text: str
    url: str

    @classmethod
    def of(cls, field: Field, row: Any) -> "Fact":
        text = field.text(row)
        return cls(field, text, field.href(row) if field.href and text != NOTHING else "")

    @property
    def edit_words(self) -> str:
        return _("Change the %(what)s") % {"what": in_sentence(str(self.field.label))}


def _offered(field: Field, found: Any) -> Any:
    rows: Any = field.type.rows()  # type: ignore[misc]
    rows = rows.visible_to(found.principal) if hasattr(rows, "visible_to") else rows
    return rows.values_list("pk", "name")


def _people(field: Field, found: Any) -> Any:
    return filters.people(found, User.objects.active())


def grouped(name: str, *fields: Field) -> list[Field]:
    return [replace(field, group=name) for field in fields]


derived = partial(Field, is_imported=False, api=None)  # not entered by people


class Catalogue(dict[str, Field]):
    """The fields of a model by name, in the order in which the API answers them. `internal`: column → why it is not a field.

    `edited` are the columns that people change; `cells` are those that a file's cell fills without looking up another
    row; `inline` are the fields edited in place on the record's page. `custom` names the record's fields that the firm adds
    (crm/core/fields/custom): entries made at run time, which every reader of a catalogue takes besides its own.
    """

    def __init__(self, model: Any, *fields: Field, internal: dict[str, str] | None = None, custom: Any = None):
        self.model, self.internal, self.custom_fields = model, COMMON | (internal or {}), custom
        columns = {column.name: column for column in [*model._meta.fields, *model._meta.many_to_many]}
        told = (replace(field, model=model) for field in fields)
        super().__init__({f.name: f.of(columns[f.name]) if f.name in columns else f for f in told})
        own = [field for field in self.values() if field.column is not None and not field.column.many_to_many]
        edited = [field for field in own if not field.is_fixed and field.api not in (None, READ)]
        self._edited = tuple(field.name for field in edited)
        self._cells = tuple(field.name for field in edited if field.is_imported and not field.column.is_relation)
        self._inline = {field.name for field in edited if field.is_inline}
        _catalogues[model] = self
        if custom is not None:
            custom.register(self)
            model.custom_fields = staticmethod(lambda: self.custom)

    def __missing__(self, name: str) -> Field:
        return self.custom[name]

    @property
    def custom(self) -> Mapping[str, Any]:
        """The firm's own fields by name, as they are now. They are no items of the catalogue, which is read when modules load."""
        return self.custom_fields.entries(self) if self.custom_fields is not None else {}

    def sections(self) -> list[Any]:
        """The sections of the firm's own fields."""
        return self.custom_fields.sections(self) if self.custom_fields is not None else []

    @property
    def edited(self) -> tuple[str, ...]:
        return (*self._edited, *(field.name for field in self.custom.values() if not field.is_computed))

    @property
    def cells(self) -> tuple[str, ...]:
        return (*self._cells, *(field.name for field in self.custom.values() if field.is_imported))

    @property
    def inline(self) -> set[str]:
        return self._inline | {field.name for field in self.custom.values() if field.is_inline}

    def group(self, name: str) -> tuple[str, ...]:
        """The field names of a group, for a form's layout."""
        return tuple(field.name for field in self.values() if field.group == name)

    def facts(self, row: Any, *, may_edit: bool = False) -> list["Fact"]:
        """The facts on the record's page: fields that have a value, and fields that can be filled in there."""
        return _shown(row, [field for field in self.values() if field.group and field.is_on_page], may_edit)

    def custom_facts(self, row: Any, *, may_edit: bool = False) -> list[tuple[str, list["Fact"]]]:
        """(title of the section, its facts) of the firm's own fields; see `load_names` for rows that they name."""
        if not (sections := self.sections()):
            return []
        kind = getattr(row, self.custom_fields.kind_column, "")
        found = [(each.title, _shown(row, each.entries, may_edit)) for each in sections if each.kind in ("", kind)]
        return [(title, facts) for title, facts in found if facts]

    def filters(self) -> dict[str, Any]:
        return {name: made for field in self.values() for name, made in field.filters().items()}

    def columns(self) -> tuple[Column, ...]:
        """What a list of the records offers to show."""
        return tuple(field.offered() for field in self.values())

    def with_custom(self, *columns: kinds.Column) -> kinds.OpenColumns:
        """The columns of an import, and those of the firm's own fields."""
        made = lambda: (field.import_column() for field in self.custom.values() if field.is_imported)  # noqa: E731
        return kinds.OpenColumns(columns, made)

    def import_columns(self) -> tuple[kinds.Column, ...]:
        return tuple(field.import_column() for field in self.values() if field.is_imported)


def _shown(row: Any, fields: Iterable[Field], may_edit: bool) -> list[Fact]:
    found = [Fact.of(field, row) for field in fields if field.is_used()]
    return [fact for fact in found if fact.text != NOTHING or (may_edit and fact.field.is_inline)]


_catalogues: dict[type[Model], Catalogue] = {}


def catalogues() -> list[Catalogue]:
    """The catalogues of all loaded records."""
    return list(_catalogues.values())


def custom_of(model: type[Model]) -> Any:
    """The firm's own fields of a model; None if it has none."""
    return _catalogues[model].custom_fields if model in _catalogues else None


def type_in(model: type[Model], column: Any) -> Type:
    """The type of a model's column: from the catalogue, else the column's own."""
    known = _catalogues[model].get(column.name) if model in _catalogues else None
    return known.type if known else type_of(column)

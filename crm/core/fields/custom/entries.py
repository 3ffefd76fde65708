"""Custom fields as entries of a record's catalogue, made at run time.

The entries are made once in each process for each state of the definitions. `FirmSettings.fields_mark` names that state:
every change writes a new one in its own transaction, and a request reads it with the firm's settings, which it needs anyway.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext

from crm.core.base.registry import Registry
from crm.core.fields.catalogue import BUSINESS, FREE_WORDS, PERSONAL, Catalogue, Field
from crm.core.fields.custom.choices import CHOSEN, NUMBERS, SORTED, Kind
from crm.core.fields.custom.filters import filters_of
from crm.core.fields.custom.models import CustomField, FieldSection
from crm.core.fields.custom.sql import value_of
from crm.core.fields.custom.values import clean, links, load, options, shape_of
from crm.core.fields.forms import missing_words
from crm.core.fields.types import NOTHING
from crm.core.firm.queries import get_firm
from crm.core.listing.columns import Column
from crm.core.listing.groups import Group
from crm.core.listing.paging import Sort
from crm.core.users.models import User

NAMES_OF = "custom_names"  # what a list has read of the rows that its rows name: {(kind, id): name}
PERSON = {Kind.EMAIL, Kind.PHONE}


@dataclass(frozen=True)
class CustomEntry(Field):
    """A custom field in its catalogue."""

    definition: Any = None

    @classmethod
    def of_definition(cls, definition: CustomField, model: Any, *, is_inline: bool) -> "CustomEntry":
        kind = Kind(definition.kind)
        is_sorted = definition.is_filtered and kind in SORTED
        return cls(
            definition.name,
            definition.label,
            shape_of(definition).type(definition),
            privacy=PERSONAL if kind in PERSON else FREE_WORDS if kind is Kind.LONG_TEXT else BUSINESS,
            group=f"custom-{definition.section_id or 0}",
            hint=definition.hint,
            is_optional=not definition.is_required,
            href=_HREFS.get(kind) and (lambda row: _HREFS[kind](getattr(row, definition.name) or "")),
            sort=Sort(f"sort_{definition.name}", nullable=True, expression=value_of(definition)) if is_sorted else None,
            aliases=(definition.name, definition.key, definition.key.replace("_", " ")),
            is_imported=kind is not Kind.CLIENT,
            is_inline=is_inline and kind not in (Kind.LONG_TEXT, Kind.CHOICES),
            model=model,
            definition=definition,
        )

    @property
    def link(self) -> Any:
        return links.get(self.definition.kind)

    def raw(self, row: Any) -> Any:
        return load(self.definition, (row.custom or {}).get(self.definition.key))

    def keep(self, value: Any, before: Any = None) -> Any:
        """What a row keeps for a value; None for nothing. Raises ValueError with a sentence."""
        made = clean(self.definition, value, before)
        return None if made is None else shape_of(self.definition).keep(made)

    # Pages and files

    def text(self, row: Any) -> str:
        return self._name_of(row) if self.link else super().text(row)

    def value(self, row: Any) -> Any:
        """Of a row that is linked, its name; of a colleague, the email, as for other fields."""
        if not self.link:
            return super().value(row)
        return self._name_of(row, "email" if self.definition.kind == Kind.USER else "name").replace(NOTHING, "")

    def listed(self, row: Any) -> Any:
        return self._name_of(row).replace(NOTHING, "") if self.link else self.value(row)

    def _name_of(self, row: Any, shown: str = "name") -> str:
        """The name of the linked row: of those that `load_names` found, as the reader sees them."""
        pk, known = self.raw(row), getattr(row, NAMES_OF, {})
        found = known.get((self.definition.kind, pk))
        return NOTHING if pk is None or found is None else str(getattr(found, shown))

    def in_list(self, label: Any = "", **told: Any) -> Column:
        css = "num" if self.definition.kind in NUMBERS else "nowrap" if self.definition.kind == Kind.DATE else ""
        made: dict[str, Any] = {"loads": ("custom",), "css": css}
        if self.link:
            made["decorate"] = lambda rows, listing: load_names(listing.principal, rows, [self])
        return super().in_list(label, **made | told)

    @property
    def is_grouped(self) -> bool:
        """A choice that lists may be filtered by: they may be in groups of it too."""
        return self.definition.kind == Kind.CHOICE and self.definition.is_filtered

    def in_groups(self) -> Group:
        known = options(self.definition, all_of_them=True)
        path, expression = f"group_{self.name}", value_of(self.definition)
        return Group(self.name, self.label, path, lambda: known, filter=self.name, expression=expression)

    def _loading(self) -> dict[str, tuple[str, ...]]:
        return {}

    def offered(self) -> Column:
        return self.in_list(is_extra=True)

    def filters(self) -> dict[str, Any]:
        return filters_of(self.definition)

    # Forms and the API

    def control(self, principal: Any, *, is_required: bool | None = None) -> forms.Field:
        """Its form field, as somebody sees it."""
        needed = self.definition.is_required if is_required is None else is_required
        made = shape_of(self.definition).control(
            self.definition, principal, label=self.label, help_text=self.hint, required=needed
        )
        made.error_messages["required"] = missing_words(self)
        if self.definition.kind not in CHOSEN:  # whose control knows what may be chosen
            made.validators = [*made.validators, self._validate]
        return made

    @property
    def only_for(self) -> str:
        """The kind of rows that its section is for; "" for all."""
        section = self.definition.section
        return section.kind if section else ""

    def keep_present(self, control: Any, present: Any) -> bool:
        """Let the control offer what the row has, though it is no longer offered. False where that is out of the reader's sight."""
        if present is None:
            return True
        if self.definition.kind in CHOSEN:
            known = dict(control.choices)
            gone = {str(key): label for key, label in self._all_options() if key in present or key == present}
            control.choices = [*control.choices, *((key, label) for key, label in gone.items() if key not in known)]
        elif self.definition.kind == Kind.USER:
            control.queryset = control.queryset | self.link.model._default_manager.filter(pk=present)
        elif self.link:
            return bool(control.queryset.filter(pk=present).exists())
        return True

    def _all_options(self) -> list[tuple[str, str]]:
        return options(self.definition, all_of_them=True)

    def _validate(self, value: Any) -> None:
        try:
            clean(self.definition, value)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def serializer_field(self) -> Any:
        return shape_of(self.definition).api(self.definition)


_HREFS: dict[str, Callable[[str], str]] = {
    Kind.URL: lambda value: value,
    Kind.EMAIL: lambda value: f"mailto:{value}",
    Kind.PHONE: lambda value: "tel:" + "".join(sign for sign in value if sign in "+0123456789"),
}


def load_names(principal: Any, rows: Sequence[Any], entries: Iterable[CustomEntry]) -> None:
    """Read the rows that these fields name, as far as the principal sees them: one statement for each field."""
    for entry in entries:
        ids = {entry.raw(row) for row in rows} - {None}
        seen = entry.link.seen(principal).in_bulk(ids) if ids else {}
        found = {(entry.definition.kind, pk): each for pk, each in seen.items()}
        for row in rows:
            row.__dict__.setdefault(NAMES_OF, {}).update(found)


def all_facts(principal: Any, catalogue: Catalogue, row: Any, *, may_edit: bool = False) -> list[Any]:
    """The facts of a row's page with those of the firm's own fields, as the principal sees them."""
    load_names(principal, [row], [entry for entry in catalogue.custom.values() if entry.link])
    own = catalogue.custom_facts(row, may_edit=may_edit)
    return catalogue.facts(row, may_edit=may_edit) + [fact for _title, facts in own for fact in facts]


@dataclass(frozen=True)
class Section:
    """A section of a form or page with its fields. `key`: of its fields' group."""

    key: str
    title: str
    kind: str
    entries: tuple[CustomEntry, ...]


class _Made:
    """The fields and sections of all records, in one state of the definitions."""

    def __init__(self) -> None:
        self.fields: dict[str, list[CustomField]] = {}
        for field in CustomField.objects.select_related("section").order_by("record", "position", "pk"):
            self.fields.setdefault(field.record, []).append(field)
        self.sections: dict[str, list[FieldSection]] = {}
        for section in FieldSection.objects.all():
            self.sections.setdefault(section.record, []).append(section)
        self.entries: dict[str, dict[str, CustomEntry]] = {}


_made: dict[str, _Made] = {}
KEPT_STATES = 4


def _of_now() -> _Made | None:
    mark = get_firm().fields_mark
    if not mark:
        return None
    if mark not in _made:
        while len(_made) >= KEPT_STATES:
            _made.pop(next(iter(_made)), None)
        _made[mark] = _Made()
    return _made[mark]


@dataclass(frozen=True)
class CustomFields:
    """The custom fields of a kind of record, which its catalogue names: `Catalogue(Client, …, custom=CustomFields("client", …))`.
    `kinds`: those of its rows, in the column `kind_column`, that a section may be for."""

    key: str
    label: Any
    kinds: Sequence[tuple[str, Any]] = ()
    kind_column: str = "kind"
    order: int = 0
    is_inline: bool = False  # the record's page edits them in place
    shown: Callable[[Any], bool] | None = None  # for whom the set-up offers the record

    def register(self, catalogue: Catalogue) -> None:
        records.register(Record(self, catalogue))

    def entries(self, catalogue: Catalogue) -> Mapping[str, CustomEntry]:
        """By name, in the order of form and page."""
        made = _of_now()
        if made is None:
            return {}
        if self.key not in made.entries:
            places: dict[int | None, int] = {
                section.pk: place for place, section in enumerate(made.sections.get(self.key, []), 1)
            }
            live = [field for field in made.fields.get(self.key, []) if field.archived_at is None]
            live.sort(key=lambda field: (places.get(field.section_id, 0), field.position, field.pk))
            made.entries[self.key] = {
                f.name: CustomEntry.of_definition(f, catalogue.model, is_inline=self.is_inline) for f in live
            }
        return made.entries[self.key]

    def sections(self, catalogue: Catalogue) -> list[Section]:
        """Those that have fields, in their order; fields without one come first."""
        made, entries = _of_now(), self.entries(catalogue)
        if made is None:
            return []
        found = [Section("custom-0", "", "", _within(entries, "custom-0"))]
        for row in made.sections.get(self.key, []):
            key = f"custom-{row.pk}"
            found.append(Section(key, row.name, row.kind, _within(entries, key)))
        return [section for section in found if section.entries]

    def fits(self, entry: CustomEntry, kind: str) -> bool:
        """Whether rows of this kind have the field."""
        section = entry.definition.section
        return section is None or section.kind in ("", kind)

    def changes(self, before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
        """(the field, before, after) in words, for the history."""
        known, found = self.known(), []
        for key in dict.fromkeys((*known, *before, *after)):
            if before.get(key) != after.get(key):
                field = known.get(key)
                label = field.label if field else key
                found.append((label, _in_words(field, before.get(key)), _in_words(field, after.get(key))))
        return found

    def known(self) -> dict[str, CustomField]:
        """The definitions by key, archived ones too."""
        made = _of_now()
        return {field.key: field for field in made.fields.get(self.key, [])} if made else {}


def _in_words(field: CustomField | None, kept: Any) -> str:
    """A kept value, whatever the type of its field was at the time."""
    value = load(field, kept) if field else kept
    if value is None or field is None:
        return NOTHING if kept is None else str(kept)[:120]
    if field.kind == Kind.CLIENT:
        return gettext("a client")  # which one, only those may know who see it
    if field.kind == Kind.USER:
        return str(User.objects.filter(pk=value).values_list("name", flat=True).first() or f"#{value}")
    return shape_of(field).type(field).words(value)[:120]


def _within(entries: Mapping[str, CustomEntry], group: str) -> tuple[CustomEntry, ...]:
    return tuple(entry for entry in entries.values() if entry.group == group)


@dataclass(frozen=True)
class Record:
    """A kind of record that has custom fields."""

    custom: CustomFields
    catalogue: Catalogue

    @property
    def key(self) -> str:
        return self.custom.key

    @property
    def order(self) -> int:
        return self.custom.order

    @property
    def model(self) -> type[Model]:
        return self.catalogue.model

    @property
    def label(self) -> Any:
        return self.custom.label

    @property
    def shown(self) -> Callable[[Any], bool] | None:
        return self.custom.shown


records: Registry[Record] = Registry("record with custom fields")

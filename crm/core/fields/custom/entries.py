"""The custom fields of all records, as they are now, and their sections.

The entries are made once in each process for each state of the definitions. `FirmSettings.fields_mark` names that state:
every change writes a new one in its own transaction, and a request reads it with the firm's settings, which it needs anyway.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext

from crm.core.base.models import key_in, number_of
from crm.core.base.registry import Registry
from crm.core.fields.catalogue import Catalogue
from crm.core.fields.custom.choices import COMPUTED, Kind
from crm.core.fields.custom.computed import compute, load_values
from crm.core.fields.custom.entry import CustomEntry, load_names
from crm.core.fields.custom.models import CustomField, FieldSection
from crm.core.fields.custom.values import load, shape_of
from crm.core.fields.types import NOTHING
from crm.core.firm.queries import get_firm
from crm.core.users.models import User


def load_custom(principal: Any, catalogue: Catalogue, rows: Sequence[Any], now: datetime | None = None) -> None:
    """Read what the firm's own fields of these rows show besides what the rows keep, as the principal sees it: the names of linked
    rows, a statement for each such field, and what formulas and roll-ups give, one statement."""
    entries = list(catalogue.custom.values())
    load_names(principal, rows, [entry for entry in entries if entry.link])
    load_values(principal, now or timezone.now(), rows, entries)


def all_facts(principal: Any, catalogue: Catalogue, row: Any, *, may_edit: bool = False) -> list[Any]:
    """The facts of a row's page with those of the firm's own fields, as the principal sees them."""
    load_custom(principal, catalogue, [row])
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
    `kinds`: those of its rows, in the column `kind_column`, that a section may be for. `amounts`: what formulas take of the amounts of
    rows that have a currency of their own; those that are not in it stay out of formulas."""

    key: str
    label: Any
    kinds: Sequence[tuple[str, Any]] = ()
    kind_column: str = "kind"
    order: int = 0
    is_inline: bool = False  # the record's page edits them in place
    amounts: Mapping[str, Any] | None = None  # of rows with a currency of their own: field → its amount in the firm's
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
            made.entries[self.key] = self.made(catalogue, live, made.fields.get(self.key, []))
        return made.entries[self.key]

    def made(
        self, catalogue: Catalogue, live: Sequence[CustomField], known: Sequence[CustomField]
    ) -> dict[str, CustomEntry]:
        """The entries of `live` definitions; `known` are those in the archive as well."""
        kept = {
            f.name: CustomEntry.of_definition(f, catalogue.model, is_inline=self.is_inline)
            for f in live
            if f.kind not in COMPUTED
        }
        computed = compute(catalogue, kept, live, known)
        return {f.name: kept.get(f.name) or computed[f.name] for f in live}

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
        """(the field, before, after) in words, for the history. Of a field whose type was changed, the value of the latest type."""
        known, found = self.known(), []
        keys = {field.stem: key for key, field in known.items()}
        was, became = _latest(before, keys), _latest(after, keys)
        for key in dict.fromkeys((*known, *was, *became)):
            if was.get(key) != became.get(key):
                field = known.get(key)
                label = field.label if field else key
                found.append((label, _in_words(field, was.get(key)), _in_words(field, became.get(key))))
        return found

    def handed_on(self, custom: dict[str, Any]) -> dict[str, Any]:
        """The values that a successor takes over: all of them, also of fields whose type is changing, except unique ones."""
        alone = {name for field in self.known().values() if field.is_unique for name in (field.key, field.stem)}
        return {slot: kept for slot, kept in custom.items() if key_in(slot) not in alone}

    def known(self) -> dict[str, CustomField]:
        """The definitions by key, archived ones too."""
        made = _of_now()
        return {field.key: field for field in made.fields.get(self.key, [])} if made else {}


def _latest(custom: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    """By the key of the field, what stands in its last slot. `keys`: by what its slots begin with."""
    return {keys.get(key_in(slot), key_in(slot)): custom[slot] for slot in sorted(custom, key=number_of)}


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

"""A custom field as an entry of its record's catalogue."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.utils.translation import gettext

from crm.core.fields.catalogue import BUSINESS, FREE_WORDS, PERSONAL, Field
from crm.core.fields.custom.choices import CHOSEN, NUMBERS, SORTED, Kind
from crm.core.fields.custom.comparing import Stored
from crm.core.fields.custom.filters import filters_of
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.sql import value_of
from crm.core.fields.custom.values import clean, links, load, options, shape_of
from crm.core.fields.forms import missing_words
from crm.core.fields.types import NOTHING
from crm.core.listing.columns import Column
from crm.core.listing.groups import Group
from crm.core.listing.paging import Sort

CENTS = 2
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
            is_inline=is_inline and kind not in (Kind.LONG_TEXT, Kind.CHOICES) and definition.pending_id is None,
            model=model,
            definition=definition,
        )

    @property
    def is_computed(self) -> bool:
        """Nobody enters it: `ComputedEntry`."""
        return False

    @property
    def problem(self) -> str:
        """Why it cannot be computed, in words; "" where nothing is wrong."""
        return ""

    @property
    def is_changing(self) -> bool:
        """Its type is being changed: until that is over, nobody writes a value."""
        return self.definition.pending_id is not None

    @property
    def changing_words(self) -> str:
        words = gettext("The type of “%(name)s” is being changed. Its values can be edited again when that is done.")
        return words % {"name": self.label}

    @property
    def is_personal(self) -> bool:
        """Its value depends on who asks."""
        return False

    @property
    def like(self) -> Kind:
        """The kind that it is shown, filtered and ruled like."""
        return Kind(self.definition.kind)

    @property
    def places(self) -> int:
        """The decimals of a number."""
        return CENTS if self.like is Kind.MONEY else self.definition.decimals

    @property
    def side(self) -> Any:
        """Its value in a comparison."""
        return Stored(self.definition)

    @property
    def link(self) -> Any:
        return links.get(self.definition.kind)

    def raw(self, row: Any) -> Any:
        return load(self.definition, (row.custom or {}).get(self.definition.held_at))

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
        return filters_of(self.definition, self.side)

    # Forms and the API

    def control(self, principal: Any, *, is_required: bool | None = None) -> forms.Field:
        """Its form field, as somebody sees it."""
        needed = self.definition.is_required if is_required is None else is_required
        made = shape_of(self.definition).control(
            self.definition, principal, label=self.label, help_text=self.hint, required=needed
        )
        made.error_messages["required"] = missing_words(self)
        if self.is_changing:
            made.disabled, made.required, made.help_text = True, False, self.changing_words
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

    def import_column(self) -> Any:
        if not is_client(self):
            return super().import_column()
        words = gettext("The ID or the exact name of a client")
        return replace(super().import_column(), is_client=True, help_text=words)

    def serializer_field(self) -> Any:
        return shape_of(self.definition).api(self.definition)


def is_client(entry: Field) -> bool:
    """Whether a field names a client: whose name not everybody may read."""
    return isinstance(entry, CustomEntry) and entry.definition.kind == Kind.CLIENT


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

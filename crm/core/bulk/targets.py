"""A field that may be changed of many rows at once, made from its entry in a catalogue.

Values of rows are compared and kept for undo as JSON: `raw` reads one, `value` makes of it what the record's service takes.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import BooleanField, Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.base.errors import ServiceError
from crm.core.fields.catalogue import READ, Catalogue, Field, custom_of
from crm.core.fields.custom.choices import Kind
from crm.core.fields.custom.values import load
from crm.core.fields.forms import form_field

YES_NO = [("", "—"), ("true", gettext_lazy("Yes")), ("false", gettext_lazy("No"))]


@dataclass(frozen=True)
class Target:
    """`is_many`: it holds several values, which can be added and removed. `may_clear`: it can be left empty."""

    field: Any
    is_many: bool = False
    may_clear: bool = True

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def label(self) -> Any:
        return self.field.label

    @property
    def kind(self) -> str:
        """The type of its values, if that may change."""
        return ""

    def control(self, principal: Any) -> forms.Field:
        """The form field of its new value, with what the principal may choose."""
        raise NotImplementedError

    def json(self, given: Any) -> Any:
        """The value of its control, as JSON."""
        raise NotImplementedError

    def raw(self, row: Any) -> Any:
        raise NotImplementedError

    def value(self, kept: Any) -> Any:
        raise NotImplementedError

    @property
    def empty(self) -> Any:
        """What it is when it is cleared, as JSON."""
        return None

    def check(self, row: Any) -> None:
        """Raises ServiceError for a row that has no such field."""

    def is_hidden(self, principal: Any, present: Any) -> bool:
        """Whether this value (as JSON) names a record that the principal may not see. Nothing may tell of it."""
        return False

    def wanted(self, how: str, present: Any, given: Any) -> Any:
        if how == "clear":
            return self.empty
        if how == "set":
            return given
        kept = [each for each in present or [] if how == "add" or each not in given]
        return [*kept, *(each for each in given if how == "add" and each not in kept)] or self.empty


def plain(value: Any) -> Any:
    """As JSON."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _sees(principal: Any, model: Any, pk: Any) -> bool:
    rows = model._default_manager.all()
    return not hasattr(rows, "visible_to") or rows.visible_to(principal).filter(pk=pk).exists()


class Own(Target):
    """A column of the record."""

    def control(self, principal):
        column = self.field.column
        if isinstance(column, BooleanField):
            return forms.TypedChoiceField(
                choices=YES_NO, coerce=lambda text: text == "true", empty_value=None, required=False, label=self.label
            )
        made = form_field(self.field)
        made.required, made.initial = False, None
        if isinstance(made, forms.ModelChoiceField):
            rows: Any = self.field.type.rows() if self.field.type.rows else made.queryset
            made.queryset = rows.visible_to(principal) if hasattr(rows, "visible_to") else rows
            if not self.is_many:
                made.empty_label = "—"
        return made

    def json(self, given):
        return sorted(row.pk for row in given) if self.is_many else plain(given)

    def raw(self, row):
        if self.is_many:
            return sorted(each.pk for each in getattr(row, self.name).all())
        return plain(getattr(row, self.field.column.attname))

    def value(self, kept):
        column = self.field.column
        if self.is_many:
            return list(column.related_model._default_manager.filter(pk__in=kept or []))
        if column.is_relation:
            return column.related_model._default_manager.filter(pk=kept).first() if kept is not None else None
        return column.to_python(kept)

    @property
    def empty(self):
        column = self.field.column
        if self.is_many:
            return []
        if column.null:
            return None
        if column.has_default():
            return plain(column.get_default())
        return "" if column.empty_strings_allowed else None

    def is_hidden(self, principal, present):
        if present is None or self.is_many or not self.field.column.is_relation:
            return False
        return not _sees(principal, self.field.column.related_model, present)


class Custom(Target):
    """A field of the firm's own."""

    @property
    def kind(self):
        return self.field.definition.kind

    def control(self, principal):
        return self.field.control(principal, is_required=False)

    def json(self, given):
        return self.field.keep(given)

    def raw(self, row):
        return (row.custom or {}).get(self.field.definition.held_at)

    def value(self, kept):
        return load(self.field.definition, kept)

    def check(self, row):
        source = custom_of(type(row))
        if not source.fits(self.field, getattr(row, source.kind_column, "")):
            raise ServiceError(_("“%(what)s” is a field of other records only") % {"what": self.label}, field=self.name)

    def is_hidden(self, principal, present):
        link = self.field.link
        return bool(link) and present is not None and not link.seen(principal).filter(pk=present).exists()


def targets_of(catalogue: Catalogue, but: tuple[str, ...] = ()) -> dict[str, Target]:
    """The fields that may be edited of many rows, by name, in the order of their labels."""
    own = [field for field in catalogue.values() if _is_edited(field) and field.is_used() and field.name not in but]
    custom = [field for field in catalogue.custom.values() if not field.is_computed and not field.is_changing]
    made = [target_of(field) for field in (*own, *custom)]
    return {target.name: target for target in sorted(made, key=lambda target: str(target.label).casefold())}


def target_of(field: Any) -> Target:
    if definition := getattr(field, "definition", None):
        return Custom(field, definition.kind == Kind.CHOICES, not definition.is_required)
    return Own(field, field.column.many_to_many, _may_clear(field))


def _is_edited(field: Field) -> bool:
    return field.column is not None and not field.is_fixed and field.api not in (None, READ)


def _may_clear(field: Field) -> bool:
    column = field.column
    return bool(column.blank or field.is_optional or column.null) and not isinstance(column, BooleanField)

"""Forms of records: the layout names the fields, the catalogue defines them."""

from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from babel import Locale
from crispy_forms.layout import Layout
from crispy_forms.utils import TEMPLATE_PACK
from django import forms
from django.db import models
from django.forms.models import ModelFormMetaclass
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language, gettext, to_locale
from django.utils.translation import gettext_lazy as _

from crm.core.base.places import country_codes
from crm.core.base.zones import zone_choices
from crm.core.fields.catalogue import Catalogue, Field
from crm.core.fields.types import COLLEAGUE, COUNTRY, LANGUAGE, ZONE
from crm.core.firm.languages import language_choices, language_name
from crm.core.ui.forms import (
    DateInput,
    DateTimeInput,
    Group,
    LayoutObject,
    RecordForm,
    Row,
    TimeInput,
    When,
    names_in,
)
from crm.core.users.models import User


def country_names() -> dict[str, str]:
    """Two-letter codes and names in the user's language, sorted by name."""
    return _country_names(to_locale(get_language() or "en").split("_")[0])


@lru_cache(maxsize=8)
def _country_names(language: str) -> dict[str, str]:
    names = {code: name for code, name in Locale(language).territories.items() if code in country_codes()}
    return dict(sorted(names.items(), key=lambda pair: pair[1]))


class LanguageField(forms.ChoiceField):
    """The languages that emails are written in. `keep` adds one set by an import."""

    def __init__(self, **kwargs):
        super().__init__(choices=lambda: [("", _("Not known")), *language_choices()], **kwargs)

    def keep(self, value: str) -> None:
        if value and value not in dict(language_choices()):
            self.choices = [*self.choices, (value, language_name(value))]


class WallTimeField(forms.DateTimeField):
    """A local date and time in the user's zone. A time skipped by a clock change moves forward; of a doubled one, the
    first counts.
    """

    widget = DateTimeInput

    def to_python(self, value):
        if value in self.empty_values or isinstance(value, datetime):
            return super().to_python(value)
        try:
            parsed = parse_datetime(str(value).strip())
        except ValueError:
            parsed = None
        if parsed is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        if timezone.is_naive(parsed):
            parsed = parsed.replace(tzinfo=timezone.get_current_timezone(), fold=0)
        try:
            return parsed.astimezone(UTC)
        except OverflowError as error:  # the year 1, or 9999, across a zone
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


UserField = partial(forms.ModelChoiceField, queryset=User.objects.active())  # colleagues who may log in
_OF_TYPE = {
    COUNTRY: partial(forms.ChoiceField, choices=lambda: [("", _("Not known")), *country_names().items()]),
    ZONE: partial(forms.ChoiceField, choices=lambda: zone_choices(str(_("Not known")))),
    LANGUAGE: LanguageField,
    COLLEAGUE: UserField,
}
_OF_COLUMN: tuple[tuple[type[models.Field], Any], ...] = (
    (models.DateTimeField, {"form_class": WallTimeField}),
    (models.DateField, {"widget": DateInput}),
    (models.TimeField, {"widget": TimeInput}),
    (models.TextField, {"widget": partial(forms.Textarea, attrs={"rows": 3})}),
    (models.ManyToManyField, {"widget": partial(forms.SelectMultiple, attrs={"data-combobox": ""})}),
)


def form_field(field: Field, **given: Any) -> Any:
    """The form field for a catalogue field."""
    column, given = field.column, given | {"label": field.label, "help_text": field.hint}
    made = None if column.many_to_many else _OF_TYPE.get(field.type)
    made = field.input or made or next((told for kind, told in _OF_COLUMN if isinstance(column, kind)), {})
    if callable(made):
        return made(required=not (column.blank or field.is_optional), **given)
    if field.type.rows:
        given["queryset"] = field.type.rows()
    if field.is_optional:
        given["required"] = False
    told = {name: value() if isinstance(value, partial) else value for name, value in made.items()}
    return column.formfield(**given | told)


def missing_words(entry: Any) -> str:
    """What is said where a required field is empty."""
    return gettext("“%(what)s” is required.") % {"what": entry.label}


class CustomSections(LayoutObject):
    """The firm's own fields, each section as a group. `required`: only the fields that must be filled in, or only the others
    (False), for a form that hides those at first."""

    def __init__(self, *, required: bool | None = None):
        self.fields: list[Any] = []
        self.required = required

    def names(self, form: Any, section: Any) -> list[str]:
        shown = [entry for entry in section.entries if entry.name in form.fields]
        return [entry.name for entry in shown if self.required in (None, form.fields[entry.name].required)]

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        parts: list[LayoutObject] = []
        for section in form.catalogue.sections():
            if not (names := self.names(form, section)):
                continue
            if self.required:
                parts.append(Row(*names))
                continue
            title = section.title or gettext("More details")
            group = Group(title, Row(*names), id=f"group-{section.key}")
            parts.append(
                When(f"{form.catalogue.custom_fields.kind_column}={section.kind}", group) if section.kind else group
            )
        return Layout(*parts).render(form, context, template_pack)


class _OfCatalogue(ModelFormMetaclass):
    def __new__(mcs, name, bases, attrs):
        if catalogue := attrs.get("catalogue"):
            named = attrs["names"] if "names" in attrs else names_in(attrs["layout"])
            own = [each for each in named if each in catalogue and catalogue[each].column is not None]
            made = {"model": catalogue.model, "fields": own}
            made["formfield_callback"] = lambda column, **given: form_field(catalogue[column.name], **given)
            attrs["Meta"] = type("Meta", (), made)
        return super().__new__(mcs, name, bases, attrs)


class CatalogueForm(RecordForm, metaclass=_OfCatalogue):
    """A record's form: the fields that its `layout` (or `names`) takes from its `catalogue`, and those declared on the class.

    A current choice can be kept even if it is archived and no longer offered.
    """

    catalogue: Catalogue

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            present = getattr(self.instance, f"{name}_id", None)
            if present and type(field) is forms.ModelChoiceField:
                field.queryset |= field.queryset.model._default_manager.filter(pk=present)
            elif isinstance(field, LanguageField):
                field.keep(getattr(self.instance, name))

    def add_custom(self, principal: Any) -> None:
        """Add the firm's own fields as the principal sees them. One that names a row out of sight is left out, and so kept."""
        for name, entry in self.catalogue.custom.items():
            if entry.is_computed:
                continue
            present = getattr(self.instance, name) if self.instance.pk else None
            field = entry.control(principal, is_required=entry.definition.is_required and not entry.only_for)
            if not entry.keep_present(field, present):
                continue
            self.fields[name], self.initial[name] = field, self.initial.get(name, present)

    @property
    def custom_names(self) -> list[str]:
        return [name for name in self.fields if name in self.catalogue.custom]

    def clean(self):
        data = super().clean()
        for entry in self.catalogue.custom.values():  # of a section for one kind of row
            kind = data.get(self.catalogue.custom_fields.kind_column)
            is_needed = entry.definition.is_required and entry.only_for and entry.only_for == kind
            is_empty = entry.name in self.fields and data.get(entry.name) in (None, "", [])
            if is_needed and is_empty and entry.name not in self.errors:
                self.add_error(entry.name, missing_words(entry))
        for name in data.keys() & self.catalogue.keys():
            field = self.catalogue[name]
            if field.is_optional and data[name] in ("", None) and field.column.has_default():
                data[name] = field.column.get_default()
        return data

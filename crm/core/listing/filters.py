"""The filters of a list, defined once: its page, export, bulk actions, audience and API use the same FilterSet.

A page ignores values it cannot read and says so; the API refuses them. A form is built only for the filters shown. Usage:
docs/developers/lists.md.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError as Refused

from crm.core.base.reading import read_country
from crm.core.base.registry import always
from crm.core.ui.forms import DateInput, SearchedField
from crm.core.users.models import User

MAX_ID = 2**63 - 1
MOST_NUMBER = 10**15
LONGEST_SEARCH = 100
ANY = _lazy("Any")
TRUE, FALSE = ("1", "true", "on", "yes"), ("0", "false", "off", "no")


class Chip:
    """A filter that can describe its value. `chip`: the text before the value; `said(value, principal)`: the value as
    text; `offers(filters)`: the choices of its form as [(value, label)], after `any_label` if set.
    """

    def __init__(
        self,
        *args,
        chip: Any = "",
        said: Callable[[Any, Any], Any] | None = None,
        offers: Callable[[Any], Any] | None = None,
        any_label: Any = ANY,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.chip, self.said, self.offers, self.any_label = chip, said, offers, any_label

    @property
    def is_shown(self) -> bool:
        """Whether a form asks for it."""
        return True

    def shown_field(self) -> forms.Field:
        """The field as a form shows it."""
        if self.offers is None:
            return self.field  # type: ignore[attr-defined]
        choices = list(self.offers(self.parent))  # type: ignore[attr-defined]
        if self.any_label is not None:
            choices.insert(0, ("", self.any_label))
        return forms.ChoiceField(label=self.label, required=False, choices=choices)  # type: ignore[attr-defined]

    def chosen(self, value: Any) -> Any:
        """The value as its form shows it."""
        return value

    def words(self, value: Any, principal: Any) -> str:
        if self.said:
            return str(self.said(value, principal))
        if isinstance(value, Model):
            return str(getattr(value, "name", value))
        if isinstance(value, date):
            return date_format(value, "j M Y")
        labels = {str(key): label for key, label in getattr(self.field, "choices", ())}  # type: ignore[attr-defined]
        values = value if isinstance(value, list) else [value]
        return ", ".join(str(labels.get(str(each), each)) for each in values)


class SearchField(forms.CharField):
    def to_python(self, value):
        return super().to_python((value or "").replace("\0", "")[:LONGEST_SEARCH])


class Search(Chip, django_filters.CharFilter):
    """Free text, cut at 100 characters."""

    field_class = SearchField


class Text(Chip, django_filters.CharFilter):
    pass


class _CountryField(forms.CharField):
    """A country by its code or its name."""

    def clean(self, value):
        value = super().clean(value)
        try:
            return read_country(value) if value else value
        except ValueError as error:
            raise ValidationError(str(error)) from error


class Country(Text):
    field_class = _CountryField


class Choice(Chip, django_filters.ChoiceFilter):
    def __init__(self, *args, empty_label: Any = ANY, **kwargs):
        super().__init__(*args, empty_label=empty_label, **kwargs)


class Choices(Chip, django_filters.MultipleChoiceFilter):
    """Several values. A form shows checkboxes, or with `offers` a single choice."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, widget=forms.CheckboxSelectMultiple, **kwargs)


class ModelChoice(Chip, django_filters.ModelChoiceFilter):
    """A row that the viewer may see; `queryset(filters)` may use `filters.principal`."""


class Number(Chip, django_filters.NumberFilter):
    """Has a lower bound too: turning -1E999999 into an integer would take minutes."""

    def __init__(self, *args, **kwargs):
        bounds = [MinValueValidator(-MOST_NUMBER), MaxValueValidator(MOST_NUMBER)]
        super().__init__(*args, validators=bounds, **kwargs)


class IdField(forms.IntegerField):
    def __init__(self, **kwargs):
        super().__init__(min_value=1, max_value=MAX_ID, **kwargs)


class Id(Chip, django_filters.Filter):
    """The id of a row; an unknown id gives an empty result. `named`: the model whose `name` the chip shows, if the
    viewer may see the row.
    """

    field_class = IdField

    def __init__(self, *args, named: type[Model] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.named = named

    def name_seen(self, pk: int) -> str:
        """The name of the row, looked up once for a request; "" where there is none that the reader sees."""
        known = self.parent.names_seen
        if (self.named, pk) not in known:
            rows: Any = self.named._default_manager  # type: ignore[union-attr]
            rows = rows.visible_to(self.parent.principal) if hasattr(rows, "visible_to") else rows.all()
            found = rows.filter(pk=pk).first()
            known[self.named, pk] = found.name if found else ""
        return known[self.named, pk]

    def words(self, value, principal):
        if self.named is None or self.said:
            return super().words(value, principal)
        return self.name_seen(value) or _("unknown")


class Picked(Id):
    """One of many rows, found by typing. `url`: the name of the address of its choices; `shown()`: whether a form asks for it."""

    def __init__(self, *args, url: str, shown: Callable[[], bool] = lambda: True, **kwargs):
        super().__init__(*args, offers=None, **kwargs)
        self.url, self.shown = url, shown

    @property
    def is_shown(self) -> bool:
        return self.shown()

    def shown_field(self):
        manager: Any = self.named._default_manager  # type: ignore[union-attr]
        rows = manager.visible_to(self.parent.principal)
        return SearchedField(rows, url=reverse(self.url), label=self.label, required=False, empty_label=ANY)


class PersonIdField(IdField):
    def to_python(self, value):
        if value == "me":
            return value
        pk = super().to_python(value)
        if pk is not None and pk <= MAX_ID and not User.objects.filter(pk=pk).exists():
            raise ValidationError(_("No colleague has this id."), code="invalid")
        return pk

    def run_validators(self, value):
        return None if value == "me" else super().run_validators(value)


def people(found: Any, rows: QuerySet | None = None) -> list[tuple[Any, Any]]:
    """The choices of a PersonId: the viewer as “Me”, then the other colleagues in `rows` by name."""
    rows = User.objects.all() if rows is None else rows
    return [("me", _("Me")), *rows.exclude(pk=found.principal.user_id).values_list("pk", "name")]


class PersonId(Id):
    """A colleague's id, or “me”. Unlike for other rows, an unknown id is refused: colleagues are nobody's secret."""

    field_class = PersonIdField

    def __init__(self, *args, named: type[Model] = User, offers: Callable[[Any], Any] = people, **kwargs):
        super().__init__(*args, named=named, offers=offers, **kwargs)

    def filter(self, qs, value):
        return super().filter(qs, self.parent.principal.user_id if value == "me" else value)

    def chosen(self, value):
        return "me" if value == self.parent.principal.user_id else value

    def words(self, value, principal):
        return _("me") if self.chosen(value) == "me" else super().words(value, principal)


class YesField(forms.Field):
    def to_python(self, value):
        text = str(value).lower()
        if text in TRUE or text in FALSE:
            return text in TRUE
        raise ValidationError(_("Use true or false."), code="invalid")


class Yes(Chip, django_filters.Filter):
    """A switch: 1, true, on; 0, false, off. `method` is called for both values."""

    field_class = YesField

    def shown_field(self):
        return forms.BooleanField(label=self.label, required=False, help_text=self.extra.get("help_text", ""))


class UtcField(IsoDateTimeField):
    """A datetime in UTC. Refuses one outside the calendar in UTC, such as the first hour of year 1 east of
    Greenwich.
    """

    def to_python(self, value):
        return in_utc(super().to_python(value))


def in_utc(moment: datetime | None) -> datetime | None:
    """Raises ValidationError if the UTC value is outside the calendar."""
    try:
        return moment and moment.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise ValidationError(_("This time is too far away."), code="invalid") from error


class Moment(Chip, django_filters.IsoDateTimeFilter):
    field_class = UtcField


class Day(Chip, django_filters.DateFilter):
    pass


class MomentField(IsoDateTimeField):
    """A datetime with its offset, or a date."""

    widget = DateInput

    def to_python(self, value):
        text = str(value or "").strip()
        if len(text) != len("2026-01-31"):
            return in_utc(super().to_python(value))
        try:
            found = date.fromisoformat(text)
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        if not date.min < found < date.max:
            raise ValidationError(_("This time is too far away."), code="invalid")
        return found


class Since(Chip, django_filters.Filter):
    """From the start of a day in the reader's zone, or from a datetime on."""

    field_class = MomentField

    def filter(self, qs, value):
        return qs if value is None else qs.filter(**{f"{self.field_name}__gte": _midnight(value)})


class Until(Chip, django_filters.Filter):
    """Before a datetime. A page includes the whole of a day; the API means the start of the day."""

    field_class = MomentField

    def filter(self, qs, value):
        if value is None:
            return qs
        if type(value) is date and not self.parent.is_strict:
            value += timedelta(days=1)
        return qs.filter(**{f"{self.field_name}__lt": _midnight(value)})


def _midnight(value: date) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(), timezone.get_current_timezone())


@cache
def _may_be_unused(filters: Any) -> list[str]:
    """The names of those filters that a firm may not use."""
    return [name for name, found in filters.base_filters.items() if getattr(found, "is_used", always) is not always]


class ListFilters(django_filters.FilterSet):
    """Filters of one list. `values`: what was understood, by name; `refused`: name → [what is wrong] for the rest; `unseen`: what
    a page left out.

    The fields of a `catalogue` bring their filters; filters of the class are added and replace those of the same name.
    A filter's method can use `self.principal` and `self.now`. `is_strict`: set by the API.
    """

    catalogue: Any = None

    @classmethod
    def get_filters(cls):
        made = cls.catalogue.filters() if cls.catalogue is not None else {}
        return made | super().get_filters()

    @classmethod
    def custom_filters(cls) -> dict[str, Any]:
        """Those of the firm's own fields, which come and go while the server runs."""
        fields = cls.catalogue.custom if cls.catalogue is not None else {}
        return {name: made for field in fields.values() for name, made in field.filters().items()}

    @classmethod
    def known(cls) -> set[str]:
        """The names of all filters."""
        return {*cls._used(), *cls.custom_filters()}

    @classmethod
    def _used(cls) -> dict[str, Any]:
        """Those of the class, without filters by what the firm does not use."""
        own: dict[str, Any] = cls.base_filters  # type: ignore[misc]
        kind: Any = cls
        unused = {name for name in _may_be_unused(kind) if not own[name].is_used()}
        return {name: found for name, found in own.items() if name not in unused} if unused else own

    def __init__(self, data: Mapping, *, principal: Any, now: datetime, is_strict: bool = False):
        self.data, self.principal, self.now, self.is_strict = data, principal, now, is_strict
        self.is_bound, self.form_prefix, self.request = True, None, self  # callable querysets get the filters
        self.values: dict[str, Any] = {}
        self.refused: dict[str, list[str]] = {}
        self.unseen: list[str] = []
        self.names_seen: dict[tuple[Any, int], str] = {}
        self.filters: dict[str, Any] = {}
        self.custom = self.custom_filters()
        own = self._used()
        self.base_filters: dict[str, Any] = own | self.custom if self.custom else own
        for name in self.base_filters:
            if name in data:
                self._read(name)

    def one(self, name: str) -> Any:
        """The filter of that name, bound to this request."""
        if name not in self.filters:
            found = self.filters[name] = copy.copy(self.base_filters[name])
            found.parent, found.extra = self, dict(found.extra)
            found.__dict__.pop("_field", None)
            found.method = found.method  # bound to this copy
        return self.filters[name]

    def _read(self, name: str) -> None:
        field = self.one(name).field
        raw = field.widget.value_from_datadict(self.data, {}, name)
        if isinstance(raw, list):
            raw = [value for value in dict.fromkeys(raw) if value]
        if raw in (None, "", []):
            return
        try:
            value = field.clean(raw)
        except ValidationError as error:
            self.refused[name] = list(error.messages)
            if not isinstance(raw, list):
                return
            value = [each for each in raw if self._is_known(field, each)]
        if value not in (None, "", []):
            self.values[name] = value

    @staticmethod
    def _is_known(field: forms.Field, value: Any) -> bool:
        try:
            return bool(field.clean([value]))
        except ValidationError:
            return False

    def leave_out_unseen(self) -> None:
        """Leave out the numbers of rows that are gone, or that the principal does not see: a page says so instead of showing nothing."""
        for name in [*self.values]:
            found, value = self.one(name), self.values[name]
            if isinstance(found, Id) and found.named and value != "me" and not found.name_seen(value):
                del self.values[name]
                self.unseen.append(name)

    def apply(self, rows: QuerySet) -> QuerySet:
        """Narrow rows that are already visible to the principal."""
        for name, value in self.values.items():
            rows = self.one(name).filter(rows, value)
        return rows

    def chips(self, but: tuple[str, ...] = ()) -> list[dict[str, str]]:
        """[{name, label, value}] of the filters that are set."""
        return [
            {"name": name, "label": str(found.chip or found.label), "value": found.words(value, self.principal)}
            for name, value in self.values.items()
            if name not in but and value is not False
            for found in [self.one(name)]
        ]

    @cached_property
    def remark(self) -> str:
        """What was left out of the address, in words; "" for nothing."""
        unreadable, unseen = self._labels(self.refused), self._labels(self.unseen)
        words = _("Left out, unreadable: %(names)s") % {"names": unreadable} if unreadable else ""
        if unseen:
            words = " · ".join(filter(None, [words, _("Left out, not found: %(names)s") % {"names": unseen}]))
        return words

    def _labels(self, names: Iterable[str]) -> str:
        return ", ".join(str(self.one(name).label or name) for name in names)

    def shown_form(self, names) -> forms.Form:
        """The named filters as a form, without those by what the firm does not use."""
        names = [name for name in names if name in self.base_filters]
        form = forms.Form(auto_id="filter-%s", initial=self._chosen(names))
        form.fields = {name: self.one(name).shown_field() for name in names if self.one(name).is_shown}
        return form

    def _chosen(self, names) -> dict[str, Any]:
        """A single-choice field shows the first of several values."""
        found = {name: self.one(name).chosen(self.values[name]) for name in names if name in self.values}
        several = {name: value for name, value in found.items() if isinstance(value, list) and self.one(name).offers}
        return found | {name: value[0] for name, value in several.items()}


class TrashFilters(ListFilters):
    """A list without archived rows, or of archived rows if asked for."""

    archived = Yes(
        method="in_trash", label=_lazy("Archived"), chip=_lazy("In"), said=lambda value, principal: _("the archive")
    )

    def in_trash(self, rows, name, value: bool):
        return rows

    def apply(self, rows):
        return super().apply(rows.archived() if self.values.get("archived") else rows.kept())


@cache
def for_api(filters_class: type[ListFilters] | None, model: type[Model]) -> type[ListFilters]:
    """The filters of a list plus those of every API list: `updated_from`, `updated_before`."""
    base = filters_class or ListFilters
    common: dict[str, Any] = {}
    if any(field.name == "updated_at" for field in model._meta.fields):
        common = {
            "updated_from": Moment("updated_at", "gte", label=_lazy("Changed at this time or later")),
            "updated_before": Moment("updated_at", "lt", label=_lazy("Changed before this time")),
        }
    common = {name: found for name, found in common.items() if name not in getattr(base, "base_filters", {})}
    meta = type("Meta", (), {"model": model, "fields": list(base._meta.fields or []) if filters_class else []})
    kind: Any = type(base)
    return kind(base.__name__, (base,), common | {"Meta": meta})


class ListFilterBackend(DjangoFilterBackend):
    """Applies ListFilters in the API: answers 400 for values it cannot read. A single row is found by its id, without
    filters.
    """

    def get_filterset_class(self, view, queryset=None):
        found = super().get_filterset_class(view, queryset)
        return None if queryset is None else for_api(found, queryset.model)

    def filter_queryset(self, request, queryset, view):
        filters_class = self.get_filterset_class(view, queryset)
        if filters_class is None or view.detail:
            return queryset
        found = filters_class(request.query_params, principal=request.principal, now=timezone.now(), is_strict=True)
        if found.refused:
            raise Refused(found.refused)
        return found.apply(queryset)


def query_of(values: Mapping[str, Any]) -> QueryDict:
    """{name: value or list} as a query string's data."""
    found = QueryDict(mutable=True)
    for name, value in values.items():
        found.setlist(name, [str(each) for each in (value if isinstance(value, list | tuple) else [value])])
    return found

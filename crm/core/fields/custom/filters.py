"""The filters of custom fields, in lists and in the API. Each asks for what the field's index holds."""

from typing import Any

from django.db.models import Q, Value
from django.db.models.fields.json import DataContains
from django.db.models.functions import Lower
from django.db.models.lookups import Exact, GreaterThanOrEqual, In, IsNull, LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from crm.core.fields.custom.choices import FILTERED, NUMBERS, WRITTEN, Kind
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.sql import at
from crm.core.fields.custom.values import links, options
from crm.core.listing import filters
from crm.core.users.models import User

NOTHING = "none"


class _OfCustom:
    definition: CustomField
    side: Any

    def of(self, definition: CustomField, side: Any) -> Any:
        self.definition, self.side = definition, side
        return self

    @property
    def asked(self) -> tuple[Any, Any]:
        """Who filters, and when."""
        return self.parent.principal, self.parent.now  # type: ignore[attr-defined]

    @property
    def here(self) -> Any:
        return self.side.here(*self.asked)

    def filter(self, rows, value):
        return rows if value in (None, "", []) else rows.filter(self.condition(value))

    def condition(self, value: Any) -> Any:
        return Exact(self.here, value)


class _Same(_OfCustom, filters.Text):
    def condition(self, value):
        return Exact(self.side.text(*self.asked), Lower(Value(value)))


class _Chosen(_OfCustom, filters.Choices):
    def condition(self, value):
        here, named = self.here, [each for each in value if each != NOTHING]
        found = Q(IsNull(here, True)) if NOTHING in value else Q()
        if self.definition.kind == Kind.CHOICES:
            for each in named:
                found |= Q(DataContains(at(self.definition.held_at), [each]))
        elif named:
            found |= Q(In(here, named))
        return found


class _Yes(_OfCustom, filters.Yes):
    def filter(self, rows, value):
        return rows.filter(self.condition(value)) if value is not None else rows


class _Person(_OfCustom, filters.PersonId):
    def filter(self, rows, value):
        return super().filter(rows, self.parent.principal.user_id if value == "me" else value)


class _Linked(_OfCustom, filters.Id):
    """A row out of sight finds nothing, or the list would tell who names it."""

    def filter(self, rows, value):
        if value and not links[self.definition.kind].seen(self.parent.principal).filter(pk=value).exists():
            return rows.none()
        return super().filter(rows, value)


class _From:
    def condition(self, value):
        return GreaterThanOrEqual(self.here, self.side.kept(value))  # type: ignore[attr-defined]


class _To:
    def condition(self, value):
        return LessThanOrEqual(self.here, self.side.kept(value))  # type: ignore[attr-defined]


class _FromNumber(_From, _OfCustom, filters.Number):
    pass


class _ToNumber(_To, _OfCustom, filters.Number):
    pass


class _FromDay(_From, _OfCustom, filters.Day):
    pass


class _ToDay(_To, _OfCustom, filters.Day):
    pass


def filters_of(field: CustomField, side: Any, kind: Kind | None = None) -> dict[str, Any]:
    """By name in URLs. A range has two: `cf_size__from` and `cf_size__to`. `kind`: the one that it is filtered like, if another."""
    kind, name, label = kind or Kind(field.kind), field.name, field.label
    if not field.is_filtered or kind not in FILTERED:
        return {}
    told: dict[str, Any] = {"label": label, "chip": _("%(what)s is") % {"what": label}}
    if kind in WRITTEN:
        return {name: _Same(name, **told).of(field, side)}
    if kind in NUMBERS or kind is Kind.DATE:
        low, high = (_FromDay, _ToDay) if kind is Kind.DATE else (_FromNumber, _ToNumber)
        words = {"__from": _("%(what)s from") % {"what": label}, "__to": _("%(what)s up to") % {"what": label}}
        return {
            f"{name}{end}": each(name, label=words[end], chip=words[end]).of(field, side)
            for end, each in (("__from", low), ("__to", high))
        }
    if kind is Kind.YES_NO:
        return {name: _Yes(name, **told).of(field, side)}
    if kind is Kind.USER:
        return {name: _Person(name, named=User, **told).of(field, side)}
    if link := links.get(kind):
        return {name: _Linked(name, named=link.model, **told).of(field, side)}
    pairs = [*options(field), (NOTHING, _("No value"))]
    return {name: _Chosen(name, choices=pairs, **told).of(field, side)}

"""The kinds of custom fields: how a value is kept, read, shown, entered and checked. One `Shape` for each kind."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from rest_framework import serializers

from crm.core.base.dates import is_plausible
from crm.core.base.reading import PLAIN, Conventions, read_amount
from crm.core.base.registry import Registry
from crm.core.fields.custom.choices import CHOSEN, NUMBERS, Kind
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.patterns import fits
from crm.core.fields.types import DAY, IS_EMAIL, YES_NO, Reader, Type, choice, limited, several, valid
from crm.core.firm.queries import get_firm
from crm.core.ui.formatting import money, number
from crm.core.ui.forms import DateInput, SearchedField
from crm.core.users.models import User

LONGEST = {Kind.TEXT: 255, Kind.LONG_TEXT: 20_000, Kind.URL: 500, Kind.EMAIL: 254, Kind.PHONE: 40}
DIGITS = 15  # that a number in JSON keeps exactly
IS_URL = URLValidator(schemes=["http", "https"], message=_lazy("Enter an address such as https://www.example.com."))


@dataclass(frozen=True)
class Link:
    """A kind of row that a custom field may name. `seen(principal)`: the rows that somebody may see and choose; `url`: the page
    that finds them while somebody types, "" for a plain list."""

    key: str
    model: type[Model]
    seen: Callable[[Any], QuerySet]
    url: str = ""
    filter_url: str = ""


links: Registry[Link] = Registry("kind of linked row")
links.register(Link(Kind.USER, User, lambda principal: User.objects.all()))


def options(field: CustomField, *, all_of_them: bool = False) -> list[tuple[str, str]]:
    return [(o["key"], o["label"]) for o in field.options if all_of_them or not o.get("is_archived")]


def plain_decimal(value: Any) -> Decimal:
    """12.5 and not 12.50, 1000 and not 1E+3."""
    made = Decimal(str(value)).normalize()
    return made.quantize(Decimal(1)) if made == made.to_integral_value() else made


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _read_several(field: CustomField, text: str, conventions: Conventions = PLAIN) -> list[str]:
    read = choice(options(field)).read
    return [read(part) for part in several(text)]


def _labels(field: CustomField, keys: Any, sign: str = ", ") -> str:
    known = dict(options(field, all_of_them=True))
    return sign.join(known.get(key, str(key)) for key in keys or ())


def reader_of_people(users: QuerySet) -> Callable[..., int]:
    """Reads the email address or name of one of these users, who are read once."""
    by_email: dict[str, int] = {}
    by_name: dict[str, set[int]] = {}
    for pk, email, name in users.values_list("pk", "email", "name"):
        by_email[email.upper()] = pk
        by_name.setdefault(name.upper(), set()).add(pk)

    def read(text: str, conventions: Conventions = PLAIN) -> int:
        wanted = text.strip().upper()
        found = {by_email[wanted]} if wanted in by_email else by_name.get(wanted, set())
        if len(found) != 1:
            raise ValueError(_("No colleague is called “%(name)s”.") % {"name": text[:60]})
        return next(iter(found))

    return read


def _read_person(text: str, conventions: Conventions = PLAIN) -> int:
    wanted = text.strip()
    return reader_of_people(User.objects.filter(Q(email__iexact=wanted) | Q(name__iexact=wanted)))(text)


def _type(field: CustomField) -> Type:
    kind = field.kind
    if kind == Kind.NUMBER:
        return Type(Reader(read_amount, asks="decimal"), say=partial(number, digits=field.decimals))
    if kind == Kind.MONEY:
        return Type(Reader(read_amount, asks="decimal"), say=lambda value: money(value, get_firm().currency))
    if kind == Kind.DATE:
        return DAY
    if kind == Kind.CHOICE:
        known, offered = choice(options(field, all_of_them=True)), choice(options(field))
        return Type(offered.read, known.plain, choices=offered.choices)
    if kind == Kind.CHOICES:
        plain = partial(_labels, field, sign="; ")
        return Type(partial(_read_several, field), plain, partial(_labels, field), choices=lambda: options(field))
    if kind == Kind.YES_NO:
        return YES_NO
    if kind == Kind.USER:
        return Type(_read_person, say=lambda value: f"#{value}")
    if kind == Kind.CLIENT:
        return Type(say=lambda value: f"#{value}")
    return limited(LONGEST[Kind(kind)])


class _YesNo(forms.NullBooleanField):
    def __init__(self, **kwargs):
        pairs = [("unknown", "—"), ("true", _lazy("Yes")), ("false", _lazy("No"))]
        super().__init__(widget=forms.NullBooleanSelect, **kwargs)
        self.widget.choices = pairs

    def validate(self, value):
        if value is None and self.required:
            raise forms.ValidationError(_("Choose yes or no."), code="required")


def _control(field: CustomField, principal: Any, **given: Any) -> forms.Field:
    kind = Kind(field.kind)
    if kind in NUMBERS:
        return forms.DecimalField(widget=forms.TextInput(attrs={"inputmode": "decimal"}), localize=False, **given)
    if kind is Kind.DATE:
        return forms.DateField(widget=DateInput(), **given)
    if kind is Kind.CHOICE:
        return forms.ChoiceField(choices=[("", "—"), *options(field)], **given)
    if kind is Kind.CHOICES:
        widget = forms.SelectMultiple(attrs={"data-combobox": ""})
        return forms.MultipleChoiceField(choices=options(field), widget=widget, **given)
    if kind is Kind.YES_NO:
        return _YesNo(**given)
    if link := links.get(kind):
        rows = link.seen(principal)
        if link.url:
            return SearchedField(rows, url=link.url, empty_label="—", **given)
        return forms.ModelChoiceField(
            rows.filter(is_active=True) if kind is Kind.USER else rows, empty_label="—", **given
        )
    if kind is Kind.LONG_TEXT:
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **given)
    attrs = {Kind.URL: "url", Kind.EMAIL: "email", Kind.PHONE: "tel"}
    return forms.CharField(widget=forms.TextInput(attrs={"type": attrs.get(kind, "text")}), **given)


class _LinkField(serializers.IntegerField):
    """The id of a row that the caller sees; any other is unknown, and shown as null."""

    def __init__(self, link: Link, **kwargs):
        super().__init__(min_value=1, max_value=2**63 - 1, **kwargs)
        self.link = link

    def to_internal_value(self, data):
        pk = super().to_internal_value(data)
        if not self.link.seen(self.context["request"].principal).filter(pk=pk).exists():
            raise serializers.ValidationError(_("There is no row with this id."))
        return pk

    def to_representation(self, value):
        return value if value in self._seen() else None

    def _seen(self) -> set[int]:
        """Of all rows that are answered, so that a page of them costs one statement."""
        context: Any = self.context
        known, name = context.setdefault("seen_links", {}), str(self.field_name)
        if name not in known:
            found = self.root.instance
            rows = found if isinstance(found, list) else [found]
            ids = {getattr(row, name) for row in rows} - {None}
            seen = self.link.seen(context["request"].principal).filter(pk__in=ids)
            known[name] = set(seen.values_list("pk", flat=True))
        return known[name]


def _api(field: CustomField) -> serializers.Field:
    kind, told = Kind(field.kind), dict[str, Any](required=field.is_required, allow_null=not field.is_required)
    told["help_text"] = field.hint or field.label
    if kind in NUMBERS:
        return serializers.DecimalField(max_digits=None, decimal_places=None, normalize_output=True, **told)
    if kind is Kind.DATE:
        return serializers.DateField(**told)
    if kind is Kind.CHOICE:
        return serializers.ChoiceField(
            choices=options(field, all_of_them=True), allow_blank=not field.is_required, **told
        )
    if kind is Kind.CHOICES:
        child = serializers.ChoiceField(choices=options(field, all_of_them=True))
        return serializers.ListField(child=child, allow_empty=not field.is_required, **told)
    if kind is Kind.YES_NO:
        return serializers.BooleanField(**told)
    if link := links.get(kind):
        return _LinkField(link, **told)
    return serializers.CharField(max_length=LONGEST[kind], allow_blank=not field.is_required, **told)


@dataclass(frozen=True)
class Shape:
    type: Callable[[CustomField], Type] = _type
    control: Callable[..., forms.Field] = _control
    api: Callable[[CustomField], Any] = _api
    keep: Callable[[Any], Any] = lambda value: value
    load: Callable[[Any], Any] = lambda kept: kept


_NUMBER = Shape(keep=_json_number, load=plain_decimal)
_DATE = Shape(keep=date.isoformat, load=date.fromisoformat)
SHAPES: dict[str, Shape] = {Kind.NUMBER: _NUMBER, Kind.MONEY: _NUMBER, Kind.DATE: _DATE}
PLAIN_SHAPE = Shape()


def shape_of(field: CustomField) -> Shape:
    return SHAPES.get(field.kind, PLAIN_SHAPE)


def load(field: CustomField, kept: Any) -> Any:
    """The value of what a row keeps; None for nothing, and for what is no value of this kind."""
    if kept is None:
        return None
    try:
        return shape_of(field).load(kept)
    except (TypeError, ValueError, InvalidOperation):
        return None


def clean(field: CustomField, value: Any, before: Any = None) -> Any:
    """The value as it will be kept by the row; None for nothing. Raises ValueError with a sentence. A choice that is no longer
    offered stays where it is (`before`)."""
    kind = Kind(field.kind)
    if isinstance(value, str):
        value = value.replace("\0", "").strip() if kind is Kind.LONG_TEXT else " ".join(value.replace("\0", "").split())
    if isinstance(value, Model):
        value = value.pk
    if value in (None, "", [], ()):
        return None
    if kind in LONGEST:
        _check_text(field, kind, value)
    elif kind in NUMBERS:
        value = _number(field, value)
    elif kind is Kind.DATE and not is_plausible(value):
        raise ValueError(_("This date is too far away."))
    elif kind in CHOSEN:
        value = _chosen(field, kind, value, before)
    if kind in NUMBERS or kind is Kind.DATE:
        _check_range(field, value)
    return value


def _check_text(field: CustomField, kind: Kind, text: str) -> None:
    if len(text) > LONGEST[kind]:
        words = _("Use at most %(n)d characters; this has %(has)d.")
        raise ValueError(words % {"n": LONGEST[kind], "has": len(text)})
    if kind is Kind.EMAIL:
        valid(text, IS_EMAIL)
    elif kind is Kind.URL:
        valid(text, IS_URL)
    elif kind is Kind.PHONE and len(re.sub("[^0-9]", "", text)) < 3:
        raise ValueError(_("“%(number)s” is not a phone number.") % {"number": text})
    if field.pattern and not fits(field.pattern, text):
        words = _("“%(text)s” does not look like %(pattern)s.")
        raise ValueError(words % {"text": text[:40], "pattern": field.pattern})


def _number(field: CustomField, value: Any) -> Decimal:
    try:
        made = Decimal(str(value))
        if not made.is_finite() or len(plain_decimal(made).as_tuple().digits) > DIGITS or abs(made) >= 10**DIGITS:
            raise ValueError(_("Use at most %(n)d digits.") % {"n": DIGITS})
    except InvalidOperation as error:
        raise ValueError(_("Enter a number.")) from error
    places = 2 if field.kind == Kind.MONEY else field.decimals
    if made != round(made, places):
        if places == 0:
            raise ValueError(_("Enter a whole number."))
        raise ValueError(_("Use at most %(n)d decimals.") % {"n": places})
    return plain_decimal(made)


def _chosen(field: CustomField, kind: Kind, value: Any, before: Any) -> Any:
    offered = dict(options(field))
    kept = set(before if isinstance(before, list) else [before])
    given = list(dict.fromkeys(value)) if kind is Kind.CHOICES else [value]
    if wrong := [each for each in given if each not in offered and each not in kept]:
        allowed = ", ".join(offered.values())
        raise ValueError(_("“%(text)s” is not one of: %(allowed)s.") % {"text": str(wrong[0])[:40], "allowed": allowed})
    order = [option["key"] for option in field.options]
    return (
        sorted(given, key=lambda each: order.index(each) if each in order else len(order))
        if kind is Kind.CHOICES
        else value
    )


def limit(field: CustomField, text: str) -> Any:
    """`least` or `most` as a value; None for none."""
    if not text:
        return None
    return date.fromisoformat(text) if field.kind == Kind.DATE else Decimal(text)


def _check_range(field: CustomField, value: Any) -> None:
    least, most = limit(field, field.least), limit(field, field.most)
    say = shape_of(field).type(field).words
    if least is not None and most is not None and not least <= value <= most:
        words = _("Enter a value from %(least)s to %(most)s.")
        raise ValueError(words % {"least": say(least), "most": say(most)})
    if least is not None and value < least:
        raise ValueError(_("Enter %(least)s or more.") % {"least": say(least)})
    if most is not None and value > most:
        raise ValueError(_("Enter %(most)s or less.") % {"most": say(most)})

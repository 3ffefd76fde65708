"""What would become of the values of a field with another type. Each distinct value is read once, as an import would read its text."""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import Count, Model, QuerySet
from django.utils.translation import gettext as _

from crm.core.base.deciding import Decision, decide
from crm.core.base.principals import Principal
from crm.core.base.reading import PLAIN, Conventions, fold
from crm.core.fields.custom.choices import CHOSEN, FILTERED, UNIQUE, WRITTEN, Kind
from crm.core.fields.custom.models import CustomField, FieldChange
from crm.core.fields.custom.sql import at
from crm.core.fields.custom.values import clean, load, reader_of_people, shape_of
from crm.core.fields.types import several
from crm.core.users.models import User

MOST_SHOWN = 50
MOST_OPTIONS = 200
MOST_PLACES = 6


@dataclass(frozen=True)
class Value:
    """A distinct value: as rows keep it, as text, in how many rows, and of those how many the principal sees; what it becomes, or why
    it has no equivalent."""

    kept: Any
    text: str
    n: int
    n_seen: int = 0
    becomes: Any = None
    why: str = ""


@dataclass(frozen=True)
class Conversion:
    """`to`: the field as it would be. `decision`: how the texts are written, where that must be asked. `way`: how they are read."""

    to: CustomField
    values: list[Value]
    decision: Decision | None = None
    way: str = ""

    @property
    def fitting(self) -> list[Value]:
        return [value for value in self.values if not value.why]

    @property
    def failing(self) -> list[Value]:
        return [value for value in self.values if value.why]

    @property
    def n_fitting(self) -> int:
        return sum(value.n for value in self.fitting)

    @property
    def n_failing(self) -> int:
        return sum(value.n for value in self.failing)

    @property
    def must_ask(self) -> bool:
        return self.decision is not None and self.decision.must_ask


def conversion(principal: Principal, row: CustomField, model: type[Model], to: Kind, reading: str = "") -> Conversion:
    """Of all values that there are; choices and examples are made only of those that the principal sees. `reading`: how dates or numbers
    are written, if the texts leave it open; without an answer the first way is shown."""
    found = _distinct(principal, row, model)
    seen = dict.fromkeys(value.text for value in found if value.n_seen)
    texts = [*seen, *(value.text for value in found if value.text not in seen)]
    target = _target(row, to, seen)
    asks = _asked(row, target)
    decision = _with_samples_of(seen, decide(asks, texts)) if asks else None
    way = reading or (decision.value or next((each.value for each in decision.options), "") if decision else "")
    made = [*map(Converter(row, target, _written(asks, way)).convert, found)]
    if to == Kind.NUMBER:
        made = _with_places(target, made)
    return Conversion(target, made, decision, way)


def _with_samples_of(seen: Iterable[str], decision: Decision) -> Decision:
    options = [
        replace(
            option, samples=tuple(sample for sample in option.samples if sample[0] in {text.strip() for text in seen})
        )
        for option in decision.options
    ]
    return replace(decision, options=tuple(options))


def _distinct(principal: Principal, row: CustomField, model: Any) -> list[Value]:
    here = at(row.held_at)
    rows = model._default_manager.annotate(found=here).filter(found__isnull=False).order_by()
    seen = rows.filter(pk__in=model._default_manager.visible_to(principal).order_by().values("pk"))
    counted = list(rows.values_list("found").annotate(n=Count("pk")))
    n_seen = {_hashable(kept): n for kept, n in seen.values_list("found").annotate(n=Count("pk"))}
    names = names_for(row)
    made = [Value(kept, text_of(row, kept, names), n, n_seen.get(_hashable(kept), 0)) for kept, n in counted]
    return sorted(made, key=lambda value: (-value.n, value.text))


def names_for(row: CustomField) -> Mapping[int, str]:
    """The names that `text_of` needs."""
    return dict(User.objects.values_list("pk", "name")) if row.kind == Kind.USER else {}


def text_of(row: CustomField, kept: Any, names: Mapping[int, str]) -> str:
    """A kept value as text that a file would hold."""
    value = load(row, kept)
    if row.kind == Kind.USER:
        return names.get(value, f"#{value}")
    if row.kind == Kind.YES_NO:
        return str(_("yes") if value else _("no"))
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(shape_of(row).type(row).plain(value)) if value is not None else str(kept)


def _target(row: CustomField, to: Kind, texts: Iterable[str]) -> CustomField:
    """The field with another type: its limits and pattern belong to the old one."""
    made = copy(row)
    made.kind, made.least, made.most = to, "", ""
    made.pattern = row.pattern if to in WRITTEN and row.kind in WRITTEN else ""
    made.is_unique, made.is_filtered = row.is_unique and to in UNIQUE, row.is_filtered and to in FILTERED
    made.decimals = MOST_PLACES if to == Kind.NUMBER else 0
    if to in CHOSEN and row.kind not in CHOSEN:
        made.options = _options(texts, to)
    elif to not in CHOSEN:
        made.options = []
    return made


def _options(texts: Iterable[str], to: Kind) -> list[dict[str, Any]]:
    """A choice for each text; more than there may be have none. The keys are set when it is saved, by the same labels."""
    parts = {part for text in texts for part in (several(text) if to == Kind.CHOICES else [" ".join(text.split())])}
    labels: dict[str, str] = {}
    for part in sorted(parts, key=str.casefold):
        labels.setdefault(fold(part) or part, part[:80])
    return [{"label": label, "key": f"new-{n}"} for n, label in enumerate(labels.values())][:MOST_OPTIONS]


class Converter:
    """Makes values of a field those of another type. `way`: how dates or numbers are written in its texts."""

    def __init__(self, before: CustomField, to: CustomField, conventions: Conventions):
        self.before, self.to, self.conventions, self.names = before, to, conventions, names_for(before)
        self.of_text = reader_of_people(User.objects.all()) if to.kind == Kind.USER else shape_of(to).type(to).read
        self.made: dict[Any, Value] = {}

    @classmethod
    def forth(cls, change: FieldChange, field: CustomField) -> "Converter":
        to = as_of(field, change.to_kind, change.target)
        return cls(field, to, _written(_asked(field, to), change.reading))

    @classmethod
    def back(cls, change: FieldChange, field: CustomField) -> "Converter":
        return cls(field, as_of(field, change.from_kind, change.settings), PLAIN)

    def __call__(self, kept: Any) -> Value:
        """Of a kept value; the same one is read once."""
        key = _hashable(kept)
        if key not in self.made:
            self.made[key] = self.convert(Value(kept, text_of(self.before, kept, self.names), 1))
        return self.made[key]

    def convert(self, value: Value) -> Value:
        """With what it becomes, or why it has no equivalent."""
        try:
            becomes = self._becomes(value)
        except ValueError as error:
            return replace(value, why=str(error))
        if becomes is None:
            return replace(value, why=_("is empty."))
        return replace(value, becomes=shape_of(self.to).keep(becomes))

    def _becomes(self, value: Value) -> Any:
        to = self.to
        keys = _keys_of(value.kept) if self.before.kind in CHOSEN and to.kind in CHOSEN else []
        if keys and (to.kind == Kind.CHOICES or len(keys) == 1):  # a renamed choice is still the same choice
            return clean(to, keys if to.kind == Kind.CHOICES else keys[0], keys)
        return clean(to, self.of_text(value.text, self.conventions))


def as_of(field: CustomField, kind: str, settings: dict[str, Any]) -> CustomField:
    made = copy(field)
    for name, value in {**settings, "kind": kind}.items():
        setattr(made, name, value)
    return made


def _asked(before: CustomField, to: CustomField) -> str:
    """What the texts of the values may leave open: "date_order", "decimal" or ""."""
    is_text = before.kind in (*WRITTEN, Kind.LONG_TEXT, *CHOSEN)
    return getattr(shape_of(to).type(to).read, "asks", "") if is_text else ""


def _written(asks: str, way: str) -> Conventions:
    return replace(PLAIN, date_order=way) if asks == "date_order" else replace(PLAIN, decimal=way)


def _keys_of(kept: Any) -> list[Any]:
    return kept if isinstance(kept, list) else [kept]


def _with_places(to: CustomField, values: list[Value]) -> list[Value]:
    """As many decimals as the values have."""
    places = [-int(Decimal(str(value.becomes)).normalize().as_tuple().exponent) for value in values if not value.why]  # type: ignore[arg-type]
    to.decimals = max([0, *places])
    return values


def failing_rows(row: CustomField, rows: QuerySet, found: Conversion) -> list[tuple[Any, Value]]:
    """The first of the rows whose value has no equivalent, with it."""
    by_kept = {_hashable(value.kept): value for value in found.failing}
    if not by_kept:
        return []
    here = at(row.held_at)
    kept = [value.kept for value in found.failing][:1000]
    matching = rows.annotate(found=here).filter(found__in=kept).order_by("pk")[:MOST_SHOWN]
    return [(each, by_kept[_hashable(each.found)]) for each in matching]


def _hashable(kept: Any) -> Any:
    return tuple(kept) if isinstance(kept, list) else (type(kept).__name__, kept)

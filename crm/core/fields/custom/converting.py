"""What would become of the values of a field with another type. Each distinct value is read once, as an import would read its text."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Model, QuerySet
from django.utils.translation import gettext as _

from crm.core.base.deciding import Decision, decide
from crm.core.base.reading import PLAIN, Conventions, fold
from crm.core.fields.custom.choices import CHOSEN, FILTERED, UNIQUE, WRITTEN, Kind
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.sql import JsonAt
from crm.core.fields.custom.values import clean, load, shape_of
from crm.core.fields.types import several
from crm.core.users.models import User

MOST_SHOWN = 50
MOST_OPTIONS = 200
MOST_PLACES = 6


@dataclass(frozen=True)
class Value:
    """A distinct value: as rows keep it, as text, in how many rows; what it becomes, or why it has no equivalent."""

    kept: Any
    text: str
    n: int
    becomes: Any = None
    why: str = ""


@dataclass(frozen=True)
class Conversion:
    """`to`: the field as it would be. `decision`: how the texts are written, where that must be asked."""

    to: CustomField
    values: list[Value]
    decision: Decision | None = None
    conventions: Conventions = PLAIN

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


def conversion(row: CustomField, model: type[Model], to: Kind, reading: str = "") -> Conversion:
    """Of all values that there are. `reading`: how dates or numbers are written, if the texts leave it open; without an answer the first
    way is shown."""
    found = _distinct(row, model)
    texts = {value.text for value in found}
    target = _target(row, to, texts)
    asks = (
        getattr(shape_of(target).type(target).read, "asks", "")
        if row.kind in (*WRITTEN, Kind.LONG_TEXT, *CHOSEN)
        else ""
    )
    decision = decide(asks, texts) if asks else None
    way = reading or (decision.value or next((each.value for each in decision.options), "") if decision else "")
    conventions = replace(PLAIN, date_order=way) if asks == "date_order" else replace(PLAIN, decimal=way)
    made = [converted(target, value, conventions) for value in found]
    if to == Kind.NUMBER:
        made = _with_places(target, made)
    return Conversion(target, made, decision, conventions)


def _distinct(row: CustomField, model: type[Model]) -> list[Value]:
    here = JsonAt(F("custom"), key=row.key)
    rows = model._default_manager.annotate(found=here).filter(found__isnull=False).order_by()
    counted = list(rows.values_list("found").annotate(n=Count("pk")))
    names = dict(User.objects.values_list("pk", "name")) if row.kind == Kind.USER else {}
    made = [Value(kept, text_of(row, kept, names), n) for kept, n in counted]
    return sorted(made, key=lambda value: (-value.n, value.text))


def text_of(row: CustomField, kept: Any, names: Mapping[int, str] | None = None) -> str:
    """A kept value as text that a file would hold."""
    value = load(row, kept)
    if row.kind == Kind.USER:
        return (names or {}).get(value, f"#{value}")
    if row.kind == Kind.YES_NO:
        return str(_("yes") if value else _("no"))
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(shape_of(row).type(row).plain(value)) if value is not None else str(kept)


def _target(row: CustomField, to: Kind, texts: set[str]) -> CustomField:
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


def _options(texts: set[str], to: Kind) -> list[dict[str, Any]]:
    """A choice for each text; more than there may be have none. The keys are set when it is saved, by the same labels."""
    parts = {part for text in texts for part in (several(text) if to == Kind.CHOICES else [" ".join(text.split())])}
    labels: dict[str, str] = {}
    for part in sorted(parts, key=str.casefold):
        labels.setdefault(fold(part) or part, part[:80])
    return [{"label": label, "key": f"new-{n}"} for n, label in enumerate(labels.values())][:MOST_OPTIONS]


def converted(to: CustomField, value: Value, conventions: Conventions) -> Value:
    """The value with what it becomes, or why it has no equivalent."""
    try:
        read = shape_of(to).type(to).read(value.text, conventions)
        made = clean(to, read)
    except ValueError as error:
        return Value(value.kept, value.text, value.n, None, str(error))
    if made is None:
        return Value(value.kept, value.text, value.n, None, _("is empty."))
    return Value(value.kept, value.text, value.n, shape_of(to).keep(made))


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
    here = JsonAt(F("custom"), key=row.key)
    kept = [value.kept for value in found.failing][:1000]
    matching = rows.annotate(found=here).filter(found__in=kept).order_by("pk")[:MOST_SHOWN]
    return [(each, by_kept[_hashable(each.found)]) for each in matching]


def _hashable(kept: Any) -> Any:
    return tuple(kept) if isinstance(kept, list) else (type(kept).__name__, kept)

"""Formulas and roll-ups as entries of their record's catalogue: what they give is computed by the database, never kept.

One definition serves column, filter, sort, rule, file and API: `ComputedEntry.expression(principal, now)`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import models
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from drf_spectacular.drainage import set_override
from rest_framework import serializers

from crm.core.fields.catalogue import BUSINESS, Catalogue, Field
from crm.core.fields.custom import rollups
from crm.core.fields.custom.choices import COMPUTED, WRITTEN, Kind
from crm.core.fields.custom.entry import CustomEntry
from crm.core.fields.custom.filters import filters_of
from crm.core.fields.custom.formulas import sql
from crm.core.fields.custom.formulas.checking import Asked, Checker, Fact, FormulaError, Part, Result
from crm.core.fields.custom.formulas.grammar import Node, parse
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.rollups import How
from crm.core.fields.custom.values import options
from crm.core.fields.types import DAY, TEXT, YES_NO, Type, named
from crm.core.firm.queries import get_firm
from crm.core.listing.columns import Column
from crm.core.listing.paging import Sort
from crm.core.ui.formatting import money, number

MOST_CHAINED = 10
UNRATED = "_unrated"  # after the name of a value: how many amounts it leaves out
LIKE = {  # the kind of custom field that a result is filtered, shown and ruled like
    Result.NUMBER: Kind.NUMBER,
    Result.MONEY: Kind.MONEY,
    Result.TEXT: Kind.TEXT,
    Result.DATE: Kind.DATE,
    Result.YES_NO: Kind.YES_NO,
}


@dataclass(frozen=True)
class Computed:
    """What a formula or roll-up gives, in a comparison (`comparing.py`)."""

    entry: "ComputedEntry"

    def here(self, principal: Any = None, now: datetime | None = None) -> Any:
        return self.entry.expression(principal, now or timezone.now())

    def text(self, principal: Any = None, now: datetime | None = None) -> Any:
        return Lower(self.here(principal, now))

    def kept(self, value: Any) -> Any:
        return Value(value, self.entry.output)


@dataclass(frozen=True)
class ComputedEntry(CustomEntry):
    """A formula or a roll-up in its catalogue. `part`: what it computes; None while it does not work, and `why()` tells why."""

    part: Part | None = None
    why: Callable[[], str] = lambda: ""

    @classmethod
    def made_of(cls, definition: CustomField, model: Any, part: Part | None, why: Callable[[], str]) -> "ComputedEntry":
        made = cls(
            definition.name,
            definition.label,
            _type_of(definition, part),
            privacy=BUSINESS,
            group=f"custom-{definition.section_id or 0}",
            hint=definition.hint,
            is_optional=True,
            is_imported=False,
            model=model,
            definition=definition,
            part=part,
            why=why,
        )
        return replace(made, sort=made._sort()) if part and definition.is_filtered else made

    def _sort(self) -> Sort:
        """A count is never without a value, so that its pages read one section."""
        is_count = self.definition.kind == Kind.ROLLUP and self.definition.rollup.get("how") == How.COUNT
        return Sort(f"sort_{self.name}", nullable=not is_count, expression=self.expression)

    @property
    def is_computed(self) -> bool:
        return True

    @property
    def problem(self) -> str:
        return "" if self.part else self.why()

    @property
    def uses(self) -> frozenset[str]:
        """The names of the fields in it, whether it works or not."""
        if self.part is not None:
            return self.part.uses
        try:
            return frozenset(str(node.value) for node in parse(self.definition.formula).walk() if node.kind == "field")
        except FormulaError:
            return frozenset()

    @property
    def is_personal(self) -> bool:
        return self.part is not None and self.part.is_personal

    @property
    def result(self) -> Result:
        return self.part.type if self.part else Result.TEXT

    @property
    def like(self) -> Kind:
        return LIKE[self.result]

    @property
    def output(self) -> Any:
        return {
            Result.NUMBER: sql.NUMBER,
            Result.MONEY: sql.NUMBER,
            Result.DATE: sql.DAY,
            Result.YES_NO: sql.YES_NO,
        }.get(self.result, sql.TEXT)

    @property
    def side(self) -> Any:
        return Computed(self)

    def expression(self, principal: Any, now: datetime, *, of_all: bool = True, of_none: bool = False) -> Any:
        """What the database computes for each row, as the principal sees it; `of_all`: for a filter or sort."""
        assert self.part is not None  # nothing asks one that does not work
        return self._bounded(self.part.make(Asked(principal, now, of_all, of_none)))

    def _bounded(self, made: Any) -> Any:
        if self.result in (Result.NUMBER, Result.MONEY):
            return sql.bounded(made, self.places)
        if self.result == Result.TEXT:
            return sql.sql(f"NULLIF(left(%(expressions)s, {sql.LONGEST}), '')", made, field=sql.TEXT)
        return made

    @property
    def as_part(self) -> Part:
        """For formulas that use it."""
        part: Any = self.part
        return replace(
            part,
            make=lambda asked: self._bounded(part.make(asked)),
            uses=frozenset({self.name}) | part.uses,
            levels=part.levels + 1,
        )

    def unrated(self, principal: Any, now: datetime) -> Any:
        """How many amounts it leaves out, as they have no rate; None where it has none."""
        made = [each(Asked(principal, now)) for each in self.part.unrated] if self.part else []
        return sql.sql("(%(expressions)s)", *made, field=sql.NUMBER, between=" + ") if made else None

    # What rows show

    def raw(self, row: Any) -> Any:
        """As `load_values` read it."""
        return row.__dict__.get(self.name)

    def text(self, row: Any) -> str:
        if self.part is None:
            return self.broken_words
        said = self.type.words(self.raw(row))
        n = row.__dict__.get(self.name + UNRATED)
        if not n:
            return said
        left_out = ngettext("%(n)d without a rate", "%(n)d without a rate", int(n)) % {"n": int(n)}
        return f"{said} ({left_out})"

    def value(self, row: Any) -> Any:
        return self.broken_words if self.part is None else self.raw(row)

    def listed(self, row: Any) -> Any:
        return self.value(row)

    @property
    def broken_words(self) -> str:
        return _("Does not work: %(why)s") % {"why": self.why()}

    def in_list(self, label: Any = "", **told: Any) -> Column:
        css = {Kind.NUMBER: "num", Kind.MONEY: "num", Kind.DATE: "nowrap"}.get(self.like, "")
        return Field.in_list(
            self, label, **{"css": css, "decorate": self._decorate, "first": "desc" if css == "num" else "asc"} | told
        )

    def _decorate(self, rows: list[Any], listing: Any) -> None:
        if rows and self.name not in rows[0].__dict__:
            shown = [entry for name, entry in rows[0].custom_fields().items() if name in listing.keys]
            load_values(listing.principal, listing.now, rows, shown or [self])

    @property
    def is_grouped(self) -> bool:
        return False

    def filters(self) -> dict[str, Any]:
        return filters_of(self.definition, self.side, self.like) if self.part else {}

    def serializer_field(self) -> Any:
        return _ComputedField(self)


def _type_of(definition: CustomField, part: Part | None) -> Type:
    kind = part.type if part else Result.TEXT
    if kind == Result.NUMBER:
        return Type(say=partial(number, digits=definition.decimals))
    if kind == Result.MONEY:
        return Type(say=lambda value: money(value, get_firm().currency))
    return {Result.DATE: DAY, Result.YES_NO: YES_NO}.get(kind, TEXT)


FORMATS: dict[Kind, dict[str, Any]] = {
    Kind.NUMBER: {"format": "decimal"},
    Kind.MONEY: {"format": "decimal"},
    Kind.DATE: {"format": "date"},
}


class _ComputedField(serializers.Field):
    """Read-only. All rows that are answered are computed in one statement."""

    def __init__(self, entry: ComputedEntry):
        super().__init__(read_only=True, help_text=entry.hint or entry.label)
        self.entry = entry
        set_override(
            self,
            "field",
            {"type": ["boolean" if entry.like is Kind.YES_NO else "string", "null"]} | FORMATS.get(entry.like, {}),
        )

    def get_attribute(self, instance):
        if self.entry.name not in instance.__dict__:
            found = self.root.instance
            rows = [row for row in (found if isinstance(found, list) else [found]) if type(row) is type(instance)]
            rows = rows if any(row is instance for row in rows) else [instance]
            principal = self.context["request"].principal
            load_values(principal, timezone.now(), rows, instance.custom_fields().values())
        return self.entry.raw(instance)

    def get_value(self, dictionary):
        return None

    def to_representation(self, value):
        if value is None:
            return None
        if self.entry.result in (Result.NUMBER, Result.MONEY):
            return format(value, "f")
        return value.isoformat() if self.entry.result == Result.DATE else value


def load_values(principal: Any, now: datetime, rows: Sequence[Any], entries: Iterable[CustomEntry]) -> None:
    """Compute these entries for rows that the principal sees: one statement for all of them."""
    computed = [entry for entry in entries if isinstance(entry, ComputedEntry)]
    wanted: dict[str, Any] = {}
    for entry in computed:
        if entry.part is not None:
            wanted[entry.name] = entry.expression(principal, now, of_all=False)
            if (unrated := entry.unrated(principal, now)) is not None:
                wanted[entry.name + UNRATED] = unrated
    for row in rows:
        row.__dict__.update(dict.fromkeys([entry.name for entry in computed]))
    if not wanted or not rows:
        return
    found: QuerySet = type(rows[0])._base_manager.filter(pk__in=[row.pk for row in rows]).order_by()
    by_pk = {pk: values for pk, *values in found.annotate(**wanted).values_list("pk", *wanted)}
    for row in rows:
        row.__dict__.update(zip(wanted, by_pk.get(row.pk, [None] * len(wanted)), strict=True))


# Making the entries


def compute(
    catalogue: Catalogue,
    kept: Mapping[str, CustomEntry],
    live: Sequence[CustomField],
    known: Sequence[CustomField],
) -> dict[str, ComputedEntry]:
    """The formulas and roll-ups among `live` as entries, by name. `kept` are the entries that rows have values of."""
    return {field.name: _Maker(catalogue, kept, live, known).entry(field) for field in live if field.kind in COMPUTED}


class RingError(FormulaError):
    """Formulas that need each other, or too many that use each other."""


class _Maker:
    """Makes computed entries from each other. `path`: the fields that are being made, to find a ring."""

    def __init__(self, catalogue, kept, live, known):
        self.catalogue, self.kept, self.live, self.known = catalogue, kept, live, known
        self.computed = {field.name: field for field in live if field.kind in COMPUTED}
        self.made: dict[str, ComputedEntry] = {}
        self.path: list[CustomField] = []

    def entry(self, field: CustomField) -> ComputedEntry:
        if field.name not in self.made:
            try:
                part: Part | None = self.part(field)
            except FormulaError:
                part = None
            self.made[field.name] = ComputedEntry.made_of(field, self.catalogue.model, part, partial(self._why, field))
        return self.made[field.name]

    def _why(self, field: CustomField) -> str:
        """In the language of who reads it."""
        try:
            _Maker(self.catalogue, self.kept, self.live, self.known).part(field)
        except FormulaError as error:
            return str(error)
        return ""

    def part(self, field: CustomField) -> Part:
        """Raises FormulaError."""
        if field.kind == Kind.ROLLUP:
            return rollups.read(field.record, field.rollup).part
        if field in self.path:
            ring = [*self.path[self.path.index(field) :], field]
            names = " → ".join(f"“{each.label}”" for each in ring)
            raise RingError(_("The formula would need its own result: %(ring)s.") % {"ring": names})
        if len(self.path) >= MOST_CHAINED:
            words = _("More than %(n)d formulas would use each other, one after the other.")
            raise RingError(words % {"n": MOST_CHAINED})
        self.path.append(field)
        try:
            part = self.checker().check(parse(field.formula))
        finally:
            self.path.pop()
        if part.type == Result.CHOICES:
            raise FormulaError(_("Use has(…) to ask for one of several choices."))
        return part

    def checker(self) -> Checker:
        facts = {fact.name: fact for fact in (*own_facts(self.catalogue), *map(_kept_fact, self.kept.values()))}
        facts |= {name: Fact(name, field.label, partial(self._use, field)) for name, field in self.computed.items()}
        live = {field.name for field in self.live}
        words = _lazy("“%(name)s” is in the archive.")
        gone = {field.name: str(words) % {"name": field.label} for field in self.known if field.name not in live}
        return Checker(facts, gone)

    def _use(self, field: CustomField) -> Part:
        if field in self.path or field.name not in self.made:
            try:
                part = self.part(field)
            except RingError:
                raise
            except FormulaError as error:
                words = _("“%(name)s” does not work: %(why)s")
                raise FormulaError(words % {"name": field.label, "why": error}) from error
            self.made[field.name] = ComputedEntry.made_of(field, self.catalogue.model, part, str)
        return self.made[field.name].as_part


def checker_of(catalogue: Catalogue, entries: Mapping[str, CustomEntry], known: Sequence[CustomField]) -> Checker:
    """Knows every field of a record that formulas may name."""
    kept = {name: entry for name, entry in entries.items() if not entry.is_computed}
    return _Maker(catalogue, kept, [entry.definition for entry in entries.values()], known).checker()


def own_facts(catalogue: Catalogue) -> list[Fact]:
    """The built-in fields that formulas may name: those with a column whose value is the same for every reader."""
    found = (_own_fact(catalogue, entry) for entry in catalogue.values())
    return [fact for fact in found if fact is not None]


def _own_fact(catalogue: Catalogue, entry: Field) -> Fact | None:
    if callable(entry.source):
        return None
    path = (entry.source or entry.name).replace(".", "__")
    column = _column(catalogue.model, path)
    part = _own_part(catalogue, entry, path, column) if column is not None and not column.is_relation else None
    return Fact(entry.name, str(entry.label), lambda: part, part.type) if part else None


def _own_part(catalogue: Catalogue, entry: Field, path: str, column: Any) -> Part | None:
    if isinstance(column, models.DecimalField):
        return _amount(catalogue, entry, path)
    if isinstance(column, models.IntegerField):
        return Part(Result.NUMBER, lambda asked: sql.number(F(path)))
    if isinstance(column, models.DateTimeField):
        return Part(Result.DATE, lambda asked: sql.day_of(F(path), asked.zone))
    if isinstance(column, models.DateField):
        return Part(Result.DATE, lambda asked: F(path))
    if isinstance(column, models.BooleanField):
        return Part(Result.YES_NO, lambda asked: sql.truth_of(F(path)))
    if isinstance(column, models.CharField | models.TextField):
        pairs = tuple(entry.type.choices()) if column.choices and entry.type.choices else ()
        key_of = lambda asked: sql.filled(F(path))  # noqa: E731
        return _chosen(key_of, pairs) if pairs else Part(Result.TEXT, key_of)
    return None


def _amount(catalogue: Catalogue, entry: Field, path: str) -> Part | None:
    """An amount in the firm's currency. Of rows that have a currency of their own, what the catalogue says; a rate is none."""
    amounts = catalogue.custom_fields.amounts
    if "__" not in path and any(column.name == "currency" for column in catalogue.model._meta.fields):
        if not amounts or entry.name not in amounts:
            return None
        return Part(Result.MONEY, lambda asked: sql.number(amounts[entry.name]))
    return Part(Result.MONEY, lambda asked: sql.number(F(path)))


def _column(model: Any, path: str) -> Any:
    *joins, name = path.split("__")
    fields = {each.name: each for each in model._meta.get_fields()}
    for join in joins:
        if join not in fields:
            return None
        fields = {each.name: each for each in fields[join].related_model._meta.get_fields()}
    return fields.get(name)


def _chosen(key_of: Callable[[Asked], Any], pairs: Sequence[tuple[Any, Any]]) -> Part:
    """A choice: compared by its key, otherwise a text, its name. Its names are one parameter, which counts with its length."""

    def make(asked: Asked) -> Any:
        return sql.named({str(key): str(label) for key, label in pairs if key}, key_of(asked))

    return Part(Result.TEXT, make, 1 + len(pairs) // 10, choices=tuple(pairs), key_of=key_of)


def _kept_fact(entry: CustomEntry) -> Fact:
    return Fact(
        entry.name, entry.definition.label, lambda: _kept_part(entry.definition), KEPT.get(entry.definition.kind)
    )


KEPT = {Kind.NUMBER: Result.NUMBER, Kind.MONEY: Result.MONEY, Kind.DATE: Result.DATE, Kind.YES_NO: Result.YES_NO}
KEPT |= {
    Kind.CHOICE: Result.TEXT,
    Kind.CHOICES: Result.CHOICES,
    Kind.LONG_TEXT: Result.TEXT,
    **dict.fromkeys(WRITTEN, Result.TEXT),
}


def _kept_part(field: CustomField) -> Part:
    kind, key = Kind(field.kind), field.held_at
    if kind in (Kind.NUMBER, Kind.MONEY):
        return Part(KEPT[kind], lambda asked: sql.kept_number(key))
    if kind is Kind.DATE:
        return Part(Result.DATE, lambda asked: sql.kept_day(key))
    if kind is Kind.YES_NO:
        return Part(Result.YES_NO, lambda asked: sql.kept_truth(key))
    if kind is Kind.CHOICE:
        return _chosen(lambda asked: sql.kept_text(key), options(field, all_of_them=True))
    if kind is Kind.CHOICES:
        given = lambda asked: sql.kept_given(key)  # noqa: E731
        return Part(
            Result.CHOICES,
            given,
            choices=tuple(options(field, all_of_them=True)),
            among=lambda value: sql.kept_among(key, value),
        )
    if kind in KEPT:
        return Part(Result.TEXT, lambda asked: sql.filled(sql.kept_text(key)))
    raise FormulaError(
        _("“%(name)s” names a colleague or client: who may see them differs, so no formula can use it.")
        % {"name": field.label}
    )


# The text of a formula: kept with the names of fields and the keys of choices, shown with their labels


def stored(checker: Checker, text: str) -> str:
    """With the names that never change. Raises FormulaError."""
    return _rewritten(checker, text, _name_of, lambda pairs, words: named(pairs, words) or words)


def shown(checker: Checker, text: str) -> str:
    """As people read it; a text that cannot be read stays as it is."""
    try:
        return _rewritten(checker, text, _label_of, lambda pairs, words: str(dict(pairs).get(words, words)))
    except FormulaError:
        return text


def _name_of(checker: Checker, node: Node) -> str:
    return checker.fact(node).name


def _label_of(checker: Checker, node: Node) -> str:
    found = checker.named(str(node.value))
    if found is None or "[" in found.label or "]" in found.label or checker.named(f"[{found.label}]") != found:
        return str(node.value)
    return f"[{found.label}]"


def _rewritten(
    checker: Checker, text: str, of_field: Callable[[Checker, Node], str], of_choice: Callable[[Any, str], str]
) -> str:
    made = parse(text)
    changes = [(node.at, node.end, of_field(checker, node)) for node in made.walk() if node.kind == "field"]
    for node in made.walk():
        if node.kind == "call" and node.value in ("=", "<>", "has") and len(node.parts) == 2:
            changes += _choices_in(checker, node, of_choice)
    for at, end, words in sorted(set(changes), reverse=True):
        text = text[:at] + words + text[end:]
    return text


def _choices_in(checker: Checker, node: Node, of_choice: Callable[[Any, str], str]) -> list[tuple[int, int, str]]:
    """The choice that a comparison names, in quotes."""
    for field, other in (node.parts, node.parts[::-1]):
        if field.kind == "field" and other.kind == "text" and (fact := checker.named(str(field.value))):
            try:
                pairs = fact.part().choices
            except FormulaError:
                continue
            words = of_choice(pairs, other.value).replace('"', '""') if pairs else other.value.replace('"', '""')
            return [(other.at, other.end, f'"{words}"')]
    return []

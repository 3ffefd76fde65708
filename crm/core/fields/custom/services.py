"""The firm's own fields and their sections, set up by admins. Each change takes effect at once in every process: it writes a new
`fields_mark` in its own transaction.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Count, Max, Model
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer
from crm.core.base.principals import SYSTEM, Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.fields.custom.choices import CHOSEN, COMPUTED, FILTERED, RANGED, UNIQUE, WRITTEN, Kind
from crm.core.fields.custom.computed import ComputedEntry, checker_of, stored
from crm.core.fields.custom.entries import Record, records
from crm.core.fields.custom.entry import CustomEntry
from crm.core.fields.custom.formulas.checking import FormulaError
from crm.core.fields.custom.models import LONGEST_KEY, CustomField, FieldSection
from crm.core.fields.custom.patterns import check_pattern
from crm.core.fields.custom.sql import index_facts, set_indexes, value_of
from crm.core.fields.custom.telling import tell_archived, tell_renamed
from crm.core.fields.custom.values import limit
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import forget_firm

MOST_FIELDS, MOST_OPTIONS, LONGEST_OPTION = 100, 200, 80
BUSY = gettext_lazy("The records are busy right now. Try again in a minute.")
SETTINGS = (
    "label",
    "section",
    "hint",
    "is_required",
    "is_unique",
    "is_filtered",
    "least",
    "most",
    "pattern",
    "decimals",
    "options",
    "formula",
    "rollup",
)


@service(may=may_administer)
def create_field(principal: Principal, *, record: str, label: str, kind: str, **settings: Any) -> CustomField:
    """A field at the end of its section. Its key comes from the name and stays when that changes. Raises ServiceError with the field
    it concerns."""
    begin_change()
    return new_row(records[record], label=label, kind=kind, **settings)


@service(may=may_administer)
def update_field(
    principal: Principal, *, field: CustomField, seen_version: int | None = None, **settings: Any
) -> CustomField:
    """Change settings of a field, but its type. What no longer fits stays as it is until somebody edits it. Raises StaleWrite,
    ServiceError."""
    begin_change()
    row = CustomField.objects.select_for_update(of=("self",)).get(pk=field.pk)
    check_settled(row)
    of, before, label = records[row.record], index_facts(row), row.label
    _apply(row, settings, of)
    _check_computed(row, of, is_typed="formula" in settings)
    save_version(row, fields=[*settings], seen=seen_version)
    if index_facts(row) != before:
        index_again(row, of)
    if row.label != label:
        tell_renamed(principal, of, row, label)
    return row


@service(may=may_administer)
def archive_field(principal: Principal, *, field: CustomField, now: datetime) -> CustomField:
    """The field leaves forms, pages, lists, files and the API. Its values stay, for when it is restored."""
    begin_change()
    check_settled(CustomField.objects.get(pk=field.pk))
    row, is_changed = set_archived(field, at=now)
    if is_changed:
        index_again(row, records[row.record])
        tell_archived(principal, records[row.record], row)
    return row


@service(may=may_administer)
def restore_field(principal: Principal, *, field: CustomField) -> CustomField:
    """Raises ServiceError if another field has its name by now, or values repeat that may not."""
    begin_change()
    row, is_changed = set_archived(field, at=None)
    if is_changed:
        _check_label(row, records[row.record])
        index_again(row, records[row.record])
    return row


@service(may=may_administer)
def order_fields(principal: Principal, *, record: str, ids: Sequence[int]) -> None:
    """Put the fields in this order; any that are not named come last."""
    begin_change()
    _order(CustomField.objects.kept().filter(record=record).order_by("position", "pk"), ids)


@service(may=may_administer)
def order_choices(principal: Principal, *, field: CustomField, keys: Sequence[str]) -> CustomField:
    """Put the choices in this order; any that are not named come last."""
    begin_change()
    row = CustomField.objects.select_for_update(of=("self",)).get(pk=field.pk)
    check_settled(row)
    places = {key: place for place, key in enumerate(keys)}
    row.options = sorted(row.options, key=lambda option: places.get(option["key"], len(places)))
    save_version(row, fields=["options"], seen=None)
    return row


@service(may=may_administer)
def create_section(principal: Principal, *, record: str, name: str, kind: str = "") -> FieldSection:
    """A section at the end. Raises ServiceError (fields name, kind)."""
    begin_change()
    last = FieldSection.objects.filter(record=record).aggregate(last=Max("position"))["last"]
    row = FieldSection(record=record, position=0 if last is None else last + 1)
    _apply_section(row, name, kind)
    row.save()
    return row


@service(may=may_administer)
def update_section(
    principal: Principal, *, section: FieldSection, seen_version: int | None = None, name: str, kind: str = ""
) -> FieldSection:
    """Raises StaleWrite, ServiceError (fields name, kind)."""
    begin_change()
    row = FieldSection.objects.select_for_update().get(pk=section.pk)
    _apply_section(row, name, kind)
    save_version(row, fields=["name", "kind"], seen=seen_version)
    return row


@service(may=may_administer)
def order_sections(principal: Principal, *, record: str, ids: Sequence[int]) -> None:
    """Put the sections in this order; any that are not named come last."""
    begin_change()
    _order(FieldSection.objects.filter(record=record), ids)


@service(may=may_administer)
def remove_section(principal: Principal, *, section: FieldSection) -> None:
    """Delete a section; its fields stand at the top, without one."""
    begin_change()
    for row in CustomField.objects.filter(section=section).select_for_update():
        row.section = None
        save_version(row, fields=["section"], seen=None)
    section.delete()


def _check_computed(row: CustomField, of: Record, *, is_typed: bool) -> None:
    """A formula is kept with the names of fields and the keys of choices; `is_typed`: it may still have their labels. It must work, and
    so must those that use it. Raises ServiceError (field formula or rollup)."""
    known = list(CustomField.objects.filter(record=row.record).select_related("section"))
    live = [field for field in known if field.archived_at is None]
    before = of.custom.made(of.catalogue, live, known)  # not the catalogue's, which would be kept under the new mark
    if row.kind == Kind.FORMULA and is_typed:
        try:
            row.formula = stored(checker_of(of.catalogue, before, known), row.formula)
        except FormulaError as error:
            raise ServiceError(_where(row.formula, error), field="formula") from error
    after = of.custom.made(of.catalogue, [*(field for field in live if field.pk != row.pk), row], known)
    if after[row.name].problem:
        raise ServiceError(after[row.name].problem, field=_broken_by(row))
    _compute_none(of, [entry for entry in after.values() if row.name in (entry.name, *getattr(entry, "uses", ()))])
    for entry in after.values():
        if entry.problem and entry.name in before and not before[entry.name].problem:
            told = {"name": entry.label, "why": entry.problem}
            raise ServiceError(
                _("“%(name)s” uses this field and would no longer work: %(why)s") % told, field=_broken_by(row)
            )


def _compute_none(of: Record, entries: Iterable[CustomEntry]) -> None:
    """Let the database read these formulas and roll-ups for no row: what it cannot compute fails here, not on each page that shows it."""
    now = timezone.now()
    made = {
        f"{entry.name}_{of_all}": entry.expression(SYSTEM, now, of_all=of_all, of_none=True)
        for entry in entries
        if isinstance(entry, ComputedEntry) and entry.part is not None
        for of_all in (False, True)
    }
    if made:
        list(of.model._base_manager.filter(pk__lt=0).annotate(**made).order_by().values_list(*made))


def _where(text: str, error: FormulaError) -> str:
    """What is wrong, with the rest of the formula from there on."""
    rest = text[error.at :].strip()[:30] if error.at is not None else ""
    return _("%(what)s See: %(rest)s") % {"what": error, "rest": rest} if rest else str(error)


def _broken_by(row: CustomField) -> str:
    return {Kind.FORMULA: "formula", Kind.ROLLUP: "rollup"}.get(Kind(row.kind), "options")


def new_row(of: Record, *, label: str, kind: str, **settings: Any) -> CustomField:
    """A field that others see once the change is over."""
    live = CustomField.objects.kept().filter(record=of.key)
    if live.count() >= MOST_FIELDS:
        raise ServiceError(_("There can be at most %(n)d fields. Archive one first.") % {"n": MOST_FIELDS})
    last = CustomField.objects.filter(record=of.key).aggregate(last=Max("position"))["last"]
    row = CustomField(record=of.key, kind=kind, position=0 if last is None else last + 1)
    _apply(row, {"label": label} | settings, of)
    row.key = _free_key(of, row.label)
    _check_computed(row, of, is_typed=True)
    row.save()
    index_again(row, of)
    return row


def free_label(of: Record, label: str) -> str:
    """The label, numbered if a field is called so."""
    known = {
        name.casefold() for name in CustomField.objects.kept().filter(record=of.key).values_list("label", flat=True)
    }
    known |= {str(field.label).casefold() for field in of.catalogue.values()}
    return next(made for n in range(1, 1000) if (made := label if n == 1 else f"{label} {n}").casefold() not in known)


def check_settled(row: CustomField) -> None:
    """Raises ServiceError while the type of the field is being changed."""
    if row.pending_id is not None:
        raise ServiceError(_("The type of this field is being changed. Wait until that is done, or stop it."))


def begin_change() -> None:
    """Lock the definitions of the firm against other changes, and tell every process that they change. A rolled back change leaves
    the mark as it was."""
    FirmSettings.objects.get_or_create(pk=1)
    FirmSettings.objects.filter(pk=1).update(fields_mark=uuid4().hex)
    forget_firm()
    transaction.on_commit(forget_firm)


def _order(rows: Any, ids: Sequence[int]) -> None:
    places = {pk: place for place, pk in enumerate(ids)}
    found = list(rows.select_for_update(of=("self",)))
    for place, row in enumerate(sorted(found, key=lambda row: places.get(row.pk, len(places)))):
        if row.position != place:
            row.position = place
            save_version(row, fields=["position"], seen=None)


def _free_key(of: Record, label: str) -> str:
    """From the label; numbered if a field has it already, archived or not."""
    plain = re.sub(r"[^a-z0-9]+", "_", slugify(label)).strip("_")
    plain = (plain if plain[:1].isalpha() else f"field_{plain}".strip("_"))[: LONGEST_KEY - 4].strip("_")
    taken = set(CustomField.objects.filter(record=of.key).values_list("key", flat=True))
    return next(key for n in range(1, 1000) if (key := plain if n == 1 else f"{plain}_{n}") not in taken)


def _apply(row: CustomField, settings: dict[str, Any], of: Record) -> None:
    if unknown := set(settings) - set(SETTINGS):
        raise TypeError(f"unknown settings: {', '.join(sorted(unknown))}")
    for name, value in settings.items():
        setattr(row, name, " ".join(value.split()) if name in ("label", "hint") else value)
    if not row.label:
        raise ServiceError(_("Enter a name."), field="label")
    if row.section is not None and row.section.record != row.record:
        raise ServiceError(_("Choose one of the sections."), field="section")
    kind = Kind(row.kind) if row.kind in Kind else None
    if kind is None:
        raise ServiceError(_("Choose a type."), field="kind")
    row.is_unique = row.is_unique and kind in UNIQUE
    row.is_filtered = row.is_filtered and kind in FILTERED
    row.pattern = (row.pattern or "").strip() if kind in WRITTEN else ""
    row.options = options_of(row.options) if kind in CHOSEN else []
    row.is_required = row.is_required and kind not in COMPUTED
    row.formula = row.formula if kind == Kind.FORMULA else ""
    row.rollup = row.rollup if kind == Kind.ROLLUP else {}
    _set_range(row, kind)
    _clean(row)
    _check_label(row, of)


def _clean(row: Model) -> None:
    try:
        if isinstance(row, CustomField) and row.pattern:
            check_pattern(row.pattern)
        row.clean_fields(exclude=["key"])
    except ValueError as error:
        raise ServiceError(str(error), field="pattern") from error
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise ServiceError(messages[0], field=name) from error


def _check_label(row: CustomField, of: Record) -> None:
    """No two fields of a record are called the same: files are read by their names."""
    name, own = row.label.casefold(), (field for field in of.catalogue.values())
    if any(str(field.label).casefold() == name for field in own):
        raise ServiceError(_("“%(name)s” is a field already.") % {"name": row.label}, field="label")
    others = CustomField.objects.kept().filter(record=row.record, label__iexact=row.label).exclude(pk=row.pk)
    if others.exists():
        raise ServiceError(_("A field with this name already exists."), field="label")


def _set_range(row: CustomField, kind: Kind) -> None:
    limits: dict[str, Any] = {}
    for name in ("least", "most"):
        text = str(getattr(row, name) or "").strip() if kind in RANGED else ""
        try:
            value = limit(row, text) if text else None
        except (ValueError, InvalidOperation) as error:
            words = _("Write a day as 2026-01-31.") if kind is Kind.DATE else _("Enter a number.")
            raise ServiceError(words, field=name) from error
        if isinstance(value, Decimal) and not value.is_finite():
            raise ServiceError(_("Enter a number."), field=name)
        limits[name] = value
        setattr(row, name, value.isoformat() if isinstance(value, date) else text)
    if None not in limits.values() and limits["least"] > limits["most"]:
        raise ServiceError(_("This is less than the lower limit."), field="most")


def options_of(given: Iterable[Any]) -> list[dict[str, Any]]:
    """Options with keys: those that have one keep it, so that a new label reaches the values there are."""
    made: list[dict[str, Any]] = []
    keys = {option["key"] for option in given if isinstance(option, dict) and option.get("key")}
    for option in given:
        told = option if isinstance(option, dict) else {"label": option}
        label = " ".join(str(told.get("label", "")).split())
        if not label:
            raise ServiceError(_("Enter a name for each choice, or archive it."), field="options")
        if len(label) > LONGEST_OPTION:
            raise ServiceError(_("A choice has at most %(n)d characters.") % {"n": LONGEST_OPTION}, field="options")
        if any(label.casefold() == other["label"].casefold() for other in made):
            raise ServiceError(_("“%(name)s” is there twice.") % {"name": label}, field="options")
        key = told.get("key") or _option_key(label, keys)
        keys.add(key)
        made.append({"key": key, "label": label} | ({"is_archived": True} if told.get("is_archived") else {}))
    if not any(not option.get("is_archived") for option in made):
        raise ServiceError(_("Enter at least one choice."), field="options")
    if len(made) > MOST_OPTIONS:
        raise ServiceError(_("There can be at most %(n)d choices.") % {"n": MOST_OPTIONS}, field="options")
    return made


def _option_key(label: str, taken: set[str]) -> str:
    plain = slugify(label)[:36] or "choice"
    plain = f"{plain}-choice" if plain == "none" else plain  # `none` filters for no value
    return next(key for n in range(1, 1000) if (key := plain if n == 1 else f"{plain}-{n}") not in taken)


def _apply_section(row: FieldSection, name: str, kind: str) -> None:
    row.name, row.kind = " ".join(name.split()), kind
    if not row.name:
        raise ServiceError(_("Enter a name."), field="name")
    if kind and kind not in dict(records[row.record].custom.kinds):
        raise ServiceError(_("Choose one of the kinds."), field="kind")
    _clean(row)
    same = FieldSection.objects.filter(record=row.record, name__iexact=row.name).exclude(pk=row.pk)
    if same.exists():
        raise ServiceError(_("A section with this name already exists."), field="name")


def index_again(row: CustomField, of: Record) -> None:
    """Make or drop the field's indexes. Raises ServiceError (field is_unique) where values repeat."""
    try:
        with transaction.atomic():
            set_indexes(row, of.model)
    except IntegrityError as error:
        n = repeated(row, of.model)
        words = _("Values that occur more than once: %(n)d. Change them first.") % {"n": n}
        raise ServiceError(words, field="is_unique") from error
    except OperationalError as error:  # somebody else's long transaction holds the table
        raise ServiceError(str(BUSY)) from error


def repeated(row: CustomField, model: type[Model]) -> int:
    """How many values of the field are there more than once."""
    rows = model._default_manager.annotate(value=value_of(row)).filter(value__isnull=False).order_by()
    return rows.values("value").annotate(n=Count("pk")).filter(n__gt=1).count()

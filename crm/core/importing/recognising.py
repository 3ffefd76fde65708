"""What a file is, told by its header: an export of another system (a preset), one of our own, or a file whose columns were saved."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from crm.core.base.reading import fold, lacks_zone
from crm.core.base.zones import known_zones
from crm.core.importing import kinds, tabular
from crm.core.importing.kinds import Column, ImportKind
from crm.core.importing.models import TIME_ZONE, SavedMapping, SourceValue
from crm.core.importing.presets import Suggestion, recognise, told
from crm.core.listing.files import unsafe_cell

OWN_ID = "Rapport id"
OWN_SYSTEM = "rapport"
LEAST_OWN = 0.9  # of the columns, for one of our own exports or saved columns
SAMPLES = 3
LOOKED_AT = 2000  # rows, for times without a zone


def suggestions(header: list[str], principal: Any = None) -> list[Suggestion]:
    """What the file may be, the likeliest first: saved columns, then our own exports, then those of other systems. Only kinds that the
    principal may import."""
    may = {kind.key for kind in kinds.kinds() if principal is None or kind.may_import(principal)}
    found = [*_saved(header), *_own(header), *recognise(header)]
    return [suggestion for suggestion in found if suggestion.kind in may]


def _own(header: list[str]) -> list[Suggestion]:
    """Exports of an installation of Rapport: told by the id, and by the labels of a kind's columns."""
    if not any(name.startswith(OWN_ID) for name in header):
        return []
    found = []
    for kind in kinds.kinds():
        if kind.export is None:
            continue
        mapping = guess_mapping(kind, header)
        labels = {fold(str(column.label)) for column in kind.columns}
        same = sum(name.startswith(OWN_ID) or fold(name) in labels for name in header)
        if "external_id" in mapping and same >= LEAST_OWN * len(header):
            title = _("Rapport · %(kind)s") % {"kind": str(kind.label).lower()}
            share = round(same / max(len(labels), 1), 2)
            score = (round(same / len(header), 2) + share, len(mapping))
            found.append(Suggestion(f"own.{kind.key}", title, kind.key, OWN_SYSTEM, mapping, score=score))
    return sorted(found, key=lambda each: each.score, reverse=True)


def _saved(header: list[str]) -> list[Suggestion]:
    """Saved columns of a file like this one: nine in ten of the columns of both are the same."""
    names, found = {told(name): name for name in header}, []
    for saved in SavedMapping.objects.order_by("-updated_at"):
        before = {told(name) for name in saved.header}
        alike = len(before & names.keys()) / max(len(before | names.keys()), 1)
        if alike < LEAST_OWN or saved.kind not in {kind.key for kind in kinds.kinds()}:
            continue
        mapping = {
            to: names[told(name)] for to, name in saved.options.get("mapping", {}).items() if told(name) in names
        }
        made = Suggestion(
            f"saved.{saved.pk}",
            saved.name,
            saved.kind,
            saved.options.get("system", ""),
            mapping,
            score=(round(alike, 2), 0),
            defaults=saved.options.get("defaults", {}),
        )
        found.append(made)
    return sorted(found, key=lambda each: each.score, reverse=True)


def guess_mapping(kind: ImportKind, header: list[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """{field: header}: by the field's name and aliases, each header used once; `taken` ones not at all."""
    taken = {*taken}
    folded = {fold(name): name for name in reversed(header) if name not in taken}
    mapping: dict[str, str] = {}
    for column in kind.columns:
        for alias in (column.name, str(column.label), *column.aliases):
            name = folded.get(fold(alias))
            if name and name not in mapping.values():
                mapping[column.name] = name
                break
    return mapping


def guess_system(header: list[str]) -> str:
    """The system that the ids in the file belong to: a known export by its headers, else "" (ask the user)."""
    names = {name.upper() for name in header}
    if any(name.startswith(OWN_ID) for name in header):
        return OWN_SYSTEM
    if {"ISDELETED", "SYSTEMMODSTAMP"} & names:
        return "salesforce"
    if any(name.lower().startswith("hs_") or name == "Record ID" for name in header):
        return "hubspot"
    return next((suggestion.system for suggestion in recognise(header)), "")


def guess_kind(header: list[str], principal: Any, name: str = "") -> ImportKind:
    """The kind that the name of a file or sheet says, or else whose columns the header names most of, for one that nothing recognises."""
    may = [kind for kind in kinds.kinds() if kind.may_import(principal)]
    called = [kind for kind in may if fold(str(kind.label)) in fold(name)]
    return max(called or may, key=lambda kind: len(guess_mapping(kind, header)))


def understood(kind: ImportKind, header: list[str], principal: Any = None) -> dict[str, Any]:
    """The options of an import that the header suggests: mapping, system, defaults, what is left out and why, and in words what the
    file looks like; `other`: it looks like a file of another kind.
    """
    every = suggestions(header, principal)
    fitting = next((suggestion for suggestion in every if suggestion.kind == kind.key), None)
    other = every[0] if every and fitting is None else None
    found: dict[str, Any] = {
        "mapping": guess_mapping(kind, header),
        "system": guess_system(header),
        "defaults": {},
        "left_out": {},
        "values": {},
        "skip": {},
        "looks_like": {},
        "other": {"kind": other.kind, "title": other.title} if other else {},
    }
    return found | (_of(fitting, kind, header) if fitting else {})


def _of(suggestion: Suggestion, kind: ImportKind, header: list[str]) -> dict[str, Any]:
    columns = {column.name: column for column in kind.columns}
    mapping = {name: of for name, of in suggestion.mapping.items() if name in columns}
    is_preset = not suggestion.key.startswith(("own.", "saved."))
    guessed = guess_mapping(kind, header, {*mapping.values(), *suggestion.left_out}) if is_preset else {}
    mapping |= {name: of for name, of in guessed.items() if name not in mapping}
    return {
        "mapping": mapping,
        "system": suggestion.system,
        "defaults": {name: value for name, value in suggestion.defaults.items() if name in columns},
        "left_out": suggestion.left_out,
        "values": {
            vocabulary.key: {fold(word): meaning for word, meaning in said.items()}
            for name, said in suggestion.values.items()
            if name in columns and (vocabulary := columns[name].vocabulary)
        },
        "skip": suggestion.skip,
        "looks_like": {"key": suggestion.key, "title": suggestion.title},
    }


# What is remembered of a system


def remembered(kind: ImportKind, system: str) -> tuple[dict[str, dict[str, str]], str]:
    """({vocabulary: {folded word: meaning}}, zone) that somebody said before for the system."""
    if not system:
        return {}, ""
    keys = [column.vocabulary.key for column in kind.columns if column.vocabulary]
    values: dict[str, dict[str, str]] = {}
    zone = ""
    for row in SourceValue.objects.filter(system=system, field__in=[*keys, TIME_ZONE]):
        if row.field == TIME_ZONE:
            zone = row.meaning if row.meaning in known_zones() else ""
        else:
            values.setdefault(row.field, {})[row.value] = row.meaning
    return values, zone


def joined(*sources: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """The meanings of words from several sources; a later one counts."""
    found: dict[str, dict[str, str]] = {}
    for source in sources:
        for field, said in source.items():
            found[field] = found.get(field, {}) | said
    return found


def remember(system: str, values: dict[str, dict[str, str]]) -> None:
    """Keep what the words of a system mean, for its next file."""
    if not system:
        return
    rows = [
        SourceValue(system=system, field=field, value=value[:200], meaning=meaning[:200])
        for field, said in values.items()
        for value, meaning in said.items()
    ]
    SourceValue.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["system", "field", "value"], update_fields=["meaning", "updated_at"]
    )


def times_without_zone(
    kind: ImportKind, mapping: dict[str, str], header: list[str], rows: Iterable[tabular.Row]
) -> list[tuple[Column, str]]:
    """The first times of the mapped columns that name no zone, at most three."""
    places = [
        (column, header.index(mapping[column.name]))
        for column in kind.columns
        if column.has_time and mapping.get(column.name) in header
    ]
    found: list[tuple[Column, str]] = []
    for row, _n in zip(rows, range(LOOKED_AT), strict=False) if places else ():
        for column, place in places:
            text = unsafe_cell(row.cells[place]) if not row.problem else ""
            if text and lacks_zone(text) and text not in {before for _column, before in found}:
                found.append((column, text))
        if len(found) >= SAMPLES:
            break
    return found[:SAMPLES]

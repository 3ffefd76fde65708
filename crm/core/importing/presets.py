"""What exports of other systems look like: told by their headers, never by the file's name.

A preset is data (a TOML file of its product, `clients/importing/presets`). What it finds is a suggestion: everything it
sets can be changed.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.base.registry import Registry

LEAST_DISTINCTIVE, LEAST_KNOWN = 2, 0.7
REPEATED = re.compile(r"(.+) \((\d+)\)")  # as `tabular.unique_headers` names a second column of the same name
REASONS = {  # why a column is left out
    "computed": gettext_lazy("Rapport computes this itself."),
    "technical": gettext_lazy("Only the other system uses it."),
    "history": gettext_lazy("Rapport keeps its own history, starting with the import."),
    "second": gettext_lazy("Rapport keeps one per record; another column has it."),
    "again": gettext_lazy("Another column has the same value."),
    "other_file": gettext_lazy("Comes with another file of this export."),
    "no_field": gettext_lazy("No field here matches. Add a custom field in settings to keep it."),
    "own_field": gettext_lazy("A custom field of the other system. Add one here to keep it."),
    "repeated": gettext_lazy("A second column with the same name."),
}
SKIPPED = {  # why a row is left out
    "deleted": gettext_lazy("Deleted in the other system. Left out."),
    "is_done": gettext_lazy("Done in the other system, so it is an interaction, not a follow-up."),
    "is_task": gettext_lazy("Not a call or an email that was done, so it is a follow-up."),
    "is_open": gettext_lazy("Still open in the other system, so it is a follow-up, not an interaction."),
    "converted": gettext_lazy("Converted in the other system. The other files have it."),
}


def told(header: str) -> str:
    """A header for comparing: composed, without case, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", header).casefold().split())


@dataclass(frozen=True)
class Skip:
    """Rows that are left out: those whose cell is one of `values`, or with `is_except` none of them, and whose other cells are among
    those of `along`, {header: values}. `why` is a key of SKIPPED.
    """

    values: tuple[str, ...]
    why: str
    is_except: bool = False
    along: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def said(self, names: dict[str, str]) -> dict[str, Any]:
        """As the options of an import keep it; `names`: {header of the file: ours}."""
        along = {name: self.along[ours] for name, ours in names.items() if ours in self.along}
        return {"values": self.values, "why": self.why, "is_except": self.is_except, "along": along}


@dataclass(frozen=True)
class Preset:
    """One kind of file of a product. `fields`: {field: the headers that fill it, best first}; `left_out`: {header or
    pattern: why}, a key of REASONS; `words`: {the header in another language: ours}; `skip`: {header: which rows
    are left out}; `values`: {field: {what the file says: what it is here}}. `part_of`: the preset
    that takes the other rows of the same file; it has one header of each group of `needs`, else there is but one part.
    """

    key: str
    product: str
    title: str
    kind: str
    system: str
    fields: dict[str, tuple[str, ...]]
    left_out: dict[str, str]
    distinctive: frozenset[str]
    least: float = LEAST_KNOWN
    words: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    skip: dict[str, Skip] = field(default_factory=dict)
    part_of: str = ""
    needs: tuple[frozenset[str], ...] = ()

    def read(self, header: list[str]) -> "Suggestion | None":
        """What the header means, if it is of this kind."""
        names = {name: self._ours(name) for name in header}
        fields: dict[str, str] = {}
        known = {name: self.left_out[why] for name, ours in names.items() if (why := self._pattern(ours))}
        for to, ways in self.fields.items():
            found = [name for way in ways for name, ours in names.items() if _fits(ours, way)]
            fields |= {to: found[0]} if found else {}
            known |= {name: "again" for name in found if name != fields[to] and name not in known}
        used = {*fields.values()}
        left_out = {name: why for name, why in known.items() if name not in used}
        for name, ours in names.items():
            if name not in used and name not in left_out and REPEATED.fullmatch(name) and ours in names.values():
                left_out[name] = "repeated"
        told_of = len(used) + len(left_out)
        telling = {each for each in self.distinctive if any(_fits(ours, each) for ours in names.values())}
        if len(telling) < min(LEAST_DISTINCTIVE, len(self.distinctive)) or told_of < self.least * len(header):
            return None
        skip = {name: self.skip[ours].said(names) for name, ours in names.items() if ours in self.skip}
        return Suggestion(
            self.key,
            f"{self.product} · {self.title}",
            self.kind,
            self.system,
            fields,
            left_out,
            (round(told_of / len(header), 2), len(telling)),
            self.defaults,
            self.values,
            skip,
        )

    def is_in(self, header: list[str]) -> bool:
        """Whether a file has the columns that divide it into parts."""
        names = {self._ours(name) for name in header}
        return all(names & group for group in self.needs)

    def _ours(self, header: str) -> str:
        name = told(header)
        if name not in self.words and (repeated := REPEATED.fullmatch(name)):
            name = repeated[1] if repeated[1] in self.words or self._is_known(repeated[1]) else name
        return self.words.get(name, name)

    def _is_known(self, name: str) -> bool:
        return bool(self._pattern(name)) or any(_fits(name, way) for ways in self.fields.values() for way in ways)

    def _pattern(self, ours: str) -> str:
        return ours if ours in self.left_out else next((way for way in self.left_out if _fits(ours, way)), "")


def _fits(name: str, way: str) -> bool:
    return name == way or ("*" in way and fnmatchcase(name, way))


@dataclass(frozen=True)
class Suggestion:
    """What a header was recognised as; `score` compares suggestions, the best is the greatest."""

    key: str
    title: str
    kind: str
    system: str
    mapping: dict[str, str]
    left_out: dict[str, str] = field(default_factory=dict)
    score: tuple[float, int] = (0, 0)
    defaults: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    skip: dict[str, Any] = field(default_factory=dict)


presets: Registry[Preset] = Registry("preset")


@dataclass(frozen=True)
class Product:
    """How another system writes its ids: with a prefix that only some of its files have, or in a short form (15 letters and digits)
    beside a long one (18), which says the case of each letter at its end.
    """

    key: str
    name: str
    id_prefix: str = ""
    has_short_ids: bool = False

    def id_of(self, text: str) -> str:
        """The form in which an id is kept."""
        text = text.removeprefix(self.id_prefix)
        return _long(text) if self.has_short_ids and SHORT_ID.fullmatch(text) else text

    def also(self, text: str) -> str:
        """The form in which it may have been kept before; "" for none."""
        return text[:15] if self.has_short_ids and len(text) == 18 else ""


products: Registry[Product] = Registry("product")
SHORT_ID = re.compile("[A-Za-z0-9]{15}")
CASES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def _long(short: str) -> str:
    parts = (short[0:5], short[5:10], short[10:15])
    return short + "".join(CASES[sum(letter.isupper() << at for at, letter in enumerate(part))] for part in parts)


def name_of(system: str) -> str:
    """A system as people call it."""
    product = products.get(system)
    return product.name if product else system


def ids_in(text: str, system: str) -> str:
    """The ids in a cell as they are kept; several are separated by ;"""
    product = products.get(system)
    if product is None:
        return text
    return ";".join(product.id_of(each.strip()) for each in text.split(";"))


def recognise(header: list[str]) -> list[Suggestion]:
    """What the header may be an export of, the likeliest first; the first part of a file before its other parts."""
    found = [(not preset.part_of, each.score, each) for preset in presets if (each := preset.read(header))]
    return [each for *_order, each in sorted(found, key=lambda one: one[:2], reverse=True)]


def other_parts(key: str, header: list[str]) -> list[str]:
    """Kinds of import that take further rows of a file of this preset."""
    parts = [preset for preset in presets if preset.part_of == key]
    return [part.kind for part in parts if part.is_in(header)]


def load(path: Path) -> tuple[Product, list[Preset]]:
    """A product, and the presets of its files."""
    product = tomllib.loads(path.read_text(encoding="utf-8"))
    made = Product(
        product["system"], product["name"], product.get("id_prefix", ""), product.get("has_short_ids", False)
    )
    return made, [*_presets(product)]


def _presets(product: dict[str, Any]) -> Iterator[Preset]:
    words = {
        told(theirs): told(ours)
        for language in product.get("languages", {}).values()
        for ours, said in language.items()
        for theirs in ([said] if isinstance(said, str) else said)
    }
    for key, each in product["objects"].items():
        yield Preset(
            key=f"{product['system']}.{key}",
            product=product["name"],
            title=each["title"],
            kind=each["kind"],
            system=product["system"],
            fields={to: tuple(map(told, ways)) for to, ways in each["fields"].items()},
            left_out={told(header): why for why in REASONS for header in _both(product, each, why)},
            distinctive=frozenset(map(told, each["distinctive"])),
            least=each.get("least", LEAST_KNOWN),
            words=words,
            defaults=each.get("defaults", {}),
            values=each.get("values", {}),
            skip={told(name): _skip(of) for name, of in each.get("skip", {}).items()},
            needs=tuple(frozenset(map(told, group)) for group in each.get("needs", ())),
            part_of=f"{product['system']}.{each['part_of']}" if "part_of" in each else "",
        )


def _skip(of: dict[str, Any]) -> Skip:
    along = {told(name): tuple(values) for name, values in of.get("along", {}).items()}
    return Skip(tuple(of.get("except") or of["values"]), of["why"], "except" in of, along)


def _both(product: dict[str, Any], each: dict[str, Any], why: str) -> list[str]:
    """What is left out for one reason, of every file of the product and of this one."""
    return [*product.get("left_out", {}).get(why, []), *each.get("left_out", {}).get(why, [])]


def reason(why: str) -> str:
    return str(REASONS.get(why, "")) or _("Not imported.")

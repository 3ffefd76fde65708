"""The rule of a segment: what its JSON may say, and what is wrong with it.

    {"match": "all", "rules": [
        {"field": "status", "op": "is", "values": ["active"]},
        {"match": "any", "rules": [{"field": "last_contact_at", "op": "not_in_last", "values": [90]}]}]}

A rule is read each time it is used: a field, choice or row that is gone since makes it say so (`Problem.is_gone`), and match nothing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.segments.choices import ME, WITH_DAYS, WITH_SEVERAL, WITH_TWO, WITHOUT_VALUES, Kind, Match, Operator
from clients.segments.criteria import Criterion, criteria
from crm.core.base.dates import is_plausible
from crm.core.base.reading import whole_number
from crm.core.ui.formatting import number

ROOT = "0"
MOST_DEPTH = 3
MOST_RULES = 50
MOST_VALUES = 10_000
MOST_BYTES = 1_000_000
LONGEST_VALUE = 200
MOST_DAYS = 36_500
MOST_NUMBER = Decimal(10) ** 12


@dataclass(frozen=True)
class Rule:
    """`values` as JSON keeps them: text, number, ISO date, the id of a row, or “me”."""

    criterion: Criterion
    operator: Operator
    values: list[Any]
    path: str = ROOT

    def as_json(self) -> dict[str, Any]:
        told = {"field": self.criterion.key, "op": self.operator.value, "values": self.values}
        return told | {"label": str(self.criterion.label)}  # which names the field once it is gone


@dataclass(frozen=True)
class Group:
    match: Match
    rules: list["Rule | Group"]
    path: str = ROOT

    def as_json(self) -> dict[str, Any]:
        return {"match": self.match.value, "rules": [each.as_json() for each in self.rules]}

    def leaves(self) -> Iterator[Rule]:
        for each in self.rules:
            if isinstance(each, Group):
                yield from each.leaves()
            else:
                yield each


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where: "0.2" is the third rule of the outermost group. `is_gone`: it was right when it was saved."""

    path: str
    message: str
    is_gone: bool = False


@dataclass(frozen=True)
class Parsed:
    """The rule as far as it could be read; it means nothing while there are problems."""

    root: Group
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not self.problems

    @property
    def is_personal(self) -> bool:
        """It means somebody else for each reader."""
        leaves = list(self.root.leaves())
        says_me = any(ME in leaf.values for leaf in leaves if leaf.criterion.kind == Kind.PERSON)
        return says_me or any(leaf.criterion.is_personal for leaf in leaves)

    @property
    def messages(self) -> list[str]:
        return list(dict.fromkeys(problem.message for problem in self.problems))


def read(data: Any) -> Parsed:
    """The rule of a JSON value. Looks up the rows it names, in a statement for each kind of row."""
    return read_all([data])[0]


def read_all(several: Iterable[Any]) -> list[Parsed]:
    """The same for several rules, with no more statements."""
    known, found = criteria(), []
    for data in several:
        reader = _Reading(known)
        root = reader.group(data, ROOT, 1)
        reader.check_size(data)
        found.append(Parsed(root, reader.problems))
    return _with_rows_gone(found)


class _Reading:
    """Reads one rule, and gathers what is wrong with it."""

    def __init__(self, known: Mapping[str, Criterion]):
        self.known, self.problems = known, []
        self.rules = self.values = 0

    def wrong(self, path: str, message: str, *, is_gone: bool = False) -> None:
        self.problems.append(Problem(path, message, is_gone))

    def check_size(self, data: Any) -> None:
        if self.rules > MOST_RULES:
            self.wrong(ROOT, _("A segment can have up to %(n)d rules.") % {"n": MOST_RULES})
        if self.values > MOST_VALUES:
            told = {"most": number(MOST_VALUES), "n": number(self.values)}
            self.wrong(ROOT, _("A segment can hold up to %(most)s values; these are %(n)s.") % told)
        elif not self.problems and len(json.dumps(data)) > MOST_BYTES:
            self.wrong(ROOT, _("This segment is too long to be saved."))

    def group(self, data: Any, path: str, depth: int) -> Group:
        empty = Group(Match.ALL, [], path)
        if not isinstance(data, Mapping) or not isinstance(data.get("rules"), list):
            self.wrong(path, _("A group needs “match” and “rules”."))
            return empty
        self._only(data, ("match", "rules"), path)
        if data.get("match") not in Match.values:
            self.wrong(path, _("Choose all, any or none."))
            return empty
        if depth > MOST_DEPTH:
            self.wrong(path, _("Groups can stand up to %(n)d deep.") % {"n": MOST_DEPTH})
            return empty
        if not data["rules"]:
            self.wrong(path, _("Add a rule.") if path == ROOT else _("Add a rule to this group, or remove it."))
        found = []
        for place, each in enumerate(data["rules"][: MOST_RULES + 1]):
            at = f"{path}.{place}"
            if isinstance(each, Mapping) and ("match" in each or "rules" in each):
                found.append(self.group(each, at, depth + 1))
            elif rule := self._rule(each, at):
                found.append(rule)
        if len(data["rules"]) > MOST_RULES:
            self.rules = max(self.rules, len(data["rules"]))
        return Group(Match(data["match"]), found, path)

    def _only(self, data: Mapping[str, Any], known: Iterable[str], path: str) -> None:
        if unknown := [str(name)[:40] for name in data if name not in known]:
            self.wrong(path, _("Unknown: %(names)s.") % {"names": ", ".join(unknown[:5])})

    def _rule(self, data: Any, path: str) -> Rule | None:
        self.rules += 1
        if not isinstance(data, Mapping):
            return self.wrong(path, _("A rule needs “field”, “op” and “values”."))
        self._only(data, ("field", "op", "values", "label"), path)
        key = data.get("field")
        if not key:
            return self.wrong(path, _("Choose a field."))
        criterion = self.known.get(str(key))
        if criterion is None:
            name = str(data.get("label") or key)[:60]
            return self.wrong(path, _("The field “%(name)s” no longer exists.") % {"name": name}, is_gone=True)
        if criterion.problem:
            told = {"name": criterion.label, "why": criterion.problem}
            return self.wrong(path, _("“%(name)s” does not work: %(why)s") % told, is_gone=True)
        if data.get("op") not in criterion.operators:
            return self.wrong(path, _("Choose what “%(name)s” should be.") % {"name": criterion.label})
        operator, values = Operator(data["op"]), data.get("values", [])
        if not isinstance(values, list):
            return self.wrong(path, _("“values” is a list."))
        self.values += len(values)
        if self.values > MOST_VALUES:
            return None
        before = len(self.problems)
        read_values = self._values(criterion, operator, values, path)
        return Rule(criterion, operator, read_values, path) if len(self.problems) == before else None

    def _values(self, criterion: Criterion, operator: Operator, values: list[Any], path: str) -> list[Any]:
        if operator in WITHOUT_VALUES:
            if values:
                self.wrong(path, _("This takes no value."))
            return []
        given = [value for value in values if value not in ("", None)]
        wanted = 2 if operator in WITH_TWO else 1
        if len(given) < wanted:
            self.wrong(path, _("Enter both values.") if wanted > 1 else _("Enter a value."))
            return []
        if len(given) > wanted and operator not in WITH_SEVERAL:
            self.wrong(path, _("Enter both values.") if wanted > 1 else _("Enter one value."))
            return []
        found: list[Any] = []
        gone: list[str] = []
        for value in given:
            try:
                found.append(_value(criterion, operator, value))
            except KeyError:
                gone.append(str(value)[:60])
            except ValueError as error:
                self.wrong(path, str(error))
                return []
        if gone:
            text = ngettext(
                "“%(names)s” is no longer a choice of “%(field)s”.",
                "“%(names)s” are no longer choices of “%(field)s”.",
                len(gone),
            )
            names = _some(gone)
            self.wrong(path, text % {"names": names, "field": criterion.label}, is_gone=True)
        if wanted > 1:
            if len(found) == wanted and _in_order(criterion, found[0]) > _in_order(criterion, found[1]):
                self.wrong(path, _("The first value must not be larger than the second."))
            return found
        return list(dict.fromkeys(found))


def _some(names: list[Any]) -> str:
    return ", ".join(map(str, names[:5])) + (" …" if len(names) > 5 else "")


def _in_order(criterion: Criterion, value: Any) -> Any:
    return Decimal(value) if criterion.kind == Kind.NUMBER else value


def _value(criterion: Criterion, operator: Operator, value: Any) -> Any:
    """As JSON keeps it. Raises ValueError with a sentence, KeyError for a choice that is not there."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(_("A value is text or a number."))
    text = str(value).strip()
    if operator in WITH_DAYS:
        return _days(text)
    return READ[criterion.kind](criterion, text)


def _days(text: str) -> int:
    found = whole_number(text, least=0, most=MOST_DAYS)
    if found is None:
        raise ValueError(_("Enter a number of days, up to %(n)s.") % {"n": number(MOST_DAYS)})
    return found


def _text(criterion: Criterion, text: str) -> str:
    if "\0" in text or len(text) > LONGEST_VALUE:
        raise ValueError(_("A value can have up to %(n)d characters.") % {"n": LONGEST_VALUE})
    return str(criterion.read(text)) if criterion.read else text


def _choice(criterion: Criterion, text: str) -> str:
    known = {str(value) for value, _label in criterion.choices()} if criterion.choices else set()
    if text not in known:
        raise KeyError(text)
    return text


def _row(criterion: Criterion, text: str) -> int | str:
    if criterion.kind == Kind.PERSON and text == ME:
        return ME
    found = whole_number(text, least=1)
    if found is None:
        raise ValueError(_("“%(text)s” is not an id.") % {"text": text[:40]})
    return found


def _number(criterion: Criterion, text: str) -> int | str:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise ValueError(_("“%(text)s” is not a number.") % {"text": text[:40]})
    if abs(found) > MOST_NUMBER:
        raise ValueError(_("This number is too large."))
    if found != round(found, criterion.places):
        if not criterion.places:
            raise ValueError(_("Enter a whole number."))
        raise ValueError(_("Enter a number with up to %(n)d decimals.") % {"n": criterion.places})
    return format(round(found, criterion.places), "f") if criterion.places else int(found)


def _day(criterion: Criterion, text: str) -> str:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(_("Enter a date, such as 2026-01-31.")) from error
    if not is_plausible(found):
        raise ValueError(_("This date is too far away."))
    return found.isoformat()


READ: dict[str, Any] = {
    Kind.TEXT: _text,
    Kind.CHOICE: _choice,
    Kind.ROW: _row,
    Kind.PERSON: _row,
    Kind.NUMBER: _number,
    Kind.DAY: _day,
}


def ids_by_model(roots: Iterable[Group], *, most: int = MOST_VALUES) -> dict[Any, set[int]]:
    """The rows that rules name, up to `most` of each rule."""
    found: dict[Any, set[int]] = {}
    for root in roots:
        for leaf in root.leaves():
            if leaf.criterion.model is not None:
                found.setdefault(leaf.criterion.model, set()).update(v for v in leaf.values[:most] if v != ME)
    return found


def _with_rows_gone(parsed: list[Parsed]) -> list[Parsed]:
    named = ids_by_model(each.root for each in parsed)
    there = {
        model: set(model._default_manager.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
        for model, ids in named.items()
    }
    for each in parsed:
        for leaf in each.root.leaves():
            if leaf.criterion.model is None:
                continue
            gone = [value for value in leaf.values if value != ME and value not in there[leaf.criterion.model]]
            if gone:
                names = _some(gone)
                told = {"field": leaf.criterion.label, "names": names}
                text = _("%(field)s: number %(names)s no longer exists.") % told
                each.problems.append(Problem(leaf.path, text, is_gone=True))
    return parsed

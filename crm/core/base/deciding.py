"""What one value leaves open (is 03/04/2025 in March or April, is 1,234 more than a thousand) is decided once per column,
from all its values. If they do not decide it, the user is asked.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from crm.core.base.reading import DECIMALS, ORDERS, beyond_doubt, days_of, numbers_of, spaced

SAMPLES = 3


@dataclass(frozen=True)
class Option:
    """One way to read a column: sample values as written and as read, and how many values it cannot read."""

    value: str
    samples: tuple[tuple[str, str], ...] = ()
    misfits: int = 0


@dataclass(frozen=True)
class Decision:
    """What the values of a column decide about `subject` ("date_order" or "decimal"). `value` is the decision, or "" if
    they leave it open: then the user chooses from `options`. Without options there is nothing to ask.
    """

    subject: str
    value: str = ""
    options: tuple[Option, ...] = ()
    shapes: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def must_ask(self) -> bool:
        return not self.value and len(self.options) > 1


_MEANINGS: dict[str, tuple[Callable[[str], Mapping[str, Any]], Mapping[str, str]]] = {
    "date_order": (days_of, ORDERS),
    "decimal": (numbers_of, DECIMALS),
}


def decide(subject: str, values: Iterable[str]) -> Decision:
    """What all values of a column decide. An unreadable value is ignored here and refused when its row is read."""
    meanings_of, ways = _MEANINGS[subject]
    counted = Counter(value.strip() for value in values)
    readable = {text: found for text in counted if (found := meanings_of(text))}
    open_ones = {
        text: found for text, found in readable.items() if len({*found.values()}) > 1 or len(found) < len(ways)
    }
    shapes = frozenset({_shape(text) for text in open_ones} if subject == "date_order" else {"a number"})
    fitting = [way for way in ways if all(way in found for found in open_ones.values())]
    if not open_ones:
        return Decision(subject)
    if "dmy" in fitting and shapes == {"9.9.9999"}:
        fitting = ["dmy"]  # with dots and the year at the end nobody writes the month first
    different = {tuple(found[way] for found in open_ones.values()): way for way in reversed(fitting)}
    if len(different) == 1:
        return Decision(subject, fitting[0], shapes=shapes)
    asked = [way for way in fitting if way in different.values()] or _most_fitting(ways, open_ones, counted)
    return Decision(subject, options=tuple(_option(way, asked, open_ones, counted) for way in asked), shapes=shapes)


def _shape(text: str) -> str:
    """The format of a date: its separators, and the position of a four-digit year."""
    return re.sub("[0-9]+", lambda digits: "9999" if len(digits[0]) == 4 else "9", spaced(text).split()[0])


def _most_fitting(ways: Iterable[str], found: Mapping[str, Mapping[str, Any]], counted: Counter) -> list[str]:
    """The ways that read some values, when none reads all; the one that reads the most first."""
    fits = {way: sum(counted[text] for text in found if way in found[text]) for way in ways}
    return sorted((way for way in ways if fits[way]), key=lambda way: -fits[way])


def _option(way: str, ways: list[str], found: Mapping[str, Mapping[str, Any]], counted: Counter) -> Option:
    """An option; its samples are values that the ways read differently."""
    telling = [text for text in found if len({found[text].get(other) for other in ways}) > 1]
    samples = tuple(
        (text, beyond_doubt(found[text][way]) if way in found[text] else _("not readable"))
        for text in telling[:SAMPLES]
    )
    return Option(way, samples, sum(counted[text] for text in found if way not in found[text]))


def decide_all(columns: Mapping[str, tuple[str, Iterable[str]]]) -> dict[str, Decision]:
    """{column: Decision} of a file, given {column: (subject, all its values)}. An undecided column follows the others
    whose values have the same format, if those agree.
    """
    decided = {name: decide(subject, values) for name, (subject, values) in columns.items()}
    for name, decision in decided.items():
        if decision.must_ask:
            others = {
                other.value
                for other in decided.values()
                if other.subject == decision.subject and other.value and other.shapes & decision.shapes
            }
            if len(others) == 1 and others <= {option.value for option in decision.options if not option.misfits}:
                decided[name] = replace(decision, value=others.pop())
    return decided

"""How alike two records are: a score from 0 to 100, and the reasons in words.

Each detail that both have adds weight for agreeing or takes some away for differing, about the logarithm to base 2 of how much
more often a pair of one person or firm shows it than a pair of two (Fellegi and Sunter 1969). What only one of them has says
nothing. 100 ÷ (1 + 2^(7.5 − sum)) is the score: 50 is as likely as not.
"""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

LIKELY = 55  # from this score on a pair is shown
AS_LIKELY_AS_NOT = 7.5
REASONS = {
    "mail": _("Same email"),
    "phone": _("Same phone number"),
    "domain": _("Same website or email domain"),
    "client": _("Same client"),
    "name": _("Same name"),
    "near_name": _("Similar name"),
    "address": _("Same address"),
    "near_address": _("Similar address"),
}


@dataclass(frozen=True)
class Details:
    """What identifies a record, folded: lower case, no accents; `name` without legal forms. `parts` are a person's first and
    last names.
    """

    pk: Any
    name: str = ""
    parts: tuple[str, ...] = ()
    mails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    clients: frozenset[int] = frozenset()
    street: str = ""
    postal_code: str = ""
    city: str = ""


@dataclass(frozen=True)
class Likeness:
    score: int
    reasons: tuple[str, ...]


def likeness(one: Details, other: Details) -> Likeness:
    total, reasons = 0.0, []
    for compare in (_mails, _phones, _domains, _clients, _names, _addresses):
        weight, reason = compare(one, other)
        total += weight
        if reason:
            reasons.append(reason)
    return Likeness(round(100 / (1 + 2 ** (AS_LIKELY_AS_NOT - total))), tuple(reasons))


def _shared(one: frozenset, other: frozenset, same: float, differ: float, reason: str) -> tuple[float, str]:
    if not one or not other:
        return 0.0, ""
    return (same, reason) if one & other else (differ, "")


def _mails(one: Details, other: Details) -> tuple[float, str]:
    return _shared(one.mails, other.mails, 9.0, -1.0, "mail")


def _phones(one: Details, other: Details) -> tuple[float, str]:
    return _shared(one.phones, other.phones, 6.0, -1.0, "phone")


def _domains(one: Details, other: Details) -> tuple[float, str]:
    return _shared(one.domains, other.domains, 5.0, -1.5, "domain")


def _clients(one: Details, other: Details) -> tuple[float, str]:
    return _shared(one.clients, other.clients, 1.5, 0.0, "client")


def _graded(likeness: float, *steps: tuple[float, float]) -> float:
    """The weight of the first step that the likeness reaches."""
    return next(weight for least, weight in steps if likeness >= least)


def _names(one: Details, other: Details) -> tuple[float, str]:
    if one.parts and other.parts:
        return _people(one, other)
    if not one.name or not other.name:
        return 0.0, ""
    if one.name == other.name:
        return 8.5, "name"
    alike = max(fuzz.token_sort_ratio(one.name, other.name), fuzz.ratio(one.name, other.name)) / 100
    weight = _graded(alike, (0.92, 7.0), (0.85, 4.0), (0.75, 1.0), (0.6, -2.0), (0, -5.0))
    return weight, "near_name" if weight > 0 else ""


def _people(one: Details, other: Details) -> tuple[float, str]:
    """First and last name each by itself, and in the other order."""
    straight = [_part(a, b) for a, b in zip(one.parts, other.parts, strict=False)]
    crossed = [_part(a, b) - 0.5 for a, b in zip(one.parts, reversed(other.parts), strict=False)]
    weight = max(sum(straight), sum(crossed))
    if one.parts == other.parts and all(one.parts):
        return weight, "name"
    return weight, "near_name" if weight > 2 else ""


def _part(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    if one == other:
        return 4.5
    if len(one) == 1 or len(other) == 1:  # an initial
        return 1.0 if one[0] == other[0] else -3.0
    return _graded(JaroWinkler.similarity(one, other), (0.9, 3.5), (0.82, 2.0), (0.7, -0.5), (0, -3.0))


def _addresses(one: Details, other: Details) -> tuple[float, str]:
    weight = 0.0
    if one.street and other.street:
        if one.street == other.street:
            weight += 5.5
        else:
            alike = max(fuzz.token_sort_ratio(one.street, other.street), fuzz.ratio(one.street, other.street)) / 100
            weight += _graded(alike, (0.9, 4.5), (0.8, 3.5), (0.65, 1.5), (0.5, -1.0), (0, -2.5))
    if one.postal_code and other.postal_code:
        apart = DamerauLevenshtein.distance(one.postal_code, other.postal_code, score_cutoff=1)
        weight += (3.0, 1.5, -2.0)[apart]
    if one.city and other.city:
        weight += _graded(JaroWinkler.similarity(one.city, other.city), (1, 1.5), (0.88, 1.0), (0, -1.0))
    if weight < 3:
        return weight, ""
    return weight, "address" if weight >= 9.9 else "near_address"

"""Reassignment when a colleague leaves: apps register in their `hooks.py` what belongs to a user and how to reassign
it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.core.base.registry import Registry


@dataclass(frozen=True)
class Reassignable:
    """`count(viewer, user)` of what the viewer may see; `move(actor, user, to, now)` reassigns all of it and returns
    the number.
    """

    key: str
    label: Any
    order: int
    count: Callable[[Any, Any], int]
    move: Callable[[Any, Any, Any, datetime], int]


holdings: Registry[Reassignable] = Registry("holding")
register = holdings.register


def holdings_of(principal, user) -> list[tuple[Reassignable, int]]:
    """What the user holds, without empty kinds."""
    counted = ((holding, holding.count(principal, user)) for holding in holdings)
    return [(holding, n) for holding, n in counted if n]


def reassign_all(principal, *, user, to, now: datetime) -> int:
    """Reassign everything the user holds, in the caller's transaction."""
    return sum(holding.move(principal, user, to, now) for holding in holdings)

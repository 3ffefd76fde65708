"""What the change feed follows: apps register a `Feed` for each kind of record."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crm.core.base.registry import Registry
from crm.core.importing.parts import Model, parts

Ids = set[int]


@dataclass(frozen=True)
class Watch:
    """Writes of `model` after which the object that `column` names may be seen by others: updates that change one of `fields`; without
    fields, every write. `whose`: a column that names the colleague whom it concerns.
    """

    model: Model
    column: str = "pgh_obj_id"
    fields: tuple[str, ...] = ()
    whose: str = ""


@dataclass(frozen=True)
class Gate:
    """What decides who sees rows besides the rows themselves: `path` leads from a row to it ("client"; "pk" is the row). `was_seen(principal,
    ids, base_of)`: those of the objects that the principal may have seen; `base_of(model)` is the last event that a copy is sure to have.
    `hides`: who does not see it does not see the row.
    """

    path: str
    watches: tuple[Watch, ...]
    was_seen: Callable[[Any, Ids, Callable[[Model], int]], Ids]
    hides: bool = True


@dataclass(frozen=True)
class Feed:
    """`viewset` lists the rows. `was_seen(principal, ids, base)`: of rows that are not listed, those that the principal may have seen before;
    `base` is the last event of the row's history that a copy is sure to have. `left_out`: fields of the answer that change without a write
    of the record. A write of `openers`, parts of the record, changes its sight.
    """

    key: str
    viewset: Any
    gates: tuple[Gate, ...]
    was_seen: Callable[[Any, Ids, int], Ids]
    left_out: tuple[str, ...] = ()
    openers: tuple[Model, ...] = ()

    @property
    def model(self) -> Model:
        return self.viewset.queryset.model

    @cached_property
    def parts(self) -> list[Any]:
        return [part for part in parts if part.owner is self.model and hasattr(part.model, "pgh_event_model")]

    @cached_property
    def tables(self) -> list[str]:
        """The histories it reads."""
        watched = [watch.model for gate in self.gates for watch in gate.watches]
        return list(dict.fromkeys(map(events_of, [self.model, *(part.model for part in self.parts), *watched])))


def events_of(model: Model) -> str:
    return f'"{model.pgh_event_model._meta.db_table}"'  # type: ignore[attr-defined]


feeds: Registry[Feed] = Registry("change feed")
circumstances: Registry[Any] = Registry("circumstance of a reader")


@dataclass(frozen=True)
class Circumstance:
    """`of(principal)`: what widens or narrows everything they see. When it changes, a copy starts again."""

    key: str
    of: Callable[[Any], Any]

"""What names a client or a contact, and how a merge treats it. Each app registers its own; `test_relations.py` fails for what is
neither registered nor left with a reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Lower

from crm.core.base.registry import Registry

Model = type[models.Model]


@dataclass(frozen=True)
class Pair:
    """The two records of a merge that is being made."""

    kept: Any
    away: Any
    principal: Any
    now: datetime

    @property
    def model(self) -> Model:
        return type(self.kept)


@dataclass(frozen=True)
class Relation:
    """Rows of `model` whose `column` names a record of `owner`. They move to the kept record, but for those that it has already:
    of rows with the same `unless` it keeps its own; of `is_single` it has one at most. What does not move stays with the record that
    was merged away. `join(pair, surplus)` gives what is worth keeping of those rows to the kept record's own, before any row moves.
    `moving(pair, rows)` narrows the rows, and may change them so that they fit.

    `stays`: why no row moves. `label`: what moves, for the preview; "" if it is not told.
    """

    model: Model
    owner: Model
    column: str
    where: Mapping[str, Any] = field(default_factory=dict)
    unless: tuple[str, ...] = ()
    is_single: bool = False
    stays: str = ""
    moving: Callable[[Pair, QuerySet], QuerySet] | None = None
    join: Callable[[Pair, QuerySet], None] | None = None
    label: Any = ""

    @property
    def key(self) -> str:
        kind = "".join(f".{value}" for value in self.where.values())
        return f"{self.model._meta.label_lower}.{self.column}{kind}"

    @property
    def has_history(self) -> bool:
        return hasattr(self.model, "pgh_event_model")

    def rows_of(self, record: Any) -> QuerySet:
        return self.model._base_manager.filter(**{self.column: record.pk}, **self.where)

    def surplus(self, pair: Pair) -> QuerySet:
        """Rows of the record merged away that the kept one has already."""
        mine, theirs = self.rows_of(pair.kept), self.rows_of(pair.away)
        if self.is_single:
            return theirs if mine.exists() else theirs.none()
        if not self.unless:
            return theirs.none()
        names = [(name.removesuffix("__lower"), f"same_{n}") for n, name in enumerate(self.unless)]
        folded = {
            alias: Lower(name) if given.endswith("__lower") else F(name)
            for (name, alias), given in zip(names, self.unless, strict=True)
        }
        same = {alias: OuterRef(alias) for _name, alias in names}
        return theirs.annotate(**folded).filter(Exists(mine.annotate(**folded).filter(**same)))

    def move(self, pair: Pair) -> list[int]:
        """Give the rows to the kept record. Returns the ids of those that moved, if the history does not know them."""
        if self.stays:
            return []
        surplus = self.surplus(pair)
        if self.join is not None:
            self.join(pair, surplus)
        left = list(surplus.values_list("pk", flat=True)) if self.unless or self.is_single else []
        rows = self.rows_of(pair.away).exclude(pk__in=left)
        if self.moving is not None:
            rows = self.moving(pair, rows)
        pks = [] if self.has_history else list(rows.values_list("pk", flat=True))
        touched = {"updated_at": pair.now} if _has(self.model, "updated_at") else {}
        rows.update(**{self.column: pair.kept.pk}, **touched)
        return pks

    def counted(self, principal: Any, away: Any) -> int:
        """How many rows of it the principal sees."""
        manager: Any = self.model._default_manager
        rows = manager.visible_to(principal) if hasattr(manager, "visible_to") else manager.all()
        rows = rows.filter(**{self.column: away.pk}, **self.where)
        return rows.filter(archived_at__isnull=True).count() if _has(self.model, "archived_at") else rows.count()


def _has(model: Model, name: str) -> bool:
    return any(each.name == name for each in model._meta.concrete_fields)


@dataclass(frozen=True)
class Left:
    """A column that names records of `owner` in a way a merge does not change, and why."""

    model: Model
    column: str
    why: str

    @property
    def key(self) -> str:
        return f"{self.model._meta.label_lower}.{self.column}"


@dataclass(frozen=True)
class Consequence:
    """A sentence of the preview about what happens to records of `model`, with %(kept)s and %(away)s."""

    key: str
    model: Model
    text: Any
    order: int = 50


relations: Registry[Relation] = Registry("relation of a merged record")
left: Registry[Left] = Registry("column that a merge leaves")
consequences: Registry[Consequence] = Registry("consequence of a merge")


def relate(owner: Model, column: str, *models_: Model, **told: Any) -> None:
    """Rows that are all treated alike."""
    for model in models_:
        relations.register(Relation(model, owner, column, **told))


def leave(model: Model, *columns: str, why: str) -> None:
    for column in columns:
        left.register(Left(model, column, why))


def relations_of(owner: Model) -> list[Relation]:
    return [relation for relation in relations if relation.owner is owner]

"""What belongs to a record, so that the undo of an import takes or leaves it whole. Apps register theirs in `hooks.py`.

A tracked row that is registered as no part is a record of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from crm.core.base.registry import Registry

Model = type[models.Model]


@dataclass(frozen=True)
class Part:
    """Rows of `model` that go and stay with the record of `owner` that their `column` names. `where`: {column: value}, for a
    column that names records of several kinds. `through`: the table whose row `column` names, if that names the owner
    (in a column called as the owner's foreign key, `owner_column`). A row with two owners belongs to the first one, or to
    the one that the import created.
    """

    key: str
    model: Model
    owner: Model
    column: str
    where: dict[str, str] = field(default_factory=dict)
    through: Model | None = None
    owner_column: str = ""

    def named(self, alias: str) -> str:
        """SQL of the owner's id."""
        if self.through is None:
            return f"{alias}.{self.column}"
        return f"(SELECT t.{self.owner_column} FROM {self.through._meta.db_table} t WHERE t.id = {alias}.{self.column})"

    def condition(self, alias: str) -> str:
        """SQL that narrows the rows to those of this owner."""
        return "".join(f" AND {alias}.{name} = '{value}'" for name, value in self.where.items())


@dataclass(frozen=True)
class Mention:
    """Rows of `model` about a record of `owner` without a foreign key, or machine-made ones (`is_derived`). Somebody's rows keep
    a record that an import created; machine-made ones go with it.
    """

    key: str
    model: Model
    owner: Model
    column: str
    is_derived: bool = False


@dataclass(frozen=True)
class Check:
    """`check(pks)` raises ServiceError if these rows of `model`, just restored, break a rule that the database does not know.
    `lock()` is called before any row is locked.
    """

    key: str
    model: Model
    check: Callable[[list[int]], None]
    lock: Callable[[], None]


@dataclass(frozen=True)
class Charge:
    """The foreign key `column` of `model` names who is in charge: an undo gives no record back to somebody who cannot sign in any more."""

    key: str
    model: Model
    column: str


@dataclass(frozen=True)
class Follow:
    """`follow(pks, now)` sets right what is derived from the rows that were undone: `pks` are the records of `model` that they
    name or are, as far as they exist.
    """

    key: str
    model: Model
    follow: Callable[[list[int], Any], None]


parts: Registry[Part] = Registry("part of a record")
mentions: Registry[Mention] = Registry("mention of a record")
checks: Registry[Check] = Registry("check after an undo")
charges: Registry[Charge] = Registry("who is in charge")
followers: Registry[Follow] = Registry("follower of an undo")


def register_parts(owner: Model, column: str, *models_: Model) -> None:
    """Parts whose foreign key `column` names their owner."""
    for model in models_:
        parts.register(Part(f"{model._meta.label_lower}.{column}", model, owner, column))


def register_derived(owner: Model, column: str, *models_: Model) -> None:
    """Machine-made rows."""
    for model in models_:
        mentions.register(Mention(f"{model._meta.label_lower}.{column}", model, owner, column, is_derived=True))


def parts_in(model: Model) -> list[Part]:
    """What the rows of `model` are parts of."""
    return [part for part in parts if part.model is model]

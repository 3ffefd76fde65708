"""What an archive of the firm holds: each app says of each of its models whether its rows are in it, or why not.

`keep(Client, Contact)` keeps every column. `table(User, without={…})` leaves columns out, with the reason; `fill` says what
they become in another firm, given the row as the archive has it, {column: text}. `leave_out(Session, why="…")` keeps none of the rows.
The history of a model (its event table) goes with the model. A system check fails for a model or column that nobody spoke of.
Where neither `visible_to` nor a key narrows what one colleague's archive has of a table, `narrow` or `open_to_all` says what it has.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from django.apps import apps
from django.core.checks import Error
from django.core.checks import register as system_check
from django.db.models import Field, ForeignKey, Model, Q

from crm.core.base.registry import Registry

SECRET = ("password", "salt", "token", "secret", "hash")  # a column of such a name is left out, or said to be none


Fill = Callable[[dict[str, str]], str]


@dataclass(frozen=True)
class Table:
    """Rows of `model`. `rows` narrows them for everybody; `is_personal`: not in an archive of what one colleague may see.
    `harmless` are columns with the name of a secret that are none.
    """

    model: type[Model]
    without: dict[str, str] = field(default_factory=dict)
    fill: dict[str, Fill] = field(default_factory=dict)
    rows: Q | None = None
    is_personal: bool = False
    is_history: bool = False
    harmless: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.model._meta.label

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @cached_property
    def fields(self) -> list[Field]:
        """Those that travel, in the order of the model."""
        return [
            each
            for each in self.model._meta.local_concrete_fields
            if not each.generated and each.column not in self.without
        ]

    @property
    def columns(self) -> list[str]:
        return [str(each.column) for each in self.fields]

    @property
    def pk(self) -> str:
        return str(self.model._meta.pk.column)  # type: ignore[union-attr]


@dataclass(frozen=True)
class LeftOut:
    """`why` is for people: `export_firm --list` says it."""

    model: type[Model]
    why: str

    @property
    def key(self) -> str:
        return self.model._meta.label


@dataclass(frozen=True)
class Sight:
    """What an archive of what one colleague may see has of a table: the rows, or, without `rows`, all of them and `why`."""

    model: type[Model]
    rows: Q | None = None
    why: str = ""

    @property
    def key(self) -> str:
        return self.model._meta.label


@dataclass(frozen=True)
class Beginning:
    """Rows that the program gives a firm by itself: while they are untouched the firm counts as empty, and they give way."""

    models: tuple[type[Model], ...]  # in the order in which their rows are deleted
    is_untouched: Callable[[], bool]

    @property
    def key(self) -> str:
        return self.models[0]._meta.label


beginnings: Registry[Beginning] = Registry("beginning of a firm")
tables: Registry[Table] = Registry("table of the archive")
sights: Registry[Sight] = Registry("sight of a table of the archive")
left_out: Registry[LeftOut] = Registry("table outside of the archive")


def keep(*models: type[Model]) -> None:
    for model in models:
        table(model)


def table(
    model: type[Model],
    *,
    without: dict[str, str] | None = None,
    fill: dict[str, Fill] | None = None,
    rows: Q | None = None,
    is_personal: bool = False,
    harmless: tuple[str, ...] = (),
) -> None:
    tables.register(Table(model, without or {}, fill or {}, rows, is_personal, harmless=harmless))


def leave_out(*models: type[Model], why: str) -> None:
    for model in models:
        left_out.register(LeftOut(model, why))


def narrow(model: type[Model], rows: Q) -> None:
    """For rows that no other row names when they are left out."""
    sights.register(Sight(model, rows))


def open_to_all(*models: type[Model], why: str) -> None:
    for model in models:
        sights.register(Sight(model, why=why))


def begins_with(*models: type[Model], is_untouched: Callable[[], bool]) -> None:
    beginnings.register(Beginning(models, is_untouched))


def everything() -> list[Table]:
    """All tables with those of the history, each after the ones that it refers to."""
    found = {each.model: each for each in tables}
    for event in _events():
        owner = found.get(event.pgh_tracked_model)  # type: ignore[attr-defined]
        if owner is not None:
            found[event] = _history_of(event, owner)
    return [found[model] for model in _in_order({model: _refers_to(model) & found.keys() for model in found})]


def _in_order(after: dict[type[Model], set[type[Model]]]) -> Iterator[type[Model]]:
    """Where tables refer to each other in a ring, one of them comes first: keys are checked at the end."""
    while True:
        try:
            return iter([*TopologicalSorter(after).static_order()])
        except CycleError as ring:
            first, second, *_rest = ring.args[1]
            after[second].discard(first)


def _refers_to(model: type[Model]) -> set[type[Model]]:
    keys = (each for each in model._meta.local_concrete_fields if isinstance(each, ForeignKey))
    return {each.related_model for each in keys if each.related_model is not model}  # type: ignore[misc]


def _history_of(event: type[Model], owner: Table) -> Table:
    names = {each.column for each in event._meta.local_concrete_fields}
    without = {name: why for name, why in owner.without.items() if name in names}
    fill: dict[str, Fill] = {name: _nothing for name in owner.fill if name in names}
    numbered = {"pgh_id": "Versions get new numbers, in the same order."}
    return Table(event, without | numbered, fill, is_history=True, harmless=owner.harmless)


def _nothing(row: dict[str, str]) -> str:
    return ""


def _events() -> Iterator[type[Model]]:
    return (model for model in apps.get_models(include_auto_created=True) if hasattr(model, "pgh_tracked_model"))


def _own_tables() -> Iterator[type[Model]]:
    """Models with a table that is theirs alone."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy and not hasattr(model, "pgh_tracked_model"):
            yield model


@system_check("archive")
def every_model_is_spoken_of(app_configs, **kwargs) -> list[Error]:
    """A model is in the archive or left out with the reason, and so is each column that may be a secret."""
    found = [
        Error(f"{model._meta.label} is neither in the archive of the firm nor left out with a reason.", id="core.E010")
        for model in _own_tables()
        if (model._meta.label in tables) is (model._meta.label in left_out)
    ]
    for each in tables:
        known = {column.column: column for column in each.model._meta.local_concrete_fields}
        found += [
            Error(f"The archive leaves out {each.key}.{name}, which is not there.", id="core.E011")
            for name in [*each.without, *each.fill, *each.harmless]
            if name not in known
        ]
        found += [
            Error(f"{each.key}.{name} is left out of the archive and has no value in another firm.", id="core.E012")
            for name in each.without
            if name in known and not known[name].null and name not in each.fill
        ]
        found += [
            Error(
                f"{each.key}.{name} may be a secret: leave it out of the archive, or call it harmless.", id="core.E013"
            )
            for name in each.columns
            if any(part in name for part in SECRET) and name not in each.harmless
        ]
    return found

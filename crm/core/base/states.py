"""State machines: which moves there are, and the one way to make one. (Delivery of mail has its own, in SQL.)"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.versions import save_version


class States:
    """The moves of a state machine (`from → to …`) and its named sets: `States(MOVES, open=(A, B))` has `.open`."""

    def __init__(self, moves: Mapping[Any, Iterable[Any]], **sets: Iterable[Any]):
        self.moves = {state: tuple(to) for state, to in moves.items()}
        known = set(self.moves)
        if unknown := {to for targets in self.moves.values() for to in targets} - known:
            raise ValueError(f"moves to unknown states: {sorted(map(str, unknown))}")
        for name, states in sets.items():
            setattr(self, name, tuple(states))

    def __getattr__(self, name: str) -> tuple[Any, ...]:
        raise AttributeError(f"there is no set of states named {name!r}")

    def allows(self, state: Any, to: Any) -> bool:
        return to in self.moves.get(state, ())


def refuse_move(row: Any, to: Any, field: str = "state") -> ServiceError:
    """The sentence for a move that is not there, with both states in words."""
    words = dict(row._meta.get_field(field).flatchoices)
    now = words.get(getattr(row, field), getattr(row, field))
    return ServiceError(
        _("This is “%(now)s” and cannot become “%(to)s”.") % {"now": now, "to": words.get(to, to)}, code="state"
    )


@contextmanager
def transition(
    row: Model, *, to: Any, states: States, seen: int | None = None, field: str = "state", is_edit: bool = True
) -> Iterator[Any]:
    """Lock the row, check the move, give the fresh row to the block, and save what the block set together with the state.

    One UPDATE, so one row of history. A Versioned row counts up and `seen` refuses a stale one; a move that people do not see as
    an edit (`is_edit=False`: a mail left, a deadline passed) leaves the version alone. Call it in a service. Raises ServiceError
    (code "state") for a move that is not there, StaleWrite.
    """
    manager: Any = type(row)._default_manager
    fresh = manager.select_for_update(of=("self",)).get(pk=row.pk)
    if not states.allows(getattr(fresh, field), to):
        raise refuse_move(fresh, to, field)
    before = {column.attname: getattr(fresh, column.attname) for column in fresh._meta.concrete_fields}
    yield fresh
    setattr(fresh, field, to)
    changed = [
        column.name
        for column in fresh._meta.concrete_fields
        if getattr(fresh, column.attname) != before[column.attname]
    ]
    if is_edit and hasattr(fresh, "version"):
        save_version(fresh, fields=changed, seen=seen, merges=False)
    else:
        fresh.save(update_fields=changed)

"""State machines: the allowed transitions, and the one way to make one. (Mail delivery has its own, in SQL.)"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.versions import save_version


class States:
    """The transitions of a state machine (`from → to …`) and its named sets: `States(MOVES, open=(A, B))` has `.open`.

    `refusal` is the message for a transition that is not allowed, with %(now)s and %(to)s in it (%(now_lower)s and
    %(to_lower)s in mid-sentence), and `code` is the error's code.
    """

    def __init__(
        self, moves: Mapping[Any, Iterable[Any]], *, refusal: Any = "", code: str = "state", **sets: Iterable[Any]
    ):
        self.refusal, self.code = refusal, code
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

    def expect(self, row: Any, *among: Any, field: str = "state") -> None:
        """Raises ServiceError unless the row is in one of these states."""
        if getattr(row, field) not in among:
            raise refuse_move(row, among[0], self, field)


def refuse_move(row: Any, to: Any, states: States, field: str = "state") -> ServiceError:
    """The ServiceError for a transition that is not allowed; it names both states."""
    words = dict(row._meta.get_field(field).flatchoices)
    now, wanted = (str(words.get(state, state)) for state in (getattr(row, field), to))
    sentence = states.refusal or _("This is “%(now)s” and cannot become “%(to)s”.")
    named = {"now": now, "to": wanted, "now_lower": now.lower(), "to_lower": wanted.lower()}
    return ServiceError(sentence % named, code=states.code)


@contextmanager
def transition(
    row: Model,
    *,
    to: Any,
    states: States,
    only_from: Any = None,
    seen: int | None = None,
    field: str = "state",
    is_edit: bool = True,
    is_locked: bool = False,
) -> Iterator[Any]:
    """Lock the row, check the transition, yield the fresh row, and save what the block set together with the state.

    One UPDATE, so one row of history. A Versioned row counts up, and `seen` refuses a stale one. A transition that
    people do not see as an edit (`is_edit=False`: an email was sent, a deadline passed) keeps the version. `only_from`
    narrows a transition that several states allow: a paused row is resumed, a done one reopened. With `is_locked` the
    caller has already loaded and locked the row, and the block gets that object. Call it in a service. Raises
    ServiceError (the code of `states`) for a transition that is not allowed, StaleWrite.
    """
    manager: Any = type(row)._default_manager
    fresh: Any = row if is_locked else manager.select_for_update(of=("self",)).get(pk=row.pk)
    now = getattr(fresh, field)
    if not states.allows(now, to) or only_from not in (None, now):
        raise refuse_move(fresh, to, states, field)
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
        fresh.save(update_fields=[*changed, "updated_at"] if hasattr(fresh, "updated_at") else changed)


def advance(row: Model, *, to: Any, states: States, **values: Any) -> None:
    """A transition that people do not see as an edit, on a row the caller has locked: state and values in one
    UPDATE.
    """
    with transition(row, to=to, states=states, is_edit=False, is_locked=True):
        for name, value in values.items():
            setattr(row, name, value)

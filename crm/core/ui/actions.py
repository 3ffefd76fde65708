"""The skeleton of every POST: a form, a service, and the page's answer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from crm.core.base.errors import ServiceError, StaleWrite, add_to_form
from crm.core.ui.forms import Clash, Laid


@dataclass(frozen=True)
class Difference:
    """A field that two people changed: its label, the current value, and what this user typed. With `inputs`, which
    hold the current value, the user may choose it under the field's `name`.
    """

    label: str
    theirs: str
    yours: str
    name: str = ""
    inputs: str = ""


@dataclass(frozen=True)
class Conflict:
    """For `components/conflict.html`: who saved the other version, the version to overwrite, and what differs."""

    who: str
    version: int
    differences: list[Difference]


@dataclass(frozen=True)
class Outcome:
    """`is_done` with the service's `result`, or the `status` of the page: 200 viewed, 422 refused, 409 stale."""

    is_done: bool = False
    result: Any = None
    status: int = 200
    conflict: Conflict | None = None
    context: dict[str, Any] = field(default_factory=dict)


def form_action(request: HttpRequest, form: BaseForm, act: Callable[[], Any], *, hidden: Iterable[str] = ()) -> Outcome:
    """On POST validate the form and call `act()`, which calls the service. An error is shown beside its field, and the
    input is kept. `hidden` names fields whose current value the user may not see.

    If someone else saved meanwhile, fields the user did not change take the saved values and the service is called
    again; the user is asked only about fields that both changed.

        outcome = form_action(request, form, lambda: update_team(request.principal, team=team, **form.cleaned_data))
        if outcome.is_done:
            return go(request, "core:teams")
        return render_page(request, "…", {"form": form, "conflict": outcome.conflict}, status=outcome.status)
    """
    if request.method != "POST":
        return Outcome()
    merging: Any = form if isinstance(form, Laid) and form.merges and form.has_seen else None
    if merging:
        merging.take_theirs()
    if not form.is_valid():
        return Outcome(status=422)
    try:
        try:
            return Outcome(is_done=True, result=act())
        except StaleWrite as error:
            if not merging:
                raise
            return _merged(merging, act, error)
    except StaleWrite as error:
        return Outcome(status=409, conflict=conflict_of(form, error, hidden=hidden))
    except ServiceError as error:
        add_to_form(form, error)
        return Outcome(status=422)


def _merged(form: Any, act: Callable[[], Any], error: StaleWrite) -> Outcome:
    """Call `act()` again with the saved values of the fields that the user did not change; 409 if both changed a
    field.
    """
    clashes = form.merge_onto(error.current)
    if clashes:
        found = [_difference(form, clash) for clash in clashes]
        return Outcome(status=409, conflict=Conflict(error.who, error.current.version, found))
    return Outcome(is_done=True, result=act()) if form.is_valid() else Outcome(status=422)


def _difference(form: Any, clash: Clash) -> Difference:
    theirs, yours = clash.theirs, clash.yours
    if clash.name in form.fields:
        theirs, yours = words_of(form[clash.name], theirs), words_of(form[clash.name], yours)
    return Difference(clash.label, theirs, yours, clash.name, clash.inputs)


def conflict_of(form: BaseForm, error: StaleWrite, *, hidden: Iterable[str] = ()) -> Conflict:
    """The conflict, with both values of each differing field. Saving again writes the whole form, so it shows every
    value that would be replaced.
    """
    current, found = error.current, []
    for name in form.fields:
        if name == "version" or not hasattr(current, name) or not getattr(form, "compared", True):
            continue
        bound = form[name]
        yours, theirs = words_of(bound, form.cleaned_data.get(name)), words_of(bound, getattr(current, name))
        if theirs != yours:
            found.append(Difference(str(bound.label), "—" if name in set(hidden) else theirs, yours))
    return Conflict(error.who, current.version, found)


def words_of(bound: Any, value: Any) -> str:
    """A value of a form field as people read it."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
    if hasattr(value, "all"):
        value = value.all()
    if hasattr(value, "__iter__") and not isinstance(value, str):
        return ", ".join(str(row) for row in value) or "—"
    choices = getattr(bound.field, "choices", None) if isinstance(value, str | int) else None
    labels = {str(key): label for key, label in choices} if choices else {}
    return str(labels.get(str(value), value)) or "—"

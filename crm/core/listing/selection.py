"""Bulk actions on selected rows of a list, or on all of them on every page, with one undo.

Each row goes through its service with the principal's rights; a refused row is skipped and counted. What the undo needs
is saved in the same transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pghistory
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext, ngettext_lazy
from django.views.decorators.http import require_POST

from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.reading import whole_number
from crm.core.base.registry import Registry
from crm.core.listing.models import BulkChange, SavedView
from crm.core.ui import formatting
from crm.core.ui.forms import Asks, Form
from crm.core.ui.htmx import local_path
from crm.core.users.models import User

AT_ONCE = 100  # rows changed while somebody waits; more are changed in the background
MOST = 20_000  # rows in one step
KEPT_FOR = timedelta(days=30)  # what undo needs


@dataclass(frozen=True)
class Action:
    """`key` is stored with the change: list and verb, such as "clients.archive"; `model`: the model of the rows.

    `act(principal, row, values, now)` calls the row's service and returns, as JSON, what `undo(principal, row, before,
    now)` needs; without `undo` the action is final. `form` asks for values first. `question(rows)`: the confirmation
    that an action without a form asks for, "" for none. `said`: the message with the number changed. `fits(values)`:
    whether it makes sense for the list's filters. `afterwards(principal, change, values)` runs once for all changed
    rows, for example to send one notification instead of a hundred. `ask(principal, data)`: makes a form that depends on
    who is asked, instead of `form`; `words(values)`: what is changed, for the page of the change. `begin(values)` and
    `begin_undo(befores)` are called first in a transaction that changes rows, or takes them back: they lock what comes before any row.

    A row carries `seen_version` for its service: the version it had when it was read, in the background when the action was started. So
    nothing is written over what somebody saved since. `versions(rows)`: {pk: that
    version}, for an action that changes what the row's own version does not count; else it carries None at once.
    """

    key: str
    label: Any
    model: type[models.Model]
    act: Callable[[Any, Any, dict[str, Any], datetime], Any]
    undo: Callable[[Any, Any, Any, datetime], Any] | None = None
    icon: str = ""
    form: type[forms.Form] | None = None
    ask: Callable[[Any, Any], forms.Form] | None = None
    words: Callable[[dict[str, Any]], str] = lambda values: ""
    question: Callable[[Any], str] | None = None
    may: Callable[[Any], bool] = lambda principal: True
    fits: Callable[[Mapping[str, Any]], bool] = lambda values: True
    said: Any = ngettext_lazy("%(n)d changed", "%(n)d changed", "n")
    afterwards: Callable[[Any, BulkChange, dict[str, Any]], None] | None = None
    versions: Callable[[models.QuerySet], dict[int, Any]] | None = None
    begin: Callable[[dict[str, Any]], None] = lambda values: None
    begin_undo: Callable[[Iterable[Any]], None] = lambda befores: None

    def seen(self, row: Any) -> Any:
        """The version of a row that is changed as soon as it is read."""
        return None if self.versions else getattr(row, "version", None)


actions: Registry[Action] = Registry("action on selected rows")
Start = Callable[[Any, BulkChange, "list[int]", "dict[str, Any]"], str]
_background: list[Start] = []
_runs: list[Callable[[BulkChange], bool]] = []


def in_background(start: Start, runs: Callable[[BulkChange], bool]) -> None:
    """`start(principal, change, pks, data)` does an action in the background, on these rows with what its form was given; without
    rows it undoes it. It returns the address of the page that shows how far it is. `runs(change)`: whether it, or its undo, is not over yet. The
    room above this one says how."""
    _background[:], _runs[:] = [start], [runs]


def outside_trash(values: Mapping[str, Any]) -> bool:
    return not values.get("archived")


def trash_actions(
    kind: str, model: type[models.Model], name: str, archive: Callable[..., Any], restore: Callable[..., Any]
) -> tuple[Action, ...]:
    """Archive and restore, each the undo of the other, by the services `archive(principal, name=row, now=…)` and
    `restore(principal, name=row)`."""

    def to_trash(principal, row, values, now):
        if row.archived_at is not None:
            raise ServiceError(str(NO_CHANGE))
        archive(principal, **{name: row}, now=now)
        return now.isoformat()

    def back(principal, row, archived_at, now):
        if archived_at is not None and row.archived_at != datetime.fromisoformat(archived_at):
            raise ServiceError(str(CHANGED_SINCE))
        restore(principal, **{name: row})

    def out_of_trash(principal, row, values, now):
        if row.archived_at is None:
            raise ServiceError(str(NO_CHANGE))
        restore(principal, **{name: row})
        return _version_of(row)

    def into_it_again(principal, row, version, now):
        if row.archived_at is not None or (version is not None and row.version != version):
            raise ServiceError(str(CHANGED_SINCE))
        archive(principal, **{name: row}, now=now)

    there = Action(f"{kind}.archive", _lazy("Archive"), model, to_trash, back, "trash", fits=outside_trash)
    again = Action(
        f"{kind}.restore",
        _lazy("Restore"),
        model,
        out_of_trash,
        into_it_again,
        "arrow-counterclockwise",
        fits=lambda values: not outside_trash(values),
    )
    return actions.register(there), actions.register(again)


def _version_of(row: Any) -> int | None:
    """The version it has now; None for a row that has none."""
    rows = type(row)._default_manager.filter(pk=row.pk)
    return rows.values_list("version", flat=True).get() if hasattr(row, "version") else None


def hand_over(
    key: str,
    label: Any,
    model: type[models.Model],
    give: Callable[..., Any],
    asks: Any,
    *names: str,
    **more: Any,
) -> Action:
    """Reassign rows to the colleague that the form's field (label `asks`) names. Undo gives them back, unless they were
    reassigned again since.

    `names` are the row's ownership columns, the colleague's first. `give(principal, row, now=…, …)` calls the service
    with them by name, and with `row.seen_version` where it takes that: only the first to reassign, all of them to undo.
    """
    first = names[0]
    box = forms.Select(attrs={"data-combobox": ""})
    colleague = forms.ModelChoiceField(User.objects.active(), label=asks, empty_label=_("Type a name"), widget=box)
    ask = type("HandOverForm", (forms.Form,), {first: colleague})

    def pass_on(principal, row, values, now):
        before = [getattr(row, f"{name}_id") for name in names]
        if before[0] == values[first].pk:
            raise ServiceError(str(NO_CHANGE))
        give(principal, row, now=now, **values)
        return [*before, values[first].pk]

    def give_back(principal, row, before, now):
        if getattr(row, f"{first}_id") != before[-1]:
            raise ServiceError(str(CHANGED_SINCE))
        owners: dict[str, Any] = {name: model._meta.get_field(name).related_model for name in names}
        give(
            principal,
            row,
            now=now,
            **{
                name: owner._default_manager.filter(pk=pk).first()
                for (name, owner), pk in zip(owners.items(), before, strict=False)
            },
        )

    return actions.register(Action(key, label, model, pass_on, give_back, "person", ask, **more))


@dataclass
class Result:
    """[(pk, before)] of the changed rows, [(pk, why)] of those left alone."""

    done: list[tuple[int, Any]] = field(default_factory=list)
    left: list[tuple[int, str]] = field(default_factory=list)

    @property
    def refused(self) -> Counter:
        """The number of rows left alone for each reason."""
        return Counter(why for _pk, why in self.left)

    def each(self, pk: int, act: Callable[[], Any]) -> None:
        try:
            with transaction.atomic():
                self.done.append((pk, act()))
        except ServiceError as error:
            self.left.append((pk, str(error.message)))
        except PermissionDenied as error:
            self.left.append((pk, str(error) or _("You cannot change it.")))


class SelectionForm(forms.Form):
    """Which rows: picked one by one, or all that the list shows."""

    action = forms.CharField()
    all_matching = forms.BooleanField(required=False)
    ids = forms.TypedMultipleChoiceField(required=False, coerce=int)

    def __init__(self, data):
        super().__init__(data)
        ids = [value for value in data.getlist("ids") if whole_number(value) is not None]
        self.fields["ids"].choices = [(value, value) for value in ids]  # type: ignore[attr-defined]

    def chosen(self, rows: models.QuerySet) -> models.QuerySet:
        return rows if self.cleaned_data["all_matching"] else rows.filter(pk__in=self.cleaned_data["ids"])


class QuestionForm(Asks, Form):
    """Asks an action's `question`; its text identifies what is confirmed."""

    def __init__(self, data, words: str):
        super().__init__(data)
        self.words = words

    def clean(self):
        if self.words:
            self.ask(self.words, self.words)
        return super().clean()


def form_of(principal, action: Action, data: Any) -> Any:
    """The form of what the action asks for, bound to `data` unless that is None; None if it asks for nothing."""
    if action.ask:
        return action.ask(principal, data)
    return action.form(data) if action.form else None


def _asked(request, action: Action, pks) -> Any:
    """The form of what the action must ask first; None if nothing."""
    if action.form or action.ask:
        return form_of(request.principal, action, request.POST if "confirmed" in request.POST else None)
    return action.question and QuestionForm(request.POST, action.question(rows_of(request.principal, action, pks)))


def act(request, listing):
    """Apply an action to the selected rows, or ask for what it needs. None: return to the list; messages tell the
    result.
    """
    form = SelectionForm(request.POST)
    action = next((each for each in listing.actions if each.key == request.POST.get("action")), None)
    if action is None or not form.is_valid():
        return messages.error(request, _("Choose what to do with the selected rows."))
    if form.cleaned_data["all_matching"] and (listing.filters.refused or listing.filters.unseen):
        # else rows that the filters left out would be among “all”
        return messages.error(request, _("Some filters could not be used. Clear them, then choose again."))
    pks = sorted(form.chosen(listing.rows).order_by().values_list("pk", flat=True)[: MOST + 1])  # undo goes backwards
    if not pks:
        return messages.error(request, _("The selected rows are no longer in this list."))
    if len(pks) > MOST:
        return messages.error(request, _("Choose up to %(n)s rows at a time.") % {"n": f"{MOST:,}"})
    values = _asked(request, action, pks)
    if values is not None and not values.is_valid():
        context = {"listing": listing, "action": action, "form": values, "chosen": form.cleaned_data, "n": len(pks)}
        context["counted"] = listing.declared.noun and listing.declared.noun(len(pks), formatting.number(len(pks)))
        context["is_long"] = len(pks) > AT_ONCE
        return render(request, "listing/select.html", context, status=422 if values.is_bound else 200)
    given = values.cleaned_data if values else {}
    change = new_change(request.principal, action, pks, given, timezone.now(), url=listing.shown_url)
    if len(pks) > AT_ONCE and _background:
        change.save()
        data = {name: request.POST.getlist(name) for name in request.POST if name not in NOT_OF_THE_FORM}
        return redirect(_background[0](request.principal, change, pks, data))
    do(request.principal, action, change, pks, given)
    _say(request, action, change)
    return None


NOT_OF_THE_FORM = {"csrfmiddlewaretoken", "ids", "action", "all_matching", "confirmed"}


def rows_of(principal, action: Action, pks):
    manager: Any = action.model._default_manager
    return manager.visible_to(principal).filter(pk__in=pks).order_by("pk")


def new_change(principal, action: Action, pks: list[int], values: dict[str, Any], now: datetime, url: str = ""):
    said = action.words(values)[:300]
    return BulkChange(user=principal.user, action=action.key, created_at=now, url=url, total=len(pks), said=said)


def apply(principal, action: Action, pks: list[int], values: dict[str, Any], now: datetime, seen=None) -> Result:
    """Each row through the action. `seen`: the version of each row when the action was started. Call it in a transaction."""
    result, found = Result(), set()
    action.begin(values)
    with pghistory.context(user=principal.user_id):
        for row in rows_of(principal, action, pks):
            found.add(row.pk)
            row.seen_version = action.seen(row) if seen is None else seen.get(row.pk)
            result.each(row.pk, partial(action.act, principal, row, values, now))
    result.left += [(pk, str(OUT_OF_SIGHT)) for pk in pks if pk not in found]
    return result


@transaction.atomic
def do(principal, action: Action, change: BulkChange, pks: list[int], values: dict[str, Any]) -> None:
    """All of it in one transaction; each row's service checks permissions. The change is saved if there is something to undo
    or to tell."""
    result = apply(principal, action, pks, values, change.created_at)
    change.rows, change.refused = result.done, result.left
    if (result.done and action.undo) or any(why != str(NO_CHANGE) for _pk, why in result.left):
        change.save()
    if result.done and action.afterwards:
        action.afterwards(principal, change, values)


def _say(request, action, change) -> None:
    if change.rows:
        undo = f"undo:{reverse('core:undo-selected', args=[change.pk])}" if change.pk and action.undo else ""
        messages.success(request, action.said % {"n": len(change.rows)}, extra_tags=undo)
    _say_left(request, change, change.refused)


def _say_left(request, change, left) -> None:
    """Why rows were left alone; the page of the change names them."""
    see = f"see:{reverse('core:bulk-change', args=[change.pk])}" if change.pk else ""
    for reason, many in Counter(why for _pk, why in left).items():
        messages.error(request, _("%(n)d not changed: %(reason)s") % {"n": many, "reason": reason}, extra_tags=see)


@require_POST
def undo(request, pk):
    """Restore the rows of one bulk change where possible."""
    change = get_object_or_404(BulkChange, pk=pk, user=request.user)
    try:
        if len(change.rows) > AT_ONCE and _background:
            return redirect(_background[0](request.principal, change, [], {}))
        result = take_back(request.principal, change, timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect(local_path(request.POST.get("next", ""), "/"))
    n = len(result.done)
    if n:
        messages.success(request, ngettext("%(n)d restored", "%(n)d restored", n) % {"n": n})
    _say_left(request, change, result.left)
    return redirect(local_path(request.POST.get("next", ""), "/"))


def may_be_undone(change: BulkChange) -> bool:
    action = actions.get(change.action)
    return bool(change.rows and action and action.undo and not change.undone_at)


def to_undo(change: BulkChange) -> BulkChange:
    """The change, locked. Raises ServiceError if it or its undo still runs, if it is undone, or cannot be."""
    change = BulkChange.objects.select_for_update().get(pk=change.pk)
    if any(runs(change) for runs in _runs):
        running = _("The undo is already running.")
        raise ServiceError(running if change.undone_at else _("This is still running. Stop it or wait, then undo it."))
    if change.undone_at:
        raise ServiceError(_("This was already undone."))
    if not may_be_undone(change):
        raise ServiceError(_("There is nothing to undo."))
    return change


def _restored(principal, action: Action, row, before: Any, now: datetime) -> Any:
    try:
        return action.undo and action.undo(principal, row, before, now)
    except StaleWrite as error:  # since it was read
        raise ServiceError(str(CHANGED_SINCE)) from error


def restore(principal, change: BulkChange, rows: list[Any], now: datetime) -> Result:
    """Undo for these [[pk, before]] of a change, the last row first. A row changed again since is skipped. Call it in a
    transaction."""
    result, action, before = Result(), actions[change.action], dict(rows)
    action.begin_undo(before.values())
    with pghistory.context(user=principal.user_id):
        for row in rows_of(principal, action, before).reverse():
            row.seen_version = action.seen(row)
            result.each(row.pk, partial(_restored, principal, action, row, before[row.pk], now))
    found = {pk for pk, _nothing in (*result.done, *result.left)}
    result.left += [(pk, str(OUT_OF_SIGHT)) for pk in before if pk not in found]
    return result


@transaction.atomic
def take_back(principal, change: BulkChange, now: datetime) -> Result:
    """Undo one bulk change, once. A row changed again since is skipped. Raises ServiceError, as `to_undo` does."""
    change = to_undo(change)
    result = restore(principal, change, change.rows, now)
    change.undone_at, change.not_undone = now, result.left
    change.save(update_fields=["undone_at", "not_undone"])
    return result


def forget_old_steps(now: datetime) -> int:
    """Delete bulk changes that are too old to be undone, and deleted views (periodic)."""
    gone, _kinds = BulkChange.objects.filter(created_at__lt=now - KEPT_FOR).delete()
    views, _kinds = SavedView.objects.filter(archived_at__lt=now - KEPT_FOR).delete()
    return gone + views


OUT_OF_SIGHT = _lazy("no longer there, or not visible to you")
CHANGED_SINCE = _lazy("changed again since")
NO_CHANGE = _lazy("no change needed")

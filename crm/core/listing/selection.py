"""Bulk actions on selected rows of a list, or on all of them on every page, with one undo.

Each row goes through its service with the principal's rights; a refused row is skipped and counted. What the undo needs
is saved in the same transaction.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

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

from crm.core.base.errors import ServiceError
from crm.core.base.reading import whole_number
from crm.core.base.registry import Registry
from crm.core.listing.models import BulkChange, SavedView
from crm.core.ui.forms import Asks, Form
from crm.core.ui.htmx import local_path
from crm.core.users.models import User

MOST = 1000  # rows in one step
KEPT_FOR = timedelta(days=30)  # what undo needs


@dataclass(frozen=True)
class Action:
    """`key` is stored with the change: list and verb, such as "clients.archive"; `model`: the model of the rows.

    `act(principal, row, values, now)` calls the row's service and returns, as JSON, what `undo(principal, row, before,
    now)` needs; without `undo` the action is final. `form` asks for values first. `question(rows)`: the confirmation
    that an action without a form asks for, "" for none. `said`: the message with the number changed. `fits(values)`:
    whether it makes sense for the list's filters. `afterwards(principal, change, values)` runs once for all changed
    rows, for example to send one notification instead of a hundred.
    """

    key: str
    label: Any
    model: type[models.Model]
    act: Callable[[Any, Any, dict[str, Any], datetime], Any]
    undo: Callable[[Any, Any, Any, datetime], Any] | None = None
    icon: str = ""
    form: type[forms.Form] | None = None
    question: Callable[[Any], str] | None = None
    may: Callable[[Any], bool] = lambda principal: True
    fits: Callable[[Mapping[str, Any]], bool] = lambda values: True
    said: Any = ngettext_lazy("%(n)d changed", "%(n)d changed", "n")
    afterwards: Callable[[Any, BulkChange, dict[str, Any]], None] | None = None


actions: Registry[Action] = Registry("action on selected rows")


def outside_trash(values: Mapping[str, Any]) -> bool:
    return not values.get("archived")


def trash_actions(
    kind: str, model: type[models.Model], name: str, archive: Callable[..., Any], restore: Callable[..., Any]
) -> tuple[Action, ...]:
    """Archive and restore, each the undo of the other, by the services `archive(principal, name=row, now=…)` and
    `restore(principal, name=row)`."""

    def to_trash(principal, row, given, now):
        archive(principal, **{name: row}, now=now)

    def back(principal, row, given, now):
        restore(principal, **{name: row})

    there = Action(f"{kind}.archive", _lazy("Archive"), model, to_trash, back, "trash", fits=outside_trash)
    again = Action(
        f"{kind}.restore",
        _lazy("Restore"),
        model,
        back,
        to_trash,
        "arrow-counterclockwise",
        fits=lambda values: not outside_trash(values),
    )
    return actions.register(there), actions.register(again)


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
    with them by name: only the first to reassign, all of them to undo.
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
    """[(pk, before)] of the changed rows, and the number refused for each reason."""

    done: list[tuple[int, Any]] = field(default_factory=list)
    refused: Counter = field(default_factory=Counter)

    def each(self, pk: int, act: Callable[[], Any]) -> None:
        try:
            with transaction.atomic():
                self.done.append((pk, act()))
        except ServiceError as error:
            self.refused[str(error.message)] += 1
        except PermissionDenied as error:
            self.refused[str(error) or _("You cannot change it.")] += 1


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


def _asked(request, action: Action, pks) -> Any:
    """The form of what the action must ask first; None if nothing."""
    if action.form:
        return action.form(request.POST if "confirmed" in request.POST else None)
    return action.question and QuestionForm(request.POST, action.question(_rows(request.principal, action, pks)))


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
    pks = list(form.chosen(listing.rows).order_by().values_list("pk", flat=True)[: MOST + 1])
    if not pks:
        return messages.error(request, _("The selected rows are no longer in this list."))
    if len(pks) > MOST:
        return messages.error(request, _("Choose up to %(n)d rows at a time.") % {"n": MOST})
    values = _asked(request, action, pks)
    if values is not None and not values.is_valid():
        context = {"listing": listing, "action": action, "form": values, "chosen": form.cleaned_data, "n": len(pks)}
        return render(request, "listing/select.html", context, status=422 if values.is_bound else 200)
    change, refused = do(request.principal, action, pks, values.cleaned_data if values else {}, timezone.now())
    _say(request, action, change, refused)
    return None


def _rows(principal, action: Action, pks):
    manager: Any = action.model._default_manager
    return manager.visible_to(principal).filter(pk__in=pks).order_by("pk")


@transaction.atomic
def do(principal, action: Action, pks: list[int], values: dict[str, Any], now: datetime):
    """(the BulkChange, saved if it can be undone; {reason: number} of skipped rows). One transaction; each row's
    service checks permissions.
    """
    result = Result()
    for row in _rows(principal, action, pks):
        result.each(row.pk, partial(action.act, principal, row, values, now))
    change = BulkChange(user=principal.user, action=action.key, rows=result.done, created_at=now)
    if result.done and action.undo:
        change.save()
    if result.done and action.afterwards:
        action.afterwards(principal, change, values)
    return change, result.refused


def _say(request, action, change, refused) -> None:
    if change.rows:
        undo = f"undo:{reverse('core:undo-selected', args=[change.pk])}" if change.pk else ""
        messages.success(request, action.said % {"n": len(change.rows)}, extra_tags=undo)
    for reason, number in refused.items():
        messages.error(request, _("%(n)d not changed: %(reason)s") % {"n": number, "reason": reason})


@require_POST
def undo(request, pk):
    """Restore the rows of one bulk change where possible."""
    change = get_object_or_404(BulkChange, pk=pk, user=request.user)
    result = take_back(request.principal, change, timezone.now())
    n = len(result.done)
    if n:
        messages.success(request, ngettext("%(n)d restored", "%(n)d restored", n) % {"n": n})
    for reason, number in result.refused.items():
        messages.error(request, _("%(n)d not changed: %(reason)s") % {"n": number, "reason": reason})
    return redirect(local_path(request.POST.get("next", ""), "/"))


@transaction.atomic
def take_back(principal, change: BulkChange, now: datetime) -> Result:
    """Undo one bulk change, once. A row changed again since is skipped."""
    result, change = Result(), BulkChange.objects.select_for_update().get(pk=change.pk)
    action = actions.get(change.action)
    if change.undone_at or action is None or action.undo is None:
        result.refused[str(_ALREADY)] += 1
        return result
    before = dict(change.rows)
    for row in _rows(principal, action, before):
        result.each(row.pk, partial(action.undo, principal, row, before[row.pk], now))
    change.undone_at = now
    change.save(update_fields=["undone_at"])
    return result


def forget_old_steps(now: datetime) -> int:
    """Delete bulk changes that are too old to be undone, and deleted views (periodic)."""
    gone, _kinds = BulkChange.objects.filter(created_at__lt=now - KEPT_FOR).delete()
    views, _kinds = SavedView.objects.filter(archived_at__lt=now - KEPT_FOR).delete()
    return gone + views


_ALREADY = _lazy("already undone")
CHANGED_SINCE = _lazy("changed again since")
NO_CHANGE = _lazy("no change needed")

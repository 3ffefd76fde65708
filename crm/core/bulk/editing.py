"""Editing any field of many rows: one action of a list, made from the catalogue of its record.

    EDIT = bulk_edit("clients.edit", CLIENT_FIELDS, write, but=("name",))

`write(principal, row, seen_version=…, now=…, **fields)` calls the record's service, so nothing is written that its form could not.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.errors import ServiceError
from crm.core.bulk.targets import Target, targets_of
from crm.core.fields.catalogue import Catalogue
from crm.core.fields.custom.writing import changed_words
from crm.core.listing.selection import CHANGED_SINCE, NO_CHANGE, Action, actions, outside_trash
from crm.core.ui.forms import Field, Form, Layout, Row, When

HOW, TO = "how-", "to-"
WAYS = {"set": _lazy("Set to"), "clear": _lazy("Clear"), "add": _lazy("Add"), "remove": _lazy("Remove")}
MOST_FIELDS = 20
REFRESH = {  # choosing fields shows their controls
    "data-combobox": "",
    "hx-post": "",
    "hx-trigger": "change",
    "hx-target": "#bulk-question",
    "hx-select": "#bulk-question",
    "hx-swap": "outerHTML",
    "hx-vals": '{"choose": "1"}',
}

Checks = Mapping[str, Callable[[Any], Any]]


class EditForm(Form):
    """Which fields, and for each what becomes of it. `choose` in the data: somebody only changed which fields; nothing is checked.

    `cleaned_data["changes"]` is {name: [how, value as JSON, the type that it was read for]}."""

    merges = False

    def __init__(self, data: Any, *, principal: Any, targets: Mapping[str, Target], checks: Checks):
        is_choice = data is not None and "choose" in data
        super().__init__(None if is_choice else data)
        self.targets, self.checks = targets, checks
        self.fields["fields"] = forms.MultipleChoiceField(
            label=_("Fields"),
            choices=[(target.name, target.label) for target in targets.values()],
            widget=forms.SelectMultiple(attrs=REFRESH),
            error_messages={"required": _("Choose a field.")},
            help_text=_("Choose one or more, then say what becomes of them."),
        )
        asked = data.getlist("fields") if data is not None else []
        self.chosen = [targets[name] for name in dict.fromkeys(asked) if name in targets][:MOST_FIELDS]
        for target in self.chosen:
            self._add(target, principal)
        if is_choice:
            self.initial["fields"] = asked
            self._keep(data)

    def _add(self, target: Target, principal: Any) -> None:
        ways = ["set", *(["add", "remove"] if target.is_many else []), *(["clear"] if target.may_clear else [])]
        if target.is_many:
            ways = ["add", "remove", "set", *ways[3:]]
        self.fields[f"{HOW}{target.name}"] = forms.ChoiceField(
            label=target.label, choices=[(way, WAYS[way]) for way in ways], required=False
        )
        made = target.control(principal)
        made.label, made.help_text, made.required = _("New value"), "", False
        self.fields[f"{TO}{target.name}"] = made

    def _keep(self, data: Any) -> None:
        """What was typed so far stays."""
        for name, field in self.fields.items():
            if name in data and name != "fields":
                self.initial[name] = field.widget.value_from_datadict(data, {}, name)

    def get_layout(self):
        rows = [
            Row(f"{HOW}{t.name}", When(f"{HOW}{t.name}=set add remove", f"{TO}{t.name}"), css="grid-2 bulk-field")
            for t in self.chosen
        ]
        return Layout(Field("fields"), *rows)

    def clean(self):
        data, changes = super().clean() or self.cleaned_data, {}
        for target in self.chosen:
            how, name = data.get(f"{HOW}{target.name}"), f"{TO}{target.name}"
            if how == "":
                self.add_error(f"{HOW}{target.name}", _("Choose what becomes of it."))
            elif how == "clear":
                changes[target.name] = [how, None, target.kind]
            elif how and name in data:
                self._read(target, how, data[name], changes)
        return {"changes": changes}

    def _read(self, target: Target, how: str, given: Any, changes: dict[str, Any]) -> None:
        name = f"{TO}{target.name}"
        is_empty = given is None or given == "" or (target.is_many and not given)
        if is_empty:
            words = _("Enter a value, or choose “Clear”.") if target.may_clear else _("Enter a value.")
            return self.add_error(name, words)
        try:
            if check := self.checks.get(target.name):
                given = check(given)
            changes[target.name] = [how, target.json(given), target.kind]
        except forms.ValidationError as error:
            self.add_error(name, error)
        except ValueError as error:
            self.add_error(name, str(error))
        return None


@dataclass(frozen=True)
class Editing:
    catalogue: Catalogue
    write: Callable[..., Any]
    but: tuple[str, ...] = ()
    checks: Checks | None = None
    locks: Mapping[str, Callable[[], None]] | None = None

    def begin(self, values: dict[str, Any]) -> None:
        self._lock(values["changes"])

    def begin_undo(self, befores: Iterable[dict[str, Any]]) -> None:
        self._lock({name for before in befores for name in before})

    def _lock(self, names: Collection[str]) -> None:
        for name, lock in (self.locks or {}).items():
            if name in names:
                lock()

    @property
    def targets(self) -> dict[str, Target]:
        return targets_of(self.catalogue, self.but)

    def ask(self, principal: Any, data: Any) -> EditForm:
        return EditForm(data, principal=principal, targets=self.targets, checks=self.checks or {})

    def act(self, principal: Any, row: Any, values: dict[str, Any], now: datetime) -> dict[str, Any]:
        """{name: [before, after, type]} as JSON. A hidden value counts as none: a new one takes its place, and there is nothing to clear. Raises
        ServiceError, PermissionDenied."""
        targets, before, fields = self.targets, {}, {}
        for name, (how, given, *kind) in values["changes"].items():
            target = self._target(targets, name, kind)
            present = target.raw(row)
            wanted = target.wanted(how, present, given)
            if wanted != present:
                target.check(row)
                if how != "set" and target.is_hidden(principal, present):
                    continue
                before[name], fields[name] = present, target.value(wanted)
        if not fields:
            raise ServiceError(str(NO_CHANGE))
        saved = self._written(principal, row, now, row.seen_version, fields)
        return {name: [present, targets[name].raw(saved), targets[name].kind] for name, present in before.items()}

    def undo(self, principal: Any, row: Any, before: dict[str, Any], now: datetime) -> None:
        """Raises ServiceError for a row that was changed since, or whose field is gone."""
        targets, fields = self.targets, {}
        for name, (was, became, *kind) in before.items():
            target = self._target(targets, name, kind)
            if target.raw(row) != became or target.is_hidden(principal, became):
                raise ServiceError(str(CHANGED_SINCE))
            target.check(row)
            fields[name] = target.value(was)
        self._written(principal, row, now, row.seen_version, fields)

    def _target(self, targets: dict[str, Target], name: str, kind: list[str]) -> Target:
        """`kind`: [the type that its values are of], [] if that was not kept. Raises ServiceError if the field is gone, or has, or is getting,
        another type."""
        target = targets.get(name)
        if target is None:
            entry = self.catalogue.custom.get(name)
            if entry is not None and entry.is_changing:
                raise ServiceError(entry.changing_words)
            raise ServiceError(_("the field is no longer there"))
        if kind and kind != [target.kind]:
            raise ServiceError(changed_words(target.label))
        return target

    def _written(self, principal: Any, row: Any, now: datetime, seen: int | None, fields: dict[str, Any]) -> Any:
        try:
            return self.write(principal, row, seen_version=seen, now=now, **fields)
        except ServiceError as error:
            if error.field in fields and len(fields) > 1:
                label = self.targets[error.field].label
                raise ServiceError(f"{label}: {error.message}", field=error.field) from error
            raise

    def words(self, values: dict[str, Any]) -> str:
        """What is changed: “Tier, Owner”."""
        return ", ".join(str(self.targets[name].label) for name in values.get("changes", {}))


def bulk_edit(
    key: str,
    catalogue: Catalogue,
    write: Callable[..., Any],
    *,
    but: tuple[str, ...] = (),
    checks: Checks | None = None,
    locks: Mapping[str, Callable[[], None]] | None = None,
    **told: Any,
) -> Action:
    """The action “Edit” of a list. `but`: fields that one sets for each row by itself; `checks`: what the record's form checks
    besides its fields, by name, raising ValidationError; `locks`: what is locked before the first row where a field is among those edited."""
    editing = Editing(catalogue, write, but, checks, locks)
    made = Action(
        key,
        _lazy("Edit"),
        catalogue.model,
        editing.act,
        editing.undo,
        "pencil",
        ask=editing.ask,
        words=editing.words,
        begin=editing.begin,
        begin_undo=editing.begin_undo,
        **{"fits": outside_trash} | told,
    )
    return actions.register(made)

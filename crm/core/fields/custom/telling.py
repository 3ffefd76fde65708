"""Who owns what uses a field is told when it is archived or renamed, or gets a type that breaks what they made. One notification for each
person and change. Apps register whose rows name fields (`owned`), so that the kernel names none."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.core.base.principals import Principal
from crm.core.base.registry import Registry
from crm.core.fields.custom.choices import NUMBERS, WRITTEN
from crm.core.fields.custom.entries import Record
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.queries import lists_of, views_naming
from crm.core.notifications.services import tell
from crm.core.users.models import User

NAMED = 3  # of what somebody owns; the rest is counted


@dataclass(frozen=True)
class Owned:
    """Something of `owner` that names a field: `what` it is, its name and page. `breaks(before)`: whether it no longer works now that the
    field, which was of the kind `before`, has another."""

    owner: User
    what: Any
    name: str
    url: str
    breaks: Callable[[str], bool]


@dataclass(frozen=True)
class OwnedFinder:
    """`find(record, name)`: everybody's."""

    key: str
    find: Callable[[Record, str], Iterable[Owned]]
    order: int = 0


owned: Registry[OwnedFinder] = Registry("finder of what people own that names a field")


def tell_archived(principal: Principal, of: Record, field: CustomField) -> None:
    words = gettext_lazy("The field “%(name)s” was archived. You use it in %(uses)s.")
    _tell(principal, of, field, words, {"name": field.label})


def tell_renamed(principal: Principal, of: Record, field: CustomField, before: str) -> None:
    words = gettext_lazy("The field “%(before)s” is now called “%(name)s”. You use it in %(uses)s.")
    _tell(principal, of, field, words, {"name": field.label, "before": before})


def tell_changed(principal: Principal, of: Record, field: CustomField, before: str) -> None:
    """Call it when the field has its new type."""
    words = gettext_lazy("The type of the field “%(name)s” was changed to “%(kind)s”. %(uses)s no longer works.")
    told = {"name": field.label, "kind": field.get_kind_display()}
    _tell(principal, of, field, words, told, lambda each: each.breaks(before))


def _tell(
    principal: Principal,
    of: Record,
    field: CustomField,
    words: Any,
    told: dict[str, str],
    is_meant: Callable[[Owned], bool] = lambda each: True,
) -> None:
    by_owner: dict[User, list[Owned]] = {}
    for finder in owned:
        for each in finder.find(of, field.name):
            if each.owner.is_active and each.owner.pk != principal.user_id and is_meant(each):
                by_owner.setdefault(each.owner, []).append(each)
    for user, theirs in by_owner.items():
        text = str(words) % {**told, "uses": _uses(theirs)}
        key = f"field:{field.pk}:{field.version}:{user.pk}"
        tell(principal, user, kind="field", key=key, text=text, url=theirs[0].url)


def _uses(theirs: list[Owned]) -> str:
    said = [_("%(what)s “%(name)s”") % {"what": each.what, "name": each.name} for each in theirs[:NAMED]]
    if rest := len(theirs) - NAMED:
        said += [ngettext("%(n)d more", "%(n)d more", rest) % {"n": rest}] if rest > 0 else []
    return ", ".join(said)


def _views(of: Record, name: str) -> Iterable[Owned]:
    lists = lists_of(of)

    def breaks(view: Any, before: str) -> bool:
        entry = of.catalogue.custom.get(name)
        if entry is None:
            return True
        asked = {key for key in view.query if key in (name, f"{name}__from", f"{name}__to")}
        is_alike = any({before, entry.definition.kind} <= family for family in (set(WRITTEN), set(NUMBERS)))
        is_sorted = view.sort.lstrip("-") == name and entry.sort is None
        is_grouped = name in (view.group, view.board) and not entry.is_grouped
        return bool(asked - set(entry.filters())) or bool(asked and not is_alike) or is_sorted or is_grouped

    for view in views_naming(of, name).select_related("owner").order_by("pk"):
        url = f"{reverse(lists[view.list_key].url_name)}?view={view.pk}"
        yield Owned(view.owner, _("the view"), view.name, url, lambda before, view=view: breaks(view, before))  # type: ignore[misc]


owned.register(OwnedFinder("views", _views))

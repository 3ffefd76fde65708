"""What a person keeps of a list: the views to choose from, what it opens with, its columns."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Subquery
from django.db.models.functions import JSONObject

from crm.core.base.kept import Kept
from crm.core.base.principals import Principal
from crm.core.listing.models import ListPreference, SavedView
from crm.core.users.models import User


@dataclass(frozen=True)
class Saved:
    """A view as a page needs it."""

    pk: int
    name: str
    owner_id: int
    owner_name: str
    is_shared: bool
    query: dict[str, list[str]]
    sort: str
    group: str
    board: str
    columns: list[list[Any]]
    version: int


@dataclass(frozen=True)
class Own:
    """Of one person and list. `views`: their own in their order, then those of others by name."""

    views: list[Saved] = field(default_factory=list)
    start_view: int | None = None
    start_query: str = ""
    last_query: str = ""
    columns: list[str] = field(default_factory=list)
    widths: dict[str, int] = field(default_factory=dict)

    def view(self, pk: int | None) -> Saved | None:
        return next((view for view in self.views if view.pk == pk), None)


VIEW = ("pk", "name", "owner_id", "is_shared", "query", "sort", "group", "board", "columns", "version", "position")
PREFERENCE = ("start_view", "start_query", "last_query", "columns", "widths")


@Kept  # one statement for all of it, compiled once
def _kept(principal: Principal, list_key: str):
    views = SavedView.objects.visible_to(principal).kept().filter(list_key=list_key).order_by()
    mine = ListPreference.objects.filter(user=principal.user_id, list_key=list_key)
    return User.objects.filter(pk=principal.user_id).values_list(
        ArraySubquery(views.values(told=JSONObject(**{name: name for name in VIEW}, owner_name=F("owner__name")))),
        Subquery(mine.values(told=JSONObject(**{name: name for name in PREFERENCE}))[:1]),
    )


def kept_of(principal: Principal, list_key: str) -> Own:
    """One statement."""
    for views, preference in _kept.rows(principal, list_key) if principal.user is not None else ():
        mine = sorted((v for v in views if v["owner_id"] == principal.user_id), key=lambda v: (v["position"], v["pk"]))
        others = sorted((v for v in views if v["owner_id"] != principal.user_id), key=lambda v: v["name"].casefold())
        told = [{name: value for name, value in view.items() if name != "position"} for view in [*mine, *others]]
        return Own([Saved(**view) for view in told], **(preference or {}))
    return Own()


def next_position(principal: Principal, list_key: str) -> int:
    own = SavedView.objects.filter(owner=principal.user, list_key=list_key)
    last = own.order_by("-position").values_list("position", flat=True).first()
    return 0 if last is None else last + 1

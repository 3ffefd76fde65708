"""Views of lists that people keep and share, and how each of them has a list.

`page` is the ListPage whose view it is: what a view may say is checked against its filters, sorts and columns.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.listing import permissions, queries
from crm.core.listing.columns import LEAST_WIDTH, MOST_WIDTH
from crm.core.listing.models import ListPreference, SavedView

MOST_VIEWS = 100  # of one person and list
MOST_BYTES = 8_000  # of its filters

Query = Mapping[str, list[str]]


@service(may=permissions.may_keep_views)
def create_view(
    principal: Principal,
    *,
    page: Any,
    name: str,
    query: Query,
    now: datetime,
    sort: str = "",
    group: str = "",
    board: str = "",
    columns: list[list[Any]] | None = None,
    is_shared: bool = False,
) -> SavedView:
    """Keep filters {name: [values]}, sort, group, board and columns [[key, width or None]] under a name. Raises ServiceError (field name) for
    one that the person has already, and for what the list does not know."""
    row = SavedView(list_key=page.key, owner=principal.user, name=_clean(name), is_shared=is_shared)
    row.query, row.columns = _checked(principal, page, query, sort, columns or [], now)
    _arrange(row, page, sort, group, board)
    row.position = queries.next_position(principal, page.key)
    if SavedView.objects.filter(owner=principal.user, list_key=page.key).kept().count() >= MOST_VIEWS:
        raise ServiceError(_("A list can have up to %(n)d views of yours. Delete one first.") % {"n": MOST_VIEWS})
    _check(row)
    row.save()
    return row


@service(may=permissions.may_change_view)
def update_view(
    principal: Principal, *, view: SavedView, seen_version: int | None, name: str, is_shared: bool
) -> SavedView:
    """Rename it, share it with everyone or no longer. Raises ServiceError (field name), StaleWrite."""
    row = _locked(view)
    row.name, row.is_shared = _clean(name), is_shared
    _check(row)
    save_version(row, fields=["name", "is_shared"], seen=seen_version)
    return row


@service(may=permissions.may_change_view)
def save_view(
    principal: Principal,
    *,
    view: SavedView,
    page: Any,
    seen_version: int | None,
    query: Query,
    now: datetime,
    sort: str = "",
    group: str = "",
    board: str = "",
    columns: list[list[Any]] | None = None,
) -> SavedView:
    """Put other filters, sort, group, board and columns into it. Raises ServiceError, and StaleWrite if somebody has saved it since."""
    row = _locked(view)
    row.query, row.columns = _checked(principal, page, query, sort, columns or [], now)
    _arrange(row, page, sort, group, board)
    save_version(row, fields=["query", "sort", "group", "board", "columns"], seen=seen_version, merges=False)
    return row


@service(may=permissions.may_change_view)
def delete_view(principal: Principal, *, view: SavedView, now: datetime) -> SavedView:
    """It is gone for everyone; `restore_view` brings it back."""
    row, _changed = set_archived(view, at=now)
    return row


@service(may=permissions.may_change_view)
def restore_view(principal: Principal, *, view: SavedView) -> SavedView:
    """Undo of deleting. Raises ServiceError where another view has its name by now."""
    row, _changed = set_archived(view, at=None)
    return row


@service(may=permissions.may_order_views)
def order_views(principal: Principal, *, views: list[SavedView]) -> None:
    """The person's own views of a list, in this order."""
    moved = [(position, view) for position, view in enumerate(views) if view.position != position]
    for position, view in moved:
        view.position = position
    SavedView.objects.bulk_update([view for _position, view in moved], ["position"])


@service(may=permissions.may_keep_views)
def start_with(principal: Principal, *, list_key: str, view: SavedView | None = None, query: str = "") -> None:
    """What the list opens with for this person: a view, or the query of a ready-made one; neither: as they left it."""
    _prefer(principal, list_key, start_view=view, start_query="" if view else query[:MOST_BYTES])


@service(may=permissions.may_keep_views)
def remember_query(principal: Principal, *, list_key: str, query: str) -> None:
    """How the person left the list."""
    _prefer(principal, list_key, last_query=query[:MOST_BYTES])


@service(may=permissions.may_keep_views)
def choose_columns(
    principal: Principal, *, page: Any, columns: list[str], widths: Mapping[str, int] | None = None
) -> None:
    """The columns that the person sees where no view says others, and the widths of all; []: the list's own. Raises ServiceError for
    one that the list does not have."""
    _known_columns(page, columns)
    given: dict[str, Any] = {} if widths is None else {"widths": _sane(page, widths)}
    _prefer(principal, page.key, columns=columns, **given)


@service(may=permissions.may_keep_views)
def set_widths(principal: Principal, *, page: Any, widths: Mapping[str, int]) -> None:
    """The widths of the person's columns in pixels; {}: as the browser lays them out."""
    _prefer(principal, page.key, widths=_sane(page, widths))


def _prefer(principal: Principal, list_key: str, **values: Any) -> None:
    row = ListPreference(user=principal.user, list_key=list_key, **values)
    ListPreference.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["user", "list_key"], update_fields=[*values, "updated_at"]
    )


def _locked(view: SavedView) -> SavedView:
    return SavedView.objects.select_for_update(of=("self",)).get(pk=view.pk)


def _clean(name: str) -> str:
    return " ".join(name.split())


def _check(row: SavedView) -> None:
    try:
        row.clean_fields(exclude={field.name for field in row._meta.fields} - {"name"})
        row.validate_constraints()
    except ValidationError as error:
        raise ServiceError(error.messages[0], field="name") from error


def _checked(
    principal: Principal, page: Any, query: Query, sort: str, columns: list[list[Any]], now: datetime
) -> tuple[dict[str, list[str]], list[list[Any]]]:
    """The filters and columns as a view keeps them. Raises ServiceError naming the filters, the sort or the columns that
    the list does not take."""
    understood = page.understood(query, principal, now)
    if wrong := [name for name in query if name not in understood]:
        raise ServiceError(_("These filters cannot be saved: %(names)s.") % {"names": ", ".join(wrong)}, field="query")
    if sort and sort not in page.own_sorts:
        raise ServiceError(_("This list cannot be sorted like that."), field="sort")
    _known_columns(page, [key for key, _width in columns])
    sizes = _sane(page, {key: width for key, width in columns if width})
    kept = {name: [str(value) for value in values] for name, values in query.items()}
    if len(json.dumps(kept)) > MOST_BYTES:
        raise ServiceError(_("These filters are too long to be saved."), field="query")
    return kept, [[key, sizes.get(key)] for key, _width in columns]


def _arrange(row: SavedView, page: Any, sort: str, group: str, board: str) -> None:
    if group and group not in page.own_groups:
        raise ServiceError(_("This list cannot be grouped like that."), field="group")
    if board and board not in page.own_boards:
        raise ServiceError(_("This list has no such board."), field="board")
    row.sort, row.group, row.board = sort, group, board


def _known_columns(page: Any, keys: list[str]) -> None:
    if unknown := [key for key in keys if key not in page.offered]:
        raise ServiceError(
            _("This list has no such column: %(names)s.") % {"names": ", ".join(unknown)}, field="columns"
        )


def _sane(page: Any, widths: Mapping[str, int]) -> dict[str, int]:
    return {key: max(LEAST_WIDTH, min(MOST_WIDTH, int(width))) for key, width in widths.items() if key in page.offered}

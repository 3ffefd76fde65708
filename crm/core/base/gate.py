"""The gate for kernel rows that concern a client (mail, files, notifications, drafts, jobs).

The kernel knows no clients: `clients/hooks.py` registers which client ids a user may see. A row without a client belongs
to its addressee, or to an admin.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Q

_visible_client_ids: Callable[[Any], Any] | None = None


def register(visible_client_ids: Callable[[Any], Any]) -> None:
    """`visible_client_ids(user)` gives a queryset of ids (usable with `__in`)."""
    global _visible_client_ids
    _visible_client_ids = visible_client_ids


def visible_client_ids(principal) -> Any:
    if _visible_client_ids is None:
        raise LookupError("No gate is registered; clients.hooks does it when the app is ready.")
    return _visible_client_ids(principal)


def rows_of(principal, *, addressee: str) -> Q:
    """Rows of a client the user may see; rows of no client if theirs or the user is an admin."""
    mine = Q(client_id__isnull=True)
    if not principal.is_admin:
        mine &= Q(**{addressee: principal.user})
    return Q(client_id__in=visible_client_ids(principal)) | mine

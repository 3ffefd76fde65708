"""The gate for kernel rows that concern a client (mail, files, notifications, drafts, jobs).

The kernel knows no clients: `clients/hooks.py` registers which client ids a principal may see. A row without a client
belongs to its addressee, or to an admin. An app whose rows cause kernel rows may register its own rule: it hides rows
because of their cause, even from people who see the client.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q

from crm.core.base.principals import Kind, Principal
from crm.core.base.registry import Registry

_visible_client_ids: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Rule:
    """`visible(principal)` is an extra condition on rows of `model` (its label, such as "core.OutboxMail"). It checks
    the row's cause, by kind and key.
    """

    key: str
    model: str
    visible: Callable[[Principal], Q]


rules: Registry[Rule] = Registry("rule of the gate")


def register(visible_client_ids: Callable[[Any], Any]) -> None:
    """`visible_client_ids(principal)` returns a queryset of ids (for `__in`)."""
    global _visible_client_ids
    _visible_client_ids = visible_client_ids


def visible_client_ids(principal: Principal) -> Any:
    if _visible_client_ids is None:
        raise LookupError("No gate is registered; clients.hooks does it when the app is ready.")
    return _visible_client_ids(principal)


def own(principal: Principal) -> Q:
    """Rows whose `user` or `contact_id` is the principal; no rows for a link, the system and NOBODY."""
    if principal.user is not None:
        return Q(user=principal.user)
    return Q(contact_id=principal.contact_id) if principal.kind is Kind.CONTACT else Q(pk__in=[])


def rows_of(principal: Principal, model: type[Model]) -> Q:
    """Rows of `model` about a client the principal may see, and the principal's own rows without a client (for an
    admin: anyone's).
    """
    without = Q(client_id__isnull=True)
    if not principal.is_admin:
        without &= own(principal)
    seen = Q(client_id__in=visible_client_ids(principal)) | without
    for rule in rules:
        if rule.model == model._meta.label:
            seen &= rule.visible(principal)
    return seen

"""Drafts of what is being typed, stored per user, form, client and record. Deleted once the form is saved."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from crm.core.base import gate
from crm.core.base.actors import actor_columns
from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.drafts.models import Draft

MAX_BYTES = 30_000
MAX_DRAFTS = 200
KEPT_FOR = timedelta(days=30)
ASIDE = "aside:"  # prefix of a discarded draft's kind; the last one of each form is kept for undo


@service(may=None)
def save_draft(
    principal: Principal, *, kind: str, client_id: int | None = None, record: str = "", data: dict, now: datetime
) -> Draft:
    """Save what is typed. Raises ServiceError if it is too long or the user may not see the client."""
    if len(kind) > 40 or len(record) > 40:
        raise ServiceError(_("Unknown form."), code="not_found")
    data = _without_nul(data)
    if len(json.dumps(data).encode()) > MAX_BYTES:
        raise ServiceError(
            _("This text is too long for a draft (30 kB). Save it, or keep it elsewhere."), code="too_long"
        )
    _check_client(principal, client_id)
    draft, _made = Draft.objects.update_or_create(
        **actor_columns(principal, "user", "contact_id"),
        kind=kind,
        client_id=client_id,
        record=record,
        defaults={"data": data, "updated_at": now},
    )
    surplus = Draft.objects.own(principal).order_by("-updated_at").values("pk")[MAX_DRAFTS : MAX_DRAFTS + 50]
    Draft.objects.filter(pk__in=list(surplus.values_list("pk", flat=True))).delete()
    return draft


@Kept
def _drafts(principal, kind: str, record: str, *, client_id: int | None):
    return Draft.objects.visible_to(principal).filter(kind=kind, client_id=client_id, record=record)[:1]


def find_draft(*, principal: Principal, kind: str, client_id: int | None = None, record: str = "") -> Draft | None:
    """The user's draft of exactly this form, or None."""
    return next(iter(_drafts.rows(principal, kind, record, client_id=client_id)), None)


@service(may=None)
def discard_draft(principal: Principal, *, kind: str, client_id: int | None = None, record: str = "") -> None:
    """Delete the draft: the form was saved or the draft is not wanted. Call it in the saving transaction."""
    Draft.objects.own(principal).filter(kind=kind, client_id=client_id, record=record).delete()


@service(may=None)
def set_draft_aside(principal: Principal, *, kind: str, client_id: int | None = None, record: str = "") -> bool:
    """Discard a draft; `bring_draft_back` undoes it. False if there was none."""
    own = Draft.objects.own(principal).filter(client_id=client_id, record=record)
    if not own.filter(kind=kind).exists():
        return False
    own.filter(kind=ASIDE + kind).delete()
    return bool(own.filter(kind=kind).update(kind=ASIDE + kind, updated_at=Now()))


@service(may=None)
def bring_draft_back(principal: Principal, *, kind: str, client_id: int | None = None, record: str = "") -> bool:
    """Undo `set_draft_aside`. False if there is nothing to restore, or something else is being typed by now."""
    own = Draft.objects.own(principal).filter(client_id=client_id, record=record)
    return not own.filter(kind=kind).exists() and bool(own.filter(kind=ASIDE + kind).update(kind=kind))


def forget_discarded(now: datetime) -> int:
    """Delete drafts whose discard is too old to be undone (periodic)."""
    gone, _kinds = Draft.objects.filter(kind__startswith=ASIDE, updated_at__lt=now - KEPT_FOR).delete()
    return gone


def _without_nul(value: Any) -> Any:
    """PostgreSQL cannot store NUL; forms refuse it on save, a draft just drops it."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return {_without_nul(key): _without_nul(item) for key, item in value.items()} if isinstance(value, dict) else value


def _check_client(principal: Principal, client_id: int | None) -> None:
    if client_id is not None and not gate.visible_client_ids(principal).filter(pk=client_id).exists():
        raise ServiceError(_("Client not found."), field="client_id", code="not_found")

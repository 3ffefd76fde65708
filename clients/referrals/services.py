"""Referrals: added, changed, removed."""

from copy import copy
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from clients import permissions as client_permissions
from clients.checks import check_constraints, clean_fields, only_known
from clients.contacts.models import Contact
from clients.records.models import Client
from clients.referrals import permissions
from clients.referrals.fields import REFERRAL_FIELDS
from clients.referrals.models import Referral
from crm.core.base.archiving import set_archived
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.firm.queries import firm_today


@service(may=client_permissions.may_edit, why=client_permissions.IN_TRASH)
def add_referral(
    principal: Principal, *, client: Client, now: datetime, is_demo: bool = False, **fields: Any
) -> Referral:
    """Say who referred the client: `by_client`, `by_contact` or `by_source`. Raises ServiceError, naming the field."""
    row = Referral(client=client, is_demo=is_demo)
    _apply(principal, row, fields, firm_today(now))
    row.save()
    return row


@service(may=permissions.may_change_referral, why=client_permissions.IN_TRASH)
def update_referral(
    principal: Principal, *, referral: Referral, now: datetime, seen_version: int | None = None, **fields: Any
) -> Referral:
    """Change what is given. Raises StaleWrite, ServiceError, naming the field."""
    row = Referral.objects.select_for_update(of=("self",)).select_related("client").get(pk=referral.pk)
    save_version(row, fields=_apply(principal, row, fields, firm_today(now)), seen=seen_version)
    return row


@service(may=permissions.may_change_referral, why=client_permissions.IN_TRASH)
def archive_referral(principal: Principal, *, referral: Referral, now: datetime) -> Referral:
    """Take one that was entered by mistake out of every list and sum. Twice changes nothing."""
    return set_archived(referral, at=now)[0]


@service(may=permissions.may_restore_referral, why=client_permissions.IN_TRASH)
def restore_referral(principal: Principal, *, referral: Referral) -> Referral:
    """Raises ServiceError when the same referral was added again since."""
    row = copy(referral)
    row.archived_at = None
    check_constraints(row, field="by_client")
    return set_archived(referral, at=None)[0]


def _apply(principal: Principal, row: Referral, fields: dict[str, Any], today: date) -> list[str]:
    """Set and check the fields; the names of those that are to be saved."""
    only_known(fields, REFERRAL_FIELDS.edited)
    for name, value in fields.items():
        setattr(row, name, " ".join(value.split()) if name == "by_source" else value)
    _check_seen(principal, fields.get("by_client"), "by_client")
    _check_seen(principal, fields.get("by_contact"), "by_contact")
    if row.date and (not is_plausible(row.date) or row.date > today):
        raise ServiceError(
            _("This day is in the future.") if row.date > today else _("This date is too far away."), field="date"
        )
    clean_fields(row, ["by_source", "note"])
    check_constraints(row, field="by_client")
    return [*fields]


def _check_seen(principal: Principal, found: Client | Contact | None, field: str) -> None:
    if found is not None and not type(found).objects.visible_to(principal).filter(pk=found.pk).exists():
        raise ServiceError(_("Choose somebody you can see."), field=field)

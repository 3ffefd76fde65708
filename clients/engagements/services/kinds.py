"""The kinds of engagements that a firm takes on."""

from datetime import datetime

from django.utils.translation import gettext as _

from clients import permissions
from clients.checks import check_constraints, clean_fields
from clients.engagements.models import EngagementKind
from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version


@service(may=permissions.may_manage_engagement_kinds)
def create_engagement_kind(principal: Principal, *, name: str) -> EngagementKind:
    """Raises ServiceError (field name) if it is taken."""
    row = EngagementKind()
    _name(row, name)
    row.save()
    return row


@service(may=permissions.may_manage_engagement_kinds)
def update_engagement_kind(
    principal: Principal, *, kind: EngagementKind, seen_version: int | None = None, name: str
) -> EngagementKind:
    row = EngagementKind.objects.select_for_update().get(pk=kind.pk)
    _name(row, name)
    save_version(row, fields=["name"], seen=seen_version)
    return row


@service(may=permissions.may_manage_engagement_kinds)
def archive_engagement_kind(principal: Principal, *, kind: EngagementKind, now: datetime) -> EngagementKind:
    """No longer offered; engagements keep it."""
    return set_archived(kind, at=now)[0]


@service(may=permissions.may_manage_engagement_kinds)
def restore_engagement_kind(principal: Principal, *, kind: EngagementKind) -> EngagementKind:
    return set_archived(kind, at=None)[0]


def _name(row: EngagementKind, name: str) -> None:
    row.name = " ".join(name.split())
    if not row.name:
        raise ServiceError(_("Enter a name."), field="name")
    clean_fields(row, ["name"])
    check_constraints(row, field="name")

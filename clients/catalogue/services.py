"""What the whole firm shares: its services and tags."""

from datetime import datetime

from clients import permissions
from clients.catalogue.models import Service, Tag
from clients.checks import check_constraints, clean_fields
from crm.core.base.archiving import set_archived
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version


@service(may=permissions.may_manage_catalogue)
def create_service(principal: Principal, *, name: str, code: str = "", description: str = "") -> Service:
    """Raises ServiceError if the name is taken."""
    service = Service(name=" ".join(name.split()), code=code.strip(), description=description.strip())
    clean_fields(service, ["name", "code"])
    check_constraints(service, field="name")
    service.save()
    return service


@service(may=permissions.may_manage_catalogue)
def update_service(
    principal: Principal,
    *,
    service: Service,
    seen_version: int | None = None,
    name: str,
    code: str = "",
    description: str = "",
) -> Service:
    row = Service.objects.select_for_update().get(pk=service.pk)
    row.name, row.code, row.description = " ".join(name.split()), code.strip(), description.strip()
    clean_fields(row, ["name", "code"])
    check_constraints(row, field="name")
    save_version(row, fields=["name", "code", "description"], seen=seen_version)
    return row


@service(may=permissions.may_manage_catalogue)
def archive_service(principal: Principal, *, service: Service, now: datetime) -> Service:
    """The service is no longer offered; existing contracts and revenue keep it."""
    row, _changed = set_archived(service, at=now)
    return row


@service(may=permissions.may_manage_catalogue)
def restore_service(principal: Principal, *, service: Service) -> Service:
    row, _changed = set_archived(service, at=None)
    return row


@service(may=permissions.may_manage_catalogue)
def create_tag(principal: Principal, *, name: str, tone: str = "neutral") -> Tag:
    """Raises ServiceError if the name is taken."""
    tag = Tag(name=" ".join(name.split()), tone=tone)
    clean_fields(tag, ["name", "tone"])
    check_constraints(tag, field="name")
    tag.save()
    return tag


@service(may=permissions.may_manage_catalogue)
def update_tag(principal: Principal, *, tag: Tag, name: str, tone: str = "neutral") -> Tag:
    tag.name, tag.tone = " ".join(name.split()), tone
    clean_fields(tag, ["name", "tone"])
    check_constraints(tag, field="name")
    tag.save(update_fields=["name", "tone"])
    return tag


@service(may=permissions.may_manage_catalogue)
def delete_tag(principal: Principal, *, tag: Tag) -> None:
    """Delete the tag, and remove it from every client."""
    tag.delete()

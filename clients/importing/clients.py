"""Clients, with an optional main contact in the same row."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients import permissions
from clients.catalogue.models import Tag
from clients.contacts.fields import CONTACT_FIELDS
from clients.contacts.services import NewContact, create_contacts, new_contact
from clients.importing import common
from clients.importing.matching import find, own_domain, taken
from clients.records.choices import ClientKind, LeavingReason, Status
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client, StatusPeriod
from clients.records.services.clients import NewClient, create_clients, new_client, update_client
from clients.records.services.statuses import change_status
from crm.core.base.errors import ServiceError
from crm.core.fields.types import Context, limited, read_email, several
from crm.core.firm.queries import firm_today
from crm.core.importing import tabular
from crm.core.importing.kinds import Column, RowResult, identity

_NAME, *_REST = CLIENT_FIELDS.import_columns()
COLUMNS = (
    _NAME,
    common.external_id("id", "account id", "customerid", "customer id", "record id", "client id", "company id"),
    *_REST,
    Column(
        "contact_first_name",
        gettext_lazy("Contact’s first name"),
        ("firstname", "first name", "vorname"),
        parse=CONTACT_FIELDS["first_name"].type.read,
    ),
    Column(
        "contact_last_name",
        gettext_lazy("Contact’s last name"),
        ("lastname", "last name", "nachname"),
        parse=CONTACT_FIELDS["last_name"].type.read,
    ),
    Column("contact_email", gettext_lazy("Contact’s e-mail"), ("contact email",), parse=read_email, is_lenient=True),
    Column(
        "contact_phone", gettext_lazy("Contact’s phone"), ("contact phone",), parse=limited(40).read, is_lenient=True
    ),
)


def _complete(values: dict[str, Any], result: RowResult) -> None:
    """A row without a company is an individual with the contact's name."""
    person = f"{values.get('contact_first_name', '')} {values.get('contact_last_name', '')}".strip()
    if not values.get("name"):
        if not person:
            raise ServiceError(_("Name is empty."))
        values["name"] = person
        values.setdefault("kind", ClientKind.INDIVIDUAL)
    if len(values["name"]) > 200:
        raise ServiceError(_("Name is longer than 200 characters."))
    if values.get("status") == Status.FORMER and not values.get("leaving_reason"):
        values["leaving_reason"] = LeavingReason.OTHER


def _outcome(principal, client: Client | None, values, context, result, owner) -> tuple[str, dict[str, Any]]:
    if client is None:
        return "created", {}
    taken(context).setdefault(client.pk, values["row_key"])
    changes = common.changed_fields(client, values, CLIENT_FIELDS.cells)
    if "name" in changes:
        result.warnings.append(_("Stands here as “%(name)s”; it would be renamed.") % {"name": client.name[:80]})
    if values.get("owner") and client.owner_id != owner.pk and common.find_user(values["owner"], context):
        if permissions.may_reassign(principal, client):
            changes["owner"] = owner
        else:
            result.warnings.append(_("Only the account manager, a manager or an admin hands a client on."))
    period = StatusPeriod.objects.filter(client=client).covering(firm_today(context["now"])).first()
    wanted = values.get("status") if _from_file(values, "status", context) else None
    if wanted and (period is None or period.status != wanted):
        changes["status"] = wanted
    return ("updated" if changes else "unchanged"), changes


def _from_file(values, field, context) -> bool:
    """Whether the file itself gives the value. A default for all rows is for new clients only."""
    return bool(values.get(field)) and str(values[field]) != str(context["defaults"].get(field) or "")


def _work(principal, values: dict[str, Any], context: Context, *, write: bool) -> RowResult:
    result = RowResult("created")
    if not write:
        values = dict(values)
    _complete(values, result)
    owner = common.owner_of(values.get("owner"), principal, context, result)
    team = common.find_team(values.get("team"), context, result)
    client = find(principal, values, context, result)
    result.outcome, changes = _outcome(principal, client, values, context, result, owner)
    if not write:
        return result
    today = firm_today(context["now"])
    parent = _parent(principal, client, values, context, result)
    if client is None:
        result.new = values, _new(values, owner=owner, team=team, parent=parent, today=today)
        return result
    status = changes.pop("status", None)
    if changes:
        update_client(principal, client=client, **changes)
    if status:
        start, reason = values.get("status_date") or today, values.get("leaving_reason", "")
        change_status(principal, client=client, status=status, start_date=start, reason=reason, today=today)
    common.remember("client", [(values, client.pk)], context)
    if parent and client.parent_id != parent.pk:
        update_client(principal, client=client, parent=parent)
        result.outcome = "updated"
    return result


def _new(values, **links) -> NewClient:
    fields = {name: values[name] for name in CLIENT_FIELDS.cells if values.get(name)}
    if values["left_out"]:
        fields["notes"] = "\n".join(
            [*filter(None, [fields.get("notes")]), _("Not readable in the import:"), *values["left_out"]]
        )
    return new_client(
        status=values.get("status") or Status.PROSPECT,
        status_start=values.get("status_date"),
        reason=values.get("leaving_reason", ""),
        **links,
        **fields,
    )


def _create(principal, rows: list[tuple[dict[str, Any], NewClient]], context: Context) -> list[Client]:
    known: dict[str, Tag] = {}
    for values, new in rows:
        new.tags = {tag.pk: tag for name in _tag_names(values) if (tag := _tag(name, known))}.values()
    made = create_clients(principal, rows=[new for _values, new in rows], today=firm_today(context["now"]))
    create_contacts(
        principal, rows=[row for values, new in rows if (row := _main_contact(principal, new.client, values))]
    )
    taken(context).update({client.pk: values["row_key"] for client, (values, _new) in zip(made, rows, strict=True)})
    return made


def _tag_names(values) -> list[str]:
    return [name[:60] for name in several(values.get("tags", ""))]


def _tag(name: str, known: dict[str, Tag]) -> Tag:
    if name.lower() not in known:
        known[name.lower()] = Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name)
    return known[name.lower()]


def _main_contact(principal, client: Client, values) -> NewContact | None:
    if not values.get("contact_first_name") and not values.get("contact_last_name"):
        return None
    email = values.get("contact_email") or (
        values.get("email") if client.kind == ClientKind.INDIVIDUAL or "contact_email" not in values else ""
    )
    phone = values.get("contact_phone") or values.get("phone")
    return new_contact(
        created_by=principal.user,
        client=client,
        first_name=values.get("contact_first_name", ""),
        last_name=values.get("contact_last_name", ""),
        emails=[("work", email)] if email else [],
        phones=[("work", phone)] if phone else [],
        is_primary=True,
    )


def _parent(principal, client: Client | None, values, context, result) -> Client | None:
    ref = values.get("parent_external_id")
    if not ref:
        return None
    parent = (
        Client.objects.visible_to(principal).filter(pk=common.known("client", {"external_id": ref}, context)).first()
    )
    if parent is None or parent == client:
        result.warnings.append(
            _("The parent “%(id)s” is not here yet; import the file once more to link it.") % {"id": ref[:60]}
        )
        return None
    return parent


def _keys(values: dict[str, Any]) -> set[str]:
    """What another row of the file may be this client by, its parent's id included."""
    found = {identity(values), f"name:{tabular.fold(values.get('name', ''))}"}
    if ref := values.get("parent_external_id"):
        found.add(ref)
    if email := values.get("email"):
        found.add(f"mail:{email.lower()}")
    if domain := own_domain(values):
        found.add(f"domain:{domain}")
    return found


CLIENTS = common.record_kind(
    "clients",
    gettext_lazy("Clients"),
    of="client",
    columns=COLUMNS,
    work=_work,
    create=_create,
    keys=_keys,
    defaults=("status", "owner", "relationship", "status_date", "tier"),
    must_ask=("status",),
    match_note=gettext_lazy("Known clients are found by id, then e-mail, then domain; never by name alone."),
)

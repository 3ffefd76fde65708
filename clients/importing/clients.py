"""Clients, with an optional main contact in the same row."""

from functools import cache
from typing import Any

from django.db.models import Value
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients import permissions
from clients.catalogue.models import Tag
from clients.contacts.fields import CONTACT_FIELDS
from clients.contacts.services import NewContact, create_contacts, new_contact
from clients.importing import common
from clients.records.choices import ClientKind, LeavingReason, Status
from clients.records.external import has_external
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client, StatusPeriod
from clients.records.queries import domain_of
from clients.records.services.clients import NewClient, create_clients, new_client, update_client
from clients.records.services.statuses import change_status
from crm.core.base.errors import ServiceError
from crm.core.base.models import Folded
from crm.core.base.reading import fold
from crm.core.fields.types import EMAIL, Context, limited, several
from crm.core.firm.queries import firm_today
from crm.core.importing.kinds import Column, RowResult, identity

FREE_MAIL = {
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "yahoo.com",
    "icloud.com",
    "gmx.de",
    "web.de",
    "aol.com",
    "live.com",
}
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
    Column("contact_email", gettext_lazy("Contact’s e-mail"), ("contact email",), parse=EMAIL.read, is_lenient=True),
    Column(
        "contact_phone", gettext_lazy("Contact’s phone"), ("contact phone",), parse=limited(40).read, is_lenient=True
    ),
)


def _complete(values: dict[str, Any]) -> None:
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
    common.taken("client", context).setdefault(client.pk, values["row_key"])
    changes = common.changed_fields(client, values, CLIENT_FIELDS.cells)
    if "name" in changes:
        result.warnings.append(_("Stands here as “%(name)s”; it would be renamed.") % {"name": client.name[:80]})
    if values.get("owner") and client.owner_id != owner.pk and common.find_user(values["owner"], context):
        if permissions.may_reassign(principal, client):
            changes["owner"] = owner
        else:
            result.warnings.append(_("Only the account manager, a manager or an admin hands a client on."))
    period = StatusPeriod.objects.filter(client=client).covering(firm_today(context["now"])).first()
    wanted = values.get("status")
    is_default = str(wanted) == str(context["defaults"].get("status"))  # which is for new clients only
    if wanted and not is_default and (period is None or period.status != wanted):
        changes["status"] = wanted
    return ("updated" if changes else "unchanged"), changes


def _work(principal, values: dict[str, Any], context: Context, *, write: bool) -> RowResult:
    result = RowResult("created")
    values = values if write else dict(values)
    _complete(values)
    owner = common.owner_of(values.get("owner"), principal, context, result)
    team = common.find_team(values.get("team", ""), result)
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
    tag = cache(lambda name: Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name))
    for values, new in rows:
        new.tags = {*map(tag, (name[:60] for name in several(values.get("tags", ""))))}
    made = create_clients(principal, rows=[new for _values, new in rows], today=firm_today(context["now"]))
    create_contacts(
        principal, rows=[row for values, new in rows if (row := _main_contact(principal, new.client, values))]
    )
    return made


def _main_contact(principal, client: Client, values) -> NewContact | None:
    if not values.get("contact_first_name") and not values.get("contact_last_name"):
        return None
    is_same = client.kind == ClientKind.INDIVIDUAL or "contact_email" not in values
    email = values.get("contact_email") or (values.get("email") if is_same else "")
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
    seen = Client.objects.visible_to(principal)
    parent = common.known_row("client", seen, {"external_id": ref}, context) if ref else None
    if parent is not None and parent != client:
        return parent
    if ref:
        message = _("The parent “%(id)s” is not here yet; import the file once more to link it.")
        result.warnings.append(message % {"id": ref[:60]})
    return None


def _keys(values: dict[str, Any]) -> set[str]:
    """What another row of the file may be this client by, its parent's id included."""
    name, email, domain = fold(values.get("name", "")), values.get("email"), own_domain(values)
    known = (values.get("parent_external_id"), email and f"mail:{email.lower()}", domain and f"domain:{domain}")
    return {identity(values), f"name:{name}", *filter(None, known)}


def find(principal, values, context, result) -> Client | None:
    """The client that the row means, or None for a new one. Raises ServiceError for one the principal may not see or edit."""
    clients = Client.objects.visible_to(principal)
    if found := common.known("client", values, context):
        client = clients.filter(pk=found).first()
        if client is None:
            raise ServiceError(_("A client of this id exists, but you may not see it."))
        if not permissions.may_edit(principal, client):
            raise ServiceError(_("This client is in the trash. Restore it first."))
        return client
    client = _by_mail_or_domain(clients.kept(), values)
    if client and not common.is_free("client", client, values, context):
        result.warnings.append(
            _("An earlier row of this file has the same website or e-mail: “%(name)s”; this would be another one.")
            % {"name": client.name[:80]}
        )
        return None
    is_other = client and values.get(
        "external_id"
    )  # has an id there already, so only shares the mail address or domain
    if client and not (is_other and has_external(system=context["system"], kind="client", object_id=client.pk)):
        return client
    if clients.kept().filter(name_key=Folded(Value(values["name"]))).exists():
        result.warnings.append(
            _("There is already a client called “%(name)s”; this would be another one.") % {"name": values["name"][:80]}
        )
    return None


def own_domain(values) -> str:
    """The domain of the row's website, "" for one that many share."""
    domain = domain_of(values.get("website", ""))
    return "" if domain in FREE_MAIL else domain


def _by_mail_or_domain(clients, values) -> Client | None:
    if values.get("email"):
        found = list(clients.filter(email__iexact=values["email"])[:20])
        if client := common.the_one(found, values["name"]):
            return client
    if domain := own_domain(values):
        found = [c for c in clients.filter(website__icontains=domain)[:20] if domain_of(c.website) == domain]
        return common.the_one(found, values["name"])
    return None


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

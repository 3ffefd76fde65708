"""Clients, with an optional main contact in the same row."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients import permissions
from clients.catalogue.models import Tag
from clients.contacts.services import NewContact, create_contacts, new_contact
from clients.importing import common
from clients.importing.common import Context
from clients.importing.matching import find, own_domain, taken
from clients.records.choices import ClientKind, LeavingReason, Relationship, Status, Tier
from clients.records.models import Client, StatusPeriod
from clients.records.services.clients import NewClient, create_clients, new_client, update_client
from clients.records.services.statuses import change_status
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import firm_today
from crm.core.importing import tabular
from crm.core.importing.kinds import Column, ImportKind, RowResult, identity

PLAIN = (
    "name",
    "kind",
    "relationship",
    "tier",
    "industry",
    "source",
    "website",
    "email",
    "phone",
    "street",
    "postal_code",
    "city",
    "region",
    "country",
    "time_zone",
    "language",
    "notes",
    "goals",
)


def parse_reason(text: str, context: Context) -> str:
    return common.choice_parser(LeavingReason)(text, context)


COLUMNS = (
    Column(
        "name",
        gettext_lazy("Name"),
        (
            "company",
            "account name",
            "company name",
            "organisation",
            "organization",
            "client",
            "client name",
            "customer",
            "firma",
        ),
    ),
    Column(
        "external_id",
        gettext_lazy("Id in the other system"),
        ("id", "account id", "customerid", "customer id", "record id", "client id", "company id"),
    ),
    Column(
        "status",
        gettext_lazy("Status"),
        ("client status", "lifecycle"),
        parse=common.choice_parser(Status),
        choices=common.choices_of(Status),
    ),
    Column(
        "status_date",
        gettext_lazy("Status since"),
        ("since", "client since", "start date", "active since"),
        parse=common.parse_date,
    ),
    Column(
        "leaving_reason",
        gettext_lazy("Reason of leaving"),
        ("reason", "churn reason"),
        parse=parse_reason,
        choices=common.choices_of(LeavingReason),
    ),
    Column(
        "owner",
        gettext_lazy("Account manager"),
        ("account owner", "owner name", "supportrep", "sales rep", "responsible"),
        choices=common.people_choices,
        help_text=gettext_lazy("Name or e-mail"),
    ),
    Column("team", gettext_lazy("Team"), ()),
    Column(
        "tier",
        gettext_lazy("Tier"),
        ("class", "abc"),
        parse=common.choice_parser(Tier),
        choices=common.choices_of(Tier),
    ),
    Column(
        "kind",
        gettext_lazy("Kind"),
        (),
        parse=common.choice_parser(ClientKind),
        choices=common.choices_of(ClientKind),
    ),
    Column(
        "relationship",
        gettext_lazy("Relationship"),
        (),
        parse=common.choice_parser(Relationship),
        choices=common.choices_of(Relationship),
    ),
    Column("industry", gettext_lazy("Industry"), ("sector", "branche"), parse=common.limited(100)),
    Column("source", gettext_lazy("Source"), ("lead source", "account source"), parse=common.limited(100)),
    Column(
        "website",
        gettext_lazy("Website"),
        ("url", "web", "homepage", "domain", "company domain name"),
        parse=common.limited(255),
        is_lenient=True,
    ),
    Column(
        "email",
        gettext_lazy("E-mail"),
        ("mail", "email address", "company email"),
        parse=common.parse_email,
        is_lenient=True,
    ),
    Column(
        "phone",
        gettext_lazy("Phone"),
        ("telephone", "phone number", "telefon"),
        parse=common.limited(40),
        is_lenient=True,
    ),
    Column(
        "street",
        gettext_lazy("Street"),
        ("address", "billing street", "billingstreet", "street address", "strasse"),
        parse=common.limited(255),
    ),
    Column(
        "postal_code",
        gettext_lazy("Postal code"),
        ("zip", "zip code", "billing postal code", "billingpostalcode", "postcode", "plz"),
        parse=common.limited(20),
    ),
    Column("city", gettext_lazy("City"), ("billing city", "billingcity", "town", "ort"), parse=common.limited(100)),
    Column(
        "region",
        gettext_lazy("Region"),
        ("state", "billing state", "billingstate", "province", "county"),
        parse=common.limited(100),
    ),
    Column(
        "country",
        gettext_lazy("Country"),
        ("billing country", "billingcountry", "land"),
        parse=common.parse_country,
        is_lenient=True,
    ),
    Column("time_zone", gettext_lazy("Time zone"), ("timezone",), parse=common.parse_zone, is_lenient=True),
    Column("language", gettext_lazy("Language"), ("locale",), parse=common.parse_language),
    Column("tags", gettext_lazy("Tags"), ("labels",), help_text=gettext_lazy("Several with ; or ,")),
    Column("goals", gettext_lazy("Goals"), ()),
    Column("notes", gettext_lazy("Background"), ("description", "comments", "beschreibung")),
    Column("parent_external_id", gettext_lazy("Part of (id)"), ("parentid", "parent id", "parent account id")),
    Column(
        "contact_first_name",
        gettext_lazy("Contact’s first name"),
        ("firstname", "first name", "vorname"),
        parse=common.limited(100),
    ),
    Column(
        "contact_last_name",
        gettext_lazy("Contact’s last name"),
        ("lastname", "last name", "nachname"),
        parse=common.limited(100),
    ),
    Column(
        "contact_email", gettext_lazy("Contact’s e-mail"), ("contact email",), parse=common.parse_email, is_lenient=True
    ),
    Column(
        "contact_phone", gettext_lazy("Contact’s phone"), ("contact phone",), parse=common.limited(40), is_lenient=True
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
    changes = common.changed_fields(client, values, PLAIN)
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


def check(principal, values: dict[str, Any], context: Context) -> RowResult:
    result = RowResult("created")
    values = dict(values)
    _complete(values, result)
    owner = common.owner_of(values.get("owner"), principal, context, result)
    common.find_team(values.get("team"), context, result)
    client = find(principal, values, context, result)
    result.outcome, _changes = _outcome(principal, client, values, context, result, owner)
    return result


def save(principal, values: dict[str, Any], context: Context) -> RowResult:
    result = RowResult("created")
    _complete(values, result)
    owner = common.owner_of(values.get("owner"), principal, context, result)
    client = find(principal, values, context, result)
    today = firm_today(context["now"])
    result.outcome, changes = _outcome(principal, client, values, context, result, owner)
    parent = _parent(principal, client, values, context, result)
    if client is None:
        result.new = values, _new(principal, values, context, result, owner, parent, today)
        return result
    if changes:
        status = changes.pop("status", None)
        if changes:
            update_client(principal, client=client, **changes)
        if status:
            start = values.get("status_date") or today
            change_status(
                principal,
                client=client,
                status=status,
                start_date=start,
                reason=values.get("leaving_reason", ""),
                today=today,
            )
    common.remember("client", [(values, client.pk)], context)
    if parent and client.parent_id != parent.pk:
        update_client(principal, client=client, parent=parent)
        result.outcome = "updated"
    return result


def _new(principal, values, context, result, owner, parent, today) -> NewClient:
    fields = {name: values[name] for name in PLAIN if name != "name" and values.get(name)}
    if values["left_out"]:
        fields["notes"] = "\n".join(
            [*filter(None, [fields.get("notes")]), _("Not readable in the import:"), *values["left_out"]]
        )
    return new_client(
        name=values["name"],
        owner=owner,
        parent=parent,
        team=common.find_team(values.get("team"), context, result),
        status=values.get("status") or Status.PROSPECT,
        status_start=values.get("status_date"),
        reason=values.get("leaving_reason", ""),
        today=today,
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
    return [name.strip()[:60] for name in values.get("tags", "").replace(",", ";").split(";") if name.strip()]


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


def prepare(principal, rows: list[dict[str, Any]], context: Context) -> None:
    common.load_known("client", rows, context)


CLIENTS = ImportKind(
    key="clients",
    label=gettext_lazy("Clients"),
    columns=COLUMNS,
    save=save,
    check=check,
    keys=_keys,
    create=common.creator("client", _create),
    prepare=prepare,
    defaults=("status", "owner", "relationship", "status_date", "tier"),
    must_ask=("status",),
    may_import=lambda user: user.sees_all or user.is_account_manager,
    match_note=gettext_lazy("Known clients are found by id, then e-mail, then domain; never by name alone."),
)

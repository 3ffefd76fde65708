"""Contacts, with up to three mails and phones, linked to a client by its id or exact name."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.choices import DecisionRole
from clients.contacts.models import Contact, ContactEmail
from clients.contacts.services import NewContact, affiliate, create_contacts, new_contact, update_contact
from clients.importing import common
from clients.importing.common import Context
from clients.phones import digits_of
from crm.core.base.errors import ServiceError
from crm.core.importing import tabular
from crm.core.importing.kinds import Column, ImportKind, RowResult, identity

MAILS = ("email_work", "email_home", "email_other")
PHONES = ("phone_work", "phone_mobile", "phone_home", "phone_other")
PLAIN = ("first_name", "last_name", "salutation", "language", "notes")
COLUMNS = (
    Column("first_name", gettext_lazy("First name"), ("firstname", "given name", "vorname"), parse=common.limited(100)),
    Column(
        "last_name",
        gettext_lazy("Last name"),
        ("lastname", "surname", "family name", "nachname", "name"),
        parse=common.limited(100),
    ),
    Column("external_id", gettext_lazy("Id in the other system"), ("id", "contact id", "record id")),
    Column(
        "client_external_id",
        gettext_lazy("Client’s id"),
        ("account id", "accountid", "company id", "customer id", "customerid", "client id"),
    ),
    Column(
        "client_name",
        gettext_lazy("Client’s name"),
        ("company", "company name", "account name", "client", "organisation"),
    ),
    Column("title", gettext_lazy("Job title"), ("job title", "position"), parse=common.limited(120)),
    Column("decision_role", gettext_lazy("Role in decisions"), (), parse=common.choice_parser(DecisionRole)),
    Column(
        "email_work",
        gettext_lazy("E-mail, work"),
        ("email", "e-mail", "mail", "email address"),
        parse=common.parse_email,
        is_lenient=True,
    ),
    Column("email_home", gettext_lazy("E-mail, home"), ("personal email",), parse=common.parse_email, is_lenient=True),
    Column("email_other", gettext_lazy("E-mail, other"), ("email 2",), parse=common.parse_email, is_lenient=True),
    Column(
        "phone_work",
        gettext_lazy("Phone, work"),
        ("phone", "telephone", "business phone"),
        parse=common.limited(40),
        is_lenient=True,
    ),
    Column(
        "phone_mobile",
        gettext_lazy("Phone, mobile"),
        ("mobile", "mobile phone", "cell"),
        parse=common.limited(40),
        is_lenient=True,
    ),
    Column("phone_home", gettext_lazy("Phone, home"), ("home phone",), parse=common.limited(40), is_lenient=True),
    Column("phone_other", gettext_lazy("Phone, other"), (), parse=common.limited(40), is_lenient=True),
    Column("salutation", gettext_lazy("How to address them"), ("salutation",), parse=common.limited(120)),
    Column("language", gettext_lazy("Language"), (), parse=common.parse_language),
    Column("notes", gettext_lazy("Background"), ("background", "description")),
)


def _find(principal, values, context, result) -> Contact | None:
    """By id, then by a mail address: the only visible contact with it, or of several the one with the same name."""
    contacts = Contact.objects.visible_to(principal)
    found = common.known("contact", values, context)
    if found:
        contact = contacts.filter(pk=found).first()
        if contact is None:
            raise ServiceError(_("A contact of this id exists, but you may not see it."))
        return contact
    addresses = [values[name].lower() for name in MAILS if values.get(name)]
    for address in addresses:
        owners = list(
            contacts.kept().filter(pk__in=ContactEmail.objects.filter(address__iexact=address).values("contact_id"))[
                :20
            ]
        )
        if len(owners) > 1:
            owners = [owner for owner in owners if tabular.fold(owner.name) == tabular.fold(_name_in(values))]
        if len(owners) == 1 and _taken(context).get(owners[0].pk, values["row_key"]) == values["row_key"]:
            return owners[0]
        if owners:
            result.warnings.append(
                _("An earlier row of this file has the same e-mail: “%(name)s”; this would be another person.")
                % {"name": owners[0].name[:80]}
            )
    return None


def _taken(context) -> dict[int, str]:
    """{contact: the row of this file that it belongs to}, so that two people with one mailbox are two contacts."""
    return context.setdefault("taken_contacts", {})


def _name_in(values) -> str:
    return f"{values.get('first_name', '')} {values.get('last_name', '')}"


def _client(principal, values, context, result):
    if not values.get("client_external_id") and not values.get("client_name"):
        result.warnings.append(_("Names no client; the contact would stand alone."))
        return None
    return common.client_of(principal, values, context)


def _additions(contact: Contact, values, country: str) -> dict[str, list[tuple[str, str]]]:
    """The mails and phones the contact would have, for those of which the row brings a new one."""
    result = {}
    mails = [(row.label, row.address) for row in contact.emails.all()]
    new_mails = [
        pair for pair in _pairs(values, MAILS) if pair[1].lower() not in {address.lower() for _label, address in mails}
    ]
    phones = [(row.label, row.number) for row in contact.phones.all()]
    known = {row.digits for row in contact.phones.all()}
    new_phones = [pair for pair in _pairs(values, PHONES) if digits_of(pair[1], country) not in known]
    if new_mails:
        result["emails"] = mails + new_mails
    if new_phones:
        result["phones"] = phones + new_phones
    return result


def _pairs(values, names) -> list[tuple[str, str]]:
    return [(name.split("_")[1], values[name]) for name in names if values.get(name)]


def _work(principal, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    if not values.get("first_name") and not values.get("last_name"):
        raise ServiceError(_("Give a first or a last name."))
    client = _client(principal, values, context, result)
    contact = _find(principal, values, context, result)
    if contact is None:
        if write:
            result.new = values, _new(principal, client, values)
        return result
    _taken(context).setdefault(contact.pk, values["row_key"])
    changes = common.changed_fields(contact, values, PLAIN)
    additions = _additions(contact, values, client.country if client else "")
    is_new_place = client is not None and not contact.affiliations.filter(client=client).exists()
    result.outcome = "updated" if changes or additions or is_new_place else "unchanged"
    if write and (changes or additions):
        update_contact(principal, contact=contact, **additions, **changes)
    if write and is_new_place:
        affiliate(
            principal,
            contact=contact,
            client=client,
            title=values.get("title", ""),
            decision_role=values.get("decision_role", ""),
        )
    if write:
        common.remember("contact", [(values, contact.pk)], context)
    return result


def _create(principal, rows: list[tuple[dict[str, Any], NewContact]], context: Context) -> list[Contact]:
    made = create_contacts(principal, rows=[new for _values, new in rows])
    _taken(context).update({contact.pk: values["row_key"] for contact, (values, _new) in zip(made, rows, strict=True)})
    return made


def _keys(values: dict[str, Any]) -> set[str]:
    """What another row of the file may be this person by."""
    return {identity(values)} | {f"mail:{values[name].lower()}" for name in MAILS if values.get(name)}


def _new(principal, client, values) -> NewContact:
    return new_contact(
        created_by=principal.user,
        client=client,
        emails=_pairs(values, MAILS),
        phones=_pairs(values, PHONES),
        title=values.get("title", "") if client else "",
        decision_role=values.get("decision_role", "") if client else "",
        first_name=values.get("first_name", ""),
        last_name=values.get("last_name", ""),
        **{name: values[name] for name in ("salutation", "language", "notes") if values.get(name)},
    )


def check(principal, values: dict[str, Any], context: Context) -> RowResult:
    return _work(principal, values, context, write=False)


def save(principal, values: dict[str, Any], context: Context) -> RowResult:
    return _work(principal, values, context, write=True)


def prepare(principal, rows: list[dict[str, Any]], context: Context) -> None:
    common.load_known("contact", rows, context)
    common.load_known("client", rows, context, field="client_external_id")


CONTACTS = ImportKind(
    key="contacts",
    label=gettext_lazy("Contacts"),
    columns=COLUMNS,
    save=save,
    check=check,
    keys=_keys,
    create=common.creator("contact", _create),
    prepare=prepare,
    may_import=lambda user: user.sees_all or user.is_account_manager,
    match_note=gettext_lazy("Known contacts are found by id, then by e-mail."),
)

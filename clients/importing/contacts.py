"""Contacts, with up to three mails and phones, linked to a client by its id or exact name."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.fields import CONTACT_FIELDS, PLACE_FIELDS
from clients.contacts.models import Contact, ContactEmail
from clients.contacts.services import NewContact, affiliate, create_contacts, new_contact, update_contact
from clients.importing import common
from clients.phones import digits_of
from crm.core.base.errors import ServiceError
from crm.core.fields.types import EMAIL, limited
from crm.core.importing.kinds import Column, RowResult, identity

MAILS = ("email_work", "email_home", "email_other")
PHONES = ("phone_work", "phone_mobile", "phone_home", "phone_other")
_FIRST, _LAST, *_REST = CONTACT_FIELDS.import_columns()


COLUMNS = (
    _FIRST,
    _LAST,
    common.external_id("id", "contact id", "record id"),
    *common.client_columns(
        ("account id", "accountid", "company id", "customer id", "customerid", "client id"),
        ("company", "company name", "account name", "client", "organisation"),
    ),
    *PLACE_FIELDS.import_columns(),
    *(
        Column(name, label, aliases, parse=EMAIL.read, is_lenient=True)
        for name, label, aliases in (
            ("email_work", gettext_lazy("E-mail, work"), ("email", "e-mail", "mail", "email address")),
            ("email_home", gettext_lazy("E-mail, home"), ("personal email",)),
            ("email_other", gettext_lazy("E-mail, other"), ("email 2",)),
        )
    ),
    *(
        Column(name, label, aliases, parse=limited(40).read, is_lenient=True)
        for name, label, aliases in (
            ("phone_work", gettext_lazy("Phone, work"), ("phone", "telephone", "business phone")),
            ("phone_mobile", gettext_lazy("Phone, mobile"), ("mobile", "mobile phone", "cell")),
            ("phone_home", gettext_lazy("Phone, home"), ("home phone",)),
            ("phone_other", gettext_lazy("Phone, other"), ()),
        )
    ),
    *_REST,
)


def _find(principal, values, context, result) -> Contact | None:
    """By id, then by a mail address: the only visible contact with it, or of several the one with the same name."""
    contacts = Contact.objects.visible_to(principal)
    if found := common.known("contact", values, context):
        contact = contacts.filter(pk=found).first()
        if contact is None:
            raise ServiceError(_("A contact of this id exists, but you may not see it."))
        return contact
    for _label, address in _pairs(values, MAILS):
        mails = ContactEmail.objects.filter(address__iexact=address)
        owners = list(contacts.kept().filter(pk__in=mails.values("contact_id"))[:20])
        owner = common.the_one(owners, f"{values.get('first_name', '')} {values.get('last_name', '')}")
        if owner and common.is_free("contact", owner, values, context):
            return owner
        if owner:
            result.warnings.append(
                _("An earlier row of this file has the same e-mail: “%(name)s”; this would be another person.")
                % {"name": owner.name[:80]}
            )
    return None


def _client(principal, values, context, result):
    if not values.get("client_external_id") and not values.get("client_name"):
        result.warnings.append(_("Names no client; the contact would stand alone."))
        return None
    return common.client_of(principal, values, context)


def _additions(contact: Contact, values, country: str) -> dict[str, list[tuple[str, str]]]:
    """The mails and phones the contact would have, for those of which the row brings a new one."""
    mails = [(row.label, row.address) for row in contact.emails.all()]
    phones = [(row.label, row.number) for row in contact.phones.all()]
    known = {address.lower() for _label, address in mails} | {row.digits for row in contact.phones.all()}
    new_mails = [pair for pair in _pairs(values, MAILS) if pair[1].lower() not in known]
    new_phones = [pair for pair in _pairs(values, PHONES) if digits_of(pair[1], country) not in known]
    more = {"emails": new_mails and mails + new_mails, "phones": new_phones and phones + new_phones}
    return {name: rows for name, rows in more.items() if rows}


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
            result.new = _new(principal, client, values)
        return result
    common.taken("contact", context).setdefault(contact.pk, values["row_key"])
    changes = common.changed_fields(contact, values, CONTACT_FIELDS.cells)
    additions = _additions(contact, values, client.country if client else "")
    is_new_place = client is not None and not contact.affiliations.filter(client=client).exists()
    result.outcome = "updated" if changes or additions or is_new_place else "unchanged"
    if write and (changes or additions):
        update_contact(principal, contact=contact, **additions, **changes)
    if write and is_new_place:
        affiliate(principal, contact=contact, client=client, **_place(values))
    if write:
        common.remember("contact", [(values, contact.pk)], context)
    return result


def _keys(values: dict[str, Any]) -> set[str]:
    """What another row of the file may be this person by."""
    return {identity(values)} | {f"mail:{values[name].lower()}" for name in MAILS if values.get(name)}


def _new(principal, client, values) -> NewContact:
    return new_contact(
        created_by=principal.user,
        client=client,
        emails=_pairs(values, MAILS),
        phones=_pairs(values, PHONES),
        **(_place(values) if client else {}),
        **{name: values[name] for name in CONTACT_FIELDS.cells if values.get(name)},
    )


def _place(values) -> dict[str, Any]:
    return {name: values[name] for name in PLACE_FIELDS.cells if name in values}


CONTACTS = common.record_kind(
    "contacts",
    gettext_lazy("Contacts"),
    of="contact",
    columns=COLUMNS,
    work=_work,
    create=lambda principal, rows, context: create_contacts(principal, rows=rows),
    keys=_keys,
    match_note=gettext_lazy("Known contacts are found by id, then by e-mail."),
)

"""Contacts: names, mail addresses, phones, affiliations with one or many clients, consents."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from clients import permissions, registry
from clients.checks import clean_fields, only_known
from clients.contacts.choices import ContactLabel, Purpose
from clients.contacts.fields import CONTACT_FIELDS, PLACE_FIELDS
from clients.contacts.models import Affiliation, Consent, Contact, ContactEmail, ContactPhone, HeldDetails
from clients.contacts.queries import reach_of
from clients.phones import digits_of
from clients.records.models import Client
from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.models import insert
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.fields.custom.writing import with_custom
from crm.core.notifications.models import Notification
from crm.core.users.models import User

Labelled = Sequence[tuple[str, str]]
Wanted = dict[str, tuple[str, str]]  # folded address or digits → label, text


@dataclass
class NewContact:
    """A checked contact that is not saved yet; `affiliation` if it belongs to a client. `also_at`: further clients, to which who
    saves it adds it with `affiliate`.
    """

    contact: Contact
    emails: Sequence[ContactEmail]
    phones: Sequence[ContactPhone]
    affiliation: Affiliation | None = None
    also_at: Sequence[Client] = ()

    @property
    def client(self) -> Client | None:
        return self.affiliation.client if self.affiliation else None


def new_contact(
    *,
    created_by: User | None,
    client: Client | None = None,
    first_name: str = "",
    last_name: str = "",
    emails: Labelled = (),
    phones: Labelled = (),
    title: str = "",
    decision_role: str = "",
    is_primary: bool = False,
    is_billing: bool = False,
    left_date: date | None = None,
    is_demo: bool = False,
    **fields,
) -> NewContact:
    """For `create_contacts`. `emails` and `phones` are (label, text); the first is the main one. Raises ServiceError."""
    contact = Contact(created_by=created_by, is_demo=is_demo)
    fields = with_custom(contact, fields, CONTACT_FIELDS, is_new=True)
    _apply(contact, fields | {"first_name": first_name, "last_name": last_name})
    row = NewContact(
        contact,
        _new_rows(ContactEmail, _checked_emails(emails)),
        _new_rows(ContactPhone, _checked_phones(phones, client.country if client else "")),
    )
    if client:
        place: dict[str, Any] = {"title": title.strip(), "decision_role": decision_role, "left_date": left_date}
        is_main = is_primary and not left_date
        row.affiliation = Affiliation(client=client, is_primary=is_main, is_billing=is_billing, **place)
        clean_fields(row.affiliation, place)
    return row


@service(may=permissions.may_add_contacts, why=permissions.IN_TRASH)
def create_contacts(principal: Principal, *, rows: Sequence[NewContact]) -> list[Contact]:
    """Save contacts made by `new_contact`: all or none, one statement per table. A new main contact replaces the former
    one.
    """
    contacts = insert([row.contact for row in rows])
    places = [row.affiliation for row in rows if row.affiliation]
    _make_way({place.client_id for place in places}, {place.client_id for place in places if place.is_primary})
    for row in rows:
        parts: list[Any] = [*row.emails, *row.phones, *filter(None, [row.affiliation])]
        for part in parts:
            part.contact = row.contact
    insert([email for row in rows for email in row.emails])
    insert([phone for row in rows for phone in row.phones])
    insert(places)
    return contacts


@service(may=permissions.may_add_contact)
def create_contact(principal: Principal, *, client: Client | None = None, **given) -> Contact:
    """Create one contact, with the arguments of `new_contact`."""
    return create_contacts(principal, rows=[new_contact(created_by=principal.user, client=client, **given)])[0]


def _make_way(client_ids: Iterable[int], with_new_main: Iterable[int], besides: int = 0) -> None:
    """Lock the clients in the order of their ids, and unset the main contact of those that get a new one."""
    list(Client.objects.select_for_update().filter(pk__in=client_ids).order_by("pk").values_list("pk"))
    for former in Affiliation.objects.filter(client__in=with_new_main, is_primary=True).exclude(pk=besides):
        former.is_primary = False
        save_version(former, fields=["is_primary"], seen=None)


@service(may=permissions.may_change_contact, why=permissions.PERSON_IN_TRASH)
def update_contact(
    principal: Principal,
    *,
    contact: Contact,
    seen_version: int | None = None,
    emails: Labelled | None = None,
    phones: Labelled | None = None,
    **fields,
) -> Contact:
    """Change a contact. `emails` and `phones`, if given, replace the current ones; unchanged rows keep their history. A
    stale edit is never merged, because the lists are not versioned. Raises StaleWrite, ServiceError.
    """
    row = Contact.objects.select_for_update().get(pk=contact.pk)
    fields = with_custom(row, fields, CONTACT_FIELDS)
    _apply(row, fields)
    with _within_sight(principal, row):
        save_version(row, fields=list(fields), seen=seen_version, merges=False)
        if emails is not None:
            present = {mail.address.lower(): mail for mail in row.emails.all()}
            _replace(row, ContactEmail, present, _checked_emails(emails))
        if phones is not None:
            country = row.affiliations.exclude(client__country="").values_list("client__country", flat=True).first()
            numbers = {phone.digits: phone for phone in row.phones.all()}
            _replace(row, ContactPhone, numbers, _checked_phones(phones, country or ""))
    return row


def check_contact(
    contact: Contact, *, emails: Labelled = (), phones: Labelled = (), country: str = "", place: Any = None, **fields
) -> None:
    """Raises ServiceError for what `update_contact` would refuse, or `affiliate` for the values of a `place`."""
    _apply(copy(contact), with_custom(contact, fields, CONTACT_FIELDS))
    _checked_emails(emails)
    _checked_phones(phones, country)
    clean_fields(Affiliation(**place or {}), place or ())


@contextmanager
def _within_sight(principal: Principal, contact: Contact, *, decided: Iterable[str] = ()) -> Iterator[None]:
    """A change of a contact applies to the clients that the principal may see. The others keep the earlier details, and
    their account managers are notified. `decided`: values set explicitly, which replace held ones even if the contact
    already has them.
    """
    list(Contact.objects.select_for_update().filter(pk=contact.pk).values_list("pk"))
    places = Affiliation.objects.filter(contact=contact, left_date__isnull=True).select_related("client__owner", "held")
    seen = {*places.visible_to(principal).values_list("pk", flat=True)}
    before = reach_of(contact)
    yield
    after = reach_of(contact)
    changed = {name for name, value in after.items() if value != before[name]}
    for place in places:
        held = getattr(place, "held", None)
        if place.pk not in seen:
            _hold(principal, place, held, {name: before[name] for name in changed}, after)
        elif held is not None and (dropped := (changed | {*decided}) & {*held.details}):
            _keep_only(held, {name: value for name, value in held.details.items() if name not in dropped})


def hold_for_hidden(contact: Contact, *, places: Iterable[int], before: dict[str, Any], by: Principal) -> None:
    """Of these places, those the contact still has keep the details of before: the person who changed it (`by`) does not see their clients."""
    after = reach_of(contact)
    rows = Affiliation.objects.filter(contact=contact, pk__in=places).select_related("client__owner", "held", "contact")
    for place in rows:
        changed = {name: value for name, value in before.items() if value != after[name]}
        _hold(by, place, getattr(place, "held", None), changed, after)


def _hold(
    principal: Principal, place: Affiliation, held: HeldDetails | None, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Keep the values from before a change for a client; notify once until someone decides."""
    if not before:
        return
    is_open = held is not None and held.confirmed_at is None
    held = held or HeldDetails(affiliation=place)
    details = {name: value for name, value in (before | held.details).items() if value != after[name]}
    held.changed_by, held.changed_at, held.confirmed_at = principal.user, timezone.now(), None
    _keep_only(held, details)
    if details and not is_open and place.client.owner.is_active:
        values = {"name": place.contact.name[:80], "client": " ".join(place.client.name.split())[:120]}
        Notification.objects.create(
            user=place.client.owner,
            client_id=place.client_id,
            kind="contact-held",
            key=f"contact-held:{held.pk}:{held.changed_at.isoformat()}",
            text=_(
                "Details of %(name)s were changed at another client. %(client)s keeps the earlier ones until you decide."
            )
            % values,
            url=place.contact.get_absolute_url(),
        )


def _keep_only(held: HeldDetails, details: dict[str, Any]) -> None:
    held.details = details
    if details:
        held.save()
    elif held.pk:
        held.delete()


@service(may=permissions.may_change_held, why=permissions.IN_TRASH)
def use_new_details(principal: Principal, *, held: HeldDetails) -> None:
    """Make the client use the contact's current details."""
    held.delete()


@service(may=permissions.may_change_held, why=permissions.IN_TRASH)
def keep_held_details(principal: Principal, *, held: HeldDetails, now: datetime) -> HeldDetails:
    """Keep the earlier details for the client; the next change notifies again."""
    held.confirmed_at = now
    held.save(update_fields=["confirmed_at"])
    return held


def _apply(contact: Contact, fields: dict) -> None:
    only_known(fields, (*CONTACT_FIELDS.edited, "custom"))
    contact.custom = fields.get("custom", contact.custom)
    for name, value in fields.items():
        if name == "custom":
            continue
        value = (value or "").strip()
        setattr(contact, name, value if name == "notes" else " ".join(value.split()))  # names go into mail headers
    if not contact.name:
        raise ServiceError(_("Enter a first or last name."), field="last_name")
    clean_fields(contact, fields)


def _checked_emails(emails: Labelled) -> Wanted:
    wanted: Wanted = {}
    for label, address in emails:
        address = address.strip()
        if not address:
            continue
        try:
            validate_email(address)
        except ValidationError as error:
            raise ServiceError(
                _("“%(address)s” is not an email address.") % {"address": address}, field="emails"
            ) from error
        wanted.setdefault(address.lower(), (label, address))
    return wanted


def _checked_phones(phones: Labelled, country: str) -> Wanted:
    wanted: Wanted = {}
    for label, number in phones:
        number = number.strip()
        if not number:
            continue
        digits = digits_of(number, country)
        if len(digits) < 3 or len(number) > 40:
            raise ServiceError(_("“%(number)s” is not a phone number.") % {"number": number}, field="phones")
        wanted.setdefault(digits, (label, number))
    return wanted


def _new_rows(model: Any, wanted: Wanted) -> list[Any]:
    """Unsaved rows, the first of them the main one."""
    rows = [model(**_values(model, label, text, is_primary=n == 0)) for n, (label, text) in enumerate(wanted.values())]
    if model is ContactPhone:
        for row, digits in zip(rows, wanted, strict=True):
            row.digits = digits
    return rows


def _values(model: Any, label: str, text: str, *, is_primary: bool) -> dict[str, Any]:
    label = label if label in ContactLabel.values else ContactLabel.OTHER
    return {"label": label, "number" if model is ContactPhone else "address": text, "is_primary": is_primary}


def _replace(contact: Contact, model: Any, existing: dict[str, Any], wanted: Wanted) -> None:
    """Replace the rows by `wanted`, the first as the main one; rows that already exist are kept."""
    model.objects.filter(pk__in=[row.pk for key, row in existing.items() if key not in wanted]).delete()
    main = next(iter(wanted), None)
    for key, row in existing.items():
        if key in wanted and row.is_primary and key != main:
            model.objects.filter(pk=row.pk).update(
                is_primary=False
            )  # only one main row at a time: first unset the old one
    for key, new in zip(wanted, _new_rows(model, wanted), strict=True):
        values = _values(model, *wanted[key], is_primary=key == main)
        if key not in existing:
            new.contact = contact
            new.save()
        elif any(getattr(existing[key], name) != value for name, value in values.items()):
            model.objects.filter(pk=existing[key].pk).update(**values)


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def affiliate(
    principal: Principal, *, client: Client, contact: Contact, seen_version: int | None = None, **place
) -> Affiliation:
    """Affiliate a contact with a client, or change the affiliation: title, decision_role, is_primary, is_billing, left_date.

    A client has one main contact: a new one replaces the former one. Someone who left is not the main contact.
    Raises StaleWrite, ServiceError.
    """
    only_known(place, PLACE_FIELDS.edited)
    _make_way([client.pk], [])
    found = Affiliation.objects.select_for_update().filter(client=client, contact=contact).first()
    row = found or Affiliation(client=client, contact=contact)
    for name, value in place.items():
        setattr(row, name, value.strip() if isinstance(value, str) else value)
    if row.left_date:
        row.is_primary = False
    clean_fields(row, place)
    if row.is_primary:
        _make_way([], [client.pk], besides=row.pk)
    if found is None:
        row.save()
    elif place:
        save_version(row, fields=list({*place, "is_primary"}), seen=seen_version, merges=False)
    return row


@service(may=permissions.may_change_affiliation, why=permissions.IN_TRASH)
def end_affiliation(principal: Principal, *, affiliation: Affiliation, left_date: date) -> Affiliation:
    """Mark that the contact left the client. Logged interactions are kept."""
    return affiliate(principal, client=affiliation.client, contact=affiliation.contact, left_date=left_date)


@service(may=None)
def archive_contact(principal: Principal, *, contact: Contact, now: datetime) -> Contact:
    with _within_sight(principal, contact, decided=["archived"]):
        row, _changed = set_archived(contact, at=now)
    return row


@service(may=None)
def restore_contact(principal: Principal, *, contact: Contact) -> Contact:
    """Raises ServiceError for one that was merged into another."""
    registry.refuse_merged(contact)
    with _within_sight(principal, contact, decided=["archived"]):
        row, _changed = set_archived(contact, at=None)
    return row


@service(may=permissions.may_change_contact)
def set_consent(
    principal: Principal, *, contact: Contact, purpose: str, is_given: bool, source: str = "", now: datetime
) -> Consent:
    """Set whether the contact may be emailed for a purpose. Raises ServiceError (field purpose)."""
    if purpose not in Purpose.values:
        raise ServiceError(_("“%(purpose)s” is not a purpose.") % {"purpose": purpose}, field="purpose")
    values = {"is_given": is_given, "source": source[:120], "decided_at": now}
    with _within_sight(principal, contact, decided=[purpose]):
        row, _made = Consent.objects.update_or_create(contact=contact, purpose=purpose, defaults=values)
    return row


@service(may=permissions.is_system)
def mark_address(principal: Principal, *, address: str, is_refused: bool, now: datetime) -> int:
    """Mark or unmark an address on every contact that has it. If it is refused, the account managers of the contacts'
    clients are notified. Returns how many rows changed.
    """
    rows = ContactEmail.objects.alias(folded=Lower("address")).filter(folded=address.lower())
    changed = list(rows.filter(refused_at__isnull=is_refused).select_related("contact"))
    refused_at = now if is_refused else None
    ContactEmail.objects.filter(pk__in=[row.pk for row in changed]).update(refused_at=refused_at)
    HeldDetails.objects.filter(details__address__iexact=address).update(refused_at=refused_at)
    if is_refused:
        for row in changed:
            _notify_refused(row, now)
    return len(changed)


def _notify_refused(row: ContactEmail, now: datetime) -> None:
    places = Affiliation.objects.current().filter(contact=row.contact, client__archived_at__isnull=True)
    text = _("Email to %(name)s bounces: %(address)s") % {"name": row.contact.name, "address": row.address}
    Notification.objects.bulk_create(
        [
            Notification(
                user_id=place.client.owner_id,
                client_id=place.client_id,
                kind="address-refused",
                text=text[:300],
                url=row.contact.get_absolute_url(),
                key=f"address-refused:{row.pk}:{place.client_id}:{now.isoformat()}",
            )
            for place in places.select_related("client")
        ],
        ignore_conflicts=True,
    )

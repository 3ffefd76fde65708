"""The main contact in the row of its client."""

from typing import Any

from django.utils.translation import gettext_lazy

from clients.contacts.services import affiliate, check_contact, create_contacts, new_contact, update_contact
from clients.importing import common
from clients.records.choices import ClientKind
from clients.records.models import Client
from crm.core.base.kept import once
from crm.core.base.reading import fold
from crm.core.importing.kinds import Context, Plan, Values


def plan_contact(principal, plan: Plan, client: Client | None, values: Values, context: Context) -> None:
    first, last = values.get("contact_first_name", ""), values.get("contact_last_name", "")
    if not first and not last:
        return
    label = gettext_lazy("Main contact")
    given = _contact_cells(values, client.kind if client else values.get("kind", ""))
    said = " · ".join(
        filter(None, [f"{first} {last}".strip(), *(text for pairs in given.values() for _label, text in pairs)])
    )
    if client is None:
        contact = {"created_by": principal.user, "first_name": first, "last_name": last, "is_primary": True, **given}
        new_contact(**contact)  # says what is wrong with it
        plan.write.new.contact = contact
        plan.change(label, "", said)
        _named_by(plan.write.new.client).append((said, fold(f"{first} {last}"), _addresses(given)))
    elif not client.pk:
        named, who, mails = _named_by(client), fold(f"{first} {last}"), _addresses(given)
        if any(name == who or mails & addresses for _said, name, addresses in named):
            return  # an earlier row has them
        plan.change(label, named[0][0] if named else "", said)
        plan.write.changes["contact"] = {"new": {"first_name": first, "last_name": last, "is_primary": True, **given}}
        named.append((said, who, mails))
    elif change := _contact_change(client, first, last, given, context):
        plan.change(label, change.pop("before"), said)
        plan.write.changes["contact"] = change


def _named_by(client: Client) -> list[tuple[str, str, set[str]]]:
    """The contacts that earlier rows give a client which is not saved yet: (in words, name, addresses)."""
    return once(client, "contacts of rows", list)


def _addresses(given: dict[str, list[tuple[str, str]]]) -> set[str]:
    return {address.lower() for _label, address in given["emails"]}


def _contact_cells(values: Values, kind: str) -> dict[str, list[tuple[str, str]]]:
    is_same = kind == ClientKind.INDIVIDUAL or "contact_email" not in values
    email = values.get("contact_email") or (values.get("email") if is_same else "")
    phone = values.get("contact_phone") or values.get("phone")
    return {"emails": [("work", email)] if email else [], "phones": [("work", phone)] if phone else []}


def _contact_change(client: Client, first: str, last: str, given, context: Context) -> dict[str, Any]:
    """The differences between the row's contact and the client's contacts; {} if none. `before` is the current main
    contact.
    """
    places = context["cache"].get("places", {}).get(client.pk, [])
    before = next((str(place.contact) for place in places if place.is_primary), "")
    mails = _addresses(given)
    own = {place.contact_id: {mail.address.lower() for mail in place.contact.emails.all()} for place in places}
    name = fold(f"{first} {last}")
    by_mail = [place for place in places if own[place.contact_id] & mails]
    found = next(iter([*by_mail, *(place for place in places if fold(place.contact.name) == name)]), None)
    if found is None:
        new = {"first_name": first, "last_name": last, "is_primary": True, **given}
        return {"before": before, "new": new}
    change = common.contact_changes(found.contact, {"first_name": first, "last_name": last}, given, client.country)
    if not found.is_primary and not found.left_date:
        change["is_primary"] = True
    return {"before": before, "contact": found.contact, **change} if change else {}


def check_main_contact(
    client: Client, *, before: str = "", new: Any = None, contact: Any = None, is_primary=False, **changes
):
    if new is not None:
        new_contact(created_by=None, client=client, **new)
    elif contact is not None:
        check_contact(contact, country=client.country, **changes)


def update_main_contact(principal, client: Client, change: dict[str, Any]) -> None:
    change = dict(change)
    if "new" in change:
        create_contacts(principal, rows=[new_contact(created_by=principal.user, client=client, **change["new"])])
        return
    contact, is_primary = change.pop("contact"), change.pop("is_primary", False)
    if change:
        update_contact(principal, contact=contact, **change)
    if is_primary:
        affiliate(principal, client=client, contact=contact, is_primary=True)

"""Rows the tests of this app start from: plain functions, made through the services where there is one."""

from datetime import UTC, date, datetime

from clients.contacts.models import Affiliation, Contact, ContactEmail
from clients.records.choices import ACTIVE_STATUSES
from clients.records.models import Client, ClientFacts
from crm.core.base.principals import acting
from crm.core.firm.models import FirmSettings
from crm.core.users.models import User
from interactions.cadence.services import refresh_contact_due
from interactions.follow_ups.services import create_follow_up
from interactions.log.choices import Channel
from interactions.recording.services import log_interaction

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday, 14:00 in Helsinki


def make_firm(**fields) -> FirmSettings:
    defaults = {"name": "Kallio & Co", "time_zone": "Europe/Helsinki", "holiday_country": "FI"}
    return FirmSettings.objects.update_or_create(pk=1, defaults=defaults | fields)[0]


def make_user(*, name="Marta Kallio", roles=("account_manager",), **fields) -> User:
    email = fields.pop("email", name.lower().replace(" ", ".") + "@kallio.example")
    return User.objects.create(name=name, email=email, roles=list(roles), **fields)


def make_client(*, owner, name="Northwind Advisory", status="active", **fields) -> Client:
    client = Client.objects.create(name=name, owner=owner, **fields)
    since = date(2026, 1, 5)
    active = since if status in ACTIVE_STATUSES else None
    ClientFacts.objects.create(client=client, status=status, status_since=since, active_since=active)
    refresh_contact_due(client_ids=[client.pk])
    return client


def make_contact(*, client, first_name="Elina", last_name="Saari", is_primary=False) -> Contact:
    contact = Contact.objects.create(first_name=first_name, last_name=last_name)
    Affiliation.objects.create(contact=contact, client=client, is_primary=is_primary)
    return contact


def make_person(client, first="Elina", last="Saari", address=None, **fields) -> Contact:
    """A contact with an address: first@northwind.example, or none with ""."""
    contact = make_contact(client=client, first_name=first, last_name=last, **fields)
    if address != "":
        given = address or f"{first.lower()}@northwind.example"
        ContactEmail.objects.create(contact=contact, address=given, is_primary=True)
    return contact


def log(*, actor, client, channel=Channel.CALL, body="Went through the scope.", occurred_at=NOW, now=NOW, **fields):
    return log_interaction(
        acting(actor), client=client, channel=channel, body=body, occurred_at=occurred_at, now=now, **fields
    )


def follow_up(*, actor, client, title="Send the price", due_date=date(2026, 11, 20), now=NOW, **fields):
    return create_follow_up(acting(actor), client=client, title=title, due_date=due_date, now=now, **fields)

"""Factories of rows for tests, made through the services."""

from datetime import UTC, date, datetime
from decimal import Decimal

from clients.contacts.services import create_contact
from clients.records.services.clients import create_client
from clients.revenue.services.lines import add_revenue_line
from crm.core.base.principals import acting
from crm.core.firm.models import FirmSettings
from crm.core.users.models import Team, User

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def make_user(*, name="Marta Kallio", roles=("account_manager",), **fields) -> User:
    email = fields.pop("email", name.lower().replace(" ", ".") + "@rapport.example")
    return User.objects.create(email=email, name=name, roles=list(roles), password="!", **fields)


def make_team(*, name="Nordics", members=()) -> Team:
    team = Team.objects.create(name=name)
    team.members.set(members)
    return team


def make_firm(**fields) -> FirmSettings:
    firm, _made = FirmSettings.objects.update_or_create(
        pk=1, defaults={"name": "Halden Advisory", "is_set_up": True} | fields
    )
    return firm


def make_client(*, owner, name="Northwind Advisory", status="active", today=TODAY, **fields):
    return create_client(acting(owner), name=name, owner=owner, status=status, today=today, **fields)


def make_contact(*, actor, client=None, first_name="Elina", last_name="Saari", **fields):
    return create_contact(acting(actor), client=client, first_name=first_name, last_name=last_name, **fields)


def make_line(*, actor, client, amount="100", date=TODAY, today=TODAY, **fields):
    return add_revenue_line(acting(actor), client=client, date=date, amount=Decimal(amount), today=today, **fields)


def locks_in(asked):
    """In which order statements locked: "parents" or the "row" of a client."""
    kinds = {"pg_advisory_xact_lock": "parents", 'FROM "clients_client"': "row"}
    found = [query["sql"] for query in asked if "FOR UPDATE" in query["sql"] or "pg_advisory_xact_lock" in query["sql"]]
    return [kind for sql in found for part, kind in kinds.items() if part in sql]

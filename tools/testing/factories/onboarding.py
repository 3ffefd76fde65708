"""Factories for onboarding's tests. Everything goes through the services, as in production."""

from datetime import UTC, date, datetime, time

from clients.contacts.services import affiliate, create_contact
from clients.records.services.clients import create_client
from crm.core.base.principals import acting
from crm.core.firm.models import FirmSettings
from crm.core.users.choices import Role
from crm.core.users.models import User
from onboarding.services.drafts import add_phase, add_task
from onboarding.services.plans import start_plan
from onboarding.services.templates import create_template, publish_version

MONDAY = date(2026, 12, 7)


def at(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def make_user(name: str = "Marta Kallio", *roles: str) -> User:
    email = f"{name.split()[0].lower()}@example.com"
    return User.objects.create(email=email, name=name, roles=list(roles or (Role.ACCOUNT_MANAGER,)))


def make_admin(name: str = "Ada Admin") -> User:
    return make_user(name, Role.ADMIN)


def make_firm(**values) -> FirmSettings:
    """A firm in Finland, where 6, 25 and 26 December 2026 and 1 and 6 January 2027 are holidays."""
    values = {"name": "Northlight", "time_zone": "Europe/Helsinki", "holiday_country": "FI", "is_set_up": True} | values
    return FirmSettings.objects.update_or_create(pk=1, defaults=values)[0]


def make_client(*, owner: User, name: str = "Northwind Advisory", status: str = "prospect", **fields):
    return create_client(
        acting(owner),
        name=name,
        owner=owner,
        status=status,
        status_start=date(2026, 11, 2),
        today=date(2026, 11, 2),
        **fields,
    )


def make_contact(*, client, first_name: str = "Elina", last_name: str = "Saari"):
    contact = create_contact(acting(client.owner), client=client, first_name=first_name, last_name=last_name)
    link = contact.affiliations.get(client=client)
    if not link.is_primary:
        affiliate(acting(client.owner), contact=contact, client=client, is_primary=True)
    return contact


def make_template(*, admin: User, name: str = "Payroll client"):
    """Its draft version, with the rows of the payroll template: three phases, eight tasks."""
    template = create_template(acting(admin), name=name)
    version = template.versions.get()
    agree = add_phase(acting(admin), version=version, name="Agree")
    setup = add_phase(acting(admin), version=version, name="Set up")
    first = add_phase(acting(admin), version=version, name="First run")
    who = acting(admin)
    add_task(
        who,
        phase=agree,
        title="Kickoff meeting",
        owner_role="Account manager",
        offset_days=0,
        is_client_visible=True,
    )
    letter = add_task(
        who,
        phase=agree,
        title="Engagement letter signed",
        owner_side="client",
        owner_role="Client signer",
        offset_days=3,
    )
    add_task(who, phase=agree, title="Conflict check", owner_role="Compliance", offset_days=0)
    access = add_task(
        who,
        phase=setup,
        title="Access to accounting system",
        owner_side="client",
        owner_role="Client IT",
        offset_days=1,
        after=letter,
        instructions="Create a read-only user for us and confirm here.",
        done_when="Client confirms and names the user",
    )
    chart = add_task(
        who,
        phase=setup,
        title="Chart of accounts mapped",
        owner_role="Payroll specialist",
        offset_days=4,
        after=access,
    )
    add_task(
        who,
        phase=setup,
        title="Welcome call with staff",
        owner_role="Account manager",
        offset_days=8,
        is_mandatory=False,
    )
    run = add_task(
        who,
        phase=first,
        title="First payroll run",
        owner_role="Payroll specialist",
        offset_days=5,
        after=chart,
        is_client_visible=True,
    )
    add_task(
        who,
        phase=first,
        title="Review with client",
        owner_role="Account manager",
        offset_days=1,
        after=run,
        is_client_visible=True,
    )
    version.refresh_from_db()
    return version


def make_version(*, admin: User, name: str = "Payroll client"):
    return publish_version(acting(admin), version=make_template(admin=admin, name=name), now=at(date(2026, 11, 3)))


def make_plan(*, client, version, kickoff: date = MONDAY, today: date = MONDAY, owner: User | None = None, **fields):
    return start_plan(
        acting(client.owner),
        client=client,
        version=version,
        kickoff_date=kickoff,
        owner=owner,
        today=today,
        now=at(today),
        **fields,
    )


def task(plan, title: str):
    return plan.tasks.get(title=title)


def finish_mandatory(plan, *, actor, on: date):
    from onboarding.services.tasks import finish_task  # noqa: PLC0415

    for row in plan.tasks.filter(is_mandatory=True).exclude(state="done"):
        finish_task(acting(actor), task=row, now=at(on))

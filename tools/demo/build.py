"""Creates the demo firm through the services: deterministic, relative to today, in one transaction."""

import random
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pghistory
from django.contrib.auth.hashers import make_password
from django.db import transaction

from clients.catalogue.models import Service, Tag
from clients.catalogue.services import create_service
from clients.contacts.choices import ContactLabel
from clients.contacts.services import create_contact
from clients.records.choices import LeavingReason, Status
from clients.records.models import Client
from clients.records.services.clients import create_client, restrict_client
from clients.records.services.statuses import change_status
from clients.revenue.services.contracts import create_contract
from clients.revenue.services.lines import add_revenue_lines, new_line
from crm.core.base.dates import add_months
from crm.core.base.principals import acting
from crm.core.base.zones import zone
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import firm_cached, get_firm
from crm.core.users.models import Team, TeamMembership, User
from tools.demo import (
    cast,
    documents,
    engagements,
    fields,
    history,
    invoices,
    opportunities,
    plans,
    progress,
    structure,
    surveys,
)

LEFT = {
    "left_price": (LeavingReason.PRICE, 40),
    "left_contact": (LeavingReason.CONTACT_CHANGED, 125),
    "left_slow": (LeavingReason.SLOW, 210),
    "left_merged": (LeavingReason.MERGED, 300),
}


@dataclass
class Stage:
    """What the builders share: the clock, the random generator, the people and the rows created so far."""

    now: datetime
    today: date
    dice: random.Random
    calendar: WorkingCalendar
    users: dict[str, User] = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)
    clients: dict[str, Client] = field(default_factory=dict)

    def office_hour(self, day: date, zone_name: str) -> datetime:
        """A time within a working day, on or after `day`, at least an hour ago."""
        day = self.calendar.on_or_after(day)
        at = datetime.combine(
            day, time(self.dice.randint(9, 15), self.dice.choice((0, 10, 15, 30, 40, 45))), zone(zone_name)
        )
        return min(at.astimezone(UTC), self.now - timedelta(hours=1))


@transaction.atomic
def build(*, now: datetime, with_logins: bool) -> list[dict[str, str]]:
    """Fill the firm. Returns [{"email", "password", "role"}] ([] without logins)."""
    firm = _firm()
    passwords = ["-".join(secrets.token_hex(2) for _ in range(3)) for _person in cast.PEOPLE] if with_logins else []
    with firm_cached(), ThreadPoolExecutor(1) as beside:  # hashing one takes half a second
        hashes = beside.map(make_password, passwords)
        people = _fill(firm, now)
        return [_login(*login) for login in zip(people, passwords, hashes, strict=False)]


def _fill(firm: FirmSettings, now: datetime) -> list[User]:
    stage = Stage(now, now.astimezone(zone(firm.time_zone)).date(), random.Random(20261122), WorkingCalendar.of(firm))
    _people(stage)
    with pghistory.context(user=stage.users["ines"].pk, url="seed_demo"):
        stage.services = [
            create_service(acting(stage.users["ines"]), name=name, code=code) for name, code in cast.SERVICES
        ]
        for role in cast.CLIENTS:
            stage.clients[role.name] = _client(stage, role)
        history.make(stage)
        plans.make(stage)
        progress.make(stage)
        surveys.make(stage)
        opportunities.make(stage)
        documents.make(stage)
        invoices.make(stage)
        engagements.make(stage)
        structure.make(stage)
        fields.make(stage)
        _restrict(stage)
    return list(stage.users.values())


def _firm() -> FirmSettings:
    firm = get_firm()
    for name, value in cast.FIRM.items():
        setattr(firm, name, value)
    firm.has_demo_data = firm.is_set_up = True
    firm.save()
    return firm


def _people(stage: Stage) -> None:
    teams: dict[str, Team] = {}
    for person in cast.PEOPLE:
        email = person.name.lower().replace(" ", ".") + "@northlight.example"
        user = User(
            email=email,
            name=person.name,
            title=person.title,
            roles=list(person.roles),
            is_demo=True,
            reminders=person.reminders,
        )
        user.set_unusable_password()
        user.save()
        stage.users[person.key] = user
        team = teams.get(person.team) or Team.objects.create(name=person.team)
        teams[person.team] = team
        TeamMembership.objects.create(team=team, user=user)
    for name, key in cast.TEAM_LEADS.items():
        Team.objects.filter(pk=teams[name].pk).update(lead=stage.users[key])


def _login(user: User, password: str, hashed: str) -> dict[str, str]:
    user.password = hashed
    user.save(update_fields=["password"])
    return {"email": user.email, "password": password, "role": ", ".join(user.roles).replace("_", " ")}


def _client(stage: Stage, role: cast.ClientRole) -> Client:
    owner = stage.users[role.owner]
    came = stage.today - timedelta(days=round(role.years * 365))
    is_new = role.story.startswith(("onboarding", "prospect"))
    client = create_client(
        acting(owner),
        name=role.name,
        owner=owner,
        status=Status.PROSPECT if is_new else Status.ACTIVE,
        status_start=came,
        today=stage.today,
        is_demo=True,
        tags=[_tag(role.tag)] if role.tag else [],
        team=Team.objects.filter(members=owner).first(),
        kind="individual" if role.story == "individual" else "organisation",
        tier=role.tier,
        industry=role.industry,
        source=stage.dice.choice(("Referral", "Referral", "Event", "Website", "Former colleague")),
        time_zone=role.zone,
        city=role.city,
        country=role.country,
        website="" if role.story == "individual" else f"https://www.{_slug(role.name)}.example",
        preferred_channel=stage.dice.choice(("phone", "email", "video", "")),
        goals=stage.dice.choice(history.words.GOALS),
        expectations=stage.dice.choice(history.words.EXPECTATIONS),
    )
    _status_story(stage, role, client, owner)
    for place, (first, last, title) in enumerate(role.people):
        address = f"{_slug(first)}.{_slug(last)}@{_slug(role.name)}.example"
        decides = ("decides", "signs", "day_to_day")[min(place, 2)]
        create_contact(
            acting(owner),
            client=client,
            first_name=first,
            last_name=last,
            emails=[(ContactLabel.WORK, address)],
            title=title,
            decision_role=decides,
            is_primary=place == 0,
            is_billing=place == len(role.people) - 1,
            is_demo=True,
        )
    _contracts_and_revenue(stage, role, client, owner, came)
    return client


def _status_story(stage, role, client, owner) -> None:
    def change(status, days_ago, **more):
        start = stage.today - timedelta(days=days_ago)
        change_status(acting(owner), client=client, status=status, start_date=start, today=stage.today, **more)

    if role.story in LEFT:
        reason, days = LEFT[role.story]
        change(Status.AT_NOTICE, days + 60)
        change(Status.FORMER, days, reason=reason)
    elif role.story == "returned":
        change(Status.FORMER, 420, reason=LeavingReason.PRICE)
        change(Status.ACTIVE, 200)
    elif role.story == "at_notice":
        change(Status.AT_NOTICE, 18)
    elif role.story == "paused":
        change(Status.PAUSED, 54)


def _contracts_and_revenue(stage, role, client, owner, came) -> None:
    if not role.services or role.story.startswith(("onboarding", "prospect")):
        return
    end = last_day(stage, role)
    share = Decimal(role.monthly) / len(role.services)
    for place in role.services:
        create_contract(
            acting(owner),
            client=client,
            service=stage.services[place],
            value=share.quantize(Decimal(1)),
            start_date=came,
            end_date=end if end < stage.today else None,
            renewal_date=_renewal(stage, came) if end >= stage.today else None,
            notice_days=30,
            is_auto_renewed=True,
        )
    lines = []
    for back in range(26, -1, -1):
        day = add_months(stage.today.replace(day=1), -back)
        if came <= day <= min(end, stage.today):
            growth = Decimal("1.012") ** (18 - back) if role.story == "growing" else Decimal(1)
            amount = (role.monthly * growth * Decimal(stage.dice.uniform(0.93, 1.07))).quantize(Decimal("0.01"))
            place = role.services[back % len(role.services)]
            reference = f"{day:%y%m}-{client.pk:03d}"
            lines.append(new_line(client, date=day, amount=amount, service=stage.services[place], reference=reference))
    add_revenue_lines(acting(owner), rows=lines, today=stage.today)


def last_day(stage: Stage, role: cast.ClientRole) -> date:
    """The last day on which the firm worked for the client."""
    if role.story in LEFT:
        return stage.today - timedelta(days=LEFT[role.story][1])
    return stage.today


def _renewal(stage, came: date) -> date:
    years = stage.today.year - came.year
    day = add_months(came, 12 * years)
    return day if day > stage.today else add_months(day, 12)


def _restrict(stage: Stage) -> None:
    for role in cast.CLIENTS:
        if role.story == "restricted":
            owner = stage.users[role.owner]
            restrict_client(
                acting(owner),
                client=stage.clients[role.name],
                users=[stage.users["priya"]],
                reason="Information barrier: transaction",
            )


def _tag(name: str) -> Tag:
    return Tag.objects.filter(name=name).first() or Tag.objects.create(
        name=name, tone="red" if name == "At risk" else "blue"
    )


def _slug(text: str) -> str:
    plain = text.lower().translate(
        str.maketrans(
            {"ä": "a", "ö": "o", "å": "a", "ø": "o", "č": "c", "í": "i", "ó": "o", "ú": "u", "ü": "u", "ð": "d"}
        )
    )
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())

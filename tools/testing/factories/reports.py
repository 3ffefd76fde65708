"""Rows that reports count, made directly: these tests are about reading."""

from datetime import UTC, date, datetime, time
from itertools import count

from clients.catalogue.models import Service
from clients.records.models import Client, ClientFacts, StatusPeriod
from clients.revenue.models import Contract, RevenueLine
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.models import FirmSettings
from crm.core.users.models import User
from interactions.surveys.models import Survey, SurveyResponse
from reports.scope import Scope

_number = count(1)


def make_user(name="Mira Manager", *roles, **fields):
    return User.objects.create(
        email=f"u{next(_number)}@firm.test", name=name, roles=list(roles or ("manager",)), **fields
    )


def make_firm(**fields):
    firm, _created = FirmSettings.objects.update_or_create(pk=1, defaults={"is_set_up": True, **fields})
    return firm


def make_client(owner, *periods, name="", **fields):
    """`periods`: (status, start) or (status, start, reason), oldest first; each ends where the next one starts. The reason “?”
    says that the start is unknown."""
    client = Client.objects.create(name=name or f"Client {next(_number)}", owner=owner, **fields)
    for index, (status, start, *reason) in enumerate(periods):
        end = periods[index + 1][1] if index + 1 < len(periods) else None
        unknown = reason == ["?"]
        StatusPeriod.objects.create(
            client=client,
            status=status,
            start_date=start,
            end_date=end,
            reason="" if unknown or not reason else reason[0],
            is_start_unknown=unknown,
        )
    ClientFacts.objects.create(client=client, status=periods[-1][0] if periods else "prospect")
    return client


def book(client, day, amount, **fields):
    return RevenueLine.objects.create(client=client, date=day, amount=amount, **{"currency": "EUR", "rate": 1} | fields)


def make_contract(client, start, value, **fields):
    service, _created = Service.objects.get_or_create(name="Advice")
    return Contract.objects.create(
        client=client, service=service, start_date=start, value=value, **{"currency": "EUR", "rate": 1} | fields
    )


def make_survey(**fields):
    return Survey.objects.create(name="NPS", question="How likely?", **fields)


def give_answer(survey, client, score, when, contact=None, **fields):
    when = when if isinstance(when, datetime) else datetime.combine(when, time(12), UTC)
    scale = {"scale_min": survey.scale_min, "scale_max": survey.scale_max} | fields
    return SurveyResponse.objects.create(
        survey=survey, client=client, contact=contact, score=score, answered_at=when, **scale
    )


def scope_of(user=None, today=date(2026, 11, 22), **fields):
    """A user's scope; without one, the whole firm's."""
    firm = FirmSettings.objects.filter(pk=1).first() or FirmSettings(pk=1)
    return Scope(principal=acting(user) if user else SYSTEM, firm=firm, today=today, **fields)

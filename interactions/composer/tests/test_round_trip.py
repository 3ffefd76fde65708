"""What is exported comes back: into the same firm it changes nothing, into another one it makes the same."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from clients.catalogue.models import Tag
from clients.catalogue.services import create_service
from clients.contacts.models import Affiliation, Contact
from clients.contacts.services import affiliate
from clients.records.models import Client, StatusPeriod
from clients.records.services.clients import update_client
from clients.records.services.statuses import change_status
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.services.contracts import change_price, create_contract
from crm.core.base.principals import acting
from interactions.log.choices import Channel, Visibility
from interactions.log.models import Interaction
from interactions.surveys.models import SurveyResponse
from interactions.surveys.services.answers import ensure_nps_survey, record_answer
from tools.testing.factories.clients import NOW, TODAY, make_client, make_contact, make_line, make_team
from tools.testing.factories.interactions import log
from tools.testing.importing import counts, run

pytestmark = pytest.mark.django_db
KINDS = ("clients", "contacts", "contracts", "revenue", "interactions", "survey-responses")


@pytest.fixture
def everything(manager, marta):
    """A firm with what has been lost on the way before."""
    boss = acting(manager)
    holding = make_client(
        owner=marta, name="Zeta Holding", website="https://www.zeta.example/en", email="hello@zeta.example"
    )
    child = make_client(
        owner=manager,
        name="'=already",
        parent=holding,
        team=make_team(members=[marta]),
        tags=[Tag.objects.create(name="Legal, tax"), Tag.objects.create(name="Key")],
        tier="A",
        goals="Grow.\n\nThen rest.",
        expectations="Calm",
        salutation="Dear Dr. Lumi",
        preferred_channel="email",
        phone="+358 40 1234567",
        country="FI",
        language="de-AT",
        status="former",
        status_start=date(2024, 1, 1),
        reason="price",
    )
    for status, day in (("prospect", date(2020, 1, 5)), ("active", date(2021, 3, 1))):
        change_status(boss, client=child, status=status, start_date=day, today=TODAY)
    make_client(owner=marta, name="Twin")
    make_client(owner=marta, name="Twin", status="paused")
    ada = make_contact(
        actor=manager,
        client=child,
        first_name="Ada",
        last_name="Lee",
        emails=[("home", "ada@home.example"), ("work", "ada@work.example"), ("work", "lee@work.example")],
        phones=[("mobile", "+358 40 5550001")],
        title="CFO",
        is_primary=True,
        notes="Met at the fair",
    )
    affiliate(boss, client=holding, contact=ada, title="Board", is_billing=True)
    make_contact(actor=manager, first_name="Nobody's")
    audit = create_service(boss, name="Audit")
    old = create_contract(
        boss,
        client=holding,
        service=audit,
        value=Decimal("1200.50"),
        start_date=date(2025, 1, 1),
        period="year",
        notice_days=30,
    )
    change_price(boss, contract=old, value=Decimal(1500), start_date=date(2026, 1, 1), reason="Inflation")
    for _n in range(3):
        make_line(actor=manager, client=holding, amount="99.90", service=audit)
    make_line(actor=manager, client=child, amount="1234567.00", currency="USD", rate=Decimal("0.925"), note="=1+1")
    at = datetime(2026, 10, 2, 8, 15, 30, tzinfo=UTC)
    log(
        actor=marta,
        client=child,
        channel=Channel.VIDEO,
        occurred_at=at,
        contacts=[ada],
        sentiment=-1,
        duration_minutes=45,
    )
    log(
        actor=manager,
        client=holding,
        channel=Channel.NOTE,
        visibility=Visibility.TEAM,
        participants=[marta],
        subject="Note",
    )
    for score in (9, 9, 3):
        survey = ensure_nps_survey()
        record_answer(boss, survey=survey, client=holding, score=score, comment="", answered_at=at, now=NOW)
    record_answer(boss, survey=survey, client=child, contact=ada, score=10, comment="Yes", answered_at=at, now=NOW)


def export(client, kind):
    return b"".join(client.get(reverse("core:import_export", args=[kind])).streaming_content)


def content():
    """All there is, without keys."""
    client = "client__name", "client__tier"
    return {
        "clients": rows(
            Client,
            "name",
            "parent__name",
            "owner__email",
            "team__name",
            "tags__name",
            "tier",
            "website",
            "email",
            "phone",
            "goals",
            "expectations",
            "salutation",
            "preferred_channel",
            "country",
            "language",
            "facts__status",
            "facts__status_since",
        ),
        "periods": rows(StatusPeriod, *client, "status", "start_date", "end_date", "reason", "is_start_unknown"),
        "contacts": rows(
            Contact,
            "first_name",
            "last_name",
            "notes",
            "emails__address",
            "emails__label",
            "emails__is_primary",
            "phones__number",
            "phones__label",
        ),
        "places": rows(Affiliation, *client, "contact__first_name", "title", "is_primary", "is_billing"),
        "contracts": rows(
            Contract,
            *client,
            "service__name",
            "value",
            "currency",
            "rate",
            "period",
            "start_date",
            "end_date",
            "notice_days",
            "replaces__start_date",
            "change_reason",
        ),
        "revenue": rows(RevenueLine, *client, "date", "amount", "currency", "rate", "service__name", "kind", "note"),
        "interactions": rows(
            Interaction,
            *client,
            "channel",
            "occurred_at",
            "duration_minutes",
            "subject",
            "body",
            "sentiment",
            "author__email",
            "visibility",
            "contacts__first_name",
            "participants__email",
        ),
        "answers": rows(SurveyResponse, *client, "score", "comment", "answered_at", "contact__first_name"),
    }


def rows(model, *names):
    return sorted(model.objects.values_list(*names), key=str)


def test_a_round_trip_changes_nothing_here_and_makes_the_same_elsewhere(client, manager, everything, settings):
    client.force_login(manager)
    files = {kind: export(client, kind) for kind in KINDS}
    before = content()
    for kind, data in files.items():
        job = run(manager, kind, data, system="rapport", defaults={"status": "active"})
        assert set(counts(job)) == {"unchanged"}, (kind, job.report["rows"])
    assert content() == before

    settings.SECRET_KEY = "of another installation"
    for model in (SurveyResponse, Interaction, RevenueLine, Contract, Affiliation, Contact):
        Contract.objects.update(replaces=None)
        model.objects.all().delete()
    Client.objects.update(parent=None)
    Client.objects.all().delete()
    for kind, data in files.items():
        job = run(manager, kind, data, system="rapport")
        assert "failed" not in counts(job), (kind, job.report["rows"])
    after = content()
    assert {kind: after[kind] for kind in before if after[kind] != before[kind]} == {}
    for kind, data in files.items():
        assert set(counts(run(manager, kind, data, system="rapport"))) == {"unchanged"}, kind


def test_the_file_of_a_list_of_clients_comes_back_too(client, manager, everything):
    client.force_login(manager)
    data = b"".join(client.get(reverse("clients:list-export") + "?as=all").streaming_content)
    assert len(list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))) == 5
    assert counts(run(manager, "clients", data, system="rapport")) == {"unchanged": 4}


def test_one_sees_in_the_file_what_one_sees(client, marta, otto, everything):
    update_client(acting(marta), client=Client.objects.filter(name="Twin").first(), owner=marta)
    Client.objects.filter(name="Zeta Holding").update(is_restricted=True)
    client.force_login(otto)
    for kind in KINDS:
        assert "Zeta" not in export(client, kind).decode(), kind

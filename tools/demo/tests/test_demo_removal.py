"""Taking the demo out must work whatever people did with it meanwhile, and leave what is theirs."""

from datetime import date

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from clients.catalogue.services import create_service
from clients.contacts.models import Contact
from clients.contacts.services import affiliate
from clients.records.models import Client
from clients.revenue.services.contracts import change_price, create_contract
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.models import FirmSettings
from crm.core.users.models import User
from interactions.surveys.models import SurveyRule
from interactions.surveys.services import rules
from interactions.surveys.services.answers import ensure_nps_survey
from onboarding.models import Template
from tools.demo.logins import write as write_logins
from tools.demo.remove import remove
from tools.testing.factories import onboarding
from tools.testing.factories.clients import make_client, make_contact, make_firm, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def aino():
    make_firm(has_demo_data=True)
    return make_user(name="Aino Admin", roles=("admin",))


def test_what_people_added_does_not_stop_the_removal(aino):
    demo = make_client(owner=aino, name="Demo", is_demo=True)
    part = make_client(owner=aino, name="Demo part", is_demo=True, parent=demo)
    own = make_client(owner=aino, name="Ours", parent=part)
    contract = create_contract(
        acting(aino),
        client=demo,
        service=create_service(SYSTEM, name="Advice"),
        value=100,
        start_date=date(2026, 1, 1),
    )
    change_price(acting(aino), contract=contract, value=120, start_date=date(2026, 6, 1), reason="More work")
    known = make_contact(actor=aino, client=demo, first_name="Elina", is_demo=True)
    affiliate(acting(aino), client=own, contact=known)
    gone = make_contact(actor=aino, client=demo, first_name="Otso", is_demo=True)
    remove(now=timezone.now())
    own.refresh_from_db()
    assert list(Client.objects.all()) == [own] and own.parent is None
    assert Contact.objects.get(pk=known.pk).is_demo is False
    assert not Contact.objects.filter(pk=gone.pk).exists()


def test_a_demo_person_with_work_of_their_own_stays_but_cannot_sign_in(aino):
    demo_person = make_user(name="Demo Person", is_demo=True)
    own = make_client(owner=demo_person, name="Ours")
    remove(now=timezone.now())
    assert Client.objects.get() == own
    assert User.objects.get(pk=demo_person.pk).is_active is False


def test_the_demos_survey_rule_does_not_write_to_the_firms_own_clients(aino):
    survey = ensure_nps_survey()
    rules.set_rule(acting(aino), survey=survey, is_active=True, statuses=["active"], now=timezone.now())
    remove(now=timezone.now())
    assert SurveyRule.objects.get().is_active is False


def test_published_templates_of_the_demo_go_unless_a_plan_needs_them(aino):
    unused, used = (onboarding.make_version(admin=aino, name=name) for name in ("Demo", "Demo in use"))
    Template.objects.update(is_demo=True)
    own = make_client(owner=aino, name="Ours")
    onboarding.make_plan(client=own, version=used)
    assert remove(now=timezone.now())["templates"] == 1
    assert list(Template.objects.values_list("name", "is_demo")) == [("Demo in use", False)]
    assert not unused.tasks.exists() and used.tasks.exists()


MADE = (
    *("clients.Client", "clients.Contact", "clients.Contract", "clients.RevenueLine", "clients.Service", "clients.Tag"),
    *("interactions.Interaction", "interactions.FollowUp", "interactions.Commitment", "interactions.ProgressEmail"),
    *("interactions.SurveyInvitation", "interactions.SurveyResponse", "onboarding.Template", "onboarding.Plan"),
    *("core.OutboxMail", "core.Team"),
)


def rows_left() -> dict[str, int]:
    return {name: count for name in MADE if (count := apps.get_model(name).objects.count())}


def test_the_real_demo_goes_by_command_and_by_page(settings, tmp_path, client, django_capture_on_commit_callbacks):
    settings.DATA_DIR, settings.IS_LOOPBACK = tmp_path, True
    logins = tmp_path / "demo-logins.json"
    call_command("seed_demo")
    assert rows_left().keys() == set(MADE)
    own = make_user(name="Aino Admin", roles=("admin",))
    before = transaction.savepoint()
    with django_capture_on_commit_callbacks(execute=True):
        call_command("seed_demo", "--remove")
    connection.check_constraints()
    assert (rows_left(), list(User.objects.all()), logins.exists()) == ({}, [own], False)

    transaction.savepoint_rollback(before)
    client.force_login(own)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/settings/demo/", {"phrase": "remove the demo"}, follow=True)
    assert "The demo data is gone." in answer.content.decode()
    assert (rows_left(), list(User.objects.all())) == ({}, [own])
    assert FirmSettings.objects.get().name == "My firm"


def test_the_last_admin_stays_and_keeps_the_login(settings, tmp_path, django_capture_on_commit_callbacks):
    settings.DATA_DIR = tmp_path
    make_firm(has_demo_data=True)
    people = [make_user(name="Ines", roles=("admin",), is_demo=True), make_user(name="Marta", is_demo=True)]
    write_logins([{"email": person.email, "password": "x", "role": ""} for person in people])
    with django_capture_on_commit_callbacks(execute=True):
        remove(now=timezone.now())
    assert list(User.objects.all()) == people[:1]
    assert people[0].email in (tmp_path / "demo-logins.json").read_text()
    assert people[1].email not in (tmp_path / "demo-logins.json").read_text()

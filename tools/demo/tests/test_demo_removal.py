"""Taking the demo out must work whatever people did with it meanwhile, and leave what is theirs."""

from datetime import date

import pytest
from django.utils import timezone

from clients.catalogue.services import create_service
from clients.contacts.models import Contact
from clients.contacts.services import affiliate
from clients.records.models import Client
from clients.revenue.services.contracts import change_price, create_contract
from crm.core.base.principals import SYSTEM, acting
from crm.core.users.models import User
from interactions.surveys.models import SurveyRule
from interactions.surveys.services import rules
from interactions.surveys.services.answers import ensure_nps_survey
from onboarding.models import Template
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

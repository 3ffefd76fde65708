"""The pages that people live in cost few statements, with everything that can be on them. What they cost in time is the bench's."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.firm.models import Holiday
from crm.core.firm.queries import firm_today
from crm.core.users.models import User
from interactions.agreements.services import create_commitment
from interactions.follow_ups.services import complete_follow_up
from interactions.progress.services.drafts import draft_progress
from interactions.progress.services.schedules import plan_progress, set_schedule
from onboarding.services.tasks import finish_task
from tools.testing.factories import interactions
from tools.testing.factories import onboarding as plans
from tools.testing.factories.clients import make_contact

pytestmark = pytest.mark.django_db
MOST = 25  # the client's page; a kept statement costs about a millisecond


@pytest.fixture
def busy(db):
    """A client with people, a running plan, next steps, promises, decisions and a progress email; the firm has a holiday."""
    now = timezone.now()
    interactions.make_firm()
    marta = interactions.make_user(name="Marta Kallio")
    admin = plans.make_admin()
    interactions.make_user(name="Mira Aalto", roles=("manager",))
    client = interactions.make_client(owner=marta, status="onboarding", tier="A", time_zone="Europe/Helsinki")
    elina = make_contact(actor=marta, client=client, is_primary=True, emails=[("work", "elina@northwind.example")])
    for days in range(12):
        at = now - timedelta(days=days)
        interactions.log(actor=marta, client=client, occurred_at=at, now=at, contacts=[elina], decision="Yes.")
        step = interactions.follow_up(
            actor=marta, client=client, due_date=firm_today(timezone.now()) + timedelta(days=days - 3), now=at
        )
        if days % 3 == 0:
            complete_follow_up(acting(marta), follow_up=step, now=now)
    create_commitment(acting(marta), client=client, text="A first list of open points")
    for number in range(2):
        plan = plans.make_plan(
            client=client, version=plans.make_version(admin=admin, name=f"Template {number}"), owner=marta
        )
        finish_task(acting(marta), task=plan.tasks.order_by("pk").first(), now=plans.at(plans.MONDAY))
    plan.__class__.objects.filter(pk=plan.pk).update(forecast_date=plan.kickoff_date + timedelta(days=300))
    Holiday.objects.create(date=plan.kickoff_date + timedelta(days=100), name="Firm's day", is_working=False)
    set_schedule(
        acting(marta),
        client=client,
        recipients=[elina],
        weekday=firm_today(timezone.now()).weekday(),
        now=now - timedelta(days=3),
    )
    plan_progress(now)
    for email in client.progress_emails.all():
        draft_progress(email=email, now=now)
    return client


@pytest.mark.parametrize("name", ["Marta Kallio", "Mira Aalto", "Ada Admin"])
def test_client_page_list_and_today_cost_few_statements(client, busy, name, django_assert_max_num_queries):
    client.force_login(User.objects.get(name=name))
    for url in (busy.get_absolute_url(), reverse("interactions:today"), reverse("clients:list")):
        client.get(url)
        with django_assert_max_num_queries(MOST):
            page = client.get(url)
        assert page.status_code == 200
    page = client.get(busy.get_absolute_url()).content.decode()
    for shown in ("Elina Saari", "Send the price", "A first list of open points", "Agreed", "and 1 more plan"):
        assert shown in page


def test_the_timeline_of_an_older_page_has_what_the_first_left_out(client, busy):
    client.force_login(User.objects.get(name="Marta Kallio"))
    page = client.get(busy.get_absolute_url())
    older = page.context["timeline"].older
    assert older
    seen = {item.key for _heading, items in page.context["timeline"].groups for item in items}
    while older:
        page = client.get(busy.get_absolute_url(), {"before": older})
        found = {item.key for _heading, items in page.context["timeline"].groups for item in items}
        assert not found & seen
        seen |= found
        older = page.context["timeline"].older
    assert sum(key.startswith("interaction-") for key in seen) == 12
    assert sum(key.startswith("onboarding-task-") for key in seen) == 2

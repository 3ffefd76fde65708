"""A plan that names a restricted engagement is hidden from whoever is not on it, with its tasks and what is made of them."""

from datetime import timedelta

import pytest

from clients.engagements.services.records import restrict_engagement, unrestrict_engagement, update_engagement
from clients.opportunities.services.outcomes import win_opportunity
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.notifications.models import Notification
from onboarding import emails
from onboarding.models import Plan, Task, TaskComment
from onboarding.services.plans import update_plan
from onboarding.services.tasks import assign_task, comment_task
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.onboarding import MONDAY, at
from tools.testing.factories.opportunities import make_opportunity

pytestmark = pytest.mark.django_db
NOW = at(MONDAY)
MODELS = (Plan, Task, TaskComment)


@pytest.fixture
def mill(marta, northwind):
    return make_engagement(actor=marta, client=northwind, now=NOW)


@pytest.fixture
def otto(firm, make):
    return make.make_user(name="Otto Berg")


@pytest.fixture
def hidden(make, marta, northwind, payroll, mill):
    plan = make.make_plan(client=northwind, version=payroll, engagement=mill)
    comment_task(acting(marta), task=plan.tasks.first(), text="A word")
    return plan


def seen_by(user):
    return [model.objects.visible_to(acting(user)).exists() for model in MODELS]


def test_a_restricted_engagement_hides_its_plan(client, marta, otto, admin, hidden, mill):
    assert seen_by(otto) == seen_by(admin) == [True] * 3
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert seen_by(otto) == seen_by(admin) == [False] * 3 and seen_by(marta) == [True] * 3
    client.force_login(admin)
    task = hidden.tasks.first()
    assert client.get(f"/onboarding/tasks/{task.pk}/").status_code == 404
    assert hidden.name not in client.get("/onboarding/").content.decode()
    assert client.get(f"/api/v1/onboarding/plans/{hidden.pk}/").status_code == 404
    client.force_login(marta)
    assert client.get(f"/onboarding/tasks/{task.pk}/").status_code == 200
    assert hidden.name in client.get(f"/engagements/{mill.pk}/").content.decode()


def test_facts_and_emails_to_the_client_are_made_without_it(marta, northwind, hidden, mill):
    span = (northwind, NOW - timedelta(days=1), NOW + timedelta(days=7))
    northwind.facts.refresh_from_db()
    assert northwind.facts.onboarding_total and (emails.their_tasks(*span) or emails.our_tasks(*span))
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    northwind.facts.refresh_from_db()
    assert (northwind.facts.onboarding_state, northwind.facts.onboarding_total) == ("", 0)
    assert not (emails.their_tasks(*span) or emails.our_tasks(*span) or emails.expected(*span))
    unrestrict_engagement(acting(marta), engagement=mill, now=NOW)
    northwind.facts.refresh_from_db()
    assert northwind.facts.onboarding_total


def test_nobody_outside_gets_one_of_its_tasks_and_what_they_were_told_is_hidden(marta, otto, hidden, mill):
    task = hidden.tasks.first()
    assign_task(acting(marta), task=task, assignee=otto, now=NOW)
    told = Notification.objects.filter(user=otto, url=f"/onboarding/tasks/{task.pk}/")
    assert Notification.objects.visible_to(acting(otto)).filter(pk__in=told).exists()
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert told.exists() and not Notification.objects.visible_to(acting(otto)).filter(pk__in=told).exists()
    with pytest.raises(ServiceError, match="Otto Berg cannot see this"):
        assign_task(acting(marta), task=hidden.tasks.last(), assignee=otto, now=NOW)
    with pytest.raises(ServiceError, match="Otto Berg cannot see this"):
        update_plan(acting(marta), plan=hidden, owner=otto, now=NOW)


def test_a_plan_names_an_engagement_of_its_own_client(make, marta, payroll, mill):
    other = make.make_client(owner=marta, name="Eastwind")
    with pytest.raises(ServiceError) as refused:
        make.make_plan(client=other, version=payroll, engagement=mill)
    assert refused.value.field == "engagement" and not Plan.objects.exists()


def test_a_notification_of_a_win_goes_with_the_engagement(marta, otto, northwind, mill):
    for title, engagement in (("Zirkon sale", mill), ("Plain sale", None)):
        row = make_opportunity(actor=otto, client=northwind, title=title, engagement=engagement)
        win_opportunity(acting(otto), opportunity=row, now=NOW)
    seen = Notification.objects.visible_to(acting(marta)).filter(kind="won")
    assert seen.count() == 2
    update_engagement(SYSTEM, engagement=mill, lead=otto)
    restrict_engagement(SYSTEM, engagement=mill, now=NOW)
    assert "Plain sale" in seen.get().text
    unrestrict_engagement(SYSTEM, engagement=mill, now=NOW)
    assert seen.count() == 2

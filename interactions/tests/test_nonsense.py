"""What services refuse, and that one broken row keeps nobody else's mail back."""

from datetime import UTC, date, datetime, timedelta

import pytest

from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.mail.models import OutboxMail
from crm.core.users.models import User
from interactions.agreements.services import create_commitment, record_decision
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import update_follow_up
from interactions.reminders.services.reminders import send_reminders
from tools.testing.factories import interactions
from tools.testing.factories.interactions import NOW, follow_up, log

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger(marta):
    """A contact of another client that marta sees too."""
    return interactions.make_contact(
        client=interactions.make_client(owner=marta, name="Kestrel"), first_name="Ilse", last_name="Stein"
    )


def test_people_of_other_clients_stay_out(marta, northwind, stranger):
    with pytest.raises(ServiceError) as refused:
        follow_up(actor=marta, client=northwind, contact=stranger)
    assert refused.value.field == "contact"
    row = follow_up(actor=marta, client=northwind)
    with pytest.raises(ServiceError):
        update_follow_up(acting(marta), follow_up=row, contact=stranger, now=NOW)
    with pytest.raises(ServiceError):
        record_decision(acting(marta), client=northwind, text="Agreed", decided_date=NOW.date(), contact=stranger)
    with pytest.raises(ServiceError):
        create_commitment(acting(marta), client=northwind, text="Promised", side="client", contact=stranger)


def test_a_promise_refers_to_a_decision_of_its_own_client(marta, northwind, stranger):
    other = stranger.affiliations.get().client
    decision = record_decision(acting(marta), client=other, text="Agreed", decided_date=NOW.date())
    with pytest.raises(ServiceError) as refused:
        create_commitment(acting(marta), client=northwind, text="Promised", decision=decision)
    assert refused.value.field == "decision"


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31)])
def test_days_nobody_means_are_refused(marta, northwind, day):
    with pytest.raises(ServiceError) as refused:
        follow_up(actor=marta, client=northwind, due_date=day)
    assert refused.value.field == "due_date"


def test_a_moment_nobody_means_does_not_break_the_page(client, marta, northwind):
    with pytest.raises(ServiceError):
        log(actor=marta, client=northwind, occurred_at=datetime(1, 1, 1, tzinfo=UTC))
    client.force_login(marta)
    answer = client.post(
        f"/clients/{northwind.pk}/log/",
        {"channel": "call", "body": "Hi", "visibility": "firm", "occurred_at": "0001-01-01T00:00"},
    )
    assert answer.status_code == 422
    far = client.post(
        f"/clients/{northwind.pk}/follow-ups/new/",
        {"title": "x", "due_date": "9999-12-31", "assignee": marta.pk, "priority": 2},
    )
    assert far.status_code == 422


def test_a_reminder_that_cannot_be_written_holds_no_other_back(marta, otto, northwind):
    broken = follow_up(actor=marta, client=northwind, title="First")
    User.objects.filter(pk=marta.pk).update(email="nobody")
    good = follow_up(actor=otto, client=northwind, title="Second")
    later = NOW + timedelta(days=3)
    assert send_reminders(later) == 1
    assert OutboxMail.objects.get().key == f"follow-up:{good.pk}:1"
    assert FollowUp.objects.get(pk=broken.pk).remind_at is None

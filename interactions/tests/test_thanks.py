"""The thank-you after a referral."""

from datetime import date

import pytest

from clients.records.services.clients import restrict_client
from clients.referrals.services import add_referral
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import cancel_follow_up
from interactions.follow_ups.thanks import plan_thanks
from tools.testing.factories.interactions import NOW, make_client

pytestmark = pytest.mark.django_db


def refer(actor, client, **given):
    return add_referral(acting(actor), client=client, now=NOW, **given)


@pytest.fixture
def harbor(otto):
    return make_client(owner=otto, name="Harbor Oy")


def test_it_is_a_follow_up_with_the_referring_client_that_does_not_name_the_referred_one(marta, northwind, harbor):
    row = plan_thanks(acting(marta), referral=refer(marta, northwind, by_client=harbor), now=NOW)
    assert (row.client, row.title, row.assignee) == (harbor, "Thank Harbor Oy for the referral", marta)
    assert row.due_date == date(2026, 11, 19) and northwind.name not in row.title + row.note


def test_with_a_contact_and_with_somebody_else(marta, northwind, elina, harbor):
    row = plan_thanks(acting(marta), referral=refer(marta, harbor, by_contact=elina), now=NOW)
    assert (row.client, row.contact, row.title) == (northwind, elina, "Thank Elina Saari for the referral")
    row = plan_thanks(acting(marta), referral=refer(marta, harbor, by_source="Chamber"), now=NOW)
    assert (row.client, row.contact, row.title) == (harbor, None, "Thank Chamber for the referral")


def test_it_is_planned_once_unless_it_was_cancelled(client, marta, northwind, harbor):
    referral = refer(marta, northwind, by_client=harbor)
    client.force_login(marta)
    panel = f"/clients/{northwind.pk}/panels/referrals/"
    assert "Plan a thank-you" in client.get(panel).content.decode()
    page = client.post(f"/referrals/{referral.pk}/thanks/", follow=True).content.decode()
    assert "Thank-you planned for" in page and "Plan a thank-you" not in client.get(panel).content.decode()
    with pytest.raises(ServiceError, match="planned already"):
        plan_thanks(acting(marta), referral=referral, now=NOW)
    cancel_follow_up(acting(marta), follow_up=FollowUp.objects.get(), now=NOW)
    assert "Plan a thank-you" in client.get(panel).content.decode()


def test_nobody_thanks_for_what_they_do_not_see(client, marta, otto, manager, northwind, harbor):
    referral = refer(marta, northwind, by_client=harbor)
    restrict_client(acting(otto), client=harbor)
    client.force_login(manager)
    assert client.post(f"/referrals/{referral.pk}/thanks/").status_code == 404
    assert not FollowUp.objects.exists()

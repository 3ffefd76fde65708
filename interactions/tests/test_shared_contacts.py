"""A contact shared with a client that the actor does not see: a change reaches only the clients in sight."""

from datetime import timedelta

import pytest

from clients.contacts.models import HeldDetails
from clients.contacts.services import affiliate, archive_contact, restore_contact, set_consent, update_contact
from clients.records.models import Client
from clients.records.services.clients import restrict_client
from crm.core.base.principals import SYSTEM, acting
from crm.core.notifications.models import Notification
from interactions.progress.flags import reachable
from interactions.progress.models import ProgressRecipient, ProgressSchedule
from interactions.progress.services.schedules import possible_recipients
from interactions.surveys.audience import people
from interactions.surveys.choices import Asked
from interactions.surveys.models import Survey
from tools.testing.factories.interactions import NOW, make_client, make_firm, make_person, make_user

pytestmark = pytest.mark.django_db
OLD, NEW = "elina@northwind.example", "elina@elsewhere.example"


class World:
    """Elina is at Marta's client and at one that only Sini sees; both mail her every week."""

    def __init__(self, marta, sini):
        make_firm()
        self.marta, self.sini = acting(marta), acting(sini)
        self.seen = make_client(owner=marta, name="Northwind")
        self.secret = restrict_client(self.sini, client=make_client(owner=sini, name="Basalt"))
        self.elina = make_person(self.seen, is_primary=True)
        affiliate(self.sini, client=self.secret, contact=self.elina, is_primary=True)
        for client in (self.seen, self.secret):
            schedule = ProgressSchedule.objects.create(client=client, time_zone="Europe/Helsinki")
            ProgressRecipient.objects.create(schedule=schedule, contact=self.elina, salt=f"salt-{client.pk}")
        self.survey = Survey.objects.create(name="NPS", kind="nps", question="?", scale_min=0, scale_max=10)

    def progress(self, client):
        return [row.address for row in reachable(client.pk)]

    def surveyed(self, client):
        asked = people(
            Client.objects.filter(pk=client.pk),
            survey=self.survey,
            who=Asked.ALL,
            when=NOW,
            period="x",
            is_mass=False,
        )
        return [person.address for person in asked if not person.reason]

    def both(self, client):
        return self.progress(client), self.surveyed(client)


@pytest.fixture
def world(marta):
    return World(marta, make_user(name="Sini Laine"))


def told(world):
    return Notification.objects.filter(user=world.secret.owner, kind="contact-held", client_id=world.secret.pk)


def test_a_new_address_reaches_the_clients_in_sight_and_the_other_is_told(world):
    update_contact(world.marta, contact=world.elina, emails=[("work", NEW)])
    assert world.both(world.seen) == ([NEW], [NEW])
    assert world.both(world.secret) == ([OLD], [OLD])
    assert told(world).count() == 1
    update_contact(world.marta, contact=world.elina, emails=[("work", "third@elsewhere.example")])
    assert world.progress(world.secret) == [OLD]
    assert told(world).count() == 1, "notified once until someone decides"
    assert not Notification.objects.filter(user=world.seen.owner, kind="contact-held").exists()


def test_taking_the_address_away_does_not_stop_the_mail_of_the_other(world):
    update_contact(world.marta, contact=world.elina, emails=[])
    assert world.both(world.seen) == ([], [])
    assert world.both(world.secret) == ([OLD], [OLD])
    assert [*possible_recipients(world.secret)] == [world.elina]


def test_changing_it_back_leaves_nothing_to_decide(world):
    update_contact(world.marta, contact=world.elina, emails=[("work", NEW)])
    update_contact(world.marta, contact=world.elina, emails=[("work", OLD)])
    assert not HeldDetails.objects.exists()


def test_a_consent_taken_back_elsewhere_does_not_silence_the_other(world):
    for purpose in ("service", "survey"):
        set_consent(world.marta, contact=world.elina, purpose=purpose, is_given=False, now=NOW)
    assert world.both(world.seen) == ([], [])
    assert world.both(world.secret) == ([OLD], [OLD])
    assert told(world).count() == 1


def test_a_consent_given_elsewhere_does_not_write_to_who_refused(world):
    set_consent(world.sini, contact=world.elina, purpose="service", is_given=False, now=NOW)
    set_consent(world.marta, contact=world.elina, purpose="service", is_given=True, now=NOW + timedelta(days=1))
    assert (world.progress(world.seen), world.progress(world.secret)) == ([OLD], [])


def test_a_word_of_the_person_counts_everywhere(world):
    set_consent(world.marta, contact=world.elina, purpose="survey", is_given=False, now=NOW)
    set_consent(SYSTEM, contact=world.elina, purpose="survey", is_given=False, now=NOW)
    assert world.surveyed(world.secret) == []
    assert not HeldDetails.objects.exists()


def test_archiving_takes_the_person_from_the_clients_in_sight_only(world):
    archive_contact(world.marta, contact=world.elina, now=NOW)
    assert world.both(world.seen) == ([], [])
    assert world.both(world.secret) == ([OLD], [OLD])
    assert [place.contact for place in world.secret.affiliations.current()] == [world.elina]
    restore_contact(world.marta, contact=world.elina)
    assert not HeldDetails.objects.exists()


def test_restoring_does_not_bring_somebody_back_to_a_client_that_put_them_away(world):
    archive_contact(world.sini, contact=world.elina, now=NOW)
    assert world.progress(world.secret) == []
    restore_contact(world.marta, contact=world.elina)
    assert (world.progress(world.seen), world.progress(world.secret)) == ([OLD], [])


def test_names_in_mails_stay_as_the_other_knows_them(world):
    update_contact(world.marta, contact=world.elina, salutation="Dear nobody")
    held = HeldDetails.objects.get()
    assert (held.affiliation.client, held.details) == (world.secret, {"salutation": ""})


def test_who_sees_both_changes_both(world):
    update_contact(world.marta, contact=world.elina, emails=[("work", NEW)])
    update_contact(world.sini, contact=world.elina, emails=[("work", "mine@northwind.example")])
    assert world.progress(world.secret) == ["mine@northwind.example"]
    assert not HeldDetails.objects.exists()


def test_the_api_and_the_pages_change_what_is_in_sight_and_tell_nothing(client, world):
    client.force_login(world.marta.user)
    body = {"emails": [{"label": "work", "address": NEW}]}
    url = f"/api/v1/contacts/{world.elina.pk}"
    changed = client.patch(url, body, content_type="application/json")
    assert (changed.status_code, changed.json()["emails"][0]["address"]) == (200, NEW)
    assert [place["client"] for place in changed.json()["clients"]] == [world.seen.pk]
    assert world.both(world.secret) == ([OLD], [OLD])
    page = client.get(world.elina.get_absolute_url()).content.decode()
    assert OLD not in page and "Basalt" not in page and "earlier" not in page
    assert client.post(f"/contacts/{world.elina.pk}/held/{HeldDetails.objects.get().pk}/").status_code == 404
    assert (
        client.post(f"/contacts/{world.elina.pk}/consent/", {"purpose": "service", "is_given": "0"}).status_code == 302
    )
    assert client.delete(url).status_code == 204
    assert world.both(world.secret) == ([OLD], [OLD])


@pytest.mark.parametrize(("use", "address"), [("new", NEW), ("old", OLD)])
def test_who_sees_the_other_client_decides(client, world, use, address):
    update_contact(world.marta, contact=world.elina, emails=[("work", NEW)])
    client.force_login(world.sini.user)
    page = client.get(world.elina.get_absolute_url())
    assert [words for _row, words in page.context["held"]] == [[("Email", OLD, NEW)]]
    assert "Basalt still uses the earlier details" in page.content.decode()
    url = f"/contacts/{world.elina.pk}/held/{HeldDetails.objects.get().pk}/"
    assert client.post(url, {"use": "both"}).status_code == 302
    assert HeldDetails.objects.undecided().exists()
    assert client.post(url, {"use": use}).status_code == 302
    assert world.progress(world.secret) == [address]
    assert not HeldDetails.objects.undecided().exists()
    assert b"still uses the earlier details" not in client.get(world.elina.get_absolute_url()).content
    update_contact(world.marta, contact=world.elina, emails=[("work", "third@elsewhere.example")])
    assert world.progress(world.secret) == [address]
    assert told(world).count() == 2, "a decision applies to what was known then"


def test_the_people_of_a_client_show_the_address_that_mail_goes_to(client, world):
    update_contact(world.marta, contact=world.elina, emails=[("work", NEW)])
    client.force_login(world.sini.user)
    assert OLD in client.get(f"/clients/{world.secret.pk}/people/").content.decode()
    api = client.get(f"/api/v1/contacts/{world.elina.pk}").json()
    assert api["emails"][0]["address"] == NEW
    assert {place["client"]: place["held"] for place in api["clients"]} == {
        world.seen.pk: None,
        world.secret.pk: {"address": OLD},
    }

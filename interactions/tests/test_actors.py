"""An interaction and a decision are a colleague's or a contact's; a follow-up may be the system's, and so may closing one."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from clients.registry import TimelineAsk
from crm.core.base.principals import SYSTEM, Kind, Principal, acting
from crm.core.firm.queries import firm_cached
from interactions import permissions
from interactions.agreements.models import Decision
from interactions.agreements.services import create_commitment, keep_commitment, reopen_commitment
from interactions.client_page.timeline import interaction_items
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import complete_follow_up, reopen_follow_up
from interactions.log.models import Interaction
from tools.testing.factories.interactions import NOW, follow_up, log

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_elina(marta, northwind, elina):
    row = log(actor=marta, client=northwind, body="We signed.", visibility="firm")
    Interaction.objects.filter(pk=row.pk).update(author=None, author_contact=elina)
    return Interaction.objects.get(pk=row.pk)


def test_a_contacts_interaction_is_shown_with_their_name(client, marta, northwind, elina, by_elina):
    client.force_login(marta)
    pages = [
        reverse("interactions:list"),
        reverse("interactions:detail", args=[by_elina.pk]),
        northwind.get_absolute_url(),
    ]
    for page in pages:
        assert elina.name in client.get(page).text, page
    found = client.get(f"/api/v1/interactions/{by_elina.pk}/").json()
    assert (found["author"], found["author_contact"]) == (None, elina.pk)


def test_names_of_contacts_cost_no_further_query(marta, northwind, elina, by_elina, django_assert_num_queries):
    with firm_cached(), django_assert_num_queries(2):  # the firm's settings, and the rows
        items = interaction_items(acting(marta), northwind, TimelineAsk(NOW.replace(year=2027), 20))
        assert [item.object.author_name for item in items] == [elina.name]


def test_nobody_is_the_author_of_what_a_contact_wrote(otto, elina, by_elina):
    assert not permissions.may_correct(acting(otto), by_elina)
    assert not permissions.may_correct(Principal(Kind.CONTACT, contact_id=elina.pk), by_elina)


def test_a_private_interaction_of_a_contact_is_in_nobodys_list(marta, elina, by_elina):
    Interaction.objects.update(visibility="private")
    contact = Principal(Kind.CONTACT, contact_id=elina.pk, client_id=by_elina.client_id)
    assert not Interaction.objects.visible_to(acting(marta)).exists()
    assert not Interaction.objects.visible_to(contact).exists()
    assert Interaction.objects.visible_to(SYSTEM).get() == by_elina


def test_a_follow_up_of_no_client_and_no_author_is_its_assignees(marta, otto, elina):
    FollowUp.objects.filter(pk=follow_up(actor=marta, client=None).pk).update(author=None)
    assert FollowUp.objects.visible_to(acting(marta)).exists()
    for other in (acting(otto), Principal(Kind.CONTACT, contact_id=elina.pk)):
        assert not FollowUp.objects.visible_to(other).exists()


def test_who_closed_it_goes_with_reopening(marta, northwind):
    row = complete_follow_up(acting(marta), follow_up=follow_up(actor=marta, client=northwind), now=NOW)
    assert (row.closed_by_name, reopen_follow_up(acting(marta), follow_up=row, now=NOW).closed_by_name) == (
        marta.name,
        "",
    )
    row = complete_follow_up(SYSTEM, follow_up=row, now=NOW)
    assert (row.state, row.closed_by_name) == ("done", "")
    promise = create_commitment(acting(marta), client=northwind, text="We send it.")
    assert keep_commitment(acting(marta), commitment=promise, now=NOW).closed_by == marta
    assert reopen_commitment(acting(marta), commitment=promise, now=NOW).closed_by is None


def test_the_database_allows_one_actor(marta, northwind, elina, by_elina):
    decision = Decision.objects.create(client=northwind, text="Yes", decided_date=NOW.date(), author_contact=elina)
    step = follow_up(actor=marta, client=northwind)
    promise = create_commitment(acting(marta), client=northwind, text="We send it.")
    broken = [
        (by_elina, {"author": marta}),
        (by_elina, {"author_contact": None}),
        (decision, {"author": marta}),
        (decision, {"author_contact": None}),
        (step, {"author_contact": elina}),
        (step, {"closed_by": marta, "closed_by_contact": elina}),
        (promise, {"closed_by": marta, "closed_by_contact": elina}),
    ]
    for row, values in broken:
        with pytest.raises(IntegrityError, match="_one"), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(**values)

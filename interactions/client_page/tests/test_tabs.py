"""The tabs of a client that other pages do not test: its history and its opportunities."""

from base64 import urlsafe_b64encode

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.engagements.services.records import restrict_engagement
from clients.records.services.clients import restrict_client, unrestrict_client, update_client
from crm.core.base.principals import acting
from interactions.log.services import correct_interaction
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.interactions import log
from tools.testing.factories.opportunities import make_opportunity

pytestmark = pytest.mark.django_db


def page(client, user, name, northwind):
    client.force_login(user)
    return client.get(reverse(f"clients:{name}", args=[northwind.pk]))


def test_the_history_says_who_changed_what(client, marta, northwind):
    update_client(acting(marta), client=northwind, seen_version=northwind.version, industry="Shipping")
    text = page(client, marta, "history", northwind).content.decode()
    assert "Shipping" in text and marta.name in text and 'aria-current="page"' in text


def test_the_history_holds_what_names_the_client_and_nothing_of_others(client, marta, northwind, factories):
    other = factories.make_client(owner=marta, name="Elsewhere Oy")
    log(actor=marta, client=northwind, subject="Warehouse call")
    log(actor=marta, client=other, subject="Other call")
    text = page(client, marta, "history", northwind).content.decode()
    assert "Warehouse call" in text and "Other call" not in text and "Elsewhere" not in text


def test_the_history_of_a_restricted_engagement_is_its_teams(client, marta, manager, northwind):
    mill = make_engagement(actor=marta, client=northwind, title="Zirkon mill", now=timezone.now())
    spoken = log(actor=marta, client=northwind, subject="Zirkon call", engagement=mill)
    restrict_engagement(acting(marta), engagement=mill, now=timezone.now())
    assert "Zirkon" in page(client, marta, "history", northwind).content.decode()
    assert "Zirkon" not in page(client, manager, "history", northwind).content.decode()
    correct_interaction(acting(marta), interaction=spoken, now=timezone.now(), engagement=None, subject="A call")
    assert "Zirkon" not in page(client, manager, "history", northwind).content.decode()


def test_the_history_names_no_parent_out_of_sight_not_even_that_there_is_one(client, marta, otto, northwind, factories):
    hidden = factories.make_client(owner=marta, name="Zirkon Holding")
    restrict_client(acting(marta), client=hidden)
    northwind = update_client(acting(marta), client=northwind, seen_version=northwind.version, parent=hidden)
    mine, theirs = (page(client, user, "history", northwind).content.decode() for user in (marta, otto))
    assert "Zirkon Holding" in mine
    assert "Zirkon" not in theirs and f"#{hidden.pk}" not in theirs and "Part of" not in theirs


def test_what_was_written_while_a_client_was_restricted_stays_with_its_people(client, marta, otto, northwind):
    northwind = restrict_client(acting(marta), client=northwind)
    northwind = update_client(acting(marta), client=northwind, seen_version=northwind.version, goals="Sell to Zirkon")
    northwind = update_client(acting(marta), client=northwind, seen_version=northwind.version, goals="Grow")
    unrestrict_client(acting(marta), client=northwind)
    assert "Zirkon" in page(client, marta, "history", northwind).content.decode()
    assert "Zirkon" not in page(client, otto, "history", northwind).content.decode()


def test_the_history_goes_on_where_the_page_ends(client, marta, northwind):
    for n in range(35):
        northwind = update_client(
            acting(marta), client=northwind, seen_version=northwind.version, industry=f"Branch {n:02}"
        )
    first = page(client, marta, "history", northwind)
    mark = first.context["page"].next_mark
    assert "Branch 30" in first.content.decode() and mark
    older = client.get(reverse("clients:history", args=[northwind.pk]), {"before": mark}).content.decode()
    assert "Branch 01" in older and "Branch 30" not in older
    for mark in ("nonsense", urlsafe_b64encode(b'{"a": Infinity}').decode(), urlsafe_b64encode(b"[" * 5_000).decode()):
        assert client.get(reverse("clients:history", args=[northwind.pk]), {"before": mark}).status_code == 200


def test_the_opportunities_of_a_client_stand_in_its_tab_won_ones_too(client, marta, northwind, factories):
    other = factories.make_client(owner=marta, name="Elsewhere Oy")
    make_opportunity(actor=marta, client=northwind, title="Second audit")
    make_opportunity(actor=marta, client=other, title="Not theirs")
    answer = page(client, marta, "client_opportunities", northwind)
    text = answer.content.decode()
    assert "Second audit" in text and "Not theirs" not in text and 'id="client-strip"' in text
    part = client.get(reverse("clients:client_opportunities", args=[northwind.pk]), HTTP_HX_REQUEST="true")
    assert "Second audit" in part.content.decode() and "<html" not in part.content.decode()

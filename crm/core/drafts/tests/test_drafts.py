from datetime import timedelta

import pytest
from django.apps import apps
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.drafts import services as drafts
from crm.core.drafts.models import Draft


@pytest.fixture
def mine(client, marta):
    client.force_login(marta)
    return client


@pytest.fixture
def northwind(marta):
    return apps.get_model("clients.Client").objects.create(name="Northwind", owner=marta)


HERE = "/drafts/composer/"


def test_what_is_typed_is_there_again(mine, northwind):
    saved = mine.post(
        HERE, {"client_id": northwind.pk, "subject": "Call", "contacts": ["1", "2"], "csrfmiddlewaretoken": "x"}
    )
    assert saved.status_code == 200 and saved.json()["saved_at"]
    found = mine.get(HERE, {"client_id": northwind.pk}).json()
    assert found["data"] == {"subject": ["Call"], "contacts": ["1", "2"]}


def test_a_draft_shows_on_no_other_record(mine, marta, northwind):
    mine.post(f"{HERE}?client_id={northwind.pk}", {"body": "Northwind's"})
    assert mine.get(HERE).json() == mine.get(HERE, {"client_id": northwind.pk, "record": "7"}).json() == {}
    assert mine.get("/drafts/progress/", {"client_id": northwind.pk}).json() == {}


def test_nobody_reads_another_ones_draft(mine, oskar, northwind):
    mine.post(HERE, {"client_id": northwind.pk, "body": "Mine"})
    other = Browser()
    other.force_login(oskar)
    assert other.get(HERE, {"client_id": northwind.pk}).json() == {}


def test_a_draft_about_a_client_that_is_no_longer_seen_is_gone(mine, oskar, northwind):
    mine.post(HERE, {"client_id": northwind.pk, "body": "Mine"})
    type(northwind).objects.update(owner=oskar, is_restricted=True)
    assert mine.get(HERE, {"client_id": northwind.pk}).json() == {}
    assert mine.post(HERE, {"client_id": northwind.pk, "body": "More"}).status_code == 404


def test_a_draft_has_a_limit(mine):
    assert mine.post(HERE, {"body": "ä" * 31_000}).status_code == 413
    assert not Draft.objects.exists()


@pytest.mark.parametrize("client_id", ["abc", "-1", "9" * 30])
def test_a_malformed_client_is_refused(mine, client_id):
    assert mine.post(HERE, {"client_id": client_id, "body": "x"}).status_code == 422


def test_saving_again_replaces_and_discarding_removes(mine, marta):
    for text in ("One", "Two"):
        mine.post(HERE, {"body": text})
    assert Draft.objects.get().data == {"body": ["Two"]}
    drafts.discard_draft(acting(marta), kind="composer")
    assert not Draft.objects.exists()


def test_the_oldest_drafts_make_room(marta, monkeypatch):
    monkeypatch.setattr(drafts, "MAX_DRAFTS", 3)
    for n in range(5):
        drafts.save_draft(acting(marta), kind="composer", record=str(n), data={}, now=timezone.now())
    assert {draft.record for draft in Draft.objects.all()} == {"2", "3", "4"}


def test_a_draft_needs_a_login():
    assert Browser().post(reverse("core:draft", args=["composer"]), {"body": "x"}).status_code == 302


def test_a_name_too_long_and_characters_no_text_has_do_not_break_it(mine):
    assert mine.post(f"/drafts/{'a' * 60}/", {"body": "x"}).status_code == 404
    assert mine.post(HERE, {"body": "a\0b"}).status_code == 200
    assert mine.get(HERE).json()["data"] == {"body": ["ab"]}


def test_a_discarded_draft_can_be_brought_back_for_thirty_days(marta, northwind):
    now, form = timezone.now(), {"kind": "composer", "client_id": northwind.pk}
    drafts.save_draft(acting(marta), **form, data={"body": "Old"}, now=now)
    Draft.objects.update(updated_at=now - timedelta(days=90))  # typed long ago, discarded today
    assert drafts.set_draft_aside(acting(marta), **form)
    assert drafts.forget_discarded(now + timedelta(days=29)) == 0
    assert drafts.forget_discarded(now + timedelta(days=31)) == 1 and not Draft.objects.exists()


def test_a_draft_that_was_not_discarded_is_never_forgotten(marta, northwind):
    now = timezone.now()
    drafts.save_draft(acting(marta), kind="composer", client_id=northwind.pk, data={"body": "Mine"}, now=now)
    assert drafts.forget_discarded(now + timedelta(days=900)) == 0 and Draft.objects.exists()

"""Whose kernel rows are seen: those of visible clients, one's own, and none that a rule about their cause hides."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from crm.core.base import gate
from crm.core.base.principals import NOBODY, SYSTEM, Kind, Principal, acting
from crm.core.drafts.models import Draft
from crm.core.files.models import StoredFile
from crm.core.notifications.models import Notification
from tools.testing.factories.clients import make_client

ELINA = 7001
contact = Principal(Kind.CONTACT, contact_id=ELINA, client_id=1)


@pytest.fixture
def rule():
    """Hides notifications of the kind "quiet" from everybody."""
    yield gate.rules.register(gate.Rule("test.quiet", "core.Notification", lambda principal: ~Q(kind="quiet")))
    del gate.rules._items["test.quiet"]


def notify(key, **fields):
    return Notification.objects.create(key=key, text="Something happened", **{"kind": "x"} | fields)


def test_a_notification_is_seen_by_its_addressee_alone(marta, oskar):
    hers, elinas = notify("a", user=marta), notify("b", contact_id=ELINA)
    seen = Notification.objects.visible_to
    assert [*seen(acting(marta))] == [hers]
    assert [*seen(contact)] == [elinas]
    for other in (acting(oskar), SYSTEM, NOBODY, Principal(Kind.LINK, contact_id=ELINA)):
        assert not seen(other).exists()


def test_a_rule_about_the_cause_hides_what_the_client_shows(marta, rule):
    northwind = make_client(owner=marta)
    loud = notify("a", user=marta, client_id=northwind.pk)
    notify("b", user=marta, client_id=northwind.pk, kind="quiet")
    assert [*Notification.objects.visible_to(acting(marta))] == [loud]


def test_a_rule_concerns_its_own_table_alone(marta, rule):
    Draft.objects.create(user=marta, kind="quiet")
    assert Draft.objects.visible_to(acting(marta)).exists()


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Draft, {"kind": "interaction"}),
        (Notification, {"kind": "x", "key": "k", "text": "t"}),
    ],
)
def test_a_row_has_one_owner(marta, model, fields):
    for owners in ({}, {"user": marta, "contact_id": ELINA}):
        with pytest.raises(IntegrityError, match="_one_"), transaction.atomic():
            model.objects.create(**fields, **owners)


def test_a_file_is_of_one_or_of_the_system(marta):
    fields = {"name": "a.csv", "content_type": "text/csv", "size": 1, "sha256": "0" * 64}
    StoredFile.objects.create(path="a", **fields)
    with pytest.raises(IntegrityError, match="stored_file_one_owner"), transaction.atomic():
        StoredFile.objects.create(path="b", user=marta, contact_id=ELINA, **fields)


@pytest.mark.django_db
def test_a_contact_keeps_one_draft_of_a_form():
    Draft.objects.create(contact_id=ELINA, kind="answer", updated_at=timezone.now())
    with pytest.raises(IntegrityError, match="draft_once"), transaction.atomic():
        Draft.objects.create(contact_id=ELINA, kind="answer", updated_at=timezone.now())

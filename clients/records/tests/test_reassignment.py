"""Another account manager: for one client by an edit, for many at once."""

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from clients.records.models import Client
from clients.records.services.clients import archive_client, reassign_clients, update_client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from tools.testing.factories.clients import make_client

pytestmark = pytest.mark.django_db


def owners():
    return set(Client.objects.values_list("owner__name", flat=True))


def test_all_clients_change_hands_in_one_statement(marta, otto, sini, django_assert_num_queries):
    rows = [make_client(owner=marta, name=name) for name in ("Alder", "Birch")]
    before = rows[0].updated_at
    with django_assert_num_queries(3):  # a savepoint around the one UPDATE
        assert reassign_clients(acting(sini), clients=rows, owner=otto) == 2
    assert owners() == {"Otto Berg"}
    alder = Client.objects.get(name="Alder")
    assert alder.version == rows[0].version + 1 and alder.updated_at > before
    event = alder.events.order_by("-pgh_id").first()
    assert (event.owner_id, event.version, event.pgh_context.metadata["user"]) == (otto.pk, alder.version, sini.pk)
    assert reassign_clients(acting(sini), clients=rows, owner=otto) == 0


def test_one_that_may_not_be_reassigned_keeps_all(marta, otto):
    rows = [make_client(owner=marta, name="Alder"), make_client(owner=otto, name="Birch")]
    with pytest.raises(PermissionDenied, match="can reassign a client"):
        reassign_clients(acting(marta), clients=rows, owner=marta)
    assert owners() == {"Marta Kallio", "Otto Berg"}


def test_archived_clients_are_left_to_the_system(marta, otto, sini):
    alder = archive_client(acting(marta), client=make_client(owner=marta), now=timezone.now())
    with pytest.raises(PermissionDenied):
        reassign_clients(acting(sini), clients=[alder], owner=otto)
    assert reassign_clients(SYSTEM, clients=[alder], owner=otto) == 1


def test_nobody_who_is_disabled_gets_clients(marta, otto, sini):
    alder = make_client(owner=marta)
    otto.is_active = False
    otto.save()
    with pytest.raises(ServiceError) as refused:
        reassign_clients(acting(sini), clients=[alder], owner=otto)
    assert refused.value.field == "owner"


def test_an_edit_asks_before_it_changes_the_account_manager(marta, otto):
    alder = make_client(owner=otto)
    with pytest.raises(PermissionDenied, match="can reassign a client"):
        update_client(acting(marta), client=alder, owner=marta, city="Turku")
    update_client(acting(marta), client=alder, owner=otto, city="Turku")
    alder.refresh_from_db()
    assert (alder.owner, alder.city) == (otto, "Turku")
    assert update_client(acting(otto), client=alder, owner=marta).owner == marta

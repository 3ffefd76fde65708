"""Services: the transaction, the permission, who did it."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from crm.core.base.principals import NOBODY, READ, SYSTEM, Kind, acting, by_link
from crm.core.base.services import service
from crm.core.users.models import Team

pytestmark = pytest.mark.django_db


def may_name(principal, name):
    return principal.is_admin or name == "Open"


@service(may=may_name, why="Only an admin names teams.")
def name_team(principal, *, name, fails=False):
    team = Team.objects.create(name=name)
    assert connection.in_atomic_block
    if fails:
        raise ValueError("later")
    return team


def test_who_may_does(ines, marta):
    assert name_team(acting(ines), name="Nordics").pk
    assert name_team(acting(marta), name="Open").pk


def test_who_may_not_is_refused_with_the_reason_and_nothing_is_written(marta):
    with pytest.raises(PermissionDenied, match="Only an admin"):
        name_team(acting(marta), name="Nordics")
    assert not Team.objects.exists()


def test_the_system_is_not_asked(firm):
    assert name_team(SYSTEM, name="Nordics").pk


@pytest.mark.parametrize("principal", [NOBODY, by_link(contact_id=1, client_id=1)])
def test_strangers_are_refused(firm, principal):
    with pytest.raises(PermissionDenied):
        name_team(principal, name="Open")


def test_a_service_may_be_open_to_links(firm):
    opened = service(may=None, open_to=frozenset({Kind.LINK}))(lambda principal: principal.contact_id)
    assert opened(by_link(contact_id=7, client_id=1)) == 7


def test_a_read_only_token_writes_nothing(ines):
    with pytest.raises(PermissionDenied):
        name_team(acting(ines).only(READ), name="Open")


def test_what_fails_later_is_rolled_back(ines):
    with pytest.raises(ValueError, match="later"):
        name_team(acting(ines), name="Nordics", fails=True)
    assert not Team.objects.exists()


def test_the_history_names_the_principal_of_the_outer_service(ines):
    outer = service(may=None)(lambda principal: name_team(SYSTEM, name="Nordics"))
    team = outer(acting(ines))
    event = Team.pgh_event_models["insert"].objects.get(pgh_obj_id=team.pk)
    assert event.pgh_context.metadata["user"] == ines.pk


def test_the_history_tells_the_system_apart(firm):
    team = name_team(SYSTEM, name="Nordics")
    metadata = Team.pgh_event_models["insert"].objects.get(pgh_obj_id=team.pk).pgh_context.metadata
    assert (metadata.get("user"), metadata["principal"]) == (None, "system")


def test_a_user_is_no_principal(ines):
    with pytest.raises(TypeError, match="principal"):
        name_team(ines, name="Nordics")


def test_a_permission_that_looks_at_what_is_not_there_is_refused_when_loaded():
    with pytest.raises(TypeError, match="client"):
        service(may=lambda principal, client: True)(lambda principal, team: None)

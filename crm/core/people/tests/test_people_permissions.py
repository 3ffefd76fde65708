"""The services of people, the firm and mail refuse on their own, not only at the door."""

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from crm.core.base.principals import READ, acting
from crm.core.firm.services import update_firm
from crm.core.mail.services import suppression
from crm.core.people.services import colleagues
from crm.core.people.services.api_tokens import create_api_token, revoke_api_token
from crm.core.people.services.invitations import invite
from crm.core.users.models import Team

pytestmark = pytest.mark.django_db


def test_only_an_admin_changes_the_firm_and_its_people(marta, oskar):
    now, me = timezone.now(), acting(marta)
    for do in (
        lambda: update_firm(me, name="Mine"),
        lambda: colleagues.update_user(me, user=oskar, roles=["admin"]),
        lambda: colleagues.disable_user(me, user=oskar, now=now),
        lambda: colleagues.save_team(me, name="Nordics", lead=None, members=[]),
        lambda: invite(me, email="new@firm.test", roles=["manager"], now=now),
        lambda: suppression.enter_address(me, address="a@b.test", detail="", now=now),
    ):
        with pytest.raises(PermissionDenied, match="Ask an admin"):
            do()
    assert not Team.objects.exists()


def test_a_token_is_made_and_revoked_by_its_owner_alone(ines, marta):
    row, _clear = create_api_token(acting(marta), user=marta, name="Books")
    with pytest.raises(PermissionDenied):
        create_api_token(acting(ines), user=marta, name="Mine")
    with pytest.raises(PermissionDenied):
        revoke_api_token(acting(ines), token=row, now=timezone.now())
    assert revoke_api_token(acting(marta), token=row, now=timezone.now()).revoked_at


def test_a_read_only_token_writes_nothing(ines):
    with pytest.raises(PermissionDenied):
        update_firm(acting(ines).only(READ), name="Mine")

"""What a cover lets somebody see: before, during, after, ended early, disabled, restricted."""

from datetime import UTC, date, datetime, timedelta

import pytest

from clients.cover.models import Cover
from clients.cover.services import arrange_cover, end_cover, resume_cover
from clients.engagements.models import Engagement
from clients.gate import may_see, viewers
from clients.records.models import Client
from clients.records.services.clients import reassign_clients, restrict_client
from crm.core.base.principals import acting
from crm.core.firm.choices import AccountManagersSee
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import forget_firm
from interactions import permissions
from tools.testing.factories.clients import make_client, make_contact, make_team, make_user

pytestmark = pytest.mark.django_db
START, END = date(2026, 12, 1), date(2026, 12, 5)
BEFORE, DURING = datetime(2026, 11, 28, 10, tzinfo=UTC), datetime(2026, 12, 2, 10, tzinfo=UTC)
FIRST_MINUTE = datetime(2026, 11, 30, 22, tzinfo=UTC)  # midnight in Helsinki
LAST_MINUTE, AFTER = datetime(2026, 12, 4, 21, 59, tzinfo=UTC), datetime(2026, 12, 4, 22, tzinfo=UTC)


@pytest.fixture(params=[AccountManagersSee.OWN, AccountManagersSee.TEAM])
def scoped(request, firm):
    FirmSettings.objects.update(account_managers_see=request.param)
    forget_firm()


@pytest.fixture
def own(firm):
    FirmSettings.objects.update(account_managers_see=AccountManagersSee.OWN)
    forget_firm()


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta)


@pytest.fixture
def cover(marta, otto, time_machine):
    time_machine.move_to(BEFORE, tick=False)
    return arrange_cover(acting(marta), absent=marta, covering=otto, start_date=START, end_date=END, now=BEFORE)


def seen(user):
    return set(Client.objects.visible_to(acting(user)))


@pytest.mark.parametrize(
    ("moment", "sees"),
    [
        (BEFORE, False),
        (FIRST_MINUTE - timedelta(seconds=1), False),
        (FIRST_MINUTE, True),
        (DURING, True),
        (LAST_MINUTE, True),
        (AFTER, False),
    ],
)
def test_the_covering_colleague_sees_the_clients_from_the_first_day_until_they_are_back(
    scoped, marta, otto, northwind, cover, time_machine, moment, sees
):
    own = make_client(owner=otto, name="Otto Oy")
    time_machine.move_to(moment, tick=False)
    assert seen(otto) == ({own, northwind} if sees else {own})
    assert seen(marta) == {northwind}, "the absent colleague still sees them"
    assert may_see(acting(otto), northwind) == sees
    assert (otto in viewers(northwind, is_restricted=False)) == sees


def test_it_ends_early_and_can_be_resumed(own, marta, otto, northwind, cover, time_machine):
    time_machine.move_to(DURING, tick=False)
    assert seen(otto) == {northwind}
    end_cover(acting(marta), cover=cover, now=DURING)
    assert seen(otto) == set()
    resume_cover(acting(marta), cover=cover, now=DURING)
    assert seen(otto) == {northwind}


def test_a_disabled_colleague_sees_nothing_and_is_not_named(own, marta, otto, northwind, cover, time_machine):
    time_machine.move_to(DURING, tick=False)
    otto.is_active = False
    otto.save()
    assert seen(otto) == set() and otto not in viewers(northwind, is_restricted=False)


def test_a_colleague_without_a_role_sees_nothing(own, marta, otto, northwind, cover, time_machine):
    time_machine.move_to(DURING, tick=False)
    otto.roles = []
    otto.save()
    assert seen(otto) == set() and otto not in viewers(northwind, is_restricted=False)


def test_a_restricted_client_stays_with_its_account_manager(scoped, marta, otto, northwind, cover, time_machine):
    restrict_client(acting(marta), client=northwind)
    time_machine.move_to(DURING, tick=False)
    assert seen(otto) == set() and not may_see(acting(otto), northwind)
    restrict_client(acting(marta), client=northwind, users=[otto])
    assert seen(otto) == {northwind}, "named by somebody who may"


def test_even_a_manager_who_covers_sees_no_restricted_client(marta, sini, northwind, time_machine):
    restrict_client(acting(marta), client=northwind)
    time_machine.move_to(DURING, tick=False)
    arrange_cover(acting(marta), absent=marta, covering=sini, start_date=START, end_date=END, now=DURING)
    assert seen(sini) == set()


def test_a_restricted_engagement_stays_with_its_team(own, marta, otto, northwind, cover, time_machine):
    made = {"client": northwind, "lead": marta, "currency": "EUR", "state": "open", "opened_date": START}
    Engagement.objects.create(number="2026-0001", title="Open", **made)
    Engagement.objects.create(number="2026-0002", title="Secret", is_restricted=True, **made)
    time_machine.move_to(DURING, tick=False)
    assert [row.title for row in Engagement.objects.visible_to(acting(otto))] == ["Open"]


def test_it_covers_what_the_absent_colleague_owns_not_what_they_cover_or_their_team_sees(
    own, marta, otto, northwind, cover, time_machine
):
    third = make_user(name="Tuuli Third")
    theirs = make_client(owner=third, name="Third Oy")
    time_machine.move_to(DURING, tick=False)
    arrange_cover(acting(third), absent=third, covering=marta, start_date=START, end_date=END, now=DURING)
    assert seen(marta) == {northwind, theirs}
    assert seen(otto) == {northwind}, "no chain"
    make_team(members=[marta])
    reassign_clients(acting(marta), clients=[northwind], owner=third)
    assert seen(otto) == set(), "the cover follows who the account manager is"


def test_two_cover_for_one_and_one_for_two(own, marta, otto, sini, northwind, cover, time_machine):
    third = make_user(name="Tuuli Third")
    time_machine.move_to(DURING, tick=False)
    arrange_cover(acting(marta), absent=marta, covering=third, start_date=START, end_date=END, now=DURING)
    assert seen(otto) == seen(third) == {northwind}
    other = make_client(owner=sini, name="Sini Oy")
    arrange_cover(acting(sini), absent=sini, covering=otto, start_date=START, end_date=END, now=DURING)
    assert seen(otto) == {northwind, other}


def test_rows_of_the_client_follow_the_same_gate(own, marta, otto, northwind, cover, time_machine):
    from clients.contacts.models import Contact

    elina = make_contact(actor=marta, client=northwind)
    assert elina not in Contact.objects.visible_to(acting(otto))
    time_machine.move_to(DURING, tick=False)
    assert elina in Contact.objects.visible_to(acting(otto))


def test_they_work_as_the_account_manager_but_do_not_give_the_client_away(
    own, marta, otto, northwind, cover, time_machine
):
    from clients.permissions import may_edit, may_reassign, may_restrict

    time_machine.move_to(DURING, tick=False)
    otto_acts = acting(otto)
    assert may_edit(otto_acts, northwind) and permissions.may_ask(otto_acts, northwind)
    assert not may_reassign(otto_acts, northwind) and not may_restrict(otto_acts, northwind)
    time_machine.move_to(AFTER, tick=False)
    assert not permissions.may_ask(otto_acts, northwind)


def test_the_condition_costs_no_statement_and_is_an_index_lookup(
    own, marta, otto, northwind, cover, django_assert_num_queries
):
    from crm.core.firm.queries import firm_cached

    with firm_cached():
        list(Client.objects.visible_to(acting(otto)))
        with django_assert_num_queries(1):
            list(Client.objects.visible_to(acting(otto)))
    assert Cover.objects.running_now().filter(covering=otto).explain()

"""Arranging, ending and resuming a cover: who may, what is refused, who is told."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from clients.cover.models import Cover
from clients.cover.services import arrange_cover, end_cover, resume_cover
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.notifications.models import Notification
from tools.testing.factories.clients import make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
START, END = date(2026, 12, 1), date(2026, 12, 5)


def arrange(by, absent, covering, **given):
    given = {"start_date": START, "end_date": END, "now": NOW} | given
    return arrange_cover(acting(by), absent=absent, covering=covering, **given)


def told():
    return sorted(Notification.objects.values_list("user__name", "text"))


def test_one_arranges_ones_own_absence_and_the_other_is_told(marta, otto):
    row = arrange(marta, marta, otto, note=" Call Elina first ")
    assert (row.note, row.arranged_by, str(row)) == ("Call Elina first", marta, "Otto Berg → Marta Kallio")
    assert told() == [("Otto Berg", "You cover for Marta Kallio from 1 Dec until 5 Dec 2026")]


def test_a_manager_arranges_it_for_others_and_both_are_told(marta, otto, sini):
    arrange(sini, marta, otto)
    assert told() == [
        ("Marta Kallio", "Otto Berg covers for you from 1 Dec until 5 Dec 2026"),
        ("Otto Berg", "You cover for Marta Kallio from 1 Dec until 5 Dec 2026"),
    ]


def test_nobody_else_arranges_it(marta, otto):
    with pytest.raises(PermissionDenied):
        arrange(otto, marta, otto)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"end_date": START}, "end_date"),
        ({"end_date": date(2026, 11, 28), "start_date": date(2026, 11, 20)}, "end_date"),
        ({"end_date": START + timedelta(days=367)}, "end_date"),
        ({"start_date": date(1, 1, 1)}, "start_date"),
        ({"note": "x" * 301}, "note"),
    ],
)
def test_what_is_refused_names_its_field(marta, otto, given, field):
    with pytest.raises(ServiceError) as refused:
        arrange(marta, marta, otto, **given)
    assert refused.value.field == field and not Cover.objects.exists()


def test_who_cannot_cover(marta, otto):
    with pytest.raises(ServiceError, match="another colleague"):
        arrange(marta, marta, marta)
    with pytest.raises(ServiceError, match="no role"):
        arrange(marta, marta, make_user(name="No Role", roles=()))
    otto.is_active = False
    otto.save()
    with pytest.raises(ServiceError, match="no longer sign in"):
        arrange(marta, marta, otto)


def test_the_same_two_only_once_a_day_but_several_may_cover(marta, otto, sini):
    row = arrange(marta, marta, otto)
    with pytest.raises(ServiceError, match="already covers"):
        arrange(marta, marta, otto, start_date=date(2026, 12, 4), end_date=date(2026, 12, 9))
    arrange(marta, marta, otto, start_date=END, end_date=date(2026, 12, 9))
    arrange(marta, marta, sini)
    end_cover(acting(marta), cover=row, now=NOW)
    arrange(marta, marta, otto)
    with pytest.raises(ServiceError, match="already covers"):
        resume_cover(acting(marta), cover=row, now=NOW)


def test_the_database_refuses_what_the_service_would(marta, otto):
    for wrong in ({"covering": marta}, {"end_date": START}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Cover.objects.create(**{"absent": marta, "covering": otto, "start_date": START, "end_date": END} | wrong)


def test_ending_tells_both_and_undo_takes_back_what_nobody_read(marta, otto, sini):
    row = arrange(marta, marta, otto)
    with pytest.raises(PermissionDenied):
        end_cover(acting(otto), cover=row, now=NOW)
    row = end_cover(acting(sini), cover=row, now=NOW)
    assert (row.ended_at, row.ended_by) == (NOW, sini)
    assert end_cover(acting(sini), cover=row, now=NOW + timedelta(hours=1)).ended_at == NOW, "twice changes nothing"
    assert ("Marta Kallio", "Otto Berg no longer covers for you") in told()
    assert resume_cover(acting(sini), cover=row, now=NOW).ended_at is None
    assert told() == [("Otto Berg", "You cover for Marta Kallio from 1 Dec until 5 Dec 2026")]


def test_who_has_read_that_it_ended_hears_that_it_goes_on(marta, otto):
    row = end_cover(acting(marta), cover=arrange(marta, marta, otto), now=NOW)
    Notification.objects.update(read_at=NOW)
    resume_cover(acting(marta), cover=row, now=NOW)
    assert Notification.objects.filter(read_at=None).get().text.startswith("You cover for Marta Kallio")


def test_one_that_is_over_is_neither_ended_nor_resumed(marta, otto):
    row = arrange(marta, marta, otto)
    later = datetime(2026, 12, 5, 10, tzinfo=UTC)
    with pytest.raises(ServiceError, match="over"):
        end_cover(acting(marta), cover=row, now=later)
    end_cover(acting(marta), cover=row, now=NOW)
    with pytest.raises(ServiceError, match="over"):
        resume_cover(acting(marta), cover=row, now=later)

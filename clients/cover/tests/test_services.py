"""Arranging, changing, ending and resuming a cover: who may, what is refused, who is told."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from clients.cover.models import Cover
from clients.cover.services import arrange_cover, end_cover, resume_cover, update_cover
from crm.core.base.errors import ServiceError, StaleWrite
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


def change(by, row, **given):
    return update_cover(acting(by), cover=row, **{"now": NOW} | given)


def test_one_that_is_ahead_is_changed_in_every_way_and_everybody_is_told(marta, otto, sini):
    row = arrange(marta, marta, otto)
    same = change(marta, row, covering=sini, start_date=date(2026, 12, 2), note=" Only urgent calls ")
    assert (same.pk, same.covering, same.start_date, same.note) == (
        row.pk,
        sini,
        date(2026, 12, 2),
        "Only urgent calls",
    )
    assert (same.version, Cover.objects.count()) == (2, 1)
    assert told()[1:] == [
        ("Otto Berg", "You no longer cover for Marta Kallio"),
        ("Sini Ranta", "Changed: you cover for Marta Kallio from 2 Dec until 5 Dec 2026"),
    ]


def test_a_manager_who_changes_it_tells_the_absent_colleague_too(marta, otto, sini):
    change(sini, arrange(marta, marta, otto), end_date=date(2026, 12, 9))
    assert ("Marta Kallio", "Changed: Otto Berg covers for you from 1 Dec until 9 Dec 2026") in told()


def test_saving_it_unchanged_tells_nobody(marta, otto):
    row = arrange(marta, marta, otto)
    assert change(marta, row, covering=otto, start_date=START, end_date=END, note="").version == 1
    assert len(told()) == 1


def test_one_that_runs_keeps_its_first_day_and_what_was_done_under_it(marta, otto, sini):
    row = arrange(marta, marta, otto)
    during = datetime(2026, 12, 2, 10, tzinfo=UTC)
    with pytest.raises(ServiceError, match="has begun") as refused:
        change(marta, row, start_date=date(2026, 12, 3), now=during)
    assert refused.value.field == "start_date"
    next_one = change(marta, row, covering=sini, end_date=date(2026, 12, 8), now=during)
    row.refresh_from_db()
    assert (row.covering, row.end_date, row.ended_at, row.ended_by) == (otto, END, during, marta)
    assert (next_one.covering, next_one.start_date, next_one.end_date) == (sini, date(2026, 12, 2), date(2026, 12, 8))
    assert next_one.pk != row.pk and next_one.ended_at is None
    assert ("Otto Berg", "You no longer cover for Marta Kallio") in told()
    assert ("Sini Ranta", "You cover for Marta Kallio from 2 Dec until 8 Dec 2026") in told()


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"start_date": date(2026, 11, 27)}, "start_date", "in the past"),
        ({"start_date": date(2026, 11, 20), "end_date": date(2026, 11, 28)}, "start_date", "in the past"),
        ({"end_date": START}, "end_date", "back after"),
        ({"end_date": date(2028, 1, 1)}, "end_date", "a year at most"),
        (
            {"end_date": date(2026, 12, 12)},
            "start_date",
            "already covers for Marta Kallio from 10 Dec until 12 Dec 2026",
        ),
    ],
)
def test_a_change_that_is_refused_names_its_field_and_saves_nothing(marta, otto, given, field, words):
    row = arrange(marta, marta, otto)
    arrange(marta, marta, otto, start_date=date(2026, 12, 10), end_date=date(2026, 12, 12))
    with pytest.raises(ServiceError, match=words) as refused:
        change(marta, row, **given)
    assert refused.value.field == field
    row.refresh_from_db()
    assert (row.start_date, row.end_date, row.version) == (START, END, 1)


def test_nobody_else_changes_it_nor_one_that_is_over_or_ended(marta, otto):
    row = arrange(marta, marta, otto)
    with pytest.raises(PermissionDenied):
        change(otto, row, note="Later")
    with pytest.raises(ServiceError, match="over"):
        change(marta, row, note="Later", now=datetime(2026, 12, 5, 10, tzinfo=UTC))
    end_cover(acting(marta), cover=row, now=NOW)
    with pytest.raises(ServiceError, match="was ended"):
        change(marta, row, note="Later")


def test_a_stale_change_is_refused(marta, otto):
    row = arrange(marta, marta, otto)
    change(marta, row, end_date=date(2026, 12, 7))
    with pytest.raises(StaleWrite):
        change(marta, row, end_date=date(2026, 12, 9), seen_version=1)


def test_one_that_now_begins_today_covers_nothing_done_before(marta, otto):
    row = arrange(marta, marta, otto)
    made = change(marta, row, start_date=NOW.date(), now=NOW)
    row.refresh_from_db()
    assert (row.start_date, row.ended_at) == (START, NOW) and made.pk != row.pk
    assert not made.ran_at(NOW - timedelta(days=1), NOW.date()) and made.start_date == NOW.date()
    assert told()[1:] == [("Otto Berg", "You cover for Marta Kallio from 28 Nov until 5 Dec 2026")]

"""A statement that is kept gives what the queryset would give now."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Q

from crm.core.base.kept import Kept
from crm.core.base.principals import acting
from crm.core.firm.models import FirmSettings
from crm.core.notifications.models import Notification
from crm.core.users.models import User

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 10, 1, tzinfo=UTC)


class Asked:
    """A `build` that counts how often it is called."""

    def __init__(self, build):
        self.build, self.times = build, 0

    def __call__(self, principal, now):
        self.times += 1
        return self.build(principal, now)


def notify(user, key, at=NOW):
    row = Notification.objects.create(user=user, kind="x", text=key, url="/", key=key)
    Notification.objects.filter(pk=row.pk).update(created_at=at)


def own(principal, now):
    return Notification.objects.filter(user=principal.user, created_at__lte=now).order_by("pk").values_list("key")


def test_it_is_built_once_and_reads_what_stands_there_now(marta, oskar):
    build = Asked(own)
    kept = Kept(build)
    notify(marta, "a")
    assert kept.rows(acting(marta), NOW) == [("a",)]
    notify(marta, "b")
    notify(oskar, "c")
    assert kept.rows(acting(marta), NOW) == [("a",), ("b",)]
    assert build.times == 2
    assert kept.rows(acting(oskar), NOW) == [("c",)]


def test_now_is_filled_in_anew(marta):
    build = Asked(own)
    kept = Kept(build)
    notify(marta, "a", NOW + timedelta(minutes=2))
    assert kept.rows(acting(marta), NOW) == []
    assert kept.rows(acting(marta), NOW + timedelta(minutes=3)) == [("a",)]
    assert build.times == 2


def test_a_moment_made_of_now_is_never_kept(marta):
    build = Asked(lambda principal, now: own(principal, now - timedelta(minutes=1)))
    kept = Kept(build)
    notify(marta, "a")
    assert kept.rows(acting(marta), NOW) == []
    assert kept.rows(acting(marta), NOW + timedelta(minutes=1)) == [("a",)]


def test_a_building_that_asks_the_database_is_never_kept(marta, oskar):
    """Else a colleague who was named since would still be left out."""
    kept = Kept(
        lambda principal, now: User.objects.filter(pk__in=list(User.objects.values_list("pk", flat=True))).values_list(
            "name"
        )
    )
    before = len(kept.rows(acting(marta), NOW))
    User.objects.create(email="new@example.com", name="New")
    assert len(kept.rows(acting(marta), NOW)) == before + 1


def test_a_changed_person_or_setting_is_another_statement(marta):
    kept = Kept(
        lambda principal, now: User.objects.filter(Q() if principal.is_admin else Q(pk=principal.user_id)).values_list(
            "pk"
        )
    )
    assert len(kept.rows(acting(marta), NOW)) == 1
    marta.roles = ["admin"]
    User.objects.create(email="new@example.com", name="New")
    assert len(kept.rows(acting(marta), NOW)) > 1
    firm = FirmSettings(pk=1)
    names = Kept(lambda principal, now: User.objects.filter(name=firm.name).values_list("pk"))
    assert names.rows(acting(marta), NOW, shape=(firm,)) == []
    firm.name = marta.name
    assert names.rows(acting(marta), NOW, shape=(firm,)) == [(marta.pk,)]


def test_the_next_quarter_is_another_statement(marta):
    build = Asked(own)
    kept = Kept(build)
    kept.rows(acting(marta), NOW)
    kept.rows(acting(marta), NOW + timedelta(minutes=15))
    assert build.times == 4


def test_the_oldest_goes_first(marta, oskar):
    build = Asked(own)
    kept = Kept(build, size=1)
    for user in (marta, oskar, marta):
        kept.rows(acting(user), NOW)
    assert build.times == 6

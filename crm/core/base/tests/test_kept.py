"""A statement that is kept gives what the queryset would give now."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F, Prefetch, Q, Value
from django.utils import timezone

from crm.core.base.arrays import IDS, AnyOf
from crm.core.base.kept import QUARTER, Kept, SameForAll, kept_by_access
from crm.core.base.principals import acting
from crm.core.drafts.models import Draft
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import firm_cached, firm_today, forget_firm, get_firm
from crm.core.notifications.models import Notification
from crm.core.users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_request():
    """The firm's settings are read once, as in a request."""
    with firm_cached():
        yield


NOW = datetime(2026, 11, 20, 10, 1, tzinfo=UTC)


class Asked:
    """A `build` that counts how often it is called."""

    def __init__(self, build):
        self.build, self.times = build, 0

    def __call__(self, principal, *shape, **given):
        self.times += 1
        return self.build(principal, *shape, **given)


def notify(user, key, at=NOW):
    row = Notification.objects.create(user=user, kind="x", text=key, url="/", key=key)
    Notification.objects.filter(pk=row.pk).update(created_at=at)


def warm(kept, *args, **given):
    """Asked as often as it takes to be kept."""
    for _time in range(2):
        rows = kept.rows(*args, **given)
    if isinstance(kept.build, Asked):
        kept.build.times = 0
    return rows


def own(principal, now):
    return Notification.objects.filter(user=principal.user, created_at__lte=now).order_by("pk").values_list("key")


def test_it_is_built_once_and_reads_what_stands_there_now(marta, oskar):
    build = Asked(own)
    kept = Kept(build)
    notify(marta, "a")
    assert warm(kept, acting(marta), now=NOW) == [("a",)]
    notify(marta, "b")
    notify(oskar, "c")
    assert kept.rows(acting(marta), now=NOW) == [("a",), ("b",)]
    assert build.times == 0


def test_people_who_see_alike_share_it_and_each_gets_the_own_rows(marta, oskar):
    oskar.roles = marta.roles
    build = Asked(own)
    kept = Kept(build)
    for user in (marta, oskar):
        notify(user, user.email)
    warm(kept, acting(marta), now=NOW)
    assert kept.rows(acting(oskar), now=NOW) == [(oskar.email,)]
    assert build.times == 0
    oskar.roles = ["admin"]
    kept.rows(acting(oskar), now=NOW)
    assert build.times == 1


def test_what_a_person_says_of_oneself_is_never_anothers(marta, oskar):
    """A name in the statement cannot be filled in, so the statement is built each time."""
    oskar.roles = marta.roles
    kept = Kept(lambda principal: User.objects.filter(name=principal.user.name).values_list("pk"))
    assert warm(kept, acting(marta)) == [(marta.pk,)]
    assert warm(kept, acting(oskar)) == [(oskar.pk,)]


def test_what_was_read_for_one_person_is_never_anothers(marta, oskar):
    """Keys of rows that stand on the person's object are asked again for the other, so the building asks the database."""
    oskar.roles = marta.roles
    for user in (marta, oskar):
        notify(user, user.email)

    def build(principal):
        if not hasattr(principal.user, "own"):
            principal.user.own = list(Notification.objects.filter(user=principal.user).values_list("pk", flat=True))
        return Notification.objects.filter(pk__in=principal.user.own).values_list("key")

    kept = Kept(build)
    assert warm(kept, acting(marta)) == kept.rows(acting(marta)) == [(marta.email,)]
    assert kept.rows(acting(oskar)) == [(oskar.email,)]


def test_what_is_fetched_beside_the_rows_is_never_anothers(marta, oskar):
    oskar.roles = marta.roles
    for user in (marta, oskar):
        notify(user, user.email)

    def build(principal):
        mine = Notification.objects.filter(user=principal.user)
        return User.objects.filter(pk=principal.user_id).prefetch_related(
            Prefetch("notifications", mine, to_attr="mine")
        )

    kept = Kept(build)
    warm(kept, acting(marta))
    for user in (marta, oskar):
        (row,) = kept.rows(acting(user))
        assert [told.key for told in row.mine] == [user.email]


def test_now_is_filled_in_anew(marta):
    build = Asked(own)
    kept = Kept(build)
    notify(marta, "a", NOW + timedelta(minutes=2))
    assert warm(kept, acting(marta), now=NOW) == []
    assert kept.rows(acting(marta), now=NOW + timedelta(minutes=3)) == [("a",)]
    assert build.times == 0


def test_a_moment_made_of_now_is_never_kept(marta):
    build = Asked(lambda principal, now: own(principal, now - timedelta(minutes=1)))
    kept = Kept(build)
    notify(marta, "a")
    assert warm(kept, acting(marta), now=NOW) == []
    assert kept.rows(acting(marta), now=NOW + timedelta(minutes=1)) == [("a",)]


def test_a_building_that_asks_the_database_is_never_kept(marta, oskar):
    """Else a colleague who was named since would still be left out."""
    kept = Kept(
        lambda principal, now: User.objects.filter(pk__in=list(User.objects.values_list("pk", flat=True))).values_list(
            "name"
        )
    )
    before = len(warm(kept, acting(marta), now=NOW))
    User.objects.create(email="new@example.com", name="New")
    assert len(kept.rows(acting(marta), now=NOW)) == before + 1


def test_a_changed_person_or_setting_is_another_statement(marta):
    kept = Kept(
        lambda principal, now: User.objects.filter(Q() if principal.is_admin else Q(pk=principal.user_id)).values_list(
            "pk"
        )
    )
    assert len(warm(kept, acting(marta), now=NOW)) == 1
    marta.roles = ["admin"]
    User.objects.create(email="new@example.com", name="New")
    assert len(kept.rows(acting(marta), now=NOW)) > 1
    settings = get_firm()
    names = Kept(lambda principal: User.objects.filter(name=get_firm().name).values_list("pk"))
    assert warm(names, acting(marta)) == []
    FirmSettings.objects.update_or_create(pk=settings.pk, defaults={"name": marta.name})
    forget_firm()
    assert names.rows(acting(marta)) == [(marta.pk,)]


def test_the_next_quarter_is_another_statement(marta):
    build = Asked(own)
    kept = Kept(build)
    warm(kept, acting(marta), now=NOW)
    kept.rows(acting(marta), now=NOW + timedelta(minutes=15))
    assert build.times == 1


def test_the_oldest_goes_first(marta, oskar):
    build = Asked(own)
    kept = Kept(build, size=1)
    for user in (marta, oskar, marta):
        warm(kept, acting(user), now=NOW)
    kept.rows(acting(oskar), now=NOW)
    assert build.times == 1


def test_ids_are_filled_in_and_the_shape_is_another_statement(marta, oskar):
    build = Asked(
        lambda principal, limit, *, user_id, before: Notification.objects.filter(user=user_id).order_by("key")[:limit]
    )
    kept = Kept(build)
    for user in (marta, oskar):
        notify(user, f"a{user.pk}")
        notify(user, f"b{user.pk}")
    warm(kept, acting(marta), 5, user_id=marta.pk, before=None)
    for user in (marta, oskar):
        assert [row.key for row in kept.rows(acting(marta), 5, user_id=user.pk, before=None)] == [
            f"a{user.pk}",
            f"b{user.pk}",
        ]
    assert build.times == 0
    assert [row.key for row in kept.rows(acting(marta), 1, user_id=oskar.pk, before=None)] == [f"a{oskar.pk}"]


def test_rows_come_with_what_they_select_and_prefetch(marta):
    notify(marta, "a")
    kept = Kept(
        lambda principal, *, user_id: (
            Notification.objects.filter(user=user_id).select_related("user").annotate(same=F("key"))
        )
    )
    for _time in range(3):
        (row,) = kept.rows(acting(marta), user_id=marta.pk)
        assert (row.same, row._state.fields_cache["user"].name) == ("a", marta.name)
    people = Kept(lambda principal: User.objects.filter(pk=principal.user_id).prefetch_related("notifications"))
    for count in (1, 2, 3):
        (person,) = people.rows(acting(marta))
        assert len(person.notifications.all()) == count
        notify(marta, f"more {count}")


def test_two_equal_values_are_told_apart(marta, oskar):
    build = Asked(
        lambda principal, *, one, two: User.objects.filter(Q(pk=one) | Q(pk=two)).order_by("pk").values_list("pk")
    )
    kept = Kept(build)
    assert warm(kept, acting(marta), one=marta.pk, two=marta.pk) == [(marta.pk,)]
    assert {pk for (pk,) in kept.rows(acting(marta), one=oskar.pk, two=marta.pk)} == {marta.pk, oskar.pk}
    assert build.times == 0


def test_a_value_made_of_an_id_is_never_kept(marta):
    kept = Kept(
        lambda principal, *, number: User.objects.annotate(n=Value(number * 2)).filter(pk=marta.pk).values_list("n")
    )
    assert warm(kept, acting(marta), number=1) == [(2,)]
    assert kept.rows(acting(marta), number=2) == [(4,)]


def test_a_condition_on_json_is_kept(marta):
    build = Asked(lambda principal: Draft.objects.exclude(data={"a": 1}).values_list("kind"))
    kept = Kept(build)
    Draft.objects.create(user=marta, kind="x", record="", data={})
    assert warm(kept, acting(marta)) == kept.rows(acting(marta)) == [("x",)]
    assert build.times == 0


def test_nothing_to_see_is_nothing(marta):
    kept = Kept(lambda principal: User.objects.filter(pk__in=[]))
    assert warm(kept, acting(marta)) == []


def test_several_ids_are_one_parameter(marta, oskar):
    build = Asked(lambda principal, ids: User.objects.filter(AnyOf("pk", ids, IDS)).order_by("pk").values_list("pk"))
    kept = Kept(build)
    assert warm(kept, acting(marta), ids=(marta.pk,)) == [(marta.pk,)]
    assert kept.rows(acting(marta), ids=(marta.pk, oskar.pk)) == sorted([(marta.pk,), (oskar.pk,)])
    assert kept.rows(acting(marta), ids=()) == []
    assert build.times == 0


def test_what_is_the_same_for_all_is_built_once(marta, oskar):
    times: list[int] = []

    @SameForAll
    def named(*, pk, now):
        times.append(pk)
        return User.objects.filter(pk=pk, created_at__lte=now)

    later = timezone.now() + timedelta(days=1)
    assert [user.name for user in named.rows(pk=marta.pk, now=later)] == [marta.name]
    built = len(times)
    assert (
        named.rows(pk=oskar.pk, now=later) == [oskar] and named.rows(pk=oskar.pk, now=NOW - timedelta(days=9999)) == []
    )
    User.objects.filter(pk=oskar.pk).update(name="Oskar Berg")
    assert named.rows(pk=oskar.pk, now=later)[0].name == "Oskar Berg"
    assert named.rows(pk=10**30, now=later) == [] and len(times) == built


def test_nothing_given_is_not_the_statement_of_the_others(marta):
    @SameForAll
    def named(*, title):
        return User.objects.filter(email__endswith="@halden.example", title=title)

    assert named.rows(title=None) == [] and named.rows(title="") == [marta] and named.rows(title=None) == []


def test_what_cannot_be_filled_in_is_built_each_time(marta, oskar):
    @SameForAll
    def next_one(*, pk):
        return User.objects.filter(pk=pk + 1)

    assert next_one.rows(pk=marta.pk - 1) == [marta] and next_one.rows(pk=oskar.pk - 1) == [oskar]


def test_a_saved_row_of_the_firm_keeps_the_statements(marta):
    build = Asked(own)
    kept = Kept(build)
    warm(kept, acting(marta), now=NOW)
    get_firm().save()
    forget_firm()
    kept.rows(acting(marta), now=NOW)
    assert build.times == 0


# By access alone


def mine(principal, *, text):
    return Notification.objects.filter(user=principal.user, key__gte=Value(text)).values_list("key")


def test_by_access_it_is_kept_from_the_first_use_on_and_beyond_the_quarter(marta, time_machine):
    time_machine.move_to(NOW, tick=False)
    build = Asked(mine)
    kept = kept_by_access(build)
    notify(marta, "b")
    assert kept.rows(acting(marta), text="a") == [("b",)]
    build.times = 0
    time_machine.move_to(NOW + timedelta(hours=30), tick=False)
    assert kept.rows(acting(marta), text="c") == [] and build.times == 0


def test_by_access_people_with_the_same_roles_share_it_whatever_else_they_chose(marta, oskar):
    oskar.roles, oskar.theme, oskar.has_shortcuts, oskar.digest_hour = marta.roles, "dark", False, 5
    oskar.save()
    build = Asked(mine)
    kept = kept_by_access(build)
    for user in (marta, oskar):
        notify(user, f"of {user.pk}")
    kept.rows(acting(marta), text="")
    build.times = 0
    assert kept.rows(acting(oskar), text="") == [(f"of {oskar.pk}",)] and build.times == 0
    oskar.roles = ["admin"]
    kept.rows(acting(oskar), text="")
    assert build.times == 2


def test_by_access_what_depends_on_anything_else_of_a_person_is_never_kept(marta):
    build = Asked(lambda principal: User.objects.filter(theme=principal.user.theme).values_list("pk"))
    kept = kept_by_access(build)
    kept.rows(acting(marta))
    build.times = 0
    assert (marta.pk,) in kept.rows(acting(marta)) and build.times == 1


def test_by_access_the_firms_day_is_another_statement_and_a_moment_lasts_a_quarter(marta, time_machine):
    time_machine.move_to(NOW, tick=False)
    today = lambda: firm_today(timezone.now())  # noqa: E731
    dated = Asked(lambda principal: User.objects.filter(created_at__date__lte=today()).values_list("pk"))
    timed = Asked(lambda principal: User.objects.filter(created_at__lte=timezone.now()).values_list("pk"))
    for build, again in ((dated, 0), (timed, 2)):
        kept = kept_by_access(build)
        kept.rows(acting(marta))
        time_machine.move_to(NOW + timedelta(minutes=20), tick=False)
        build.times = 0
        kept.rows(acting(marta))
        assert build.times >= again and (again or not build.times)
        time_machine.move_to(NOW, tick=False)
    kept = kept_by_access(dated)
    kept.rows(acting(marta))
    dated.times = 0
    time_machine.move_to(NOW + timedelta(days=1), tick=False)
    kept.rows(acting(marta))
    assert dated.times == 2


@pytest.mark.parametrize("by_access", [False, True])
def test_a_statement_built_just_before_a_quarter_is_not_stored_in_it(marta, monkeypatch, by_access):
    """Another thread has emptied the cache by then, and would find the day of before."""
    before, after = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 21, 0, 0, 1, tzinfo=UTC)
    clock = [before]
    monkeypatch.setattr(timezone, "now", lambda: clock[0])
    last = 2 if by_access else 3  # once to be seen, and twice to be compiled

    def of_today(principal):
        today, build.left = timezone.now().date(), build.left - 1
        if build.left == 0:
            clock[0] = after
            kept._forget(int(after.timestamp()) // QUARTER)
        return User.objects.filter(pk=principal.user_id).annotate(day=Value(today)).values_list("day")

    build = Asked(of_today)
    build.left = last
    kept = Kept(build, by_access=by_access)
    while clock[0] == before:
        kept.rows(acting(marta))
    assert build.times == last
    for _time in range(3):
        assert [str(day) for (day,) in kept.rows(acting(marta))] == ["2026-11-21"]

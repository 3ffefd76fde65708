"""The bell and its page: one's own notifications, read one by one or all at once."""

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.core.notifications.models import Notification

pytestmark = pytest.mark.django_db
URL = "/notifications/"


@pytest.fixture
def mine(client, marta):
    client.force_login(marta)
    return client


def tell(user, text="Elina wants no more.", **fields):
    number = Notification.objects.count()
    return Notification.objects.create(
        user=user, kind="x", key=f"n{number}", text=text, **{"url": "/profile/"} | fields
    )


def test_the_bell_says_how_many_are_unread(mine, marta, ines):
    assert "unread" not in mine.get(reverse("core:profile")).text
    tell(marta)
    tell(marta)
    tell(marta, read_at=timezone.now())
    tell(ines)
    assert 'aria-label="Notifications: 2 unread"' in mine.get(reverse("core:profile")).text


def test_more_than_99_are_not_counted_on(mine, marta):
    for _number in range(100):
        tell(marta)
    assert 'aria-label="Notifications: 99+ unread"' in mine.get(reverse("core:profile")).text
    Notification.objects.first().delete()
    assert 'aria-label="Notifications: 99 unread"' in mine.get(reverse("core:profile")).text


def test_the_bell_costs_no_statement_of_its_own(mine, marta, django_assert_num_queries):
    url = reverse("core:search")
    mine.get(url)
    with django_assert_num_queries(4) as without:  # session, user, the firm, all numbers of the navigation
        mine.get(url)
    tell(marta)
    with django_assert_num_queries(len(without)):
        assert "1 unread" in mine.get(url).text


def test_the_list_has_ones_own(mine, marta, ines):
    tell(marta, "Mine, unread")
    tell(marta, "Mine, read", read_at=timezone.now())
    tell(ines, "Hers")
    page = mine.get(URL).text
    assert "Mine, unread" in page and "Mine, read" not in page and "Hers" not in page
    page = mine.get(URL, {"show": "all"}).text
    assert "Mine, read" in page and "Hers" not in page


def test_opening_one_marks_it_read_and_goes_there(mine, marta):
    row = tell(marta)
    assert mine.post(reverse("core:notification_open", args=[row.pk])).url == "/profile/"
    row.refresh_from_db()
    first = row.read_at
    assert first is not None
    mine.post(reverse("core:notification_read", args=[row.pk]))
    row.refresh_from_db()
    assert row.read_at == first, "the first time counts"


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", ""])
def test_it_goes_nowhere_else(mine, marta, url):
    assert mine.post(reverse("core:notification_open", args=[tell(marta, url=url).pk])).url == URL


def test_somebody_elses_is_not_there(mine, ines):
    row = tell(ines)
    for name in ("core:notification_open", "core:notification_read"):
        assert mine.post(reverse(name, args=[row.pk])).status_code == 404
    mine.post(reverse("core:notifications_read"))
    row.refresh_from_db()
    assert row.read_at is None


def test_all_at_once(mine, marta):
    for _n in range(3):
        tell(marta)
    assert "3 marked as read" in mine.post(reverse("core:notifications_read"), follow=True).text
    assert not Notification.objects.filter(read_at=None).exists()
    assert "Nothing new" in mine.get(URL).text


def test_pages_go_on_by_cursor(mine, marta):
    for number in range(30):
        tell(marta, f"Thing {number}")
    page = mine.get(URL).context["page"]
    assert len(page.rows) == 25 and len(mine.get(URL, {"cursor": page.next_cursor}).context["page"].rows) == 5
    assert mine.get(URL, {"cursor": "broken"}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_in_the_browser(page, live_server, sign_in, assert_accessible, marta):
    tell(marta, "Elina Saari wants no more progress emails.")
    sign_in(marta)
    page.goto(live_server.url + "/profile/")
    page.get_by_role("link", name="Notifications: 1 unread").first.click()
    assert_accessible(page)
    page.get_by_role("button", name="Mark as read: Elina").click()
    page.get_by_text("Nothing new").wait_for()
    assert_accessible(page)

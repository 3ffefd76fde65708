"""The page of what will be mailed in the next 36 hours: every source, by time, through the gate; skipping and bringing back."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.firm.queries import firm_today
from crm.core.mail import scheduled
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.users.choices import Role
from crm.core.users.models import User
from interactions.follow_ups.models import FollowUp
from interactions.progress.models import ProgressEmail
from interactions.progress.services.schedules import set_schedule
from interactions.reminders.models import Digest
from interactions.reminders.services import digests
from tools.testing.factories import interactions

pytestmark = pytest.mark.django_db
URL = "/outbox/coming/"


@pytest.fixture
def now():
    return timezone.now()


def reminder(user, client, title, at):
    row = interactions.follow_up(
        actor=user,
        client=client,
        title=title,
        due_date=firm_today(timezone.now()) + timedelta(days=1),
        now=timezone.now(),
    )
    FollowUp.objects.filter(pk=row.pk).update(remind_at=at)
    return row


def progress(client, at, state="approved", week="2026-W48"):
    times = {
        "draft_at": at - timedelta(days=1),
        "send_at": at,
        "deadline_at": at + timedelta(hours=3),
        "expires_at": at + timedelta(hours=9),
    }
    covers = {"covers_from": at - timedelta(days=7), "covers_to": at}
    return ProgressEmail.objects.create(
        client=client,
        week=week,
        state=state,
        time_zone="UTC",
        subject="Week",
        content={"summary": "Well"},
        **times,
        **covers,
    )


@pytest.fixture
def scene(marta, otto, northwind, now):
    """One of each kind for Marta and her client, one reminder for Otto, one beyond the horizon."""
    queue_mail(
        key="w",
        kind="survey",
        to_address="elina@northwind.example",
        subject="How are we doing?",
        text="T",
        client_id=northwind.pk,
        send_at=now + timedelta(hours=1),
    )
    progress(northwind, now + timedelta(hours=2))
    reminder(marta, northwind, "Send the price", now + timedelta(hours=3))
    reminder(otto, northwind, "Otto's own", now + timedelta(hours=4))
    reminder(marta, northwind, "Far away", now + timedelta(hours=40))
    User.objects.filter(pk=marta.pk).update(reminders="each")
    dana = interactions.make_user(name="Dana Digest", reminders="digest")
    Digest.objects.create(user=dana, date=now.date(), hour=8, time_zone="UTC", due_at=now + timedelta(hours=5))
    return dana


def whats(user, now, **options):
    return [entry.row.what for entry in scheduled.page(acting(user), now, **{"mine": False} | options).entries]


def test_the_next_36_hours_in_the_order_of_time(scene, manager, now):
    assert whats(manager, now) == [
        "How are we doing?",
        "Northwind Advisory",
        "Send the price",
        "Otto's own",
        "Today's overview",
    ]


def test_account_managers_have_their_own(client, scene, marta, otto, now):
    client.force_login(marta)
    page = client.get(URL).text
    for said in ("How are we doing?", "Northwind Advisory", "Send the price"):
        assert said in page
    for hidden in ("Otto&#x27;s own", "Today's overview", "Far away"):
        assert hidden not in page
    assert client.get(URL, {"side": "all"}).text.count("Otto&#x27;s own") == 0
    client.force_login(otto)
    page = client.get(URL).text
    assert "Otto&#x27;s own" in page and "How are we doing?" not in page


def test_a_restricted_client_is_in_nobodys_list_but_its_owners(scene, manager, marta, northwind, now):
    northwind.is_restricted = True
    northwind.save()
    assert whats(manager, now) == ["Today's overview"]
    assert len(whats(marta, now, mine=True)) == 3


def test_by_kind_and_page_by_page(client, scene, manager, now, northwind, marta):
    assert whats(manager, now, only="reminders") == ["Send the price", "Otto's own"]
    at = now + timedelta(hours=3)
    for number in range(8):
        reminder(marta, northwind, f"Same moment {number}", at)
    seen, cursor = [], ""
    while True:
        page = scheduled.page(acting(manager), now, mine=False, cursor=cursor, size=3)
        seen += [(entry.source.key, entry.pk) for entry in page.entries]
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 13
    client.force_login(manager)
    assert client.get(URL, {"cursor": "broken"}).status_code == 302


def test_each_mail_names_who_receives_it(scene, marta, northwind, now):
    """What the client receives names their contacts, never the account manager; without one the row says so."""
    elina = interactions.make_person(northwind)
    set_schedule(acting(marta), client=northwind, recipients=[elina], now=now)
    quiet = interactions.make_client(owner=marta, name="Quiet Oy")
    progress(quiet, now + timedelta(hours=2))
    entries = scheduled.page(acting(marta), now, mine=True).entries
    assert {(entry.row.what, entry.row.to) for entry in entries} >= {
        ("How are we doing?", "elina@northwind.example"),
        ("Northwind Advisory", "Elina Saari"),
        ("Quiet Oy", "No recipients"),
        ("Send the price", "Marta Kallio"),  # her own reminder
    }


def post(client, name, source, pk):
    return client.post(reverse(f"core:coming_{name}", args=[source, pk]), follow=True)


def test_each_kind_is_skipped_and_brought_back(client, scene, marta, northwind, now):
    client.force_login(marta)
    email, step = ProgressEmail.objects.get(), FollowUp.objects.get(title="Send the price")
    assert "Skipped" in post(client, "skip", "progress", email.pk).text
    assert "Skipped" in post(client, "skip", "reminders", step.pk).text
    email.refresh_from_db()
    step.refresh_from_db()
    assert (email.state, step.remind_at) == ("skipped", None)
    page = client.get(URL).text
    assert "Restore" in page and "Send the price" not in page
    post(client, "restore", "progress", email.pk)
    post(client, "restore", "reminders", step.pk)
    email.refresh_from_db()
    step.refresh_from_db()
    assert email.state == "draft" and step.remind_at is not None
    mail = OutboxMail.objects.get()
    post(client, "skip", "outbox", mail.pk)
    mail.refresh_from_db()
    assert mail.state == "cancelled"
    assert post(client, "restore", "outbox", mail.pk).status_code == 404, "what was cancelled stays cancelled"


def test_a_morning_mail_is_its_readers_or_an_admins_to_skip(client, scene, marta, manager):
    row = Digest.objects.get()
    ada = interactions.make_user(name="Ada Admin", roles=(Role.ADMIN,))
    for user, status in ((marta, 404), (manager, 403), (scene, 200)):
        client.force_login(user)
        assert post(client, "skip", "digests", row.pk).status_code == status
    row.refresh_from_db()
    assert (row.state, row.note) == ("skipped", "Skipped by Dana Digest")
    client.force_login(ada)
    post(client, "restore", "digests", row.pk)
    row.refresh_from_db()
    assert row.state == "planned"


def test_unknown_sources_and_other_methods(client, marta, scene):
    client.force_login(marta)
    assert post(client, "skip", "nonsense", 1).status_code == 404
    assert client.get(reverse("core:coming_skip", args=["digests", 1])).status_code == 405
    assert "Nothing of this type" in client.get(URL, {"kind": "digests"}).text


def test_what_it_costs(client, scene, manager, northwind, marta, now, django_assert_max_num_queries):
    for number in range(30):
        reminder(marta, northwind, f"Step {number}", now + timedelta(hours=3))
    client.force_login(manager)
    with django_assert_max_num_queries(12):
        assert "Step 29" in client.get(URL).text


def test_ones_own_morning_mail_is_read_before_it_leaves(client, scene, northwind, now):
    interactions.follow_up(
        actor=scene, client=northwind, title="Visit them", due_date=firm_today(timezone.now()), now=now
    )
    client.force_login(scene)
    row = Digest.objects.get()
    page = client.get(reverse("interactions:digest", args=[row.pk])).text
    assert "Visit them" in page and "Skip" in page
    assert digests.skip_digest(acting(scene), row=row, now=now)
    assert "Restore" in client.get(reverse("interactions:digest", args=[row.pk])).text


@pytest.mark.django_db(transaction=True)
def test_in_the_browser(page, live_server, sign_in, assert_accessible, scene, marta):
    sign_in(marta)
    page.goto(live_server.url + URL)
    assert_accessible(page)
    page.get_by_role("button", name="Skip: Send the price").click()
    page.get_by_text("Skipped. It will not be sent.").wait_for()
    assert not page.get_by_role("link", name="Send the price").count()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="Send the price").wait_for()
    assert_accessible(page)

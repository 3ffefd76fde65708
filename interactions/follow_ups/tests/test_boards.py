"""The boards of follow-ups, by due and by state; what undo of their bulk actions leaves alone."""

from datetime import time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.records.services.clients import restrict_client
from crm.core.base.principals import acting
from crm.core.listing.models import BulkChange
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import (
    cancel_follow_up,
    complete_follow_up,
    reopen_follow_up,
    snooze_follow_up,
    update_follow_up,
)
from tools.testing.factories.interactions import follow_up, make_client

pytestmark = pytest.mark.django_db
URL = "/follow-ups/"
DIALOG = {"HX-Request": "true", "HX-Target": "remote-dialog-body"}


def today():
    return timezone.localdate()


def plan(marta, client, title, days, **fields):
    return follow_up(
        actor=marta, client=client, title=title, due_date=today() + timedelta(days), now=timezone.now(), **fields
    )


def columns(page):
    return {column.key: [card.title for card in column.cards] for column in page.context["listing"].board.columns}


def drop(web, row, to, was, board="when"):
    return web.post(f"{URL}board/drop/?board={board}", {"moved": row.pk, "list": to, "version": was})


def move(web, row, board="when", **data):
    return web.post(f"{URL}board/{row.pk}/move/?board={board}", data, headers=DIALOG)


def undo(web):
    return web.post(reverse("core:undo-selected", args=[BulkChange.objects.latest("pk").pk]), follow=True)


@pytest.fixture
def web(client, marta):
    client.force_login(marta)
    return client


def test_columns_by_due_hold_each_open_follow_up_once(web, marta, northwind):
    for title, days in (("late", -3), ("now", 0), ("next", 1), ("soon", 4), ("edge", 7), ("far", 8)):
        plan(marta, northwind, title, days)
    asleep = plan(marta, northwind, "asleep", -1)
    snooze_follow_up(acting(marta), follow_up=asleep, until=timezone.now() + timedelta(2), now=timezone.now())
    complete_follow_up(acting(marta), follow_up=plan(marta, northwind, "over", 0), now=timezone.now())
    page = web.get(URL, {"board": "when"})
    assert columns(page) == {
        "overdue": ["late"],
        "today": ["now"],
        "tomorrow": ["next"],
        "week": ["soon", "edge"],
        "later": ["far"],
        "snoozed": ["asleep"],
    }
    assert page.context["page"].total == 7 and "7 follow-ups" in page.text and 'name="show"' not in page.text
    assert columns(web.get(URL, {"board": "when", "show": "done"})) == columns(page), "the columns stand for it"
    lines = b"".join(web.get(f"{URL}export/", {"board": "when", "as": "csv"}).streaming_content).decode()
    assert "asleep" in lines and "over" not in lines


def test_a_drag_to_a_day_sets_it_and_is_undone(web, marta, northwind):
    row = plan(marta, northwind, "late", -3)
    answer = drop(web, row, "tomorrow", "overdue")
    assert answer.status_code == 200 and answer.json()["text"] == "“late” moved to Tomorrow"
    assert FollowUp.objects.get().due_date == today() + timedelta(1)
    web.post(answer.json()["undo"])
    assert FollowUp.objects.get().due_date == today() - timedelta(3)


def test_a_column_of_many_days_asks_which(web, marta, northwind):
    row = plan(marta, northwind, "now", 0)
    answer = drop(web, row, "later", "today")
    assert answer.status_code == 409 and FollowUp.objects.get().due_date == today()
    form = web.get(answer.json()["ask"], headers=DIALOG)
    assert form.status_code == 200 and (today() + timedelta(8)).isoformat() in form.text and "<html" not in form.text
    wrong = move(web, row, to="later", was="today", due_date=(today() + timedelta(2)).isoformat())
    assert wrong.status_code == 422 and "This day belongs to another column." in wrong.text
    none = move(web, row, to="week", was="today", due_date="")
    assert none.status_code == 422 and "Choose a day." in none.text
    assert move(web, row, to="later", was="today", due_date=(today() + timedelta(20)).isoformat()).status_code == 204
    assert FollowUp.objects.get().due_date == today() + timedelta(20)
    form = web.get(f"{URL}board/{row.pk}/move/?board=when", headers=DIALOG)
    assert (today() + timedelta(20)).isoformat() in form.text, "a card that stays keeps its day"


def test_a_card_that_someone_moved_since_is_stale(web, marta, otto, northwind):
    row = plan(marta, northwind, "now", 0)
    update_follow_up(acting(otto), follow_up=row, now=timezone.now(), due_date=today() + timedelta(1))
    answer = drop(web, row, "tomorrow", "today")
    assert answer.status_code == 409 and "Otto" in answer.json()["text"]
    answer = move(web, row, to="today", was="today")
    assert answer.status_code == 409 and "is up to date now" in answer.text
    assert move(web, row, to="today", was="tomorrow").status_code == 204
    assert drop(web, row, "overdue", "today").status_code == 409, "nothing becomes overdue by hand"
    assert drop(web, row, "nonsense", "today").status_code == 409


def test_what_the_reader_does_not_see_cannot_be_moved(web, otto):
    secret = make_client(owner=otto, name="Halden")
    row = plan(otto, secret, "Basalt", 0, assignee=otto)
    restrict_client(acting(otto), client=secret)
    assert "Basalt" not in web.get(URL, {"board": "when", "who": "all"}).text
    assert drop(web, row, "tomorrow", "today").status_code == 404
    assert web.get(f"{URL}board/{row.pk}/move/?board=state").status_code == 404


def test_by_state_newest_closed_first_and_moves_complete_and_reopen(web, marta, northwind):
    first, second, third = (plan(marta, northwind, title, 1) for title in ("first", "second", "third"))
    for row in (first, second):
        complete_follow_up(acting(marta), follow_up=row, now=timezone.now())
    page = web.get(URL, {"board": "state"})
    assert columns(page) == {"open": ["third"], "done": ["second", "first"], "cancelled": []}
    assert drop(web, third, "done", "open", "state").status_code == 200
    third.refresh_from_db()
    assert third.state == "done" and third.closed_by == marta
    undo(web)
    third.refresh_from_db()
    assert third.state == "open"
    move(web, third, "state", to="cancelled", was="open", outcome="They left")
    third.refresh_from_db()
    assert (third.state, third.outcome) == ("cancelled", "They left")
    move(web, third, "state", to="open", was="cancelled")
    undo(web)
    third.refresh_from_db()
    assert (third.state, third.outcome) == ("cancelled", "They left"), "the outcome comes back"
    assert drop(web, first, "cancelled", "done", "state").status_code == 409, "it has to be opened again first"


def test_undo_of_done_leaves_alone_what_was_completed_again_by_someone(web, marta, otto, northwind):
    rows = [plan(marta, northwind, title, 1) for title in ("kept", "changed")]
    web.post(f"{URL}select/", {"action": "follow-ups.done", "ids": [row.pk for row in rows]})
    now, changed = timezone.now(), FollowUp.objects.get(title="changed")
    reopen_follow_up(acting(otto), follow_up=changed, now=now)
    complete_follow_up(acting(otto), follow_up=changed, outcome="Signed", now=now)
    page = undo(web)
    assert "1 restored" in page.text and "1 not changed: changed again since" in page.text
    found = dict(FollowUp.objects.values_list("title", "state"))
    assert found == {"kept": "open", "changed": "done"}
    assert FollowUp.objects.get(title="changed").outcome == "Signed"


def test_a_move_back_is_refused_once_someone_went_on(web, marta, otto, northwind):
    row = plan(marta, northwind, "now", 0)
    drop(web, row, "done", "open", "state")
    reopen_follow_up(acting(otto), follow_up=row, now=timezone.now())
    complete_follow_up(acting(otto), follow_up=row, outcome="By Otto", now=timezone.now())
    assert "changed again since" in undo(web).text
    assert FollowUp.objects.get().outcome == "By Otto"


def test_the_head_of_each_state_opens_the_list_of_as_many(web, marta, northwind):
    rows = [plan(marta, northwind, title, 1) for title in ("open", "asleep", "done", "too", "cancelled")]
    snooze_follow_up(acting(marta), follow_up=rows[1], until=timezone.now() + timedelta(2), now=timezone.now())
    for row in rows[2:4]:
        complete_follow_up(acting(marta), follow_up=row, now=timezone.now())
    cancel_follow_up(acting(marta), follow_up=rows[4], now=timezone.now())
    heads = web.get(URL, {"board": "state"}).context["listing"].board.columns
    assert [(head.key, head.n) for head in heads] == [("open", 2), ("done", 2), ("cancelled", 1)]
    assert [web.get(URL + head.url).context["page"].total for head in heads] == [2, 2, 1]
    assert web.get(URL, {"state": "done", "show": "open"}).context["page"].total == 0, "what was chosen stays"


def test_a_closed_follow_up_has_no_place_on_the_board_by_due(web, marta, otto, northwind):
    row = plan(marta, northwind, "late", -3)
    complete_follow_up(acting(otto), follow_up=row, now=timezone.now())
    answer = drop(web, row, "tomorrow", "overdue")
    assert answer.status_code == 409 and "Otto" in answer.json()["text"]
    assert move(web, row, to="tomorrow", was="overdue").status_code == 409
    assert FollowUp.objects.get().due_date == today() - timedelta(3)


def test_a_snoozed_card_wakes_where_it_is_dropped_and_undo_lets_it_sleep_on(web, marta, northwind):
    row, until = plan(marta, northwind, "now", 0), timezone.now() + timedelta(2)
    snooze_follow_up(acting(marta), follow_up=row, until=until, now=timezone.now())
    assert drop(web, row, "today", "snoozed").status_code == 200
    row.refresh_from_db()
    assert (row.due_date, row.snoozed_until) == (today(), None)
    undo(web)
    row.refresh_from_db()
    assert (row.due_date, row.snoozed_until, row.remind_at) == (today(), until, until)
    drop(web, row, "tomorrow", "snoozed")
    undo(web)
    row.refresh_from_db()
    assert (row.due_date, row.snoozed_until) == (today(), until)
    assert drop(web, plan(marta, northwind, "other", 0), "today", "today").status_code == 409, "nothing to change"


def test_a_card_lands_in_its_column_whatever_zone_its_time_is_in(web, marta, northwind):
    far, near = "Pacific/Kiritimati", timezone.get_current_timezone_name()
    assert near != far
    row = plan(marta, northwind, "early", 0, due_time=time(1), time_zone=far)
    there = timezone.now().astimezone(ZoneInfo(far)).date()
    for key, days in (("tomorrow", 1), ("today", 0)):
        FollowUp.objects.filter(pk=row.pk).update(due_date=there - timedelta(9), due_at=timezone.now() - timedelta(9))
        assert drop(web, row, key, "overdue").status_code == 200
        row.refresh_from_db()
        assert row.local_day == today() + timedelta(days)
        assert columns(web.get(URL, {"board": "when"}))[key] == ["early"]


def test_only_who_saved_the_card_since_is_said_to_have_changed_it(web, marta, otto, northwind):
    """The hour alone may have moved it: midnight passed, or a snooze ended."""
    row = plan(marta, northwind, "late", -1)
    update_follow_up(acting(otto), follow_up=row, now=timezone.now(), note="Call first")
    url = web.get(URL, {"board": "when"}).context["listing"].board.drop_url
    dropped = {"moved": row.pk, "list": "tomorrow", "version": "today"}
    answer = web.post(url, dropped)
    assert answer.status_code == 409
    assert answer.json()["text"] == "“late” is in another column by now. The board is up to date now."
    update_follow_up(acting(otto), follow_up=row, now=timezone.now(), due_date=today() + timedelta(1))
    assert "Otto" in web.post(url, dropped).json()["text"]


@pytest.mark.parametrize("address", [{"state": "done", "show": ""}, {"show": "done"}])
def test_of_closed_ones_the_bar_offers_to_reopen_them_and_undo_closes_them_again(web, marta, northwind, address):
    row = plan(marta, northwind, "Call", 0)
    complete_follow_up(acting(marta), follow_up=row, outcome="Signed", now=timezone.now())
    listing = web.get(URL, address).context["listing"]
    assert [action.key for action in listing.actions] == ["follow-ups.reopen"]
    assert "follow-ups.reopen" not in [action.key for action in web.get(URL).context["listing"].actions]
    web.post(f"{URL}select/?{urlencode(address)}", {"action": "follow-ups.reopen", "ids": [row.pk]})
    row.refresh_from_db()
    assert (row.state, row.outcome) == ("open", "")
    undo(web)
    row.refresh_from_db()
    assert (row.state, row.outcome) == ("done", "Signed")


@pytest.mark.parametrize("how", ["bar", "board"])
def test_undo_of_reopening_repeating_ones_leaves_everything_as_it_was(web, marta, otto, northwind, how):
    plan(marta, northwind, "Call", 0, rrule="FREQ=DAILY")
    for n in range(3):
        row, at = FollowUp.objects.open().get(), timezone.now() - timedelta(hours=n + 1)
        complete_follow_up(acting(otto), follow_up=row, outcome=f"Talk {n}", now=at)
    said = ("pk", "state", "outcome", "closed_at", "closed_by", "remind_at")
    before = list(FollowUp.objects.order_by("pk").values_list(*said))
    assert [state for _pk, state, *_rest in before] == ["done", "done", "done", "open"]
    last = before[2][0]
    if how == "bar":
        ids = [pk for pk, *_rest in before[:3]]
        web.post(f"{URL}select/?show=done", {"action": "follow-ups.reopen", "ids": ids})
        opened = set(FollowUp.objects.open().values_list("pk", flat=True))
        assert opened == set(ids)
    else:
        move(web, FollowUp.objects.get(pk=last), "state", to="open", was="done")
        assert FollowUp.objects.open().get().pk == last
    undo(web)
    assert list(FollowUp.objects.order_by("pk").values_list(*said)) == before


def test_a_step_of_before_it_kept_who_closed_it_is_undone_as_it_was_then(web, marta, northwind):
    row = plan(marta, northwind, "Call", 0)
    complete_follow_up(acting(marta), follow_up=row, outcome="Signed", now=timezone.now())
    web.post(f"{URL}select/?show=done", {"action": "follow-ups.reopen", "ids": [row.pk]})
    row.refresh_from_db()
    change = BulkChange.objects.get()
    BulkChange.objects.filter(pk=change.pk).update(rows=[[row.pk, ["done", "Signed", row.version]]])
    undo(web)
    row.refresh_from_db()
    assert (row.state, row.outcome) == ("done", "Signed")

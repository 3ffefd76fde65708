import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.contacts.models import Affiliation
from crm.core.base.principals import acting
from crm.core.firm.queries import firm_today
from crm.core.notifications.models import Notification
from interactions.agreements.models import Commitment, Decision
from interactions.cadence.models import Cadence
from interactions.facts import rebuild_facts
from interactions.follow_ups.choices import Priority
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import update_follow_up
from interactions.log.models import Interaction
from interactions.log.services import correct_interaction
from interactions.surveys.models import SurveyResponse
from interactions.surveys.services.answers import ensure_nps_survey, record_answer
from tools.testing.factories.interactions import follow_up, log, make_client, make_contact, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(client, marta):
    client.force_login(marta)
    return client


def now():
    return timezone.now()


def logged(marta, northwind, **fields):
    return log(actor=marta, client=northwind, occurred_at=now() - timedelta(hours=1), now=now(), **fields)


def correction(interaction, **fields):
    when = timezone.localtime(interaction.occurred_at).strftime("%Y-%m-%dT%H:%M")
    data = {
        "channel": interaction.channel,
        "body": interaction.body,
        "occurred_at": when,
        "visibility": "firm",
        "version": interaction.version,
    }
    return data | fields


def test_a_correction_shows_both_texts_in_the_history(web, marta, northwind):
    call = logged(marta, northwind, body="Payroll from January.")
    answer = web.post(reverse("interactions:correct", args=[call.pk]), correction(call, body="Payroll from February."))
    assert answer.status_code == 302
    page = web.get(reverse("interactions:detail", args=[call.pk])).content.decode()
    assert (
        'id="history"' in page
        and "Payroll from January." in page
        and "Payroll from February." in page
        and marta.name in page
    )
    assert ">edited</a>" in web.get(reverse("clients:client", args=[northwind.pk])).content.decode()


def test_a_stale_correction_shows_both_and_saves_neither(web, marta, manager, northwind):
    call = logged(marta, northwind)
    correct_interaction(acting(manager), interaction=call, body="Ottos words", now=now())
    answer = web.post(reverse("interactions:correct", args=[call.pk]), correction(call, body="Martas words"))
    page = answer.content.decode()
    assert answer.status_code == 409 and "Ottos words" in page and "Martas words" in page
    call.refresh_from_db()
    assert call.body == "Ottos words"
    assert 'name="version" value="2"' in page, "saving again replaces their value on purpose"


def test_only_author_account_manager_and_managers_correct(client, otto, marta, manager, northwind):
    call = logged(marta, northwind)
    url = reverse("interactions:correct", args=[call.pk])
    client.force_login(otto)
    assert client.get(url).status_code == 403
    client.force_login(manager)
    assert client.get(url).status_code == 200


def test_a_private_one_is_missing_for_others(client, manager, marta, northwind):
    talk = logged(marta, northwind, visibility="private", body="Confidential")
    client.force_login(manager)
    assert client.get(reverse("interactions:detail", args=[talk.pk])).status_code == 404
    assert "Confidential" not in client.get(reverse("clients:client", args=[northwind.pk])).content.decode()
    assert "Confidential" not in client.get(reverse("interactions:list")).content.decode()


def test_the_list_filters_and_refuses_nothing_silently(web, marta, otto, northwind):
    logged(marta, northwind, body="By phone", sentiment=1)
    log(actor=otto, client=northwind, channel="email", body="By mail", occurred_at=now() - timedelta(days=3), now=now())
    listed = web.get(reverse("interactions:list"), {"channel": "email"}).content.decode()
    assert "By mail" in listed and "By phone" not in listed
    assert "By phone" in web.get(reverse("interactions:list"), {"sentiment": "1"}).content.decode()
    assert "No match" in web.get(reverse("interactions:list"), {"until": "2001-01-01"}).content.decode()
    assert web.get(reverse("interactions:list"), {"cursor": "nonsense"}).status_code == 302


def test_the_pinned_one_leads_the_timeline(web, marta, northwind):
    old = log(actor=marta, client=northwind, body="Old but pinned", occurred_at=now() - timedelta(days=300), now=now())
    for n in range(25):
        log(actor=marta, client=northwind, body=f"Call {n}", occurred_at=now() - timedelta(days=n), now=now())
    web.post(reverse("interactions:pin", args=[old.pk]))
    page = web.get(reverse("clients:client", args=[northwind.pk])).content.decode()
    assert page.index("Old but pinned") < page.index("Call 0")
    web.post(reverse("interactions:pin", args=[old.pk]))
    assert "Old but pinned" not in web.get(reverse("clients:client", args=[northwind.pk])).content.decode()


def test_a_stale_follow_up_shows_both_and_is_saved_knowingly(web, marta, otto, northwind):
    row = follow_up(actor=marta, client=northwind, title="Send the price")
    data = {"due_date": row.due_date, "rrule": row.rrule, "time_zone": row.time_zone, "version": row.version}
    data |= {"assignee": marta.pk}
    update_follow_up(acting(marta), follow_up=row, title="Call them", priority=3, now=now())
    url = reverse("interactions:follow-up", args=[row.pk])
    mine = data | {"title": "Write to them", "priority": "1"}
    for headers in ({}, {"hx-request": "true", "hx-target": "remote-dialog-body"}):
        answer = web.post(url, mine, headers=headers)
        assert answer.status_code == 409
        assert "Call them" in answer.text and "Write to them" in answer.text
        assert all(f"<td>{Priority(value).label}</td>" in answer.text for value in (1, 3))
        assert answer.text.count('name="version"') == 1 and 'name="version" value="2"' in answer.text
    assert web.post(url, mine | {"version": 2}).status_code == 302
    row.refresh_from_db()
    assert (row.title, row.priority) == ("Write to them", 1)


def test_a_follow_up_is_planned_changed_snoozed_handed_over(web, marta, otto, northwind):
    data = {
        "title": "Send the price",
        "due_date": "2027-03-01",
        "assignee": marta.pk,
        "priority": "2",
        "rrule": "FREQ=WEEKLY",
        "time_zone": "",
    }
    assert web.post(reverse("interactions:follow-up-create", args=[northwind.pk]), data).status_code == 302
    row = FollowUp.objects.get()
    url = reverse("interactions:follow-up", args=[row.pk])
    assert (
        web.post(url, data | {"title": "Send the new price", "version": 1, "time_zone": row.time_zone}).status_code
        == 302
    )
    row.refresh_from_db()
    assert (row.title, row.rrule, row.version) == ("Send the new price", "FREQ=WEEKLY;BYDAY=MO", 2)
    assert web.post(url, data | {"title": "Send both prices", "version": 1}).status_code == 409
    assert (
        web.post(reverse("interactions:follow-up-snooze", args=[row.pk]), {"until": "2020-01-01T10:00"}).status_code
        == 422
    )
    assert (
        web.post(reverse("interactions:follow-up-snooze", args=[row.pk]), {"until": "2027-02-20T10:00"}).status_code
        == 302
    )
    assert web.post(reverse("interactions:follow-up-reassign", args=[row.pk]), {"assignee": otto.pk}).status_code == 302
    row.refresh_from_db()
    assert (row.assignee, row.snoozed_until) == (otto, None)
    assert (
        web.post(reverse("interactions:follow-up-done", args=[row.pk]), {"outcome": "They signed."}).status_code == 302
    )
    assert (
        "They signed." in web.get(reverse("interactions:follow-ups"), {"show": "done", "who": "all"}).content.decode()
    )


@pytest.mark.parametrize(
    "wrong",
    [{"title": ""}, {"due_date": "soon"}, {"assignee": "0"}, {"rrule": "FREQ=SECONDLY"}, {"time_zone": "Mars/Olympus"}],
)
def test_a_wrong_follow_up_keeps_what_was_typed(web, marta, northwind, wrong):
    data = {
        "title": "Send the price",
        "due_date": "2027-03-01",
        "assignee": marta.pk,
        "priority": "2",
        "note": "By mail",
    } | wrong
    answer = web.post(reverse("interactions:follow-up-create", args=[northwind.pk]), data)
    assert (
        answer.status_code == 422 and "By mail" in answer.content.decode() and "field-error" in answer.content.decode()
    )
    assert not FollowUp.objects.exists()


def test_lists_of_follow_ups(web, marta, otto, northwind):
    today = firm_today(timezone.now())
    follow_up(actor=marta, client=northwind, title="Late one", due_date=today - timedelta(days=1), now=now())
    follow_up(actor=marta, client=northwind, title="Ottos one", assignee=otto, due_date=today, now=now())
    url = reverse("interactions:follow-ups")
    mine, every, late = (web.get(url, query).content.decode() for query in ({}, {"who": "all"}, {"show": "overdue"}))
    assert "Late one" in mine and "Ottos one" not in mine
    assert "Ottos one" in every
    assert "Late one" in late
    fragment = web.get(url, headers={"HX-Request": "true"}).content.decode()
    assert '<div id="list"' in fragment and "<html" not in fragment


def test_what_did_we_agree(web, marta, northwind, elina):
    web.post(
        reverse("interactions:decision-create", args=[northwind.pk]),
        {"text": "Payroll from January.", "decided_date": "2026-11-02"},
    )
    promise = {"text": "Send the calendar", "side": "firm", "due_date": "2026-11-20"}
    web.post(reverse("interactions:commitment-create", args=[northwind.pk]), promise)
    page = web.get(reverse("interactions:agreed", args=[northwind.pk])).content.decode()
    assert "Payroll from January." in page and "Send the calendar" in page
    row = Commitment.objects.get()
    assert "Send the calendar" in web.get(reverse("clients:client", args=[northwind.pk])).content.decode()
    web.post(reverse("interactions:commitment-settle", args=[row.pk]), {"state": "kept"})
    row.refresh_from_db()
    assert (row.state, row.owner) == ("kept", marta) and row.closed_at
    web.post(reverse("interactions:commitment-settle", args=[row.pk]), {"state": "broken"})
    row.refresh_from_db()
    assert row.state == "kept", "a settled commitment must be reopened first"
    web.post(reverse("interactions:commitment-reopen", args=[row.pk]))
    row.refresh_from_db()
    assert row.state == "open"
    assert (
        web.post(
            reverse("interactions:decision-create", args=[northwind.pk]), {"text": " ", "decided_date": "x"}
        ).status_code
        == 422
    )
    assert Decision.objects.count() == 1


def test_the_decision_of_a_private_talk_is_not_on_the_page_of_others(client, otto, marta, northwind):
    logged(marta, northwind, visibility="private", decision="Raise the fee.")
    client.force_login(otto)
    assert "Raise the fee." not in client.get(reverse("interactions:agreed", args=[northwind.pk])).content.decode()


def test_cadence_of_a_client(web, northwind):
    url = reverse("interactions:cadence", args=[northwind.pk])
    web.post(url, {"days": "10"})
    assert Cadence.objects.get().days == 10
    assert web.post(url, {"days": "0"}).status_code == 422
    web.post(url, {"days": ""})
    assert not Cadence.objects.exists()


def test_an_answer_is_entered_listed_archived_and_brought_back(web, northwind, elina):
    url = reverse("interactions:answer-create", args=[northwind.pk])
    when = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    assert web.get(url).status_code == 200
    answer = web.post(url, {"score": "9", "comment": "Quick answers.", "contact": elina.pk, "answered_at": when})
    assert answer.status_code == 302
    row = SurveyResponse.objects.get()
    assert (row.score, row.scale_max, row.contact) == (9, 10, elina)
    northwind.facts.refresh_from_db()
    assert northwind.facts.nps_score == 9
    assert "Quick answers." in web.get(reverse("interactions:surveys"), {"band": "promoters"}).content.decode()
    assert "Quick answers." not in web.get(reverse("interactions:surveys"), {"band": "detractors"}).content.decode()
    assert "Quick answers." in web.get(reverse("clients:client", args=[northwind.pk])).content.decode()
    web.post(reverse("interactions:answer-archive", args=[row.pk]))
    northwind.facts.refresh_from_db()
    assert northwind.facts.nps_score is None
    assert "Quick answers." not in web.get(reverse("interactions:surveys")).content.decode()
    web.post(reverse("interactions:answer-restore", args=[row.pk]))
    northwind.facts.refresh_from_db()
    assert northwind.facts.nps_score == 9


@pytest.mark.parametrize(
    "wrong", [{"score": "11"}, {"score": ""}, {"score": "nine"}, {"answered_at": "2199-01-01T10:00"}]
)
def test_a_wrong_answer_is_not_saved(web, northwind, wrong):
    when = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    answer = web.post(
        reverse("interactions:answer-create", args=[northwind.pk]),
        {"score": "9", "comment": "Fine", "answered_at": when} | wrong,
    )
    assert answer.status_code == 422 and "Fine" in answer.content.decode()
    assert not SurveyResponse.objects.exists()


def test_facts_made_anew_are_the_same(marta, northwind, elina):
    logged(marta, northwind)
    follow_up(actor=marta, client=northwind, due_date=date(2027, 1, 5), now=now())
    record_answer(acting(marta), survey=ensure_nps_survey(), client=northwind, score=8, answered_at=now(), now=now())
    make_client(owner=marta, name="Quiet Oy")
    northwind.facts.refresh_from_db()
    names = (
        "last_contact_at",
        "last_contact_channel",
        "next_step_at",
        "next_step_id",
        "open_follow_ups",
        "nps_score",
        "nps_at",
    )
    before = [getattr(northwind.facts, name) for name in names]
    northwind.facts.__class__.objects.update(last_contact_at=None, next_step_id=1, open_follow_ups=9, nps_score=None)
    assert rebuild_facts(client_ids=[northwind.pk]) == 1
    northwind.facts.refresh_from_db()
    assert [getattr(northwind.facts, name) for name in names] == before


def test_interactions_of_a_client_in_the_trash_leave_the_list(web, marta, northwind):
    logged(marta, northwind, body="Gone with the client")
    northwind.archived_at = now()
    northwind.save()
    assert "Gone with the client" not in web.get(reverse("interactions:list")).content.decode()
    assert Interaction.objects.kept().count() == 1


def test_reassigning_asks_for_a_colleague_and_tells_both_sides(client, marta, otto, northwind):
    """Nobody is chosen beforehand; the toast names who has it now and takes it back; a notification that was taken back goes."""
    mira = make_user(name="Mira Aalto", roles=("manager",))
    client.force_login(mira)
    row = follow_up(actor=marta, client=northwind, title="Send the price", assignee=marta)
    url = reverse("interactions:follow-up-reassign", args=[row.pk])
    form = client.get(url).context["form"]
    assert form["assignee"].value() is None and 'data-combobox=""' in str(form["assignee"])
    assert client.post(url, {"assignee": ""}).status_code == 422
    answer = client.post(url, {"assignee": otto.pk}, headers={"hx-request": "true"})
    toast = json.loads(answer["HX-Trigger"])["toast"]
    assert toast["text"] == "“Send the price” reassigned to Otto Berg"
    told = Notification.objects.order_by("user__name")
    assert list(told.values_list("user__name", "text", "url")) == [
        (
            "Marta Kallio",
            f"Mira Aalto reassigned “Send the price” to Otto Berg · {northwind.name}",
            f"/follow-ups/{row.pk}/",
        ),
        ("Otto Berg", f"Mira Aalto assigned “Send the price” to you · {northwind.name}", f"/follow-ups/{row.pk}/"),
    ]
    client.post(toast["undo_url"])
    row.refresh_from_db()
    assert row.assignee == marta
    assert set(Notification.objects.values_list("user__name", flat=True)) == {"Marta Kallio"}


def test_many_reassigned_at_once_are_one_notification(web, marta, otto, northwind):
    rows = [follow_up(actor=marta, client=northwind, title=f"Step {n}") for n in range(12)]
    data = {"action": "follow-ups.reassign", "ids": [row.pk for row in rows], "confirmed": "1", "assignee": otto.pk}
    web.post(reverse("interactions:follow-ups-select"), data)
    assert FollowUp.objects.filter(assignee=otto).count() == 12
    assert [(row.user, row.text) for row in Notification.objects.all()] == [
        (otto, "Marta Kallio assigned 12 follow-ups to you")
    ]


def test_interactions_are_in_the_navigation_and_a_contact_has_a_timeline(web, marta, otto, northwind):
    """What was said with this person alone, wherever the reader sees it; the last contact; a way to log the next one."""
    now = timezone.now()
    elina = make_contact(client=northwind, is_primary=True)
    log(
        actor=marta,
        client=northwind,
        contacts=[elina],
        subject="Payroll talk",
        occurred_at=now - timedelta(days=2),
        now=now,
    )
    log(actor=marta, client=northwind, subject="Without her", occurred_at=now - timedelta(days=1), now=now)
    hidden = make_client(owner=otto, name="Secret Oy", is_restricted=True)
    Affiliation.objects.create(client=hidden, contact=elina)
    log(actor=otto, client=hidden, contacts=[elina], subject="Unseen talk", occurred_at=now, now=now)
    page = web.get(reverse("clients:contact", args=[elina.pk])).text
    assert 'href="/interactions/"' in page
    assert "Payroll talk" in page and "Without her" not in page and "Unseen talk" not in page
    assert "Last contact" in page and f"/clients/{northwind.pk}/log/?contact={elina.pk}" in page
    assert [row.subject for row in web.get(f"/interactions/?contact={elina.pk}").context["page"].rows] == [
        "Payroll talk"
    ]
    assert web.get(f"/clients/{northwind.pk}/log/?contact={elina.pk}").context["form"]["contacts"].value() == [elina.pk]


def test_on_a_saturday_the_next_step_and_the_snooze_begin_with_monday(web, marta, northwind, time_machine):
    time_machine.move_to(datetime(2026, 11, 28, 9, 0, tzinfo=UTC), tick=False)
    asked = web.get(reverse("interactions:follow-up-create", args=[northwind.pk])).context["form"]
    assert asked.initial["due_date"] == date(2026, 11, 30)
    late = follow_up(actor=marta, client=northwind, title="Late one", due_date=date(2026, 11, 27), now=now())
    snooze = web.get(reverse("interactions:follow-up-snooze", args=[late.pk])).context["form"]
    assert snooze.initial["until"].strftime("%a %d %H:%M") == "Mon 30 08:00"


def test_a_day_that_has_passed_is_asked_about_once(web, marta, northwind):
    url = reverse("interactions:follow-up-create", args=[northwind.pk])
    data = {
        "title": "Call",
        "due_date": "2020-03-01",
        "assignee": marta.pk,
        "priority": "2",
        "rrule": "",
        "time_zone": "",
    }
    answer = web.post(url, data)
    assert answer.status_code == 422 and "This day has passed." in answer.text and not FollowUp.objects.exists()
    again = re.search(r'name="asked" value="([^"]*)"', answer.text)[1]
    assert web.post(url, data | {"asked": again, "due_date": "2020-03-02"}).status_code == 422, (
        "changing the day asks again"
    )
    assert web.post(url, data | {"asked": again}).status_code == 302
    row = FollowUp.objects.get()
    edit = reverse("interactions:follow-up", args=[row.pk])
    assert web.post(edit, data | {"title": "Call them", "version": 1}).status_code == 302, (
        "an unchanged past day is not asked about"
    )

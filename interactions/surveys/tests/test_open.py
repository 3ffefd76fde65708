"""The open pages of a survey's mail: looking changes nothing, one button answers, one stops; no login, no second answer."""

import re
from datetime import timedelta
from functools import partial

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from clients.contacts.models import Consent, ContactEmail
from clients.records.models import ClientFacts
from clients.registry import TimelineAsk
from crm.core.base.principals import NOBODY, SYSTEM, acting
from crm.core.base.secret_links import link_token
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from interactions.client_page import timeline
from interactions.surveys.choices import InvitationState
from interactions.surveys.models import SurveyInvitation, SurveyResponse
from interactions.surveys.services import answering, mailing
from interactions.surveys.services.answers import ensure_nps_survey
from tools.testing.factories.interactions import make_client, make_contact, make_firm, make_user
from tools.testing.threads import at_once

pytestmark = pytest.mark.django_db


def asked(owner, client, first="Elina", last="Saari", now=None):
    """Somebody at the client, asked just now."""
    contact = make_contact(client=client, first_name=first, last_name=last)
    ContactEmail.objects.create(contact=contact, address=f"{first.lower()}@northwind.example", is_primary=True)
    now = now or timezone.now()
    (row,) = mailing.ask_contacts(acting(owner), survey=ensure_nps_survey(), client=client, contacts=[contact], now=now)
    return row


@pytest.fixture
def row(marta, northwind):
    return asked(marta, northwind)


def answer_link(row, purpose="survey-answer"):
    return reverse("interactions:survey-answer-link", args=[row.pk, link_token(purpose, row.pk, row.salt)])


def stop_link(row, purpose="survey-stop"):
    return reverse("interactions:survey-stop-link", args=[row.pk, link_token(purpose, row.pk, row.salt)])


def page_of(row):
    return reverse("interactions:survey-answer", args=[row.pk])


def come_in(client, row, score=9):
    """Click a number in the mail; the page it leads to."""
    return client.get(f"{answer_link(row)}?score={score}", follow=True)


def give(client, row, **fields):
    come_in(client, row)
    return client.post(page_of(row), {"score": 9, "comment": ""} | fields, follow=True)


def move(row, **fields):
    SurveyInvitation.objects.filter(pk=row.pk).update(**fields)
    row.refresh_from_db()


# Looking


def test_a_click_opens_a_clean_page_with_the_score_chosen(client, row):
    answer = client.get(answer_link(row) + "?score=8")
    assert (answer.status_code, answer["Location"]) == (302, f"{page_of(row)}?score=8")
    assert answer["Referrer-Policy"] == "no-referrer"
    cookie = answer.cookies["survey"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (page_of(row), True, "Lax")
    page = client.get(answer["Location"])
    assert page.status_code == 200
    assert page["Cache-Control"] == "no-store"
    assert re.findall(r'name="score" value="(\d+)"[^>]* checked', page.text) == ["8"]
    assert "Your answer goes to Marta Kallio at Kallio &amp; Co." in page.text
    assert page.text.count("<button") == 1
    assert link_token("survey-answer", row.pk, row.salt) not in page.text


@pytest.mark.parametrize("method", ["get", "head"])
def test_scanners_neither_answer_nor_use_it_up(row, method, client):
    before = _written()
    for score in range(11):
        scanner = Browser()
        getattr(scanner, method)(f"{answer_link(row)}?score={score}")
        getattr(scanner, method)(f"{page_of(row)}?score={score}")
    for path in (stop_link(row), reverse("interactions:survey-stop", args=[row.pk])):
        scanner = Browser()
        getattr(scanner, method)(path, follow=True)
    assert _written() == before, "not a row was written"
    assert give(client, row).status_code == 200
    assert SurveyResponse.objects.get().score == 9


def _written():
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables")
        return cursor.fetchone()[0]


def test_a_token_of_another_purpose_person_or_time_is_404(client, marta, northwind, row):
    other = asked(marta, northwind, first="Aino")
    wrong = [
        answer_link(row, "survey-stop"),
        stop_link(row, "survey-answer"),
        answer_link(row, "progress-stop"),
        reverse("interactions:survey-answer-link", args=[row.pk, link_token("survey-answer", other.pk, other.salt)]),
        reverse("interactions:survey-stop-link", args=[row.pk, link_token("survey-stop", other.pk, other.salt)]),
        reverse("interactions:survey-answer-link", args=[row.pk, "x" * 64]),
        reverse("interactions:survey-answer-link", args=[row.pk, "ä"]),
        reverse("interactions:survey-stop-link", args=[row.pk, "ä"]),
        reverse("interactions:survey-answer-link", args=[987654321, link_token("survey-answer", 987654321, row.salt)]),
    ]
    for path in wrong:
        assert client.get(path).status_code == 404, path
    assert client.post(stop_link(row, "survey-answer")).status_code == 404
    assert not Consent.objects.exists()


def test_the_cookie_of_one_opens_no_other(client, marta, northwind, row):
    other = asked(marta, northwind, first="Aino")
    come_in(client, row)
    client.cookies["survey"]["path"] = "/"
    assert client.get(page_of(other)).status_code == 404
    assert client.post(page_of(other), {"score": 1}).status_code == 404
    assert not SurveyResponse.objects.exists()


def test_without_the_cookie_the_page_says_what_to_do(client, row):
    page = client.get(page_of(row))
    assert page.status_code == 404
    assert "Open the link from your email" in page.text
    assert client.post(page_of(row), {"score": 9}).status_code == 404


def test_a_score_that_is_none_is_left_out(client, row):
    for odd in ("11", "-1", "abc", "٣", "9" * 5000, ""):
        answer = client.get(answer_link(row), {"score": odd})
        assert answer["Location"] == page_of(row), odd


# Answering


def test_an_answer_is_everywhere_at_once(client, marta, northwind, row):
    page = give(client, row, score=9, comment="You pick up the phone.")
    assert "Thank you" in page.text and "You gave us 9 out of 10." in page.text
    response = SurveyResponse.objects.get()
    assert (response.score, response.comment, response.contact_id, response.entered_by) == (
        9,
        "You pick up the phone.",
        row.contact_id,
        None,
    )
    row.refresh_from_db()
    assert (row.state, row.response) == (InvitationState.ANSWERED, response)
    assert ClientFacts.objects.get(client=northwind).nps_score == 9
    (item,) = timeline.survey_items(acting(marta), northwind, TimelineAsk(None, 10))
    assert item.object == response
    note = Notification.objects.get()
    assert (note.user, note.text) == (marta, "Elina Saari at Northwind Advisory answered 9 out of 10.")


def test_a_detractor_is_named_as_one(client, marta, row):
    give(client, row, score=3)
    assert Notification.objects.get().text.startswith(
        "Detractor: Elina Saari at Northwind Advisory answered 3 out of 10."
    )


def test_a_change_takes_the_place_of_the_answer(client, northwind, row):
    give(client, row, score=9)
    again = client.get(f"{answer_link(row)}?score=4", follow=True)
    assert "You answered 9." in again.text and "Change my answer" in again.text
    client.post(page_of(row), {"score": 4, "comment": "Since then you forgot us."})
    response = SurveyResponse.objects.get()
    assert (response.score, response.comment, response.version) == (4, "Since then you forgot us.", 2)
    assert ClientFacts.objects.get(client=northwind).nps_score == 4
    assert Notification.objects.count() == 1, "one per hour, with the current answer"


def test_the_same_answer_twice_tells_once(client, row):
    give(client, row, score=9)
    client.post(page_of(row), {"score": 9, "comment": ""})
    assert SurveyResponse.objects.get().version == 1
    assert Notification.objects.count() == 1


@pytest.mark.parametrize("fields", [{"score": ""}, {"score": "11"}, {"score": "x"}, {"comment": "y" * 2001}])
def test_what_is_wrong_keeps_what_was_typed(client, row, fields):
    come_in(client, row)
    page = client.post(page_of(row), {"score": 7, "comment": "Half a thought"} | fields)
    assert page.status_code == 422
    assert fields.get("comment", "Half a thought")[:50] in page.text
    assert not SurveyResponse.objects.exists()


def test_a_form_of_another_site_does_not_answer(row):
    careful = Browser(enforce_csrf_checks=True)
    come_in(careful, row)
    assert careful.post(page_of(row), {"score": 9}).status_code == 403
    assert not SurveyResponse.objects.exists()


def test_markup_in_a_comment_stays_text(client, marta, northwind, row):
    give(client, row, comment="<script>alert(1)</script>")
    client.force_login(marta)
    page = client.get(reverse("interactions:client-surveys", args=[northwind.pk]))
    assert "&lt;script&gt;alert(1)" in page.text


# When it is over


def test_expired(client, row):
    come_in(client, row)
    move(row, expires_at=timezone.now() + timedelta(seconds=1), send_at=timezone.now() - timedelta(days=1))
    move(row, expires_at=timezone.now() - timedelta(hours=1))
    page = client.get(page_of(row))
    assert page.status_code == 410
    assert "This survey is closed" in page.text
    assert client.post(page_of(row), {"score": 9}).status_code == 410
    assert not SurveyResponse.objects.exists()


def test_an_answer_stays_when_the_time_is_over(client, row):
    give(client, row, score=9)
    move(row, send_at=timezone.now() - timedelta(days=30), expires_at=timezone.now() - timedelta(hours=1))
    page = client.get(page_of(row) + "?score=2")
    assert "Thank you" in page.text and "Change my answer" not in page.text
    client.post(page_of(row), {"score": 2})
    assert SurveyResponse.objects.get().score == 9


def test_taken_back(client, marta, row):
    come_in(client, row)
    mailing.skip_invitation(acting(marta), invitation=row, now=timezone.now())
    page = client.get(page_of(row))
    assert (page.status_code, "This survey is closed" in page.text) == (410, True)
    assert client.post(page_of(row), {"score": 9}).status_code == 410


def test_of_a_client_in_the_trash(client, northwind, row):
    come_in(client, row)
    northwind.archived_at = timezone.now()
    northwind.save()
    assert client.post(page_of(row), {"score": 9}).status_code == 410
    assert not SurveyResponse.objects.exists()


# Stopping


def test_one_click_in_the_mail_program_stops_without_login_or_cookie(marta, northwind, row):
    program = Browser(enforce_csrf_checks=True)
    answer = program.post(stop_link(row), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    consent = Consent.objects.get()
    assert (consent.contact_id, consent.purpose, consent.is_given) == (row.contact_id, "survey", False)
    assert Notification.objects.get().text == "Elina Saari unsubscribed from surveys."
    decided = consent.decided_at
    program.post(stop_link(row))
    consent.refresh_from_db()
    assert consent.decided_at == decided
    assert Notification.objects.count() == 1


def test_by_hand_the_page_asks_first(client, row):
    page = client.get(stop_link(row), follow=True)
    assert page.redirect_chain == [(reverse("interactions:survey-stop", args=[row.pk]), 302)]
    assert "Unsubscribe from surveys?" in page.text
    assert not Consent.objects.exists()
    assert "You are unsubscribed from surveys" in client.post(reverse("interactions:survey-stop", args=[row.pk])).text
    assert not Consent.objects.get().is_given


def test_what_waits_for_who_stopped_is_taken_back(client, marta, northwind, row):
    later = SurveyInvitation.objects.create(
        survey=row.survey,
        client=northwind,
        contact=row.contact,
        address=row.address,
        source="rule",
        period="later",
        key="later",
        salt="s",
        send_at=timezone.now() + timedelta(days=200),
        expires_at=timezone.now() + timedelta(days=220),
    )
    client.post(stop_link(row))
    later.refresh_from_db()
    assert (later.state, later.skip_reason) == (InvitationState.SKIPPED, "The recipient opted out of surveys")
    assert OutboxMail.objects.get().state == "cancelled"
    page = come_in(client, row)
    assert (page.status_code, "You are unsubscribed from surveys" in page.text) == (410, True)
    assert client.post(page_of(row), {"score": 9}).status_code == 410


# In a browser


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_in_a_browser_on_a_phone(page, live_server, assert_accessible):
    make_firm(is_set_up=True)
    marta = make_user()
    row = asked(marta, make_client(owner=marta))
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme="dark")
    page.goto(f"{live_server.url}{answer_link(row)}?score=6")
    assert page.url == f"{live_server.url}{page_of(row)}?score=6"
    assert page.locator("[name=score][value='6']").is_checked()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("[name=score][value='6']").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_label("What is the main reason for your score?").fill("Good people.")
    page.get_by_role("button", name="Send my answer").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    assert SurveyResponse.objects.get().score == 7
    assert_accessible(page)
    page.emulate_media(color_scheme="light")
    page.get_by_role("link", name="Change my answer").click()
    page.locator("[name=score][value='10']").check(force=True)
    page.get_by_role("button", name="Change my answer").click()
    page.get_by_text("10 out of 10").wait_for()
    assert SurveyResponse.objects.get().score == 10
    page.goto(live_server.url + stop_link(row))
    assert_accessible(page)
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("heading", name="You are unsubscribed from surveys").wait_for()
    assert Consent.objects.filter(contact=row.contact, is_given=False).exists()


def contexts_of(model, row):
    events = model.pgh_event_models["update"].objects.filter(pgh_obj_id=row.pk).order_by("-pgh_id")
    return events.first().pgh_context.metadata


def test_the_history_names_the_person_whose_link_it_was(client, row):
    give(client, row)
    assert SurveyResponse.pgh_event_models["insert"].objects.get().pgh_context.metadata["contact"] == row.contact_id
    named = contexts_of(SurveyInvitation, row)
    assert (named["principal"], named["contact"]) == ("link", row.contact_id)
    give(client, row, score=3)
    named = contexts_of(SurveyResponse, SurveyResponse.objects.get())
    assert (named["principal"], named["contact"]) == ("link", row.contact_id)


@pytest.mark.parametrize("do", [answering.stop_surveys, partial(answering.answer_invitation, score=9)])
def test_nobody_acts_with_the_link_of_somebody_else(marta, northwind, row, do):
    other = asked(marta, northwind, "Jari", "Koski")
    for principal in (other.link_principal, acting(marta), SYSTEM, NOBODY):
        with pytest.raises(PermissionDenied):
            do(principal, invitation=row, now=timezone.now())
    assert not SurveyResponse.objects.exists() and not Consent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_answer():
    make_firm()
    marta = make_user()
    row = asked(marta, make_client(owner=marta))

    def click(number):
        score = (3, 9)[number]
        answering.answer_invitation(row.link_principal, invitation=row, score=score, now=timezone.now())

    assert at_once(click, 2) == [None] * 2
    response = SurveyResponse.objects.get()
    assert response.version == 2 and ClientFacts.objects.get().nps_score == response.score


def test_forty_changes_are_one_notification_and_end(client, row, time_machine):
    time_machine.move_to(timezone.now().replace(minute=1), tick=False)
    for n in range(40):
        give(client, row, score=n % 11)
    answer = SurveyResponse.objects.get()
    assert answer.version == answering.MOST_VERSIONS
    notification = Notification.objects.get()
    assert f"answered {answer.score} out of" in notification.text
    assert answering.state_of(SurveyInvitation.objects.get(), timezone.now()) == "thanked"

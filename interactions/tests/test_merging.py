"""A merge loses and doubles no mail: progress emails of two schedules, mails that wait, surveys, and the links in earlier mails."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from clients.contacts.services import affiliate
from clients.merging.services import merge_clients, merge_contacts
from clients.merging.undoing import undo_client_merge
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.base.secret_links import link_token
from crm.core.mail.models import OutboxMail
from interactions.progress.models import ProgressEmail, ProgressRecipient
from interactions.progress.services import drafts, schedules, sending
from interactions.surveys.choices import InvitationState
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services import mailing
from interactions.surveys.services.answers import ensure_nps_survey
from tools.testing.factories.interactions import log, make_client, make_person

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FRIDAY_NOON = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)  # 12:00 in Helsinki
PLANNED = FRIDAY_NOON - 30 * HOUR
SENT = FRIDAY_NOON - 3 * HOUR


@pytest.fixture
def pair(marta):
    return tuple(make_client(owner=marta, name=name, time_zone="Europe/Helsinki") for name in ("Alder", "Alder Oy"))


def scheduled(client, *contacts):
    for contact in contacts:
        affiliate(acting(client.owner), client=client, contact=contact)
    log(
        actor=client.owner,
        client=client,
        subject="Findings explained",
        occurred_at=MONDAY,
        now=MONDAY,
        visibility="shared",
    )
    told = {"recipients": contacts, "now": MONDAY, "is_review_needed": False}
    return schedules.set_schedule(acting(client.owner), client=client, **told)


def merged(kept, away, now=PLANNED + HOUR):
    return merge_clients(acting(kept.owner), kept=kept, away=away, now=now)


def addresses(**narrowed):
    return sorted(OutboxMail.objects.filter(kind="progress", **narrowed).values_list("to_address", flat=True))


def test_two_schedules_become_one(pair):
    kept, away = pair
    elina, olli = make_person(kept, "Elina"), make_person(away, "Olli")
    scheduled(kept, elina)
    scheduled(away, olli, elina)
    schedules.plan_progress(PLANNED)
    assert ProgressEmail.objects.count() == 2
    merge = merged(kept, away)
    sending.run_progress(SENT)
    assert addresses() == sorted([elina.emails.get().address, olli.emails.get().address])
    assert {mail.client_id for mail in OutboxMail.objects.filter(kind="progress")} == {kept.pk}
    schedules.plan_progress(PLANNED + 7 * 24 * HOUR)
    assert ProgressEmail.objects.filter(week="2026-W49").count() == 1
    undo_client_merge(acting(kept.owner), merge=merge, now=SENT + HOUR)
    assert {row.contact for row in away.progress_schedule.recipients.all()} == {olli, elina}


def test_a_schedule_moves_where_there_is_none(pair):
    kept, away = pair
    olli = make_person(away, "Olli")
    scheduled(away, olli)
    schedules.plan_progress(PLANNED)
    merged(kept, away)
    sending.run_progress(SENT)
    assert addresses(client_id=kept.pk) == [olli.emails.get().address]


def test_mail_that_waits_goes_where_it_went_and_once(pair):
    kept, away = pair
    elina, olli = make_person(kept, "Elina"), make_person(away, "Olli")
    for client, contact in ((kept, elina), (away, olli)):
        scheduled(client, contact)
    schedules.plan_progress(PLANNED)
    sending.run_progress(SENT)
    before = list(
        OutboxMail.objects.filter(kind="progress").order_by("pk").values("pk", "key", "to_address", "state", "cause_id")
    )
    assert len(before) == 2
    merged(kept, away, now=SENT + HOUR)
    sending.run_progress(SENT + HOUR)
    after = OutboxMail.objects.filter(kind="progress").order_by("pk")
    assert list(after.values("pk", "key", "to_address", "state", "cause_id")) == before
    assert {mail.client_id for mail in after} == {kept.pk}
    for mail in after:
        assert sending.emails.against_progress(mail) == ""


def test_nobody_gets_two_in_a_week(pair):
    kept, away = pair
    elina, olli = make_person(kept, "Elina"), make_person(away, "Olli")
    scheduled(kept, elina)
    scheduled(away, olli)
    schedules.plan_progress(PLANNED)
    moments = {"send_at": PLANNED, "draft_at": PLANNED - HOUR, "covers_to": PLANNED}
    ProgressEmail.objects.filter(client=away).update(**moments)
    sending.run_progress(PLANNED)
    assert addresses() == [olli.emails.get().address]
    merged(kept, away)
    sending.run_progress(SENT)
    assert addresses() == sorted([elina.emails.get().address, olli.emails.get().address])
    assert ProgressEmail.objects.get(client=kept).state == "sent"


def test_an_undo_within_the_week_sends_no_second_one(pair):
    kept, away = pair
    elina, olli = make_person(kept, "Elina"), make_person(away, "Olli")
    scheduled(kept, elina)
    scheduled(away, olli)
    schedules.plan_progress(PLANNED)
    merge = merged(kept, away)
    sending.run_progress(SENT)
    OutboxMail.objects.filter(kind="progress").update(created_at=SENT)
    before = addresses()
    assert len(before) == 2
    undo_client_merge(acting(kept.owner), merge=merge, now=SENT + HOUR)
    sending.run_progress(SENT + HOUR)
    assert addresses() == before
    assert "this week" in ProgressEmail.objects.get(client=away).skip_reason


@pytest.mark.parametrize("state", ["sent", "skipped"])
def test_an_email_that_waits_is_not_lost(pair, state):
    kept, away = pair
    elina, olli = make_person(kept, "Elina"), make_person(away, "Olli")
    scheduled(kept, elina)
    scheduled(away, olli)
    schedules.plan_progress(PLANNED)
    ProgressEmail.objects.filter(client=kept).update(state=state, sent_at=PLANNED)
    with pytest.raises(ServiceError, match="Send or skip it first"):
        merged(kept, away)
    email = ProgressEmail.objects.get(client=away)
    drafts.skip_progress(acting(away.owner), email=email, now=PLANNED)
    merged(kept, away)


@pytest.mark.parametrize("who", ["elina", "olli"])
def test_the_link_of_an_earlier_mail_stops_them(client, pair, who):
    kept, away = pair
    elina, olli = make_person(kept, "Elina"), make_person(away, "Olli")
    scheduled(kept, elina)
    scheduled(away, olli, elina)
    recipient = away.progress_schedule.recipients.get(contact=elina if who == "elina" else olli)
    merged(kept, away)
    token = link_token("progress-stop", recipient.pk, recipient.salt)
    assert client.post(reverse("interactions:progress_stop", args=[recipient.pk, token])).status_code == 200
    own = ProgressRecipient.objects.get(schedule__client=kept, contact=recipient.contact)
    assert own.stopped_at is not None


def test_who_stopped_one_of_two_gets_neither(pair):
    kept, away = pair
    elina = make_person(kept, "Elina")
    scheduled(kept, elina)
    scheduled(away, elina)
    away.progress_schedule.recipients.update(stopped_at=MONDAY)
    merged(kept, away)
    assert kept.progress_schedule.recipients.get().stopped_at == MONDAY


def test_nobody_is_asked_twice_after_a_merge_of_contacts(client, marta, pair):
    kept, away = pair
    survey = ensure_nps_survey()
    elina, again = make_person(kept, "Elina"), make_person(away, "Elina", address="e@alder.example")
    (asked,) = mailing.ask_contacts(acting(marta), survey=survey, client=away, contacts=[again], now=PLANNED)
    merge_contacts(acting(marta), kept=elina, away=again, now=PLANNED + HOUR)
    merged(kept, away)
    asked.refresh_from_db()
    assert (asked.client, asked.contact, asked.state) == (kept, elina, InvitationState.SENT)
    (person,) = [
        one for one in mailing.askable(survey=survey, client=kept, now=PLANNED + HOUR) if one.contact_id == elina.pk
    ]
    assert person.reason
    mail = OutboxMail.objects.get(kind="survey")
    assert (mail.to_address, mail.client_id, mail.contact_id) == ("e@alder.example", kept.pk, elina.pk)
    token = link_token("survey-answer", asked.pk, asked.salt)
    assert client.get(f"/mail/survey/{asked.pk}/{token}/", follow=True).status_code == 200
    assert SurveyInvitation.objects.count() == 1

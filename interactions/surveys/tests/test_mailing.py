"""Surveys by mail: whom they reach, once a person and period, when, and what keeps a mail back."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from clients.contacts.models import ContactEmail
from clients.contacts.services import set_consent
from clients.records.models import Client, ClientAccess
from crm.core.base import placeholders
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import SYSTEM, acting
from crm.core.base.secret_links import hash_token, link_token
from crm.core.mail.delivery.deliverer import deliver_due
from crm.core.mail.delivery.message import html_for_display, text_for_display
from crm.core.mail.models import OutboxMail, Suppression
from interactions.surveys import emails
from interactions.surveys.audience import LeftOut
from interactions.surveys.choices import Asked, InvitationState
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services import mailing, rules
from interactions.surveys.services.answers import ensure_nps_survey
from tools.testing.factories.interactions import make_client, make_contact, make_firm, make_user
from tools.testing.factories.interactions import make_person as person
from tools.testing.sink import running_sink

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)  # a Wednesday, 11:00 in Helsinki
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def survey(firm):
    return ensure_nps_survey()


@pytest.fixture
def elina(northwind):
    return person(northwind, "Elina", "Saari", is_primary=True)


def ask(actor, survey, client, *contacts, now=NOW):
    return mailing.ask_contacts(acting(actor), survey=survey, client=client, contacts=contacts, now=now)


def invite(actor, survey, clients=None, now=NOW, **fields):
    clients = Client.objects.visible_to(acting(actor)) if clients is None else clients
    return mailing.invite_clients(acting(actor), survey=survey, clients=clients, now=now, **fields)


def left_out(survey, actor, who=Asked.MAIN, now=NOW):
    found = mailing.mass_audience(survey=survey, clients=Client.objects.visible_to(acting(actor)), who=who, now=now)
    return {one.name: one.reason for one in found.left_out}


# Asking


def test_one_person_is_asked_by_mail(marta, survey, northwind, elina):
    (row,) = ask(marta, survey, northwind, elina)
    mail = OutboxMail.objects.get(key=f"survey:{survey.pk}:{elina.pk}:2026-11-25")
    assert (row.state, row.sent_at, row.expires_at) == (InvitationState.SENT, NOW, NOW + 21 * DAY)
    assert (mail.to_address, mail.reply_to, mail.from_name) == (
        "elina@northwind.example",
        marta.email,
        "Marta Kallio, Kallio & Co",
    )
    assert (mail.purpose, mail.is_automatic, mail.client_id, mail.contact_id) == (
        "survey",
        False,
        northwind.pk,
        elina.pk,
    )
    assert mail.headers["List-Unsubscribe"] == "<[[stop]]>"
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_mail_has_a_link_for_every_score_in_both_forms(marta, survey, northwind, elina):
    ask(marta, survey, northwind, elina)
    mail = OutboxMail.objects.get()
    for score in range(11):
        assert f'href="[[answer]]?score={score}"' in mail.html
        assert f"\n{score}: [[answer]]?score={score}\n" in mail.text
    assert "http" not in mail.text, "the links are put in when the mail is handed over"


@pytest.mark.django_db(transaction=True)
def test_the_links_are_in_the_mail_that_leaves_and_masked_everywhere_else(settings):
    make_firm()
    marta = make_user()
    client, survey = make_client(owner=marta), ensure_nps_survey()
    (row,) = ask(marta, survey, client, person(client, "Elina", "Saari"), now=timezone.now())
    with running_sink() as (sink, url):
        settings.EMAIL_URL = url
        assert deliver_due() == 1
        (message,) = sink.messages()
    answer = f"{settings.BASE_URL}/mail/survey/{row.pk}/{link_token('survey-answer', row.pk, row.salt)}/"
    stop = f"{settings.BASE_URL}/mail/survey/{row.pk}/stop/{link_token('survey-stop', row.pk, row.salt)}/"
    for kind in ("plain", "html"):
        body = message.get_body((kind,)).get_content()
        assert f"{answer}?score=7" in body
        assert stop in body
    assert message["List-Unsubscribe"] == f"<{stop}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    mail = OutboxMail.objects.get()
    assert link_token("survey-answer", row.pk, row.salt) not in text_for_display(mail) + html_for_display(mail)


def test_only_a_hash_of_the_link_is_kept(marta, survey, northwind, elina):
    (row,) = ask(marta, survey, northwind, elina)
    token = link_token("survey-answer", row.pk, row.salt)
    assert row.token_hash == hash_token(token)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_to_json(m)::text FROM core_outboxmail m UNION ALL SELECT row_to_json(i)::text FROM interactions_surveyinvitation i"
        )
        assert not any(token in text for (text,) in cursor.fetchall())


def test_many_are_asked_as_one_action(manager, marta, survey, northwind, elina):
    southwind = make_client(owner=marta, name="Southwind")
    person(southwind, "Tom", "South", address="tom@southwind.example")
    batch, n = invite(manager, survey, seen_count=2)
    assert n == 2
    assert mailing.send_due(NOW) == 0, "it can be cancelled for five minutes"
    assert mailing.send_due(NOW + timedelta(minutes=5)) == 2
    assert mailing.send_due(NOW + timedelta(minutes=6)) == 0
    assert OutboxMail.objects.filter(kind="survey").count() == 2


def test_a_mailing_is_taken_back_before_it_leaves(manager, survey, northwind, elina):
    batch, _n = invite(manager, survey)
    mine = SurveyInvitation.objects.visible_to(acting(manager))
    assert mailing.skip_batch(acting(manager), batch=batch, invitations=mine, now=NOW) == 1
    assert mailing.send_due(NOW + HOUR) == 0
    assert SurveyInvitation.objects.get().skip_reason == "Skipped by Minna Manager"


def test_the_preview_and_the_sending_agree_or_nothing_is_sent(manager, survey, northwind, elina):
    with pytest.raises(ServiceError) as refused:
        invite(manager, survey, seen_count=7)
    assert refused.value.code == "changed"
    assert not SurveyInvitation.objects.exists()


def test_who_is_left_out_and_why(manager, marta, survey, northwind):
    person(northwind, "Ada", "Able")
    person(northwind, "Nia", "None", address="")
    refused = person(northwind, "Ray", "Refused", address="ray@northwind.example")
    ContactEmail.objects.filter(contact=refused).update(refused_at=NOW)
    person(northwind, "Sue", "Suppressed", address="sue@northwind.example")
    Suppression.objects.create(address="SUE@northwind.example", reason="bounce")
    stopped = person(northwind, "Olga", "Optout", address="olga@northwind.example")
    set_consent(SYSTEM, contact=stopped, purpose="survey", is_given=False, now=NOW)
    ask(
        marta, survey, northwind, person(northwind, "Pia", "Pause", address="pia@northwind.example"), now=NOW - 10 * DAY
    )
    hidden = make_client(owner=marta, name="Hidden", is_restricted=True)
    ClientAccess.objects.create(client=hidden, user=manager, granted_by=marta)
    person(hidden, "Rita", "Restricted", address="rita@hidden.example")
    assert left_out(survey, manager, who=Asked.ALL) == {
        "Nia None": LeftOut.NO_ADDRESS,
        "Ray Refused": LeftOut.REFUSED,
        "Sue Suppressed": LeftOut.REFUSED,
        "Olga Optout": LeftOut.OPTED_OUT,
        "Pia Pause": LeftOut.ASKED,
        "Rita Restricted": LeftOut.RESTRICTED,
    }
    assert invite(manager, survey, who=Asked.ALL)[1] == 1


def test_a_restricted_client_nobody_named_is_not_even_counted(manager, marta, survey):
    hidden = make_client(owner=marta, name="Hidden", is_restricted=True)
    person(hidden, "Rita", "Restricted")
    assert left_out(survey, manager) == {}
    with pytest.raises(ServiceError):
        invite(manager, survey)


def test_the_main_contact_alone_or_everybody(manager, survey, northwind, elina):
    person(northwind, "Ada", "Able")
    found = mailing.mass_audience(survey=survey, clients=Client.objects.all(), who=Asked.MAIN, now=NOW)
    assert [one.name for one in found.people] == ["Elina Saari"]
    found = mailing.mass_audience(survey=survey, clients=Client.objects.all(), who=Asked.ALL, now=NOW)
    assert len(found.people) == 2


def test_a_person_at_two_clients_is_asked_once(manager, marta, survey, northwind, elina):
    southwind = make_client(owner=marta, name="Southwind")
    southwind.affiliations.create(contact=elina, is_primary=True)
    assert left_out(survey, manager) == {"Elina Saari": LeftOut.TWICE}
    assert invite(manager, survey)[1] == 1


# The pause


def test_nobody_is_asked_again_within_the_pause(marta, survey, northwind, elina):
    ask(marta, survey, northwind, elina)
    with pytest.raises(ServiceError) as refused:
        ask(marta, survey, northwind, elina, now=NOW + 89 * DAY)
    assert "Elina Saari: surveyed recently" in refused.value.message
    assert ask(marta, survey, northwind, elina, now=NOW + 91 * DAY)[0].state == InvitationState.SENT


def test_the_pause_counts_what_is_planned_and_not_what_was_skipped(marta, manager, survey, northwind, elina):
    invite(manager, survey)
    with pytest.raises(ServiceError):
        ask(marta, survey, northwind, elina, now=NOW + DAY)
    mailing.skip_invitation(acting(marta), invitation=SurveyInvitation.objects.get(), now=NOW)
    assert ask(marta, survey, northwind, elina, now=NOW + DAY)[0].state == InvitationState.SENT


def test_the_database_holds_one_a_period(survey, northwind, elina, marta):
    (row,) = ask(marta, survey, northwind, elina)
    row.pk = None
    row.token_hash = "other"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


# What keeps one back keeps no other back


def test_a_name_with_a_line_break_goes_on_one_line(manager, survey, northwind, elina, marta):
    evil = make_client(owner=marta, name="Evil")
    person(evil, "Eve\r\nBcc: all@victim.example", "Il", address="eve@evil.example")
    assert invite(manager, survey)[1] == 2
    assert mailing.send_due(NOW + HOUR) == 2
    mail = OutboxMail.objects.get(client_id=evil.pk)
    assert mail.to_name == "Eve Bcc: all@victim.example Il"
    assert mail.text.startswith("Hello Eve Bcc: all@victim.example,\n")


def test_an_address_that_is_none_is_refused_in_words(marta, survey, northwind):
    ContactEmail.objects.create(contact=make_contact(client=northwind), address="not an address")
    (row,) = ask(marta, survey, northwind, *[a.contact for a in northwind.affiliations.all()])
    assert row.state == InvitationState.SKIPPED
    assert "not an email address" in row.skip_reason
    assert not OutboxMail.objects.exists()


def test_a_mail_that_cannot_be_made_stops_no_other(manager, survey, northwind, elina, marta, monkeypatch):
    southwind = make_client(owner=marta, name="Southwind")
    person(southwind, "Tom", "South", address="tom@southwind.example")
    invite(manager, survey)
    original = emails.render_survey

    def broken(survey, client, *args, **kwargs):
        if client == northwind:
            raise RuntimeError("boom")
        return original(survey, client, *args, **kwargs)

    monkeypatch.setattr(emails, "render_survey", broken)
    assert mailing.send_due(NOW + HOUR) == 1
    assert (
        SurveyInvitation.objects.get(client=northwind).skip_reason
        == "The email could not be created. Try again, or ask your admin to check the log."
    )
    assert SurveyInvitation.objects.get(client=southwind).state == InvitationState.SENT


def test_a_database_that_is_busy_keeps_it_planned(manager, survey, northwind, elina, monkeypatch):
    """A deadlock, a statement that took too long: no fault of the invitation, which leaves with the next tick."""
    invite(manager, survey)

    def busy(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(1)")

    with monkeypatch.context() as patched:
        patched.setattr(emails, "render_survey", busy)
        assert mailing.send_due(NOW + HOUR) == 0
    assert SurveyInvitation.objects.get().state == InvitationState.PLANNED
    assert mailing.send_due(NOW + HOUR) == 1


@pytest.mark.parametrize("change", ["opted out", "no address", "left", "trash", "asked meanwhile"])
def test_what_changed_since_it_was_planned_counts(manager, marta, survey, northwind, elina, change):
    invite(manager, survey)
    if change == "opted out":
        set_consent(SYSTEM, contact=elina, purpose="survey", is_given=False, now=NOW)
    elif change == "no address":
        elina.emails.all().delete()
    elif change == "left":
        northwind.affiliations.update(left_date=date(2026, 11, 1))
    elif change == "trash":
        Client.objects.filter(pk=northwind.pk).update(archived_at=NOW)
    else:
        row = SurveyInvitation.objects.get()
        SurveyInvitation.objects.create(
            survey=survey,
            client=northwind,
            contact=elina,
            address=row.address,
            source="hand",
            period="other",
            key="other",
            state="sent",
            send_at=NOW,
            sent_at=NOW,
            expires_at=NOW + DAY,
            salt="s",
            token_hash="h",
        )
    assert mailing.send_due(NOW + HOUR) == 0
    row = SurveyInvitation.objects.exclude(key="other").get()
    assert row.state == InvitationState.SKIPPED and row.skip_reason
    assert not OutboxMail.objects.exists()


def test_it_goes_to_the_address_of_the_day_it_leaves(manager, survey, northwind, elina):
    invite(manager, survey)
    elina.emails.update(address="new@northwind.example")
    mailing.send_due(NOW + HOUR)
    assert OutboxMail.objects.get().to_address == SurveyInvitation.objects.get().address == "new@northwind.example"


# Words


def test_the_firms_words_with_placeholders(marta, survey, northwind, elina):
    survey.mail_subject, survey.mail_text = "A word, {first_name}?", "{client} and {firm}, says {account_manager} <b>"
    survey.save()
    ask(marta, survey, northwind, elina)
    mail = OutboxMail.objects.get()
    assert mail.subject == "A word, Elina?"
    assert "Northwind Advisory and Kallio & Co, says Marta Kallio <b>" in mail.text
    assert "Northwind Advisory and Kallio &amp; Co, says Marta Kallio &lt;b&gt;" in mail.html


def test_an_unknown_placeholder_is_named_and_nothing_is_sent(marta, manager, survey, northwind, elina):
    with pytest.raises(ServiceError) as refused:
        rules.set_survey(acting(manager), survey=survey, mail_text="Hello {fist_name}")
    assert refused.value.field == "mail_text"
    assert "“{fist_name}” is not a placeholder here" in refused.value.message
    survey.mail_subject = "{nobody}"
    survey.save()
    with pytest.raises(ServiceError) as refused:
        ask(marta, survey, northwind, elina)
    assert refused.value.field == "mail_subject"
    assert not SurveyInvitation.objects.exists()


def test_merging_is_flat():
    assert placeholders.render("{a}{ b }", {"a": "{b}", "b": "x"}) == "{b}x", "values are not interpolated twice"
    assert placeholders.render("no { brace", {}) == "no { brace"
    for odd in ("{}", "{a.b}", "{a!r}", "{0}", "{__class__}"):
        with pytest.raises(ServiceError):
            placeholders.render(odd, {"a": "x"}, field="text")


# Decisions


def test_skip_and_bring_back(marta, manager, survey, northwind, elina):
    invite(manager, survey)
    row = mailing.skip_invitation(acting(marta), invitation=SurveyInvitation.objects.get(), now=NOW)
    assert mailing.skip_invitation(acting(manager), invitation=row, now=NOW).skip_reason == "Skipped by Marta Kallio"
    back = mailing.bring_back(acting(marta), invitation=row, now=NOW + 2 * HOUR)
    assert (back.state, back.send_at, back.skip_reason) == (InvitationState.PLANNED, NOW + 2 * HOUR, "")


def test_taking_back_what_has_left_cancels_a_waiting_mail(marta, survey, northwind, elina):
    (row,) = ask(marta, survey, northwind, elina)
    mailing.skip_invitation(acting(marta), invitation=row, now=NOW)
    assert OutboxMail.objects.get().state == "cancelled"
    with pytest.raises(ServiceError):
        mailing.bring_back(acting(marta), invitation=row, now=NOW)


def test_another_date_and_a_stale_one(marta, manager, survey, northwind, elina):
    invite(manager, survey)
    row = SurveyInvitation.objects.get()
    moved = mailing.change_date(acting(marta), invitation=row, send_at=NOW + DAY, seen_version=1, now=NOW)
    assert (moved.send_at, moved.expires_at) == (NOW + DAY, NOW + 22 * DAY)
    with pytest.raises(StaleWrite):
        mailing.change_date(acting(marta), invitation=row, send_at=NOW + 2 * DAY, seen_version=1, now=NOW)
    with pytest.raises(ServiceError) as refused:
        mailing.change_date(acting(marta), invitation=row, send_at=NOW - DAY, now=NOW)
    assert refused.value.field == "send_at"


def test_on_a_day_at_ten_where_they_are(manager, marta, survey):
    for name, zone in (("Auckland", "Pacific/Auckland"), ("Denver", "America/Denver")):
        person(make_client(owner=marta, name=name, time_zone=zone), name, "Person", address=f"{name.lower()}@x.example")
    invite(manager, survey, send_date=date(2026, 11, 27))
    times = {row.client.name: row.send_at for row in SurveyInvitation.objects.select_related("client")}
    assert times == {
        "Auckland": datetime(2026, 11, 26, 21, 0, tzinfo=UTC),
        "Denver": datetime(2026, 11, 27, 17, 0, tzinfo=UTC),
    }
    with pytest.raises(ServiceError) as refused:
        invite(manager, survey, send_date=date(2026, 11, 24))
    assert refused.value.field == "send_date"


def test_what_nobody_answers_is_over_in_the_end(marta, survey, northwind, elina):
    (row,) = ask(marta, survey, northwind, elina)
    assert mailing.expire_invitations(NOW + 20 * DAY) == 0
    assert mailing.expire_invitations(NOW + 21 * DAY) == 1
    assert mailing.expire_invitations(NOW + 21 * DAY) == 0
    row.refresh_from_db()
    assert row.state == InvitationState.EXPIRED


# What never left does not count as asked


def test_a_mailing_that_was_taken_back_can_be_sent_again(manager, survey, northwind, elina):
    batch, _n = invite(manager, survey)
    mailing.skip_batch(acting(manager), batch=batch, invitations=SurveyInvitation.objects.all(), now=NOW)
    assert left_out(survey, manager) == {}
    again, number = invite(manager, survey)
    assert number == 1
    first, second = SurveyInvitation.objects.order_by("pk")
    assert (first.batch, second.batch, second.key) == (batch, again, f"{first.key}:2")
    assert mailing.send_due(NOW + HOUR) == 1
    assert OutboxMail.objects.get(kind="survey").key == second.key


def test_one_that_could_not_be_created_may_be_asked_again(marta, survey, northwind, elina, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(emails, "question_of", lambda survey: {}["full_name"])
        (row,) = ask(marta, survey, northwind, elina)
    assert row.state == InvitationState.SKIPPED
    assert "Try again" in row.skip_reason
    (again,) = ask(marta, survey, northwind, elina, now=NOW + HOUR)
    assert again.state == InvitationState.SENT
    assert OutboxMail.objects.get().cause_id == again.pk


@pytest.mark.parametrize("end", ["dead", "cancelled", "expired"])
def test_one_whose_mail_never_left_may_be_asked_again(marta, survey, northwind, elina, end):
    (row,) = ask(marta, survey, northwind, elina)
    mails = OutboxMail.objects.filter(cause_id=row.pk)
    if end == "dead":
        mails.update(state="leased", lease_token="6f2a3c1e-0000-4000-8000-000000000000", lease_until=NOW)
    mails.update(state=end)
    (again,) = ask(marta, survey, northwind, elina, now=NOW + HOUR)
    assert again.state == InvitationState.SENT and OutboxMail.objects.filter(state="pending").count() == 1


def test_one_that_was_delivered_counts_although_it_was_taken_back(marta, survey, northwind, elina):
    (row,) = ask(marta, survey, northwind, elina)
    for state in ("leased", "sending", "sent"):
        OutboxMail.objects.update(
            state=state, lease_token="6f2a3c1e-0000-4000-8000-000000000000", lease_until=NOW, sent_at=NOW
        )
    mailing.skip_invitation(acting(marta), invitation=row, now=NOW)
    with pytest.raises(ServiceError, match="surveyed recently"):
        ask(marta, survey, northwind, elina, now=NOW + DAY)


def test_the_firms_own_greeting_is_the_only_one(marta, survey, northwind, elina):
    survey.mail_text = "Hi {{first_name}},\n\nhow was it?"
    survey.save()
    ask(marta, survey, northwind, elina)
    text = OutboxMail.objects.get().text
    assert text.startswith("Hi Elina,\n\nhow was it?") and "Hello" not in text

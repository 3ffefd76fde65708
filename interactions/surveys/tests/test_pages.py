"""The firm's pages of surveys by mail: choose, look, send; the list; one invitation; the settings; one client; the API."""

from datetime import time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from clients.contacts.models import ContactEmail
from clients.contacts.services import affiliate
from clients.records.services.clients import restrict_client
from clients.segments.models import Segment
from crm.core.base.dates import local_to_utc
from crm.core.base.principals import acting
from crm.core.mail.models import OutboxMail
from interactions.surveys.choices import InvitationState
from interactions.surveys.models import Survey, SurveyInvitation, SurveyRule
from interactions.surveys.services import mailing, rules
from interactions.surveys.services.answers import ensure_nps_survey, record_answer
from tools.testing.factories.interactions import log, make_client, make_contact

pytestmark = pytest.mark.django_db


def person(client, first, address="", **fields):
    contact = make_contact(client=client, first_name=first, last_name="Saari", **fields)
    if address:
        ContactEmail.objects.create(contact=contact, address=address, is_primary=True)
    return contact


@pytest.fixture
def elina(northwind):
    return person(northwind, "Elina", "elina@northwind.example", is_primary=True)


def segment(owner, field, value):
    rule = {"match": "all", "rules": [{"field": field, "op": "is", "values": [value]}]}
    return Segment.objects.create(owner=owner, name=f"{field} {value}", rule=rule)


@pytest.fixture
def planned(manager, northwind, elina):
    now = timezone.now()
    mailing.invite_clients(
        acting(manager),
        survey=ensure_nps_survey(),
        clients=type(northwind).objects.all(),
        send_date=now.date() + timedelta(days=3),
        now=now,
    )
    return SurveyInvitation.objects.get()


def url(name, *args):
    return reverse(f"interactions:{name}", args=args)


# Sending to many


def test_a_segment_is_an_audience_and_a_broken_one_reaches_nobody(client, manager, northwind, elina):
    client.force_login(manager)
    found = {}
    for field, value in (("status", "active"), ("status", "former"), ("shoe_size", "44")):
        page = client.get(url("survey-send"), {"segment": segment(manager, field, value).pk, "who": "main"})
        found[value] = [person.name for person in page.context["found"].people]
    assert found == {"active": ["Elina Saari"], "former": [], "44": []}
    assert "shoe_size" in page.context["error"] and "until it is mended" in page.context["error"]


def test_choose_look_and_send(client, manager, northwind, elina):
    client.force_login(manager)
    form = client.get(url("survey-send"))
    assert form.status_code == 200 and form.text.count("<h2>Recipients</h2>") == 0
    address = url("survey-send") + "?status=active&tier=A&who=main"
    preview = client.get(address)
    assert "<strong>1</strong> person" in preview.text
    assert "elina@northwind.example" in preview.text
    assert not SurveyInvitation.objects.exists(), "a GET sends nothing"
    answer = client.post(address, {"count": 1}, follow=True)
    assert "1 person will be surveyed." in answer.text
    row = SurveyInvitation.objects.get()
    assert (row.state, row.requested_by, row.contact) == (InvitationState.PLANNED, manager, elina)


def test_the_filter_narrows(client, manager, northwind, elina):
    client.force_login(manager)
    page = client.get(url("survey-send") + "?status=former")
    assert "No client with contacts matches these filters." in page.text
    page = client.get(url("survey-send") + "?q=Northwind&status=active")
    assert "<strong>1</strong> person" in page.text and "Clients found by “Northwind”" in page.text


def test_who_is_left_out_is_told(client, manager, northwind, elina):
    person(northwind, "Nia")
    client.force_login(manager)
    page = client.get(url("survey-send") + "?status=active&who=all")
    assert "1 is left out" in page.text and "no email address" in page.text


def test_another_count_than_the_preview_said_sends_nothing(client, manager, northwind, elina):
    client.force_login(manager)
    for count in ("5", "", "x"):
        page = client.post(url("survey-send") + "?status=active", {"count": count})
        assert page.status_code == 422
    assert not SurveyInvitation.objects.exists()


def test_a_day_that_is_over_is_told_beside_the_field(client, manager, northwind, elina):
    client.force_login(manager)
    page = client.post(url("survey-send") + "?status=active&send_date=2020-01-01", {"count": 1})
    assert page.status_code == 422
    assert "This day has passed." in page.text and 'value="2020-01-01"' in page.text
    assert client.get(url("survey-send") + "?send_date=nonsense").status_code == 422


def test_undo_takes_back_what_has_not_left(client, manager, planned):
    client.force_login(manager)
    page = client.post(url("survey-batch-skip", planned.batch), follow=True)
    assert "1 cancelled before it was sent." in page.text
    planned.refresh_from_db()
    assert planned.state == InvitationState.SKIPPED


def test_an_account_manager_sends_to_nobody_at_once(client, marta, northwind, elina):
    client.force_login(marta)
    assert client.get(url("survey-send")).status_code == 403
    assert client.post(url("survey-send") + "?status=active", {"count": 1}).status_code == 403
    assert "Send survey" not in client.get(url("surveys")).text


# The list and one of it


def test_the_list_counts_and_shows_by_state(client, marta, planned):
    client.force_login(marta)
    page = client.get(url("survey-invitations"))
    assert "Elina Saari" in page.text and "Planned 1" in " ".join(page.text.split())
    assert "Elina Saari" not in client.get(url("survey-invitations") + "?show=answered").text
    assert client.get(url("survey-invitations") + "?cursor=junk").status_code == 302


def test_the_list_hides_restricted_clients(client, marta, otto, planned, northwind):
    northwind.is_restricted = True
    northwind.save()
    client.force_login(otto)
    page = client.get(url("survey-invitations"))
    assert "Elina Saari" not in page.text and "Planned 0" in " ".join(page.text.split())
    assert client.get(url("survey-invitation", planned.pk)).status_code == 404


def test_the_list_costs_the_same_however_long(
    client, marta, manager, northwind, planned, django_assert_max_num_queries
):
    for n in range(12):
        other = make_client(owner=marta, name=f"Client {n}")
        person(other, f"P{n}", f"p{n}@x.example")
    now = timezone.now()
    clients = type(northwind).objects.exclude(pk=northwind.pk)
    mailing.invite_clients(
        acting(manager), survey=ensure_nps_survey(), clients=clients, send_date=now.date() + timedelta(days=3), now=now
    )
    client.force_login(marta)
    with django_assert_max_num_queries(9):
        assert client.get(url("survey-invitations")).text.count("<tr>") == 14


def test_the_state_to_begin_with_is_asked_only_where_the_address_names_none(
    client, marta, planned, django_assert_num_queries
):
    client.force_login(marta)
    client.get(url("survey-invitations"))
    with CaptureQueriesContext(connection) as asked:
        client.get(url("survey-invitations"))
    with django_assert_num_queries(len(asked) - 1):
        page = client.get(url("survey-invitations") + "?show=planned")
    assert "Elina Saari" in page.text
    wrong = client.get(url("survey-invitations") + "?show=nonsense")
    assert "Elina Saari" in wrong.text and wrong.context["listing"].values["show"] == "planned"


def test_skip_from_the_list_and_undo(client, marta, planned):
    client.force_login(marta)
    back = url("survey-invitations") + "?show=planned"
    answer = client.post(url("survey-invitation-skip", planned.pk), {"next": back})
    assert answer["Location"] == back
    assert client.get(back).text.count("Skipped: Elina Saari") == 1
    client.post(url("survey-invitation-back", planned.pk))
    planned.refresh_from_db()
    assert planned.state == InvitationState.PLANNED


def test_another_time(client, marta, planned):
    client.force_login(marta)
    day = timezone.localdate() + timedelta(days=5)
    typed = {"send_at": f"{day}T09:30", "version": planned.version}
    assert client.post(url("survey-invitation", planned.pk), typed).status_code == 302
    planned.refresh_from_db()
    assert planned.send_at == local_to_utc(day, time(9, 30), "Europe/Helsinki")
    stale = client.post(url("survey-invitation", planned.pk), typed | {"send_at": f"{day}T10:30"})
    assert stale.status_code == 409 and f"{day}T10:30" in stale.text
    wrong = client.post(
        url("survey-invitation", planned.pk), {"send_at": "2020-01-01T09:00", "version": planned.version}
    )
    assert wrong.status_code == 422 and "This time has passed." in wrong.text and "2020-01-01T09:00" in wrong.text


def test_send_now_and_its_mail_is_shown_masked(client, marta, planned):
    client.force_login(marta)
    client.post(url("survey-invitation-send", planned.pk))
    planned.refresh_from_db()
    assert planned.state == InvitationState.SENT
    mail = client.get(url("survey-invitation-mail", planned.pk))
    assert 'href="#?score=9"' in mail.text and "[[" not in mail.text
    assert "sandbox" in mail["Content-Security-Policy"]
    again = client.post(url("survey-invitation-send", planned.pk), follow=True)
    assert "This one is now “Asked”." in again.text


def test_a_colleague_sees_and_decides_nothing(client, otto, planned):
    client.force_login(otto)
    page = client.get(url("survey-invitation", planned.pk))
    assert page.status_code == 200 and "Send now" not in page.text
    for name in ("skip", "back", "send"):
        assert client.post(url(f"survey-invitation-{name}", planned.pk)).status_code == 403
    assert client.post(url("survey-invitation", planned.pk), {}).status_code == 403


def test_a_mail_that_failed_is_told(client, marta, planned):
    mailing.send_now(acting(marta), invitation=planned, now=timezone.now())
    OutboxMail.objects.update(state="cancelled")
    client.force_login(marta)
    assert "The email did not arrive" in client.get(url("survey-invitations") + "?show=sent").text


# One client


def test_ask_people_of_one_client(client, marta, northwind, elina):
    nia = person(northwind, "Nia")
    client.force_login(marta)
    page = " ".join(client.get(url("survey-ask", northwind.pk)).text.split())
    assert f'value="{elina.pk}" id="contact-{elina.pk}" checked' in page
    assert f'value="{nia.pk}" id="contact-{nia.pk}" disabled' in page
    answer = client.post(url("survey-ask", northwind.pk), {"contacts": [elina.pk]}, follow=True)
    assert "Survey to Elina Saari is on its way." in answer.text
    assert OutboxMail.objects.get().to_address == "elina@northwind.example"
    page = client.get(url("survey-ask", northwind.pk)).text
    assert "surveyed recently" in page and "Nobody here can be surveyed now." in page and "Sent right away." not in page


def test_nobody_chosen_and_somebody_elses_contact(client, marta, northwind, elina):
    client.force_login(marta)
    nobody = client.post(url("survey-ask", northwind.pk), {})
    assert nobody.status_code == 422 and "Choose at least one person." in nobody.text
    stranger = person(make_client(owner=marta, name="Other"), "Tom", "tom@other.example")
    assert client.post(url("survey-ask", northwind.pk), {"contacts": [stranger.pk]}).status_code == 422
    assert not OutboxMail.objects.exists()


def test_only_its_account_manager_and_managers_ask(client, otto, manager, northwind, elina):
    client.force_login(otto)
    assert client.get(url("survey-ask", northwind.pk)).status_code == 403
    assert "Send survey" not in client.get(url("client-surveys", northwind.pk)).text
    client.force_login(manager)
    assert client.get(url("survey-ask", northwind.pk)).status_code == 200


# Settings


def typed(**fields):
    values = {
        "version": 1,
        "question": "How likely?",
        "mail_subject": "",
        "mail_text": "Hello {first_name}",
        "pause_days": 60,
        "answer_days": 14,
        "rule-is_active": "on",
        "rule-every_months": 3,
        "rule-send_time": "09:30",
        "rule-who": "all",
        "rule-statuses": ["active"],
    }
    return values | fields


def test_words_and_rule_are_saved(client, manager):
    client.force_login(manager)
    assert client.get(url("survey-settings")).status_code == 200
    assert not Survey.objects.exists(), "a GET creates none"
    assert client.post(url("survey-settings"), typed()).status_code == 302
    survey, rule = Survey.objects.get(), SurveyRule.objects.get()
    assert (survey.question, survey.mail_text, survey.pause_days, survey.answer_days) == (
        "How likely?",
        "Hello {first_name}",
        60,
        14,
    )
    assert (rule.every_months, rule.send_time, rule.who, rule.statuses, rule.is_active) == (
        3,
        time(9, 30),
        "all",
        ["active"],
        True,
    )
    assert "No client matches this rule now." in client.get(url("survey-settings")).text


def test_an_unknown_placeholder_is_told_beside_its_field_and_nothing_is_saved(client, manager):
    client.force_login(manager)
    page = client.post(url("survey-settings"), typed(mail_text="Dear {nobody}"))
    assert page.status_code == 422
    assert "“{nobody}” is not a placeholder here" in page.text and "Dear {nobody}" in page.text
    assert not Survey.objects.exists() and not SurveyRule.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"rule-every_months": "0"},
        {"rule-statuses": []},
        {"question": ""},
        {"rule-send_time": "25:00"},
        {"answer_days": "0"},
    ],
)
def test_what_is_wrong_keeps_what_was_typed(client, manager, fields):
    client.force_login(manager)
    page = client.post(url("survey-settings"), typed(**fields))
    assert page.status_code == 422
    assert "Hello {first_name}" in page.text
    assert not SurveyRule.objects.exists()


def test_a_stale_version_is_told(client, manager):
    survey = ensure_nps_survey()
    Survey.objects.update(version=4, pause_days=45)
    client.force_login(manager)
    assert client.post(url("survey-settings"), typed()).status_code == 409
    survey.refresh_from_db()
    assert survey.pause_days == 45


def test_the_mail_is_shown_and_a_test_sent(client, manager):
    client.force_login(manager)
    mail = client.get(url("survey-mail"))
    assert "Hello Alex" in mail.text and mail.text.count("?score=") == 11
    client.post(url("survey-test"))
    test = OutboxMail.objects.get()
    assert (test.to_address, test.subject) == (manager.email, "Test: One question about working with Kallio & Co")
    Survey.objects.all().delete()
    broken = ensure_nps_survey()
    Survey.objects.filter(pk=broken.pk).update(mail_text="{oops}")
    assert "“{oops}” is not a placeholder here" in client.get(url("survey-mail")).text
    assert "{oops}" in client.post(url("survey-test"), follow=True).text


# The API


def test_the_api_reads_them_without_their_secrets(client, marta, otto, planned, northwind):
    client.force_login(marta)
    found = client.get("/api/v1/survey-invitations?state=planned").json()["results"]
    assert [one["id"] for one in found] == [planned.pk]
    assert not {"salt", "token_hash"} & found[0].keys()
    northwind.is_restricted = True
    northwind.save()
    client.force_login(otto)
    assert client.get("/api/v1/survey-invitations").json()["results"] == []
    assert client.get(f"/api/v1/survey-invitations/{planned.pk}").status_code == 404


def test_the_client_list_leads_to_the_survey_with_its_filter(client, manager, marta):
    client.force_login(manager)
    page = client.get(reverse("clients:list"), {"tier": "A"}).content.decode()
    assert f"{reverse('interactions:survey-send')}?tier=A" in page
    client.force_login(marta)
    assert reverse("interactions:survey-send") not in client.get(reverse("clients:list")).content.decode()


def test_asking_names_no_date_of_a_client_out_of_sight(client, marta, otto, northwind, elina):
    secret = restrict_client(acting(otto), client=make_client(owner=otto, name="Basalt"))
    affiliate(acting(otto), client=secret, contact=elina)
    mailing.ask_contacts(acting(otto), survey=ensure_nps_survey(), client=secret, contacts=[elina], now=timezone.now())
    client.force_login(marta)
    page = " ".join(client.get(url("survey-ask", northwind.pk)).text.split())
    assert "surveyed recently</span>" in page.replace(" </span>", "</span>") and "surveyed recently (" not in page


def test_the_rule_says_how_many_and_from_when(client, manager, marta):
    make_client(owner=marta, name="Southwind")
    client.force_login(manager)
    page = client.get(url("survey-settings")).text
    first = rules.first_day(SurveyRule(survey=ensure_nps_survey()), timezone.now())
    assert f"1 client would be surveyed, first on {date_format(first, 'D j M')}." in page
    assert first > timezone.now().date() and first.weekday() < 5


def test_a_detractor_stands_on_today_until_somebody_spoke_with_them(client, marta, northwind):
    now = timezone.now()
    record_answer(
        acting(marta),
        survey=ensure_nps_survey(),
        client=northwind,
        score=3,
        answered_at=now - timedelta(days=1),
        now=now,
    )
    client.force_login(marta)
    assert "Detractors to call" in client.get("/today/").text
    timeline = client.get(reverse("clients:client", args=[northwind.pk])).text
    assert "emoji-frown" in timeline and "Detractor" in timeline
    log(actor=marta, client=northwind, occurred_at=now, now=now)
    assert "Detractors to call" not in client.get("/today/").text

"""What clients read is in their language; what the firm reads stays in its own."""

import importlib.util
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import translation

from clients.contacts.greetings import greeting
from clients.contacts.languages import language_for
from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.base.secret_links import link_token
from crm.core.firm.languages import known_language, language_name, mail_language
from crm.core.firm.models import FirmSettings
from crm.core.mail.models import OutboxMail
from interactions.agreements.models import Commitment
from interactions.log.choices import Visibility
from interactions.progress.models import ProgressEmail
from interactions.progress.services import schedules, sending
from tools.testing.factories import interactions as make

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FRIDAY_NOON = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def messages():
    path = Path(settings.BASE_DIR, "tools/messages.py")
    spec = importlib.util.spec_from_file_location("messages_tool", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_every_word_that_clients_read_is_translated_and_compiled(messages):
    assert messages.problems() == []


def test_the_tool_finds_what_is_missing(messages, monkeypatch):
    real = messages.catalog_of

    def with_a_hole(language):
        catalog = real(language)
        catalog.get("Kind regards,").string = ""
        catalog.get("Hello %(name)s").string = "Hello %(nom)s"
        return catalog

    monkeypatch.setattr(messages, "catalog_of", with_a_hole)
    found = [line for line in messages.problems() if line.startswith("fr")]
    assert any("'Kind regards,' has no translation" in line for line in found)
    assert any("nom" in line for line in found)
    assert any("django.mo is not what django.po says" in line for line in found)


def test_each_language_of_the_settings_has_a_catalogue(messages):
    assert {code for code, _name in settings.LANGUAGES} == {"en-gb", *messages.LANGUAGES}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_ch", "de"),
        ("German", "de"),
        ("Deutsch", "de"),
        ("saksa", "de"),
        ("suomi", "fi"),
        ("sv-FI", "sv"),
        ("en", "en-gb"),
        ("en-US", "en-gb"),
        ("English", "en-gb"),
        ("it", ""),
        ("klingon", ""),
        ("../../x", ""),
        ("", ""),
    ],
)
def test_a_language_is_known_by_its_code_or_name(name, code):
    assert known_language(name) == code


@pytest.mark.django_db
def test_else_the_firms_language_then_that_of_the_settings():
    make.make_firm(language="fi")
    assert (mail_language("it"), mail_language("", "sv")) == ("fi", "sv")
    FirmSettings.objects.update(language="it")
    assert mail_language("") == "en-gb"
    assert (language_name("en-gb"), language_name("de")) == ("English", "German")


@pytest.mark.django_db
def test_the_contact_comes_before_the_client():
    make.make_firm(language="fi")
    client, contact = Client(language="sv"), Contact(language="German")
    assert (language_for(client, contact), language_for(client, Contact(language="it"))) == ("de", "sv")
    assert (language_for(client), language_for(Client(language="it"))) == ("sv", "fi")


@pytest.fixture
def berlin(db):
    make.make_firm()
    client = make.make_client(
        owner=make.make_user(title="Partner"), name="Spree GmbH", time_zone="Europe/Berlin", language="de"
    )
    make.make_person(client, "Jürgen", "Möller", address="moeller@spree.example")
    return client


def sent(client, **fields):
    make.log(
        actor=client.owner,
        client=client,
        subject="Ergebnisse erklärt",
        occurred_at=MONDAY,
        now=MONDAY,
        visibility=Visibility.SHARED,
    )
    Commitment.objects.create(
        client=client,
        text="Zwei Belege",
        side="client",
        contact=client.contacts.get(),
        due_date=date(2026, 12, 1),
        is_shared=True,
    )
    schedules.set_schedule(
        acting(client.owner),
        client=client,
        recipients=client.contacts.all(),
        is_review_needed=False,
        now=MONDAY,
        **fields,
    )
    schedules.plan_progress(FRIDAY_NOON - 30 * HOUR)
    sending.run_progress(ProgressEmail.objects.get(client=client).send_at)
    return OutboxMail.objects.get(kind="progress", client_id=client.pk)


def test_a_whole_mail_in_german(berlin):
    mail = sent(berlin)
    assert mail.subject == "Kallio & Co: Stand der Dinge, Woche 48"
    assert mail.text == (
        "Guten Tag Jürgen Möller,\n\nhier der Stand dieser Woche: 1 Punkt erledigt und 1 Punkt, den wir von Ihnen brauchen.\n\n"
        "Diese Woche erledigt\n- Mo 23. November: Ergebnisse erklärt\n\n"
        "Was wir von Ihnen brauchen\n- Zwei Belege (Jürgen Möller), bis Di 1. Dezember\n\n"
        "Ist etwas unklar oder fehlt etwas, antworten Sie einfach auf diese E-Mail.\n\n"
        "Mit freundlichen Grüßen\nMarta Kallio\nPartner\nKallio & Co\n\n--\nStatusberichte abbestellen:\n[[stop]]\n"
    )
    assert '<html lang="de">' in mail.html
    assert "Antworten gehen an Marta Kallio." in mail.html
    assert translation.get_language() == "en-gb"


@pytest.mark.parametrize(
    ("language", "first", "last"),
    [
        ("es", "Hola, Jürgen:", "Un cordial saludo,"),
        ("fi", "Hei Jürgen,", "Ystävällisin terveisin"),
        ("fr", "Bonjour Jürgen,", "Bien cordialement,"),
        ("nl", "Beste Jürgen,", "Met vriendelijke groet,"),
        ("sv", "Hej Jürgen,", "Med vänliga hälsningar"),
        ("it", "Hello Jürgen,", "Kind regards,"),
        ("Deutsch", "Guten Tag Jürgen Möller,", "Mit freundlichen Grüßen"),
    ],
)
def test_greeting_and_sign_off_by_language(berlin, language, first, last):
    berlin.language = language
    berlin.save()
    text = sent(berlin).text
    assert text.startswith(first + "\n")
    assert f"\n{last}\nMarta Kallio\n" in text


@pytest.mark.parametrize(
    ("of_contact", "of_client", "expected"),
    [
        ("Sehr geehrter Herr Möller,", "", "Sehr geehrter Herr Möller,"),
        ("", "Liebe Spree-Mannschaft", "Liebe Spree-Mannschaft,"),
        ("Lieber Jürgen!", "Liebe alle", "Lieber Jürgen!"),
        ("Herr", "", "Guten Tag Herr Möller,"),
        ("Prof. Dr.", "", "Guten Tag Prof. Dr. Möller,"),
        ("", "", "Guten Tag Jürgen Möller,"),
    ],
)
def test_as_they_wish_to_be_addressed(berlin, of_contact, of_client, expected):
    contact = berlin.contacts.get()
    contact.salutation, berlin.salutation = of_contact, of_client
    with translation.override("de"):
        assert greeting(berlin, contact) == expected


@pytest.mark.django_db
def test_what_the_firm_reads_stays_in_its_language(client, berlin):
    mail = sent(berlin)
    client.force_login(berlin.owner)
    email = ProgressEmail.objects.get()
    page = client.get(reverse("interactions:progress", args=[email.pk]), headers={"Accept-Language": "de"})
    assert '<html lang="en-gb"' in page.text and "Schedule and recipients" in page.text
    review = OutboxMail.objects.filter(kind="progress-review")
    assert mail.kind == "progress" and not review.exists()


@pytest.mark.django_db
def test_the_page_that_stops_them_is_in_theirs(client, berlin):
    sent(berlin)
    recipient = berlin.progress_schedule.recipients.get()
    url = reverse(
        "interactions:progress_stop", args=[recipient.pk, link_token("progress-stop", recipient.pk, recipient.salt)]
    )
    page = client.get(url, follow=True)
    assert '<html lang="de"' in page.text
    assert "Statusberichte abbestellen?" in page.text
    done = client.post(url).text
    assert "Wir haben Marta Kallio bei Kallio &amp; Co informiert." in done
    from crm.core.notifications.models import Notification

    assert Notification.objects.get(kind="progress-stop").text == "Jürgen Möller unsubscribed from progress emails."

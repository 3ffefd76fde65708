"""The pages that clients open from an email: whole in each language, in the firm's look."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from clients.contacts.models import Contact, ContactEmail
from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.firm.queries import forget_firm
from interactions.progress.emails import STOP_LINK
from interactions.progress.models import ProgressRecipient, ProgressSchedule
from interactions.surveys.emails import ANSWER_LINK
from interactions.surveys.emails import STOP_LINK as SURVEY_STOP
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services import mailing
from interactions.surveys.services.answers import ensure_nps_survey
from tools.testing.factories.interactions import make_client, make_contact, make_firm, make_user

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in settings.LANGUAGES]
SAME_IN_ANY = {"Kallio &amp; Co", "Mme Saari", "Quote"}


class Scene:
    """One person who was asked, and gets progress emails."""

    def __init__(self, language):
        make_firm(language=language)
        self.marta = make_user()
        self.client = make_client(owner=self.marta)
        Client.objects.update(language=language)
        self.contact = make_contact(client=self.client, first_name="Mme", last_name="Saari")
        ContactEmail.objects.create(contact=self.contact, address="elina@northwind.example", is_primary=True)
        Contact.objects.update(language=language)
        people = [self.contact]
        (self.row,) = mailing.ask_contacts(
            acting(self.marta), survey=ensure_nps_survey(), client=self.client, contacts=people, now=timezone.now()
        )
        schedule = ProgressSchedule.objects.create(client=self.client, time_zone="UTC")
        self.recipient = ProgressRecipient.objects.create(schedule=schedule, contact=self.contact, salt="s")
        self.browser = Browser()

    def open(self, link, row):
        path = link.path.replace("{id}", str(row.pk)).replace("{token}", link.token(row))
        return self.browser.get(path, follow=True)

    def answer(self, **fields):
        self.open(ANSWER_LINK, self.row)
        return self.browser.post(reverse("interactions:survey-answer", args=[self.row.pk]), fields, follow=True)

    def move(self, **fields):
        SurveyInvitation.objects.filter(pk=self.row.pk).update(**fields)


def expired(scene):
    now = timezone.now()
    scene.move(send_at=now - timedelta(days=30), expires_at=now - timedelta(hours=1))
    return scene.open(ANSWER_LINK, scene.row)


def withdrawn(scene):
    page = scene.open(ANSWER_LINK, scene.row)
    mailing.skip_invitation(acting(scene.marta), invitation=scene.row, now=timezone.now())
    return scene.browser.get(page.request["PATH_INFO"])


def stopped(scene):
    page = scene.open(SURVEY_STOP, scene.row)
    return scene.browser.post(page.request["PATH_INFO"])


def stopped_progress(scene):
    page = scene.open(STOP_LINK, scene.recipient)
    return scene.browser.post(page.request["PATH_INFO"])


def answered_again(scene):
    scene.answer(score=9, comment="")
    page = scene.browser.get(reverse("interactions:survey-answer", args=[scene.row.pk]) + "?score=4")
    return page


PAGES = {
    "asked": lambda scene: scene.open(ANSWER_LINK, scene.row),
    "no score": lambda scene: scene.answer(comment="Quote"),
    "another score": lambda scene: scene.answer(score="77"),
    "too long": lambda scene: scene.answer(score=7, comment="y" * 2001),
    "answered": lambda scene: scene.answer(score=9, comment="Quote"),
    "asked again": answered_again,
    "expired": expired,
    "withdrawn": withdrawn,
    "unsubscribe from surveys": lambda scene: scene.open(SURVEY_STOP, scene.row),
    "unsubscribed from surveys": stopped,
    "answer after that": lambda scene: stopped(scene) and scene.open(ANSWER_LINK, scene.row),
    "unsubscribe from progress": lambda scene: scene.open(STOP_LINK, scene.recipient),
    "unsubscribed from progress": stopped_progress,
    "wrong survey link": lambda scene: scene.browser.get(f"/mail/survey/{scene.row.pk}/{'x' * 64}/"),
    "wrong link to unsubscribe": lambda scene: scene.browser.get(f"/mail/survey/{scene.row.pk}/stop/{'x' * 64}/"),
    "wrong progress link": lambda scene: scene.browser.get(f"/mail/stop/{scene.recipient.pk}/{'x' * 64}/"),
    "without its cookie": lambda scene: scene.browser.get(reverse("interactions:survey-answer", args=[scene.row.pk])),
    "progress without it": lambda scene: scene.browser.get(f"/mail/stop/{scene.recipient.pk}/"),
}


def words_of(page):
    """What can be read on it, a piece each."""
    body = re.sub(r"<(script|style|textarea)\b.*?</\1>", "", page.text.partition("<body")[2], flags=re.DOTALL)
    pieces = [" ".join(piece.split()) for piece in re.findall(r">([^<>]+)<", body)]
    title = re.search(r"<title>(.*?) ·", page.text, re.DOTALL)
    return {piece for piece in [*pieces, title[1].strip() if title else ""] if re.search(r"[^\W\d_]{2}", piece)}


@pytest.mark.parametrize("name", PAGES)
def test_no_word_of_a_page_stays_english(name, transactional_scenes):
    english = transactional_scenes("en-gb", PAGES[name])
    assert english
    for language in LANGUAGES:
        if language != "en-gb":
            assert transactional_scenes(language, PAGES[name]) & english <= SAME_IN_ANY, language


@pytest.fixture
def transactional_scenes():
    """The words of a page in a language; nothing of its scene stays."""

    def words(language, open_page):
        with transaction.atomic():
            page = open_page(Scene(language))
            found = words_of(page)
            assert f'<html lang="{language}"' in page.text
            transaction.set_rollback(True)
        forget_firm()
        return found

    return words


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_the_firms_and_names_nothing_of_ours(name):
    page = PAGES[name](Scene("en-gb"))
    text = " ".join(words_of(page))
    assert "Kallio & Co" in page.text.replace("&amp;", "&")
    assert not re.search(r"Rapport|Today|Sign in|clients you can see", text)
    assert page.status_code == (404 if name.startswith(("wrong", "without", "progress without")) else page.status_code)

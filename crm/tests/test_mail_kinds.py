"""Each kind of mail is rendered in each language, with all facts it may tell of and with all that may be missing left out."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import translation

from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.firm.queries import user_zone
from crm.core.mail.kinds import kinds
from crm.core.mail.models import OutboxMail, cause_kind
from crm.core.people.emails import RESET_LINK, mail_invitation, mail_password_reset
from crm.core.users.models import Invitation
from interactions.progress.emails import mail_progress, mail_progress_test
from interactions.progress.models import ProgressEmail, ProgressRecipient, ProgressSchedule
from interactions.progress.review_emails import mail_review_missing
from interactions.reminders.digest import Line, Part
from interactions.reminders.emails import mail_digest, remind
from interactions.reminders.models import Digest
from interactions.surveys.choices import InvitationSource
from interactions.surveys.emails import mail_survey, mail_survey_test
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services.answers import ensure_nps_survey
from tools.testing.factories.interactions import follow_up, make_client, make_firm, make_person, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LANGUAGES = [code for code, _name in settings.LANGUAGES]
SECTION = {"key": "done", "title": "Done this week", "items": ["Scope agreed"]}
CONTENT = {"summary": "A good week.", "sections": [SECTION], "closing": "Simply reply."}


class Scene:
    """What mails are about. `full`: everything that may be told is there; else only what a row cannot be without."""

    def __init__(self, language: str, *, full: bool):
        make_firm(language=language)
        self.full = full
        self.marta = make_user(name="Marta Kallio")
        facts = {"salutation": "Dear all"} if full else {}
        self.client = make_client(owner=self.marta)
        Client.objects.filter(pk=self.client.pk).update(language=language if full else "", **facts)
        self.client.refresh_from_db()
        self.contact = make_person(self.client, "Elina", "Saari" if full else "")
        names = ("covers_from", "covers_to", "draft_at", "send_at", "deadline_at", "expires_at")
        times = {name: NOW + timedelta(hours=n) for n, name in enumerate(names)}
        self.email = ProgressEmail.objects.create(
            client=self.client,
            week="2026-W48",
            time_zone="UTC",
            subject="Your week",
            content=CONTENT if full else {},
            problem="No template" if full else "",
            **times,
        )

    def progress(self):
        schedule = ProgressSchedule.objects.create(client=self.client, time_zone="UTC")
        recipient = ProgressRecipient.objects.create(schedule=schedule, contact=self.contact, salt="s")
        return mail_progress(
            email=self.email, recipient=recipient, address="elina@northwind.example", now=NOW, is_automatic=True
        )

    def progress_test(self):
        return mail_progress_test(acting(self.marta), email=self.email, contact=self.contact if self.full else None)

    def progress_review(self):
        return mail_review_missing(email=self.email, when="deadline" if self.full else "send", now=NOW)

    def survey(self):
        survey = ensure_nps_survey()
        if self.full:
            survey.mail_subject, survey.mail_text = "{firm} asks {client}", "{first_name}, tell {account_manager}."
            survey.save()
        row = SurveyInvitation.objects.create(
            survey=survey,
            client=self.client,
            contact=self.contact,
            address="elina@northwind.example",
            key="survey:1",
            salt="s",
            source=InvitationSource.HAND,
            period="2026",
            send_at=NOW,
            expires_at=NOW + timedelta(days=14),
        )
        return mail_survey(invitation=row, now=NOW)

    def survey_test(self):
        return mail_survey_test(acting(self.marta), survey=ensure_nps_survey())

    def follow_up(self):
        first = follow_up(actor=self.marta, client=self.client if self.full else None)
        rows = [first, follow_up(actor=self.marta, client=self.client)] if self.full else [first]
        return remind(self.marta, rows, [], now=NOW)

    def digest(self):
        row = Digest.objects.create(
            user=self.marta, date=NOW.date(), hour=8, time_zone=user_zone(self.marta).key, due_at=NOW
        )
        return mail_digest(
            row=row,
            parts=[Part("Going quiet", [Line("Northwind", url="/clients/1/")], "quiet")] if self.full else [],
            now=NOW,
        )

    def invitation(self):
        row = Invitation.objects.create(
            email="new@example.com",
            name="Nea New" if self.full else "",
            roles=["manager"],
            token_hash="0" * 64,
            invited_by=self.marta,
            expires_at=NOW + timedelta(days=7),
        )
        return mail_invitation(row, invited_by=self.marta)

    def account(self):
        self.marta.name = "Marta" if self.full else ""
        return mail_password_reset(self.marta, link=RESET_LINK.in_mail(self.marta, salt="s"), key="account:reset:1")


def test_each_registered_kind_is_rendered_here():
    assert [kind.key for kind in kinds if not hasattr(Scene, kind.key.replace("-", "_"))] == []


@pytest.mark.parametrize("full", [True, False], ids=["all facts", "facts missing"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", [kind.key for kind in kinds])
def test_a_mail_reads_well(key, language, full):
    scene, kind = Scene(language, full=full), kinds[key]
    with translation.override(language):
        getattr(scene, key.replace("-", "_"))()
    mail = OutboxMail.objects.get()
    assert (mail.kind, mail.state, mail.purpose) == (key, "pending", kind.purpose)
    assert mail.cause_kind == (cause_kind(kind.cause) if kind.cause else "")
    assert (mail.cause_id is None) == (kind.cause is None)
    assert ("List-Unsubscribe" in mail.headers) == bool(kind.opt_out)
    assert mail.subject.strip() and mail.text.strip()
    for text in (mail.subject, mail.text, mail.html):
        for left_over in ("None", "{{", "{%", "%(", "{firm}", "{client}", "[]", "{}"):
            assert left_over not in text
    assert all(placeholder in mail.text for placeholder in mail.links)

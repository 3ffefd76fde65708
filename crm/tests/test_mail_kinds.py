"""Each kind of mail is rendered in each language, with all facts it may tell of and with each that may be missing left out."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import translation

from clients.contacts.models import Contact
from clients.cover.services import arrange_cover
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.queries import forget_firm, user_zone
from crm.core.mail.delivery import journal
from crm.core.mail.kinds import kinds
from crm.core.mail.models import OutboxMail, cause_kind
from crm.core.notifications.models import Notification
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
from tools.testing.factories.interactions import follow_up, make_client, make_firm, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LANGUAGES = [code for code, _name in settings.LANGUAGES]
SECTION = {"key": "done", "title": "Done this week", "items": ["Scope agreed"]}
LEFT_OVER = ("None", "{{", "{%", "%(", "{firm}", "{client}", "{first", "{Elina", "[]", "{}")


class Scene:
    """What mails are about. A row of it asks `told` for each fact that it can be without; `missing` says which are not there."""

    def __init__(self, language: str, missing=frozenset()):
        self.missing, self.facts = missing, set()
        make_firm(language=self.told("language of the firm", language))
        self.marta = make_user(name="Marta Kallio", title=self.told("title of the account manager", "Partner"))
        self.client = make_client(
            owner=self.marta,
            language=self.told("language of the client", language),
            salutation=self.told("salutation of the client", "Dear all"),
        )
        has_first = self.told("first name", True)
        self.contact = Contact.objects.create(
            first_name="Elina" if has_first else "",
            last_name=self.told("last name", "Saari") if has_first else "Saari",
            salutation=self.told(
                "salutation of the contact", self.told("a title for a salutation", "Ms", "Dear Elina")
            ),
            language=self.told("language of the contact", language),
        )

    def told(self, fact, value, otherwise=""):
        self.facts.add(fact)
        return otherwise if fact in self.missing else value

    def email(self):
        names = ("covers_from", "covers_to", "draft_at", "send_at", "deadline_at", "expires_at")
        content = {
            "summary": self.told("summary", "A good week."),
            "sections": self.told("lines", [SECTION], []),
            "closing": self.told("closing", "Simply reply."),
        }
        return ProgressEmail.objects.create(
            client=self.client,
            week="2026-W48",
            time_zone="UTC",
            subject="Your week",
            content=content,
            problem=self.told("problem", "No template"),
            **{name: NOW + timedelta(hours=n) for n, name in enumerate(names)},
        )

    def progress(self):
        schedule = ProgressSchedule.objects.create(client=self.client, time_zone="UTC")
        recipient = ProgressRecipient.objects.create(schedule=schedule, contact=self.contact, salt="s")
        return mail_progress(
            email=self.email(), recipient=recipient, address="elina@northwind.example", now=NOW, is_automatic=True
        )

    def progress_test(self):
        contact = self.told("recipient", self.contact, None)
        return mail_progress_test(acting(self.marta), email=self.email(), contact=contact)

    def progress_review(self):
        email = self.email()
        email.content = self.told("draft", email.content, {})
        otto, day = make_user(name="Otto Berg"), NOW.date()
        if is_covered := self.told("cover", True, False):
            covered = {"absent": self.marta, "covering": otto, "start_date": day, "end_date": day + timedelta(days=3)}
            arrange_cover(SYSTEM, **covered, now=NOW)
        mails = mail_review_missing(email=email, when=self.told("last call", "deadline", "send"), now=NOW)
        assert len(mails) == 1 + is_covered
        return mails[-1]

    def survey(self):
        survey = ensure_nps_survey()
        survey.mail_subject = self.told("subject", "{firm} asks {client}")
        survey.mail_text = self.told("text", "{{first_name}}, tell {account_manager}.")
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
        first = follow_up(
            actor=self.marta, client=self.told("client", self.client, None), note=self.told("note", "By phone")
        )
        more = self.told("a second one", [follow_up(actor=self.marta, client=self.client)], [])
        notices = [Notification(text="She answered 9", url=self.told("address", "/clients/1/"))]
        return remind(self.marta, [first, *more], self.told("news", notices, []), now=NOW)

    def digest(self):
        row = Digest.objects.create(
            user=self.marta, date=NOW.date(), hour=8, time_zone=user_zone(self.marta).key, due_at=NOW
        )
        line = Line("Northwind", url=self.told("address", "/clients/1/"), sub=self.told("second line", "24 days"))
        part = Part("Going quiet", [line], self.told("figure", "quiet"), more_url=self.told("more", "/clients/"))
        return mail_digest(row=row, parts=self.told("parts", [part], []), now=NOW)

    def invitation(self):
        row = Invitation.objects.create(
            email="new@example.com",
            name=self.told("name", "Nea New"),
            roles=["manager"],
            token_hash="0" * 64,
            invited_by=self.marta,
            expires_at=NOW + timedelta(days=7),
        )
        return mail_invitation(row, invited_by=self.marta)

    def account(self):
        self.marta.name = self.told("name", "Marta")
        return mail_password_reset(self.marta, link=RESET_LINK.in_mail(self.marta, salt="s"), key="account:reset:1")

    def journal_probe(self):
        return journal.probe(NOW)


def queued(key, language, missing=frozenset()):
    """The mail without these facts and all facts there are; nothing of it stays."""
    with transaction.atomic():
        scene = Scene(language, missing)
        with translation.override(language):
            mail = getattr(scene, key.replace("-", "_"))()
        transaction.set_rollback(True)
    forget_firm()
    return mail, scene.facts


def test_each_registered_kind_is_rendered_here():
    assert [kind.key for kind in kinds if not hasattr(Scene, kind.key.replace("-", "_"))] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", [kind.key for kind in kinds])
def test_a_mail_reads_well_whatever_fact_is_missing(key, language, settings):
    """With all facts, without each of them, and without any; what clients read also with each alone."""
    settings.MAIL_JOURNAL = "journal@firm.example"
    _mail, facts = queued(key, language)
    without = [frozenset(), *({fact} for fact in facts), frozenset(facts)]
    without += [facts - {fact} for fact in facts] if kinds[key].opt_out else []
    for missing in without:
        mail, _facts = queued(key, language, missing)
        assert wrong_with(mail, kinds[key]) == [], missing


def wrong_with(mail: OutboxMail, kind) -> list[str]:
    checks = {
        "kind": (mail.kind, mail.state, mail.purpose) == (kind.key, "pending", kind.purpose),
        "cause": mail.cause_kind == (cause_kind(kind.cause) if kind.cause else ""),
        "links": {*mail.links} == {*kind.links} or kind.key == "account",
        "opt-out": ("List-Unsubscribe" in mail.headers) == bool(kind.opt_out),
        "words": bool(mail.subject.strip() and mail.text.strip()),
        "placeholders": all(placeholder in mail.text for placeholder in mail.links),
        "html": bool(mail.html) == kind.has_html,
        "signs": not re.search(r"(^|\s)[,:;]|,,|\(\)|\s,$", mail.text.split("--")[0], re.MULTILINE),
    }
    texts = (mail.subject, mail.text, mail.html)
    left_over = [word for word in LEFT_OVER for text in texts if word in text]
    return [name for name, is_right in checks.items() if not is_right] + left_over

"""The mail of a survey: one link for each score, to a page with that score selected."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from clients.contacts.languages import language_for
from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.base import placeholders
from crm.core.base.principals import Principal
from crm.core.base.secret_links import SecretLink
from crm.core.firm.queries import get_firm
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.users.models import User
from interactions.surveys.choices import InvitationSource, SurveyKind
from interactions.surveys.kinds import STOP, SURVEY, SURVEY_TEST
from interactions.surveys.models import Survey, SurveyInvitation

ANSWER = "[[answer]]"


def invitations() -> QuerySet:
    """With all that the open pages show."""
    return SurveyInvitation.objects.select_related("client__owner", "contact", "survey", "response")


ANSWER_LINK = SecretLink(
    "survey-answer",
    "/mail/survey/{id}/{token}/",
    invitations,
    is_stored=True,
    cookie="survey",
    page="interactions:survey-answer",
)
STOP_LINK = SecretLink(
    "survey-stop",
    "/mail/survey/{id}/stop/{token}/",
    invitations,
    is_open=lambda row: bool(row.token_hash),
    cookie="survey_stop",
    page="interactions:survey-stop",
    cookie_page="interactions:survey-answer",
)
PLACEHOLDERS = ("first_name", "firm", "client", "account_manager")


def question_of(survey: Survey) -> str:
    """In the active language if it is the built-in question, else as the firm wrote it."""
    return _(survey.question) if survey.question else ""


def check_words(subject: str, text: str) -> None:
    """Raises ServiceError (fields mail_subject, mail_text) for an unknown placeholder."""
    placeholders.check(subject, PLACEHOLDERS, field="mail_subject")
    placeholders.check(text, PLACEHOLDERS, field="mail_text")


def render_survey(
    survey: Survey, client: Client, contact: Contact, *, answer_url: str, stop_url: str
) -> tuple[str, str, str]:
    """(subject, text, HTML) as this person gets it. Raises ServiceError for an unknown placeholder in the firm's words."""
    firm = get_firm()
    with translation.override(language_for(client, contact)):
        first_name = contact.first_name or contact.name
        values = {
            "first_name": first_name,
            "firm": firm.name,
            "client": client.name,
            "account_manager": client.owner.name,
        }
        names = {"name": first_name, "full_name": contact.name}  # German greets with the full one
        greeting = (contact.salutation or client.salutation).rstrip(" ,") or _("Hello %(name)s") % names
        subject = survey.mail_subject or _("One question about working with {firm}")
        words = survey.mail_text or _(
            "We would like to know how we are doing, so that we can do better. One click is enough."
        )
        context: dict[str, Any] = {
            "subject": " ".join(placeholders.render(subject, values, field="mail_subject").split()),
            "greeting": greeting,
            "words": placeholders.render(words, values, field="mail_text").strip(),
            "question": question_of(survey),
            "scores": range(survey.scale_min, survey.scale_max + 1),
            "is_nps": survey.kind == SurveyKind.NPS,
            "survey": survey,
            "owner": client.owner,
            "client": client,
            "firm": firm,
            "answer_url": answer_url,
            "stop_url": stop_url,
        }
        text = render_to_string("mail/survey.txt", context).strip() + "\n"
        return context["subject"], text, render_to_string("mail/survey.html", context)


def mail_survey(*, invitation: SurveyInvitation, now: datetime) -> OutboxMail:
    """The mail to one person, once per survey and period. Raises ServiceError for what cannot be sent."""
    client, contact, firm = invitation.client, invitation.contact, get_firm()
    owner = client.owner
    subject, text, html = render_survey(invitation.survey, client, contact, answer_url=ANSWER, stop_url=STOP)
    mail, _made = queue_mail(
        key=invitation.key,
        kind=SURVEY.key,
        cause=invitation,
        to_address=invitation.address,
        to_name=contact.name,
        subject=subject,
        text=text,
        html=html,
        client_id=client.pk,
        contact_id=contact.pk,
        from_name=f"{owner.name}, {firm.name}",
        reply_to=owner.email if owner.is_active else "",
        links={
            ANSWER: ANSWER_LINK.in_mail(invitation),
            STOP: STOP_LINK.in_mail(invitation),
        },
        is_automatic=invitation.source == InvitationSource.RULE,
        send_at=now,
        expires_at=invitation.expires_at,
    )
    return mail


def mail_survey_test(principal: Principal, *, survey: Survey) -> OutboxMail:
    """A test mail to the colleague who asked for it, with dead links."""
    client, contact = sample(principal.user)
    subject, text, html = render_survey(survey, client, contact, answer_url="#", stop_url="")
    mail, _made = queue_mail(
        key=f"survey-test:{uuid.uuid4()}",
        kind=SURVEY_TEST.key,
        to_address=principal.user.email,
        to_name=principal.user.name,
        user=principal.user,
        subject=_("Test: %(subject)s") % {"subject": subject},
        text=text,
        html=html,
    )
    return mail


def sample(user: User) -> tuple[Client, Contact]:
    """A made-up client and contact for the preview; the user is the account manager."""
    return Client(name=_("Example client"), owner=user), Contact(first_name=_("Alex"), last_name=_("Example"))

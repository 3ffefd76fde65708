"""The mail of a survey: one link for each score, to a page with that score selected."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.choices import Purpose
from clients.contacts.greetings import greeting
from clients.contacts.languages import language_for
from clients.contacts.models import Contact
from clients.contacts.queries import as_known_at, has_refused
from clients.records.models import Client
from crm.core.base import placeholders
from crm.core.base.principals import Principal
from crm.core.base.secret_links import SecretLink
from crm.core.firm.queries import get_firm
from crm.core.mail.kinds import MailKind
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.ui.formatting import one_line
from crm.core.users.models import User
from interactions.surveys import words
from interactions.surveys.choices import InvitationSource, SurveyKind
from interactions.surveys.models import Survey, SurveyInvitation

ANSWER, STOP = "[[answer]]", "[[stop]]"


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


def against_survey(mail: OutboxMail) -> str:
    """Why the mail must not be sent, or ""."""
    if mail.contact_id is None:
        return ""
    is_refused = has_refused(client_id=mail.client_id, contact_id=mail.contact_id, purpose=Purpose.SURVEY)
    return _("The recipient opted out of surveys") if is_refused else ""


SURVEY = MailKind(
    "survey",
    gettext_lazy("Survey"),
    cause=SurveyInvitation,
    templates="mail/survey",
    purpose=Purpose.SURVEY,
    why_not=against_survey,
    links={ANSWER: ANSWER_LINK, STOP: STOP_LINK},
    opt_out=STOP,
)
SURVEY_TEST = MailKind("survey-test", gettext_lazy("Test of a survey"), templates="mail/survey")


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
    with translation.override(language_for(client, contact)):
        values = {
            "first_name": contact.first_name or contact.name,
            "firm": get_firm().name,
            "client": client.name,
            "account_manager": client.owner.name,
        }
        subject = one_line(placeholders.render(survey.mail_subject or str(words.SUBJECT), values, field="mail_subject"))
        said = placeholders.render(survey.mail_text or str(words.TEXT), values, field="mail_text").strip()
        context: dict[str, Any] = {
            "subject": subject,
            "greeting": "" if begins_with_greeting(said) else greeting(client, contact),
            "words": said,
            "question": question_of(survey),
            "scores": range(survey.scale_min, survey.scale_max + 1),
            "is_nps": survey.kind == SurveyKind.NPS,
            "survey": survey,
            "owner": client.owner,
            "client": client,
            "answer_url": answer_url,
            "stop_url": stop_url,
        }
        return subject, *SURVEY.render(context)


def begins_with_greeting(said: str) -> bool:
    """Whether the firm's own text has a greeting of its own: a short first line that ends as one."""
    first, _break, more = said.partition("\n")
    return bool(more.strip()) and len(first) <= 60 and first.rstrip().endswith((",", "!", ":"))


def mail_survey(*, invitation: SurveyInvitation, now: datetime) -> OutboxMail:
    """The mail to one person, once per survey and period. Raises ServiceError for what cannot be sent."""
    client, contact, owner = invitation.client, invitation.contact, invitation.client.owner
    as_known_at(client.pk, [contact])
    subject, text, html = render_survey(invitation.survey, client, contact, answer_url=ANSWER, stop_url=STOP)
    mail, _made = queue_mail(
        key=invitation.key,
        kind=SURVEY,
        cause=invitation,
        to_address=invitation.address,
        to_name=contact.name,
        subject=subject,
        text=text,
        html=html,
        client_id=client.pk,
        contact_id=contact.pk,
        from_name=f"{owner.name}, {get_firm().name}",
        reply_to=owner.email if owner.is_active else "",
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
        kind=SURVEY_TEST,
        to=principal.user,
        subject=_("Test: %(subject)s") % {"subject": subject},
        text=text,
        html=html,
    )
    return mail


def sample(user: User) -> tuple[Client, Contact]:
    """A made-up client and contact for the preview; the user is the account manager."""
    contact = Contact(first_name=str(words.EXAMPLE_FIRST), last_name=str(words.EXAMPLE_LAST))
    return Client(name=str(words.EXAMPLE_CLIENT), owner=user), contact

"""Survey answers, entered by hand, by import, by the API, or given by mail (`answering`)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from clients.contacts.models import Affiliation, Contact
from clients.records.models import Client
from crm.core.base.archiving import set_archived
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.models import insert
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from interactions import permissions
from interactions.surveys import words
from interactions.surveys.facts import refresh_nps
from interactions.surveys.models import Survey, SurveyResponse
from interactions.surveys.queries import nps_survey

CLOCKS_DIFFER = timedelta(minutes=10)


def ensure_nps_survey() -> Survey:
    """The NPS survey every firm has, created when it is first needed."""
    return saved_survey(nps_survey())


def saved_survey(survey: Survey) -> Survey:
    """The survey itself, or the firm's NPS survey saved in place of an unsaved one."""
    if not survey.pk:
        survey = nps_survey()
        survey.save()
    return survey


@service(may=permissions.may_change_client, why=permissions.IN_TRASH)
def record_answer(
    principal: Principal,
    *,
    survey: Survey,
    client: Client,
    contact: Contact | None = None,
    score: int,
    comment: str = "",
    answered_at: datetime,
    now: datetime,
    is_demo: bool = False,
) -> SurveyResponse:
    """Save an answer on the survey's scale; a colleague who acts is the one who entered it.

    Raises ServiceError (fields score, contact, answered_at)."""
    response = new_answer(
        principal,
        survey=survey,
        client=client,
        contact=contact,
        score=score,
        comment=comment,
        answered_at=answered_at,
        now=now,
        is_demo=is_demo,
    )
    return record_answers(principal, rows=[response])[0]


@service(may=permissions.may_edit_clients_of, why=permissions.IN_TRASH)
def record_answers(principal: Principal, *, rows: Sequence[SurveyResponse]) -> list[SurveyResponse]:
    """Save these answers, made by `new_answer`, in one statement, and their clients' latest ones in another. All or none."""
    made = insert(rows)
    refresh_nps(client_ids={answer.client_id for answer in made})
    return made


def new_answer(
    principal: Principal,
    *,
    survey: Survey,
    client: Client,
    contact: Contact | None,
    score: int,
    comment: str,
    answered_at: datetime,
    now: datetime,
    is_demo: bool = False,
) -> SurveyResponse:
    """A checked answer that is not saved yet. Raises ServiceError (fields score, contact, answered_at)."""
    _check_score(score, survey.scale_min, survey.scale_max)
    if answered_at > now + CLOCKS_DIFFER:
        raise ServiceError(_("The answer date cannot be in the future."), field="answered_at")
    if not is_plausible(answered_at):
        raise ServiceError(_("This date is too far away."), field="answered_at")
    if contact is not None and not Affiliation.objects.filter(client=client, contact=contact).exists():
        raise ServiceError(_("This person is not a contact at this client."), field="contact")
    return SurveyResponse(
        survey=survey,
        client=client,
        contact=contact,
        score=score,
        scale_min=survey.scale_min,
        scale_max=survey.scale_max,
        comment=comment.strip(),
        answered_at=answered_at,
        entered_by=principal.user,
        is_demo=is_demo,
    )


def _check_score(score: int, low: int, high: int) -> None:
    if not low <= score <= high:
        raise ServiceError(str(words.SCALE) % {"a": low, "b": high}, field="score")


@transaction.atomic
def change_answer(
    *, response: SurveyResponse, score: int, comment: str, answered_at: datetime, now: datetime
) -> SurveyResponse:
    """Save another score and comment from the contact; the earlier ones stay in the history.

    Raises ServiceError (field score), on the scale the answer was given on."""
    row = SurveyResponse.objects.select_for_update(of=("self",)).get(pk=response.pk)
    _check_score(score, row.scale_min, row.scale_max)
    row.score, row.comment, row.answered_at = score, comment.strip(), answered_at
    save_version(row, fields=["score", "comment", "answered_at"], seen=None)
    refresh_nps(client_ids=[row.client_id])
    return row


@service(may=permissions.may_change_answer, why=permissions.IN_TRASH)
def archive_answer(principal: Principal, *, response: SurveyResponse, now: datetime) -> SurveyResponse:
    """Take an answer out of all lists and numbers. Idempotent."""
    return _set_archived(response, now)


@service(may=permissions.may_change_answer, why=permissions.IN_TRASH)
def restore_answer(principal: Principal, *, response: SurveyResponse, now: datetime) -> SurveyResponse:
    """Bring an archived answer back. Idempotent."""
    return _set_archived(response, None)


def _set_archived(response: SurveyResponse, at: datetime | None) -> SurveyResponse:
    fresh, is_changed = set_archived(response, at=at, is_edit=False)
    if is_changed:
        refresh_nps(client_ids=[fresh.client_id])
    return fresh

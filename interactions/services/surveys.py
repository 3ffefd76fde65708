"""Survey answers, entered by hand, by import or by the API."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from clients.models import Affiliation, Client, Contact
from crm.core.dates import is_plausible
from crm.core.errors import ServiceError
from crm.core.models import User
from interactions.choices import SurveyKind
from interactions.models import Survey, SurveyResponse
from interactions.services.facts import refresh_nps
from interactions.signals import survey_answered

CLOCKS_DIFFER = timedelta(minutes=10)


def ensure_nps_survey() -> Survey:
    """The NPS survey every firm has: made when first asked for."""
    survey = Survey.objects.filter(kind=SurveyKind.NPS, archived_at=None).order_by("pk").first()
    return survey or Survey.objects.create(
        name="NPS", kind=SurveyKind.NPS, question=_("How likely are you to recommend us to a colleague or friend?")
    )


@transaction.atomic
def record_answer(
    *,
    actor: User | None,
    survey: Survey,
    client: Client,
    contact: Contact | None = None,
    score: int,
    comment: str = "",
    answered_at: datetime,
    now: datetime,
    is_demo: bool = False,
) -> SurveyResponse:
    """An answer on the survey's scale. `actor`: who entered it, None from outside.

    Raises ServiceError (fields score, contact, answered_at)."""
    if not survey.scale_min <= score <= survey.scale_max:
        raise ServiceError(
            _("The score is from %(a)d to %(b)d.") % {"a": survey.scale_min, "b": survey.scale_max}, field="score"
        )
    if answered_at > now + CLOCKS_DIFFER:
        raise ServiceError(_("An answer cannot lie in the future."), field="answered_at")
    if not is_plausible(answered_at):
        raise ServiceError(_("This date is too far away."), field="answered_at")
    if contact is not None and not Affiliation.objects.filter(client=client, contact=contact).exists():
        raise ServiceError(_("This person is not a contact of this client."), field="contact")
    response = SurveyResponse.objects.create(
        survey=survey, client=client, contact=contact, score=score, scale_min=survey.scale_min, scale_max=survey.scale_max,
        comment=comment.strip(), answered_at=answered_at, entered_by=actor, is_demo=is_demo,
    )  # fmt: skip
    refresh_nps(client_id=client.pk)
    survey_answered.send(SurveyResponse, response=response, actor=actor)
    return response


@transaction.atomic
def archive_answer(*, actor: User, response: SurveyResponse, now: datetime) -> SurveyResponse:
    """Take an answer out of every number. Twice changes nothing."""
    return _set_archived(response, now)


@transaction.atomic
def restore_answer(*, actor: User, response: SurveyResponse, now: datetime) -> SurveyResponse:
    """Undo of archiving."""
    return _set_archived(response, None)


def _set_archived(response, moment) -> SurveyResponse:
    response = SurveyResponse.objects.select_for_update(of=("self",)).get(pk=response.pk)
    if bool(response.archived_at) != bool(moment):
        response.archived_at = moment
        response.save(update_fields=["archived_at", "updated_at"])
        refresh_nps(client_id=response.client_id)
    return response

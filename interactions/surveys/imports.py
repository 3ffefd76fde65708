"""Importing survey answers."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from crm.core.base.errors import ServiceError
from crm.core.fields.types import EMAIL, MOMENT, whole
from crm.core.importing.kinds import Column, RowResult
from interactions.surveys.models import SurveyResponse
from interactions.surveys.services.answers import ensure_nps_survey, new_answer, record_answers


def _answer(principal, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    client = common.client_of(principal, values, context)
    contacts = common.contacts_of(client, filter(None, [values.get("contact_email")]), result)
    if values["answered_at"] > context["now"]:
        raise ServiceError(_("The time lies in the future."))
    row = common.known_row("survey_response", SurveyResponse.objects.visible_to(principal), values, context)
    if row is None:
        answer = {"comment": ""} | {
            name: values[name] for name in ("score", "comment", "answered_at") if name in values
        }
        people = {"client": client, "contact": contacts[0] if contacts else None}
        if write:
            result.new = new_answer(principal, survey=ensure_nps_survey(), now=context["now"], **people, **answer)
    elif common.changed_fields(row, values, ("score", "comment")):
        result.outcome = "failed"
        result.messages.append(_("This answer is here with another score or comment; an answer is not changed."))
    else:
        result.outcome = "unchanged"
    return result


SURVEY_RESPONSES = common.record_kind(
    "survey-responses",
    gettext_lazy("NPS answers"),
    of="survey_response",
    work=_answer,
    create=lambda principal, rows, context: record_answers(principal, rows=rows),
    columns=(
        Column(
            "score",
            gettext_lazy("Score, 0 to 10"),
            ("nps", "rating", "answer", "nps score"),
            is_required=True,
            parse=whole(0, 10, gettext_lazy("“%(text)s” is not a whole number from 0 to 10.")),
        ),
        Column(
            "answered_at",
            gettext_lazy("When"),
            ("date", "response date", "answered", "submitted", "timestamp"),
            is_required=True,
            parse=MOMENT.read,
        ),
        Column("comment", gettext_lazy("Comment"), ("text", "feedback", "reason")),
        Column(
            "contact_email",
            gettext_lazy("Contact’s e-mail"),
            ("email", "email address", "respondent", "respondent email"),
            parse=EMAIL.read,
            is_lenient=True,
        ),
        *common.client_columns((*common.CLIENT_ID, "company id"), (*common.CLIENT_NAME, "company name")),
        common.external_id("id", "activity id", "response id", "engagement id"),
    ),
    match_note=gettext_lazy(
        "Known answers are found by their id; one without an id by all its values. An answer is never changed."
    ),
)

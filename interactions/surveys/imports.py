"""Importing survey answers."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from crm.core.base.errors import ServiceError
from crm.core.fields.types import MOMENT, Context, read_email
from crm.core.importing import tabular
from crm.core.importing.kinds import Column, RowResult
from interactions.import_cells import CLIENT_COLUMNS, contacts_of
from interactions.surveys.models import SurveyResponse
from interactions.surveys.services.answers import ensure_nps_survey, new_answer, record_answers


def parse_score(text: str, context: Context) -> int:
    value = tabular.parse_amount(text)
    if value != int(value) or not 0 <= value <= 10:
        raise ValueError(_("“%(text)s” is not a whole number from 0 to 10.") % {"text": text[:10]})
    return int(value)


def _answer(principal, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    client = common.client_of(principal, values, context)
    contacts = contacts_of(client, filter(None, [values.get("contact_email")]), result)
    if values["answered_at"] > context["now"]:
        raise ServiceError(_("The time lies in the future."))
    row = common.known_row("survey_response", SurveyResponse.objects.visible_to(principal), values, context)
    if row is not None:
        is_same = row.score == values["score"] and (not values.get("comment") or row.comment == values["comment"])
        result.outcome = "unchanged"
        if not is_same:
            result.outcome = "failed"
            result.messages.append(_("This answer is here with another score or comment; an answer is not changed."))
            return result
    elif write:
        result.new = new_answer(
            principal,
            survey=ensure_nps_survey(),
            client=client,
            contact=contacts[0] if contacts else None,
            score=values["score"],
            comment=values.get("comment", ""),
            answered_at=values["answered_at"],
            now=context["now"],
        )
    return result


def _record(principal, rows, context):
    return record_answers(principal, rows=rows)


SURVEY_RESPONSES = common.record_kind(
    "survey-responses",
    gettext_lazy("NPS answers"),
    of="survey_response",
    work=_answer,
    create=_record,
    columns=(
        Column(
            "score",
            gettext_lazy("Score, 0 to 10"),
            ("nps", "rating", "answer", "nps score"),
            is_required=True,
            parse=parse_score,
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
            parse=read_email,
            is_lenient=True,
        ),
        *CLIENT_COLUMNS,
    ),
    match_note=gettext_lazy(
        "Known answers are found by their id; one without an id by all its values. An answer is never changed."
    ),
)

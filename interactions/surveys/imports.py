"""Importing survey answers."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.importing.common import Context
from crm.core.base.errors import ServiceError
from crm.core.importing import tabular
from crm.core.importing.kinds import Column, ImportKind, RowResult
from interactions.import_cells import CLIENT_COLUMNS, contact_of, parse_moment, prepare_for
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
    contact = contact_of(client, values, result)
    if values["answered_at"] > context["now"]:
        raise ServiceError(_("The time lies in the future."))
    found = common.known("survey_response", values, context)
    row = SurveyResponse.objects.visible_to(principal).filter(pk=found).first() if found else None
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
            contact=contact,
            score=values["score"],
            comment=values.get("comment", ""),
            answered_at=values["answered_at"],
            now=context["now"],
        )
    return result


def _record(principal, rows, context):
    return record_answers(principal, rows=rows)


SURVEY_RESPONSES = ImportKind(
    key="survey-responses",
    label=gettext_lazy("NPS answers"),
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
            parse=parse_moment,
        ),
        Column("comment", gettext_lazy("Comment"), ("text", "feedback", "reason")),
        *CLIENT_COLUMNS,
    ),
    save=lambda principal, values, context: _answer(principal, values, context, write=True),
    check=lambda principal, values, context: _answer(principal, values, context, write=False),
    create=common.creator("survey_response", _record),
    prepare=prepare_for("survey_response"),
    may_import=lambda user: user.sees_all or user.is_account_manager,
    match_note=gettext_lazy(
        "Known answers are found by their id; one without an id by all its values. An answer is never changed."
    ),
)

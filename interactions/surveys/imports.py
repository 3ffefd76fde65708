"""Importing survey answers."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.importing.common import Write
from crm.core.base.errors import ServiceError
from crm.core.fields.types import EMAIL, MOMENT, whole
from crm.core.importing.kinds import Column, Context, Plan, Values
from interactions.surveys.models import SurveyResponse
from interactions.surveys.queries import nps_survey
from interactions.surveys.services.answers import ensure_nps_survey, new_answer, record_answers


def _look_up(principal, rows: list[Values], context: Context) -> None:
    common.load_contacts((mail for row in rows if (mail := row.get("contact_email"))), context)


def _answer(principal, values: Values, context: Context) -> Plan:
    plan = Plan()
    client = common.client_of(values, context, plan)
    contacts = common.contacts_of(client, filter(None, [values.get("contact_email")]), plan, context)
    if values["answered_at"] > context["now"]:
        raise ServiceError(_("This time is in the future."))
    row, key = common.known("survey_response", values, context)
    answer = {"comment": ""} | {name: values[name] for name in ("score", "comment", "answered_at") if name in values}
    if row is None:
        plan.change(gettext_lazy("Score"), "", answer["score"])
        plan.change(gettext_lazy("Comment"), "", answer["comment"])
        people = {"client": client, "contact": contacts[0] if contacts else None}
        survey = context["memory"].setdefault("survey", nps_survey())
        plan.write = Write(key=key, state=answer)
        plan.write.new = new_answer(principal, survey=survey, now=context["now"], **people, **answer)
        return plan
    before = row.state if isinstance(row, Write) else {"score": row.score, "comment": row.comment}
    if (answer["score"], answer["comment"].split()) != (before["score"], before["comment"].split()):
        return plan.fail(_("This answer already exists with another score or comment. Answers are never changed."))
    return plan.settle()


def _create(principal, rows: list[SurveyResponse], context: Context) -> list[SurveyResponse]:
    survey = ensure_nps_survey()
    for answer in rows:
        answer.survey = survey
    return record_answers(principal, rows=rows)


def _export(principal):
    cells = common.client_cells() | {
        "external_id": lambda row: common.own_id("survey_response", row.pk),
        "score": lambda row: row.score,
        "answered_at": lambda row: row.answered_at.isoformat(),
        "comment": lambda row: row.comment,
        "contact_email": lambda row: (
            next((mail.address for mail in row.contact.emails.all()), "") if row.contact else ""
        ),
    }
    rows = SurveyResponse.objects.visible_to(principal).nps().select_related("client", "contact")
    rows = rows.prefetch_related("contact__emails")
    return common.exported(SURVEY_RESPONSES.columns, cells, common.seen_by(principal, rows))


SURVEY_RESPONSES = common.record_kind(
    "survey-responses",
    gettext_lazy("NPS answers"),
    of="survey_response",
    turn=85,
    rows=lambda principal: SurveyResponse.objects.visible_to(principal),
    plan=_answer,
    look_up=_look_up,
    export=_export,
    create=_create,
    update=lambda principal, writes, context: None,
    needs=(("client_external_id", "client_name"),),
    ids=("external_id", "client_external_id"),
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
            gettext_lazy("Contact’s email"),
            ("email", "email address", "respondent", "respondent email"),
            parse=EMAIL.read,
            is_lenient=True,
        ),
        *common.client_columns((*common.CLIENT_ID, "company id"), (*common.CLIENT_NAME, "company name")),
        common.external_id("id", "activity id", "response id", "engagement id"),
    ),
    match_note=gettext_lazy(
        "Existing answers are matched by ID, or by all values if there is no ID. Answers are never changed."
    ),
)

"""Import kinds of this app: interactions and survey answers. `interactions/hooks.py` registers them."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.imports import common
from clients.imports.common import Context
from clients.models import Contact, ContactEmail
from crm.core import tabular
from crm.core.errors import ServiceError
from crm.core.imports import Column, ImportKind, RowResult
from crm.core.queries import firm_zone
from interactions import choices, permissions, services
from interactions.models import Interaction, SurveyResponse

CLIENT_COLUMNS = (
    Column(
        "client_external_id",
        gettext_lazy("Client’s id"),
        ("customerid", "customer id", "account id", "accountid", "client id", "company id"),
    ),
    Column(
        "client_name", gettext_lazy("Client’s name"), ("client", "customer", "company", "account name", "company name")
    ),
    Column(
        "contact_email",
        gettext_lazy("Contact’s e-mail"),
        ("email", "email address", "respondent", "respondent email"),
        parse=common.parse_email,
        is_lenient=True,
    ),
    Column(
        "external_id", gettext_lazy("Id in the other system"), ("id", "activity id", "response id", "engagement id")
    ),
)


def parse_moment(text: str, context: Context):
    return tabular.parse_moment(text, context["date_order"], firm_zone())


def parse_sentiment(text: str, context: Context) -> int:
    try:
        value = int(text)
    except ValueError:
        return int(common.choice_parser(choices.Sentiment)(text, context))
    if not -2 <= value <= 2:
        raise ValueError(_("“%(text)s” is not between -2 and 2.") % {"text": text[:10]})
    return value


def parse_score(text: str, context: Context) -> int:
    value = tabular.parse_amount(text)
    if value != int(value) or not 0 <= value <= 10:
        raise ValueError(_("“%(text)s” is not a whole number from 0 to 10.") % {"text": text[:10]})
    return int(value)


def _contact(client, values: dict[str, Any], result: RowResult) -> Contact | None:
    address = values.get("contact_email")
    if not address:
        return None
    mails = ContactEmail.objects.filter(address__iexact=address, contact__affiliations__client=client).select_related(
        "contact"
    )
    mail = mails.first()
    if mail is None:
        result.warnings.append(
            _("Nobody at %(client)s has the address %(address)s; left empty.")
            % {"client": client.name, "address": address}
        )
    return mail.contact if mail else None


def _interaction(actor, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    client = common.client_of(actor, values, context)
    contact = _contact(client, values, result)
    if not values.get("subject") and not values.get("body"):
        raise ServiceError(_("Neither a subject nor a summary."))
    if values["occurred_at"] > context["now"]:
        raise ServiceError(_("The time lies in the future."))
    found = common.known("interaction", values, context)
    row = Interaction.objects.visible_to(actor).filter(pk=found).first() if found else None
    if row is not None:
        changes = common.changed_fields(
            row, values, ("subject", "body", "channel", "occurred_at", "duration_minutes", "sentiment")
        )
        result.outcome = "updated" if changes else "unchanged"
        if changes and not permissions.may_correct(actor, row):
            raise ServiceError(_("Only its author, the account manager and managers correct it."))
        if write and changes:
            services.correct_interaction(actor=actor, interaction=row, now=context["now"], **changes)
    elif write:
        row = services.log_interaction(
            actor=common.owner_of(values.get("author"), actor, context, result),
            client=client,
            channel=values.get("channel") or choices.Channel.NOTE,
            direction=values.get("direction") or choices.Direction.BOTH,
            occurred_at=values["occurred_at"],
            subject=values.get("subject", ""),
            body=values.get("body", ""),
            duration_minutes=values.get("duration_minutes"),
            sentiment=values.get("sentiment"),
            contacts=[contact] if contact else [],
            now=context["now"],
        )
    if write and row is not None:
        common.remember("interaction", values, row.pk, context)
    return result


def _answer(actor, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    client = common.client_of(actor, values, context)
    contact = _contact(client, values, result)
    if values["answered_at"] > context["now"]:
        raise ServiceError(_("The time lies in the future."))
    found = common.known("survey_response", values, context)
    row = SurveyResponse.objects.visible_to(actor).filter(pk=found).first() if found else None
    if row is not None:
        is_same = row.score == values["score"] and (not values.get("comment") or row.comment == values["comment"])
        result.outcome = "unchanged"
        if not is_same:
            result.outcome = "failed"
            result.messages.append(_("This answer is here with another score or comment; an answer is not changed."))
            return result
    elif write:
        row = services.record_answer(
            actor=actor,
            survey=services.ensure_nps_survey(),
            client=client,
            contact=contact,
            score=values["score"],
            comment=values.get("comment", ""),
            answered_at=values["answered_at"],
            now=context["now"],
        )
    if write and row is not None:
        common.remember("survey_response", values, row.pk, context)
    return result


def prepare(actor, rows: list[dict[str, Any]], context: Context) -> None:
    common.load_known("client", rows, context, field="client_external_id")


INTERACTIONS = ImportKind(
    key="interactions",
    label=gettext_lazy("Interactions"),
    columns=(
        Column(
            "occurred_at",
            gettext_lazy("When"),
            ("date", "datetime", "activity date", "activitydate", "timestamp"),
            is_required=True,
            parse=parse_moment,
        ),
        Column(
            "channel",
            gettext_lazy("Type"),
            ("activity type", "kind"),
            parse=common.choice_parser(choices.Channel),
            choices=common.choices_of(choices.Channel),
        ),
        Column("subject", gettext_lazy("Subject"), ("title",), parse=common.limited(200)),
        Column("body", gettext_lazy("Summary"), ("notes", "note", "description", "text", "comments")),
        Column("direction", gettext_lazy("Direction"), (), parse=common.choice_parser(choices.Direction)),
        Column("duration_minutes", gettext_lazy("Minutes"), ("duration",), parse=common.parse_whole),
        Column("sentiment", gettext_lazy("How they felt (-2 to 2)"), ("mood",), parse=parse_sentiment),
        Column("author", gettext_lazy("Logged by"), ("owner", "user", "created by"), choices=common.people_choices),
        *CLIENT_COLUMNS,
    ),
    save=lambda actor, values, context: _interaction(actor, values, context, write=True),
    check=lambda actor, values, context: _interaction(actor, values, context, write=False),
    prepare=prepare,
    defaults=("channel",),
    may_import=lambda user: user.sees_all or user.is_account_manager,
    match_note=gettext_lazy("Known interactions are found by their id; one without an id by all its values."),
)
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
    save=lambda actor, values, context: _answer(actor, values, context, write=True),
    check=lambda actor, values, context: _answer(actor, values, context, write=False),
    prepare=prepare,
    may_import=lambda user: user.sees_all or user.is_account_manager,
    match_note=gettext_lazy(
        "Known answers are found by their id; one without an id by all its values. An answer is never changed."
    ),
)
KINDS = (INTERACTIONS, SURVEY_RESPONSES)

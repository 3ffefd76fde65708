"""What the pages of surveys show: the survey, the invitations by state, the response rate."""

from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.core.fields.custom.queries import Use
from crm.core.mail.models import OutboxMail
from interactions.surveys.choices import INVITATION, InvitationState, SurveyKind
from interactions.surveys.models import Survey, SurveyInvitation, SurveyRule
from interactions.surveys.words import NPS_QUESTION

STATES = InvitationState
TONES = {STATES.PLANNED: "blue", STATES.SENT: "amber", STATES.ANSWERED: "green", STATES.SKIPPED: "", STATES.EXPIRED: ""}
OF_CLIENT = 20


def nps_surveys() -> QuerySet:
    return Survey.objects.filter(kind=SurveyKind.NPS, archived_at=None).order_by("pk")


def nps_survey() -> Survey:
    """The NPS survey; unsaved while the firm has none (`saved_survey` saves it)."""
    return nps_surveys().first() or Survey(name="NPS", kind=SurveyKind.NPS, question=str(NPS_QUESTION))


def surveys_to_send() -> list[Survey]:
    """The surveys that can be asked by mail, at least the NPS survey."""
    return list(nps_surveys()) or [nps_survey()]


def chosen_survey(query) -> Survey:
    """The survey named in the address, else the first."""
    surveys, wanted = surveys_to_send(), query.get("survey", "")
    return next((survey for survey in surveys if str(survey.pk) == wanted), surveys[0])


def invitations(principal) -> QuerySet:
    """The invitations the principal may see, each with `mail_state` and `mail_id`."""
    mail = OutboxMail.objects.caused_by(SurveyInvitation).filter(cause_id=OuterRef("pk")).order_by("-pk")
    rows = SurveyInvitation.objects.visible_to(principal).filter(client__archived_at=None)
    return rows.select_related("survey", "client", "contact", "response").annotate(
        mail_state=Subquery(mail.values("state")[:1]), mail_id=Subquery(mail.values("pk")[:1])
    )


def decorate(row) -> SurveyInvitation:
    row.tone = TONES[row.state]
    row.has_failed = row.mail_state in ("dead", "uncertain", "cancelled", "expired") and row.state != STATES.SKIPPED
    return row


def counts_of(principal) -> dict[str, int]:
    """The number in each state, and `asked`: those whose mail was queued and not withdrawn."""
    rows = SurveyInvitation.objects.visible_to(principal).filter(client__archived_at=None)
    wanted = {state: Count("pk", filter=Q(state=state)) for state in STATES.values}
    was_asked = Q(state__in=INVITATION.asked, sent_at__isnull=False)
    return rows.aggregate(asked=Count("pk", filter=was_asked), **wanted)


def cells(counts) -> list[dict[str, Any]]:
    """As components/metric_strip.html takes them."""
    rate = f"{100 * counts['answered'] / counts['asked']:.0f} %" if counts["asked"] else "—"
    return [
        {"label": _("Asked"), "value": f"{counts['asked']:,}", "note": _("sent")},
        {"label": _("Answered"), "value": f"{counts['answered']:,}"},
        {"label": _("Response rate"), "value": rate, "note": _("answered ÷ asked")},
        {"label": _("Open"), "value": f"{counts['sent']:,}", "note": _("can still answer")},
    ]


def tabs(current: str) -> list[dict[str, Any]]:
    return [
        {"label": _("Answers"), "url": reverse("interactions:surveys"), "current": current == "answers"},
        {
            "label": _("Sent surveys"),
            "url": reverse("interactions:survey-invitations"),
            "current": current == "asked",
        },
    ]


def of_client(principal, client) -> list[SurveyInvitation]:
    return [
        decorate(row) for row in invitations(principal).filter(client=client).order_by("-send_at", "-pk")[:OF_CLIENT]
    ]


def rules_with(principal, segment):
    """The automatic surveys that ask the clients of a segment, for who deletes it."""
    for rule in SurveyRule.objects.filter(segment=segment).select_related("survey").order_by("pk"):
        url = f"{reverse('interactions:survey-settings')}?survey={rule.survey_id}"
        yield Use(_("Automatic survey"), str(rule.survey), url if principal.sees_all else "")

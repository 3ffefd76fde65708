"""What contacts do through the links of a survey mail: answer, change the answer, opt out. No sign-in."""

from datetime import datetime

from django.utils.translation import gettext as _

from clients.contacts.choices import Purpose
from clients.contacts.models import HeldDetails
from clients.contacts.queries import has_refused
from clients.contacts.services import set_consent
from clients.records import nps
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, Kind, Principal
from crm.core.base.services import service
from crm.core.base.states import advance
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from interactions import permissions
from interactions.surveys import words
from interactions.surveys.choices import INVITATION, InvitationState, SurveyKind
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services.answers import change_answer, record_answer
from interactions.surveys.services.mailing import lock

COMMENT_AT_MOST = 2000
MOST_VERSIONS = 20
BY_LINK = frozenset({Kind.LINK})


def has_stopped(row: SurveyInvitation) -> bool:
    return has_refused(client_id=row.client_id, contact_id=row.contact_id, purpose=Purpose.SURVEY)


def state_of(row: SurveyInvitation, now: datetime) -> str:
    """open, answered (may be changed), thanked (may not be changed any more), stopped, expired or withdrawn."""
    is_over = row.expires_at <= now or row.client.archived_at is not None
    if row.state == InvitationState.ANSWERED:
        is_kept = row.response is not None and not row.response.is_archived and row.response.version < MOST_VERSIONS
        return "answered" if is_kept and not is_over else "thanked"
    if row.state == InvitationState.SKIPPED:
        return "withdrawn"
    if is_over or row.state != InvitationState.SENT:
        return "expired"
    return "stopped" if has_stopped(row) else "open"


@service(may=permissions.is_asked, open_to=BY_LINK)
def answer_invitation(
    principal: Principal, *, invitation: SurveyInvitation, score: int, comment: str = "", now: datetime
) -> SurveyInvitation:
    """Save the answer, or change it: the latest counts and there are never two. The account manager is notified.

    Raises ServiceError (field score; code "closed" when no answer is taken any more)."""
    row = lock(invitation)
    state = state_of(row, now)
    comment = comment.replace("\0", "").strip()[:COMMENT_AT_MOST]
    if state == "answered" and row.response is not None:
        if (row.response.score, row.response.comment) == (score, comment):
            return row
        row.response = change_answer(response=row.response, score=score, comment=comment, answered_at=now, now=now)
        row.answered_at = now
        row.save(update_fields=["answered_at", "updated_at"])
    elif state == "open":
        response = record_answer(
            SYSTEM,
            survey=row.survey,
            client=row.client,
            contact=row.contact,
            score=score,
            comment=comment,
            answered_at=now,
            now=now,
            is_demo=row.is_demo,
        )
        advance(row, to=InvitationState.ANSWERED, states=INVITATION, answered_at=now, response=response)
    else:
        raise ServiceError(str(words.CLOSED), code="closed")
    _notify_owner(row)
    return row


def _notify_owner(row: SurveyInvitation) -> None:
    """Notify the account manager of the current answer: one notification per hour in which it was given or changed."""
    response, owner = row.response, row.client.owner
    if response is None or not owner.is_active:
        return
    values = {"name": row.contact.name, "client": row.client.name, "score": response.score, "of": response.scale_max}
    if row.survey.kind == SurveyKind.NPS and nps.band_of(response.score) == nps.DETRACTORS:
        text = _("Detractor: %(name)s at %(client)s answered %(score)d out of %(of)d. Call them soon.") % values
    else:
        text = _("%(name)s at %(client)s answered %(score)d out of %(of)d.") % values
    Notification.objects.update_or_create(
        key=f"survey-answer:{row.pk}:{response.answered_at:%Y-%m-%dT%H}",
        defaults={
            "read_at": None,
            "user": owner,
            "client_id": row.client_id,
            "kind": "survey-answer",
            "text": text[:300],
            "url": f"/clients/{row.client_id}/surveys/",
        },
    )


@service(may=permissions.is_asked, open_to=BY_LINK)
def stop_surveys(principal: Principal, *, invitation: SurveyInvitation, now: datetime) -> SurveyInvitation:
    """The person opts out of all surveys: their unsent ones are cancelled and the account manager is notified.
    Twice changes nothing."""
    row = lock(invitation)
    elsewhere = HeldDetails.objects.filter(affiliation__contact=row.contact_id, details__survey=True)
    if has_stopped(row) and not elsewhere.exists():
        return row
    set_consent(
        SYSTEM, contact=row.contact, purpose=Purpose.SURVEY, is_given=False, source=_("Link in a survey email"), now=now
    )
    reason = _("The recipient opted out of surveys")
    theirs = SurveyInvitation.objects.filter(contact=row.contact_id)
    open_ones = list(theirs.filter(state__in=INVITATION.open).values_list("pk", flat=True))
    theirs.filter(state=InvitationState.PLANNED).update(
        state=InvitationState.SKIPPED, skip_reason=reason, updated_at=now
    )
    OutboxMail.objects.caused_by(SurveyInvitation).filter(cause_id__in=open_ones).withdraw(reason, now=now)
    if row.client.owner.is_active:
        Notification.objects.get_or_create(
            key=f"survey-stop:{row.pk}:{now.isoformat()}",
            defaults={
                "user": row.client.owner,
                "client_id": row.client_id,
                "kind": "survey-stop",
                "url": f"/clients/{row.client_id}/surveys/",
                "text": _("%(name)s unsubscribed from surveys.") % {"name": row.contact.name},
            },
        )
    return row

"""What this app owns of a client and of a contact, and how a merge treats it. Registers itself."""

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.merging.relations import Consequence, Pair, consequences, leave, relate
from clients.records.models import Client
from crm.core.base.errors import ServiceError
from interactions.agreements.models import Commitment, Decision
from interactions.cadence.models import Cadence
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction, InteractionContact
from interactions.progress.choices import PROGRESS
from interactions.progress.models import ProgressEmail, ProgressRecipient, ProgressSchedule
from interactions.reading.models import ReadMark
from interactions.reminders.models import Told
from interactions.surveys.models import SurveyInvitation, SurveyResponse


def join_recipients(pair: Pair, surplus: QuerySet) -> None:
    """Two schedules of progress emails become one: it goes to the recipients of both. A person who stopped one gets neither."""
    own = ProgressSchedule.objects.filter(client=pair.kept.pk).first()
    if own is None:
        return
    theirs = ProgressRecipient.objects.filter(schedule__in=surplus)
    _stop(theirs, ProgressRecipient.objects.filter(schedule=own), "contact_id")
    known = list(own.recipients.values_list("contact_id", flat=True))
    theirs.exclude(contact__in=known).update(schedule=own)


def join_stopped(pair: Pair, surplus: QuerySet) -> None:
    """One of the two contacts got the same progress emails and stopped them."""
    _stop(surplus, ProgressRecipient.objects.filter(contact=pair.kept.pk), "schedule_id")


def _stop(theirs: QuerySet, own: QuerySet, column: str) -> None:
    for key, at in theirs.filter(stopped_at__isnull=False).values_list(column, "stopped_at"):
        own.filter(**{column: key}, stopped_at__isnull=True).update(stopped_at=at)


def keep_open_emails(pair: Pair, surplus: QuerySet) -> None:
    """The week's email of the client merged away stays behind because the kept client has one: refused if that one goes out no more,
    since nobody would get the other.
    """
    over = ProgressEmail.objects.filter(client=pair.kept.pk, state__in=PROGRESS.over)
    lost = surplus.filter(state__in=PROGRESS.open, expires_at__gt=pair.now, week__in=over.values("week")).first()
    if lost is not None:
        text = gettext(
            "The progress email of %(kept)s for %(week)s is over, but that of %(away)s still waits. Send or skip it first."
        )
        raise ServiceError(text % {"kept": pair.kept, "away": pair.away, "week": lost.week}, code="conflict")


relate(Client, "client_id", Interaction, label=_("Conversations and notes"))
relate(Client, "client_id", Decision, label=_("Decisions"))
relate(Client, "client_id", Commitment, label=_("Commitments"))
relate(Client, "client_id", FollowUp, label=_("Follow-ups"))
relate(Client, "client_id", Cadence, is_single=True)
relate(Client, "client_id", ProgressSchedule, is_single=True, join=join_recipients)
relate(Client, "client_id", ProgressEmail, unless=("week",), join=keep_open_emails, label=_("Progress emails"))
relate(Client, "client_id", SurveyInvitation, label=_("Survey invitations"))
relate(Client, "client_id", SurveyResponse, label=_("Survey answers"))

relate(Contact, "contact_id", InteractionContact, unless=("interaction_id",))
relate(Contact, "author_contact_id", Interaction, Decision, FollowUp)
relate(Contact, "contact_id", Decision, label=_("Decisions"))
relate(Contact, "contact_id", Commitment, label=_("Commitments"))
relate(Contact, "contact_id", FollowUp, label=_("Follow-ups"))
relate(Contact, "closed_by_contact_id", Commitment, FollowUp)
relate(Contact, "contact_id", ProgressRecipient, unless=("schedule_id",), join=join_stopped)
relate(Contact, "contact_id", SurveyInvitation, label=_("Survey invitations"))
relate(Contact, "contact_id", SurveyResponse, label=_("Survey answers"))

leave(FollowUp, "source_id", why="names a conversation, a rule or a referral, which keeps its id")
leave(ReadMark, "record_id", why="names a notification, a follow-up or a progress email, which keeps its id")
leave(Told, "record_id", why="names a notification or a follow-up, which keeps its id")

for key, owner, order, text in (
    (
        "rhythm",
        Client,
        60,
        _("%(kept)s keeps its own contact target, and gets that of %(away)s if it has none."),
    ),
    (
        "progress",
        Client,
        62,
        _(
            "There is one progress email a week, to the recipients of both. Anyone who unsubscribed from one gets neither."
        ),
    ),
    (
        "mail",
        Client,
        64,
        _("Emails that wait still go out, to the same addresses. Links in earlier emails keep working."),
    ),
    (
        "mail-contact",
        Contact,
        64,
        _("Emails that wait still go out, to the same addresses. Links in earlier emails keep working."),
    ),
):
    consequences.register(Consequence(key, owner, text, order))

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.engagements.models import engagement_key, named_q
from clients.gate import visible_q
from clients.records.models import Client
from crm.core.base.actors import actor_name, one_actor
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Customised, Versioned, tracked, tracked_aside
from crm.core.users.models import User
from interactions.log.choices import Channel, Direction, Sentiment, Visibility

BODY_AT_MOST = 50_000  # characters: some twenty-five pages


def _open_to(principal, key: str, *, of_many: bool = False) -> Q:
    """The condition under which a user may read an interaction of a client they see, or one of its versions; `key` is
    the column with its id. `of_many`: for a pass over all of them, which then joins no clients.
    """
    part = Interaction.participants.through.objects.filter(interaction_id=OuterRef(key), user_id=principal.user_id)
    seen = Q(visibility__in=[Visibility.FIRM, Visibility.SHARED]) | Q(author=principal.user)
    mine = Q(Exists(part))  # last, as it is asked for each row that nothing else has let through
    team = Q(visibility=Visibility.TEAM)
    if not principal.sees_all:
        teams = principal.user.memberships.values("team_id")
        if of_many:
            theirs = Client.objects.filter(Q(owner=principal.user) | Q(team__in=teams))
            team &= Q(client__in=theirs.values("pk"))
        else:
            team &= Q(client__owner=principal.user) | Q(client__team__in=teams)
    return seen | team | mine


class InteractionQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        """The client's gate, and the engagement's. A private one: only author and participants. A team one: the client's team and owner, and
        those who see all. The system sees all.
        """
        if principal.is_system:
            return self.all()
        if principal.user is None:
            return self.none()
        return (
            self.filter(visible_q(principal, "client__")).filter(named_q(principal)).filter(_open_to(principal, "pk"))
        )

    def of_seen_clients(self, principal):
        """Those that the principal may read, of clients that they see: for statements about such clients alone."""
        if principal.is_system:
            return self.all()
        if principal.user is None:
            return self.none()
        return self.filter(named_q(principal)).filter(_open_to(principal, "pk", of_many=True))

    def history_visible_to(self, principal, *, of_many: bool = False):
        """The versions that were visible to the principal: text written as private stays private after the visibility
        changes. `of_many`: see `_open_to`; those of deleted clients included.
        """
        events = Interaction.pgh_event_model.objects.all()  # type: ignore[attr-defined]
        if principal.is_system:
            return events
        if principal.user is None:
            return events.none()
        return events.filter(named_q(principal)).filter(_open_to(principal, "pgh_obj_id", of_many=of_many))

    def contacts_made(self):
        """Those that count as contact with the client: all except notes."""
        return self.exclude(channel=Channel.NOTE)

    def shared(self):
        return self.filter(visibility=Visibility.SHARED)

    def between(self, start, end):
        return self.filter(occurred_at__gte=start, occurred_at__lt=end)


@tracked
class Interaction(Archivable, Customised, Versioned):
    """A conversation between the firm and a client, or a note. A correction keeps the earlier text in its history."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="interactions")
    engagement = engagement_key("interactions")
    contacts = models.ManyToManyField(Contact, blank=True, related_name="interactions", verbose_name=_("with"))
    channel = models.CharField(_("type"), max_length=10, choices=Channel, default=Channel.NOTE)
    direction = models.CharField(_("direction"), max_length=4, choices=Direction, default=Direction.BOTH)
    occurred_at = models.DateTimeField(_("when"))
    duration_minutes = models.PositiveSmallIntegerField(
        _("minutes"), null=True, blank=True, validators=[MaxValueValidator(1440)]
    )
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    body = models.TextField(_("summary"), blank=True, max_length=BODY_AT_MOST, help_text=_("Markdown"))
    sentiment = models.SmallIntegerField(
        _("sentiment"),
        choices=Sentiment,
        null=True,
        blank=True,
        validators=[MinValueValidator(-2), MaxValueValidator(2)],
    )
    author = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="interactions", verbose_name=_("logged by")
    )
    author_contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="+", editable=False)
    participants = models.ManyToManyField(User, blank=True, related_name="took_part_in", verbose_name=_("colleagues"))
    visibility = models.CharField(_("visible to"), max_length=8, choices=Visibility, default=Visibility.FIRM)
    is_pinned = models.BooleanField(_("pinned"), default=False)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = InteractionQuerySet.as_manager()

    class Meta:
        verbose_name = _("interaction")
        constraints = [
            models.CheckConstraint(
                condition=~Q(subject="") | ~Q(body=""),
                name="interaction_says_something",
                violation_error_message=_("Enter a subject or a summary."),
            ),
            models.CheckConstraint(
                condition=Q(sentiment__isnull=True) | Q(sentiment__gte=-2, sentiment__lte=2),
                name="interaction_sentiment_range",
            ),
            one_actor("author", "author_contact", name="interaction_author_is_one"),
        ]
        indexes = [
            models.Index(  # with what roll-ups and the gate ask: the table itself is mostly text
                fields=["client", "-occurred_at", "-id"],
                include=[
                    "engagement",
                    "author",
                    "visibility",
                    "channel",
                    "direction",
                    "duration_minutes",
                    "sentiment",
                ],
                name="interaction_of_client",
                condition=Q(archived_at__isnull=True),
            ),
            models.Index(
                fields=["client", "-occurred_at", "-id"],
                name="interaction_pinned",
                condition=Q(archived_at__isnull=True, is_pinned=True),
            ),
            models.Index(
                fields=["engagement", "-occurred_at", "-id"],
                name="interaction_engagement",
                condition=Q(engagement__isnull=False),
            ),
            models.Index(
                fields=["-occurred_at", "-id"], name="interaction_recent", condition=Q(archived_at__isnull=True)
            ),
            models.Index(
                fields=["author", "-occurred_at"], name="interaction_author", condition=Q(archived_at__isnull=True)
            ),
            models.Index(
                fields=["channel", "-occurred_at", "-id"],
                name="interaction_channel",
                condition=Q(archived_at__isnull=True),
            ),
            models.Index(
                fields=["sentiment", "-occurred_at", "-id"],
                name="interaction_sentiment",
                condition=Q(archived_at__isnull=True, sentiment__isnull=False),
            ),
        ]

    def __str__(self):
        return self.subject or Truncator(self.body).chars(60)

    author_name = actor_name("author", "author_contact")


@tracked_aside
class InteractionContact(Interaction.contacts.through):  # type: ignore[name-defined,misc]
    """A contact who took part."""

    class Meta:
        proxy = True


@tracked_aside
class InteractionColleague(Interaction.participants.through):  # type: ignore[name-defined,misc]
    """A colleague who took part."""

    class Meta:
        proxy = True

from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.engagements.models import engagement_key, named_q
from clients.gate import visible_q
from clients.records.models import Client
from crm.core.base.actors import actor_name, one_actor
from crm.core.base.models import Versioned, tracked
from crm.core.users.models import User
from interactions.agreements.choices import CommitmentState, Side
from interactions.log.models import Interaction

TEXT_AT_MOST = 5_000  # characters of a decision


class AgreementQuerySet(models.QuerySet):
    def visible_to(self, principal):
        """The gate of the client, of the engagement, and of the interaction it came from."""
        seen = Exists(
            Interaction.objects.visible_to(principal).filter(pk=OuterRef("interaction_id"))
        )  # looked up by key, never as a list of all visible rows
        through = Q(interaction__isnull=True) | seen
        return self.filter(visible_q(principal, "client__")).filter(named_q(principal)).filter(through)

    def history_visible_to(self, principal):
        """Versions written while their interaction was visible to the principal, and versions without an
        interaction.
        """
        versions = Interaction.pgh_event_model.objects.filter(  # type: ignore[attr-defined]
            pgh_obj_id=OuterRef("interaction_id"), pgh_created_at__lte=OuterRef("pgh_created_at")
        )
        then = Subquery(versions.order_by("-pgh_id").values("pgh_id")[:1])
        seen = Interaction.objects.history_visible_to(principal).filter(pgh_id=OuterRef("then"))
        events = self.model.pgh_event_model.objects.annotate(then=then)
        return events.filter(named_q(principal)).filter(Q(interaction__isnull=True) | Exists(seen))

    def shared(self):
        return self.filter(Q(is_shared=True))


@tracked
class Decision(Versioned):
    """What was agreed with a client, in which interaction, and whether the client confirmed it."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="decisions")
    interaction = models.ForeignKey(Interaction, models.SET_NULL, null=True, blank=True, related_name="decisions")
    engagement = engagement_key("decisions")
    text = models.TextField(_("what was agreed"))
    decided_date = models.DateField(_("on"))
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("agreed by")
    )
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    author_contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="+", editable=False)
    is_shared = models.BooleanField(_("shared with the client"), default=False)
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = _("decision")
        ordering = ["-decided_date", "-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="decision_text_given"),
            one_actor("author", "author_contact", name="decision_author_is_one"),
        ]
        indexes = [
            models.Index(fields=["client", "-decided_date"], name="decision_client"),
            models.Index(fields=["engagement"], name="decision_engagement", condition=Q(engagement__isnull=False)),
        ]

    def __str__(self):
        return Truncator(self.text).chars(80)

    author_name = actor_name("author", "author_contact")


@tracked
class Commitment(Versioned):
    """A promise by either side, with a due date: kept, broken or withdrawn."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="commitments")
    interaction = models.ForeignKey(Interaction, models.SET_NULL, null=True, blank=True, related_name="commitments")
    decision = models.ForeignKey(Decision, models.SET_NULL, null=True, blank=True, related_name="commitments")
    engagement = engagement_key("commitments")
    text = models.CharField(_("commitment"), max_length=300)
    side = models.CharField(_("side"), max_length=6, choices=Side, default=Side.FIRM)
    owner = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="commitments")
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, blank=True, related_name="+")
    due_date = models.DateField(_("due"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=CommitmentState, default=CommitmentState.OPEN)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", editable=False)
    closed_by_contact = models.ForeignKey(
        Contact, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    is_shared = models.BooleanField(_("shared with the client"), default=False)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = _("commitment")
        ordering = ["due_date", "id"]
        constraints = [one_actor("closed_by", "closed_by_contact", name="commitment_closed_by_one", may_be_system=True)]
        indexes = [
            models.Index(fields=["client", "due_date"], name="commitment_client_open", condition=Q(state="open")),
            models.Index(fields=["engagement"], name="commitment_engagement", condition=Q(engagement__isnull=False)),
        ]

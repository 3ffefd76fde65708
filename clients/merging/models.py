"""Records that were merged: which is kept, which was merged away, and what an undo needs besides the history."""

from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Affiliation, Contact
from clients.records.models import Client
from crm.core.base.models import tracked
from crm.core.users.models import User


class MergeQuerySet(models.QuerySet):
    def visible_to(self, principal):
        """Merges of which the principal sees both records."""
        records = self.model.records().objects.visible_to(principal).values("pk")
        return self.filter(kept__in=records, away__in=records)

    def standing(self):
        """Not undone."""
        return self.filter(undone_at__isnull=True)


class Merge(models.Model):
    """`away` was merged into `kept`. `context` names what it wrote in the history, `undo_context` what its
    undo wrote; `moved` are the rows that have none: [label of the
    model, column, ids]. `left` is what an undo could not take back: [label, id, reason].
    """

    kept: Any
    away: Any
    at = models.DateTimeField(_("merged on"))
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("merged by"))
    context = models.UUIDField()
    moved = models.JSONField(default=list)
    undone_at = models.DateTimeField(_("undone on"), null=True)
    undone_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("undone by"))
    undo_context = models.UUIDField(null=True)
    left = models.JSONField(default=list)

    unsaid = ("context", "undo_context", "moved", "left")
    objects = MergeQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-at", "-pk"]

    def __str__(self):
        return str(_("%(away)s merged into %(kept)s")) % {"away": self.away, "kept": self.kept}

    @classmethod
    def records(cls) -> Any:
        """The model of the two records."""
        return cls._meta.get_field("kept").related_model


@tracked
class ClientMerge(Merge):
    kept = models.ForeignKey(Client, models.CASCADE, related_name="+", verbose_name=_("kept client"))
    away = models.ForeignKey(Client, models.CASCADE, related_name="+", verbose_name=_("merged client"))

    class Meta(Merge.Meta):
        verbose_name = _("merge of clients")
        constraints = [
            models.UniqueConstraint(fields=["away"], condition=Q(undone_at__isnull=True), name="client_merged_once"),
            models.CheckConstraint(condition=~Q(kept=F("away")), name="client_merged_with_another"),
        ]


def places_of(context: Any) -> models.QuerySet:
    """The places of a contact that its merge moved or joined with one of the kept contact's, from the history."""
    events: Any = Affiliation.pgh_event_model  # type: ignore[attr-defined]
    return Affiliation.objects.filter(pk__in=events.objects.filter(pgh_context=context).values("pgh_obj"))


class ContactMergeQuerySet(MergeQuerySet):
    def visible_to(self, principal):
        """Merges of which the principal sees both contacts. A contact that was merged away has no places left; people who see a
        client where it had one see it.
        """
        seen = Contact.objects.visible_to(principal).values("pk")
        had = Exists(places_of(OuterRef(OuterRef("context"))).visible_to(principal))
        return self.filter(Q(away__in=seen) | Q(undone_at__isnull=True) & had, kept__in=seen)


@tracked
class ContactMerge(Merge):
    kept = models.ForeignKey(Contact, models.CASCADE, related_name="+", verbose_name=_("kept contact"))
    away = models.ForeignKey(Contact, models.CASCADE, related_name="+", verbose_name=_("merged contact"))

    objects = ContactMergeQuerySet.as_manager()

    class Meta(Merge.Meta):
        verbose_name = _("merge of contacts")
        constraints = [
            models.UniqueConstraint(fields=["away"], condition=Q(undone_at__isnull=True), name="contact_merged_once"),
            models.CheckConstraint(condition=~Q(kept=F("away")), name="contact_merged_with_another"),
        ]

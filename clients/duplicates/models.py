"""Pairs of records that may be the same."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.users.models import User


class DuplicateQuerySet(models.QuerySet):
    def visible_to(self, principal):
        """Pairs of which the principal sees both, not archived: nobody learns of a record out of sight."""
        records = self.model._meta.get_field("first").related_model.objects.visible_to(principal).kept().values("pk")
        return self.filter(first__in=records, second__in=records)

    def open(self):
        return self.filter(dismissed_at__isnull=True)


class Duplicate(models.Model):
    """Two records that may be the same, found by the nightly search. `mark` is made of what identifies them: a pair that somebody
    dismissed is asked about again when it changes.
    """

    score = models.PositiveSmallIntegerField(_("likeness"))
    reasons = models.JSONField(default=list, help_text="keys of `scoring.REASONS`")
    mark = models.CharField(max_length=64)
    found_at = models.DateTimeField(_("found"))
    dismissed_at = models.DateTimeField(null=True, help_text="somebody said that these are two")
    dismissed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    dismissed_mark = models.CharField(max_length=64, blank=True)

    objects = DuplicateQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-score", "pk"]


class ClientDuplicate(Duplicate):
    first = models.ForeignKey(Client, models.CASCADE, related_name="+")
    second = models.ForeignKey(Client, models.CASCADE, related_name="+")

    class Meta(Duplicate.Meta):
        verbose_name = _("possible duplicate")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="client_duplicate_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="client_duplicate_in_order"),
        ]
        indexes = [models.Index(fields=["-score", "id"], name="client_duplicate_score")]


class ContactDuplicate(Duplicate):
    first = models.ForeignKey(Contact, models.CASCADE, related_name="+")
    second = models.ForeignKey(Contact, models.CASCADE, related_name="+")

    class Meta(Duplicate.Meta):
        verbose_name = _("possible duplicate")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="contact_duplicate_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="contact_duplicate_in_order"),
        ]
        indexes = [models.Index(fields=["-score", "id"], name="contact_duplicate_score")]

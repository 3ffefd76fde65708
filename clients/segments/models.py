from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.gate import visible_q
from clients.records.models import Client
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Versioned, tracked
from crm.core.users.models import User

LONGEST_NAME = 80


class SegmentQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        """One's own, and those that are shared with everyone."""
        if principal.user is None:
            return self if principal.is_system else self.none()
        return self.filter(Q(owner=principal.user) | Q(is_shared=True))


@tracked
class Segment(Archivable, Versioned):
    """Clients that a rule describes. It holds the rule, never clients: each reader gets those that they may see."""

    owner = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("owner"))
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    is_shared = models.BooleanField(_("shared with everyone"), default=False)
    rule = models.JSONField(_("rule"), help_text="a group: {match, rules}; see clients/segments/rules.py")

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                "owner",
                Lower("name"),
                condition=Q(archived_at__isnull=True),
                name="segment_name_once",
                violation_error_message=_("You already have a segment with this name."),
            ),
            models.CheckConstraint(
                condition=~Q(name=""), name="segment_named", violation_error_message=_("Enter a name.")
            ),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("clients:segment", kwargs={"segment_id": self.pk})


class SegmentNote(models.Model):
    """When the members of a segment were last noted, and by which rule."""

    segment = models.OneToOneField(Segment, models.CASCADE, primary_key=True, related_name="note")
    day = models.DateField(help_text="the firm's")
    rule_mark = models.CharField(max_length=64, help_text="the same for the same rule")


class OfSegmentQuerySet(models.QuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "client__"))


class SegmentMember(models.Model):
    """A client that was in a segment when its members were last noted."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="members")
    client = models.ForeignKey(Client, models.CASCADE, related_name="+")

    objects = OfSegmentQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "client"], name="segment_member_once")]


class SegmentChange(models.Model):
    """A client that joined or left a segment between the firm's day before and this one."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="changes")
    client = models.ForeignKey(Client, models.CASCADE, related_name="+")
    day = models.DateField()
    has_joined = models.BooleanField(help_text="false: it left")

    objects = OfSegmentQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "day", "client"], name="segment_change_once")]
        indexes = [models.Index(fields=["day"], name="segment_change_day")]

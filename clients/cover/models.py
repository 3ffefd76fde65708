"""Who covers for whom during an absence. What this lets them see is in clients/gate.py."""

from datetime import date, datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.base.models import DateRange, Versioned, tracked
from crm.core.firm.queries import firm_today
from crm.core.users.models import User


class CoverQuerySet(models.QuerySet):
    def visible_to(self, principal):
        """One's own, as either of the two; managers and admins see all."""
        if principal.is_system or principal.sees_all:
            return self
        if principal.user is None:
            return self.none()
        return self.filter(Q(absent=principal.viewer) | Q(covering=principal.viewer))

    def running(self, today: date):
        """Those that let somebody see clients on the firm's day."""
        return self.filter(start_date__lte=today, end_date__gt=today, ended_at__isnull=True)

    def running_now(self):
        """The gate is asked without a moment; the day changes at the firm's midnight, when kept statements are built again."""
        return self.running(firm_today(timezone.now()))

    def able(self):
        """Those whose covering colleague may sign in and has a role."""
        return self.filter(covering__is_active=True, covering__roles__len__gt=0)


@tracked
class Cover(Versioned):
    """From `start_date` up to, not including, `end_date` (the firm's days), `covering` sees and works with the clients whose account manager
    is `absent`; not with restricted ones. It ends early at `ended_at`.
    """

    absent = models.ForeignKey(User, models.PROTECT, related_name="absences", verbose_name=_("absent"))
    covering = models.ForeignKey(User, models.PROTECT, related_name="covers", verbose_name=_("covered by"))
    start_date = models.DateField(_("first day away"))
    end_date = models.DateField(_("back on"), help_text=_("The cover ends when this day begins."))
    note = models.CharField(_("note"), max_length=300, blank=True)
    arranged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    ended_at = models.DateTimeField(_("ended early"), null=True, blank=True, editable=False)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = CoverQuerySet.as_manager()

    class Meta:
        verbose_name = _("cover")
        ordering = ["-start_date", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(absent=F("covering")),
                name="cover_by_another",
                violation_error_message=_("Choose another colleague to cover."),
            ),
            models.CheckConstraint(
                condition=Q(end_date__gt=F("start_date")),
                name="cover_not_empty",
                violation_error_message=_("They must be back after the first day away."),
            ),
            ExclusionConstraint(
                name="cover_once_a_day",
                expressions=[
                    ("absent", RangeOperators.EQUAL),
                    ("covering", RangeOperators.EQUAL),
                    (DateRange("start_date", "end_date", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(ended_at__isnull=True),
                violation_error_message=_("This colleague already covers on some of these days."),
            ),
        ]
        indexes = [
            models.Index(
                fields=["covering", "end_date"],
                name="cover_covering",
                include=["start_date", "absent"],
                condition=Q(ended_at__isnull=True),
            ),
            models.Index(
                fields=["absent", "end_date"],
                name="cover_absent",
                include=["start_date", "covering"],
                condition=Q(ended_at__isnull=True),
            ),
            models.Index(fields=["-start_date", "-id"], name="cover_newest"),
        ]

    def __str__(self):
        return f"{self.covering} → {self.absent}"

    def get_absolute_url(self) -> str:
        return reverse("clients:covers")

    def is_over(self, today: date) -> bool:
        return self.end_date <= today

    def has_begun(self, today: date) -> bool:
        return self.start_date <= today

    def ran_at(self, moment: datetime, day: date) -> bool:
        """Whether it let somebody see clients at a moment of the firm's day."""
        arranged = max(self.start_date, firm_today(self.created_at)) <= day and self.created_at <= moment
        return arranged and day < self.end_date and (self.ended_at is None or moment < self.ended_at)

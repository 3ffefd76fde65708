"""Morning mails, and what a mail to a colleague mentioned."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.mail.models import OutboxMail
from crm.core.users.models import User
from interactions.reminders.choices import DigestState


class DigestQuerySet(models.QuerySet):
    def visible_to(self, principal):
        """Their own; managers and admins see when everybody's leaves. The content is for its reader alone."""
        return self if principal.sees_all else self.filter(user=principal.user)

    def planned(self):
        return self.filter(state=DigestState.PLANNED)


class Digest(models.Model):
    """The morning mail of one user and local day, planned ahead and rendered at its time. `due_at` is `hour` of `date` in
    `time_zone`, the user's at the time of planning. The mail has the key digest:{user}:{date}."""

    user = models.ForeignKey(User, models.CASCADE, related_name="digests")
    date = models.DateField(help_text="the user's local day")
    hour = models.PositiveSmallIntegerField(validators=[MaxValueValidator(23)])
    time_zone = models.CharField(max_length=64)
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=DigestState, default=DigestState.PLANNED)
    note = models.CharField(max_length=200, blank=True, help_text="why no mail left, or who skipped it")
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = DigestQuerySet.as_manager()

    class Meta:
        verbose_name = _("morning email")
        ordering = ["-due_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "date"], name="digest_once_a_day"),
            models.CheckConstraint(
                condition=Q(state="planned", settled_at__isnull=True)
                | ~Q(state="planned") & Q(settled_at__isnull=False),
                name="digest_settled_at",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="digest_planned", condition=Q(state="planned")),
            models.Index(fields=["user", "due_at"], name="digest_user"),
        ]

    def __str__(self):
        return f"{self.user_id} {self.date}"


class Told(models.Model):
    """What a mail to a colleague tells of. A follow-up or notification (`ReadKind`) is mailed once, and an unsent reminder is cancelled when
    it was read or done. Of a morning email also the rows of its lines, by the label of their model: it is cancelled when they are out of its
    reader's sight before it was sent."""

    mail = models.ForeignKey(OutboxMail, models.CASCADE, related_name="told")
    kind = models.CharField(max_length=60)
    record_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "record_id", "mail"], name="told_once_a_mail")]

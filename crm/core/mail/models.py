import uuid

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.core.base.models import tracked
from crm.core.base.querysets import OwnedQuerySet
from crm.core.files.models import StoredFile
from crm.core.mail.choices import KEPT_HERE, MAIL_MOVES, MAIL_UNSENT, MAIL_WAITING, MailState, SuppressionReason
from crm.core.users.models import User

STORED = Q(state=MailState.SENT, reply__endswith=KEPT_HERE)  # instead of sent, because no mail server is set


class OutboxMailQuerySet(OwnedQuerySet):
    def waiting(self):
        return self.filter(state__in=MAIL_WAITING)

    def due(self, now):
        return self.filter(state=MailState.PENDING, next_attempt_at__lte=now)

    def caused_by(self, cause):
        """The mails about a row; for a model, those about any of its rows (`cause_id` says which)."""
        rows = self.filter(cause_kind=cause_kind(cause))
        return rows if isinstance(cause, type) else rows.filter(cause_id=cause.pk)

    def withdraw(self, reason: str, *, now) -> int:
        """Cancel those that are not on their way yet. Returns how many."""
        unsent = self.filter(state__in=MAIL_UNSENT)
        return unsent.update(state=MailState.CANCELLED, reply=reason[:500], updated_at=now)


def cause_kind(cause) -> str:
    """How the outbox names the kind of row (or model) that caused a mail: "interactions.progressemail"."""
    return cause._meta.label_lower


class OutboxMail(models.Model):
    """One mail to one recipient, and the single source of truth about it. Written in the transaction of its cause,
    never rendered again.
    """

    key = models.CharField(
        max_length=200, unique=True, help_text="idempotency key, such as progress:{client}:{contact}:2026-W48"
    )
    kind = models.CharField(max_length=40, db_index=True)
    state = models.CharField(max_length=10, choices=MailState, default=MailState.PENDING)
    cause_kind = models.CharField(
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text="model of the row it is about; empty for an earlier mail",
    )
    cause_id = models.BigIntegerField(null=True, blank=True)
    client_id = models.BigIntegerField(null=True, blank=True)
    contact_id = models.BigIntegerField(null=True, blank=True)
    user = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", help_text="the addressee, when of the firm"
    )
    to_address = models.EmailField(max_length=254)
    to_name = models.CharField(max_length=200, blank=True)
    from_name = models.CharField(max_length=200, blank=True)
    reply_to = models.EmailField(max_length=254, blank=True)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True)
    headers = models.JSONField(default=dict, blank=True)
    links = models.JSONField(
        default=dict, blank=True, help_text="placeholder in the frozen body → how the real link is derived at DATA"
    )
    message_id = models.CharField(max_length=255, unique=True)
    purpose = models.CharField(max_length=20, default="service")
    rank = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text="0 goes before all others: mails that open an account"
    )
    is_automatic = models.BooleanField(
        default=False, db_default=False, help_text="nobody pressed a button for it; counted by the blast guard"
    )
    has_journal = models.BooleanField(
        default=False,
        db_default=False,
        help_text="the server took a second copy for the journal in the same transaction",
    )
    provider_id = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="the mail's id at the provider that took it"
    )
    planned_for = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fenced_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    reply = models.CharField(max_length=500, blank=True, help_text="the server's last word, or the reason of a hold")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OutboxMailQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], name="outbox_due", condition=Q(state="pending")),
            models.Index(fields=["rank", "next_attempt_at", "id"], name="outbox_claim", condition=Q(state="pending")),
            models.Index(fields=["lease_until"], name="outbox_leases", condition=Q(state__in=["leased", "sending"])),
            models.Index(fields=["-planned_for", "-id"], name="outbox_recent"),
            models.Index(fields=["client_id", "-planned_for"], name="outbox_client"),
            models.Index(fields=["state", "-planned_for"], name="outbox_state"),
            models.Index(
                fields=["contact_id", "planned_for"],
                name="outbox_automatic",
                condition=Q(is_automatic=True, contact_id__isnull=False),
            ),
            models.Index(Lower("to_address"), name="outbox_address"),
            models.Index(fields=["provider_id"], name="outbox_provider", condition=~Q(provider_id="")),
            models.Index(fields=["cause_kind", "cause_id"], name="outbox_cause", condition=Q(cause_id__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="outbox_lease_when_in_flight",
                condition=Q(state__in=["leased", "sending"], lease_token__isnull=False, lease_until__isnull=False)
                | ~Q(state__in=["leased", "sending"]),
            ),
            models.CheckConstraint(name="outbox_sent_has_time", condition=~Q(state="sent") | Q(sent_at__isnull=False)),
            models.CheckConstraint(name="outbox_known_state", condition=Q(state__in=MailState.values)),
        ]
        triggers = [
            pgtrigger.FSM(name="outbox_moves", field="state", transitions=[(str(a), str(b)) for a, b in MAIL_MOVES])
        ]

    def __str__(self):
        return f"{self.subject} → {self.to_address}"

    @property
    def is_kept_here(self) -> bool:
        """Whether it was stored instead of sent, because no mail server is set."""
        return self.state == MailState.SENT and self.reply.endswith(KEPT_HERE)

    @property
    def state_text(self):
        return _("Not sent") if self.is_kept_here else self.get_state_display()  # type: ignore[attr-defined]

    @property
    def is_late(self) -> bool:
        return bool(self.deadline_at and self.sent_at and self.sent_at > self.deadline_at)


class MailAttachment(models.Model):
    """A file sent with a mail, stored outside the row."""

    mail = models.ForeignKey(OutboxMail, models.CASCADE, related_name="attachments")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)

    class Meta:
        verbose_name = _("attachment")


class DeliveryAttempt(models.Model):
    """One try to hand a mail to the server, with its answer. Append only."""

    mail = models.ForeignKey(OutboxMail, models.CASCADE, related_name="delivery_attempts")
    token = models.UUIDField(default=uuid.uuid4)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(
        max_length=20, choices=[(v, v) for v in ("sent", "retry", "dead", "uncertain", "lost_lease")], blank=True
    )
    code = models.PositiveSmallIntegerField(null=True, blank=True)
    reply = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-started_at"]
        verbose_name = _("attempt")


@tracked
class Suppression(models.Model):
    """An address that takes no mail: it bounced, its owner complained, or an admin says so. Lifted by deleting the row."""

    address = models.EmailField(_("address"), max_length=254)
    reason = models.CharField(_("reason"), max_length=10, choices=SuppressionReason)
    detail = models.CharField(_("what was said"), max_length=500, blank=True)
    mail = models.ForeignKey(OutboxMail, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("suppressed address")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                Lower("address"),
                name="suppression_once",
                violation_error_message=_("This address is already suppressed."),
            )
        ]

    def __str__(self):
        return self.address


class Installation(models.Model):
    """What this database is bound to (one row, id 1). A copy or a restored dump has the same row, and is detected by
    it. See `services/instance.py`. Empty columns: not bound yet.
    """

    uid = models.UUIDField()
    since = models.DateTimeField(auto_now_add=True)
    database = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="its number in the server and the seal's transaction",
    )
    place = models.TextField(
        blank=True, default="", db_default="", help_text="where the data folder lies that it lies in"
    )
    base_url = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="the address it sends for"
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_is_one_row")]


class BlastQuestion(models.Model):
    """A pending approval: a planner wanted far more mails of a kind for one week than usual. Nothing is planned until
    an admin answers.
    """

    kind = models.CharField(max_length=40)
    week = models.CharField(max_length=8, help_text="ISO week of the firm, such as 2026-W48")
    wanted = models.PositiveIntegerField(help_text="how many it would be")
    usual = models.PositiveIntegerField(help_text="the median of the eight weeks before")
    allowed = models.PositiveIntegerField(null=True, blank=True, help_text="up to how many an admin let through")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "week"], name="blast_question_once")]
        ordering = ["-created_at"]

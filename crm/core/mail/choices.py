from django.db import models
from django.utils.translation import gettext_lazy as _


class MailState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    HELD = "held", _("Held")
    PENDING = "pending", _("Waiting to be sent")
    LEASED = "leased", _("Being prepared")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    UNCERTAIN = "uncertain", _("Needs a decision")
    DEAD = "dead", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")


# from → to; a database trigger enforces exactly these
MAIL_MOVES = [
    (MailState.PLANNED, MailState.PENDING),
    (MailState.PLANNED, MailState.HELD),
    (MailState.PLANNED, MailState.CANCELLED),
    (MailState.PLANNED, MailState.EXPIRED),
    (MailState.HELD, MailState.PLANNED),
    (MailState.HELD, MailState.PENDING),
    (MailState.HELD, MailState.CANCELLED),
    (MailState.HELD, MailState.EXPIRED),
    (MailState.PENDING, MailState.LEASED),
    (MailState.PENDING, MailState.HELD),
    (MailState.PENDING, MailState.CANCELLED),
    (MailState.PENDING, MailState.EXPIRED),
    (MailState.LEASED, MailState.PENDING),
    (MailState.LEASED, MailState.SENDING),
    (MailState.LEASED, MailState.DEAD),
    (MailState.SENDING, MailState.SENT),
    (MailState.SENDING, MailState.PENDING),
    (MailState.SENDING, MailState.DEAD),
    (MailState.SENDING, MailState.UNCERTAIN),
    (MailState.UNCERTAIN, MailState.SENT),
    (MailState.UNCERTAIN, MailState.DEAD),
    (MailState.UNCERTAIN, MailState.CANCELLED),
    (MailState.UNCERTAIN, MailState.LEASED),  # only to a provider that deduplicates by idempotency key
    (MailState.LEASED, MailState.UNCERTAIN),  # back from there
]
KEPT_HERE = "kept on this machine"  # the response of mails that were stored instead of sent
MAIL_TO_DECIDE = (MailState.UNCERTAIN, MailState.HELD)  # a person must decide
MAIL_UNSENT = (MailState.PLANNED, MailState.HELD, MailState.PENDING)  # can still be cancelled
MAIL_WAITING = (*MAIL_UNSENT, MailState.LEASED, MailState.SENDING)
MAIL_IN_FLIGHT = [MailState.LEASED, MailState.SENDING]
MAIL_NEVER_LEFT = (MailState.DEAD, MailState.CANCELLED, MailState.EXPIRED)


class SuppressionReason(models.TextChoices):
    BOUNCE = "bounce", _("It bounced")
    COMPLAINT = "complaint", _("Reported as spam")
    MANUAL = "manual", _("Entered")

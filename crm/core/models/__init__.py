from crm.core.models.base import Folded, Versioned, tracked
from crm.core.models.firm import FirmSettings, Holiday
from crm.core.models.mail import (
    BlastQuestion,
    DeliveryAttempt,
    Installation,
    MailAttachment,
    OutboxMail,
    Suppression,
)
from crm.core.models.people import ApiToken, Invitation, Team, TeamMembership, User
from crm.core.models.work import Draft, Heartbeat, IdempotencyKey, Job, Notification, StoredFile

__all__ = [
    "ApiToken",
    "BlastQuestion",
    "DeliveryAttempt",
    "Draft",
    "FirmSettings",
    "Folded",
    "Heartbeat",
    "Holiday",
    "IdempotencyKey",
    "Invitation",
    "Installation",
    "Job",
    "MailAttachment",
    "Notification",
    "OutboxMail",
    "StoredFile",
    "Suppression",
    "Team",
    "TeamMembership",
    "User",
    "Versioned",
    "tracked",
]

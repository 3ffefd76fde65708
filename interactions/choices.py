"""States and fixed vocabularies of what passes between the firm and a client."""

from django.db import models
from django.utils.translation import gettext_lazy as _

DRAFT_KIND = "interaction"  # of what is typed into the composer


class Channel(models.TextChoices):
    NOTE = "note", _("Note")
    CALL = "phone", _("Call")
    EMAIL = "email", _("Email")
    MEETING = "meeting", _("Meeting")
    VIDEO = "video", _("Video call")
    CHAT = "chat", _("Chat")
    SOCIAL = "social", _("Social media")
    MESSAGE = "message", _("Text message")
    LETTER = "letter", _("Letter")


CONTACT_CHANNELS = tuple(c for c in Channel if c != Channel.NOTE)  # a note is not a contact with the client


class Direction(models.TextChoices):
    OUT = "out", _("From us")
    IN = "in", _("From them")
    BOTH = "both", _("Both")


class Visibility(models.TextChoices):
    PRIVATE = "private", _("Only the people in it")
    TEAM = "team", _("The client's team")
    FIRM = "firm", _("The firm")
    SHARED = "shared", _("Shared with the client")


class Sentiment(models.IntegerChoices):
    VERY_NEGATIVE = -2, _("Very negative")
    NEGATIVE = -1, _("Negative")
    NEUTRAL = 0, _("Neutral")
    POSITIVE = 1, _("Positive")
    VERY_POSITIVE = 2, _("Very positive")


class FollowUpState(models.TextChoices):
    OPEN = "open", _("Open")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


FOLLOW_UP_MOVES = {
    FollowUpState.OPEN: (FollowUpState.DONE, FollowUpState.CANCELLED),
    FollowUpState.DONE: (FollowUpState.OPEN,),
    FollowUpState.CANCELLED: (FollowUpState.OPEN,),
}


class Priority(models.IntegerChoices):
    HIGH = 1, _("High")
    NORMAL = 2, _("Normal")
    LOW = 3, _("Low")


class SourceKind(models.TextChoices):
    """What a follow-up came from; no foreign key upwards."""

    MANUAL = "", _("Entered")
    INTERACTION = "interaction", _("Interaction")
    TASK = "task", _("Onboarding task")
    SURVEY = "survey_response", _("Survey answer")
    RULE = "rule", _("Rule")


class Side(models.TextChoices):
    FIRM = "firm", _("Ours")
    CLIENT = "client", _("Theirs")


class CommitmentState(models.TextChoices):
    OPEN = "open", _("Open")
    KEPT = "kept", _("Kept")
    BROKEN = "broken", _("Broken")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class WhenNothing(models.TextChoices):
    SKIP = "skip", _("send nothing")
    SHORT = "short", _("send a short note")
    ASK = "ask", _("ask the account manager")


class OnHoliday(models.TextChoices):
    """When the day falls on a holiday of the firm or of the client."""

    SEND = "send", _("send it all the same")
    BEFORE = "before", _("send it on the working day before")
    SKIP = "skip", _("send none that week")


class ProgressState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    DRAFT = "draft", _("Draft")
    APPROVED = "approved", _("Approved")
    HELD = "held", _("Held")
    SENT = "sent", _("Sent")
    SKIPPED = "skipped", _("Skipped")
    EXPIRED = "expired", _("Expired")


PROGRESS_MOVES = {
    ProgressState.PLANNED: (ProgressState.DRAFT, ProgressState.HELD, ProgressState.SKIPPED, ProgressState.EXPIRED),
    ProgressState.DRAFT: (
        ProgressState.APPROVED,
        ProgressState.HELD,
        ProgressState.SENT,
        ProgressState.SKIPPED,
        ProgressState.EXPIRED,
    ),
    ProgressState.APPROVED: (
        ProgressState.DRAFT,
        ProgressState.HELD,
        ProgressState.SENT,
        ProgressState.SKIPPED,
        ProgressState.EXPIRED,
    ),
    ProgressState.HELD: (
        ProgressState.DRAFT,
        ProgressState.APPROVED,
        ProgressState.SENT,
        ProgressState.SKIPPED,
        ProgressState.EXPIRED,
    ),
    ProgressState.SKIPPED: (ProgressState.DRAFT,),
    ProgressState.SENT: (),
    ProgressState.EXPIRED: (),
}
PROGRESS_OPEN = (ProgressState.PLANNED, ProgressState.DRAFT, ProgressState.APPROVED, ProgressState.HELD)


class SurveyKind(models.TextChoices):
    NPS = "nps", _("NPS")
    CSAT = "csat", _("CSAT")
    CES = "ces", _("CES")


class Asked(models.TextChoices):
    """Who of a client's people a survey goes to."""

    MAIN = "main", _("the main contact")
    ALL = "all", _("everybody we have an address of")


class InvitationState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    SENT = "sent", _("Asked")
    ANSWERED = "answered", _("Answered")
    SKIPPED = "skipped", _("Skipped")
    EXPIRED = "expired", _("Expired")


INVITATION_MOVES = {
    InvitationState.PLANNED: (InvitationState.SENT, InvitationState.SKIPPED, InvitationState.EXPIRED),
    InvitationState.SENT: (InvitationState.ANSWERED, InvitationState.SKIPPED, InvitationState.EXPIRED),
    InvitationState.SKIPPED: (InvitationState.PLANNED, InvitationState.SENT),
    InvitationState.ANSWERED: (),
    InvitationState.EXPIRED: (),
}


class InvitationSource(models.TextChoices):
    HAND = "hand", _("By hand")
    RULE = "rule", _("By rule")


class DigestState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    SENT = "sent", _("Mailed")
    NOTHING = "nothing", _("Nothing to tell")
    READ = "read", _("Read already")
    SKIPPED = "skipped", _("Skipped")
    MISSED = "missed", _("Too late")


class ReadKind(models.TextChoices):
    FOLLOW_UP = "follow-up", _("Follow-up")
    NOTIFICATION = "notification", _("Notification")
    TODAY = "today", _("Today")

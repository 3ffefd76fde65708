"""States and fixed vocabularies of conversations between the firm and a client."""

from django.db import models
from django.utils.translation import gettext_lazy as _

DRAFT_KIND = "interaction"  # kind of the composer's drafts


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
    PRIVATE = "private", _("Participants only")
    TEAM = "team", _("The client's team")
    FIRM = "firm", _("Everyone in the firm")
    SHARED = "shared", _("Shared with the client")


class Sentiment(models.IntegerChoices):
    VERY_NEGATIVE = -2, _("Very negative")
    NEGATIVE = -1, _("Negative")
    NEUTRAL = 0, _("Neutral")
    POSITIVE = 1, _("Positive")
    VERY_POSITIVE = 2, _("Very positive")

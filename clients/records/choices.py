"""States and fixed vocabularies of client records."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ClientKind(models.TextChoices):
    ORGANISATION = "organisation", _("Organisation")
    INDIVIDUAL = "individual", _("Individual")


class Relationship(models.TextChoices):
    CLIENT = "client", _("Client")
    CUSTOMER = "customer", _("One-off customer")


class Status(models.TextChoices):
    PROSPECT = "prospect", _("Prospect")
    ONBOARDING = "onboarding", _("Onboarding")
    ACTIVE = "active", _("Active")
    AT_NOTICE = "at_notice", _("At notice")
    PAUSED = "paused", _("Paused")
    FORMER = "former", _("Former")


ACTIVE_STATUSES = (Status.ACTIVE, Status.AT_NOTICE)
SERVED_STATUSES = (*ACTIVE_STATUSES, Status.ONBOARDING)  # silence counts for clients in these states
STATUS_TONES = {
    Status.PROSPECT: "violet",
    Status.ONBOARDING: "blue",
    Status.ACTIVE: "green",
    Status.AT_NOTICE: "amber",
}  # other states are grey


class LeavingReason(models.TextChoices):
    PRICE = "price", _("Price")
    CONTACT_CHANGED = "contact_changed", _("Change of contact")
    SLOW = "slow", _("Slow answers")
    QUALITY = "quality", _("Quality of the work")
    MERGED = "merged", _("Merged or closed")
    IN_HOUSE = "in_house", _("Taken in-house")
    COMPETITOR = "competitor", _("Went to a competitor")
    FINISHED = "finished", _("Work finished")
    OTHER = "other", _("Other")


class Tier(models.TextChoices):
    A = "A", _("A")
    B = "B", _("B")
    C = "C", _("C")


class Channel(models.TextChoices):
    """How a client prefers to be reached."""

    EMAIL = "email", _("Email")
    PHONE = "phone", _("Phone")
    VIDEO = "video", _("Video call")
    MEETING = "meeting", _("Meeting")
    CHAT = "chat", _("Chat")
    LETTER = "letter", _("Letter")


class OnboardingState(models.TextChoices):
    NONE = "", _("None")
    ON_TRACK = "on_track", _("On track")
    BEHIND = "behind", _("Behind")
    STUCK = "stuck", _("Stuck")
    PAUSED = "paused", _("Paused")
    DONE = "done", _("Done")

from django.db import models
from django.utils.translation import gettext_lazy as _


class AccountManagersSee(models.TextChoices):
    ALL = "all", _("all unrestricted clients")
    TEAM = "team", _("their teams' clients and their own")
    OWN = "own", _("their own clients")


class EngagementWord(models.TextChoices):
    """What the firm calls the pieces of work that it does for a client."""

    ENGAGEMENT = "engagement", _("Engagement")
    MATTER = "matter", _("Matter")
    MANDATE = "mandate", _("Mandate")
    JOB = "job", _("Job")
    PROJECT = "project", _("Project")
    OFF = "off", _("Not used")


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")

from django.db import models
from django.utils.translation import gettext_lazy as _


class ContactLabel(models.TextChoices):
    WORK = "work", _("Work")
    MOBILE = "mobile", _("Mobile")
    HOME = "home", _("Home")
    OTHER = "other", _("Other")


class DecisionRole(models.TextChoices):
    DECIDES = "decides", _("Decides")
    SIGNS = "signs", _("Signs")
    INFLUENCES = "influences", _("Influences")
    DAY_TO_DAY = "day_to_day", _("Day to day")
    BILLING = "billing", _("Billing")
    NONE = "", _("No role in decisions")


class Purpose(models.TextChoices):
    SERVICE = "service", _("Service")
    SURVEY = "survey", _("Surveys")
    MARKETING = "marketing", _("Marketing")

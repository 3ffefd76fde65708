from django.db import models
from django.utils.translation import gettext_lazy as _


class BillingPeriod(models.TextChoices):
    MONTH = "month", _("per month")
    QUARTER = "quarter", _("per quarter")
    YEAR = "year", _("per year")
    ONCE = "once", _("once")


MONTHS_IN = {BillingPeriod.MONTH: 1, BillingPeriod.QUARTER: 3, BillingPeriod.YEAR: 12}


class RevenueKind(models.TextChoices):
    FEE = "fee", _("Fee")
    RETAINER = "retainer", _("Retainer")
    PROJECT = "project", _("Project")
    EXPENSE = "expense", _("Expense passed on")
    REFUND = "refund", _("Refund")

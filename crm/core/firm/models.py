from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.base.models import Versioned, tracked
from crm.core.base.zones import validate_zone
from crm.core.firm.choices import AccountManagersSee, EngagementWord, Weekday


def monday_to_friday() -> list[int]:
    return [0, 1, 2, 3, 4]


@tracked
class FirmSettings(Versioned):
    """The firm: one row (id 1). Read it through `core.queries.get_firm()`."""

    name = models.CharField(_("name of the firm"), max_length=120, default="My firm")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_zone])
    currency = models.CharField(_("currency"), max_length=3, default="EUR", validators=[RegexValidator("^[A-Z]{3}$")])
    language = models.CharField(_("language"), max_length=10, default="en-gb")
    holiday_country = models.CharField(_("public holidays of"), max_length=2, blank=True)
    holiday_region = models.CharField(_("region"), max_length=20, blank=True)
    working_days = ArrayField(
        models.PositiveSmallIntegerField(choices=Weekday), verbose_name=_("working days"), default=monday_to_friday
    )
    fiscal_year_start = models.PositiveSmallIntegerField(
        _("fiscal year starts in month"), default=1, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    account_managers_see = models.CharField(
        _("account managers see"), max_length=5, choices=AccountManagersSee, default=AccountManagersSee.ALL
    )
    engagement_word = models.CharField(
        _("a client’s piece of work is called"),
        max_length=10,
        choices=EngagementWord,
        default=EngagementWord.ENGAGEMENT,
        db_default=EngagementWord.ENGAGEMENT,
    )
    retention_basis = models.CharField(
        _("retention counts"),
        max_length=10,
        choices=[("status", _("clients with an active status")), ("revenue", _("clients with revenue in the period"))],
        default="status",
    )
    retention_benchmark = models.DecimalField(
        _("retention benchmark, % a year"), max_digits=5, decimal_places=2, default=90, null=True, blank=True
    )
    retention_benchmark_source = models.CharField(_("source"), max_length=120, blank=True, default="Gainsight, 2023")
    nps_benchmark = models.DecimalField(
        _("NPS benchmark"), max_digits=5, decimal_places=2, default=50, null=True, blank=True
    )
    nps_benchmark_source = models.CharField(_("source"), max_length=120, blank=True, default="Gainsight, 2023")
    nps_minimum_answers = models.PositiveIntegerField(
        _("Answers needed to show NPS"), default=10, validators=[MinValueValidator(1)]
    )
    cadence_days_a = models.PositiveIntegerField(
        _("contact tier A every (days)"), default=14, validators=[MinValueValidator(1)]
    )
    cadence_days_b = models.PositiveIntegerField(
        _("contact tier B every (days)"), default=30, validators=[MinValueValidator(1)]
    )
    cadence_days_c = models.PositiveIntegerField(
        _("contact tier C every (days)"), default=90, validators=[MinValueValidator(1)]
    )
    mail_from_name = models.CharField(_("sender name in emails"), max_length=120, blank=True)
    mail_from_address = models.EmailField(_("sender's address"), blank=True)
    has_demo_data = models.BooleanField(default=False, editable=False)
    is_set_up = models.BooleanField(default=False, editable=False)
    fields_mark = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="another one at each change of custom fields",
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="firm_is_one_row")]

    def __str__(self):
        return self.name


class HolidayQuerySet(models.QuerySet):
    def between(self, start: date, end: date):
        """Half-open: start ≤ date < end."""
        return self.filter(date__gte=start, date__lt=end)


@tracked
class Holiday(models.Model):
    """A day that differs from the weekly pattern: a holiday of the firm, or (`is_working`) a working day. Public
    holidays come from the `holidays` library; rows here add to them or override them.
    """

    date = models.DateField(_("date"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    is_working = models.BooleanField(_("we work on this day"), default=False)

    objects = HolidayQuerySet.as_manager()

    class Meta:
        ordering = ["date"]

    def __str__(self):
        return f"{self.date} {self.name}"

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast, Round
from django.utils.translation import gettext_lazy as _

from clients.checks import CURRENCY
from crm.core.base.models import Versioned, tracked

LEAST_RATE = Decimal("0.00000001")
RATE_HOLDS = timedelta(days=31)  # a day without a rate uses the last earlier one, if not older than this


class PricedQuerySet(models.QuerySet):
    def without_rate(self):
        """Rows whose amount is in no sum: it is in a foreign currency and has no rate."""
        return self.filter(rate__isnull=True)


def rate_column() -> models.DecimalField:
    """The firm's currency for one unit of the row's, on the row's day; NULL where it is not known."""
    return models.DecimalField(
        _("rate"),
        max_digits=16,
        decimal_places=8,
        null=True,
        blank=True,
        validators=[MinValueValidator(LEAST_RATE)],
        help_text=_("firm's currency per unit"),
    )


def in_firms_currency(expression: Any) -> models.GeneratedField:
    """An amount times its rate, rounded to cents by the database; NULL without a rate."""
    return models.GeneratedField(
        expression=Cast(Round(expression, 2), models.DecimalField(max_digits=16, decimal_places=2)),
        output_field=models.DecimalField(max_digits=16, decimal_places=2),
        db_persist=True,
    )


@tracked
class ExchangeRate(Versioned):
    """What one unit of a currency was worth in `base`, the firm's currency at that time, on a day."""

    day = models.DateField(_("day"))
    currency = models.CharField(_("currency"), max_length=3, validators=[CURRENCY])
    base = models.CharField(_("firm’s currency"), max_length=3, validators=[CURRENCY])
    rate = models.DecimalField(_("rate"), max_digits=16, decimal_places=8, validators=[MinValueValidator(LEAST_RATE)])

    class Meta:
        verbose_name = _("exchange rate")
        ordering = ["-day", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["base", "currency", "day"], name="rate_once_a_day"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="exchange_rate_positive"),
            models.CheckConstraint(condition=~Q(currency=F("base")), name="exchange_rate_of_another_currency"),
        ]

"""The currency of an amount and the rate of its day."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clients.currencies.models import RATE_HOLDS, ExchangeRate
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import get_firm


def rate_on(currency: str, day: date) -> Decimal | None:
    """The value of one unit in the firm's currency on a day; None without a valid rate."""
    return holding(get_firm().currency, currency, day).values_list("rate", flat=True).first()


def holding(base: str, currency: Any, day: Any) -> QuerySet[ExchangeRate]:
    """The rates valid on a day, newest first; currency and day may be columns of an outer row."""
    rates = ExchangeRate.objects.filter(base=base, currency=currency, day__lte=day, day__gt=day - RATE_HOLDS)
    return rates.order_by("-day")


def check_currency(row: Any, day: date) -> None:
    """Fill in missing values: the firm's currency (rate 1), or the day's rate of another currency.
    Raises ServiceError (field rate)."""
    own = get_firm().currency
    row.currency = (row.currency or own).upper()
    if row.currency == own:
        if row.rate not in (None, 1):
            raise ServiceError(_("Amounts in the firm's currency have the rate 1."), field="rate")
        row.rate = Decimal(1)
    if row.rate is None:
        row.rate = rate_on(row.currency, day)
    if row.rate is None:
        message = _("There is no %(currency)s rate for %(day)s. Enter it here or under Exchange rates.")
        raise ServiceError(message % {"currency": row.currency, "day": date_format(day, "j M Y")}, field="rate")
    if row.rate <= 0:
        raise ServiceError(_("The rate must be above zero."), field="rate")


def has_rate_of_its_day(row: Any, *, given: dict) -> bool:
    """Whether the given values move a row to another day, and its rate is the one of the day it had."""
    day = getattr(row, row.rate_day)
    if day is None or row.rate is None or given.get(row.rate_day, day) == day:
        return False
    return row.rate == rate_on(row.currency, day)


def apply_price(row: Any, fields: dict) -> list[str]:
    """Set the fields of a row with an amount. If the currency changes, it uses the rate given with it, else its day's
    rate. If the day changes, so does a rate that was the day's; one that was entered stays.
    """
    before, rate_of_its_day = row.currency, "rate" not in fields and has_rate_of_its_day(row, given=fields)
    for name, value in fields.items():
        setattr(row, name, value.strip() if isinstance(value, str) else value)
    if before and before != row.currency and "rate" not in fields or rate_of_its_day:
        row.rate = None
    return list(dict.fromkeys([*fields, "rate"]))

"""The fields of every record that has an amount."""

from django.utils.translation import gettext_lazy as _

from crm.core.fields.catalogue import Field
from crm.core.fields.types import CURRENCY

PAID_IN = Field("currency", type=CURRENCY, aliases=("currency code",), is_optional=True)
RATE = Field(
    "rate",
    header=_("Rate (firm’s currency per unit)"),
    aliases=("exchange rate",),
    hint=_("The firm's currency for one unit. Leave empty for the day's rate, from Exchange rates."),
    is_optional=True,
)

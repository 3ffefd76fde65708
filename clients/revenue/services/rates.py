"""Daily exchange rates, amounts without a rate, and changes of the firm's currency.

A rate is the value of one unit of a currency in the firm's. A day without one uses the last earlier rate, if not older
than `RATE_HOLDS`. An amount without a rate is in no sum; it never counts one to one.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, F, Model, OuterRef, Subquery, Value
from django.db.models.functions import Round
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.checks import check_constraints, clean_fields
from clients.currencies.models import LEAST_RATE, ExchangeRate
from clients.currencies.pricing import holding
from clients.invoices.models import Invoice
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.services.lines import refresh_revenue_facts
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.firm.queries import get_firm

DAY_OF: dict[type[Model], str] = {model: model.rate_day for model in (Contract, RevenueLine, Invoice)}
RATE = DecimalField(max_digits=16, decimal_places=8)
NAMED = 3  # days named in an error


def check_rate(*, day: date, currency: str, rate: Decimal, today: date) -> Decimal:
    """The rate as stored. Raises ServiceError (fields day, currency, rate) for what `set_rate` refuses."""
    own = get_firm().currency
    if currency == own:
        raise ServiceError(_("%(currency)s is the firm’s own currency.") % {"currency": own}, field="currency")
    if not is_plausible(day) or day > today:
        raise ServiceError(_("A rate cannot be for a future day."), field="day")
    rate = rate.quantize(LEAST_RATE)
    clean_fields(ExchangeRate(day=day, currency=currency, rate=rate), {"day", "currency", "rate"})
    return rate


@service(may=may_administer)
def set_rate(principal: Principal, *, day: date, currency: str, rate: Decimal, today: date) -> tuple[ExchangeRate, str]:
    """Enter or correct the rate of a day. Returns (the rate, "created", "updated" or "unchanged"). Amounts without a
    rate take it; those that have one keep theirs. Raises ServiceError (fields day, currency, rate).
    """
    own = get_firm().currency
    currency = currency.upper()
    rate = check_rate(day=day, currency=currency, rate=rate, today=today)
    row = ExchangeRate.objects.select_for_update().filter(base=own, currency=currency, day=day).first()
    if row is not None and row.rate == rate:
        return row, "unchanged"
    outcome = "updated" if row else "created"
    row = row or ExchangeRate(base=own, currency=currency, day=day)
    row.rate = rate
    if outcome == "updated":
        save_version(row, fields=["rate"], seen=None)
    else:
        check_constraints(row)
        row.save()
    fill_in_rates(currencies=[currency], today=today)
    return row, outcome


@service(may=may_administer)
def delete_rate(principal: Principal, *, rate: ExchangeRate) -> None:
    """Delete a wrong rate. Amounts that used it keep it."""
    rate.delete()


def fill_in_rates(*, currencies: Iterable[str], today: date) -> int:
    """Give amounts without a rate the one valid on their day. Returns how many got one."""
    own, taken = get_firm().currency, 0
    clients: set[int] = set()
    for model in DAY_OF:
        waiting = model._default_manager.filter(rate__isnull=True, currency__in=list(currencies))
        found = waiting.annotate(found=_rate_of_row(model, own)).filter(found__isnull=False)
        ids = dict(found.values_list("pk", "client_id"))
        if ids:
            taken += model._default_manager.filter(pk__in=ids).update(rate=_rate_of_row(model, own), **_edited())
            clients |= {*ids.values()}
    refresh_revenue_facts(client_ids=clients, today=today)
    return taken


def _rate_of_row(model: type[Model], base: str, currency: str = "") -> Subquery:
    """The rate of the row's currency (or of this one) valid on the row's day."""
    wanted = Value(currency) if currency else OuterRef("currency")
    return Subquery(holding(base, wanted, OuterRef(DAY_OF[model])).values("rate")[:1], output_field=RATE)


def _edited() -> dict[str, Any]:
    return {"version": F("version") + 1, "updated_at": timezone.now()}


def convert_amounts(*, old: str, new: str) -> None:
    """Convert every amount to the firm's new currency, each at its own day's rate, and the table of rates too. An
    amount without a rate stays without one, unless it is in the new currency. Raises ServiceError (field currency) if a
    day's rate is missing.
    """
    lacking: set[date] = set()
    for model, day in DAY_OF.items():
        others = model._default_manager.exclude(currency=new).filter(rate__isnull=False)
        without = others.annotate(worth=_rate_of_row(model, old, new)).filter(worth=None)
        lacking |= {*without.order_by().values_list(day, flat=True).distinct()}
    if lacking:
        raise ServiceError(_missing_rates(new, sorted(lacking)), field="currency")
    for model in DAY_OF:
        rows = model._default_manager
        in_new = rows.filter(currency=new)
        others = rows.exclude(currency=new).filter(rate__isnull=False)
        others.update(rate=Round(F("rate") / _rate_of_row(model, old, new), 8), **_edited())
        in_new.update(rate=1, **_edited())
    _convert_table(old, new)


def _missing_rates(currency: str, days: list[date]) -> str:
    named = ", ".join(date_format(day, "j M Y") for day in days[:NAMED]) + (" …" if len(days) > NAMED else "")
    message = ngettext(
        "There is no %(currency)s rate for %(n)d day with amounts: %(days)s. Enter it under Exchange rates first.",
        "There is no %(currency)s rate for %(n)d days with amounts: %(days)s. Enter them under Exchange rates first.",
        len(days),
    )
    return message % {"currency": currency, "n": len(days), "days": named}


def _convert_table(old: str, new: str) -> None:
    """Keep the old rates, and add them converted to the new currency."""
    rates = ExchangeRate.objects.filter(base=old)
    worth = rates.annotate(worth=Subquery(holding(old, Value(new), OuterRef("day")).values("rate")[:1]))
    made = [
        ExchangeRate(base=new, currency=row.currency, day=row.day, rate=round(row.rate / row.worth, 8))
        for row in worth.exclude(currency=new).filter(worth__isnull=False)
    ]
    made += [
        ExchangeRate(base=new, currency=old, day=row.day, rate=round(1 / row.rate, 8))
        for row in rates.filter(currency=new)
    ]
    ExchangeRate.objects.bulk_create([row for row in made if row.rate > 0], ignore_conflicts=True)

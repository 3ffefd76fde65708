"""Contracts, revenue and the budget on the page of an engagement; `clients/hooks.py` imports it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients import registry
from clients.currencies.pricing import rate_on
from clients.engagements.models import Engagement
from clients.engagements.words import in_words
from clients.invoices.models import Invoice
from clients.invoices.queries import billed
from clients.revenue.firm_lists import describe
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.queries import Total, contracts_of, lines_of, sum_of_lines
from crm.core.base.versions import save_version
from crm.core.firm.queries import firm_today, get_firm
from crm.core.ui.formatting import money_exact

SHOWN = 10

# Handlers


@dataclass(frozen=True)
class Budget:
    """Amounts in the firm's currency. `used` is the revenue booked; of a restricted engagement, which has none, what was invoiced. `planned`
    is None without a budget, or without a rate of its currency."""

    planned: Decimal | None
    booked: Total
    invoiced: Total
    used: Decimal

    @property
    def left(self) -> Decimal:
        return (self.planned or Decimal(0)) - self.used

    @property
    def over(self) -> Decimal:
        return max(-self.left, Decimal(0))

    @property
    def percent(self) -> int | None:
        return round(self.used * 100 / self.planned) if self.planned else None


def budget_of(principal: Any, engagement: Engagement, now: Any) -> Budget:
    planned = engagement.budget
    if planned is not None and engagement.currency != get_firm().currency:
        rate = rate_on(engagement.currency, firm_today(now))
        planned = None if rate is None else planned * rate
    booked = sum_of_lines(lines_of(principal).filter(engagement=engagement.pk))
    bills = billed(Invoice.objects.visible_to(principal).kept().filter(engagement=engagement.pk))
    invoiced = Total(bills.net, bills.no_rate)
    return Budget(planned, booked, invoiced, invoiced.amount if engagement.is_restricted else booked.amount)


@registry.engagement_panel("budget", "finance", 5, "clients/revenue/engagement_budget.html")
def engagement_budget(principal, engagement, now):
    """What was booked and invoiced, against the budget."""
    return {"budget": budget_of(principal, engagement, now), "currency": get_firm().currency}


@registry.engagement_panel("contracts", "finance", 10, "clients/revenue/engagement_contracts.html")
def engagement_contracts(principal, engagement, now):
    """The newest contracts; of a restricted one, why there are none."""
    if engagement.is_restricted:
        text = _(
            "Contracts and revenue count in sums that everyone who sees the client reads. Those of a restricted %(one)s are entered without naming it."
        )
        return {"why_none": in_words(text)}
    rows = contracts_of(principal).kept().filter(engagement=engagement.pk).select_related("client", "service")
    found = list(rows.order_by("-start_date", "-pk")[: SHOWN + 1])
    describe(found, firm_today(now))
    return _listed(found, engagement, "clients:contracts", "clients:add_contract")


@registry.engagement_panel("revenue", "finance", 20, "clients/revenue/engagement_lines.html")
def engagement_lines(principal, engagement, now):
    """The newest revenue lines."""
    if engagement.is_restricted:
        return None
    rows = lines_of(principal).filter(engagement=engagement.pk).select_related("service")
    found = list(rows.order_by("-date", "-pk")[: SHOWN + 1])
    for row in found:
        row.amount_words = money_exact(row.amount, row.currency)
    return _listed(found, engagement, "clients:revenue_lines", "clients:add_line")


def _listed(found: list[Any], engagement: Engagement, all_of_them: str, add: str) -> dict[str, Any]:
    query = f"?engagement={engagement.pk}"
    return {
        "found": found[:SHOWN],
        "has_more": len(found) > SHOWN,
        "all_url": reverse(all_of_them) + query,
        "add_url": reverse(add, args=[engagement.client_id]) + query,
    }


def contracts_naming(principal, engagement) -> str:
    n = Contract.objects.kept().filter(engagement=engagement.pk).count()
    return ngettext("%(n)d contract", "%(n)d contracts", n) % {"n": n} if n else ""


def let_contracts_go(engagement) -> None:
    """Archived ones, which no page offers to change; the history keeps what they named."""
    for row in Contract.objects.archived().filter(engagement=engagement.pk).order_by("pk").select_for_update():
        row.engagement = None
        save_version(row, fields=["engagement"], seen=None)


def lines_naming(principal, engagement) -> str:
    """Also those that name one of its invoices."""
    named = Q(engagement=engagement.pk) | Q(invoice__engagement=engagement.pk)
    n = RevenueLine.objects.filter(named).count()
    return ngettext("%(n)d revenue line", "%(n)d revenue lines", n) % {"n": n} if n else ""


# Wiring
registry.engagement_tabs.register(registry.EngagementTab("finance", _("Finance"), 10))
registry.money_of.register(registry.OpenEnds("contracts", contracts_naming, let_contracts_go))
registry.money_of.register(registry.OpenEnds("revenue", lines_naming))

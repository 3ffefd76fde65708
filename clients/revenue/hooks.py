"""Contracts, revenue and the budget on the page of an engagement; `clients/hooks.py` imports it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients import registry
from clients.currencies.pricing import rate_on
from clients.engagements.cards import list_card
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


@list_card(
    "contracts",
    "finance",
    10,
    "clients/revenue/engagement_contracts.html",
    title=_("Contracts"),
    empty=_("No contract yet."),
    all_of_them="clients:contracts",
    add="clients:add_contract",
    add_text=_("Add"),
    describe=lambda found, now: describe(found, firm_today(now)),
)
def engagement_contracts(principal, engagement, now):
    """Of a restricted one, why there are none."""
    if engagement.is_restricted:
        text = _(
            "Contracts and revenue count in sums that everyone who sees the client reads. Those of a restricted %(one)s are entered without naming it."
        )
        return in_words(text)
    rows = contracts_of(principal).kept().filter(engagement=engagement.pk)
    return rows.select_related("client", "service").order_by("-start_date", "-pk")


def say_amounts(found, now):
    for row in found:
        row.amount_words = money_exact(row.amount, row.currency)


@list_card(
    "revenue",
    "finance",
    20,
    "clients/revenue/engagement_lines.html",
    title=_("Revenue"),
    empty=_("No revenue yet."),
    all_of_them="clients:revenue_lines",
    add="clients:add_line",
    add_text=_("Add"),
    describe=say_amounts,
)
def engagement_lines(principal, engagement, now):
    if engagement.is_restricted:
        return None
    return lines_of(principal).filter(engagement=engagement.pk).select_related("service").order_by("-date", "-pk")


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

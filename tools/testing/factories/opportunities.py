"""Plain makers of opportunities for tests; they go through the services, as everything does."""

from datetime import date
from decimal import Decimal

from clients.catalogue.services import create_service
from clients.opportunities.services.pipelines import default_pipeline
from clients.opportunities.services.records import create_opportunity
from clients.revenue.services.contracts import create_contract
from crm.core.base.principals import SYSTEM, acting
from tools.testing.factories.clients import NOW


def make_opportunity(*, actor, client, title="Payroll for the new office", value="12000", now=NOW, **fields):
    given = {"expected_close": date(2027, 1, 20)} | fields
    amount = None if value is None else Decimal(value)
    return create_opportunity(acting(actor), client=client, title=title, value=amount, now=now, **given)


def stages():
    """Lead, Qualified, Proposal, Negotiation."""
    return list(default_pipeline().stages.kept().order_by("position", "pk"))


def make_service(name="Payroll"):
    return create_service(SYSTEM, name=name)


def make_contract(*, actor, client, service=None, value="100", start_date=date(2025, 2, 1), **fields):
    service = service or make_service()
    return create_contract(
        acting(actor), client=client, service=service, value=Decimal(value), start_date=start_date, **fields
    )

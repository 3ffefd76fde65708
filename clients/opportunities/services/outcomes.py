"""How an opportunity ends: won (with what becomes of the contracts), lost (and why), or opened again."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from clients import permissions
from clients.catalogue.models import Service
from clients.engagements.models import Engagement
from clients.opportunities.choices import OPPORTUNITY, LostReason, OpportunityState, WonContract
from clients.opportunities.models import Opportunity
from clients.opportunities.services.pipelines import first_stage
from clients.opportunities.services.stays import begin_stays, leave_stage, put_into
from clients.revenue.choices import BillingPeriod
from clients.revenue.models import Contract
from clients.revenue.services.contracts import archive_contract, change_price, create_contract, update_contract
from clients.signals import opportunity_won
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.states import transition
from crm.core.base.versions import save_version
from crm.core.firm.queries import firm_today


@service(may=permissions.may_change_opportunity, why=permissions.OPPORTUNITY_IN_TRASH)
def win_opportunity(
    principal: Principal,
    *,
    opportunity: Opportunity,
    now: datetime,
    seen_version: int | None = None,
    outcome_note: str = "",
    with_contract: str = WonContract.NONE,
    service: Service | None = None,
    contract: Contract | None = None,
    value: Decimal | None = None,
    period: str = BillingPeriod.MONTH,
    start_date: date | None = None,
    renewal_date: date | None = None,
) -> Opportunity:
    """Won: with a new contract for `service`, a new price of `contract` from `start_date` on, its renewal until `renewal_date`, or
    none of these. Sends `opportunity_won`. Raises StaleWrite, ServiceError, naming the field."""
    with transition(opportunity, to=OpportunityState.WON, states=OPPORTUNITY, seen=seen_version) as row:
        row.closed_at, row.reason, row.outcome_note = now, "", outcome_note.strip()[:300]
        terms = {"value": value, "period": period, "start_date": start_date or firm_today(now)}
        made = None
        if with_contract == WonContract.NEW:
            made = _new_contract(principal, row, service or row.service, terms | {"renewal_date": renewal_date})
        elif with_contract != WonContract.NONE:
            made = _changed_contract(principal, row, contract or row.contract, with_contract, terms, renewal_date)
        row.made_contract = made
    leave_stage([row], now=now)
    opportunity_won.send(Opportunity, opportunity=row, principal=principal, now=now)
    return row


def _new_contract(principal: Principal, row: Opportunity, sold: Service | None, terms: dict[str, Any]) -> Contract:
    if sold is None:
        raise ServiceError(_("Choose the service that was sold."), field="service")
    if terms["value"] is None:
        raise ServiceError(_("Enter the value of the contract."), field="value")
    said: dict[str, Any] = {"name": row.title, "engagement": row.engagement}
    if _is_hidden(row):  # contracts are open to everyone who sees the client
        said = {}
    return create_contract(principal, client=row.client, service=sold, currency=row.currency, **said, **terms)


def _is_hidden(row: Opportunity) -> bool:
    return row.engagement is not None and row.engagement.is_restricted


def _changed_contract(
    principal: Principal,
    row: Opportunity,
    contract: Contract | None,
    how: str,
    terms: dict[str, Any],
    renewal_date: date | None,
) -> Contract | None:
    """The contract with the new price, or None for one that was renewed as it is."""
    if contract is None or contract.client_id != row.client_id or contract.archived_at is not None:
        raise ServiceError(_("Choose a contract of this client."), field="contract")
    if how == WonContract.PRICE:
        if terms["value"] is None:
            raise ServiceError(_("Enter the new price."), field="value")
        reason, values = _("Won"), {n: terms[n] for n in ("value", "start_date")}
        if not _is_hidden(row):
            reason = _won_because(row.title)
        made = change_price(principal, contract=contract, reason=reason, **values)
        return update_contract(principal, contract=made, renewal_date=renewal_date) if renewal_date else made
    if renewal_date is None or (contract.renewal_date and renewal_date <= contract.renewal_date):
        raise ServiceError(_("Enter the next renewal date, after the present one."), field="renewal_date")
    ends: dict[str, Any] = {}
    if contract.end_date and contract.end_date < renewal_date:
        ends = {"end_date": renewal_date}
    update_contract(principal, contract=contract, renewal_date=renewal_date, **ends)
    return None


def forget_won_titles(engagement: Engagement) -> list[Contract]:
    """The engagement was restricted: contracts that were won in it, those that replace them, and their renewals, are open to everyone who sees
    the client and no longer say the titles of its opportunities. A name that somebody gave the contract stays. Returns the contracts that
    changed."""
    rows = Opportunity.objects.filter(engagement=engagement, made_contract__isnull=False).order_by("pk")
    return list({contract.pk: contract for row in rows for contract in _forget_title(row)}.values())


def _forget_title(row: Opportunity) -> list[Contract]:
    events = Opportunity.pgh_event_model.objects.filter(pgh_obj=row)  # type: ignore[attr-defined]
    titles = {row.title, *events.values_list("title", flat=True)}
    changed, seen, pk = [], set(), row.made_contract_id
    while pk is not None and pk not in seen:  # a new price copies the name
        seen.add(pk)
        contract = Contract.objects.select_for_update(of=("self",)).select_related("service").get(pk=pk)
        if _forget_in(contract, titles):
            changed.append(contract)
        pk = Contract.objects.filter(replaces=pk).values_list("pk", flat=True).first()
    return changed


def _forget_in(contract: Contract, titles: set[str]) -> bool:
    before, changed = str(contract), []
    if contract.name in titles:
        contract.name = ""
        changed.append("name")
    if contract.change_reason in {_won_because(title) for title in titles}:
        contract.change_reason = _("Won")
        changed.append("change_reason")
    if not changed:
        return False
    save_version(contract, fields=changed, seen=None)
    if str(contract) != before:
        _forget_in_renewals(contract, before)
    return True


def _forget_in_renewals(contract: Contract, before: str) -> None:
    renewals = Opportunity.objects.filter(contract=contract, renewal_date__isnull=False, engagement=None)
    for renewal in renewals.select_for_update(of=("self",)):
        if renewal.title == renewal_title(renewal.renewal_date, before):
            renewal.title = renewal_title(renewal.renewal_date, str(contract))
            save_version(renewal, fields=["title"], seen=None)


def renewal_title(day: date | None, what: str) -> str:
    """The title of the opportunity for the renewal of a contract that is called so."""
    return (_("Renewal %(year)s: %(what)s") % {"year": day.year if day else "", "what": what})[:160]


def _won_because(title: str) -> str:
    return (_("Won: %(title)s") % {"title": title})[:200]


@service(may=permissions.may_change_opportunity, why=permissions.OPPORTUNITY_IN_TRASH)
def lose_opportunity(
    principal: Principal,
    *,
    opportunity: Opportunity,
    reason: str,
    now: datetime,
    outcome_note: str = "",
    seen_version: int | None = None,
) -> Opportunity:
    """Lost, and why. Raises StaleWrite, ServiceError (field reason)."""
    if reason not in LostReason.values:
        raise ServiceError(_("Choose why it was lost."), field="reason")
    with transition(opportunity, to=OpportunityState.LOST, states=OPPORTUNITY, seen=seen_version) as row:
        row.closed_at, row.reason, row.outcome_note = now, reason, outcome_note.strip()[:300]
    leave_stage([row], now=now)
    return row


@service(may=permissions.may_change_opportunity, why=permissions.OPPORTUNITY_IN_TRASH)
def reopen_opportunity(
    principal: Principal, *, opportunity: Opportunity, now: datetime, seen_version: int | None = None
) -> Opportunity:
    """Open again, in its stage or, where that was removed, the first. A contract that winning it added is archived while nobody has
    changed it; a new price stays, as the contract before it has ended. Raises StaleWrite, ServiceError."""
    with transition(opportunity, to=OpportunityState.OPEN, states=OPPORTUNITY, seen=seen_version) as row:
        made = row.made_contract
        row.closed_at, row.reason, row.outcome_note, row.made_contract = None, "", "", None
        stage = row.stage
        if stage.archived_at is not None:
            stage = first_stage(row.pipeline if row.pipeline.archived_at is None else None)
        put_into(row, stage, now=now)
    if made is not None and made.version == 1 and made.replaces_id is None and made.archived_at is None:
        archive_contract(principal, contract=made, now=now)
    leave_stage([row], now=now)
    begin_stays([row], by=principal, now=now)
    return row

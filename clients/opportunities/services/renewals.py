"""Renewals: an opportunity for each renewal date of a contract, some time before the client may give notice."""

from datetime import date, datetime, time, timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from clients import permissions
from clients.opportunities.choices import LostReason, OpportunityKind
from clients.opportunities.models import Opportunity
from clients.opportunities.services.outcomes import lose_opportunity, renewal_title, win_opportunity
from clients.opportunities.services.pipelines import first_stage
from clients.opportunities.services.records import create_opportunities
from clients.opportunities.services.stays import put_into
from clients.revenue.models import Contract
from clients.revenue.services.contracts import renew_contracts
from crm.core.base.dates import local_to_utc
from crm.core.base.principals import SYSTEM, Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.firm.queries import firm_zone

AHEAD = timedelta(days=60)  # before the last day on which notice may be given


def refresh_renewals(today: date, last: date | None = None) -> int:
    """The daily work: once for each day, and safe to do again."""
    return update_renewals(SYSTEM, today=today, now=timezone.now())


@service(may=permissions.is_system)
def update_renewals(principal: Principal, *, today: date, now: datetime) -> int:
    """Close renewals whose contract has ended or renewed itself, move on the renewal dates of contracts that renewed themselves, and open
    renewals whose notice date is near. How many it touched."""
    followed = _follow_contracts(principal, today, now)
    moved = len(renew_contracts(principal, today=today))
    return followed + moved + open_renewals(principal, today=today, now=now)


@service(may=permissions.is_system)
def open_renewals(principal: Principal, *, today: date, now: datetime) -> int:
    """One opportunity for each contract and renewal date whose notice date is at most 60 days ahead: exactly once, even where
    somebody archived or lost it. Contracts that renew by themselves have one too: that is when a client thinks again."""
    contracts = list(due_contracts(today).select_related("client__owner", "service"))
    if not contracts:
        return 0
    stage = first_stage()
    rows = []
    for contract in contracts:
        row = Opportunity(client=contract.client, owner=contract.client.owner, contract=contract, opened_date=today)
        row.title = renewal_title(contract.renewal_date, str(contract))
        row.kind, row.service = OpportunityKind.RENEWAL, contract.service
        row.renewal_date, row.expected_close = contract.renewal_date, max(today, contract.notice_date)
        row.value, row.currency, row.rate = contract.yearly_value, contract.currency, contract.rate
        put_into(row, stage, now=now)
        rows.append(row)
    return len(create_opportunities(principal, rows=rows, now=now))


def due_contracts(today: date):
    """Contracts in force beyond their renewal date, whose notice date is near and which have no opportunity for it yet."""
    of_contract = Q(contract=OuterRef("pk")) | Q(contract=OuterRef("replaces"))  # a new price keeps the renewal date
    known = Opportunity.objects.filter(of_contract, renewal_date=OuterRef("renewal_date"))
    return (
        Contract.objects.in_force_on(today)
        .filter(renewal_date__gt=today, client__archived_at=None)
        .filter(Q(end_date=None) | Q(end_date__gte=F("renewal_date")))
        .filter(notice_date__lte=today + AHEAD)
        .filter(~Exists(known))
        .order_by("pk")
    )


def _follow_contracts(principal: Principal, today: date, now: datetime) -> int:
    """A new price hands the renewal on to the contract that replaces the old one. One that ended, or was archived, loses it; one that
    renews by itself and is in force after its renewal date has won it."""
    rows = Opportunity.objects.open().in_use().filter(renewal_date__isnull=False, contract__isnull=False)
    over = Q(contract__archived_at__isnull=False) | Q(contract__end_date__lt=F("renewal_date"))
    over |= Q(contract__end_date__lte=today)
    renewed = Q(contract__is_auto_renewed=True, renewal_date__lte=today)
    found = rows.filter(over | renewed).select_related("contract__replaced_by", "client")
    touched = 0
    for row in found:
        contract = row.contract
        after = getattr(contract, "replaced_by", None)
        if after is not None and after.archived_at is None and contract.archived_at is None:
            touched += _hand_on(row, after)
        elif contract.archived_at is not None or (contract.end_date and contract.end_date < row.renewal_date):
            touched += bool(_lose(principal, row, now))
        elif contract.is_auto_renewed and contract.is_in_force_on(today):
            note = _("The contract renewed automatically.")
            touched += bool(win_opportunity(principal, opportunity=row, outcome_note=note, now=_renewed_at(row, now)))
        else:
            touched += bool(_lose(principal, row, now))
    return touched


def _renewed_at(row: Opportunity, now: datetime) -> datetime:
    """Noon of its renewal date, even where that is noticed later, so that it counts as won in the month in which it renewed; but not before
    it came to its stage."""
    noon = local_to_utc(row.renewal_date, time(12), firm_zone().key)  # type: ignore[arg-type]
    return max(row.stage_since, min(noon, now))


def _lose(principal: Principal, row: Opportunity, now: datetime) -> Opportunity:
    note = _("The contract ended.")
    return lose_opportunity(principal, opportunity=row, reason=LostReason.CONTRACT_ENDED, outcome_note=note, now=now)


def _hand_on(row: Opportunity, after: Contract) -> int:
    """To the contract with the new price, which keeps the renewal date."""
    if Opportunity.objects.filter(contract=after, renewal_date=row.renewal_date).exists():
        return 0
    fresh = Opportunity.objects.select_for_update().get(pk=row.pk)
    fresh.contract, fresh.value, fresh.currency, fresh.rate = after, after.yearly_value, after.currency, after.rate
    save_version(fresh, fields=["contract", "value", "currency", "rate"], seen=None)
    return 1

"""Contracts: what a client pays for a service, price changes as a chain of rows."""

from collections.abc import Iterable, Sequence
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from clients import permissions
from clients.catalogue.models import Service
from clients.checks import check_constraints, clean_fields, only_known
from clients.currencies.pricing import apply_price, check_currency, rate_on
from clients.engagements.services.records import check_money_of
from clients.records.models import Client
from clients.revenue.choices import BillingPeriod
from clients.revenue.fields import CONTRACT_FIELDS
from clients.revenue.models import Contract
from crm.core.base.archiving import set_archived
from crm.core.base.dates import add_months, is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.models import insert
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.fields.custom.writing import with_custom


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def create_contract(
    principal: Principal,
    *,
    client: Client,
    service: Service,
    value: Decimal,
    start_date: date,
    currency: str | None = None,
    rate: Decimal | int | None = None,
    period: str = BillingPeriod.MONTH,
    **fields,
) -> Contract:
    """Create a contract: what the client pays for a service over [start_date, end_date). Raises ServiceError."""
    values = {
        "service": service,
        "value": value,
        "start_date": start_date,
        "currency": currency,
        "rate": rate,
        "period": period,
    }
    check_money_of(principal, fields.get("engagement"), client)
    return create_contracts(principal, rows=[new_contract(client, **values | fields)])[0]


def new_contract(client: Client, **fields) -> Contract:
    """A checked contract that is not saved yet. Raises ServiceError."""
    contract = Contract(client=client)
    _apply(contract, fields)
    return contract


def check_contract(contract: Contract, **fields) -> None:
    """Raises ServiceError for what `update_contract` would refuse."""
    _apply(copy(contract), fields)


@service(may=permissions.may_edit_clients_of, why=permissions.IN_TRASH)
def create_contracts(principal: Principal, *, rows: Sequence[Contract]) -> list[Contract]:
    """Save these contracts, made by `new_contract`, in one statement. All or none. Raises ServiceError (field number)."""
    _check_numbers([row for row in rows if row.number])
    return insert(rows)


@service(may=permissions.may_change_contract, why=permissions.IN_TRASH)
def update_contract(principal: Principal, *, contract: Contract, seen_version: int | None = None, **fields) -> Contract:
    """Correct a contract. For a price change from some day on use `change_price`. Raises StaleWrite, ServiceError."""
    if "number" in fields:
        _one_by_one([contract.client_id])
    row = Contract.objects.select_for_update(of=("self",)).select_related("client").get(pk=contract.pk)
    check_money_of(principal, fields.get("engagement"), row.client)
    changed = _apply(row, fields)
    save_version(row, fields=changed, seen=seen_version, merges=False)
    return row


@service(may=permissions.may_change_contract, why=permissions.IN_TRASH)
def change_price(
    principal: Principal,
    *,
    contract: Contract,
    value: Decimal,
    start_date: date,
    reason: str,
    rate: Decimal | None = None,
) -> Contract:
    """End the contract on `start_date` and continue with a new one, which names the contract it replaces and why.
    Raises ServiceError (fields start_date, reason)."""
    _one_by_one([contract.client_id])
    row = Contract.objects.select_for_update().get(pk=contract.pk)
    if start_date <= row.start_date or (row.end_date and start_date >= row.end_date):
        raise ServiceError(_("The new price must start within the contract period."), field="start_date")
    if not reason.strip():
        raise ServiceError(_("Say why the price changes."), field="reason")
    if Contract.objects.archived().filter(replaces=row).exists():
        raise ServiceError(_("The contract that replaced this one is archived. Restore it first."))
    if Contract.objects.filter(replaces=row).exists():
        raise ServiceError(_("This contract has been replaced. Change the newer one."))
    values = {name: getattr(row, name) for name in CONTRACT_FIELDS.edited if name not in CONTRACT_FIELDS.custom}
    values |= {"value": value, "start_date": start_date, "rate": rate or rate_on(row.currency, start_date) or row.rate}
    new = Contract(client_id=row.client_id, replaces=row, change_reason=reason.strip()[:200])
    new.custom = CONTRACT_FIELDS.custom_fields.handed_on(row.custom)
    row.end_date = start_date
    save_version(row, fields=["end_date"], seen=None)
    _apply(new, values)
    new.save()
    return new


@service(may=permissions.may_change_contract, why=permissions.IN_TRASH)
def archive_contract(principal: Principal, *, contract: Contract, now: datetime) -> Contract:
    """Archive a contract entered by mistake: hidden from every list and report. Idempotent."""
    return set_archived(contract, at=now)[0]


@service(may=permissions.may_change_contract, why=permissions.IN_TRASH)
def restore_contract(principal: Principal, *, contract: Contract) -> Contract:
    """Raises ServiceError (field number) if another contract of the client has its number by now."""
    if contract.archived_at is not None:
        _one_by_one([contract.client_id])
        check_number(contract)
    return set_archived(contract, at=None)[0]


@service(may=permissions.is_system)
def renew_contracts(principal: Principal, *, today: date) -> list[Contract]:
    """The daily work for contracts that renew by themselves: once the renewal date has come, it is the same day of the next year. One that
    ends before that day keeps its date, as it does not renew again. The price and the dates between which it is in force stay."""
    due = Contract.objects.in_force_on(today).filter(is_auto_renewed=True, renewal_date__lte=today)
    renewed = []
    for row in due.filter(client__archived_at=None).order_by("pk").select_for_update(of=("self",)):
        after = _next_renewal(row, today)
        if row.end_date is None or row.end_date >= after:
            row.renewal_date = after
            save_version(row, fields=["renewal_date"], seen=None)
            renewed.append(row)
    return renewed


def _next_renewal(contract: Contract, today: date) -> date:
    """The first one after today. What renews on 29 February does so on the 28th only in years without one."""
    first = _first_renewal(contract)
    years = today.year - first.year
    return next(after for more in (0, 1) if (after := add_months(first, 12 * (years + more))) > today)


def _first_renewal(contract: Contract) -> date:
    """The day that it renews on every year. A 28 February may stand for a 29th: that on which it began, or on which its renewal stood before
    it was moved to years without one, as the history of the contract and of those it replaces tells.
    """
    day: date = contract.renewal_date  # type: ignore[assignment]
    if (day.month, day.day) != (2, 28):
        return day
    if _is_leap_day(contract.start_date):
        return contract.start_date
    events: Any = Contract.pgh_event_model  # type: ignore[attr-defined]
    known = events.objects.filter(pgh_obj_id__in=_chain(contract), renewal_date__isnull=False).order_by("-pgh_id")
    later = day
    for before in known.values_list("renewal_date", flat=True):
        if (before.month, before.day) != (2, 28):
            is_moved = _is_leap_day(before) and before.year < later.year  # in the same year somebody corrected it
            return before if is_moved else day
        later = before
    return day


def _is_leap_day(day: date) -> bool:
    return (day.month, day.day) == (2, 29)


def _chain(contract: Contract) -> list[int]:
    """The contract and those it replaces, which hand their renewal date on."""
    found, above = [contract.pk], contract.replaces_id
    while above is not None and above not in found:
        found.append(above)
        above = Contract.objects.filter(pk=above).values_list("replaces_id", flat=True).first()
    return found


def _apply(contract: Contract, fields: dict) -> list[str]:
    """Set and check the fields; the names of those that are to be saved."""
    only_known(fields, CONTRACT_FIELDS.edited)
    fields = with_custom(contract, fields, CONTRACT_FIELDS, is_new=contract.pk is None)
    changed = apply_price(contract, fields)
    for name in ("start_date", "end_date", "renewal_date"):
        if getattr(contract, name) and not is_plausible(getattr(contract, name)):
            raise ServiceError(_("This date is too far away."), field=name)
    check_currency(contract, contract.start_date)
    if contract.end_date and contract.end_date <= contract.start_date:
        raise ServiceError(_("The end date must be after the start date."), field="end_date")
    contract.number = " ".join(contract.number.split())
    clean_fields(contract, {*fields, "currency", "rate"})
    if "number" in fields:
        check_number(contract)
    check_constraints(contract)
    return changed


def check_number(contract: Contract) -> None:
    """Raises ServiceError (field number) if the client has another contract with its number. What it replaces, and what replaces it, may have
    the same: it is one contract whose price changed."""
    if not contract.number:
        return
    rows = Contract.objects.kept().filter(client=contract.client_id, number__iexact=contract.number)
    first = _chain(contract)[-1]
    if any(_chain(row)[-1] != first for row in rows.exclude(pk=contract.pk)):
        raise _taken()


def _check_numbers(rows: Sequence[Contract]) -> None:
    """`check_number` of contracts that are saved together, against each other too."""
    if not rows:
        return
    clients, numbers = {row.client_id for row in rows}, {row.number.lower() for row in rows}
    _one_by_one(clients)
    there = Contract.objects.kept().alias(lower=Lower("number")).filter(client__in=clients, lower__in=numbers)
    firsts: dict[tuple[int, str], int] = {}
    for row in [*there, *rows]:
        first = _chain(row)[-1] or id(row)
        if firsts.setdefault((row.client_id, row.number.lower()), first) != first:
            raise _taken()


def _one_by_one(clients: Iterable[int]) -> None:
    """Contracts of a client get their numbers one after the other. To be called before a contract is locked."""
    rows = Client.objects.select_for_update(no_key=True).filter(pk__in=clients)
    list(rows.order_by("pk").values_list("pk"))


def _taken() -> ServiceError:
    return ServiceError(_("This client has a contract with this number already."), field="number")

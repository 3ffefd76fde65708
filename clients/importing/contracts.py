"""Contracts of clients."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.importing.common import Context
from clients.revenue.choices import BillingPeriod
from clients.revenue.models import Contract
from clients.revenue.services.contracts import create_contracts, new_contract, update_contract
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import get_firm
from crm.core.importing.kinds import Column, ImportKind, RowResult

PLAIN = (
    "name",
    "value",
    "currency",
    "period",
    "start_date",
    "end_date",
    "renewal_date",
    "notice_days",
    "is_auto_renewed",
    "is_free",
)
COLUMNS = (
    Column(
        "client_external_id",
        gettext_lazy("Client’s id"),
        ("customerid", "customer id", "account id", "accountid", "client id"),
    ),
    Column("client_name", gettext_lazy("Client’s name"), ("client", "customer", "company", "account name")),
    Column("external_id", gettext_lazy("Id in the other system"), ("id", "contract id", "contractid")),
    Column("service", gettext_lazy("Service"), ("product", "service name"), is_required=True),
    Column("name", gettext_lazy("Name"), ("contract name", "title"), parse=common.limited(160)),
    Column(
        "value", gettext_lazy("Value"), ("amount", "price", "fee", "mrr"), is_required=True, parse=common.parse_amount
    ),
    Column("currency", gettext_lazy("Currency"), ("currency code",), parse=common.parse_currency),
    Column("rate", gettext_lazy("Rate (firm’s currency per unit)"), ("exchange rate",), parse=common.parse_amount),
    Column(
        "period",
        gettext_lazy("Paid"),
        ("billing period", "interval"),
        parse=common.choice_parser(BillingPeriod),
        choices=common.choices_of(BillingPeriod),
    ),
    Column(
        "start_date", gettext_lazy("From"), ("start", "contract start date"), is_required=True, parse=common.parse_date
    ),
    Column("end_date", gettext_lazy("Until"), ("end", "contract end date"), parse=common.parse_date),
    Column("renewal_date", gettext_lazy("Renewal"), ("renewal", "renews on"), parse=common.parse_date),
    Column("notice_days", gettext_lazy("Notice, days"), ("notice",), parse=common.parse_whole),
    Column("is_auto_renewed", gettext_lazy("Renews by itself"), ("auto renew",), parse=common.parse_bool),
    Column("is_free", gettext_lazy("Free or trial"), ("free", "trial"), parse=common.parse_bool),
)


def _work(principal, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    client = common.client_of(principal, values, context)
    service = common.find_service(values["service"], result)
    if service is None:
        raise ServiceError(
            _("There is no service “%(name)s”. Add it under Services first.") % {"name": values["service"][:60]}
        )
    fields = {"currency": get_firm().currency, "period": BillingPeriod.MONTH}
    fields |= {name: values[name] for name in PLAIN if values.get(name) not in (None, "")}
    if fields["value"] < 0:
        raise ServiceError(_("The value cannot be negative."))
    if fields["currency"] != get_firm().currency and "rate" not in values:
        raise ServiceError(
            _("%(currency)s is not the firm’s currency; give the rate.") % {"currency": fields["currency"]}
        )
    found = common.known("contract", values, context)
    contract = Contract.objects.visible_to(principal).filter(pk=found).first() if found else None
    if contract is not None:
        changes = common.changed_fields(contract, fields, PLAIN)
        result.outcome = "updated" if changes else "unchanged"
        if write and changes:
            update_contract(principal, contract=contract, **changes)
    elif write:
        result.new = new_contract(client, service=service, rate=values.get("rate", 1), **fields)
    return result


def _enter(principal, rows, context):
    return create_contracts(principal, rows=rows)


def check(principal, values: dict[str, Any], context: Context) -> RowResult:
    return _work(principal, values, context, write=False)


def save(principal, values: dict[str, Any], context: Context) -> RowResult:
    return _work(principal, values, context, write=True)


def prepare(principal, rows: list[dict[str, Any]], context: Context) -> None:
    common.load_known("contract", rows, context)
    common.load_known("client", rows, context, field="client_external_id")


CONTRACTS = ImportKind(
    key="contracts",
    label=gettext_lazy("Contracts"),
    columns=COLUMNS,
    save=save,
    check=check,
    create=common.creator("contract", _enter),
    prepare=prepare,
    defaults=("currency", "period"),
    may_import=lambda user: user.sees_all or user.is_account_manager,
    match_note=gettext_lazy("Known contracts are found by their id; one without an id by all its values."),
)

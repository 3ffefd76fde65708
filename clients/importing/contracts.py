"""Contracts of clients."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.revenue.choices import BillingPeriod
from clients.revenue.fields import CONTRACT_FIELDS
from clients.revenue.models import Contract
from clients.revenue.services.contracts import create_contracts, new_contract, update_contract
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import get_firm
from crm.core.importing.kinds import RowResult

COLUMNS = (
    *common.client_columns(),
    common.external_id("id", "contract id", "contractid"),
    *CONTRACT_FIELDS.import_columns(),
)
PLAIN = [name for name in CONTRACT_FIELDS.cells if name != "rate"]


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
    common.check_rate(fields["currency"], values)
    contract = common.known_row("contract", Contract.objects.visible_to(principal), values, context)
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


CONTRACTS = common.record_kind(
    "contracts",
    gettext_lazy("Contracts"),
    of="contract",
    columns=COLUMNS,
    work=_work,
    create=_enter,
    defaults=("currency", "period"),
    match_note=gettext_lazy("Known contracts are found by their id; one without an id by all its values."),
)

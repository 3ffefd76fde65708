"""Opportunities: entered, changed, moved from stage to stage, archived."""

from collections.abc import Sequence
from copy import copy
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from clients import permissions
from clients.checks import check_constraints, clean_fields, only_known
from clients.currencies.pricing import apply_price, check_currency
from clients.engagements.services.records import check_engagement_of, sees_engagement
from clients.gate import may_see
from clients.opportunities.choices import OPPORTUNITY, OpportunityState
from clients.opportunities.fields import OPPORTUNITY_FIELDS
from clients.opportunities.models import Opportunity, Stage
from clients.opportunities.services.pipelines import first_stage
from clients.opportunities.services.stays import begin_stays, enter_stage, leave_stage, put_into
from clients.records.models import Client
from crm.core.base.archiving import set_archived
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.models import insert
from crm.core.base.principals import Principal, acting
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.fields.custom.writing import with_custom
from crm.core.firm.queries import firm_today
from crm.core.users.models import User

DERIVED = {"probability", "has_own_probability", "pipeline", "stage_since"}


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def create_opportunity(
    principal: Principal, *, client: Client, title: str, expected_close: date, now: datetime, **fields: Any
) -> Opportunity:
    """Its stage is the first of the first pipeline where none is given, its owner the client's account manager, its currency the
    firm's. Raises ServiceError, naming the field."""
    check_engagement_of(principal, fields.get("engagement"), client)
    row = new_opportunity(client, title=title, expected_close=expected_close, now=now, **fields)
    return create_opportunities(principal, rows=[row], now=now)[0]


def new_opportunity(client: Client, *, now: datetime, stage: Stage | None = None, **fields: Any) -> Opportunity:
    """A checked opportunity that is not saved yet. Raises ServiceError."""
    row = Opportunity(client=client, owner=client.owner, opened_date=firm_today(now))
    given = {name: value for name, value in fields.items() if name not in ("owner", "opened_date") or value is not None}
    _apply(row, {"stage": stage or first_stage()} | given, now=now)
    return row


def check_opportunity(opportunity: Opportunity, *, now: datetime, **fields: Any) -> None:
    """Say what `update_opportunity` would refuse. Raises ServiceError."""
    _apply(copy(opportunity), fields, now=now)


@service(may=permissions.may_edit_clients_of, why=permissions.IN_TRASH)
def create_opportunities(principal: Principal, *, rows: Sequence[Opportunity], now: datetime) -> list[Opportunity]:
    """Save these, made by `new_opportunity`, in one statement, and their first stays in another. All or none."""
    made = insert(rows)
    begin_stays([row for row in made if row.is_open], by=principal, now=now)
    return made


@service(may=permissions.may_change_opportunity, why=permissions.OPPORTUNITY_IN_TRASH)
def update_opportunity(
    principal: Principal, *, opportunity: Opportunity, now: datetime, seen_version: int | None = None, **fields: Any
) -> Opportunity:
    """Change what is given. `probability` None: the stage's. Another stage is a move. Raises StaleWrite, ServiceError."""
    row = _locked(opportunity)
    check_engagement_of(principal, fields.get("engagement"), row.client)
    before = row.stage_id
    changed = _apply(row, fields, now=now)
    own = [name for name in changed if name not in DERIVED or name in fields]

    def derived():
        """Where the stage stays, as somebody else moved the row meanwhile, so does what belongs to it."""
        kept = {"has_own_probability"} if row.stage_id == before else DERIVED
        return [name for name in changed if name in kept and name not in own]

    save_version(row, fields=own, seen=seen_version, derive=derived)
    if row.stage_id != before:
        leave_stage([row], now=now)
        begin_stays([row], by=principal, now=now)
    return row


@service(may=permissions.may_change_opportunity, why=permissions.OPPORTUNITY_IN_TRASH)
def move_opportunity(
    principal: Principal, *, opportunity: Opportunity, stage: Stage, now: datetime, seen_version: int | None = None
) -> Opportunity:
    """To another stage, of another pipeline too. Somebody else's change since `seen_version` refuses it. Raises StaleWrite, ServiceError."""
    row = _locked(opportunity)
    if row.stage_id == stage.pk and row.is_open:
        return row
    OPPORTUNITY.expect(row, OpportunityState.OPEN)
    _check_stage(stage)
    return enter_stage(row, stage, by=principal, now=now, seen=seen_version)


@service(may=permissions.may_change_opportunity, why=permissions.OPPORTUNITY_IN_TRASH)
def archive_opportunity(principal: Principal, *, opportunity: Opportunity, now: datetime) -> Opportunity:
    """Take one that was entered by mistake out of every list and number. Twice changes nothing."""
    return set_archived(opportunity, at=now)[0]


@service(may=permissions.may_restore_opportunity, why=permissions.IN_TRASH)
def restore_opportunity(principal: Principal, *, opportunity: Opportunity) -> Opportunity:
    return set_archived(opportunity, at=None)[0]


@service(may=permissions.is_system)
def reassign_opportunities(principal: Principal, *, owner: User, to: User) -> int:
    """Hand all open opportunities of somebody who leaves to a colleague."""
    rows = Opportunity.objects.open().filter(owner=owner).select_for_update()
    for row in rows:
        row.owner = to
        save_version(row, fields=["owner"], seen=None)
    return len(rows)


def _locked(opportunity: Opportunity) -> Opportunity:
    rows = Opportunity.objects.select_for_update(of=("self",)).select_related("client", "stage", "contract")
    return rows.get(pk=opportunity.pk)


def _apply(row: Opportunity, fields: dict[str, Any], *, now: datetime) -> list[str]:
    """Set and check the fields; the names of those that are to be saved."""
    only_known(fields, OPPORTUNITY_FIELDS.edited)
    given = dict(with_custom(row, fields, OPPORTUNITY_FIELDS, is_new=row.pk is None))
    stage, changed = given.pop("stage", None), []
    if "probability" in given:
        row.has_own_probability = given["probability"] is not None
        if given["probability"] is None:
            given["probability"] = (stage or row.stage).probability
        changed.append("has_own_probability")
    changed += apply_price(row, given)
    if stage is not None and stage.pk != row.stage_id:
        _check_stage(stage)
        if row.pk:
            OPPORTUNITY.expect(row, OpportunityState.OPEN)
        changed += put_into(row, stage, now=now)
    if not is_plausible(row.expected_close):
        raise ServiceError(_("This date is too far away."), field="expected_close")
    check_currency(row, row.opened_date)
    _check_links(row, given)
    clean_fields(row, {*given, "currency", "rate"})
    check_constraints(row)
    return list(dict.fromkeys(changed))


def _check_stage(stage: Stage) -> None:
    if stage.archived_at is not None or stage.pipeline.archived_at is not None:
        raise ServiceError(_("This stage is no longer used. Choose another."), field="stage")


def _sees(owner: User, row: Opportunity) -> bool:
    return owner.is_active and may_see(acting(owner), row.client) and sees_engagement(owner, row.engagement)


def _check_links(row: Opportunity, given: dict[str, Any]) -> None:
    if "owner" in given and not _sees(row.owner, row):
        raise ServiceError(_("%(name)s cannot see this client.") % {"name": row.owner.name}, field="owner")
    contract = given.get("contract")
    if contract is not None and contract.client_id != row.client_id:
        raise ServiceError(_("Choose a contract of this client."), field="contract")

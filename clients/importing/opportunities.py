"""Opportunities of clients: open ones with their stage, and those that were won or lost in the other system."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common, related
from clients.importing.revenue import check_client, paid
from clients.opportunities.choices import LostReason, OpportunityKind, OpportunityState
from clients.opportunities.fields import OPPORTUNITY_FIELDS, STATES
from clients.opportunities.models import Opportunity, Stage
from clients.opportunities.services.pipelines import first_stage
from clients.opportunities.services.records import (
    check_opportunity,
    create_opportunities,
    new_opportunity,
    update_opportunity,
)
from crm.core.base.reading import PLAIN, Conventions, fold
from crm.core.fields.types import DAY, Reader, choice, limited
from crm.core.firm.queries import firm_today
from crm.core.importing.kinds import Column, Context, Plan, Values, Vocabulary

STATE = Column(
    "state",
    gettext_lazy("State"),
    ("status", "outcome", "deal status"),
    parse=choice(OpportunityState, STATES).read,
    choices=lambda: list(OpportunityState.choices),
    vocabulary=Vocabulary("opportunity.state", lambda: OpportunityState.choices, is_read=True),
    help_text=gettext_lazy("Open, won or lost. A stage such as “Closed Won” says it too."),
)

REASON = Column("reason", OPPORTUNITY_FIELDS["reason"].label, (), parse=choice(LostReason).read, is_lenient=True)
NOTE = Column("outcome_note", OPPORTUNITY_FIELDS["outcome_note"].label, (), parse=limited(300).read)

TODAY = "today"


def _column(column: Column) -> Column:
    """A stage may say how it ended; the day of closing may be today for rows without one."""
    if column.name == "stage" and column.vocabulary:
        ends = [(state.value, state.label) for state in (OpportunityState.WON, OpportunityState.LOST)]
        told = replace(column.vocabulary, also=tuple(STATES), options=lambda: [*_stages(), *ends])
        return replace(column, vocabulary=told)
    if column.name == "expected_close":
        return replace(
            column, parse=Reader(_read_close, asks="date_order"), help_text=gettext_lazy("A date, or “today”")
        )
    return column


def _stages() -> list[tuple[str, str]]:
    rows = Stage.objects.kept().filter(pipeline__archived_at=None).values_list("name", flat=True)
    return [(name, name) for name in dict.fromkeys(rows)]


def _read_close(text: str, conventions: Conventions = PLAIN) -> Any:
    return TODAY if fold(text) == TODAY else DAY.read(text, conventions)


def _opportunity(principal, values: Values, context: Context) -> Plan:
    plan = Plan()
    client = related.client_of(values, context, plan)
    row, key = common.known("opportunity", values, context)
    check_client(row, client)
    is_new = row is None
    if values.get("expected_close") == TODAY:
        values = values | {"expected_close": context["today"]}
    wanted = common.given(values, OPPORTUNITY_FIELDS.cells, is_new=is_new)
    wanted |= _linked(principal, values, context, plan, client, is_new=is_new)
    wanted |= _money(values, wanted, context, is_new=is_new)
    state = _state(values)
    if is_new:
        wanted = {"kind": OpportunityKind.NEW, "stage": first_stage()} | wanted
    elif state not in (None, common.record_of(row).state):
        plan.warnings.append(_("An import does not close or reopen a known opportunity."))
    common.settled(plan, row, key, wanted, OPPORTUNITY_FIELDS, new=lambda: _new(client, wanted, state, values, context))
    common.check_changes(plan, lambda record, **changes: check_opportunity(record, now=context["now"], **changes))
    return plan


def _linked(principal, values: Values, context: Context, plan: Plan, client, *, is_new: bool) -> dict[str, Any]:
    """Stage, owner and service, which other rows are."""
    found: dict[str, Any] = {}
    if service := common.find_service(values.get("service", ""), plan, context):
        found["service"] = service
    if (stage := _stage(values.get("stage", ""), context, plan)) and (is_new or "stage" not in values["defaulted"]):
        found["stage"] = stage
    if text := values.get("owner"):
        if user := common.find_user(text, context):
            found["owner"] = user
        else:
            words = _("No colleague is called “%(name)s”. The owner would be %(owner)s.")
            plan.warnings.append(words % {"name": text[:60], "owner": client.owner.name})
    return found


def _stage(text: str, context: Context, plan: Plan) -> Stage | None:
    """By name; of several pipelines the first that has it. One that says how it ended is none."""
    if not text or fold(text) in _endings():
        return None
    stages = context["cache"].setdefault("stages", {})
    if not stages:
        first_stage()
        rows = Stage.objects.kept().filter(pipeline__archived_at=None).select_related("pipeline")
        for stage in rows.order_by("-pipeline__position", "-pipeline", "-position"):
            stages[fold(stage.name)] = stage
    stage = stages.get(fold(text))
    if stage is None:
        plan.warnings.append(
            _("No stage is called “%(name)s”. The first one is taken for new opportunities.") % {"name": text[:60]}
        )
    return stage


def _endings() -> dict[str, str]:
    return {fold(word): state for word, state in STATES.items() if state != OpportunityState.OPEN}


def _state(values: Values) -> str | None:
    return values.get("state") or _endings().get(fold(values.get("stage", "")))


def _money(values: Values, wanted: dict[str, Any], context: Context, *, is_new: bool) -> dict[str, Any]:
    if wanted.get("value") is None:
        return {}
    day = wanted.get("opened_date") or firm_today(context["now"])
    return paid(wanted["value"], Opportunity, day, values, context, is_new=is_new)


def _new(client, wanted: dict[str, Any], state: str | None, values: Values, context: Context) -> Opportunity:
    row = new_opportunity(client, now=context["now"], **wanted)
    if state in (OpportunityState.WON, OpportunityState.LOST):
        closed = datetime.combine(row.expected_close, time(12), UTC)
        row.state, row.closed_at = state, min(closed, context["now"])
        row.reason = (values.get("reason") or LostReason.OTHER) if state == OpportunityState.LOST else ""
        row.outcome_note = values.get("outcome_note", "")
    return row


def _create(principal, rows: list[Any], context: Context) -> list[Opportunity]:
    return create_opportunities(principal, rows=rows, now=context["now"])


def _update(principal, writes: list[common.Write], context: Context) -> None:
    for write in writes:
        update_opportunity(principal, opportunity=write.row, now=context["now"], **write.changes)


def _rows(principal):
    return Opportunity.objects.visible_to(principal).select_related("client", "stage", "owner", "service", "contract")


def _export(principal):
    cells = common.client_cells() | common.cells_of(
        OPPORTUNITY_FIELDS, "service", "stage", "owner", "state", "reason", "outcome_note"
    )
    cells |= {
        "external_id": lambda row: common.own_id("opportunity", row.pk),
        "probability": lambda row: row.probability if row.has_own_probability else "",
    }
    rows = common.seen_by(principal, _rows(principal).kept())
    return common.exported(OPPORTUNITIES.columns, cells, common.named(principal, rows, OPPORTUNITY_FIELDS))


OPPORTUNITIES = common.record_kind(
    "opportunities",
    gettext_lazy("Opportunities"),
    of="opportunity",
    turn=50,
    columns=OPPORTUNITY_FIELDS.with_custom(
        *common.client_columns(),
        common.external_id("id", "opportunity id", "opportunityid", "deal id", "record id"),
        *map(_column, OPPORTUNITY_FIELDS.import_columns()),
        STATE,
        REASON,
        NOTE,
        related.COLUMNS[0],
    ),
    rows=_rows,
    plan=_opportunity,
    export=_export,
    update=_update,
    look_up=related.load_related,
    needs=(("client_external_id", "client_name", related.CONTACT),),
    ids=(*related.IDS[:2], related.CONTACT),
    create=_create,
    defaults=("currency", "kind", "owner", "expected_close"),
    match_note=gettext_lazy("Existing opportunities are matched by ID, or by all values if there is no ID."),
)

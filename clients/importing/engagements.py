"""Engagements of clients: those at work, and those that were closed in the other system."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.engagements.choices import ENGAGEMENT, EngagementState
from clients.engagements.fields import ENGAGEMENT_FIELDS
from clients.engagements.models import Engagement, EngagementKind
from clients.engagements.services.records import (
    Opened,
    add_to_team,
    check_engagement,
    close_engagement,
    move_engagement,
    new_engagement,
    open_engagements,
    update_engagement,
)
from clients.engagements.words import MANY, is_on
from clients.importing import common
from clients.importing.revenue import CLIENT, IDS, check_client
from crm.core.base.reading import fold
from crm.core.fields.types import several
from crm.core.importing.kinds import Context, Plan, Values

MOVES = ("state", "closed_date", "team")  # what is written by services of their own


def _engagement(principal, values: Values, context: Context) -> Plan:
    plan = Plan()
    client = common.client_of(values, context, plan)
    row, key = common.known("engagement", values, context)
    row = row if row is not None else common.by_number("engagement", values, client, context)
    check_client(row, client)
    wanted = common.given(values, ENGAGEMENT_FIELDS.cells, is_new=row is None)
    wanted |= _linked(values, context, plan, client) | _team(row, values, context, plan)
    wanted |= _state(row, values, plan)
    common.settled(plan, row, key, wanted, ENGAGEMENT_FIELDS, new=lambda: _new(client, wanted, context), more=_held)
    common.check_changes(plan, _check, lambda new: new.engagement)
    return plan


def _check(record: Engagement, **changes: Any) -> None:
    check_engagement(record, **{name: value for name, value in changes.items() if name not in MOVES})


def _linked(values: Values, context: Context, plan: Plan, client: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if text := values.get("kind"):
        kinds = context["cache"].setdefault("engagement kinds", {})
        if not kinds:
            kinds |= {fold(kind.name): kind for kind in EngagementKind.objects.kept()}
        words = _("No kind is called “%(name)s”. Left empty.")
        if rows := common.present({text: kinds.get(fold(text))}, words, plan):
            found["kind"] = rows[0]
    if text := values.get("lead"):
        if user := common.find_user(text, context):
            found["lead"] = user
        else:
            words = _("No colleague is called “%(name)s”. A new one would be led by %(owner)s.")
            plan.warnings.append(words % {"name": text[:60], "owner": client.owner.name})
    return found


def _team(row: Any, values: Values, context: Context, plan: Plan) -> dict[str, Any]:
    """The team with those who are named: an import takes nobody off it."""
    named = {name: common.find_user(name, context) for name in several(values.get("team", ""))}
    users = common.present(named, _("No colleague is called “%(name)s”. Left out of the team."), plan)
    before = (
        (row.state if isinstance(row, common.Write) else _held(row)).get("team", frozenset()) if row else frozenset()
    )
    return {"team": before | frozenset(users)} if users else {}


def _state(row: Any, values: Values, plan: Plan) -> dict[str, Any]:
    """The state, where the row may move to it, with the day it was closed."""
    said = values.get("state") or (EngagementState.CLOSED if values.get("closed_date") else None)
    now = None if row is None else row.state["state"] if isinstance(row, common.Write) else row.state
    if said is None:
        return {"state": EngagementState.OPEN} if row is None else {}
    if now not in (None, said) and not ENGAGEMENT.allows(now, said):
        plan.warnings.append(_("It cannot move from %(now)s to %(said)s. Its state stays.") % _labels(now, said))
        return {}
    is_closed_now = said == EngagementState.CLOSED and now != said
    day = {"closed_date": values["closed_date"]} if is_closed_now and values.get("closed_date") else {}
    return {"state": said} | day


def _labels(now: str, said: str) -> dict[str, str]:
    return {"now": str(EngagementState(now).label), "said": str(EngagementState(said).label)}


def _held(row: Engagement) -> dict[str, Any]:
    return {"team": frozenset(row.team.all())}


def _new(client: Any, wanted: dict[str, Any], context: Context) -> Opened:
    given = {name: value for name, value in wanted.items() if name != "team"}
    return Opened(new_engagement(client, now=context["now"], **given), tuple(wanted.get("team", ())))


def _look_up(principal, rows: list[Values], context: Context) -> None:
    common.load_numbers("engagement", _rows(principal).kept(), rows, context)


def _create(principal, rows: list[Opened], context: Context) -> list[Engagement]:
    return open_engagements(principal, rows=rows, now=context["now"])


def _update(principal, writes: list[common.Write], context: Context) -> None:
    now = context["now"]
    for write in writes:
        row, changes = write.row, dict(write.changes)
        state, day, team = (changes.pop(name, None) for name in MOVES)
        if changes:
            row = update_engagement(principal, engagement=row, **changes)
        for user in sorted((team or frozenset()) - _held(row)["team"], key=lambda user: user.pk):
            add_to_team(principal, engagement=row, user=user)
        if state == EngagementState.CLOSED:
            close_engagement(principal, engagement=row, now=now, closed_date=day)
        elif state is not None:
            move_engagement(principal, engagement=row, state=state, now=now)


def _rows(principal):
    return Engagement.objects.visible_to(principal).select_related("client", "kind", "lead").prefetch_related("team")


def _export(principal):
    cells = common.client_cells() | common.cells_of(ENGAGEMENT_FIELDS, "kind", "lead", "state", "closed_date")
    cells |= {
        "external_id": lambda row: common.own_id("engagement", row.pk),
        "team": lambda row: "; ".join(sorted(user.email for user in row.team_shown())),
    }
    rows = common.seen_by(principal, _rows(principal).kept())
    return common.exported(ENGAGEMENTS.columns, cells, common.named(principal, rows, ENGAGEMENT_FIELDS))


ENGAGEMENTS = common.record_kind(
    "engagements",
    MANY,
    of="engagement",
    turn=30,
    columns=ENGAGEMENT_FIELDS.with_custom(
        *common.client_columns(),
        common.external_id("id", "matter id", "project id", "job id"),
        *ENGAGEMENT_FIELDS.import_columns(),
    ),
    rows=_rows,
    plan=_engagement,
    look_up=_look_up,
    export=_export,
    update=_update,
    needs=CLIENT,
    ids=IDS,
    create=_create,
    defaults=("currency", "lead"),
    match_note=gettext_lazy("Existing ones are matched by ID, or by their number."),
    is_used=is_on,
)

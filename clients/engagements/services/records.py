"""Engagements: opened, changed, moved from state to state, restricted, archived; their team and parties."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import BigIntegerField, Max
from django.db.models.functions import Cast, Substr
from django.utils import timezone
from django.utils.translation import gettext as _

from clients import permissions, registry
from clients.checks import check_constraints, clean_fields, only_known
from clients.contacts.models import Affiliation, Contact
from clients.engagements.choices import ENGAGEMENT, EngagementState, PartyRole
from clients.engagements.fields import ENGAGEMENT_FIELDS
from clients.engagements.models import Engagement, EngagementParty, EngagementStateChange, EngagementTeam
from clients.engagements.words import in_words
from clients.gate import may_see
from clients.records.models import Client
from clients.signals import engagement_hidden
from crm.core.base.archiving import set_archived
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.models import insert
from crm.core.base.principals import SYSTEM, Principal, acting
from crm.core.base.services import refusals, service
from crm.core.base.states import transition
from crm.core.base.versions import save_version
from crm.core.fields.custom.writing import with_custom
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import firm_today, get_firm
from crm.core.users.models import User

BEGINS_AS = (EngagementState.INTAKE, EngagementState.OPEN)


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def open_engagement(
    principal: Principal,
    *,
    client: Client,
    title: str,
    now: datetime,
    state: str = EngagementState.OPEN,
    team: Iterable[User] = (),
    is_demo: bool = False,
    **fields: Any,
) -> Engagement:
    """Open one, or take it in (`state` intake). Without a number it gets the next one of the year, without a lead the client's account
    manager, without a currency the firm's. Raises ServiceError, naming the field."""
    if state not in BEGINS_AS:
        raise ServiceError(_("It begins as intake or open."), field="state")
    row = new_engagement(client, title=title, state=state, now=now, is_demo=is_demo, **fields)
    return open_engagements(principal, rows=[Opened(row, tuple(team))], now=now)[0]


@dataclass(frozen=True)
class Opened:
    """An engagement, made by `new_engagement`, with its team."""

    engagement: Engagement
    team: tuple[User, ...] = ()

    @property
    def client(self) -> Client:
        return self.engagement.client


def new_engagement(
    client: Client,
    *,
    title: str,
    now: datetime,
    state: str = EngagementState.OPEN,
    closed_date: date | None = None,
    is_demo: bool = False,
    **fields: Any,
) -> Engagement:
    """A checked one that is not saved yet; without a number it gets the next one when it is saved. Raises ServiceError."""
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    row = Engagement(client=client, state=state, lead=client.owner, currency=get_firm().currency, is_demo=is_demo)
    if state in ENGAGEMENT.opened:
        row.opened_date = firm_today(now)
    if state == EngagementState.CLOSED:
        row.closed_date = _closing_day(closed_date, now)
    _apply(row, given | {"title": title})
    return row


@service(may=permissions.may_edit_clients_of, why=permissions.IN_TRASH)
def open_engagements(principal: Principal, *, rows: Sequence[Opened], now: datetime) -> list[Engagement]:
    """Save these in one statement, or two where some have no number yet. All or none. Raises ServiceError."""
    made = [row.engagement for row in rows]
    insert([row for row in made if row.number])
    if nameless := [row for row in made if not row.number]:
        year, _dash, last = next_number(now, is_taken=True).rpartition("-")
        for n, row in enumerate(nameless, start=int(last)):
            row.number = f"{year}-{n:04d}"
        insert(nameless)
    EngagementStateChange.objects.bulk_create(
        [EngagementStateChange(engagement=row, state=row.state, entered_at=now, by=principal.user) for row in made]
    )
    for opened, row in zip(rows, made, strict=True):
        for user in {*opened.team} - {row.lead}:
            _seat(row, user)
    return made


def next_number(now: datetime, *, is_taken: bool = False) -> str:
    """The year and the number after the highest one of that year: 2026-0008. `is_taken`: within the transaction that uses it, which two
    at once do one after the other."""
    if is_taken:
        FirmSettings.objects.select_for_update().filter(pk=1).first()
    year = f"{firm_today(now).year}-"
    rows = Engagement.objects.filter(number__startswith=year, number__regex=rf"^{year}[0-9]{{4,9}}$").order_by()
    last = rows.aggregate(last=Max(Cast(Substr("number", len(year) + 1), BigIntegerField())))["last"]
    return f"{year}{(last or 0) + 1:04d}"


@service(may=permissions.may_change_engagement, why=permissions.ENGAGEMENT_IN_TRASH)
def update_engagement(
    principal: Principal, *, engagement: Engagement, seen_version: int | None = None, **fields: Any
) -> Engagement:
    """Change what is given. Raises StaleWrite, ServiceError, naming the field."""
    row = _locked(engagement)
    lead_id = row.lead_id
    save_version(row, fields=_apply(row, fields), seen=seen_version)
    if row.is_restricted and row.lead_id != lead_id:  # the earlier one sees it no longer, unless on the team
        _hide(row, timezone.now())
    return row


def check_engagement(engagement: Engagement, **fields: Any) -> None:
    """Say what `update_engagement` would refuse. Raises ServiceError."""
    _apply(copy(engagement), fields)


@service(may=permissions.may_change_engagement, why=permissions.ENGAGEMENT_IN_TRASH)
def move_engagement(
    principal: Principal, *, engagement: Engagement, state: str, now: datetime, seen_version: int | None = None
) -> Engagement:
    """To another state but closed: opened, closing. From closed it is opened again. Raises StaleWrite, ServiceError."""
    if state == EngagementState.CLOSED:
        return close_engagement(principal, engagement=engagement, now=now, seen_version=seen_version)
    with transition(engagement, to=state, states=ENGAGEMENT, seen=seen_version) as row:
        row.closed_date = None
        row.opened_date = row.opened_date or firm_today(now)
    return _entered(principal, row, now)


@service(may=permissions.may_change_engagement, why=permissions.ENGAGEMENT_IN_TRASH)
def close_engagement(
    principal: Principal,
    *,
    engagement: Engagement,
    now: datetime,
    closed_date: date | None = None,
    seen_version: int | None = None,
) -> Engagement:
    """Close it, today unless another day is given. What names it stays as it is. Raises StaleWrite, ServiceError (field closed_date)."""
    day = _closing_day(closed_date, now)
    with transition(engagement, to=EngagementState.CLOSED, states=ENGAGEMENT, seen=seen_version) as row:
        if row.opened_date and day < row.opened_date:
            raise ServiceError(_("It cannot be closed before it was opened."), field="closed_date")
        row.closed_date = day
    return _entered(principal, row, now)


@service(may=permissions.may_change_engagement, why=permissions.ENGAGEMENT_IN_TRASH)
def undo_engagement_move(principal: Principal, *, engagement: Engagement, seen_version: int) -> Engagement:
    """Undo of the move that made the version `seen_version`: the state before it, with its dates, as if it had not been moved. Raises
    ServiceError if it was changed since."""
    row = _locked(engagement)
    changes = list(row.state_changes.order_by("-entered_at", "-pk")[:2])  # type: ignore[attr-defined]
    versions = Engagement.pgh_event_model.objects.filter(pgh_obj_id=row.pk, version=seen_version - 1)  # type: ignore[attr-defined]
    then = versions.order_by("-pgh_id").first()
    is_last = row.version == seen_version and then is not None
    if not is_last or [change.state for change in changes] != [row.state, then.state]:
        raise ServiceError(_("It was changed since. Change its state by hand."), code="conflict")
    last, before = changes
    row.state, row.opened_date, row.closed_date = then.state, then.opened_date, then.closed_date
    save_version(row, fields=["state", "opened_date", "closed_date"], seen=None)
    last.delete()
    EngagementStateChange.objects.filter(pk=before.pk).update(left_at=None)
    return row


def _closing_day(day: date | None, now: datetime) -> date:
    today = firm_today(now)
    if day is not None and day > today:
        raise ServiceError(_("This day is in the future."), field="closed_date")
    return day or today


def reopen_engagement(
    principal: Principal, *, engagement: Engagement, now: datetime, seen_version: int | None = None
) -> Engagement:
    """Open a closed one again. Raises StaleWrite, ServiceError."""
    return move_engagement(
        principal, engagement=engagement, state=EngagementState.OPEN, now=now, seen_version=seen_version
    )


def _entered(principal: Principal, row: Engagement, now: datetime) -> Engagement:
    EngagementStateChange.objects.filter(engagement=row, left_at=None).update(left_at=now)
    EngagementStateChange.objects.create(engagement=row, state=row.state, entered_at=now, by=principal.user)
    return row


@service(may=permissions.may_change_engagement, why=permissions.ENGAGEMENT_IN_TRASH)
def archive_engagement(principal: Principal, *, engagement: Engagement, now: datetime) -> Engagement:
    """Take one that was entered by mistake out of every list. What names it still does. Twice changes nothing."""
    return set_archived(engagement, at=now)[0]


@service(may=permissions.may_restore_engagement, why=permissions.IN_TRASH)
def restore_engagement(principal: Principal, *, engagement: Engagement) -> Engagement:
    return set_archived(engagement, at=None)[0]


@service(may=permissions.may_restrict_engagement)
def restrict_engagement(principal: Principal, *, engagement: Engagement, now: datetime) -> Engagement:
    """From now on its lead and its team alone see it and what names it; the client's facts are made without them. Raises ServiceError while
    contracts or revenue lines name it: their sums are read by everyone who sees the client. Archived contracts name it no more."""
    left = [words for money in registry.money_of if (words := money.words(SYSTEM, engagement))]
    if left and not engagement.is_restricted:
        text = _(
            "Contracts and revenue count in sums that everyone who sees the client reads. First take them off: %(left)s."
        )
        raise ServiceError(text % {"left": ", ".join(left)})
    for money in registry.money_of:
        money.let_go(engagement)
    return _set_restricted(engagement, True, now)


@service(may=permissions.may_lift_engagement)
def unrestrict_engagement(principal: Principal, *, engagement: Engagement, now: datetime) -> Engagement:
    """Everyone who sees the client sees it again."""
    return _set_restricted(engagement, False, now)


def _set_restricted(engagement: Engagement, is_restricted: bool, now: datetime) -> Engagement:
    row = _locked(engagement)
    if row.is_restricted == is_restricted:
        return row
    row.is_restricted = is_restricted
    save_version(row, fields=["is_restricted"], seen=None)
    for rebuilder in registry.facts_rebuilders:
        rebuilder.rebuild([row.client_id], now)
    if is_restricted:
        _hide(row, now)
    return row


def _hide(row: Engagement, now: datetime) -> None:
    """Let what was written and not sent yet forget it."""
    engagement_hidden.send(Engagement, engagement=row, now=now)


@service(may=permissions.may_change_engagement, why=permissions.ENGAGEMENT_IN_TRASH)
def add_to_team(principal: Principal, *, engagement: Engagement, user: User) -> EngagementTeam:
    """Raises ServiceError (field user) for somebody who is on it already, or cannot see the client."""
    return _seat(_locked(engagement), user)


@service(may=permissions.may_change_seat, why=permissions.ENGAGEMENT_IN_TRASH)
def remove_from_team(principal: Principal, *, seat: EngagementTeam) -> None:
    """Of a restricted engagement they see nothing from now on."""
    row = _locked(seat.engagement)
    seat.delete()
    if row.is_restricted:
        _hide(row, timezone.now())


def _seat(row: Engagement, user: User) -> EngagementTeam:
    _check_sees(user, row.client, "user")
    if user.pk == row.lead_id:
        raise ServiceError(_("%(name)s is the lead.") % {"name": user.name}, field="user")
    seat = EngagementTeam(engagement=row, user=user)
    check_constraints(seat, field="user")
    seat.save()
    return seat


@service(may=permissions.may_change_engagement, why=permissions.ENGAGEMENT_IN_TRASH)
def add_party(
    principal: Principal,
    *,
    engagement: Engagement,
    role: str = PartyRole.CLIENT,
    contact: Contact | None = None,
    outside_name: str = "",
    note: str = "",
) -> EngagementParty:
    """A contact of the client, or somebody outside by name. Raises ServiceError (fields role, contact, outside_name, note)."""
    row = EngagementParty(engagement=_locked(engagement))
    _apply_party(row, role=role, contact=contact, outside_name=outside_name, note=note)
    row.save()
    return row


@service(may=permissions.may_change_party, why=permissions.ENGAGEMENT_IN_TRASH)
def update_party(
    principal: Principal, *, party: EngagementParty, seen_version: int | None = None, **fields: Any
) -> EngagementParty:
    """Change what is given. Raises StaleWrite, ServiceError."""
    row = EngagementParty.objects.select_for_update(of=("self",)).select_related("engagement").get(pk=party.pk)
    _apply_party(row, **fields)
    save_version(row, fields=["role", "contact", "outside_name", "note"], seen=seen_version)
    return row


@service(may=permissions.may_change_party, why=permissions.ENGAGEMENT_IN_TRASH)
def remove_party(principal: Principal, *, party: EngagementParty) -> None:
    """The history keeps it."""
    party.delete()


def _apply_party(row: EngagementParty, **fields: Any) -> None:
    only_known(fields, ("role", "contact", "outside_name", "note"))
    for name, value in fields.items():
        setattr(row, name, " ".join(value.split()) if isinstance(value, str) else value)
    contact = row.contact
    places = Affiliation.objects.filter(client=row.engagement.client_id, contact=contact)
    if contact is not None and not places.exists():
        raise ServiceError(_("This person is not a contact at this client."), field="contact")
    clean_fields(row, ["role", "outside_name", "note"])
    check_constraints(row, field="contact")


@service(may=permissions.is_system)
def reassign_engagements(principal: Principal, *, lead: User, to: User) -> int:
    """Hand all current engagements of somebody who leaves to a colleague, and free their places on teams."""
    rows = list(Engagement.objects.current().filter(lead=lead).select_for_update())
    EngagementTeam.objects.filter(engagement__in=rows, user=to).delete()
    for row in rows:
        row.lead = to
        save_version(row, fields=["lead"], seen=None)
    return len(rows)


def _locked(engagement: Engagement) -> Engagement:
    rows = Engagement.objects.select_for_update(of=("self",)).select_related("client", "lead", "kind")
    return rows.get(pk=engagement.pk)


def _apply(row: Engagement, fields: dict[str, Any]) -> list[str]:
    """Set and check the fields; the names of those that are to be saved."""
    only_known(fields, ENGAGEMENT_FIELDS.edited)
    fields = with_custom(row, fields, ENGAGEMENT_FIELDS, is_new=row.pk is None)
    for name, value in fields.items():
        setattr(row, name, " ".join(value.split()) if name in ("number", "title") else value)
    if not row.title:
        raise ServiceError(_("Enter a title."), field="title")
    if not row.number and row.pk:
        raise ServiceError(_("Enter a number."), field="number")
    if row.opened_date and not is_plausible(row.opened_date):
        raise ServiceError(_("This date is too far away."), field="opened_date")
    if row.opened_date is None and row.state in ENGAGEMENT.opened:
        raise ServiceError(_("Say when it was opened."), field="opened_date")
    if row.closed_date and row.opened_date and row.opened_date > row.closed_date:
        raise ServiceError(_("It was closed before this day."), field="opened_date")
    if "lead" in fields:
        _check_sees(row.lead, row.client, "lead")
    row.currency = row.currency or get_firm().currency
    clean_fields(row, {*fields, "currency"} - (set() if row.number else {"number"}))
    taken = Engagement.objects.exclude(pk=row.pk).filter(number__iexact=row.number)
    if "number" in fields and row.number and taken.exists():
        raise ServiceError(_("This number is already in use."), field="number")
    if row.number:
        check_constraints(row)
    return [*fields]


def _check_sees(user: User, client: Client, field: str) -> None:
    if not (user.is_active and may_see(acting(user), client)):
        raise ServiceError(_("%(name)s cannot see this client.") % {"name": user.name}, field=field)


def sees_engagement(user: User, engagement: Engagement | None) -> bool:
    """Whether a colleague may be given something that names this engagement."""
    return engagement is None or Engagement.objects.visible_to(acting(user)).filter(pk=engagement.pk).exists()


def check_engagement_of(principal: Principal, engagement: Engagement | None, client: Client | None) -> None:
    """For the services of rows that name an engagement: it is one of their client, which the principal sees. Raises ServiceError (field
    engagement)."""
    if engagement is None:
        return
    is_seen = Engagement.objects.visible_to(principal).filter(pk=engagement.pk).exists()
    if client is None or engagement.client_id != client.pk or not is_seen:
        raise ServiceError(_("Choose one of this client’s."), field="engagement")


# as the triggers of the database call it (migration 0025_no_money_of_restricted_engagements)
MONEY_RULE = "no_money_of_restricted_engagement"


def check_money_of(principal: Principal, engagement: Engagement | None, client: Client | None) -> None:
    """As `check_engagement_of`, for contracts and revenue lines: not a restricted one."""
    check_engagement_of(principal, engagement, client)
    if engagement is not None and engagement.is_restricted:
        raise _no_money()


def _no_money() -> ServiceError:
    words = _(
        "Contracts and revenue of a restricted %(one)s would count in sums that others read. Choose another, or none."
    )
    return ServiceError(in_words(words), field="engagement")


# where somebody restricts it at the same moment
refusals.append(lambda constraint: _no_money() if constraint == MONEY_RULE else None)

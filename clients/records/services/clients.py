"""Clients: create, change, archive, restrict."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from django.db import connection
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from clients import permissions, registry, signals
from clients.catalogue.models import Tag
from clients.checks import clean_fields, only_known
from clients.phones import digits_of
from clients.records.choices import Status
from clients.records.external import link_externals
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client, ClientAccess, ClientFacts, StatusPeriod
from clients.records.services.statuses import Span, first_periods, periods_of, status_facts
from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.models import fresh, insert
from crm.core.base.permissions import require
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.fields.custom.writing import with_custom
from crm.core.users.models import User

PARENTS = 7_201_640_271  # the lock under which parents are set


@dataclass
class NewClient:
    """A checked client that is not saved yet, with its first periods. `external_ids` are (system, value) pairs."""

    client: Client
    periods: Sequence[StatusPeriod]
    tags: Sequence[Tag] = ()
    external_ids: Sequence[tuple[str, str]] = ()


def new_client(
    *,
    name: str,
    owner: User,
    status: str = Status.PROSPECT,
    status_start: date | None = None,
    today: date,
    reason: str = "",
    tags: Iterable[Tag] = (),
    external_ids: Iterable[tuple[str, str]] = (),
    is_demo: bool = False,
    is_start_unknown: bool = False,
    history: Sequence[Span] = (),
    **fields,
) -> NewClient:
    """For `create_clients`. `history` are all its periods, for a client with a history in another system. With a
    `status_start` in the future the client is a prospect until then. `reason` is the reason for leaving, for a client
    entered as former (default: other). Raises ServiceError.
    """
    only_known(fields, CLIENT_FIELDS.edited)
    client = fresh(Client, owner=owner, is_demo=is_demo)
    fields = with_custom(client, fields, CLIENT_FIELDS, is_new=True)
    _apply(client, fields | {"name": name, "owner": owner})
    clean_fields(client, ["name", *fields])
    if history:
        return NewClient(client, periods_of(client, history, today), list(tags), list(external_ids))
    start = status_start or today
    periods = first_periods(
        client, status=status, start=start, reason=reason, today=today, is_start_unknown=is_start_unknown
    )
    return NewClient(client, periods, list(tags), list(external_ids))


@service(may=permissions.may_create)
def create_clients(principal: Principal, *, rows: Sequence[NewClient], today: date) -> list[Client]:
    """Save clients made by `new_client`, with their periods and facts: all or none, one statement per table. Raises
    ServiceError for an external id that belongs to another client.
    """
    clients = insert([row.client for row in rows])
    for row in rows:
        for period in row.periods:
            period.client_id = row.client.pk
    insert([period for row in rows for period in row.periods])
    facts = (fresh(ClientFacts, client_id=row.client.pk, **status_facts(row.periods, today)) for row in rows)
    insert([*facts], has_keys=True)
    link = partial(fresh, Client.tags.through)
    insert([link(client_id=row.client.pk, tag_id=tag.pk) for row in rows for tag in row.tags])
    ids: dict[str, dict[str, int]] = {}
    for row in rows:
        for system, value in row.external_ids:
            ids.setdefault(system, {})[value] = row.client.pk
    for system, values in ids.items():
        link_externals(system=system, kind="client", ids=values)
    signals.rhythm_changed.send(Client, client_ids=[client.pk for client in clients])
    return clients


@service(may=permissions.may_create)
def create_client(principal: Principal, *, owner: User | None = None, today: date, **given) -> Client:
    """Create one client, with the arguments of `new_client`; the principal is the default `owner`."""
    row = new_client(owner=owner or principal.user, today=today, **given)
    return create_clients(principal, rows=[row], today=today)[0]


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def update_client(
    principal: Principal,
    *,
    client: Client,
    seen_version: int | None = None,
    tags: Iterable[Tag] | None = None,
    **fields,
) -> Client:
    """Change fields of a client. `seen_version` is the version the editor saw. Changing owner or team needs the right
    to reassign, because both decide who sees the client. Raises PermissionDenied, StaleWrite, ServiceError.
    """
    only_known(fields, CLIENT_FIELDS.edited)
    parent = fields.get("parent")
    is_moved = bool(parent) and Client.objects.filter(pk=client.pk).exclude(parent=parent).exists()
    if is_moved:
        lock_parents()
    row = Client.objects.select_for_update().get(pk=client.pk)
    if parent and not is_moved and row.parent_id != parent.pk:
        lock_parents()  # somebody gave it another one just now
    fields = with_custom(row, fields, CLIENT_FIELDS)
    for name, why in (("owner", permissions.HAND_ON), ("team", permissions.MOVE)):
        if fields.get(name, getattr(row, name)) != getattr(row, name) and not principal.is_system:
            require(permissions.may_reassign(principal, row), str(why))
    columns = {name: getattr(row._meta.get_field(name), "attname", name) for name in fields}
    before = {name: getattr(row, column) for name, column in columns.items()}
    digits = row.phone_digits
    _apply(row, fields)
    changed = [name for name, column in columns.items() if getattr(row, column) != before[name]]
    clean_fields(row, changed)
    if row.phone_digits != digits:
        changed.append("phone_digits")
    new_tags = set(tags) if tags is not None else set(row.tags.all())
    tags_differ = new_tags != set(row.tags.all())
    if changed or tags_differ or (seen_version is not None and seen_version != row.version):
        save_version(row, fields=changed, seen=seen_version, merges=not tags_differ)
    if tags_differ:
        row.tags.set(new_tags)
    if "tier" in changed:
        signals.rhythm_changed.send(Client, client_ids=[row.pk])
    return row


def _apply(client: Client, fields: dict) -> None:
    for name, value in fields.items():
        if name == "country":
            value = (value or "").strip().upper()
        elif name == "name":
            value = " ".join((value or "").split())
        elif isinstance(value, str):
            value = value.strip()
        setattr(client, name, value)
    if not client.name:
        raise ServiceError(_("Enter a client name."), field="name")
    if "owner" in fields:
        _check_active(client.owner, field="owner")
    if fields.get("parent"):
        _check_parent(client, fields["parent"])
    if "phone" in fields or "country" in fields:
        client.phone_digits = digits_of(client.phone, client.country)


def _check_active(user: User, *, field: str) -> None:
    if not user.is_active:
        text = _("%(name)s can no longer sign in. Choose someone else.") % {"name": user.name}
        raise ServiceError(text, field=field)


def lock_parents() -> None:
    """Parents are set one after the other until the transaction ends: two at once could close a ring that neither sees. Taken before any row
    is locked, so that nobody waits for a row of somebody who waits here: what writes many clients and a parent takes it first.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PARENTS])


def _check_parent(client: Client, parent: Client) -> None:
    above: int | None = parent.pk
    for _step in range(20):
        if above is None:
            return
        if above == client.pk:
            raise ServiceError(_("A client cannot be its own parent."), field="parent")
        above = Client.objects.filter(pk=above).values_list("parent_id", flat=True).first()
    raise ServiceError(_("This is nested too deeply."), field="parent")


def check_client(client: Client, **fields) -> None:
    """Raises ServiceError for values that `update_client` would refuse."""
    row = copy(client)
    fields = with_custom(row, fields, CLIENT_FIELDS)
    _apply(row, fields)
    clean_fields(row, [name for name in fields if not row._meta.get_field(name).is_relation])


@service(may=permissions.may_reassign_all, why=permissions.HAND_ON)
def reassign_clients(principal: Principal, *, clients: Sequence[Client], owner: User) -> int:
    """Reassign all of these clients to another account manager, or none. Returns how many had a different one. Raises
    PermissionDenied if one of them may not be reassigned, ServiceError (field owner) for a disabled user.
    """
    _check_active(owner, field="owner")
    rows = Client.objects.filter(pk__in=[client.pk for client in clients]).exclude(owner=owner)
    return rows.update(owner=owner, version=F("version") + 1, updated_at=timezone.now())


@service(may=permissions.may_edit, why=permissions.ALREADY_IN_TRASH)
def archive_client(principal: Principal, *, client: Client, now: datetime) -> Client:
    """Archive a client entered by mistake: hidden from every list and report."""
    row, _changed = set_archived(client, at=now, archived_by=principal.user)
    return row


@service(may=None)
def restore_client(principal: Principal, *, client: Client) -> Client:
    """Restore an archived client with all its data. Raises ServiceError for one that was merged into another."""
    registry.refuse_merged(client)
    row, _changed = set_archived(client, at=None, archived_by=None)
    return row


@service(may=permissions.may_restrict)
def restrict_client(principal: Principal, *, client: Client, users: Iterable[User] = (), reason: str = "") -> Client:
    """Restrict the client to its owner and the colleagues named; no role overrides this. Raises ServiceError (field user)."""
    row = Client.objects.select_for_update().get(pk=client.pk)
    for user in users:
        grant_access(principal, client=row, user=user, reason=reason)
    if not row.is_restricted:
        row.is_restricted = True
        save_version(row, fields=["is_restricted"], seen=None)
    return row


@service(may=permissions.may_lift_restriction)
def unrestrict_client(principal: Principal, *, client: Client) -> Client:
    """Lift the restriction. The colleagues named stay named."""
    row = Client.objects.select_for_update().get(pk=client.pk)
    if row.is_restricted:
        row.is_restricted = False
        save_version(row, fields=["is_restricted"], seen=None)
    return row


@service(may=permissions.may_restrict)
def grant_access(principal: Principal, *, client: Client, user: User, reason: str = "") -> ClientAccess:
    """Name a colleague who may see the client. Raises ServiceError (field user) for a disabled one."""
    _check_active(user, field="user")
    access, _made = ClientAccess.objects.get_or_create(
        client=client, user=user, defaults={"granted_by": principal.user, "reason": reason[:200]}
    )
    return access


@service(may=permissions.may_change_access)
def revoke_access(principal: Principal, *, access: ClientAccess) -> None:
    access.delete()

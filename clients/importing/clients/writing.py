"""What a batch of planned rows writes, and the file that can be read back."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clients.catalogue.models import Tag
from clients.contacts.services import create_contacts, new_contact
from clients.importing import common
from clients.importing.clients.columns import COLUMNS
from clients.importing.clients.main_contact import update_main_contact
from clients.importing.clients.planning import New, client_in, no_parent, state_of
from clients.importing.clients.referrals import CELLS, add_referrers, finish_referrers, with_referrals
from clients.importing.clients.statuses import STATUS, say_history, status_change
from clients.importing.common import Write
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.records.services.clients import create_clients, lock_parents, update_client
from clients.records.services.statuses import replace_periods
from crm.core.base.errors import ServiceError
from crm.core.importing.kinds import Context, Plan, Remarks


def create(principal, rows: list[New], context: Context) -> list[Client]:
    """Create parents before their children, so that every link has its row; one statement per level and table."""
    today, waiting = context["today"], rows
    while waiting:
        ready = [new for new in waiting if new.parent is None or new.parent.pk]
        if not ready:
            raise ServiceError(_("An earlier row with the same ID could not be imported."))
        for new in ready:
            new.client.parent = new.parent
            new.row.tags = {_tag(name, context) for name in new.tags}
        create_clients(principal, rows=[new.row for new in ready], today=today)
        there = {id(new) for new in ready}
        waiting = [new for new in waiting if id(new) not in there]
    contacts = [new_contact(client=new.client, **new.contact) for new in rows if new.contact]
    create_contacts(principal, rows=contacts)
    for new in rows:
        add_referrers(principal, new.client, new.referrers)
    common.memory("client", context).made.update(new.client.pk for new in rows)
    return [new.client for new in rows]


def _tag(name: str, context: Context) -> Tag:
    here = common.tags(context)
    if name.lower() not in here:
        here[name.lower()] = Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name)
    return here[name.lower()]


def lock(plans: list[Plan]) -> None:
    if any(plan.write.changes.get("parent") for plan in plans):
        lock_parents()


def update(principal, writes: list[Write], context: Context) -> None:
    today = context["today"]
    for write in writes:
        client, changes = write.row, dict(write.changes)
        status = {name: changes.pop(name) for name in STATUS if name in changes}
        history, contact = changes.pop("status_history", None), changes.pop("contact", None)
        add_referrers(principal, client, changes.pop("referrers", ()))
        if "tags" in changes:
            changes["tags"] = [_tag(name, context) for name in changes["tags"]]
        if changes:
            update_client(principal, client=client, **changes)
        if status:
            change, arguments = status_change(status, write.state, today)
            change(principal, client=client, today=today, **arguments)
        if history:
            replace_periods(principal, client=client, spans=history, today=today)
        if contact:
            update_main_contact(principal, client, contact)


def finish(principal, context: Context) -> Remarks:
    """Link the parents and referrers that were further down than their clients. What is refused there is a remark on its row."""
    later = common.waiting("later", context)
    referred = [(plan, client_in(write), ref) for plan, write, ref in common.waiting("referred", context)]
    refs = {ref for _plan, _write, ref in later if isinstance(ref, str)}
    context["cache"].clear()
    common.load_ids("client", refs, context)
    ids = context["cache"]["ids:client"]
    parents = Client.objects.visible_to(principal).in_bulk({ids.get(ref, ref) for _plan, _write, ref in later} - refs)
    if later:
        lock_parents()
    for plan, write, ref in later:
        child, parent = client_in(write), parents.get(ids.get(ref, ref))
        if child is None or not child.pk:
            continue
        if parent is None and isinstance(ref, str):  # its row was left out, or failed
            yield plan, no_parent(ref)
        elif parent is not None and child.parent_id != parent.pk:
            link = partial(update_client, principal, client=child, parent=parent)
            yield from common.refused(plan, CLIENT_FIELDS["parent"].label, link)
    yield from finish_referrers(principal, referred, context)


def exported(principal, clients: QuerySet) -> Iterator[list[Any]]:
    """Head and rows of the clients that the principal may see, as the import can read them back."""
    cells = common.cells_of(CLIENT_FIELDS, *STATUS, "owner", "team", "tags") | {
        "external_id": lambda client: common.own_id("client", client.pk),
        "parent_external_id": lambda client: common.own_id("client", client.parent_id) if client.is_parent_seen else "",
        "status_history": lambda client: say_history(state_of(client)["status_history"]),
        **CELLS,
    }
    rows = clients.with_parent_seen(principal).select_related("facts", "owner", "team")
    rows = with_referrals(principal, rows.prefetch_related("tags", "status_periods"))
    found = common.named(principal, rows.order_by("name_key", "pk").iterator(chunk_size=1000), CLIENT_FIELDS)
    return common.exported(COLUMNS, cells, found)

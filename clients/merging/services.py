"""Merges of clients and of contacts: one record is kept, and gets what the other one had. Undone in `undoing`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pghistory
from django.db import connection
from django.http import Http404
from django.utils.translation import gettext as _

from clients import permissions
from clients.contacts.models import Affiliation, Contact
from clients.contacts.queries import reach_of
from clients.contacts.services import hold_for_hidden, update_contact
from clients.gate import viewers
from clients.merging.fields import give_up, values_of
from clients.merging.models import ClientMerge, ContactMerge
from clients.merging.relations import Pair, relations_of
from clients.merging.statuses import united
from clients.records.facts import rebuild_facts
from clients.records.models import Client
from clients.records.services.clients import lock_parents, update_client
from clients.records.services.statuses import Span, replace_periods, spans_of
from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import check_version
from crm.core.fields.custom.choices import Kind
from crm.core.fields.custom.entries import records as with_custom_fields
from crm.core.fields.custom.models import CustomField
from crm.core.firm.queries import firm_today

MOST_TIME = "10min"
Seen = tuple[int | None, int | None]  # the versions that were seen: of the kept record, of the other one


@service(may=permissions.may_merge, why=permissions.MERGE)
def merge_clients(
    principal: Principal,
    *,
    kept: Client,
    away: Client,
    taken: Iterable[str] = (),
    seen: Seen = (None, None),
    now: datetime,
) -> ClientMerge:
    """Give everything of `away` to `kept`, and archive `away`. `taken`: the fields whose values of `away` the kept client gets.
    Raises StaleWrite; ServiceError for a restricted client and an open one, or if more colleagues would see one of the two.
    """
    lock_parents()
    kept, away = locked(Client, kept, away, seen, principal=principal)
    require(permissions.may_merge(principal, kept, away) or principal.is_system, str(permissions.MERGE))
    _check_restriction(kept, away)
    before = [_viewers(client) for client in (kept, away)] if kept.is_restricted else []
    pair, today = Pair(kept, away, principal, now), firm_today(now)
    values = values_of(principal, kept, away, [*taken])
    give_up(away, values)
    set_archived(away, at=now, archived_by=principal.user)
    if values:
        kept = update_client(principal, client=kept, **values)
    if any(not _viewers(kept) <= seen_by for seen_by in before):
        raise ServiceError(
            _("More colleagues would see one of these restricted clients. Name the same colleagues on both first.")
        )
    _take_over_status(principal, kept, away, today)
    merge = _carry_over(ClientMerge, pair)
    rebuild_facts(now=now, client_ids=[kept.pk, away.pk])
    return merge


@service(may=permissions.may_merge_contacts, why=permissions.PERSON_IN_TRASH)
def merge_contacts(
    principal: Principal,
    *,
    kept: Contact,
    away: Contact,
    taken: Iterable[str] = (),
    seen: Seen = (None, None),
    now: datetime,
) -> ContactMerge:
    """Give everything of `away` to `kept`, and archive `away`. Clients that the principal does not see keep the details that they
    had of either, as after every change out of their sight. Raises StaleWrite, ServiceError.
    """
    clients = Affiliation.objects.filter(contact__in=[kept.pk, away.pk]).order_by("client_id").values("client_id")
    list(Client.objects.select_for_update(of=("self",)).filter(pk__in=clients).order_by("pk").values_list("pk"))
    kept, away = locked(Contact, kept, away, seen, principal=principal)
    require(permissions.may_merge_contacts(principal, kept, away), str(permissions.PERSON_IN_TRASH))
    for contact, other in ((kept, away), (away, kept)):
        _check_widening(contact, other)
    pair = Pair(kept, away, principal, now)
    values = values_of(principal, kept, away, [*taken])
    give_up(away, values)
    hidden = _hidden_places(principal, pair)
    set_archived(away, at=now)
    if values:
        update_contact(principal, contact=kept, **values)
    merge = _carry_over(ContactMerge, pair)
    for contact_before, places in hidden:
        hold_for_hidden(kept, places=places, before=contact_before, by=principal)
    return merge


def take_time() -> None:
    """Give the statements of this transaction more time than a page has: a record may have many thousands of rows, and each that moves
    has its history.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = %s", [MOST_TIME])


def locked(
    model: Any, kept: Any, away: Any, seen: Seen = (None, None), *, principal: Principal | None = None
) -> tuple[Any, Any]:
    """Both as they are now, locked in the order of their ids. Raises StaleWrite if one is not as it was seen, ServiceError for one
    record twice, Http404 if one was deleted or the principal does not see it any more.
    """
    take_time()
    if kept.pk == away.pk:
        raise ServiceError(_("Choose another record to merge with."))
    pks = [kept.pk, away.pk]
    rows = model.objects.select_for_update(of=("self",)).filter(pk__in=pks).order_by("pk")
    found = {row.pk: row for row in rows}
    sight = model.objects.visible_to(principal) if principal else model.objects
    if len(found) < 2 or sight.filter(pk__in=pks).count() < 2:
        raise Http404
    for row, version in ((found[kept.pk], seen[0]), (found[away.pk], seen[1])):
        check_version(row, version)
    return found[kept.pk], found[away.pk]


def _carry_over(merges: Any, pair: Pair) -> Any:
    """Move what names the record merged away, and note the merge."""
    moved = [
        [relation.model._meta.label_lower, relation.column, pks]
        for relation in relations_of(pair.model)
        if (pks := relation.move(pair))
    ]
    if pair.model is Client:
        _rename_in_custom_fields(pair)
    with pghistory.context() as context:
        return merges.objects.create(
            kept=pair.kept,
            away=pair.away,
            at=pair.now,
            by=pair.principal.user,
            context=context.id,
            moved=moved,
        )


# Clients


def _check_restriction(kept: Client, away: Client) -> None:
    if kept.is_restricted == away.is_restricted:
        return
    name = (kept if kept.is_restricted else away).name
    text = _("Only %(name)s is restricted. Restrict both, or lift the restriction, before you merge them.")
    raise ServiceError(text % {"name": name})


def _viewers(client: Client) -> set[int]:
    return {*viewers(client, is_restricted=client.is_restricted).values_list("pk", flat=True)}


def _take_over_status(principal: Principal, kept: Client, away: Client, today: Any) -> None:
    own = spans_of(kept)
    spans = united(own, spans_of(away), today)
    if [_plain(span) for span in spans] != [_plain(span) for span in own]:
        replace_periods(principal, client=kept, spans=spans, today=today)


def _plain(span: Span) -> tuple:
    return span.start, span.end, span.status, span.reason


def _rename_in_custom_fields(pair: Pair) -> None:
    """Custom fields of any record that name the client merged away name the kept one."""
    for field in CustomField.objects.filter(kind=Kind.CLIENT):
        record = with_custom_fields.get(field.record)
        if record is None:
            continue
        model = record.catalogue.model
        names = {each.name for each in model._meta.concrete_fields}
        touched = ", updated_at = now()" if "updated_at" in names else ""
        sql = f"""
            UPDATE "{model._meta.db_table}" SET custom = jsonb_set(custom, ARRAY[%s], to_jsonb(%s::bigint)){touched}
            WHERE custom -> %s = to_jsonb(%s::bigint)
        """
        with connection.cursor() as cursor:
            cursor.execute(sql, [field.held_at, pair.kept.pk, field.held_at, pair.away.pk])


# Contacts


def _check_widening(contact: Contact, other: Contact) -> None:
    """Raises ServiceError if the contact is known only at restricted clients, and the merge would show it to more colleagues: those of
    the other one's clients.
    """
    places = list(contact.affiliations.select_related("client__owner"))
    if not places or not all(place.client.is_restricted for place in places):
        return
    seen_by = {pk for place in places for pk in _viewers(place.client)}
    if any(not _viewers(place.client) <= seen_by for place in other.affiliations.select_related("client__owner")):
        text = _("%(name)s is known at restricted clients only, and more colleagues would see them after the merge.")
        raise ServiceError(text % {"name": contact})


def _hidden_places(principal: Principal, pair: Pair) -> list[tuple[dict[str, Any], list[int]]]:
    """(details of a contact before the merge, its current places at clients that the principal does not see), for both."""
    found = []
    for contact in (pair.kept, pair.away):
        places = Affiliation.objects.filter(contact=contact, left_date__isnull=True)
        seen = places.visible_to(principal).values("pk")
        found.append((reach_of(contact), list(places.exclude(pk__in=seen).values_list("pk", flat=True))))
    return found

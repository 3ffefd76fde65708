"""Who referred a client, in its row: other clients by id, contacts by email address, anybody else by name; a name in quotes is a name also
if it has a semicolon or looks like an address.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.models import Contact, ContactEmail
from clients.importing import common
from clients.records.models import Client
from clients.referrals.models import Referral
from clients.referrals.services import add_referral
from crm.core.base.errors import ServiceError
from crm.core.importing.kinds import Context, Plan, Remarks, Values

BY_ID, BY_NAME = "referred_by_external_id", "referred_by"
LATER = "later"  # the kind of a client whose row has not been written
LONGEST = 120
ITEM = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:;|$)|([^;]+)')
IS_ADDRESS = re.compile(r"\S+@\S+").fullmatch


@dataclass(frozen=True)
class Referrer:
    """`kind`: client, contact, source or LATER; `key` tells those of a kind apart, `row` is the client or contact."""

    kind: str
    key: Any
    name: str = field(compare=False)
    row: Any = field(default=None, compare=False)

    def given(self) -> dict[str, Any]:
        """The argument of `add_referral`."""
        return {f"by_{self.kind}": self.row or self.name}


def parts(text: str) -> list[str]:
    """The items of a cell with ids. An id may hold a comma."""
    return [part for each in text.split(";") if (part := " ".join(each.split()))]


def named(text: str) -> dict[str, bool]:
    """The items of a cell with names and addresses, and whether each is an address."""
    found = ((" ".join((quoted.replace('""', '"') or plain).split()), plain) for quoted, plain in ITEM.findall(text))
    return {item: bool(plain and IS_ADDRESS(item)) for item, plain in found if item}


def ids_in(rows: list[Values]) -> list[str]:
    """The ids of referring clients in a chunk's rows; `look_up` loads them with the parents."""
    return [ref for row in rows for ref in parts(row.get(BY_ID, ""))]


def load_referrers(principal: Any, rows: list[Values], client_ids: set[int], context: Context) -> None:
    """The contacts that a chunk's rows name, and who referred its clients so far; two queries, only where the rows say something of it. A
    referral that was archived as a mistake counts, so that the same file does not bring it back; the row says so."""
    cache = context["cache"]
    cache["referring"], cache["referrals"], cache["archived referrals"] = {}, {}, {}
    if not any(row.get(BY_ID) or row.get(BY_NAME) for row in rows):
        return
    mails = {text.lower() for row in rows for text, is_mail in named(row.get(BY_NAME, "")).items() if is_mail}
    seen = Contact.objects.visible_to(principal).kept()
    found = ContactEmail.objects.alias(folded=Lower("address")).filter(folded__in=mails, contact__in=seen)
    for mail in found.select_related("contact"):
        cache["referring"].setdefault(mail.address.lower(), {})[mail.contact_id] = mail.contact
    for row in Referral.objects.visible_to(principal).filter(client__in=client_ids):
        kind = "referrals" if row.archived_at is None else "archived referrals"
        cache[kind].setdefault(row.client_id, set()).add(_of(row))


def _of(row: Referral) -> Referrer:
    if row.by_client_id or row.by_contact_id:
        return Referrer("client" if row.by_client_id else "contact", row.by_client_id or row.by_contact_id, "")
    return Referrer("source", row.by_source.lower(), "")


def plan_referrers(plan: Plan, client: Client | None, values: Values, context: Context) -> None:
    """Those of the row that the client does not have yet."""
    if not values.get(BY_ID) and not values.get(BY_NAME):
        return
    key, cache = client.pk if client else None, context["cache"]
    there, archived = (cache[kind].get(key, set()) for kind in ("referrals", "archived referrals"))
    named = dict.fromkeys([*_by_id(plan, client, values, context), *_by_name(plan, values, context)])
    plan.warnings += [_is_archived(each.name) for each in named if each in archived and each not in there]
    new = tuple(each for each in named if each not in there and each not in archived)
    later = context["memory"].setdefault("referred", [])
    is_past = context["is_past"]
    later += [(plan, plan.write, each.key) for each in new if each.kind == LATER or (is_past and each.kind == "client")]
    if not new:
        return
    plan.change(gettext_lazy("Referred by"), "", ", ".join(each.name for each in new))
    written = tuple(each for each in new if each.kind != LATER)
    if plan.write.new:
        plan.write.new.referrers = written
    else:
        plan.write.changes["referrers"] = written


def _is_archived(name: str) -> str:
    words = _(
        "The referral by “%(name)s” is archived and stays so. To bring it back, restore it under Referrals, “Archived”."
    )
    return words % {"name": name[:60]}


def _by_id(plan: Plan, client: Client | None, values: Values, context: Context) -> Iterator[Referrer]:
    for ref in parts(values.get(BY_ID, "")):
        pk = context["cache"]["ids:client"].get(ref[:200])
        found = context["cache"]["rows:client"].get(pk)
        if ref == values.get("external_id") or (found is not None and found == client):
            plan.warnings.append(_("A client cannot refer itself. No referral was added."))
        elif found is not None:
            yield Referrer("client", found.pk, found.name, found)
        elif common.is_in_file("client", ref, context):
            yield Referrer(LATER, ref, ref)
        else:
            plan.warnings.append(_("No client has the ID “%(id)s”. No referral was added.") % {"id": ref[:60]})


def _by_name(plan: Plan, values: Values, context: Context) -> Iterator[Referrer]:
    for text, is_mail in named(values.get(BY_NAME, "")).items():
        if len(text) > LONGEST:
            raise ServiceError(_("The name of who referred it is longer than 120 characters."))
        if not is_mail:
            yield Referrer("source", text.lower(), text)
            continue
        found = [*context["cache"]["referring"].get(text.lower(), {}).values()]
        if len(found) == 1:
            yield Referrer("contact", found[0].pk, found[0].name, found[0])
        else:
            words = _("Several contacts have the address “%(name)s”. No referral was added.")
            if not found:
                words = _("No contact has the address “%(name)s”. No referral was added.")
            plan.warnings.append(words % {"name": text[:60]})


def add_referrers(principal: Any, client: Client, referrers: tuple[Referrer, ...]) -> None:
    for each in referrers:
        add_referral(principal, client=client, now=timezone.now(), **each.given())


def finish_referrers(principal: Any, clients: list[tuple[Plan, Client | None, Any]], context: Context) -> Remarks:
    """Add the referrals by clients whose rows came later; (plan, client, id of who referred it)."""
    refs = {ref for _plan, _client, ref in clients if isinstance(ref, str)}
    common.load_ids("client", refs, context)
    ids = context["cache"]["ids:client"]
    found = Client.objects.visible_to(principal).in_bulk({ids.get(ref, ref) for _plan, _client, ref in clients} - refs)
    for plan, client, ref in clients:
        by = found.get(ids.get(ref, ref))
        if client is None or not client.pk or by is None or by == client:
            continue
        known = list(Referral.objects.filter(client=client, by_client=by).values_list("archived_at", flat=True))
        if known and None not in known:
            yield plan, _is_archived(by.name)
        elif not known:
            add = partial(add_referral, principal, client=client, by_client=by, now=timezone.now())
            yield from common.refused(plan, gettext_lazy("Referred by"), add)


def with_referrals(principal: Any, clients: QuerySet) -> QuerySet:
    """What `CELLS` read."""
    rows = Referral.objects.visible_to(principal).kept().order_by("pk").select_related("by_contact")
    rows = rows.prefetch_related("by_contact__emails")
    return clients.prefetch_related(Prefetch("referrals", rows, to_attr="referrals_seen"))


def _said(row: Referral) -> str:
    """A contact without an address cannot be read back."""
    if row.by_contact_id:
        return next((mail.address for mail in row.by_contact.emails.all()), "")  # type: ignore[union-attr]
    text = row.by_source
    is_plain = ";" not in text and not text.startswith('"') and not IS_ADDRESS(text)
    return text if is_plain else '"' + text.replace('"', '""') + '"'


CELLS = {
    BY_ID: lambda client: "; ".join(
        common.own_id("client", r.by_client_id) for r in client.referrals_seen if r.by_client_id
    ),
    BY_NAME: lambda client: "; ".join(filter(None, (_said(r) for r in client.referrals_seen if not r.by_client_id))),
}

"""Which client a row is about: by its id, its address, its domain; never by its name alone."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from clients import permissions
from clients.contacts.models import Affiliation
from clients.duplicates.near import first_rows, near_clients
from clients.importing import common
from clients.importing.clients.referrals import ids_in, load_referrers
from clients.importing.common import Write
from clients.records.external import with_externals
from clients.records.models import Client, Domain
from clients.records.queries import FREE_MAIL, domain_of
from crm.core.base.arrays import IDS, AnyOf, looked_up
from crm.core.base.errors import ServiceError
from crm.core.base.reading import fold
from crm.core.importing.kinds import Context, Plan, Values


def look_up(principal, rows: list[Values], context: Context) -> None:
    """Look up who has a chunk's addresses, domains and names; one query each."""
    seen = client_rows(principal).kept()
    cache = context["cache"]
    if others := [*ids_in(rows), *(ref for row in rows if (ref := row.get("parent_external_id")))]:
        common.load_ids("client", others, context)
        common.load_rows("client", client_rows(principal), cache["ids:client"].values(), context)
    mails = {mail.lower() for row in rows if (mail := row.get("email"))}
    domains = {domain for row in rows if (domain := own_domain(row))}
    by_mail = looked_up(Client.objects.exclude(email=""), Lower("email"), mails)
    by_domain = looked_up(Client.objects.exclude(website=""), Domain(F("website")), domains)
    cache["by_mail"] = _grouped(seen.filter(AnyOf("pk", [*by_mail], IDS)), mails, context)
    cache["by_domain"] = _grouped(seen.filter(AnyOf("pk", [*by_domain], IDS)), domains, context)
    keys = common.folded(name for row in rows if (name := row.get("name")))
    there = {*seen.filter(name_key__in={*keys.values()}).values_list("name_key", flat=True)}
    cache["names"] = {name for name, key in keys.items() if key in there}
    cache["near"] = {}
    if context["is_preview"]:
        new = {
            row["row_key"]: row for row in rows if row.get("name") and row.get("external_id") not in cache["ids:client"]
        }
        cache["near"] = near_clients(principal, first_rows(new, context))
    found = {client.pk for group in ("by_mail", "by_domain") for rows in cache[group].values() for client in rows}
    if any(row.get("contact_first_name") or row.get("contact_last_name") for row in rows):
        cache["places"] = _places(cache["rows:client"])
    load_referrers(principal, rows, {*cache["rows:client"]}, context)
    cache["with_id"] = with_externals(system=context["system"], kind="client", ids=found)


def _places(client_ids: Iterable[int]) -> dict[int, list[Affiliation]]:
    """The contacts of the clients that a chunk's rows may refer to."""
    places = Affiliation.objects.current().filter(client__in=[*client_ids]).select_related("contact").order_by("pk")
    groups: dict[int, list[Affiliation]] = {}
    for place in places.prefetch_related("contact__emails", "contact__phones"):
        groups.setdefault(place.client_id, []).append(place)
    return groups


def _grouped(clients, wanted: set[str], context: Context) -> dict[str, list[Client]]:
    groups: dict[str, list[Client]] = {}
    known = context["cache"]["rows:client"]
    for client in clients.order_by("pk") if wanted else ():
        client = known.setdefault(client.pk, client)
        for key in {client.email.lower(), domain_of(client.website)} & wanted:
            groups.setdefault(key, []).append(client)
    return groups


def client_rows(principal):
    """Clients with everything a row is compared with."""
    return (
        Client.objects.visible_to(principal)
        .with_parent_seen(principal)
        .select_related("facts", "owner", "team", "parent")
        .prefetch_related("tags", "status_periods")
    )


def find(values: Values, context: Context, plan: Plan) -> tuple[Any, str]:
    """The client (or the Write of an earlier row) that the row refers to, or None for a new one; and the id to remember
    it by.
    """
    row, key = common.known("client", values, context)
    if row is not None:
        if not isinstance(row, Write) and row.archived_at:
            raise ServiceError(str(permissions.IN_TRASH))
        return row, key
    memory, names = common.memory("client", context), keys_of(values)
    client = _by_mail_or_domain(values, context)
    is_shared = client is not None and memory.taken.get(client.pk, values["row_key"]) != values["row_key"]
    earlier = client.name if is_shared else next((memory.called[n] for n in names[:-1] if n in memory.called), None)
    is_other = client is not None and values.get("external_id") and client.pk in context["cache"]["with_id"]
    if client is not None and not is_shared and not is_other:
        return client, key
    if earlier is not None:
        message = _("An earlier row has the same website or email: “%(name)s”. This would be a second client.")
        plan.warnings.append(message % {"name": earlier[:80]})
    elif values["name"] in context["cache"]["names"] or names[-1] in memory.called:
        message = _("A client called “%(name)s” already exists. This would be another one.")
        plan.warnings.append(message % {"name": values["name"][:80]})
    elif near := context["cache"]["near"].get(values["row_key"]):
        plan.warnings.append(near.words())
    return None, key


def keys_of(values: Values) -> list[str]:
    """Keys that another row of the file may share with this one; the name comes last."""
    email, domain = values.get("email"), own_domain(values)
    known = [email and f"mail:{email.lower()}", domain and f"domain:{domain}"]
    return [*filter(None, known), f"name:{fold(values['name'])}"]


CALLED_BY = ("name", "email", "website", "contact_first_name", "contact_last_name")


def called(texts: dict[str, str]) -> list[str]:
    """`keys_of` of a row's cells as they are read later, before anything else is known of it."""
    person = f"{texts.get('contact_first_name', '')} {texts.get('contact_last_name', '')}"
    email = texts.get("email", "").removeprefix("mailto:").strip()
    return keys_of({"name": texts.get("name") or person, "email": email, "website": texts.get("website", "")})


def own_domain(values: Values) -> str:
    """The domain of the row's website, "" for a domain that many share."""
    domain = domain_of(values.get("website", ""))
    return "" if domain in FREE_MAIL else domain


def _by_mail_or_domain(values: Values, context: Context) -> Client | None:
    made = common.memory("client", context).made
    for group, key in (("by_mail", values.get("email", "").lower()), ("by_domain", own_domain(values))):
        found = [client for client in context["cache"][group].get(key, ()) if client.pk not in made]
        if client := common.the_one(found, values["name"]):
            return client
    return None

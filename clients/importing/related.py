"""Which client a row belongs to, where it says so by a contact, an opportunity, or the id of any of the three."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.models import Contact
from clients.importing import common
from clients.opportunities.models import Opportunity
from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.importing.kinds import Column, Context, Plan, Values, Waits

CONTACT, OPPORTUNITY, RECORD = "contact_external_id", "opportunity_external_id", "record_external_id"
COLUMNS = (
    Column(CONTACT, gettext_lazy("Contact’s id"), ("contact id", "contactid", "associated contact ids")),
    Column(OPPORTUNITY, gettext_lazy("Opportunity’s id"), ("deal id", "associated deal ids", "opportunity id")),
    Column(
        RECORD,
        gettext_lazy("Id of a client, contact or opportunity"),
        help_text=gettext_lazy("For a column that refers to several kinds of records"),
    ),
)
NAMES = (CONTACT, OPPORTUNITY, RECORD)
IDS = ("external_id", "client_external_id", *NAMES)
NEEDS = (("client_external_id", "client_name", *NAMES),)


def load_related(principal: Principal, rows: list[Values], context: Context) -> None:
    """The clients, contacts and opportunities that a chunk's rows name by id; a few queries. Call it after `load_clients`."""
    ids = {name: {ref for row in rows for ref in common.refs_in(row.get(name, ""))} for name in NAMES}
    if not any(ids.values()):
        context["cache"].setdefault("rows:contact", {})
        context["cache"].setdefault("rows:opportunity", {})
        return
    cache = context["cache"]
    contacts = Contact.objects.visible_to(principal).kept().prefetch_related("affiliations")
    deals = Opportunity.objects.visible_to(principal).kept()
    for of, found in (("contact", contacts), ("opportunity", deals)):
        common.load_ids(of, ids[f"{of}_external_id"] | ids[RECORD], context)
        common.load_rows(of, found, cache[f"ids:{of}"].values(), context)
    common.load_ids("client", ids[RECORD], context)
    places = (place.client_id for contact in cache["rows:contact"].values() for place in contact.affiliations.all())
    wanted = {*cache["ids:client"].values(), *places, *(deal.client_id for deal in cache["rows:opportunity"].values())}
    common.load_rows("client", Client.objects.visible_to(principal).kept(), wanted, context)


def _records(of: str, refs: Iterable[str], context: Context) -> list[Any]:
    ids, rows = context["cache"].get(f"ids:{of}", {}), context["cache"].get(f"rows:{of}", {})
    return [rows[ids[ref[:200]]] for ref in refs if ids.get(ref[:200]) in rows]


def contacts_named(values: Values, context: Context) -> list[Contact]:
    refs = [ref for name in (CONTACT, RECORD) for ref in common.refs_in(values.get(name, ""))]
    return list(dict.fromkeys(_records("contact", refs, context)))


def client_of(values: Values, context: Context, plan: Plan) -> Client:
    """As `common.client_of`, and where the row names no client that is known: that of its opportunity, of its record, of its contact.
    Raises ServiceError, Waits.
    """
    client = _client_of(values, context, plan)
    plan.target, plan.url = client.name, client.get_absolute_url
    return client


def _client_of(values: Values, context: Context, plan: Plan) -> Client:
    if not any(values.get(name) for name in NAMES):
        return common.client_of(values, context, plan)
    refused: ServiceError | None = None
    if values.get("client_external_id") or values.get("client_name"):
        try:
            return common.client_of(values, context, plan)
        except Waits:
            raise
        except ServiceError as error:
            refused = error
    record, clients = common.refs_in(values.get(RECORD, "")), context["cache"].get("rows:client", {})
    deals = _records("opportunity", [*common.refs_in(values.get(OPPORTUNITY, "")), *record], context)
    found = [clients.get(deal.client_id) for deal in deals] + _records("client", record, context)
    for contact in contacts_named(values, context):
        places = sorted(
            contact.affiliations.all(), key=lambda place: (place.left_date is not None, not place.is_primary)
        )
        found += [clients.get(place.client_id) for place in places]
    if client := next(filter(None, found), None):
        return client
    named = [ref for name in NAMES for ref in common.refs_in(values.get(name, ""))]
    common.wait_for(("client", "contact", "opportunity"), named, context)
    if refused is not None:
        raise refused
    words = _("No client, contact or opportunity has the ID “%(id)s” in “%(system)s”. Import them first.")
    raise ServiceError(words % {"id": "; ".join(named)[:60], "system": context["system"]})


def with_contacts(client: Client, found: list[Contact], values: Values, plan: Plan, context: Context) -> list[Contact]:
    """The contacts a row names by address (`found`) and by id, of those who are at the client."""
    named = contacts_named(values, context)
    here = [row for row in named if any(place.client_id == client.pk for place in row.affiliations.all())]
    words = _("%(name)s is not a contact at %(client)s and was left out.")
    plan.warnings += [words % {"name": row.name[:60], "client": client.name} for row in named if row not in here]
    missing = [ref for ref in common.refs_in(values.get(CONTACT, "")) if not _records("contact", [ref], context)]
    if missing and not common.is_coming("contact", missing, context):
        plan.warnings.append(_("No contact has the ID “%(id)s”. Left out.") % {"id": "; ".join(missing)[:60]})
    return list(dict.fromkeys([*found, *here]))

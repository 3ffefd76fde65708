"""Which client a row means: by its id, then by mail address or domain. A name alone only gives a warning."""

from django.db.models import Value
from django.utils.translation import gettext as _

from clients import permissions
from clients.importing import common
from clients.records.external import has_external
from clients.records.models import Client
from clients.records.queries import domain_of
from crm.core.base.errors import ServiceError
from crm.core.base.models import Folded
from crm.core.importing import tabular

FREE_MAIL = {
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "yahoo.com",
    "icloud.com",
    "gmx.de",
    "web.de",
    "aol.com",
    "live.com",
}


def find(principal, values, context, result) -> Client | None:
    """The client that the row means, or None for a new one. Raises ServiceError for one the principal may not see or edit."""
    found = common.known("client", values, context)
    clients = Client.objects.visible_to(principal)
    if found:
        client = clients.filter(pk=found).first()
        if client is None:
            raise ServiceError(_("A client of this id exists, but you may not see it."))
        if not permissions.may_edit(principal, client):
            raise ServiceError(_("This client is in the trash. Restore it first."))
        return client
    client = _by_mail_or_domain(clients.kept(), values)
    if client and taken(context).get(client.pk, values["row_key"]) != values["row_key"]:
        result.warnings.append(
            _("An earlier row of this file has the same website or e-mail: “%(name)s”; this would be another one.")
            % {"name": client.name[:80]}
        )
        return None
    if client and not _has_other_id(client, values, context):
        return client
    if clients.kept().filter(name_key=Folded(Value(values["name"]))).exists():
        result.warnings.append(
            _("There is already a client called “%(name)s”; this would be another one.") % {"name": values["name"][:80]}
        )
    return None


def taken(context) -> dict[int, str]:
    """{client: the row of this file that it belongs to}, so that two rows with one domain are two clients."""
    return context.setdefault("taken", {})


def own_domain(values) -> str:
    """The domain of the row's website, "" for one that many share."""
    domain = domain_of(values.get("website", ""))
    return "" if domain in FREE_MAIL else domain


def _by_mail_or_domain(clients, values) -> Client | None:
    if values.get("email"):
        found = list(clients.filter(email__iexact=values["email"])[:20])
        if client := _the_one(found, values["name"]):
            return client
    if domain := own_domain(values):
        found = [c for c in clients.filter(website__icontains=domain)[:20] if domain_of(c.website) == domain]
        return _the_one(found, values["name"])
    return None


def _the_one(found: list[Client], name: str) -> Client | None:
    """Of several with the same mail address or domain, the one with this name."""
    if len(found) > 1:
        found = [client for client in found if tabular.fold(client.name) == tabular.fold(name)]
    return found[0] if len(found) == 1 else None


def _has_other_id(client: Client, values, context) -> bool:
    """Whether the client has another id in the same system, so that it only shares the mail address or domain."""
    return bool(values.get("external_id")) and has_external(
        system=context["system"], kind="client", object_id=client.pk
    )

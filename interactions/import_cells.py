"""Columns and cells that the imports of this app share."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from clients.contacts.models import Contact, ContactEmail
from clients.importing import common
from crm.core.importing.kinds import RowResult

CLIENT_COLUMNS = (
    *common.client_columns((*common.CLIENT_ID, "company id"), (*common.CLIENT_NAME, "company name")),
    common.external_id("id", "activity id", "response id", "engagement id"),
)


def contacts_of(client, addresses: Iterable[str], result: RowResult) -> list[Contact]:
    """The client's people with these addresses; one that nobody there has gives a warning."""
    found = []
    for address in addresses:
        mails = ContactEmail.objects.filter(address__iexact=address, contact__affiliations__client=client)
        if mail := mails.select_related("contact").first():
            found.append(mail.contact)
            continue
        result.warnings.append(
            _("Nobody at %(client)s has the address %(address)s; left empty.")
            % {"client": client.name, "address": address}
        )
    return found

"""Columns and cells that the imports of this app share."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.models import Contact, ContactEmail
from clients.importing import common
from clients.importing.common import Context
from crm.core.firm.queries import firm_zone
from crm.core.importing import tabular
from crm.core.importing.kinds import Column, RowResult

CLIENT_COLUMNS = (
    Column(
        "client_external_id",
        gettext_lazy("Client’s id"),
        ("customerid", "customer id", "account id", "accountid", "client id", "company id"),
    ),
    Column(
        "client_name", gettext_lazy("Client’s name"), ("client", "customer", "company", "account name", "company name")
    ),
    Column(
        "contact_email",
        gettext_lazy("Contact’s e-mail"),
        ("email", "email address", "respondent", "respondent email"),
        parse=common.parse_email,
        is_lenient=True,
    ),
    Column(
        "external_id", gettext_lazy("Id in the other system"), ("id", "activity id", "response id", "engagement id")
    ),
)


def parse_moment(text: str, context: Context):
    return tabular.parse_moment(text, context["date_order"], firm_zone())


def contact_of(client, values: dict[str, Any], result: RowResult) -> Contact | None:
    address = values.get("contact_email")
    if not address:
        return None
    mails = ContactEmail.objects.filter(address__iexact=address, contact__affiliations__client=client).select_related(
        "contact"
    )
    mail = mails.first()
    if mail is None:
        result.warnings.append(
            _("Nobody at %(client)s has the address %(address)s; left empty.")
            % {"client": client.name, "address": address}
        )
    return mail.contact if mail else None


def prepare_for(kind: str):
    """Look the ids of a batch's rows and of their clients up at once."""

    def prepare(principal, rows: list[dict[str, Any]], context: Context) -> None:
        common.load_known(kind, rows, context)
        common.load_known("client", rows, context, field="client_external_id")

    return prepare

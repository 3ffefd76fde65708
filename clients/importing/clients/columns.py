"""The columns of a file of clients."""

from collections.abc import Iterator
from dataclasses import replace

from django.utils.translation import gettext_lazy

from clients.contacts.fields import CONTACT_FIELDS
from clients.importing import common
from clients.importing.clients import referrals
from clients.importing.clients.statuses import read_history, read_since
from clients.records.fields import CLIENT_FIELDS
from crm.core.fields.types import EMAIL, Reader, limited
from crm.core.importing.kinds import Column


def _columns() -> Iterator[Column]:
    for column in CLIENT_FIELDS.import_columns():
        if column.name == "status_date":
            text = gettext_lazy("A date, “today”, or “unknown”: clients of unknown start are left out of retention.")
            column = replace(column, parse=Reader(read_since, asks="date_order"), help_text=text)
        if column.name == "tags" and column.vocabulary:
            column = replace(column, vocabulary=replace(column.vocabulary, is_made=True))
        yield column


_NAME, *_REST = _columns()
COLUMNS = CLIENT_FIELDS.with_custom(
    _NAME,
    common.external_id("id", "account id", "customerid", "customer id", "record id", "client id", "company id"),
    *_REST,
    Column(
        referrals.BY_ID,
        gettext_lazy("Referred by clients, by ID"),
        ("referred by id", "referrer id", "referring account id"),
        help_text=gettext_lazy("IDs of clients, separated by semicolons"),
    ),
    Column(
        referrals.BY_NAME,
        gettext_lazy("Referred by"),
        ("referrer", "referred by name", "referral"),
        help_text=gettext_lazy("Email addresses of contacts, or names of others, separated by semicolons"),
    ),
    Column("status_history", gettext_lazy("Status history"), parse=Reader(read_history)),
    Column(
        "contact_first_name",
        gettext_lazy("Contact’s first name"),
        ("firstname", "first name", "vorname"),
        parse=CONTACT_FIELDS["first_name"].type.read,
    ),
    Column(
        "contact_last_name",
        gettext_lazy("Contact’s last name"),
        ("lastname", "last name", "nachname"),
        parse=CONTACT_FIELDS["last_name"].type.read,
    ),
    Column("contact_email", gettext_lazy("Contact’s email"), ("contact email",), parse=EMAIL.read, is_lenient=True),
    Column(
        "contact_phone", gettext_lazy("Contact’s phone"), ("contact phone",), parse=limited(40).read, is_lenient=True
    ),
)

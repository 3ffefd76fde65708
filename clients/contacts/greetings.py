"""The first line of a mail to a client, in the active language."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.ui.formatting import one_line

# titles that other systems export as a salutation; not a greeting on their own
TITLES = frozenset("mr mrs ms miss mx dr prof sir herr frau m mme mlle sr sra srta dhr mevr fru hra rva".split())  # noqa: SIM905


def greeting(client: Client, contact: Contact | None) -> str:
    """The greeting: the contact's or client's salutation, else the name, with the language's punctuation."""
    return _closed(_address(client, contact))


def _address(client: Client, contact: Contact | None) -> str:
    wanted = one_line((contact.salutation if contact else "") or client.salutation).rstrip(" ,:;")
    if wanted and not _is_title(wanted):
        return wanted
    first, last = (one_line(contact.first_name), one_line(contact.last_name)) if contact else ("", "")
    if wanted and last:
        return _("Dear %(title)s %(last_name)s") % {"title": wanted, "last_name": last}
    if not first and not last:
        return _("Hello")
    return _("Hello %(name)s") % {"name": first or last, "full_name": f"{first} {last}".strip()}


def _is_title(text: str) -> bool:
    return all(part.strip(".").casefold() in TITLES for part in text.split())


def _closed(text: str) -> str:
    """Hello Elina, · Hola, Elina: · a greeting that already ends in punctuation is kept."""
    return text if text[-1] in "!.?…，：" else pgettext("first line of a letter", "%(greeting)s,") % {"greeting": text}

"""The generated words of a progress email, in the client's language: subject, summary, greeting, closing."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from clients.contacts.models import Contact
from clients.records.models import Client

# titles that other systems export as a salutation; not a greeting alone
TITLES = {
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "sir",
    "herr",
    "frau",
    "m",
    "mme",
    "mlle",
    "sr",
    "sra",
    "srta",
    "dhr",
    "mevr",
    "fru",
    "hra",
    "rva",
}


def one_line(text: str) -> str:
    """On one line, for subjects and greetings: names from imports may have line breaks."""
    return " ".join(str(text).split())


def subject(firm_name: str, week: str) -> str:
    return _("%(firm)s: progress in week %(week)d") % {"firm": one_line(firm_name), "week": int(week[-2:])}


def summary(sections: list[dict[str, Any]], *, is_news: bool) -> str:
    """A summary of the numbers of lines in the sections."""
    count = {section["key"]: len(section["items"]) for section in sections}
    if not is_news:
        lead = _("A quiet week: nothing was finished or decided, and all is on its way.")
        return " ".join([lead, *_needed(count)])
    lead = _("Here is where we stand this week.")
    done, agreed = count.get("done", 0), count.get("agreed", 0)
    counted = []
    if done:
        counted.append(ngettext("One thing was done.", "%(n)d things were done.", done) % {"n": done})
    if agreed:
        counted.append(ngettext("One thing was agreed.", "%(n)d things were agreed.", agreed) % {"n": agreed})
    return " ".join([lead, *counted, *_needed(count)])


def _needed(count: dict[str, int]) -> list[str]:
    n = count.get("needed", 0)
    return [ngettext("We need one thing from you.", "We need %(n)d things from you.", n) % {"n": n}] if n else []


def closing() -> str:
    return _("If anything is unclear or missing, simply reply to this mail.")


def greeting(client: Client, contact: Contact | None) -> str:
    """The contact's or client's salutation, else the name, with the punctuation of the language."""
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
    """Hello Elina, · Hola, Elina: · a greeting that ends in punctuation stays."""
    return text if text[-1] in "!.?…，：" else pgettext("first line of a letter", "%(greeting)s,") % {"greeting": text}

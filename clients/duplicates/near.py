"""Which visible records the new rows of a file resemble: one query for the names of a chunk, one for its phones and emails."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from clients.contacts.models import Contact, ContactEmail, ContactPhone
from clients.duplicates.finding import keys
from clients.duplicates.queries import client_details, contact_details, of_clients, of_contacts, words_of
from clients.duplicates.scoring import LIKELY, Details, Likeness, likeness
from clients.phones import digits_of
from clients.records.models import Client

K = TypeVar("K", bound=Hashable)
LIKE_IT = 10  # records looked at for each name
# the trigram index of `search_key` finds them; an archived record is none
BY_NAME = """
    SELECT DISTINCT near.id FROM unnest(%s::text[]) AS wanted(name) CROSS JOIN LATERAL (
        SELECT r.id FROM {table} r WHERE r.search_key %%> wanted.name AND r.archived_at IS NULL LIMIT {most}
    ) near
"""


@dataclass(frozen=True)
class Near:
    name: str
    alike: Likeness

    def words(self) -> str:
        text = _("May be a duplicate of “%(name)s”: %(why)s.")
        return text % {"name": self.name[:80], "why": words_of(self.alike.reasons).lower()}


def near_clients(principal, rows: Mapping[K, Mapping[str, Any]]) -> dict[K, Near]:
    """{key of a row: the client it resembles most} of those that the principal sees, for rows that are probably one of them."""
    typed = {
        key: client_details(**{name: value for name, value in row.items() if isinstance(value, str)})
        for key, row in rows.items()
    }
    phones = {phone for one in typed.values() for phone in one.phones}
    mails = {mail for one in typed.values() for mail in one.mails}
    found = _named(Client, {one.name for one in typed.values()})
    found |= {*Client.objects.filter(phone_digits__in=phones).values_list("pk", flat=True)} if phones else set()
    same_mail = Client.objects.alias(folded=Lower("email")).filter(folded__in=mails).exclude(email="")
    found |= {*same_mail.values_list("pk", flat=True)} if mails else set()
    seen = Client.objects.visible_to(principal).kept().filter(pk__in=found)
    return _nearest(typed, of_clients(seen), seen)


def near_contacts(principal, rows: Mapping[K, Mapping[str, Any]]) -> dict[K, Near]:
    """The same of contacts; a row has `first_name`, `last_name`, `mails`, `phones`."""
    typed = {
        key: contact_details(
            None,
            row.get("first_name", ""),
            row.get("last_name", ""),
            row["mails"],
            [digits_of(phone) for phone in row["phones"]],
        )
        for key, row in rows.items()
    }
    phones = {phone for one in typed.values() for phone in one.phones}
    mails = {mail for one in typed.values() for mail in one.mails}
    found = _named(Contact, {" ".join(one.parts) for one in typed.values() if all(one.parts)})
    found |= {*ContactPhone.objects.filter(digits__in=phones).values_list("contact", flat=True)} if phones else set()
    same_mail = ContactEmail.objects.alias(folded=Lower("address")).filter(folded__in=mails)
    found |= {*same_mail.values_list("contact", flat=True)} if mails else set()
    seen = Contact.objects.visible_to(principal).kept().filter(pk__in=found)
    return _nearest(typed, of_contacts(seen), seen)


def _named(model: Any, names: set[str]) -> set[int]:
    wanted = [name for name in names if len(name) > 3]
    with connection.cursor() as cursor:
        cursor.execute(BY_NAME.format(table=model._meta.db_table, most=LIKE_IT), [wanted])
        return {pk for (pk,) in cursor.fetchall()}


def _nearest(typed: Mapping[K, Details], there: Any, rows: QuerySet) -> dict[K, Near]:
    """Only those that share a key are compared."""
    blocks: dict[tuple[str, str], list[Details]] = defaultdict(list)
    for one in there:
        for block in set(keys(one)):
            blocks[block].append(one)
    if not blocks:
        return {}
    best: dict[K, tuple[Likeness, int]] = {}
    for key, wanted in typed.items():
        others = {other.pk: other for block in set(keys(wanted)) for other in blocks.get(block, ())}
        for pk, other in others.items():
            alike = likeness(wanted, other)
            if alike.score >= LIKELY and (key not in best or alike.score > best[key][0].score):
                best[key] = alike, pk
    names = {row.pk: str(row) for row in rows.model._default_manager.filter(pk__in={pk for _a, pk in best.values()})}
    return {key: Near(names[pk], alike) for key, (alike, pk) in best.items() if pk in names}

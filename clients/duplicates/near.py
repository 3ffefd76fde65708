"""Which visible records the new rows of a file resemble: one query for the names of a chunk, one for its phones and emails."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Lower
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from clients.contacts.models import Contact, ContactEmail, ContactPhone
from clients.duplicates.finding import keys
from clients.duplicates.queries import client_details, contact_details, of_clients, of_contacts, words_of
from clients.duplicates.scoring import LIKELY, Details, Likeness, likeness
from clients.phones import digits_of
from clients.records.models import Client
from crm.core.base.arrays import IDS, AnyOf, looked_up

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
LIKE_IT = 10  # records looked at for each name
MOST_ROWS = 5000  # of a preview; a name takes about 3 ms among 100,000 clients
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


def first_rows(rows: dict[K, V], context: dict[str, Any]) -> dict[K, V]:
    """Those of a chunk for which a preview looks: the first MOST_ROWS of the file."""
    left = MOST_ROWS - context.get("near_rows", 0)
    context["near_rows"] = context.get("near_rows", 0) + len(rows)
    return dict(islice(rows.items(), max(left, 0)))


def note(total: int) -> str:
    """What a preview of so many rows has to say of this."""
    if total <= MOST_ROWS:
        return ""
    text = _(
        "Possible duplicates were looked for in the first %(n)s rows. The list of possible duplicates shows all of them on the day after."
    )
    return text % {"n": number_format(MOST_ROWS, force_grouping=True)}


def near_clients(principal, rows: Mapping[K, Mapping[str, Any]]) -> dict[K, Near]:
    """{key of a row: the client it resembles most} of those that the principal sees, for rows that are probably one of them."""
    typed = {
        key: client_details(**{name: value for name, value in row.items() if isinstance(value, str)})
        for key, row in rows.items()
    }
    phones = {phone for one in typed.values() for phone in one.phones}
    mails = {mail for one in typed.values() for mail in one.mails}
    found = _named(Client, {one.name for one in typed.values()})
    found |= looked_up(Client.objects.exclude(phone_digits=""), F("phone_digits"), phones)
    found |= looked_up(Client.objects.exclude(email=""), Lower("email"), mails)
    seen = Client.objects.visible_to(principal).kept().filter(AnyOf("pk", [*found], IDS))
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
    found |= looked_up(ContactPhone.objects.all(), F("digits"), phones, "contact")
    found |= looked_up(ContactEmail.objects.all(), Lower("address"), mails, "contact")
    seen = Contact.objects.visible_to(principal).kept().filter(AnyOf("pk", [*found], IDS))
    return _nearest(typed, of_contacts(seen), seen)


def _named(model: Any, names: set[str]) -> set[int]:
    wanted = [name for name in names if len(name) > 3]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # else a new table is read to its end for each name
        cursor.execute(BY_NAME.format(table=model._meta.db_table, most=LIKE_IT), [wanted])
        found = {pk for (pk,) in cursor.fetchall()}
        cursor.execute("SET LOCAL enable_seqscan = on")
    return found


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
